use super::*;
use serde_json::json;

fn exchange(hash: &str, parts: &[(&str, &str)], data: Value) -> Exchange {
    Exchange {
        hash: hash.to_owned(),
        described: hash.to_owned(),
        endpoint: "get items".to_owned(),
        parts: parts
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect(),
        answer: json!({ "data": data }).to_string(),
    }
}

#[test]
fn an_item_moves_between_pages_that_follow_each_other() {
    let items = |ids: &[u32]| -> Value { ids.iter().map(|id| json!({ "id": id })).collect() };
    let first = exchange("a", &[("limit", "2")], json!({ "list": items(&[1, 2]), "next": "c2" }));
    let second = exchange(
        "b",
        &[("limit", "2"), ("cursor", "c2")],
        json!({ "list": items(&[3]), "next": null }),
    );
    let variants = shifted(&first, &second);
    assert_eq!(variants.len(), 2);
    let longer: Value = serde_json::from_str(&variants[0].1[0].1).unwrap();
    assert_eq!(longer["data"]["list"], items(&[2, 3]));
    let left: Value = serde_json::from_str(&variants[1].1[0].1).unwrap();
    assert_eq!(left["data"]["list"], items(&[3, 2]));
}

#[test]
fn lists_of_different_parents_are_left_alone() {
    let first = exchange("a", &[("channel", "C1")], json!({ "list": [{ "id": 1 }] }));
    let second = exchange("b", &[("channel", "C2")], json!({ "list": [{ "id": 2 }] }));
    assert!(shifted(&first, &second).is_empty());
    let numbered = exchange(
        "b",
        &[("channel", "C1"), ("page", "2")],
        json!({ "list": [{ "id": 2 }] }),
    );
    assert_eq!(shifted(&first, &numbered).len(), 1);
}
