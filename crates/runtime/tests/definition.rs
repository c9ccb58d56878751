//! Definitions and JSON Schemas for the compiler (functions.md §2).

mod support;

use serde_json::{Value, json};
use support::*;

async fn define(js: &str) -> Value {
    let text = runtime()
        .evaluate_definition("env-1", code(js), "my-api.v2", "list-items")
        .await
        .expect("definition");
    serde_json::from_str(&text).expect("json")
}

#[tokio::test]
async fn a_sync() {
    let found = define(
        r#"const z = require('zod');
        const Item = z.object({ id: z.string(), n: z.number().optional(), at: z.date(), big: z.bigint(), kind: z.enum(['a', 'b']), any: z.any(), t: z.void().optional(), list: z.array(z.union([z.string(), z.null()])) });
        module.exports = { default: { type: 'sync', description: 'Lists', version: '2.0.0', frequency: 'every hour', models: { Item, Other: z.object({ id: z.string() }) }, autoStart: true, metadata: z.object({ a: z.string() }), scopes: ['read'], endpoints: [{ method: 'GET', path: '/items', group: 'G' }], webhookSubscriptions: ['*'], exec: async () => {}, onWebhook: async () => {} } };"#,
    )
    .await;
    let schema = found["json_schema"]["definitions"]["Item"].clone();
    assert_eq!(
        schema,
        json!({
            "type": "object",
            "properties": {
                "id": { "type": "string" }, "n": { "type": "number" }, "at": { "type": "string", "format": "date-time" }, "big": {},
                "kind": { "type": "string", "enum": ["a", "b"] }, "any": {}, "t": {}, "list": { "type": "array", "items": { "anyOf": [{ "type": "string" }, { "type": "null" }] } }
            },
            "required": ["id", "at", "big", "kind", "any", "list"],
            "additionalProperties": false
        })
    );
    let mut rest = found;
    let names: Vec<_> = rest["json_schema"]["definitions"]
        .as_object()
        .expect("definitions")
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["Item", "Other", "SyncMetadata_my_api_v2_listitems"]);
    rest.as_object_mut().expect("object").remove("json_schema");
    assert_eq!(
        rest,
        json!({
            "type": "sync", "description": "Lists", "version": "2.0.0", "scopes": ["read"], "hasExec": true, "frequency": "every hour", "models": ["Item", "Other"],
            "autoStart": true, "syncType": "full", "trackDeletes": false, "endpoints": [{ "method": "GET", "path": "/items", "group": "G" }],
            "webhookSubscriptions": ["*"], "hasWebhook": true, "input": "SyncMetadata_my_api_v2_listitems"
        })
    );
}

#[tokio::test]
async fn an_action_and_an_event() {
    let found = define("const z = require('zod'); exports.default = { type: 'action', description: 'd', input: z.void(), output: z.object({ ok: z.boolean() }).describe('Result'), exec: async () => {} };").await;
    assert_eq!(
        found,
        json!({
            "type": "action", "description": "d", "version": "", "scopes": [], "hasExec": true, "endpoint": null, "input": "ActionInput_my_api_v2_listitems", "output": "ActionOutput_my_api_v2_listitems",
            "json_schema": { "definitions": { "ActionInput_my_api_v2_listitems": { "type": "null" }, "ActionOutput_my_api_v2_listitems": { "description": "Result", "type": "object", "properties": { "ok": { "type": "boolean" } }, "required": ["ok"], "additionalProperties": false } } }
        })
    );
    let found = define("exports.default = { type: 'onEvent', description: 'd', event: 'pre-connection-deletion', exec: async () => {} };").await;
    assert_eq!(
        (found["event"].clone(), found["json_schema"].clone()),
        (json!("pre-connection-deletion"), json!({ "definitions": {} }))
    );
    assert_eq!(
        define("exports.default = async () => {};").await["type"],
        json!("legacy")
    );
    let found = define("const z = require('zod'); exports.default = { type: 'function', description: 'd', trigger: { kind: 'none' }, input: z.object({}), exec() {} };").await;
    assert_eq!(
        (found["trigger"].clone(), found["input"].clone()),
        (json!({ "kind": "none" }), json!("FunctionInput_my_api_v2_listitems"))
    );
}

