//! Small facts of the functions contract, many to a test.

mod support;

use serde_json::{Value, json};
use support::{Scripted, action, context, failed, http, invocation, output, runtime, sync};
use tenon_runtime::protocol::{HostCall, HostError, HostReply, HttpReply};
use tenon_runtime::{Kind, RunContext};

const SAID: &str = "const said = async (work) => { try { return await work(); } catch (e) { return { name: e.name, message: e.message }; } };";

/// Runs a body as an action against a host; its output and what was asked.
async fn run(
    body: &str,
    answer: impl Fn(&HostCall) -> Result<HostReply, HostError> + Send + Sync + 'static,
) -> (Value, Vec<HostCall>) {
    let host = Scripted::new(answer);
    let code = action(&format!("{SAID} {body}"));
    let mut run = invocation(code, Kind::Action, None);
    run.context_json = RunContext {
        logger_level: "debug".into(),
        ..context()
    }
    .to_json();
    let out = runtime().run(run, host.clone()).await;
    (output(&out), host.taken())
}

async fn quiet(body: &str) -> Value {
    run(body, |_| Ok(HostReply::Unit)).await.0
}

#[tokio::test]
async fn every_kind_says_what_it_is() {
    for (kind, word, definition) in [
        (Kind::Webhook, "webhook", "type: 'sync', exec() {}, onWebhook: check"),
        (
            Kind::OnEvent,
            "on-event",
            "type: 'onEvent', event: 'post-connection-creation', exec: check",
        ),
        (Kind::Sync, "sync", "type: 'sync', exec: check"),
        (Kind::Action, "action", "type: 'action', exec: check"),
    ] {
        let host = Scripted::silent();
        let code = support::code(&format!(
            "const check = async (nango, payload) => {{ await nango.log([nango.scriptType, nango.variant ?? 'none', typeof nango.batchSave, typeof nango.saveCheckpoint, nango.connectionId].join(), {{ level: 'error' }}); }};
             module.exports = {{ default: {{ {definition} }} }};"
        ));
        let out = runtime()
            .run(invocation(code, kind, Some("{\"p\":1}")), host.clone())
            .await;
        assert!(out.result.is_ok(), "{word}: {:?}", out.result);
        let records = matches!(kind, Kind::Sync | Kind::Webhook);
        let expected = if records {
            format!("{word},base,function,function,c-1")
        } else {
            format!("{word},none,undefined,function,c-1")
        };
        assert!(
            matches!(&host.taken()[0], HostCall::Log { message, .. } if *message == expected),
            "{:?}",
            host.taken()
        );
    }
}

#[tokio::test]
async fn the_response_types() {
    let reply = |body: &'static [u8]| HttpReply {
        body: bytes::Bytes::from_static(body),
        ..http(200, "")
    };
    for (kind, body, expected) in [
        ("json", &b"{\"a\":1}"[..], json!({ "a": 1 })),
        ("text", b"{\"a\":1}", json!("{\"a\":1}")),
        ("document", b"{\"a\":1}", json!({ "a": 1 })),
        ("arraybuffer", b"", json!({ "type": "Buffer", "data": [] })),
        ("arraybuffer", b"{}", json!({ "type": "Buffer", "data": [123, 125] })),
        ("stream", b"ab", json!({ "type": "Buffer", "data": [97, 98] })),
    ] {
        let answer = move |_: &HostCall| Ok(HostReply::Http(reply(body)));
        let get = format!("return (await nango.get({{ endpoint: '/x', responseType: '{kind}' }})).data;");
        assert_eq!(run(&get, answer).await.0, expected, "{kind}");
    }
}

/// Paths into answers, as lodash reads them.
#[tokio::test]
async fn paths_of_pages() {
    let body = r#"{"data":[{"list":[1]}],"a.b":[2],"deep":{"x y":{"list":[3]}},"next":null}"#;
    for (path, expected) in [
        ("data[0].list", json!([[1]])),
        ("data.0.list", json!([[1]])),
        ("a.b", json!([[2]])),
        ("deep['x y'].list", json!([[3]])),
        ("deep.none.list", json!([])),
        ("", json!([])),
    ] {
        let settings = json!({ "type": "cursor", "cursor_name_in_request": "c", "cursor_path_in_response": "next", "response_path": path });
        let walk = format!(
            "const pages = []; for await (const page of nango.paginate({{ endpoint: '/x', paginate: {settings} }})) pages.push(page); return pages;"
        );
        let answer = move |_: &HostCall| Ok(HostReply::Http(http(200, body)));
        assert_eq!(run(&walk, answer).await.0, expected, "{path}");
    }
}

