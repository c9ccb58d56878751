//! Records, checkpoints, connection, integration, locks, triggers, log (functions.md §3.5–3.12).

mod support;

use serde_json::{Value, json};
use support::*;
use tenon_runtime::protocol::{HostCall, HostError, HostReply, RecordBatch, SyncRef};
use tenon_runtime::{Kind, Replay, RunContext};

fn answer(call: &HostCall) -> Result<HostReply, HostError> {
    Ok(match call {
        HostCall::GetConnection { metadata_only, .. } => HostReply::Json(
            if *metadata_only { json!({ "metadata": { "m": 1 } }) } else { json!({ "connection_id": "c-1", "credentials": { "type": "API_KEY" }, "metadata": { "m": 2, "fieldMapping": { "f": 1 } } }) }.to_string(),
        ),
        HostCall::GetRecordsByIds { ids, .. } => {
            HostReply::Json(Value::from(ids.iter().filter(|id| *id != "none").map(|id| json!({ "id": id, "n": 1 })).collect::<Vec<_>>()).to_string())
        }
        HostCall::ListRecords { cursor, .. } => HostReply::Json(match cursor.as_deref() {
            None => json!({ "records": [{ "id": "1" }, { "id": "2" }], "next_cursor": "n" }),
            Some(_) => json!({ "records": [{ "id": "3" }], "next_cursor": null }),
        }.to_string()),
        HostCall::TrackDeletesEnd { .. } | HostCall::DeletePrevious { .. } => HostReply::Json("{\"deletedKeys\":[\"9\"]}".into()),
        HostCall::GetCheckpoint => HostReply::Json("{\"page\":2}".into()),
        HostCall::GetToken => HostReply::Json("\"token\"".into()),
        HostCall::GetIntegration { include } => HostReply::Json(json!({ "unique_key": "fake", "webhook_url": include.contains(&"webhook".to_owned()).then_some("https://w.example") }).to_string()),
        HostCall::GetEnvironmentVariables => HostReply::Json("[{\"name\":\"A\",\"value\":\"b\"}]".into()),
        HostCall::TriggerAction { input_json, .. } => HostReply::Json(format!("{{\"echo\":{}}}", input_json.as_deref().unwrap_or("\"nothing\""))),
        HostCall::TryAcquireLock { .. } | HostCall::ReleaseLock { .. } => HostReply::Bool(true),
        _ => HostReply::Unit,
    })
}

async fn run(kind: Kind, body: &str) -> (Value, Vec<HostCall>) {
    run_with(kind, body, context()).await
}

async fn run_with(kind: Kind, body: &str, context: RunContext) -> (Value, Vec<HostCall>) {
    let host = Scripted::new(answer);
    let code = match kind {
        Kind::Sync => sync(&format!(
            "const value = await (async () => {{ {body} }})(); nango.setLogger({{ level: 'info' }}); await nango.log(JSON.stringify(value ?? null));"
        )),
        _ => action(body),
    };
    let mut invocation = invocation(code, kind, None);
    invocation.context_json = context.to_json();
    let out = runtime().run(invocation, host.clone()).await;
    let mut calls = host.taken();
    let value = if kind == Kind::Sync {
        assert_eq!(output(&out), json!(true), "a sync answers true");
        match calls.pop() {
            Some(HostCall::Log { message, .. }) => serde_json::from_str(&message).expect("value"),
            other => panic!("{other:?}"),
        }
    } else {
        output(&out)
    };
    (value, calls)
}

