//! The first things a function does.

mod support;

use serde_json::json;
use support::*;
use tenon_runtime::{Kind, RunContext};

#[tokio::test]
async fn an_action_echoes() {
    let rt = runtime();
    let out = rt
        .run(
            invocation(
                action("return { got: input, n: nango.connectionId };"),
                Kind::Action,
                Some("{\"a\":1}"),
            ),
            Scripted::silent(),
        )
        .await;
    assert_eq!(output(&out), json!({ "got": { "a": 1 }, "n": "c-1" }));
}

#[tokio::test]
async fn functions_with_triggers_are_told_what_started_them_and_have_what_they_declared() {
    let rt = runtime();
    let bundle = code(
        "module.exports = { default: { type: 'function', exec: async (nango, trigger) => ({ trigger, has: ['get', 'batchSave', 'getCheckpoint', 'getMetadata', 'invoke', 'log', 'getVariant'].filter((name) => typeof nango[name] === 'function') }) } };",
    );
    let run = async |kind, trigger: serde_json::Value, capability: &str, input: Option<&str>| {
        let mut told = trigger;
        let names = [
            "usesRecords",
            "usesOutbound",
            "usesCheckpoints",
            "usesMetadata",
            "usesInvoke",
        ];
        told["capabilities"] = names
            .iter()
            .map(|name| ((*name).to_owned(), json!(*name == capability)))
            .collect();
        let mut attempt = invocation(bundle.clone(), kind, input);
        let context = RunContext {
            trigger: Some(told),
            ..context()
        };
        attempt.context_json = context.to_json();
        rt.run(attempt, Scripted::silent()).await
    };
    let connection = json!({ "id": "c-1" });
    let called = json!({ "kind": "none", "connection": connection });
    let out = run(Kind::Action, called.clone(), "usesOutbound", Some("0")).await;
    assert_eq!(
        output(&out),
        json!({ "trigger": { "kind": "none", "input": 0, "connection": { "id": "c-1" } }, "has": ["get", "log", "getVariant"] })
    );
    let out = run(Kind::Action, called, "usesRecords", None).await;
    assert_eq!(output(&out)["has"], json!(["batchSave", "log", "getVariant"]));
    let failing = code("module.exports = { default: { type: 'function', exec: async () => 1 } };");
    let plain = rt
        .run(invocation(failing, Kind::Action, None), Scripted::silent())
        .await;
    assert!(failed(&plain).message.contains("Incorrect script loaded for action"));

    // What the other kinds return is not the answer, so they tell it by throwing it.
    let told = code(
        "module.exports = { default: { type: 'function', exec: async (nango, trigger) => { throw new nango.ActionError(trigger); } } };",
    );
    let thrown = async |kind, trigger: serde_json::Value, input: Option<&str>| {
        let mut attempt = invocation(told.clone(), kind, input);
        attempt.context_json = RunContext {
            trigger: Some(trigger),
            ..context()
        }
        .to_json();
        let error = failed(&rt.run(attempt, Scripted::silent()).await);
        serde_json::from_str::<serde_json::Value>(&error.payload_json).expect("a payload")
    };
    let event = json!({ "kind": "event", "event": "post-connection-creation", "capabilities": {} });
    assert_eq!(
        thrown(Kind::OnEvent, event, None).await,
        json!({ "kind": "event", "event": "post-connection-creation" })
    );
    let message = r#"{"request":{"event":"x","body":{"a":1}},"coalesced":[1,2]}"#;
    assert_eq!(
        thrown(
            Kind::Webhook,
            json!({ "kind": "http", "capabilities": {} }),
            Some(message)
        )
        .await,
        json!({ "kind": "http", "request": { "event": "x", "body": { "a": 1 } }, "input": { "a": 1 }, "coalesced": [1, 2] })
    );
}