/// What is left out has a value, and what only looks like one has not.
#[tokio::test]
async fn defaults() {
    let sync = async |fields: &str| {
        define(&format!("const z = require('zod'); exports.default = {{ type: 'sync', description: 'd', frequency: 'every day', models: {{ M: z.object({{ id: z.string() }}) }}, exec() {{}}, {fields} }};")).await
    };
    let plain = sync("").await;
    for (key, value) in [
        ("version", json!("")),
        ("autoStart", json!(false)),
        ("syncType", json!("full")),
        ("trackDeletes", json!(false)),
        ("scopes", json!([])),
        ("endpoints", json!([])),
        ("webhookSubscriptions", json!([])),
        ("hasWebhook", json!(false)),
        ("input", Value::Null),
    ] {
        assert_eq!(plain[key], value, "{key}");
    }
    for (fields, starts) in [
        ("autoStart: true", true),
        ("autoStart: 1", false),
        ("autoStart: 'true'", false),
        ("autoStart: false", false),
    ] {
        assert_eq!(sync(fields).await["autoStart"], json!(starts), "{fields}");
    }
    assert_eq!(sync("trackDeletes: true").await["trackDeletes"], json!(true));
    assert_eq!(sync("syncType: 'incremental'").await["syncType"], json!("incremental"));
    let models = |found: &Value| {
        found["json_schema"]["definitions"]
            .as_object()
            .expect("definitions")
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    // A checkpoint is a type for the author; metadata are a model, also when there are none.
    assert_eq!(models(&sync("checkpoint: z.object({ at: z.string() })").await), ["M"]);
    let none = sync("metadata: z.void()").await;
    assert_eq!(models(&none), ["M", "SyncMetadata_my_api_v2_listitems"]);
    assert_eq!(
        none["json_schema"]["definitions"]["SyncMetadata_my_api_v2_listitems"],
        json!({ "type": "null" })
    );
    // Those of an action are not part of what is deployed.
    let action = define("const z = require('zod'); exports.default = { type: 'action', description: 'd', input: z.string(), output: z.void(), metadata: z.object({ a: z.string() }), checkpoint: z.object({ at: z.string() }), endpoint: { method: 'POST', path: '/x', group: 'G' }, scopes: ['a'], exec() {} };").await;
    assert_eq!(
        models(&action),
        ["ActionInput_my_api_v2_listitems", "ActionOutput_my_api_v2_listitems"]
    );
    assert_eq!(
        action["endpoint"],
        json!({ "method": "POST", "path": "/x", "group": "G" })
    );
    assert_eq!(action["scopes"], json!(["a"]));
    let event =
        define("exports.default = { type: 'onEvent', event: 'validate-connection', version: '3', exec() {} };").await;
    assert_eq!((&event["version"], &event["description"]), (&json!("3"), &json!("")));
}

#[tokio::test]
async fn recursion_and_reuse() {
    let found = define("const z = require('zod'); const Node = z.object({ id: z.string(), get kids() { return z.array(Node); } }); exports.default = { type: 'sync', frequency: 'every day', description: '', models: { Node }, exec() {} };").await;
    assert_eq!(
        found["json_schema"]["definitions"]["Node"]["properties"]["kids"]["items"],
        json!({ "$ref": "#" })
    );
}

#[tokio::test]
async fn what_is_no_definition() {
    let refuse = async |js: &str| {
        runtime()
            .evaluate_definition("env-1", code(js), "a", "b")
            .await
            .expect_err("refused")
    };
    assert!(
        refuse("exports.default = 5;")
            .await
            .message
            .contains("not a function definition")
    );
    assert!(
        refuse("exports.default = { type: 'odd' };")
            .await
            .message
            .contains("'odd'")
    );
    assert!(
        refuse("exports.default = { type: 'action', input: 5 };")
            .await
            .message
            .contains("not a Zod schema")
    );
    let thrown = refuse("\n  throw new Error('at load');").await;
    assert!(thrown.message.contains("at load"));
    let stack = thrown.stack.unwrap_or_default();
    assert!(
        stack.contains("test-fake.cjs:2:"),
        "the place is in the bundle: {stack}"
    );
    assert!(refuse("const x = ;").await.type_ == "script_internal_error");
    assert!(refuse("require('fs');").await.message.contains("not allowed"));
    let host_call = refuse("exports.default = { type: 'action' };").await;
    assert!(host_call.message.contains("ActionInput"));
}
