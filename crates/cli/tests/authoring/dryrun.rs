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
        if (input.what === 'nobody') return nango.get({ endpoint: '/nobody' }).catch((e) => ({ ok: e.code === 'ECONNREFUSED' && e.response === undefined }));
        if (input.what === 'filled') return { ok: (await nango.get({ endpoint: '/items?cursor=2&at=${connectionConfig.region}-${metadata.region}-${credentials.access_token}' })).data.next === null };
        if (input.what === 'refuse') throw new nango.ActionError({ reason: 'no' });
        if (input.what === 'token') return { ok: (await nango.getToken()) === 'token-1' };
        if (input.what === 'trigger') return { ok: (await nango.triggerAction('shop', 'c1', 'other', {})).triggered === 'other' };
        if (input.what === 'metadata') { await nango.updateMetadata({ b: 2 }); return { ok: (await nango.getMetadata() as any).b === 2 }; }
        return { ok: 'not a boolean' };
    }
});
";

/// A project with a sync and two actions of one name.
pub fn project() -> tempfile::TempDir {
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
    for what in ["order", "token", "trigger", "metadata", "nobody", "filled"] {
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
    let filled = seen.iter().find(|request| request.path.contains("at=")).unwrap();
    assert!(
        filled
            .path
            .ends_with("at=$%7BconnectionConfig.region%7D-eu-$%7Bcredentials.access_token%7D"),
        "what the connection has and is not secret: {}",
        filled.path
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
fn a_token_that_the_key_may_not_read_is_missed_by_name() {
    let server = Server::start();
    let ran = run(
        &server,
        &[
            "act",
            "closed",
            "--integration-id",
            "shop",
            "--input",
            r#"{"what":"token"}"#,
        ],
    );
    assert_eq!(ran.code, 12);
    assert!(
        ran.stdout.contains("environment:connections:read_credentials"),
        "{}",
        ran.stdout
    );
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
    assert!(
        missing.stderr.contains("shop has no connection c9"),
        "{}",
        missing.stderr
    );
    let bad = run(&server, &["items", "c1", "--checkpoint", "{page: 1}"]);
    assert_eq!(bad.code, 1);
    assert!(
        bad.stderr.contains("--checkpoint: the value is not JSON"),
        "{}",
        bad.stderr
    );
}

#[test]
fn failures_name_the_authors_line() {
    let server = Server::start();
    let refuse = r#"{"what": "refuse"}"#;
    let ran = run(&server, &["act", "c1", "--integration-id", "shop", "--input", refuse]);
    let line = ACTION.lines().position(|line| line.contains("'refuse'")).unwrap() + 1;
    let place = format!("at exec (shop/actions/act.ts:{line}:");
    assert!(ran.stdout.contains(&place), "{}{}", ran.stdout, ran.stderr);
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
