use serde_json::{Value, json};

use super::pretty::indented;
use super::schema::{Checker, of_tool};
use crate::functions::Definition;

fn definition(input: Option<&str>, models: Value) -> Definition {
    Definition {
        input: input.map(str::to_owned),
        json_schema: Some(json!({ "definitions": models })),
        ..Definition::default()
    }
}

#[test]
fn text_is_indented_and_nothing_else() {
    let compact = r#"{"a":[1,{"b":"x:,{}[]\"\\"},[],{}],"n":1e+21,"big":12345678901234567890,"e":""}"#;
    let expected = r#"{
  "a": [
    1,
    {
      "b": "x:,{}[]\"\\"
    },
    [],
    {}
  ],
  "n": 1e+21,
  "big": 12345678901234567890,
  "e": ""
}"#;
    assert_eq!(indented(compact), expected);
    assert_eq!(indented(expected), expected);
    for scalar in ["null", "\"a b: [\"", "-0.5", "[]", "{}"] {
        assert_eq!(indented(scalar), scalar);
    }
}

#[test]
fn objects_are_shown_without_their_strictness() {
    let models = json!({ "In": {
        "type": "object",
        "properties": { "msg": { "type": "string" } },
        "required": ["msg"],
        "description": "What to say",
        "additionalProperties": false,
        "$schema": "http://json-schema.org/draft-07/schema#",
    }});
    let shown = of_tool(&definition(Some("In"), models)).unwrap();
    let expected = json!({
        "type": "object",
        "properties": { "msg": { "type": "string" } },
        "required": ["msg"],
        "description": "What to say",
    });
    assert_eq!(Value::Object(shown), expected);
}

#[test]
fn inputs_that_are_no_object_are_no_tools() {
    let models = || json!({ "Nothing": { "type": "null" }, "Text": { "type": "string" }, "Any": {} });
    let empty = json!({ "type": "object" });
    assert_eq!(
        of_tool(&definition(None, models())).map(Value::Object),
        Some(empty.clone())
    );
    assert_eq!(
        of_tool(&definition(Some("Nothing"), models())).map(Value::Object),
        Some(empty)
    );
    for name in ["Text", "Any", "Missing"] {
        assert_eq!(of_tool(&definition(Some(name), models())), None, "{name}");
    }
}

#[test]
fn references_bring_their_models_along() {
    let models = json!({
        "In": { "$ref": "#/definitions/Person" },
        "Person": { "type": "object", "properties": { "home": { "$ref": "#/definitions/Place" } } },
        "Place": { "type": "object", "properties": { "in": { "$ref": "#/definitions/Place" }, "to": { "$ref": "#/definitions/Town" } } },
        "Town": { "type": "string" },
        "Other": { "type": "string" },
    });
    let shown = of_tool(&definition(Some("In"), models)).unwrap();
    let names: Vec<&String> = shown["definitions"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["Place", "Town"]);
    let circle = json!({ "In": { "$ref": "#/definitions/In" } });
    assert_eq!(of_tool(&definition(Some("In"), circle)), None);
}

#[test]
fn arguments_are_held_against_the_schema() {
    let models = json!({
        "In": {
            "type": "object",
            "properties": { "msg": { "type": "string" }, "to": { "$ref": "#/definitions/Town" } },
            "required": ["msg"],
            "additionalProperties": false,
        },
        "Town": { "enum": ["Graz", "Linz"] },
    });
    let checker = Checker::of(&definition(Some("In"), models)).unwrap();
    for good in [json!({ "msg": "x" }), json!({ "msg": "x", "to": "Graz", "further": 1 })] {
        assert_eq!(checker.complaints(&good), Vec::<Value>::new());
    }
    let found = checker.complaints(&json!({ "msg": 5, "to": "Wien" }));
    let paths: Vec<&str> = found.iter().filter_map(|one| one["path"].as_str()).collect();
    assert_eq!(paths, ["/msg", "/to"]);
    assert_eq!(checker.complaints(&json!({})).len(), 1);
}

#[test]
fn functions_without_input_have_nothing_to_check() {
    assert!(Checker::of(&definition(None, json!({}))).is_none());
    assert!(Checker::of(&definition(Some("Nothing"), json!({ "Nothing": { "type": "null" } }))).is_none());
}
