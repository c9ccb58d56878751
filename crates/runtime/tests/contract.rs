//! Rows of the functions contract that no other test is about.

mod support;

use serde_json::{Value, json};
use support::{Scripted, action, context, failed, http, invocation, output, runtime, sync};
use tenon_runtime::protocol::{Body, HostCall, HostReply};
use tenon_runtime::{Kind, Limits, RunContext};

async fn run(body: &str) -> Value {
    run_in(body, context()).await
}

async fn run_in(body: &str, context: RunContext) -> Value {
    let mut invocation = invocation(action(body), Kind::Action, Some("{\"x\":1}"));
    invocation.context_json = context.to_json();
    output(&runtime().run(invocation, Scripted::silent()).await)
}

#[tokio::test]
async fn the_guard_shows_what_the_contract_lists() {
    let full = RunContext {
        sync_config: json!({ "sync_name": "contacts", "version": "3" }),
        ..context()
    };
    let body = "return [nango.syncConfig.sync_name, typeof nango.runnerFlags, nango.logger.level, typeof nango.ActionError, new nango.ActionError({ a: 1 }) instanceof Error, new nango.ActionError({ a: 1 }).type];";
    assert_eq!(
        run_in(body, full).await,
        json!([
            "contacts",
            "object",
            "warn",
            "function",
            true,
            "action_script_runtime_error"
        ])
    );
    let host = Scripted::silent();
    let mut invocation = invocation(
        sync("if (nango.emptyCache !== true) throw new Error('no');"),
        Kind::Sync,
        None,
    );
    invocation.context_json = RunContext {
        empty_cache: Some(true),
        ..context()
    }
    .to_json();
    assert_eq!(output(&runtime().run(invocation, host).await), json!(true));
}

#[tokio::test]
async fn the_guard_refuses_by_name() {
    let body = "const said = (f) => { try { f(); return 'nothing'; } catch (e) { return e.message; } };
        const names = ['nango', 'persistClient', 'locking', 'checkpointing', 'checkpointKey', 'integrationConfig', 'attributes', 'telemetryBag', 'abortSignal', 'lifecycle', '__proto__', 'constructor'];
        return [
            names.filter((name) => said(() => nango[name]) !== `Access to \"${name}\" is not allowed.`),
            names.filter((name) => name in nango),
            said(() => { nango.persistClient = 1; }), said(() => { delete nango.persistClient; }), said(() => Object.defineProperty(nango, 'persistClient', { value: 1 })),
            Object.getPrototypeOf(nango), 'batchSave' in nango, 'get' in nango,
        ];";
    let refused = "Access to \"persistClient\" is not allowed.";
    assert_eq!(
        run(body).await,
        json!([[], [], refused, refused, refused, null, false, true])
    );
}

#[tokio::test]
async fn methods_survive_being_taken_off() {
    let host = Scripted::new(|_| Ok(HostReply::Http(http(200, "{\"a\":1}"))));
    let body = "const { get, post, proxy, ActionError, log } = nango; await log('x'); const answers = await Promise.all([get({ endpoint: '/a' }), post({ endpoint: '/b' }), proxy({ endpoint: '/c' })]); return [answers.map((one) => one.data.a), [{ endpoint: '/d' }].map(get).length, new ActionError({}) instanceof Error];";
    let out = runtime().run(invocation(action(body), Kind::Action, None), host).await;
    assert_eq!(output(&out), json!([[1, 1, 1], 1, true]));
}

