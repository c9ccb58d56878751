//! The first things a function does.

mod support;

use serde_json::json;
use support::*;
use tenon_runtime::Kind;

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
