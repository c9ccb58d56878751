//! Functions made by `createFunction`: fixtures run as they do for actions and syncs.

use serde_json::{Value, json};

use super::{
    super::tenon::{folder, tenon},
    reasons,
};

fn function(declared: &str, exec: &str) -> String {
    format!(
        "import {{ createFunction }} from 'nango/experimental';\nimport * as z from 'zod';\nconst Item = z.object({{ id: z.string() }});\n\
         export default createFunction({{ description: 'x', {declared}, exec: async (nango, trigger): Promise<any> => {{ {exec} }} }});\n"
    )
}

fn run(cases: &[(&str, &str, &str, Value)], flags: &[&str]) -> Value {
    let mut files = Vec::new();
    for (name, declared, exec, fixture) in cases {
        files.push((format!("acme/functions/{name}.ts"), function(declared, exec)));
        files.push((format!("acme/tests/{name}.test.json"), fixture.to_string()));
    }
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let dir = folder(&files);
    let args: Vec<&str> = ["test", "--json"].iter().chain(flags).copied().collect();
    let ran = tenon(dir.path(), None, &args);
    let found = reasons(&ran);
    json!(found)
}

const RECORDS: &str = "trigger: { kind: 'schedule', frequency: 'every hour' }, data: { models: { Item }, checkpoint: z.object({ at: z.string() }) }";
const PAGES: &str = "for await (const page of nango.paginate({ endpoint: '/items', paginate: { type: 'cursor', cursor_path_in_response: 'next', cursor_name_in_request: 'c', response_path: 'items' } })) { await nango.batchSave(page, 'Item'); } await nango.saveCheckpoint({ at: 'x' });";

fn items() -> Value {
    json!({ "get": { "/items": [
        { "request": { "params": {} }, "response": { "items": [{ "id": "1" }], "next": "b" } },
        { "request": { "params": { "c": "b" } }, "response": { "items": [{ "id": "2" }] } } ] } })
}

#[test]
fn every_trigger_is_replayed() {
    let found = run(
        &[
            (
                "called",
                "input: z.object({ n: z.number() }), output: z.any(), trigger: { kind: 'none' }",
                "const { data } = await nango.get({ endpoint: '/x' }); return { double: trigger.input.n * data.by, kind: trigger.kind, on: trigger.connection.integrationId };",
                json!({ "input": { "n": 4 }, "output": { "double": 8, "kind": "none", "on": "acme" }, "nango": {}, "api": { "get": { "/x": { "response": { "by": 2 } } } } }),
            ),
            (
                "scheduled",
                RECORDS,
                PAGES,
                json!({ "nango": { "batchSave": { "Item": [{ "id": "1" }, { "id": "2" }] } }, "api": items() }),
            ),
            (
                "messages",
                "trigger: { kind: 'http', subscriptions: ['a'] }, data: { models: { Item } }",
                "await nango.batchSave([{ id: trigger.input.id }], 'Item');",
                json!({ "input": { "id": "m" }, "nango": { "batchSave": { "Item": [{ "id": "m" }] } }, "api": {} }),
            ),
            (
                "events",
                "trigger: { kind: 'event', events: ['post-connection-creation'] }, data: { models: { Item } }",
                "await nango.batchSave([{ id: trigger.event }], 'Item');",
                json!({ "nango": { "batchSave": { "Item": [{ "id": "post-connection-creation" }] } }, "api": {} }),
            ),
            (
                "writes",
                "input: z.void(), output: z.number(), data: { models: { Item } }",
                "await nango.batchSave([{ id: '1' }], 'Item'); return 1;",
                json!({ "output": 1, "nango": { "batchSave": { "Item": [{ "id": "1" }] } }, "api": {} }),
            ),
        ],
        &[],
    );
    assert_eq!(
        found,
        json!({ "called": "", "scheduled": "", "messages": "", "events": "", "writes": "" })
    );
}

#[test]
fn differences_and_missing_capabilities_fail() {
    let found = run(
        &[
            (
                "output",
                "input: z.any(), output: z.any()",
                "return { a: 1 };",
                json!({ "input": {}, "output": { "a": 2 }, "nango": {}, "api": {} }),
            ),
            (
                "records",
                RECORDS,
                PAGES,
                json!({ "nango": { "batchSave": { "Item": [{ "id": "1" }] } }, "api": items() }),
            ),
            (
                "narrow",
                "input: z.any(), output: z.any(), requires: { outbound: false }",
                "return typeof nango.get;",
                json!({ "output": "undefined", "nango": {}, "api": {} }),
            ),
            (
                "thrown",
                "input: z.any(), output: z.any()",
                "throw new nango.ActionError({ message: 'no' });",
                json!({ "output": {}, "nango": {}, "api": {} }),
            ),
        ],
        &[],
    );
    assert!(found["output"].as_str().unwrap().contains("output"), "{found}");
    assert!(
        found["records"].as_str().unwrap().contains("batchSave(Item)"),
        "{found}"
    );
    assert_eq!(found["narrow"], "");
    assert!(found["thrown"].as_str().unwrap().contains("ActionError"), "{found}");
}

#[test]
fn scheduled_functions_are_tortured_like_syncs() {
    let fixture = json!({ "nango": { "batchSave": { "Item": [{ "id": "1" }, { "id": "2" }] } }, "api": items() });
    let dir = folder(&[
        ("acme/functions/scheduled.ts", &function(RECORDS, PAGES)),
        ("acme/tests/scheduled.test.json", &fixture.to_string()),
    ]);
    let report = tenon(dir.path(), None, &["test", "--torture", "--json"]).json();
    let results = report["results"].as_array().unwrap();
    let kinds: Vec<_> = results
        .iter()
        .map(|one| {
            (
                one["torture"].as_str().unwrap_or("fixture"),
                one["status"].as_str().unwrap(),
            )
        })
        .collect();
    for kind in ["fixture", "crash", "outage", "token"] {
        assert!(kinds.contains(&(kind, "passed")), "{kind}: {report}");
    }
}