#[tokio::test]
async fn what_syncs_are_told_to_do() {
    let (_, calls) = run(
        "for (const how of [undefined, 'incremental', 'full_refresh', 'full_refresh_and_clear_cache', false, true, { reset: true }, { reset: true, emptyCache: true }]) await nango.triggerSync('p', 'c', 's', how); await nango.startSync('p', 's'); return 1;",
        |_| Ok(HostReply::Unit),
    )
    .await;
    let told: Vec<_> = calls
        .iter()
        .filter_map(|call| match call {
            HostCall::TriggerSync { reset, empty_cache, .. } => Some((*reset, *empty_cache)),
            _ => None,
        })
        .collect();
    let (nothing, reset, all) = ((false, false), (true, false), (true, true));
    assert_eq!(told, [nothing, nothing, reset, all, nothing, reset, reset, all]);
    assert!(
        matches!(calls.last(), Some(HostCall::StartSync { connection_id: None, syncs, .. }) if syncs.len() == 1),
        "{calls:?}"
    );
}

#[tokio::test]
async fn options_pass_by_the_memory_of_connections() {
    let answer = |call: &HostCall| {
        Ok(match call {
            HostCall::GetConnection { connection_id, .. } => {
                HostReply::Json(json!({ "connection_id": connection_id, "metadata": {} }).to_string())
            }
            HostCall::GetIntegration { include } => {
                HostReply::Json(json!({ "include": include, "webhook_url": null }).to_string())
            }
            HostCall::GetToken => HostReply::Json(r#"{"oAuthToken":"a","oAuthTokenSecret":"b"}"#.to_owned()),
            _ => HostReply::Unit,
        })
    };
    let (value, calls) = run(
        "await nango.getConnection(); await nango.getConnection(undefined, undefined, {}); await nango.getConnection('p', 'd'); await nango.getConnection('p', 'd'); await nango.getConnection('p', 'd', { refreshToken: true });
         await nango.getIntegration({ include: ['webhook'] }); await nango.getWebhookURL(); await nango.getIntegration({ include: ['credentials'] });
         return [await nango.getToken(), await nango.getWebhookURL()];",
        answer,
    )
    .await;
    assert_eq!(value, json!([{ "oAuthToken": "a", "oAuthTokenSecret": "b" }, null]));
    let asked = |wanted: fn(&HostCall) -> bool| calls.iter().filter(|call| wanted(call)).count();
    assert_eq!(asked(|call| matches!(call, HostCall::GetConnection { .. })), 3);
    assert_eq!(asked(|call| matches!(call, HostCall::GetIntegration { .. })), 2);
}

#[tokio::test]
async fn log_lines_are_bounded() {
    let (_, calls) = run(
        "let deep = 'end'; for (let i = 0; i < 15; i++) deep = { deep };
         await nango.log(deep); await nango.log(Array.from({ length: 25 }, (_, i) => i)); await nango.log(Object.fromEntries(Array.from({ length: 25 }, (_, i) => ['k' + String(i).padStart(2, '0'), i])));
         await nango.log('many', { a: 1 }, 'ignored', { also: 'ignored' }); await nango.log('x', { long: 'y'.repeat(200_000) }); await nango.log(5); await nango.log(null); await nango.log();
         await nango.log('silly', { level: 'silly' }); await nango.log('odd', { level: 'nonsense' }); await nango.log({ get bad() { throw new Error('x'); } }); return 1;",
        |_| Ok(HostReply::Unit),
    )
    .await;
    let lines: Vec<_> = calls
        .iter()
        .filter_map(|call| match call {
            HostCall::Log {
                level,
                message,
                meta_json,
            } => Some((level.as_str(), message.as_str(), meta_json.clone().unwrap_or_default())),
            _ => None,
        })
        .collect();
    assert_eq!(lines[0].1.matches("deep").count(), 10, "{}", lines[0].1);
    assert!(
        lines[1].1.ends_with("19,\"... 5 items not stringified\"]"),
        "{}",
        lines[1].1
    );
    assert!(
        lines[2].1.contains("\"k19\":19,\"...\":\"5 items not stringified\""),
        "{}",
        lines[2].1
    );
    assert_eq!((lines[3].1, lines[3].2.as_str()), ("many", "{\"a\":1}"));
    assert!(lines[4].2.len() <= 99_000, "{}", lines[4].2.len());
    assert_eq!([lines[5].1, lines[6].1, lines[7].1], ["5", "null", "undefined"]);
    assert_eq!((lines[8].0, lines[9].0), ("debug", "info"));
    assert_eq!(
        lines.len(),
        10,
        "a line that cannot be written is dropped and harms nobody"
    );
}

#[tokio::test]
async fn errors_of_the_sdk() {
    let body = "const e = new nango.ActionError({ a: 1 }); const bare = new nango.ActionError();
        return [e.message, e.type, e.payload, bare.payload ?? null, e instanceof Error, e instanceof nango.ActionError, typeof e.stack, await said(() => require('nango'))];";
    assert_eq!(
        quiet(body).await,
        json!([
            "",
            "action_script_runtime_error",
            { "a": 1 },
            null,
            true,
            true,
            "string",
            { "name": "Error", "message": "Module 'nango' is not allowed" }
        ])
    );
    for code in ["script_aborted", "execution_interrupted", "execution_timeout"] {
        let host = Scripted::new(move |_| Err(HostError::sdk(code, "over")));
        let out = runtime()
            .run(
                invocation(action("await nango.getCheckpoint();"), Kind::Action, None),
                host,
            )
            .await;
        let error = failed(&out);
        assert_eq!((error.type_.as_str(), error.status), (code, 500));
    }
}

#[tokio::test]
async fn results_that_are_no_json() {
    for (body, message) in [
        (
            "const a = {}; a.a = a; return a;",
            "Converting circular structure to JSON",
        ),
        ("return { n: 1n };", "Do not know how to serialize a BigInt"),
    ] {
        let out = runtime()
            .run(invocation(action(body), Kind::Action, None), Scripted::silent())
            .await;
        let error = failed(&out);
        assert_eq!(error.type_, "script_internal_error");
        assert!(error.message.starts_with(message), "{}", error.message);
    }
}

#[tokio::test]
async fn stacks_have_ten_lines_at_most() {
    let body =
        "const down = (n) => { if (n === 0) throw new RangeError('deep'); return down(n - 1) + 1; };\nreturn down(40);";
    let out = runtime()
        .run(invocation(action(body), Kind::Action, None), Scripted::silent())
        .await;
    let payload: Value = serde_json::from_str(&failed(&out).payload_json).expect("payload");
    let stack = payload["stacktrace"].as_array().expect("stack");
    assert_eq!((stack.len(), &stack[0]), (10, &json!("RangeError: deep")));
}

#[tokio::test]
async fn stacks_as_functions_read_them() {
    let body = "class Lost extends Error { constructor(m) { super(m); this.name = 'Lost'; } }
        const show = (e) => e.stack.split('\\n').map((line) => line.replace(/^( +at .*) \\(.*\\)$/, '$1 ()')).slice(0, 2);
        function thrower() { throw new Lost('here'); }
        const caught = (work) => { try { work(); } catch (e) { return e; } };
        Error.prepareStackTrace = (error, sites) => sites.length > 0 && typeof sites[0].getLineNumber() === 'number' && sites.every((site) => site.getFunction() === undefined && site.getThis?.() === undefined);
        const sites = new Error('x').stack;
        Error.prepareStackTrace = undefined;
        return [show(caught(thrower)), show(caught(() => null.x)), sites, JSON.stringify(new Error('kept'), ['message', 'stack']).includes('kept')];";
    let value = quiet(body).await;
    assert_eq!(value[0], json!(["Error: here", "    at thrower ()"]));
    assert_eq!(
        value[1][0],
        json!("TypeError: Cannot read properties of null (reading 'x')")
    );
    assert_eq!((&value[2], &value[3]), (&json!(true), &json!(true)));
}

/// A run that adds to built-ins is not followed by another one in its isolate.
#[tokio::test]
async fn additions_to_built_ins_last_for_one_run() {
    let rt = runtime();
    let code = action(
        "const before = [typeof [].mine, typeof globalThis.mine, Error.stackTraceLimit]; Array.prototype.mine = () => 1; Error.stackTraceLimit = 3; Error.prepareStackTrace = () => 'own'; return [...before, [].mine()];",
    );
    for _ in 0..3 {
        let mut run = invocation(std::sync::Arc::clone(&code), Kind::Action, None);
        run.isolate_key = Some("k".into());
        let out = rt.run(run, Scripted::silent()).await;
        assert_eq!(output(&out), json!(["undefined", "undefined", 10, 1]));
    }
}

/// Neither do members that no loop shows, nor an exchanged prototype.
#[tokio::test]
async fn hidden_additions_last_for_one_run_as_well() {
    let rt = runtime();
    for change in [
        "Object.defineProperty(Array.prototype, 'mine', { value: 1 })",
        "Object.setPrototypeOf(Map.prototype, { mine: 1 })",
    ] {
        let code = action(&format!(
            "const before = [typeof [].mine, typeof new Map().mine]; {change}; return before;"
        ));
        for _ in 0..3 {
            let mut run = invocation(std::sync::Arc::clone(&code), Kind::Action, None);
            run.isolate_key = Some("k".into());
            let out = rt.run(run, Scripted::silent()).await;
            assert_eq!(output(&out), json!(["undefined", "undefined"]), "{change}");
        }
    }
}

/// What runs outside of the engine cannot be interrupted, so it is refused when it would take long.
#[tokio::test]
async fn derivations_that_would_take_for_ever_are_refused() {
    for call in [
        "pbkdf2Sync('p', 's', 10_000_000, 65536, 'sha1')",
        "pbkdf2Sync('p', 's', 10_000_001, 1, 'sha512')",
        "scryptSync('p', 's', 32, { N: 65536, r: 8, p: 64 })",
        "scryptSync('p', 's', 32, { N: 2 ** 31, r: 2 ** 31, p: 2 ** 31 })",
        "scryptSync('p', 's', 32, { N: 3 })",
    ] {
        let value = quiet(&format!(
            "try {{ require('crypto').{call}; return 'done'; }} catch (error) {{ return error instanceof RangeError; }}"
        ))
        .await;
        assert_eq!(value, json!(true), "{call}");
    }
}

#[tokio::test]
async fn syncs_answer_true_whatever_they_return() {
    let out = runtime()
        .run(
            invocation(sync("return { a: 1 };"), Kind::Sync, None),
            Scripted::silent(),
        )
        .await;
    assert_eq!(output(&out), json!(true));
}

/// Keys and signatures: round trips with keys that openssl makes.
#[tokio::test]
async fn signatures_of_every_kind() {
    let made = |arguments: &[&str]| {
        let out = std::process::Command::new("openssl").args(arguments).output().ok()?;
        let text = String::from_utf8(out.stdout)
            .ok()
            .filter(|text| text.contains("PRIVATE"))?;
        serde_json::to_string(&text).ok()
    };
    let rsa = made(&["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]);
    let curve = made(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let edwards = made(&["genpkey", "-algorithm", "ED25519"]);
    let short = made(&["ecparam", "-name", "prime256v1", "-genkey", "-noout"]);
    let (Some(rsa), Some(curve), Some(edwards), Some(short)) = (rsa, curve, edwards, short) else {
        return; // openssl is only the source of keys here
    };
    let body = format!(
        "const c = require('crypto'); const data = Buffer.from('data');
         const round = (algorithm, key, more = {{}}) => {{
             const secret = c.createPrivateKey(key), open = c.createPublicKey(key);
             const signed = c.sign(algorithm, data, {{ key: secret, ...more }});
             return [c.verify(algorithm, data, {{ key: open.export({{ type: 'spki', format: 'pem' }}), ...more }}, signed), c.verify(algorithm, Buffer.from('other'), {{ key: open, ...more }}, signed), secret.asymmetricKeyType];
         }};
         const pss = {{ padding: c.constants.RSA_PKCS1_PSS_PADDING, saltLength: c.constants.RSA_PSS_SALTLEN_DIGEST }};
         const fingerprint = c.createHash('sha256').update(c.createPublicKey({rsa}).export({{ type: 'spki', format: 'der' }})).digest('base64');
         return [round('RSA-SHA256', {rsa}), round('sha512', {rsa}, pss), round('sha256', {curve}), round('sha256', {curve}, {{ dsaEncoding: 'ieee-p1363' }}), round('sha256', {short}), round(null, {edwards}), fingerprint.length, await said(() => c.createPrivateKey('nonsense'))];"
    );
    let value = quiet(&body).await;
    for (place, kind) in ["rsa", "rsa", "ec", "ec", "ec", "ed25519"].iter().enumerate() {
        assert_eq!(value[place], json!([true, false, kind]), "{place}");
    }
    assert_eq!(value[6], json!(44));
    assert_eq!(value[7]["message"], json!("The text is no private key"));
}