#[tokio::test]
async fn old_names_still_work() {
    let host = Scripted::new(|_| Ok(HostReply::Unit));
    let body = "await nango.setFieldMapping({ a: 'b' }); let said; try { nango.getFlowAttributes(); } catch (e) { said = e.message; } return typeof said;";
    let out = runtime()
        .run(invocation(action(body), Kind::Action, None), host.clone())
        .await;
    assert_eq!(output(&out), json!("string"));
    assert!(
        matches!(host.taken().first(), Some(HostCall::UpdateMetadata { metadata_json }) if metadata_json == r#"{"fieldMapping":{"a":"b"}}"#),
        "{:?}",
        host.taken()
    );
    let code = sync("if (JSON.stringify(nango.getFlowAttributes()) !== '{}') throw new Error('not empty');");
    let out = runtime()
        .run(invocation(code, Kind::Sync, None), Scripted::silent())
        .await;
    assert_eq!(output(&out), json!(true));
}

#[tokio::test]
async fn records_are_listed_from_a_cursor() {
    let host = Scripted::new(|_| {
        Ok(HostReply::Json(
            r#"{"records":[{"id":"9"}],"next_cursor":null}"#.to_owned(),
        ))
    });
    let code = sync(
        "const ids = []; for await (const record of nango.listRecords('A', { cursor: 'from-here' })) ids.push(record.id); if (ids.join() !== '9') throw new Error(ids.join());",
    );
    assert_eq!(
        output(&runtime().run(invocation(code, Kind::Sync, None), host.clone()).await),
        json!(true)
    );
    assert_eq!(
        host.taken(),
        [HostCall::ListRecords {
            model: "A".into(),
            cursor: Some("from-here".into()),
            limit: 100
        }]
    );
}

#[tokio::test]
async fn in_body_is_decided_by_the_caller() {
    let asked = async |config: &str| {
        let host = Scripted::new(|_| Ok(HostReply::Http(http(200, "{\"items\":[]}"))));
        let body = format!("for await (const page of nango.paginate({config})) void page;");
        let out = runtime()
            .run(invocation(action(&body), Kind::Action, None), host.clone())
            .await;
        assert!(out.result.is_ok(), "{:?}", out.result);
        match host.taken().into_iter().next() {
            Some(HostCall::Http(call)) => call,
            other => panic!("{other:?}"),
        }
    };
    let settings =
        "type: 'offset', offset_name_in_request: 'o', limit: 2, limit_name_in_request: 'l', response_path: 'items'";
    let call = asked(&format!(
        "{{ endpoint: '/x', method: 'POST', paginate: {{ {settings}, in_body: false }} }}"
    ))
    .await;
    assert_eq!(call.body, Body::Empty);
    assert_eq!(
        serde_json::to_value(&call.params).unwrap(),
        json!([["l", "2"], ["o", "0"]])
    );
    let call = asked(&format!(
        "{{ endpoint: '/x', method: 'PUT', paginate: {{ {settings} }} }}"
    ))
    .await;
    assert!(matches!(call.body, Body::Json { text } if text == r#"{"l":2,"o":0}"#));
}

#[tokio::test]
async fn pagination_changes_the_callers_objects() {
    let host = Scripted::new(|_| Ok(HostReply::Http(http(200, "{\"items\":[1],\"next\":\"\"}"))));
    let body = "const params = { a: 1 }; for await (const page of nango.paginate({ endpoint: '/x', params, paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'c', limit: 5, limit_name_in_request: 'l', response_path: 'items' } })) void page; return params;";
    let out = runtime().run(invocation(action(body), Kind::Action, None), host).await;
    assert_eq!(output(&out), json!({ "a": 1, "l": 5 }));
}

#[tokio::test]
async fn errors_of_the_engine_are_errors() {
    let body = "try { null.x; } catch (e) { return [e instanceof Error, e instanceof TypeError, e.message]; }";
    assert_eq!(
        run(body).await,
        json!([true, true, "Cannot read properties of null (reading 'x')"])
    );
}

#[tokio::test]
async fn zod_describes_as_a_check() {
    let body = "const z = require('zod'); const schema = z.object({ a: z.string().check(z.describe('words')), n: z.coerce.number().int(), d: z.iso.date(), u: z.looseObject({}), x: z.preprocess((v) => v ?? 'none', z.string()) }); return [schema.shape.a.description, schema.parse({ a: '', n: '4', d: '2024-02-29', u: { k: 1 } }), z.ZodIssueCode.custom];";
    assert_eq!(
        run(body).await,
        json!(["words", { "a": "", "n": 4, "d": "2024-02-29", "u": { "k": 1 }, "x": "none" }, "custom"])
    );
}

#[tokio::test]
async fn more_globals_than_the_original() {
    let body = "const given = ['clearTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'TextEncoder', 'TextDecoder', 'atob', 'btoa', 'structuredClone', 'AbortController', 'Headers', 'Response', 'WeakRef', 'FinalizationRegistry', 'escape', 'Intl', 'Reflect'];
        return [given.filter((name) => typeof globalThis[name] === 'undefined'), crypto.getRandomValues(new Uint8Array(4)).length, crypto.randomUUID().length, typeof crypto.subtle, typeof WebAssembly, require('crypto').randomFillSync(Buffer.alloc(3)).length, Object.keys(Buffer).includes('from')];";
    assert_eq!(run(body).await, json!([[], 4, 36, "object", "undefined", 3, true]));
}

#[tokio::test]
async fn declared_functions_know_their_variant_and_no_other_connection() {
    let told = json!({ "kind": "none", "capabilities": { "usesInvoke": true, "usesOutbound": true }, "connection": { "connectionId": "c-1" } });
    let code = support::code(
        "module.exports = { default: { type: 'function', exec: async (nango, trigger) => { let said; try { await nango.searchConnections({}); } catch (e) { said = e.message; } return [nango.getVariant(), typeof nango.invoke, said, trigger.connection.connectionId]; } } };",
    );
    let mut run = invocation(code, Kind::Action, None);
    run.context_json = RunContext {
        trigger: Some(told),
        ..context()
    }
    .to_json();
    let out = runtime().run(run, Scripted::silent()).await;
    assert_eq!(
        output(&out),
        json!([
            "base",
            "function",
            "nango.searchConnections is not offered: a function sees its own connection only",
            "c-1"
        ])
    );
    assert!(
        failed(
            &runtime()
                .run(
                    invocation(
                        support::code("module.exports = { default: { type: 'function', exec() {} } };"),
                        Kind::Action,
                        None
                    ),
                    Scripted::silent()
                )
                .await
        )
        .message
        .contains("Incorrect script")
    );
}

#[test]
fn each_kind_has_its_own_limits() {
    let minutes = |kind| Limits::for_kind(kind).wall.as_secs() / 60;
    let all = [Kind::Sync, Kind::Action, Kind::Webhook, Kind::OnEvent].map(minutes);
    assert_eq!(all, [24 * 60, 15, 60, 5]);
}
