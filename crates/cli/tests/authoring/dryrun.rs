//! Dry runs.

use serde_json::json;

use super::{
    server::Server,
    tenon::{Ran, folder, tenon},
};

const SYNC: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', checkpoint: z.object({ page: z.number() }),
    models: { Item: z.object({ id: z.string(), region: z.string(), variant: z.string() }) },
    exec: async (nango) => {
        const { region } = await nango.getMetadata();
        let page = (await nango.getCheckpoint())?.page ?? 0;
        for await (const items of nango.paginate({ endpoint: '/items', retries: 2 })) {
            await nango.batchSave(items.map((item: any) => ({ id: String(item.id), region, variant: nango.variant })), 'Item');
            page += 1;
            await nango.saveCheckpoint({ page });
        }
        const known = await nango.getRecordsByIds(['1'], 'Item');
        await nango.batchDelete([...known.keys()].map((id) => ({ id })), 'Item');
        await nango.log('done', { since: nango.lastSyncDate?.toISOString() ?? null });
        console.log('from console');
    }
});
";

/// Does what a fixture has a place for, and what it has none for.
const ODD: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', checkpoint: z.object({ page: z.number() }),
    models: { Item: z.object({ id: z.string() }), Never: z.object({ id: z.string() }) },
    exec: async (nango) => {
        await nango.getCheckpoint();
        await nango.getConnection();
        for (let i = 0; i < 3; i++) await nango.get({ endpoint: '/items', params: { cursor: '2' }, retries: 1 });
        try { await nango.get({ endpoint: '/teapot' }); } catch {}
        await nango.post({ endpoint: 'orders', data: '{\"a\":1}', headers: { 'Content-Type': 'application/json', 'X-Mine': 'yes' } });
        await nango.batchSave([{ id: '1' }], 'Item');
        await nango.batchSave([{ id: '2' }], 'Item');
        await nango.batchUpdate([{ id: '2' }], 'Item');
        await nango.saveCheckpoint({ page: 1 });
    }
});
";

const ACTION: &str = "import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({
    description: 'x', input: z.object({ what: z.string() }), output: z.object({ ok: z.boolean() }),
    exec: async (nango, input): Promise<any> => {
        if (input.what === 'order') {
            const response = await nango.post({ endpoint: '/orders', data: { a: 1 }, headers: { 'X-Mine': 'yes' }, retries: 1, retryOn: [409] });
            return { ok: response.data.echo.a === 1 && response.headers['x-seen'] === 'yes' };
        }
        if (input.what === 'teapot') await nango.get({ endpoint: '/teapot' });
        if (input.what === 'refuse') throw new nango.ActionError({ reason: 'no' });
        if (input.what === 'token') return { ok: (await nango.getToken()) === 'token-1' };
        if (input.what === 'trigger') return { ok: (await nango.triggerAction('shop', 'c1', 'other', {})).triggered === 'other' };
        if (input.what === 'metadata') { await nango.updateMetadata({ b: 2 }); return { ok: (await nango.getMetadata() as any).b === 2 }; }
        return { ok: 'not a boolean' };
    }
});
";

fn project() -> tempfile::TempDir {
    folder(&[
        (
            "index.ts",
            "import './shop/syncs/items.js';\nimport './shop/actions/act.js';\nimport './desk/actions/act.js';",
        ),
        ("shop/syncs/items.ts", SYNC),
        ("shop/actions/act.ts", ACTION),
        ("desk/actions/act.ts", ACTION),
    ])
}

fn run(server: &Server, args: &[&str]) -> Ran {
    let dir = project();
    tenon(dir.path(), Some(&server.url), &[&["dryrun"], args].concat())
}

