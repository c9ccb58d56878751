use serde_json::{Map, Value, json};

use super::{example, rows};

fn definitions() -> Map<String, Value> {
    let definitions = json!({
        "Order": {
            "type": "object",
            "properties": {
                "id": { "type": "string", "description": "Number of the order." },
                "at": { "type": "string", "format": "date-time" },
                "state": { "type": "string", "enum": ["open", "paid"] },
                "buyer": { "type": "object", "properties": { "email": { "type": "string", "format": "email" } }, "required": ["email"] },
                "lines": { "type": "array", "items": { "type": "object", "properties": { "sku": { "type": "string" } } } },
                "note": { "anyOf": [{ "type": "string" }, { "type": "null" }], "default": "none" },
                "extra": { "type": "object", "additionalProperties": { "type": "number" } },
                "parent": { "$ref": "#" },
                "any": {},
            },
            "required": ["id", "at", "buyer", "lines"],
        },
        "Orders": { "type": "array", "items": { "$ref": "#/definitions/Order" } },
        "Nothing": { "type": "null" },
        "Name": { "type": "string" },
    });
    definitions.as_object().cloned().unwrap()
}

#[test]
fn members_become_rows_with_their_path_and_type() {
    let (kind, rows) = rows(&definitions(), "Order");
    let shown: Vec<String> = rows
        .iter()
        .map(|row| format!("{} {} {}", row.path, row.kind, if row.required { "!" } else { "?" }))
        .collect();
    assert_eq!(kind, "object");
    assert_eq!(
        shown,
        [
            "id string !",
            "at string (date-time) !",
            "state `\"open\"` or `\"paid\"` ?",
            "buyer object !",
            "buyer.email string (email) !",
            "lines list of object !",
            "lines[].sku string ?",
            "note string or null ?",
            "extra map of number ?",
            "parent `Order` ?",
            "any any ?",
        ]
    );
    assert_eq!(rows[0].about, "Number of the order.");
    assert_eq!(rows[7].about, "Default `\"none\"`.");
}

#[test]
fn what_has_no_members_has_a_type() {
    let kinds: Vec<String> = ["Orders", "Nothing", "Name", "Unknown"]
        .map(|name| rows(&definitions(), name).0)
        .into();
    assert_eq!(kinds, ["list of `Order`", "null", "string", "any"]);
}

#[test]
fn examples_hold_what_has_to_be_there() {
    assert_eq!(
        example(&definitions(), "Order"),
        json!({ "id": "text", "at": "2026-05-01T10:00:00.000Z", "buyer": { "email": "ada@example.com" }, "lines": [{}] })
    );
    assert_eq!(example(&definitions(), "Nothing"), Value::Null);
    assert_eq!(example(&definitions(), "Orders")[0]["id"], "text");
}
