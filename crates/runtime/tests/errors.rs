//! What leaves a failed run (functions.md §4.2, §4.5).

mod support;

use serde_json::{Value, json};
use support::*;
use tenon_runtime::protocol::{HostError, HostReply, HttpReply};
use tenon_runtime::{ErrorKind, Kind, RunContext, RunError};

async fn thrown(body: &str) -> (RunError, Value) {
    thrown_by(body, http(200, "{}")).await
}

async fn thrown_by(body: &str, reply: HttpReply) -> (RunError, Value) {
    let host = Scripted::new(move |_| Ok(HostReply::Http(reply.clone())));
    let out = runtime()
        .run(invocation(action(body), Kind::Action, Some("{\"x\":{}}")), host)
        .await;
    let error = failed(&out);
    let payload = serde_json::from_str(&error.payload_json).expect("payload");
    (error, payload)
}

#[tokio::test]
async fn action_errors_keep_their_payload() {
    for (expr, payload) in [
        (
            "{ type: 'quota', message: 'No seats left', nested: { b: [1, null], a: 2 } }",
            json!({ "message": "No seats left", "nested": { "a": 2, "b": [1, null] }, "type": "quota" }),
        ),
        ("", json!({})),
        ("'plain words'", json!({ "message": "plain words" })),
        ("[1, 2]", json!({ "message": [1, 2] })),
        ("7", json!({ "message": 7 })),
        (
            "{ Authorization: 'Bearer abc', authorization: 'kept', list: [{ Authorization: 'x' }] }",
            json!({ "Authorization": "[Redacted]", "authorization": "kept", "list": [{ "Authorization": "[Redacted]" }] }),
        ),
        (
            "{ message: 'm'.repeat(120_000), keep: 'small' }",
            json!({ "keep": "small" }),
        ),
    ] {
        let (error, found) = thrown(&format!("throw new nango.ActionError({expr});")).await;
        assert_eq!(
            (error.type_.as_str(), error.status, error.kind, found),
            ("action_script_runtime_error", 500, ErrorKind::Script, payload),
            "{expr}"
        );
    }
}

#[tokio::test]
async fn other_throws() {
    for (body, expected) in [
        (
            "throw new Error('Something broke');",
            json!({ "name": "Error", "message": "Something broke" }),
        ),
        (
            "const e = new Error('With a code'); e.code = 'E_CUSTOM'; e.extra = 1; throw e;",
            json!({ "name": "Error", "code": "E_CUSTOM", "message": "With a code" }),
        ),
        (
            "class TooManyCats extends Error { name = 'TooManyCats'; } throw new TooManyCats('meow');",
            json!({ "name": "TooManyCats", "message": "meow" }),
        ),
        (
            "return undefined.property;",
            json!({ "name": "TypeError", "message": "Cannot read properties of undefined (reading 'property')" }),
        ),
        (
            "return JSON.parse('{nope');",
            json!({ "name": "SyntaxError", "message": "Expected property name or '}' in JSON at position 1 (line 1 column 2)" }),
        ),
        (
            "throw 'just a string';",
            json!({ "name": "Error", "message": "\"just a string\"" }),
        ),
        ("throw 42;", json!({ "name": "Error", "message": "42" })),
        ("throw null;", json!({ "name": "Error", "message": "null" })),
        ("throw undefined;", json!({ "name": "Error", "message": "" })),
        (
            "return Promise.reject(new Error('rejected promise'));",
            json!({ "name": "Error", "message": "rejected promise" }),
        ),
        (
            "return nango.persistClient;",
            json!({ "name": "Error", "message": "Access to \"persistClient\" is not allowed." }),
        ),
    ] {
        let (error, mut found) = thrown(body).await;
        let stack = found.as_object_mut().expect("object").remove("stacktrace");
        assert!(stack.as_ref().is_some_and(Value::is_array), "{body}: {stack:?}");
        assert_eq!(
            (error.type_.as_str(), error.status, found),
            ("script_internal_error", 500, expected),
            "{body}"
        );
    }
    let (_, found) = thrown("throw { reason: 'an object', code: 'OBJ' };").await;
    assert_eq!(found, json!({ "name": "Error", "code": "OBJ" }));
}

#[tokio::test]
async fn stacks_show_the_function_only() {
    let (error, found) = thrown("const f = () => { throw new Error('deep'); };\nconst g = () => f();\ng();").await;
    let stack = found["stacktrace"].as_array().expect("stack");
    assert_eq!(stack[0], json!("Error: deep"));
    assert!(
        stack.len() > 2
            && stack[1..]
                .iter()
                .all(|line| line.as_str().is_some_and(|line| line.contains("test-fake.cjs"))),
        "{stack:?}"
    );
    assert!(
        stack[1].as_str().is_some_and(|line| line.contains(":3:")),
        "lines are the bundle's own: {stack:?}"
    );
    assert!(error.stack.is_some());
}

