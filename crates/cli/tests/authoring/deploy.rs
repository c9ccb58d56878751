//! Deploying.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    server::Server,
    tenon::{copy, folder, tenon},
};

const ACTION: &str = "import { createAction } from 'nango';\nimport * as z from 'zod';\nexport default createAction({ description: 'x', input: z.void(), output: z.void(), exec: async () => {} });\n";
const EVENT: &str = "import { createOnEvent } from 'nango';\nexport default createOnEvent({ description: 'x', event: 'validate-connection', exec: async () => {} });\n";

fn project() -> tempfile::TempDir {
    folder(&[
        (
            "index.ts",
            "import './shop/actions/pay.js';\nimport './shop/on-events/check.js';\nimport './desk/actions/pay.js';",
        ),
        ("shop/actions/pay.ts", ACTION),
        ("shop/on-events/check.ts", EVENT),
        ("desk/actions/pay.ts", ACTION),
    ])
}

#[test]
fn two_requests_with_the_same_functions() {
    let server = Server::start();
    let dir = project();
    let ran = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--yes"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stdout.contains("Deployed 3 functions."), "{}", ran.stdout);
    let seen = server.take();
    assert_eq!(
        seen.iter().map(|s| s.path.as_str()).collect::<Vec<_>>(),
        ["/sync/deploy/confirmation", "/sync/deploy"]
    );
    let (first, second) = (seen[0].json(), seen[1].json());
    assert_eq!(first["flowConfigs"], second["flowConfigs"]);
    assert_eq!(
        (&first["reconcile"], &second["reconcile"]),
        (&json!(false), &json!(true))
    );
    assert_eq!(
        (first.get("nangoYamlBody"), &second["nangoYamlBody"]),
        (None, &json!(""))
    );
    assert_eq!((first.get("source"), &second["source"]), (None, &json!("repo")));
    assert_eq!(first["deployMode"], "all");
    assert_eq!(first["onEventScriptsByProvider"][0]["scripts"][0]["name"], "check");
}