#[tokio::test]
async fn batches_are_chunked_in_order() {
    let (value, calls) = run(Kind::Sync, "return nango.batchSave(Array.from({ length: 2500 }, (_, i) => ({ id: String(i), _nango_metadata: { x: 1 } })), 'Item');").await;
    assert_eq!(value, json!(true));
    let sizes: Vec<usize> = calls
        .iter()
        .map(|call| match call {
            HostCall::BatchSave(RecordBatch { model, records_json }) => {
                assert_eq!(model, "Item");
                assert!(!records_json.contains("_nango_metadata"));
                serde_json::from_str::<Vec<Value>>(records_json).expect("records").len()
            }
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(sizes, [1000, 1000, 500]);
    let (value, calls) = run(Kind::Sync, "return [await nango.batchSave([], 'A'), await nango.batchUpdate(undefined, 'A'), await nango.batchDelete(null, 'A')];").await;
    assert_eq!((value, calls.len()), (json!([true, true, true]), 0));
    let (_, calls) = run(Kind::Sync, "await nango.batchSend([{ id: 1, b: 2, a: undefined }], 'A'); await nango.batchUpdate([{ id: '1' }], 'A'); await nango.batchDelete([{ id: '2' }], 'A');").await;
    assert_eq!(
        calls[0],
        HostCall::BatchSave(RecordBatch {
            model: "A".into(),
            records_json: "[{\"id\":1,\"b\":2}]".into()
        })
    );
    assert!(matches!(
        &calls[1..],
        [HostCall::BatchUpdate(_), HostCall::BatchDelete(_)]
    ));
}

#[tokio::test]
async fn records_are_read() {
    let (value, calls) = run(Kind::Sync, "const m = await nango.getRecordsByIds([1, 'two', 'none', ...Array.from({ length: 150 }, (_, i) => 'k' + i)], 'A'); return [m instanceof Map, m.size, m.get(1), m.get('two').n, m.has('none')];").await;
    assert_eq!(value, json!([true, 152, { "id": "1", "n": 1 }, 1, false]));
    assert_eq!(calls.len(), 2);
    let (value, calls) = run(
        Kind::Sync,
        "const ids = []; for await (const r of nango.listRecords('A')) ids.push(r.id); return ids;",
    )
    .await;
    assert_eq!(value, json!(["1", "2", "3"]));
    assert_eq!(
        calls[1],
        HostCall::ListRecords {
            model: "A".into(),
            cursor: Some("n".into()),
            limit: 100
        }
    );
}

#[tokio::test]
async fn deletions_and_merging() {
    let (value, calls) = run(Kind::Sync, "await nango.trackDeletesStart('A'); const e = await nango.trackDeletesEnd('A'); const d = await nango.deleteRecordsFromPreviousExecutions('A'); await nango.setMergingStrategy({ strategy: 'ignore_if_modified_after' }, 'A'); await nango.setMergingStrategy({ strategy: 'override' }, 'A'); return [e, d];").await;
    assert_eq!(value, json!([{ "deletedKeys": ["9"] }, { "deletedKeys": ["9"] }]));
    assert!(matches!(
        &calls[..3],
        [
            HostCall::TrackDeletesStart { .. },
            HostCall::TrackDeletesEnd { .. },
            HostCall::DeletePrevious { .. }
        ]
    ));
    assert_eq!(
        calls[3],
        HostCall::SetMergingStrategy {
            model: "A".into(),
            strategy: "ignore_if_modified_after".into()
        }
    );
    assert!(matches!(&calls[4], HostCall::Log { level, .. } if level == "warn"));
}

#[tokio::test]
async fn checkpoints() {
    let (value, calls) = run(Kind::Action, "const c = await nango.getCheckpoint(); await nango.saveCheckpoint({ a: 1, gone: undefined, d: new Date(0) }); await nango.clearCheckpoint(); return c;").await;
    assert_eq!(value, json!({ "page": 2 }));
    assert_eq!(
        calls[1],
        HostCall::SaveCheckpoint {
            checkpoint_json: "{\"a\":1,\"d\":\"1970-01-01T00:00:00.000Z\"}".into()
        }
    );
    assert_eq!(calls[2], HostCall::ClearCheckpoint);
    let host = Scripted::new(|_| Err(HostError::plain("Error saving checkpoint: too many fields")));
    let out = runtime()
        .run(
            invocation(action("await nango.saveCheckpoint({});"), Kind::Action, None),
            host,
        )
        .await;
    assert_eq!(
        (failed(&out).type_.as_str(), failed(&out).message.as_str()),
        ("script_internal_error", "Error saving checkpoint: too many fields")
    );
    let host = Scripted::new(|_| Err(HostError::sdk("execution_interrupted", "interrupted")));
    let out = runtime()
        .run(
            invocation(sync("await nango.saveCheckpoint({});"), Kind::Sync, None),
            host,
        )
        .await;
    assert_eq!(failed(&out).type_, "execution_interrupted");
}

#[tokio::test]
async fn connection_metadata_and_memo() {
    let (value, calls) = run(Kind::Action, "const a = await nango.getMetadata(); const b = await nango.getMetadata(); const c = await nango.getConnection(); const d = await nango.getConnection(); const m = await nango.getMetadata(); return [a, b, c.connection_id, c === d, m, await nango.getFieldMapping()];").await;
    assert_eq!(
        value,
        json!([{ "m": 1 }, { "m": 1 }, "c-1", true, { "m": 2, "fieldMapping": { "f": 1 } }, { "f": 1 }])
    );
    assert_eq!(calls.len(), 2, "one call without credentials, one with: {calls:?}");
    let (_, calls) = run(Kind::Action, "await nango.getConnection('p', 'c'); await nango.getConnection('p', 'c', { forceRefresh: true, refreshToken: true }); await nango.getConnection('p', 'c');").await;
    assert_eq!(calls.len(), 2);
    assert!(
        matches!(&calls[1], HostCall::GetConnection { force_refresh: true, refresh_token: true, provider_config_key: Some(key), .. } if key == "p")
    );
    let (value, calls) = run(Kind::Action, "await nango.getMetadata(); const r = await nango.setMetadata({ a: 1 }); await nango.updateMetadata({ b: 2 }); await nango.getMetadata(); return [r.status, r.data];").await;
    assert_eq!(value, json!([200, { "a": 1 }]));
    assert_eq!(
        calls[1],
        HostCall::SetMetadata {
            metadata_json: "{\"a\":1}".into()
        }
    );
    assert_eq!(
        calls[2],
        HostCall::UpdateMetadata {
            metadata_json: "{\"b\":2}".into()
        }
    );
    assert!(
        matches!(calls[3], HostCall::GetConnection { .. }),
        "a write clears the memo"
    );
}

/// Against a recording nobody waits for a pause, and the clock goes on all the same.
#[tokio::test]
async fn what_was_remembered_is_asked_for_again_after_its_time() {
    let asked = async |what: &str, first: u32, second: u32| {
        let context = RunContext {
            replay: Some(Replay::default()),
            ..context()
        };
        let body = format!(
            "const rest = (ms) => new Promise((done) => setTimeout(done, ms)); await {what}; await rest({first}); await {what}; await rest({second}); await {what}; return 1;"
        );
        run_with(Kind::Action, &body, context).await.1.len()
    };
    for call in ["nango.getConnection()", "nango.getMetadata()"] {
        assert_eq!(
            asked(call, 30_000, 29_000).await,
            1,
            "{call} is remembered for a minute"
        );
        assert_eq!(
            asked(call, 59_000, 2_000).await,
            2,
            "{call} is remembered for no longer"
        );
    }
    let call = "nango.getIntegration()";
    assert_eq!(
        asked(call, 300_000, 299_000).await,
        1,
        "{call} is remembered for ten minutes"
    );
    assert_eq!(
        asked(call, 599_000, 2_000).await,
        2,
        "{call} is remembered for no longer"
    );
}

#[tokio::test]
async fn integration_token_variables() {
    let (value, calls) = run(Kind::Action, "return [await nango.getToken(), await nango.getToken(), await nango.getIntegration(), await nango.getIntegration(), await nango.getWebhookURL(), await nango.getEnvironmentVariables()];").await;
    assert_eq!(
        value,
        json!(["token", "token", { "unique_key": "fake", "webhook_url": null }, { "unique_key": "fake", "webhook_url": null }, "https://w.example", [{ "name": "A", "value": "b" }]])
    );
    assert_eq!(
        calls.len(),
        5,
        "tokens are asked each time, integrations once per include"
    );
}

#[tokio::test]
async fn locks_and_triggers() {
    let (value, calls) = run(Kind::Action, "const bad = async (f) => { try { return await f(); } catch (e) { return e.message; } }; return [await nango.tryAcquireLock({ key: 'k', ttlMs: 5000 }), await nango.releaseLock({ key: 'k' }), await nango.releaseAllLocks() ?? null, await bad(() => nango.tryAcquireLock({ key: '', ttlMs: 1 })), await bad(() => nango.tryAcquireLock({ key: 'k', ttlMs: 0 })), await bad(() => nango.releaseLock({ key: 'x'.repeat(256) }))];").await;
    assert_eq!(value[0], json!(true));
    assert!(
        value[3].as_str().expect("text").contains("lock key")
            && value[4].as_str().expect("text").contains("TTL")
            && value[5].as_str().expect("text").contains("lock key")
    );
    assert_eq!(
        calls[0],
        HostCall::TryAcquireLock {
            key: "k".into(),
            ttl_ms: 5000
        }
    );
    assert_eq!(calls.len(), 3);
    let (value, calls) = run(Kind::Action, "const a = await nango.triggerAction('p', 'c', 'act', { x: 1 }); const b = await nango.triggerAction('p', 'c', 'act'); await nango.triggerSync('p', 'c', 's'); await nango.triggerSync('p', 'c', { name: 's', variant: 'v' }, { reset: true, emptyCache: true }); await nango.triggerSync('p', 'c', 's', 'full_refresh_and_clear_cache'); await nango.triggerSync('p', 'c', 's', true); await nango.startSync('p', ['s', { name: 't', variant: 'v' }], 'c'); return [a, b];").await;
    assert_eq!(value, json!([{ "echo": { "x": 1 } }, { "echo": "nothing" }]));
    let resets: Vec<_> = calls
        .iter()
        .filter_map(|call| match call {
            HostCall::TriggerSync {
                reset,
                empty_cache,
                sync,
                ..
            } => Some((*reset, *empty_cache, sync.variant.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(
        resets,
        vec![
            (false, false, None),
            (true, true, Some("v".into())),
            (true, true, None),
            (true, false, None)
        ]
    );
    assert_eq!(
        calls.last(),
        Some(&HostCall::StartSync {
            provider_config_key: "p".into(),
            syncs: vec![
                SyncRef {
                    name: "s".into(),
                    variant: None
                },
                SyncRef {
                    name: "t".into(),
                    variant: Some("v".into())
                }
            ],
            connection_id: Some("c".into())
        })
    );
}

#[tokio::test]
async fn log_levels() {
    let lines = async |body: &str, level: &str| {
        let (_, calls) = run_with(
            Kind::Action,
            body,
            RunContext {
                logger_level: level.into(),
                ..context()
            },
        )
        .await;
        calls
            .into_iter()
            .map(|call| match call {
                HostCall::Log {
                    level,
                    message,
                    meta_json,
                } => (level, message, meta_json.unwrap_or_default()),
                other => panic!("{other:?}"),
            })
            .collect::<Vec<_>>()
    };
    let line = |level: &str, message: &str, meta: &str| (level.to_owned(), message.to_owned(), meta.to_owned());
    let all = "await nango.log('a'); await nango.log('b', { level: 'warn' }); await nango.log('c', { x: 1 }, { level: 'error' }); await nango.log('d', { level: 'verbose' }); await nango.log('e', { level: 'http' }); await nango.log('f', [1, 2], { level: 'error' });";
    assert_eq!(
        lines(all, "").await,
        vec![
            line("warn", "b", ""),
            line("error", "c", "{\"x\":1}"),
            line("error", "f", "{\"0\":1,\"1\":2}")
        ]
    );
    assert_eq!(lines(all, "debug").await.len(), 6);
    assert_eq!(lines(all, "off").await.len(), 0);
    assert_eq!(lines("nango.setLogger({ level: 'debug' }); await nango.log('a'); nango.setLogger({ level: 'off' }); await nango.log('b'); nango.setLogger({ level: 'debug' }); await nango.log('c');", "").await, vec![line("info", "a", "")]);
    assert_eq!(
        lines(
            "await nango.log({ b: 1, a: { authorization: 'secret' } }); await nango.log(new Error('boom'));",
            "debug"
        )
        .await,
        vec![
            line("info", "{\"a\":{\"authorization\":\"[Redacted]\"},\"b\":1}", ""),
            line("info", "{\"name\":\"Error\",\"message\":\"boom\"}", "")
        ]
    );
    assert_eq!(lines("await nango.log('x'.repeat(20000)); const c = {}; c.c = c; await nango.log('c', c); await nango.log(undefined);", "debug").await[0].1.len(), 10_000);
    assert_eq!(lines("console.log('silent');", "debug").await.len(), 0);
    let (_, calls) = run_with(
        Kind::Action,
        "console.error('printed', { a: 1 });",
        RunContext {
            is_cli: true,
            ..context()
        },
    )
    .await;
    assert!(
        matches!(&calls[0], HostCall::Log { level, message, .. } if level == "error" && message == "printed {\"a\":1}")
    );
}

#[tokio::test]
async fn input_validation() {
    let body = "const { z } = require('zod'); return nango.zodValidateInput({ zodSchema: z.object({ n: z.number() }), input: { n: 1 } });";
    assert_eq!(
        run(Kind::Action, body).await.0,
        json!({ "success": true, "data": { "n": 1 } })
    );
    let host = Scripted::new(answer);
    let body = "const { z } = require('zod'); return nango.zodValidateInput({ zodSchema: z.object({ n: z.number(), s: z.string() }), input: { n: 'x' } });";
    let out = runtime()
        .run(invocation(action(body), Kind::Action, None), host.clone())
        .await;
    assert_eq!(
        (failed(&out).type_.as_str(), failed(&out).payload_json.as_str()),
        (
            "action_script_runtime_error",
            "{\"message\":\"Invalid input provided\"}"
        )
    );
    assert_eq!(host.taken().len(), 2, "one line per issue");
}

#[tokio::test]
async fn readable_properties() {
    let body = "return Object.fromEntries(['connectionId', 'providerConfigKey', 'provider', 'environmentId', 'environmentName', 'accountId', 'nangoConnectionId', 'activityLogId', 'scriptType', 'isCLI', 'syncId', 'syncJobId', 'variant', 'track_deletes', 'batchSave', 'noSuchThing'].map((n) => [n, typeof nango[n] === 'function' ? 'function' : nango[n] ?? null]));";
    let (value, _) = run(Kind::Action, body).await;
    assert_eq!(
        value,
        json!({ "connectionId": "c-1", "providerConfigKey": "fake", "provider": "fake", "environmentId": 1, "environmentName": "dev", "accountId": 2, "nangoConnectionId": 3, "activityLogId": "log-1", "scriptType": "action", "isCLI": false, "syncId": null, "syncJobId": null, "variant": null, "track_deletes": null, "batchSave": null, "noSuchThing": null })
    );
    let full = RunContext {
        sync_id: Some("s".into()),
        sync_job_id: Some(5),
        last_sync_date: Some("2024-01-02T03:04:05.000Z".into()),
        ..context()
    };
    let (value, _) = run_with(Kind::Sync, "return [nango.syncId, nango.syncJobId, nango.variant, nango.track_deletes, nango.lastSyncDate instanceof Date, nango.lastSyncDate.getTime(), typeof nango.batchSave];", full).await;
    assert_eq!(
        value,
        json!(["s", 5, "base", false, true, 1_704_164_645_000i64, "function"])
    );
    let (value, _) = run(
        Kind::Sync,
        "return [nango.lastSyncDate === undefined, 'persistClient' in nango, 'get' in nango];",
    )
    .await;
    assert_eq!(value, json!([true, false, true]));
}

/// What a function has begun to write is written, whether it waits for it or not; what it asks for is not.
#[tokio::test]
async fn a_run_does_not_end_before_its_writes() {
    let body = "for (let n = 0; n < 1500; n++) nango.batchSave([{ id: String(n) }], 'Item'); nango.saveCheckpoint({ at: 1 }); nango.setMetadata({ a: 1 });";
    let host = Scripted::new(answer);
    let out = runtime()
        .run(invocation(sync(body), Kind::Sync, None), host.clone())
        .await;
    assert_eq!(output(&out), json!(true));
    let calls = host.taken();
    let saved = calls
        .iter()
        .filter(|call| matches!(call, HostCall::BatchSave(_)))
        .count();
    assert_eq!((saved, calls.len()), (1500, 1502), "each in its turn, and none is lost");
    assert!(matches!(
        &calls[1500..],
        [HostCall::SaveCheckpoint { .. }, HostCall::SetMetadata { .. }]
    ));
}
