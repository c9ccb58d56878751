use serde_json::{Value, json};

use super::check;

fn codes(checkpoint: &Value) -> Vec<String> {
    let issues = check(&checkpoint.to_string()).err().unwrap_or_default();
    let code = |issue: &Value| issue["code"].as_str().unwrap_or_default().to_owned();
    issues.iter().map(code).collect()
}

#[test]
fn checkpoints_are_flat_and_small() {
    let many = |count: usize| (0..count).map(|n| (format!("k{n}"), json!(n))).collect::<Value>();
    let key = |length: usize| json!({ "k".repeat(length): 1 });
    for fine in [
        json!({}),
        json!({ "a": "text", "b": 1.5, "c": true, "d": "é".repeat(4_000) }),
        many(16),
        key(255),
    ] {
        assert_eq!(codes(&fine), Vec::<String>::new(), "{fine}");
    }
    for (wrong, code) in [
        (json!([1]), "invalid_type"),
        (json!("text"), "invalid_type"),
        (json!(null), "invalid_type"),
        (many(17), "too_big"),
        (key(256), "invalid_key"),
        (json!({ "a": null }), "invalid_union"),
        (json!({ "a": [1] }), "invalid_union"),
        (json!({ "a": { "b": 1 } }), "invalid_union"),
        (json!({ "a": "x".repeat(4_001) }), "invalid_union"),
    ] {
        assert_eq!(codes(&wrong), [code], "{wrong}");
    }
}