#[test]
fn a_part_of_the_project() {
    let server = Server::start();
    let dir = project();
    let bodies = |args: &[&str]| -> Value {
        let ran = tenon(dir.path(), Some(&server.url), &[&["deploy", "dev"], args].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        server.take()[1].json()
    };
    let one = bodies(&["--action", "pay", "--integration", "shop", "-v", "7.0.0"]);
    assert_eq!(one["flowConfigs"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&one["deployMode"], &one["flowConfigs"][0]["version"]),
        (&json!("single"), &json!("7.0.0"))
    );
    assert!(one.get("onEventScriptsByProvider").is_none());
    let integration = bodies(&["--integration", "shop"]);
    assert_eq!(integration["deployMode"], "integration");
    assert_eq!(integration["onEventScriptsByProvider"].as_array().unwrap().len(), 1);

    let ambiguous = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--action", "pay"]);
    assert_eq!(ambiguous.code, 11);
    assert!(
        ambiguous.stderr.contains("pay exists in shop and desk"),
        "{}",
        ambiguous.stderr
    );
    let unknown = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--sync", "none"]);
    assert!(
        unknown.stderr.contains("the project has no sync called none"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn losses_need_a_word() {
    let server = Server::start();
    server.plan(json!({
        "newActions": [{ "name": "pay", "providerConfigKey": "shop" }],
        "deletedSyncs": [{ "name": "old", "providerConfigKey": "shop", "connections": 3, "auto_start": false }],
        "deletedModels": ["Old"],
    }));
    let dir = project();
    let refused = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--auto-confirm"]);
    assert_eq!(refused.code, 11);
    assert!(refused.stderr.contains("--allow-destructive"), "{}", refused.stderr);
    assert_eq!(server.take().len(), 1, "nothing was deployed");
    for line in ["+  action  pay", "-  sync    old  3 connections lose it"] {
        assert!(refused.stdout.contains(line), "{line}\n{}", refused.stdout);
    }
    let planned = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--plan", "--json"]).json();
    assert_eq!(
        (&planned["applied"], &planned["plan"]["deletedModels"]),
        (&json!(false), &json!(["Old"]))
    );
    assert_eq!(server.take().len(), 1);
    let agreed = tenon(
        dir.path(),
        Some(&server.url),
        &["deploy", "dev", "--yes", "--allow-destructive"],
    );
    assert_eq!((agreed.code, server.take().len()), (0, 2));
}

#[test]
fn keys_come_from_many_places() {
    let server = Server::start();
    let dir = project();
    let none = tenon(dir.path(), None, &["deploy", "prod"]);
    assert_eq!(none.code, 1);
    assert!(none.stderr.contains("TENON_SECRET_KEY_PROD"), "{}", none.stderr);
    let wrong = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--api-key", "wrong"]);
    assert_eq!(wrong.code, 11);
    assert!(
        wrong.stderr.contains("401: no such key (unknown_key)"),
        "{}",
        wrong.stderr
    );
    std::fs::write(
        dir.path().join(".env"),
        format!("TENON_HOST={}\nTENON_SECRET_KEY_PROD='key-of-dev'\n", server.url),
    )
    .unwrap();
    let from_file = tenon(dir.path(), None, &["deploy", "prod"]);
    assert_eq!(from_file.code, 0, "{}", from_file.stderr);
}

#[test]
fn bodies_have_the_members_of_the_contract_and_no_others() {
    let server = Server::start();
    let dir = project();
    let sync = "import { createSync } from 'nango';\nimport * as z from 'zod';\nexport default createSync({ description: 'Items.', version: '1.0.0', frequency: 'every hour', metadata: z.object({ a: z.string() }), models: { Item: z.object({ id: z.string() }) }, exec: async (nango) => { await nango.saveCheckpoint({ at: 1 }); } });\n";
    std::fs::create_dir_all(dir.path().join("shop/syncs")).unwrap();
    std::fs::write(dir.path().join("shop/syncs/items.ts"), sync).unwrap();
    std::fs::write(
        dir.path().join("index.ts"),
        "import './shop/actions/pay.js';\nimport './shop/syncs/items.js';\nimport './shop/on-events/check.js';",
    )
    .unwrap();
    let ran = tenon(dir.path(), Some(&server.url), &["deploy", "dev", "--auto-confirm"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let seen = server.take();
    let (first, second) = (seen[0].json(), seen[1].json());
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let common = [
        "flowConfigs",
        "onEventScriptsByProvider",
        "deployMode",
        "reconcile",
        "debug",
    ];
    assert_eq!(keys(&first), [&common[..], &["sdkVersion"]].concat());
    assert_eq!(
        keys(&second),
        [&common[..], &["nangoYamlBody", "sdkVersion", "source"]].concat()
    );
    assert_eq!(first["sdkVersion"], concat!(env!("CARGO_PKG_VERSION"), "-zero"));
    assert_eq!(first["debug"], false);
    for request in &seen {
        assert_eq!(request.header("content-type"), "application/json");
        assert!(request.header("user-agent").starts_with("tenon-cli/"));
        assert_eq!(
            request.header("nango-cli-device-id"),
            "",
            "nothing tells machines apart"
        );
    }
    let [sync, action] = second["flowConfigs"].as_array().unwrap().as_slice() else {
        panic!("{second:#}")
    };
    let without_files = |flow: &Value| {
        let mut flow = flow.clone();
        for (key, texts) in [
            ("fileBody", ["js", "ts"]),
            ("models_json_schema", ["definitions", "definitions"]),
        ] {
            let member = flow.as_object_mut().unwrap().shift_remove(key).unwrap();
            assert!(texts.iter().all(|text| member.get(text).is_some()), "{member}");
        }
        flow
    };
    assert_eq!(
        sync["fileBody"]["ts"],
        std::fs::read_to_string(dir.path().join("shop/syncs/items.ts")).unwrap()
    );
    assert_eq!(
        without_files(sync),
        json!({
            "type": "sync", "syncName": "items", "providerConfigKey": "shop", "models": ["Item"],
            "input": "SyncMetadata_shop_items", "version": "1.0.0", "runs": "every hour", "track_deletes": false,
            "auto_start": false, "sync_type": "full", "webhookSubscriptions": [], "attributes": {},
            "metadata": { "description": "Items.", "scopes": [] }, "endpoints": [], "features": ["checkpoints"],
        })
    );
    assert_eq!(
        without_files(action),
        json!({
            "type": "action", "syncName": "pay", "providerConfigKey": "shop", "models": ["ActionOutput_shop_pay"],
            "input": "ActionInput_shop_pay", "version": "", "runs": null, "track_deletes": false,
            "metadata": { "description": "x", "scopes": [] }, "endpoints": [], "features": [],
        })
    );
    let script = &second["onEventScriptsByProvider"][0];
    assert_eq!(
        (&script["providerConfigKey"], keys(&script["scripts"][0])),
        (&json!("shop"), vec!["name".into(), "fileBody".into(), "event".into()])
    );

    let debug = tenon(
        dir.path(),
        Some(&server.url),
        &["deploy", "dev", "--debug", "--version", "9.0.0"],
    );
    assert_eq!(debug.code, 0, "{}", debug.stderr);
    let sent = server.take()[1].json();
    assert_eq!(
        (&sent["debug"], &sent["flowConfigs"][1]["version"]),
        (&json!(true), &json!("9.0.0"))
    );
}

#[test]
fn functions_with_triggers_go_apart() {
    const DECLARED: &str = "import { createFunction } from 'nango/experimental';\nimport * as z from 'zod';\nexport default createFunction({ description: 'Asks.', input: z.object({ q: z.string() }), output: z.string(), data: { models: { Note: z.object({ id: z.string() }) }, checkpoint: z.object({ at: z.number() }) }, limits: { concurrency: { perConnection: 1 } }, exec: async () => 'x' });\n";
    let server = Server::start();
    let dir = project();
    std::fs::create_dir_all(dir.path().join("desk/functions")).unwrap();
    std::fs::write(dir.path().join("desk/functions/ask.ts"), DECLARED).unwrap();
    let both = "import './shop/actions/pay.js';\nimport './desk/functions/ask.js';";
    std::fs::write(dir.path().join("index.ts"), both).unwrap();
    let mixed = tenon(dir.path(), Some(&server.url), &["deploy", "dev"]);
    assert_eq!(mixed.code, 11);
    assert!(
        mixed.stderr.contains("both kinds cannot be deployed together"),
        "{}",
        mixed.stderr
    );
    assert!(server.take().is_empty());

    let one = tenon(
        dir.path(),
        Some(&server.url),
        &["deploy", "dev", "--integration", "desk"],
    );
    assert_eq!(one.code, 0, "{}{}", one.stdout, one.stderr);
    let seen = server.take();
    let paths: Vec<&str> = seen.iter().map(|seen| seen.path.as_str()).collect();
    assert_eq!(
        paths,
        ["/functions/deployments/bundle/preview", "/functions/deployments/bundle"]
    );
    assert_eq!(seen[0].json(), seen[1].json());
    let mut body = seen[1].json();
    assert_eq!(
        body["reconciliationScope"],
        json!({ "kind": "integration", "integrationId": "desk" })
    );
    let member = body["functions"][0].as_object_mut().unwrap();
    let schemas = member.shift_remove("json_schema").unwrap();
    assert_eq!(schemas["definitions"].as_object().unwrap().len(), 4);
    assert!(
        member.shift_remove("fileBody").unwrap()["js"]
            .as_str()
            .unwrap()
            .contains("Asks.")
    );
    assert_eq!(
        Value::Object(member.clone()),
        json!({
            "name": "ask", "integrationId": "desk", "description": "Asks.", "trigger": { "kind": "none" },
            "requires": { "connection": true, "outbound": true, "invoke": false },
            "capabilities": { "usesRecords": true, "usesCheckpoints": true, "usesMetadata": false, "usesOutbound": true, "usesInvoke": false },
            "limits": { "concurrency": { "perConnection": 1 } },
            "input_schema_ref": "#/definitions/FunctionInput_desk_ask", "output_schema_ref": "#/definitions/FunctionOutput_desk_ask",
            "model_schema_refs": ["#/definitions/Note"], "metadata_schema_ref": null,
            "checkpoint_schema_ref": "#/definitions/FunctionCheckpoint_desk_ask",
        })
    );
    std::fs::write(dir.path().join("index.ts"), "import './desk/functions/ask.js';").unwrap();
    assert_eq!(tenon(dir.path(), Some(&server.url), &["deploy", "dev"]).code, 0);
    assert_eq!(
        server.take()[1].json()["reconciliationScope"],
        json!({ "kind": "environment" })
    );
}

/// Recorded requests of the reference client, which lie beside the repository.
#[test]
fn requests_equal_the_recorded_ones() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/contract/golden");
    let Ok(text) = std::fs::read_to_string(golden.join("deploy/bodies/cli-requests.json")) else {
        println!("SKIPPED: there is no recording at {}", golden.display());
        return;
    };
    let recorded: Value = serde_json::from_str(&text).unwrap();
    let dir = tempfile::tempdir().unwrap();
    copy(&golden.join("functions"), dir.path());
    let server = Server::start();
    for (name, args) in [
        ("all", &[] as &[&str]),
        ("single-action", &["--action", "echo"]),
        ("single-sync", &["--sync", "ops"]),
        ("integration", &["--integration", "b-hook"]),
    ] {
        let ran = tenon(dir.path(), Some(&server.url), &[&["deploy", "dev"], args].concat());
        assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
        let seen = server.take();
        for (step, request) in [("confirmation", &seen[0]), ("deploy", &seen[1])] {
            let mut ours = request.json();
            let mut theirs = resolve(&recorded[format!("{name}.{step}")]["request"]["json"], &golden);
            for body in [&mut ours, &mut theirs] {
                strip(body);
            }
            assert_eq!(format!("{ours:#}"), format!("{theirs:#}"), "{name}.{step}");
        }
    }
}

/// Puts the files in the place of their names.
fn resolve(value: &Value, golden: &Path) -> Value {
    match value {
        Value::Object(members) => match members.get("$file").and_then(Value::as_str) {
            Some(file) => serde_json::from_str(&std::fs::read_to_string(golden.join(file)).unwrap()).unwrap(),
            None => members
                .iter()
                .map(|(key, value)| (key.clone(), resolve(value, golden)))
                .collect(),
        },
        Value::Array(items) => items.iter().map(|item| resolve(item, golden)).collect(),
        other => other.clone(),
    }
}

/// Leaves out what differs by design: the text of bundles, our version, and an empty list of on-event functions,
/// which we do not send because it would remove those of other integrations.
fn strip(body: &mut Value) {
    for flow in body["flowConfigs"].as_array_mut().unwrap() {
        flow["fileBody"]["js"] = json!("");
    }
    for group in body
        .get_mut("onEventScriptsByProvider")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        for script in group["scripts"].as_array_mut().unwrap() {
            script["fileBody"]["js"] = json!("");
        }
    }
    body["sdkVersion"] = json!("");
    let members = body.as_object_mut().unwrap();
    if members
        .get("onEventScriptsByProvider")
        .is_some_and(|list| list == &json!([]))
    {
        members.shift_remove("onEventScriptsByProvider");
    }
}
