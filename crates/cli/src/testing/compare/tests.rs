use super::*;
use serde_json::json;

#[test]
fn numbers_are_equal_by_value_and_members_in_any_order() {
    let expected: Value = serde_json::from_str(r#"{"a": 1.0, "b": [9007199254740993]}"#).unwrap();
    let actual: Value = serde_json::from_str(r#"{"b": [9007199254740992], "a": 1}"#).unwrap();
    assert!(compare("output", &expected, &actual).is_none());
}

#[test]
fn every_kind_of_difference_names_its_place() {
    let expected = json!({ "a": [1, { "x-y": null }], "gone": "text", "same": true });
    let actual = json!({ "a": [2, { "x-y": 0 }], "more": [], "same": true });
    let difference = compare("output", &expected, &actual).unwrap();
    assert_eq!(
        difference.summary,
        "output.a[0] is 2, expected 1; output.a[1][\"x-y\"] is 0, expected null; \
             output.gone is missing (expected \"text\"); and 1 more place"
    );
    assert!(
        difference.lines.contains("-  \"gone\": \"text\""),
        "{}",
        difference.lines
    );
}