#[tokio::test]
async fn a_refused_request_tells_where_it_was_made() {
    let body = "const deeper = async () => {\n await Promise.resolve();\n await nango.get({ endpoint: '/x' });\n};\nawait deeper();";
    let (error, _) = thrown_by(body, http(404, "{}")).await;
    let stack = error.stack.expect("a stack");
    let lines: Vec<&str> = stack.lines().collect();
    assert_eq!(lines[0], "AxiosError: Request failed with status code 404");
    assert!(lines[1].contains("deeper") && lines[1].contains(":5:"), "{stack}");
}

#[tokio::test]
async fn provider_errors() {
    let reply = HttpReply {
        headers: vec![
            ("content-type".into(), "application/json".into()),
            ("x-ratelimit-left".into(), "0".into()),
            ("x-other".into(), "no".into()),
        ],
        ..http(429, "{\"error\":\"slow down\"}")
    };
    let (error, payload) = thrown_by("await nango.get({ endpoint: '/x' });", reply).await;
    assert_eq!((error.type_.as_str(), error.status), ("script_http_error", 429));
    assert_eq!(payload, json!({ "error": "slow down" }));
    let upstream = serde_json::to_value(error.upstream.expect("upstream")).expect("value");
    assert_eq!(
        upstream,
        json!({ "status": 429, "headers": { "content-type": "application/json", "x-ratelimit-left": "0" }, "body": { "error": "slow down" } })
    );
    for (body, payload) in [
        ("{\"payload\":{\"a\":1}}", json!({ "a": 1 })),
        ("{\"payload\":\"text\"}", json!({ "message": "text" })),
        ("plain", json!({ "message": "plain" })),
        ("[1]", json!({ "message": [1] })),
    ] {
        let (error, found) = thrown_by("await nango.get({ endpoint: '/x' });", http(500, body)).await;
        assert_eq!((error.type_.as_str(), found), ("script_http_error", payload));
    }
}

#[tokio::test]
async fn network_and_platform_errors() {
    let host = Scripted::new(|_| Err(HostError::network("ECONNRESET", "socket hang up")));
    let out = runtime()
        .run(
            invocation(action("await nango.get({ endpoint: '/x' });"), Kind::Action, None),
            host,
        )
        .await;
    let payload: Value = serde_json::from_str(&failed(&out).payload_json).expect("payload");
    assert_eq!(
        (
            failed(&out).type_.as_str(),
            payload["code"].clone(),
            payload["message"].clone(),
            payload["name"].clone()
        ),
        (
            "script_network_error",
            json!("ECONNRESET"),
            json!("socket hang up"),
            json!("Error")
        )
    );
    let host = Scripted::new(|_| Err(HostError::platform(429, "{\"error\":{\"code\":\"too_many_requests\"}}")));
    let out = runtime()
        .run(
            invocation(action("await nango.getConnection();"), Kind::Action, None),
            host,
        )
        .await;
    assert_eq!(
        (failed(&out).type_.as_str(), failed(&out).status),
        ("script_api_rate_limit_error", 429)
    );
    let host = Scripted::new(|_| Err(HostError::platform(404, "{\"error\":{\"code\":\"x\"}}")));
    let out = runtime().run(invocation(action("try { await nango.getConnection(); } catch (e) { return [e.response.status, e.response.data.error.code, e.message]; }"), Kind::Action, None), host).await;
    assert_eq!(output(&out), json!([404, "x", "Request failed with status code 404"]));
    let host = Scripted::new(|_| Err(HostError::sdk("script_aborted", "aborted").with_payload("{\"why\":1}")));
    let out = runtime()
        .run(invocation(action("await nango.getToken();"), Kind::Action, None), host)
        .await;
    assert_eq!(
        (failed(&out).type_.as_str(), failed(&out).payload_json.as_str()),
        ("script_aborted", "{\"why\":1}")
    );
}

#[tokio::test]
async fn results() {
    for (expr, expected) in [
        ("undefined", json!(null)),
        ("null", json!(null)),
        ("0", json!(0)),
        (
            "{ n: 12345678901234567890, nan: NaN, negzero: -0 }",
            json!({ "n": 12345678901234567000u64, "nan": null, "negzero": 0 }),
        ),
        (
            "{ date: new Date(0), set: new Set([1]), undef: undefined, fn: () => 1 }",
            json!({ "date": "1970-01-01T00:00:00.000Z", "set": {} }),
        ),
        (
            "{ b: Buffer.from('hi') }",
            json!({ "b": { "type": "Buffer", "data": [104, 105] } }),
        ),
        ("{ constructor: 'own' }", json!({ "constructor": "own" })),
    ] {
        let out = runtime()
            .run(
                invocation(action(&format!("return {expr};")), Kind::Action, None),
                Scripted::silent(),
            )
            .await;
        let found = output(&out);
        assert_eq!(
            found.to_string().replace(".0", ""),
            expected.to_string().replace(".0", ""),
            "{expr}"
        );
    }
    let out = runtime()
        .run(
            invocation(action("return { b: 1, a: 2, '2': 3, '1': 4 };"), Kind::Action, None),
            Scripted::silent(),
        )
        .await;
    assert_eq!(out.result.expect("output"), "{\"1\":4,\"2\":3,\"b\":1,\"a\":2}");
}