#[test]
fn a_sync_collects_and_stores_nothing() {
    let server = Server::start();
    let ran = run(
        &server,
        &[
            "items",
            "c1",
            "--checkpoint",
            r#"{"page":4}"#,
            "-l",
            "2026-05-01",
            "--variant",
            "v2",
            "--json",
        ],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report = ran.json();
    assert_eq!(report["records"]["Item"]["saved"].as_array().unwrap().len(), 3);
    assert_eq!(
        report["records"]["Item"]["saved"][0],
        json!({ "id": "1", "region": "eu", "variant": "v2" })
    );
    assert_eq!(report["records"]["Item"]["deleted"], json!([{ "id": "1" }]));
    assert_eq!(report["checkpoint"], json!({ "page": 6 }));
    assert_eq!(
        report["logs"][0],
        json!({ "level": "info", "message": "done", "meta": { "since": "2026-05-01T00:00:00.000Z" } })
    );
    assert!(
        report["logs"]
            .as_array()
            .unwrap()
            .iter()
            .any(|line| line["message"].as_str().unwrap().contains("from console"))
    );
    assert_eq!(report["validation"], json!([]));
    let seen = server.take();
    assert!(
        seen.iter().all(|request| request.method == "GET"),
        "nothing was written: {seen:?}"
    );
    let page = seen
        .iter()
        .find(|request| request.path.starts_with("/proxy/items"))
        .unwrap();
    for (name, value) in [
        ("connection-id", "c1"),
        ("provider-config-key", "shop"),
        ("nango-is-sync", "true"),
        ("nango-is-dry-run", "true"),
        ("retries", "2"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
    assert!(
        seen.iter()
            .any(|request| request.path.starts_with("/records?model=Item&variant=v2&ids=1")),
        "{seen:?}"
    );
}

#[test]
fn output_for_people() {
    let server = Server::start();
    let ran = run(&server, &["items", "c1"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    for text in [
        "Done in",
        "Item\n  saved    3\n  deleted  1\n",
        "checkpoint {\"page\":2}",
        "Nothing was stored.",
    ] {
        assert!(ran.stdout.contains(text), "{text}\n{}", ran.stdout);
    }
    assert!(ran.stderr.contains("GET /items"), "{}", ran.stderr);
    assert!(!ran.stdout.contains('\u{1b}'), "no colours in a pipe");
}

#[test]
fn actions_answer_or_fail_in_every_way() {
    let server = Server::start();
    let act = |what: &str, more: &[&str]| {
        let input = json!({ "what": what }).to_string();
        let args = [
            &["act", "c1", "--integration-id", "shop", "--json", "--input", &input],
            more,
        ]
        .concat();
        let ran = run(&server, &args);
        (ran.code, ran.json())
    };
    for what in ["order", "token", "trigger", "metadata"] {
        let (code, report) = act(what, &["--validate"]);
        assert_eq!((code, &report["output"]), (0, &json!({ "ok": true })), "{report}");
    }
    let seen = server.take();
    let order = seen.iter().find(|request| request.path == "/proxy/orders").unwrap();
    assert_eq!(
        (
            order.header("nango-proxy-x-mine"),
            order.header("retry-on"),
            order.header("content-type"),
            order.body.as_str()
        ),
        ("yes", "409", "application/json", r#"{"a":1}"#)
    );
    assert!(
        !seen
            .iter()
            .any(|request| request.path.contains("metadata") && request.method != "GET"),
        "metadata stay here"
    );

    let (code, report) = act("teapot", &[]);
    assert_eq!(
        (code, &report["error"]["type"], &report["error"]["upstream"]["status"]),
        (12, &json!("script_http_error"), &json!(418))
    );
    let (code, report) = act("refuse", &[]);
    assert_eq!((code, &report["error"]["payload"]), (12, &json!({ "reason": "no" })));
    let (code, report) = act("wrong", &[]);
    assert_eq!(
        (code, &report["validation"][0]["code"]),
        (0, &json!("invalid_action_output")),
        "reported"
    );
    let (code, _) = act("wrong", &["--validate"]);
    assert_eq!(code, 12, "and counted when asked");
}

#[test]
fn the_integration_follows_from_the_connection() {
    let server = Server::start();
    let ran = run(&server, &["act", "c1", "--input", r#"{"what":"token"}"#, "--json"]);
    assert_eq!(
        (ran.code, &ran.json()["integration"]),
        (0, &json!("shop")),
        "{}",
        ran.stdout
    );
}

#[test]
fn mistakes_are_explained() {
    let server = Server::start();
    let unknown = run(&server, &["nope", "c1"]);
    assert_eq!(unknown.code, 12);
    assert!(
        unknown
            .stderr
            .contains("the project has no function called nope; it has items, act, act"),
        "{}",
        unknown.stderr
    );
    let missing = run(&server, &["items", "c9"]);
    assert_eq!(missing.code, 12);
    assert!(missing.stderr.contains("404"), "{}", missing.stderr);
    let bad = run(&server, &["items", "c1", "--checkpoint", "{page: 1}"]);
    assert_eq!(bad.code, 1);
    assert!(
        bad.stderr.contains("--checkpoint: the value is not JSON"),
        "{}",
        bad.stderr
    );
}

#[test]
fn a_saved_run_replays_as_a_test() {
    let server = Server::start();
    let dir = project();
    let run = |args: &[&str]| tenon(dir.path(), Some(&server.url), args);
    let saved = run(&["dryrun", "items", "c1", "--save"]);
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    assert!(saved.stderr.contains("items.test.json"), "{}", saved.stderr);
    let order = [
        "dryrun",
        "act",
        "c1",
        "--integration-id",
        "shop",
        "--input",
        r#"{"what":"order"}"#,
        "--save",
    ];
    assert_eq!(run(&order).code, 0);

    let text = std::fs::read_to_string(dir.path().join("shop/tests/items.test.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(fixture["nango"]["getMetadata"], json!({ "region": "eu" }));
    assert_eq!(fixture["nango"]["batchSave"]["Item"].as_array().unwrap().len(), 3);
    let pages = &fixture["api"]["get"]["/items"];
    assert_eq!(pages[1]["request"]["params"], json!({ "cursor": "2" }));
    assert_eq!(pages[0]["response"]["next"], "2");
    assert!(!text.contains("token-1"), "{text}");

    // Paging is not known offline for this provider, so only the action can be replayed.
    let tested = run(&["test", "--json", "--filter", "act"]);
    assert_eq!(
        (tested.code, &tested.json()["passed"]),
        (0, &json!(1)),
        "{}",
        tested.stdout
    );

    // A run that does not fit its schemas becomes no fixture; its recording is kept, to find out why.
    let wrong = [
        "dryrun",
        "act",
        "c1",
        "--integration-id",
        "desk",
        "--input",
        r#"{"what":"none"}"#,
        "--save",
    ];
    assert_eq!(run(&wrong).code, 12);
    assert!(!dir.path().join("desk/tests/act.test.json").exists());
    assert!(dir.path().join("desk/tests/act.recording.json").is_file());
}

/// Forms are sent as forms, and recorded as the objects that the function gave.
#[test]
fn saved_forms_are_told_apart() {
    let action = "import { createAction } from 'nango';
import * as z from 'zod';
export default createAction({
    description: 'x', input: z.object({}), output: z.array(z.number()),
    exec: async (nango) => {
        const send = async (data: any, type: string) => (await nango.post({ endpoint: '/forms', data, headers: { 'Content-Type': type } })).data.echo;
        const form = 'application/x-www-form-urlencoded';
        return [await send({ a: 1 }, form), await send({ a: 22 }, form), (await send({ a: 'x', b: { c: 1 } }, 'multipart/form-data')) > 100 ? 1 : 0];
    }
});
";
    let server = Server::start();
    let dir = folder(&[
        ("index.ts", "import './shop/actions/forms.js';"),
        ("shop/actions/forms.ts", action),
    ]);
    let saved = tenon(
        dir.path(),
        Some(&server.url),
        &["dryrun", "forms", "c1", "--input", "{}", "--save"],
    );
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    let text = std::fs::read_to_string(dir.path().join("shop/tests/forms.test.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let entries = fixture["api"]["post"]["/forms"].as_array().unwrap();
    let sent: Vec<_> = entries.iter().map(|entry| entry["request"]["data"].clone()).collect();
    assert_eq!(
        sent,
        [
            json!({ "a": 1 }),
            json!({ "a": 22 }),
            json!({ "a": "x", "b": { "c": 1 } })
        ]
    );
    assert_eq!(fixture["output"], json!([3, 4, 1]));
    let tested = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(tested.json()["passed"], 1, "{}", tested.stdout);
}

const CALLS: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', models: { Item: z.object({ id: z.string(), at: z.date().optional() }) },
    exec: async (nango) => {
        const locks = [await nango.tryAcquireLock({ key: 'a', ttlMs: 1 }), await nango.tryAcquireLock({ key: 'a', ttlMs: 1 }), await nango.releaseLock({ key: 'a' })];
        await nango.releaseAllLocks();
        await nango.setMergingStrategy({ strategy: 'override' }, 'Item');
        await nango.trackDeletesStart('Item');
        await nango.get({ endpoint: '/items', baseUrlOverride: 'https://other.example.com', decompress: true, retries: 4, forwardHeadersOnRedirect: true });
        await nango.batchSave([{ id: '1' }, { id: '1' }, { id: '2', at: 'never' } as any], 'Item');
        await nango.batchUpdate([{ id: '1' }], 'Item');
        const ended = await nango.trackDeletesEnd('Item');
        await nango.startSync('shop', ['items']);
        await nango.triggerSync('shop', 'c1', { name: 'inner', variant: 'eu' });
        await nango.triggerSync('shop', 'c1', 'unknown');
        let listed = 0;
        for await (const record of nango.listRecords('Item')) listed += record.id === '1' ? 1 : 0;
        const refused = await nango.saveCheckpoint({ deep: {} } as any).catch((error: any) => error.message);
        await nango.clearCheckpoint();
        await nango.log('calls', { locks, ended, listed, refused: refused.split(':')[0] });
    }
});
";

const INNER: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', models: { Inner: z.object({ id: z.string() }) },
    exec: async (nango) => {
        await nango.log(`inner runs as ${nango.variant}`);
        await nango.batchSave([{ id: '1' }], 'Inner');
        await nango.triggerSync('shop', 'c1', 'inner');
    }
});
";

#[test]
fn what_would_change_the_server_is_only_told() {
    let server = Server::start();
    let dir = folder(&[
        (
            "index.ts",
            "import './shop/syncs/calls.js';\nimport './shop/syncs/inner.js';",
        ),
        ("shop/syncs/calls.ts", CALLS),
        ("shop/syncs/inner.ts", INNER),
    ]);
    let ran = tenon(dir.path(), Some(&server.url), &["dryrun", "calls", "c1", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report = ran.json();
    let logs = report["logs"].as_array().unwrap();
    let told: Vec<&str> = logs.iter().map(|line| line["message"].as_str().unwrap()).collect();
    for text in [
        "setMergingStrategy('Item') does nothing in a dry run",
        "trackDeletesStart('Item') does nothing in a dry run",
        "trackDeletesEnd('Item') does nothing in a dry run",
        "startSync() does nothing in a dry run",
        "triggerSync('inner') ran here and stored nothing",
        "triggerSync('unknown') does nothing in a dry run: the project has no sync unknown of shop",
        "inner runs as eu",
        "triggerSync('inner') does nothing in a dry run: syncs trigger each other more than 3 deep",
    ] {
        assert!(told.contains(&text), "{text}: {told:?}");
    }
    let ran_inside = logs
        .iter()
        .rfind(|line| line["message"] == "triggerSync('inner') ran here and stored nothing");
    assert_eq!(ran_inside.unwrap()["meta"]["records"]["Inner"]["saved"], 1);
    assert!(
        report["records"].get("Inner").is_none(),
        "they are those of another sync"
    );
    let calls = logs.iter().find(|line| line["message"] == "calls").unwrap();
    assert_eq!(
        calls["meta"],
        json!({ "locks": [true, true, true], "ended": { "deletedKeys": [] }, "listed": 1, "refused": "Error saving checkpoint" })
    );
    assert_eq!(report["records"]["Item"]["updated"], json!([{ "id": "1" }]));
    // The schema has formats, and records are held against it, too.
    assert_eq!(report["validation"][0]["code"], "invalid_sync_record");
    assert_eq!(report["validation"].as_array().unwrap().len(), 1);
    let strict = tenon(
        dir.path(),
        Some(&server.url),
        &["dryrun", "calls", "c1", "--validation"],
    );
    assert_eq!(strict.code, 12, "{}", strict.stdout);
    assert!(
        strict.stdout.contains("does not fit the schema Item"),
        "{}",
        strict.stdout
    );
    let seen = server.take();
    assert!(
        seen.iter().all(|request| request.method == "GET"),
        "nothing was written"
    );
    let page = seen.iter().find(|request| request.path == "/proxy/items").unwrap();
    for (name, value) in [
        ("base-url-override", "https://other.example.com"),
        ("decompress", "true"),
        ("retries", "4"),
        ("forward-headers-on-redirect", "true"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
}

#[test]
fn flags_take_values_in_every_form() {
    let server = Server::start();
    let dir = project();
    let run = |args: &[&str]| tenon(dir.path(), Some(&server.url), &[&["dryrun"], args].concat());
    std::fs::write(dir.path().join("point.json"), r#"{"page":7}"#).unwrap();
    std::fs::write(dir.path().join("meta.json"), r#"{"region":"us"}"#).unwrap();
    let long = run(&[
        "items",
        "c1",
        "-e",
        "dev",
        "-c",
        "@point.json",
        "-m",
        "@meta.json",
        "--lastSyncDate",
        "May 1, 2026",
        "--json",
    ]);
    assert_eq!(long.code, 0, "{}{}", long.stdout, long.stderr);
    let report = long.json();
    assert_eq!(report["checkpoint"], json!({ "page": 9 }));
    assert_eq!(report["records"]["Item"]["saved"][0]["region"], "us");
    assert_eq!(report["records"]["Item"]["saved"][0]["variant"], "base");
    assert_eq!(report["logs"][0]["meta"]["since"], "2026-05-01T00:00:00.000Z");
    for (args, sentence) in [
        (&["--checkpoint", "[1]"][..], "--checkpoint: a checkpoint is an object"),
        (&["--checkpoint", r#"{"a":{}}"#], "--checkpoint: `a` must be a text"),
        (&["--metadata", "@none.json"], "--metadata: none.json cannot be read"),
        (&["--input", "{"], "--input: the value is not JSON"),
        (&["-l", "yesterday"], "`yesterday` is not a moment"),
    ] {
        let refused = run(&[&["items", "c1"], args].concat());
        assert_eq!(refused.code, 1, "{args:?}");
        assert!(refused.stderr.contains(sentence), "{args:?}\n{}", refused.stderr);
    }
    let measured = run(&["items", "c1", "--diagnostics"]);
    assert_eq!(measured.code, 0);
    let line = measured
        .stdout
        .lines()
        .find(|line| line.starts_with("Memory "))
        .unwrap_or_default();
    assert!(line.contains("processor time"), "{}", measured.stdout);
    assert!(!run(&["items", "c1"]).stdout.contains("Memory "));
    let act = [
        "act",
        "c1",
        "--integration-id",
        "shop",
        "-i",
        r#"{"what":"token"}"#,
        "--save-responses",
    ];
    let saved = run(&act);
    assert!(saved.stderr.contains("Saved as"), "{}{}", saved.stdout, saved.stderr);
    assert!(dir.path().join("shop/tests/act.test.json").is_file());
}

#[test]
fn functions_of_events_are_run_as_well() {
    let server = Server::start();
    let event = "import { createOnEvent } from 'nango';\nexport default createOnEvent({ description: 'x', event: 'validate-connection', exec: async (nango) => { await nango.log(`checks ${nango.connectionId} as ${nango.scriptType}`); throw new nango.ActionError({ message: 'no' }); } });\n";
    let dir = folder(&[
        ("index.ts", "import './shop/on-events/check.js';"),
        ("shop/on-events/check.ts", event),
    ]);
    let ran = tenon(dir.path(), Some(&server.url), &["dryrun", "check", "c1", "--json"]);
    assert_eq!(ran.code, 12, "{}{}", ran.stdout, ran.stderr);
    let report = ran.json();
    assert_eq!(report["logs"][0]["message"], "checks c1 as on-event");
    assert_eq!(report["error"]["payload"], json!({ "message": "no" }));
}

#[test]
fn types_are_checked_when_it_is_asked_for() {
    use std::os::unix::fs::PermissionsExt as _;

    let server = Server::start();
    let dir = project();
    std::fs::create_dir_all(dir.path().join("node_modules/.bin")).unwrap();
    std::fs::write(dir.path().join("tsconfig.json"), "{}").unwrap();
    let program = dir.path().join("node_modules/.bin/tsc");
    std::fs::write(&program, "#!/bin/sh\necho 'error TS2322'\nexit 2\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let plain = tenon(dir.path(), Some(&server.url), &["dryrun", "items", "c1"]);
    assert_eq!(plain.code, 0, "{}", plain.stderr);
    let checked = tenon(dir.path(), Some(&server.url), &["dryrun", "items", "c1", "--typecheck"]);
    assert_eq!(checked.code, 10);
    assert!(checked.stderr.contains("error TS2322"), "{}", checked.stderr);
}

#[test]
fn what_a_fixture_holds() {
    let server = Server::start();
    let dir = folder(&[
        ("index.ts", "import './shop/syncs/odd.js';"),
        ("shop/syncs/odd.ts", ODD),
    ]);
    let saved = tenon(dir.path(), Some(&server.url), &["dryrun", "odd", "c1", "--save"]);
    assert_eq!(saved.code, 0, "{}{}", saved.stdout, saved.stderr);
    let text = std::fs::read_to_string(dir.path().join("shop/tests/odd.test.json")).unwrap();
    let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
    let names = |value: &serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&fixture), ["nango", "api"]);
    // Every declared model, also one without records; no checkpoint, no updates.
    assert_eq!(names(&fixture["nango"]), ["getConnection", "batchSave", "batchDelete"]);
    assert_eq!(
        fixture["nango"]["batchSave"],
        json!({ "Item": [{ "id": "1" }, { "id": "2" }], "Never": [] })
    );
    assert_eq!(fixture["nango"]["batchDelete"], json!({ "Item": [], "Never": [] }));
    assert_eq!(names(&fixture["api"]), ["get", "post"]);
    assert_eq!(names(&fixture["api"]["get"]), ["/items", "/teapot"]);
    // The same request once, a failed one as well, data as JSON, the path without the base.
    let items = &fixture["api"]["get"]["/items"];
    assert_eq!(items["request"], json!({ "params": { "cursor": "2" } }));
    assert_eq!(items["hash"].as_str().unwrap().len(), 40);
    let teapot = &fixture["api"]["get"]["/teapot"];
    assert_eq!(
        (&teapot["status"], &teapot["response"]["why"]),
        (&json!(418), &json!("short and stout"))
    );
    let order = &fixture["api"]["post"]["/orders"];
    assert_eq!(
        order["request"],
        json!({ "headers": { "x-mine": "yes" }, "data": { "a": 1 } })
    );
    let tested = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(tested.json()["passed"], 1, "{}", tested.stdout);
}
