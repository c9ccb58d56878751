use serde_json::{Value, json};

use super::check;

/// Message and path of each violation.
fn told(schema: Value, data: Value) -> Vec<(String, String)> {
    let mut found = Vec::new();
    check(&mut found, "invalid_action_input", "M", &json!({ "M": schema }), &data);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    found
        .iter()
        .map(|one| (text(&one["message"]), text(&one["path"])))
        .collect()
}

fn tagged(keyword: &str) -> Value {
    let of = |tag: &str, member: &str, kind: &str| {
        json!({
            "type": "object", "required": ["kind", member],
            "properties": { "kind": { "const": tag }, member: { "type": kind } },
        })
    };
    json!({ keyword: [of("card", "number", "string"), of("cash", "amount", "number")], "discriminator": { "propertyName": "kind" } })
}

#[test]
fn the_alternative_that_the_tag_names_is_the_one_that_complains() {
    for keyword in ["oneOf", "anyOf"] {
        assert_eq!(told(tagged(keyword), json!({ "kind": "cash", "amount": 3 })), []);
        let wrong = told(tagged(keyword), json!({ "kind": "cash", "amount": "3" }));
        assert_eq!(
            wrong,
            [(r#""3" is not of type "number""#.to_owned(), "/amount".to_owned())],
            "{keyword}"
        );
        let absent = told(tagged(keyword), json!({ "kind": "card" }));
        assert_eq!(absent.len(), 1);
        assert!(absent[0].0.contains("\"number\" is a required property"), "{absent:?}");
        let neither = told(tagged(keyword), json!({ "kind": "shells", "amount": 3 }));
        assert_eq!(neither.len(), 1);
        assert!(
            neither[0].0.contains("not valid under any of the schemas"),
            "{neither:?}"
        );
        assert_eq!(neither[0].1, "");
    }
}

#[test]
fn the_alternative_of_the_same_type_is_the_one_that_complains() {
    let nullable = json!({ "type": "object", "properties": { "owner": { "anyOf": [
        { "type": "object", "required": ["id"], "properties": { "id": { "type": "string" } } },
        { "type": "null" },
    ] } } });
    assert_eq!(told(nullable.clone(), json!({ "owner": null })), []);
    let wrong = told(nullable, json!({ "owner": { "id": 5 } }));
    assert_eq!(
        wrong,
        [(r#"5 is not of type "string""#.to_owned(), "/owner/id".to_owned())]
    );
}

#[test]
fn every_violation_is_listed_and_formats_count() {
    let schema = json!({ "type": "object", "required": ["id"], "properties": {
        "mail": { "type": "string", "format": "email" }, "at": { "type": "string", "format": "date-time" },
        "page": { "type": "string", "format": "uri" }, "key": { "type": "string", "format": "uuid" }, "for": { "type": "string", "format": "duration" },
        "pair": { "type": "array", "items": [{ "type": "string" }, { "type": "number" }], "additionalItems": false },
        "tree": { "$ref": "#/definitions/M/properties/pair", "minItems": 1 },
    } });
    let good = json!({
        "id": 1, "mail": "ada@example.com", "at": "2026-01-02T03:04:05Z", "page": "https://example.com/",
        "key": "0b5a3c2e-6f0d-4c1b-9a53-7a3c8f6f2f10",
        "for": "PT5M", "pair": ["a", 1], "tree": ["a"],
    });
    assert_eq!(told(schema.clone(), good), []);
    let bad = json!({
        "mail": "ada", "at": "yesterday", "page": "nowhere", "key": "7", "for": "a while", "pair": [1, 1, 1], "tree": [],
    });
    let wrong = told(schema, bad);
    let mut paths: Vec<&str> = wrong.iter().map(|(_, path)| path.as_str()).collect();
    paths.sort_unstable();
    paths.dedup();
    let expected = ["", "/at", "/for", "/key", "/mail", "/page", "/pair", "/pair/0", "/tree"];
    assert_eq!(paths, expected, "{wrong:?}");
}