#[tokio::test]
async fn inputs() {
    for (input, expected) in [
        (None, json!({})),
        (Some("null"), json!({})),
        (Some("0"), json!({})),
        (Some("\"\""), json!({})),
        (Some("false"), json!({})),
        (Some("[1]"), json!([1])),
        (Some("\"x\""), json!("x")),
    ] {
        let out = runtime()
            .run(
                invocation(action("return input;"), Kind::Action, input),
                Scripted::silent(),
            )
            .await;
        assert_eq!(output(&out), expected, "{input:?}");
    }
    let legacy = code(
        "\"use strict\"; Object.defineProperty(exports, '__esModule', { value: true }); exports.default = async (nango, input) => [typeof input, input ?? null];",
    );
    let out = runtime()
        .run(invocation(legacy.clone(), Kind::Action, None), Scripted::silent())
        .await;
    assert_eq!(output(&out), json!(["undefined", null]));
    let out = runtime()
        .run(invocation(legacy, Kind::Action, Some("{\"a\":1}")), Scripted::silent())
        .await;
    assert_eq!(output(&out), json!(["object", { "a": 1 }]));
}

/// Deployments of the older style: the default export is the function, messages have an export of their own.
#[tokio::test]
async fn scripts_of_the_older_style_run() {
    let script = code(
        "\"use strict\"; Object.defineProperty(exports, '__esModule', { value: true });
        exports.default = async (nango) => { throw new nango.ActionError({ kind: nango.scriptType }); };
        exports.onWebhookPayloadReceived = async (nango, payload) => { throw new nango.ActionError({ kind: nango.scriptType, payload }); };",
    );
    let told = async |code: &std::sync::Arc<tenon_runtime::Code>, kind: Kind, legacy_sdk: bool| {
        let mut run = invocation(code.clone(), kind, Some("{\"a\":1}"));
        run.context_json = RunContext {
            legacy_sdk,
            ..context()
        }
        .to_json();
        failed(&runtime().run(run, Scripted::silent()).await)
    };
    let payload = |error: tenon_runtime::RunError| {
        serde_json::from_str::<serde_json::Value>(&error.payload_json).expect("a payload")
    };
    for legacy in [true, false] {
        for kind in ["sync", "action", "on-event"] {
            let of = match kind {
                "sync" => Kind::Sync,
                "action" => Kind::Action,
                _ => Kind::OnEvent,
            };
            assert_eq!(
                payload(told(&script, of, legacy).await),
                json!({ "kind": kind }),
                "{kind}"
            );
        }
        let message = payload(told(&script, Kind::Webhook, legacy).await);
        assert_eq!(message, json!({ "kind": "webhook", "payload": { "a": 1 } }));
    }
    let deaf = code("exports.default = async () => {};");
    assert_eq!(
        told(&deaf, Kind::Webhook, true).await.message,
        "Missing onWebhookPayloadReceived function"
    );
}

#[tokio::test]
async fn kinds_must_match() {
    let refusal = async |code: std::sync::Arc<tenon_runtime::Code>, kind: Kind, context: RunContext| {
        let mut run = invocation(code, kind, Some("{}"));
        run.context_json = context.to_json();
        failed(&runtime().run(run, Scripted::silent()).await).message
    };
    assert_eq!(
        refusal(action(""), Kind::Sync, context()).await,
        "Incorrect script loaded for sync"
    );
    assert_eq!(
        refusal(sync(""), Kind::Action, context()).await,
        "Incorrect script loaded for action"
    );
    assert_eq!(
        refusal(sync(""), Kind::Webhook, context()).await,
        "Missing onWebhook function"
    );
    assert_eq!(
        refusal(code("exports.default = { type: 'onEvent' };"), Kind::OnEvent, context()).await,
        "Missing exec function"
    );
    assert!(
        refusal(code("exports.other = 1;"), Kind::Action, context())
            .await
            .contains("default export")
    );
    assert!(
        refusal(
            action(""),
            Kind::Action,
            RunContext {
                legacy_sdk: true,
                ..context()
            }
        )
        .await
        .contains("must export a function")
    );
    assert!(
        refusal(code("this is no javascript"), Kind::Action, context())
            .await
            .contains("expecting")
    );
    let hook = code(
        "exports.default = { type: 'sync', exec() {}, onWebhook: async (nango, payload) => { if (payload.a !== 1 || nango.scriptType !== 'webhook') throw new Error('no'); } };",
    );
    let out = runtime()
        .run(invocation(hook, Kind::Webhook, Some("{\"a\":1}")), Scripted::silent())
        .await;
    assert_eq!(output(&out), json!(null));
    let event =
        code("exports.default = { type: 'onEvent', event: 'post-connection-creation', exec: async (nango) => 5 };");
    assert_eq!(
        output(
            &runtime()
                .run(invocation(event, Kind::OnEvent, None), Scripted::silent())
                .await
        ),
        json!(null)
    );
}
