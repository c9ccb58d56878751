//! Failures as programs read them: one line of JSON on the standard output, whatever the command.

use serde_json::{Value, json};

use super::{
    server::Server,
    tenon::{Ran, folder, tenon, tenon_with},
};

const ACTION: &str = "import { createAction } from 'nango';\nimport * as z from 'zod';\nexport default createAction({ description: 'x', input: z.void(), output: z.void(), exec: async () => {} });\n";
const NOWHERE: &str = "http://127.0.0.1:9";

fn project() -> tempfile::TempDir {
    folder(&[
        ("index.ts", "import './shop/actions/pay.js';"),
        ("shop/actions/pay.ts", ACTION),
        ("shop/actions/refund.ts", "// not as deployed\n"),
        ("damaged.json", "{"),
    ])
}

/// The refusal, after its shape was looked at.
fn refusal(ran: &Ran, what: &[&str]) -> Value {
    assert_eq!(ran.stderr, "", "{what:?}");
    assert_eq!(ran.stdout.trim_end().lines().count(), 1, "{what:?}\n{}", ran.stdout);
    let shown = ran.json();
    assert_eq!(shown["ok"], false, "{what:?}: {shown}");
    assert!(
        shown["error"]["message"].as_str().is_some_and(|text| !text.is_empty()),
        "{shown}"
    );
    shown
}

#[test]
fn every_failure_is_one_line_with_a_code() {
    let server = Server::start();
    let dir = project();
    for (host, args, code, exit) in [
        (NOWHERE, &["functions", "list"][..], "server_unreachable", 1),
        (NOWHERE, &["functions", "show", "shop", "pay"], "server_unreachable", 1),
        (
            NOWHERE,
            &["functions", "disable", "shop", "pay"],
            "server_unreachable",
            1,
        ),
        (
            NOWHERE,
            &["functions", "rollback", "shop", "pay", "--yes"],
            "server_unreachable",
            1,
        ),
        (NOWHERE, &["pull", "shop", "pay"], "server_unreachable", 1),
        (NOWHERE, &["logs"], "server_unreachable", 1),
        (NOWHERE, &["replay", "01jd3k5q8m2xa"], "server_unreachable", 1),
        (
            NOWHERE,
            &["templates", "deploy", "hubspot/contacts"],
            "server_unreachable",
            1,
        ),
        (NOWHERE, &["integrations", "list"], "server_unreachable", 1),
        (NOWHERE, &["deploy"], "server_unreachable", 11),
        (NOWHERE, &["dryrun", "pay", "c1"], "server_unreachable", 12),
        ("nowhere", &["dryrun", "pay", "c1"], "invalid_host", 1),
        ("", &["functions", "list", "--api-key", "wrong"], "unknown_key", 1),
        (
            "",
            &["functions", "enable", "shop", "pay", "--api-key", "wrong"],
            "unknown_key",
            1,
        ),
        (
            "",
            &["templates", "deploy", "hubspot/contacts", "--api-key", "wrong"],
            "unknown_key",
            1,
        ),
        ("", &["functions", "show", "shop", "nothing"], "not_found", 1),
        ("", &["functions", "disable", "shop", "nothing"], "not_found", 1),
        ("", &["functions", "disable", "shop", "pay"], "invalid_request", 11),
        ("", &["functions", "diff", "shop", "pay", "99"], "version_not_found", 1),
        ("", &["functions", "rollback", "shop", "pay"], "not_confirmed", 11),
        ("", &["pull", "shop", "nothing"], "not_found", 1),
        ("", &["logs", "01jd3k5q8m2xb"], "not_found", 1),
        ("", &["replay", "nothing"], "not_found", 1),
        ("", &["debug", "damaged.json"], "invalid_recording", 1),
        ("", &["debug", "01jd3k5q8m2xa"], "not_found", 1),
        ("", &["test", "nosuch"], "not_found", 1),
        ("", &["test", "shop/actions/pay.ts"], "usage", 1),
        ("", &["test", "--filter", "typo"], "not_found", 1),
        ("", &["generate:tests", "nosuch"], "not_found", 1),
        ("", &["generate:docs", "-p", "nope"], "not_found", 1),
        ("", &["create", "shop", "again"], "usage", 1),
        ("", &["create", "--action", "shop", "pay"], "failed", 1),
        ("", &["init", "/proc/x"], "failed", 1),
        ("", &["dev", "-e"], "usage", 1),
        ("", &["dev", "nowhere"], "no_api_key", 1),
        ("", &["dev", "--dir", "nosuch", "--no-deploy"], "not_found", 1),
        ("", &["dryrun", "pay", "c1", "--input", "{"], "usage", 1),
        ("", &["dryrun", "pay", "c1", "--checkpoint", "[]"], "usage", 1),
        ("", &["dryrun", "pay", "c1", "--last-sync-date", "soon"], "usage", 1),
        ("", &["dryrun", "pay", "c1", "--metadata", "[1]"], "usage", 1),
        ("", &["dryrun", "pay", "c1", "-e", "prod"], "no_api_key", 1),
        ("", &["dryrun", "nope", "c1"], "not_found", 12),
        ("", &["dryrun", "pay", "c9"], "not_found", 12),
        ("", &["dryrun", "pay", ".."], "usage", 1),
        ("", &["integrations", "create", "nope"], "not_found", 1),
        ("", &["deploy", "--sync", "nope"], "not_found", 11),
        ("", &["deploy", "--api-key", "wrong"], "unknown_key", 11),
        ("", &["templates", "show", "hubspot/nope"], "not_found", 1),
        ("", &["templates", "add", "nope"], "usage", 1),
        ("", &["clone", "nope"], "not_found", 1),
        ("", &["skills", "install", "--agent", "nope"], "not_found", 1),
        ("", &["catalog", "show", "nope"], "not_found", 1),
        ("", &["compile", "--nothing"], "usage", 1),
        ("", &["functions", "show"], "usage", 1),
        ("", &["functions", "show", "shop"], "usage", 1),
        ("", &["functions", "show", "shop", ".."], "usage", 1),
    ] {
        let host = if host.is_empty() { server.url.as_str() } else { host };
        let ran = tenon(dir.path(), Some(host), &[args, &["--json"]].concat());
        let shown = refusal(&ran, args);
        assert_eq!(
            (ran.code, &shown["error"]["code"]),
            (exit, &json!(code)),
            "{args:?}: {shown}"
        );
        // People read the same on the other stream.
        let read = tenon(dir.path(), Some(host), args);
        assert_eq!(read.code, exit, "{args:?}");
        assert!(
            !read.stderr.is_empty() && !read.stdout.contains("\"ok\""),
            "{args:?}\n{}",
            read.stdout
        );
    }
}

