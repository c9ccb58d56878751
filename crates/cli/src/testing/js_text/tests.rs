use super::*;

#[test]
fn numbers_are_written_as_in_javascript() {
    for (json, text) in [
        ("0", "0"),
        ("-0.0", "0"),
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("-12.25", "-12.25"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789012345678", "123456789012345680"),
        ("0.000001", "0.000001"),
        ("0.0000001", "1e-7"),
        ("1.5e-9", "1.5e-9"),
        ("1.25e30", "1.25e+30"),
    ] {
        let value: Value = serde_json::from_str(json).unwrap();
        assert_eq!(stringify(&value), text, "{json}");
    }
}

#[test]
fn members_are_in_the_order_of_javascript() {
    let value: Value = serde_json::from_str(r#"{"b": [1, "ä\n\u0001"], "10": null, "2": true, "01": {}}"#).unwrap();
    assert_eq!(
        stringify(&value),
        "{\"2\":true,\"10\":null,\"b\":[1,\"ä\\n\\u0001\"],\"01\":{}}"
    );
}
