use serde_json::{Value, json};

use super::BundleInput;
use crate::functions::FunctionKind;

fn function(change: Value) -> Value {
    let mut function = json!({
        "name": "greet",
        "integrationId": "shop",
        "description": "Greets.",
        "trigger": { "kind": "none" },
        "requires": { "connection": true, "outbound": true, "invoke": false },
        "capabilities": { "usesRecords": false, "usesOutbound": true, "usesCheckpoints": false, "usesMetadata": false, "usesInvoke": false },
        "limits": { "concurrency": { "perConnection": "max" } },
        "input_schema_ref": "#/definitions/In",
        "output_schema_ref": null,
        "model_schema_refs": [],
        "metadata_schema_ref": null,
        "checkpoint_schema_ref": null,
        "json_schema": { "definitions": { "In": { "type": "object" }, "Order": { "type": "object" } } },
        "fileBody": { "js": "module.exports = {}", "ts": "export default 1" },
    });
    for (key, value) in change.as_object().unwrap() {
        function[key] = value.clone();
    }
    function
}

fn bundle(functions: Value) -> Value {
    json!({ "reconciliationScope": { "kind": "integration", "integrationId": "shop" }, "functions": functions })
}

fn complaints(functions: Value) -> Vec<String> {
    let error = BundleInput::parse(Some(&bundle(functions))).unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "invalid_body"));
    refusal.issues.iter().map(|issue| issue.path.join(".")).collect()
}

#[test]
fn triggers_say_where_a_function_is_kept() {
    let places = |trigger: Value| {
        let change = json!({ "trigger": trigger, "input_schema_ref": null });
        let read = BundleInput::parse(Some(&bundle(json!([function(change)])))).unwrap();
        let function = &read.functions[0];
        let definition = &function.definition;
        (
            function.trigger().places(),
            definition.runs.clone(),
            definition.webhook_subscriptions.clone(),
            definition.function.as_ref().unwrap().one_at_a_time,
        )
    };
    assert_eq!(
        places(json!({ "kind": "none" })),
        (vec![(FunctionKind::Action, "")], None, vec![], false)
    );
    assert_eq!(
        places(json!({ "kind": "schedule", "frequency": "every hour", "autoStart": true })),
        (
            vec![(FunctionKind::Sync, "")],
            Some("every hour".to_owned()),
            vec![],
            true
        )
    );
    assert_eq!(
        places(json!({ "kind": "http" })),
        (vec![(FunctionKind::Sync, "")], None, vec!["*".to_owned()], false)
    );
    assert_eq!(
        places(json!({ "kind": "event", "events": ["validate-connection", "pre-connection-deletion", "validate-connection"] })).0,
        vec![
            (FunctionKind::OnEvent, "validate-connection"),
            (FunctionKind::OnEvent, "pre-connection-deletion")
        ]
    );
}

#[test]
fn contradictions_are_named() {
    let one = |change: Value| complaints(json!([function(change)]));
    assert_eq!(
        one(json!({ "model_schema_refs": ["#/definitions/Order"] })),
        ["functions.0.capabilities.usesRecords"]
    );
    assert_eq!(
        one(json!({ "input_schema_ref": "In" })),
        ["functions.0.input_schema_ref"]
    );
    assert_eq!(
        one(json!({ "output_schema_ref": "#/definitions/Gone" })),
        ["functions.0.output_schema_ref"]
    );
    assert_eq!(
        one(json!({ "requires": { "connection": false } })),
        ["functions.0.requires.connection"]
    );
    assert_eq!(
        one(json!({ "trigger": { "kind": "schedule", "frequency": "every now and then" } })),
        ["functions.0.trigger.frequency", "functions.0.input_schema_ref"]
    );
    assert_eq!(
        one(json!({ "trigger": { "kind": "event", "events": ["sunrise"] }, "input_schema_ref": null })),
        ["functions.0.trigger.events"]
    );
    assert_eq!(
        one(json!({ "trigger": { "kind": "http", "debounce": { "windowMs": 0 } } })),
        ["functions.0.trigger.debounce.windowMs"]
    );
    assert_eq!(
        one(json!({ "limits": { "concurrency": { "perConnection": 2 } } })),
        ["functions.0.limits.concurrency.perConnection"]
    );
    assert_eq!(one(json!({ "more": 1 })), ["functions.0"]);
    assert_eq!(
        complaints(json!([function(json!({})), function(json!({}))])),
        ["functions.1"]
    );
    assert_eq!(one(json!({ "integrationId": "other" })), ["functions.0"]);
}