#[test]
fn a_project_with_errors_says_so_in_the_same_shape() {
    let server = Server::start();
    let dir = folder(&[("index.ts", "import './shop/actions/none.js';")]);
    for args in [
        &["compile"][..],
        &["deploy"],
        &["dryrun", "pay", "c1"],
        &["generate:docs"],
    ] {
        let ran = tenon(dir.path(), Some(&server.url), &[args, &["--json"]].concat());
        let shown = refusal(&ran, args);
        assert_eq!((ran.code, &shown["error"]["code"]), (10, &json!("compile_failed")));
        assert!(!shown["diagnostics"].as_array().unwrap().is_empty());
    }
    let dir = project();
    std::fs::write(dir.path().join("build"), "in the way").unwrap();
    let ran = tenon(dir.path(), None, &["compile", "--json"]);
    assert_eq!(
        (ran.code, &refusal(&ran, &["compile"])["error"]["code"]),
        (1, &json!("failed"))
    );
}

#[test]
fn a_refused_deploy_shows_its_plan() {
    let server = Server::start();
    server.plan(json!({ "deletedModels": ["Old"] }));
    let dir = project();
    let ran = tenon(dir.path(), Some(&server.url), &["deploy", "--json"]);
    let shown = refusal(&ran, &["deploy"]);
    assert_eq!(ran.code, 11);
    assert_eq!(
        (
            &shown["error"]["code"],
            &shown["applied"],
            &shown["plan"]["deletedModels"]
        ),
        (&json!("destructive_change"), &json!(false), &json!(["Old"]))
    );
    // `tenon dev` has no flag for it, and names the command that has.
    let dev = tenon(dir.path(), Some(&server.url), &["dev", "--once"]);
    assert!(
        dev.stderr.contains("run `tenon deploy --allow-destructive`"),
        "{}",
        dev.stderr
    );
    let dev = tenon(dir.path(), Some(&server.url), &["dev", "--once", "--json"]).json();
    assert_eq!(
        (&dev["event"], &dev["error"]["code"]),
        (&json!("refused"), &json!("destructive_change"))
    );
}

#[test]
fn what_failed_in_a_dry_run_has_a_code() {
    let server = Server::start();
    let throws = ACTION.replace("exec: async () => {}", "exec: async () => { throw new Error('no'); }");
    let other = ACTION.replace(
        "output: z.void(), exec: async () => {}",
        "output: z.string(), exec: async () => 1 as any",
    );
    let dir = folder(&[
        (
            "index.ts",
            "import './shop/actions/throws.js';\nimport './shop/actions/other.js';",
        ),
        ("shop/actions/throws.ts", &throws),
        ("shop/actions/other.ts", &other),
    ]);
    for (name, code) in [("throws", "function_failed"), ("other", "validation_failed")] {
        let ran = tenon(
            dir.path(),
            Some(&server.url),
            &["dryrun", name, "c1", "--validate", "--json"],
        );
        assert_eq!(
            (ran.code, &ran.json()["error"]["code"]),
            (12, &json!(code)),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn arguments_after_the_end_of_flags_ask_for_nothing() {
    let dir = project();
    let ran = tenon_with(dir.path(), &[], &["compile", "--nothing", "--", "--json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""));
    assert!(ran.stderr.contains("--nothing"), "{}", ran.stderr);
}
