//! Flow configs and generated files, compared with recorded ones.

use std::{fs, path::Path};

use serde_json::{Value, json};
use tenon_compiler::{Project, definition};

use super::{Test, sandbox};

pub const TESTS: &[Test] = &[
    ("recorded_flow_configs", recorded_flow_configs),
    ("recorded_definitions", recorded_definitions),
    ("own_project", own_project),
    ("own_definitions", own_definitions),
    ("files_written", files_written),
];

fn here(path: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The recording lies beside the repository, not in it.
fn recording() -> Option<std::path::PathBuf> {
    let path = here("../../../shared/contract/golden");
    if path.is_dir() {
        return Some(path);
    }
    println!(
        "SKIPPED: there is no recording at {}; compared with our own project only",
        path.display()
    );
    None
}

fn compiled(dir: &Path) -> Project {
    let project = sandbox::compile(dir);
    assert!(!project.has_errors(), "{}", sandbox::render(&project.diagnostics));
    project
}

/// A flow config without the text of the bundle, keys in the order in which they are sent.
fn without_js(mut flow: Value) -> String {
    flow["fileBody"]["js"] = json!("");
    format!("{flow:#}")
}

fn recorded_flow_configs() {
    let Some(golden) = recording() else { return };
    let project = compiled(&golden.join("functions"));
    let mut compared = 0;
    for function in &project.functions {
        let file = format!("{}.{}.json", function.integration(), function.name());
        let ours = match definition::flow_config(&function.definition, &function.js, &function.ts, None) {
            Some(flow) => (flow, golden.join("deploy/flows").join(&file)),
            None => {
                let groups = definition::on_event_scripts(&[(&function.definition, &function.js, &function.ts)]);
                (
                    groups[0]["scripts"][0].clone(),
                    golden.join("deploy/events").join(&file),
                )
            }
        };
        let theirs: Value = serde_json::from_str(&fs::read_to_string(&ours.1).unwrap()).unwrap();
        assert_eq!(without_js(ours.0), without_js(theirs), "{file}");
        compared += 1;
    }
    assert_eq!(compared, 19);
    let order: Vec<String> = events_in_order(&project);
    assert_eq!(order, ["created", "leaving", "check"]);
}

fn events_in_order(project: &Project) -> Vec<String> {
    let functions: Vec<_> = project
        .functions
        .iter()
        .map(|f| (&f.definition, f.js.as_str(), f.ts.as_str()))
        .collect();
    let groups = definition::on_event_scripts(&functions);
    let scripts = groups.iter().flat_map(|group| group["scripts"].as_array().unwrap());
    scripts
        .map(|script| script["name"].as_str().unwrap().to_owned())
        .collect()
}

fn recorded_definitions() {
    let Some(golden) = recording() else { return };
    let project = compiled(&golden.join("functions"));
    let ours = definition::nango_json(project.functions.iter().map(|function| &function.definition));
    let theirs: Value =
        serde_json::from_str(&fs::read_to_string(golden.join("deploy/bodies/nango.json")).unwrap()).unwrap();
    assert_eq!(format!("{ours:#}"), format!("{theirs:#}"));
}

fn own_project() {
    let project = compiled(&here("tests/fixtures/project"));
    let warnings: Vec<&str> = project
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.as_ref())
        .collect();
    assert_eq!(warnings, ["track_deletes_deprecated"]);
    let mut flows: Vec<Value> = project
        .functions
        .iter()
        .filter_map(|f| definition::flow_config(&f.definition, "", "", None))
        .collect();
    let functions: Vec<_> = project.functions.iter().map(|f| (&f.definition, "", "")).collect();
    flows.push(json!(definition::on_event_scripts(&functions)));
    let ours = format!("{:#}\n", Value::Array(flows));
    let expected = fs::read_to_string(here("tests/fixtures/flows.json")).unwrap_or_default();
    if ours != expected {
        let actual = std::env::temp_dir().join("tenon-compiler-flows.json");
        fs::write(&actual, &ours).unwrap();
        panic!(
            "flow configs differ from tests/fixtures/flows.json; what was made is in {}",
            actual.display()
        );
    }
}

/// `.nango/nango.json` and `.nango/functions.json`, whole.
fn own_definitions() {
    let dir = sandbox::folder(&[
        (
            "index.ts",
            "import './x-y/syncs/rows.js';\nimport './x-y/actions/ask.js';\nimport './x-y/on-events/check.js';\nimport './z/functions/made.js';\nimport './z/functions/ask.js';",
        ),
        (
            "x-y/syncs/rows.ts",
            "import { createSync } from 'nango'; import * as z from 'zod'; export default createSync({ description: 'Rows.', version: '1.0.0', frequency: 'every hour', autoStart: true, syncType: 'incremental', models: { Row: z.object({ id: z.string() }) }, metadata: z.object({}), endpoints: [{ method: 'GET', path: '/rows' }], scopes: ['r'], webhookSubscriptions: ['row'], exec: async (nango) => { await nango.getCheckpoint(); }, onWebhook: async () => {} });",
        ),
        (
            "x-y/actions/ask.ts",
            "import { createAction } from 'nango'; import * as z from 'zod'; export default createAction({ description: 'Asks.', input: z.string(), output: z.number(), exec: async () => 1 });",
        ),
        (
            "x-y/on-events/check.ts",
            "import { createOnEvent } from 'nango'; export default createOnEvent({ description: 'Checks.', event: 'validate-connection', exec: async () => {} });",
        ),
        (
            "z/functions/ask.ts",
            "import { createFunction } from 'nango/experimental'; export default createFunction({ description: 'Asks.', exec: async () => {} });",
        ),
        (
            "z/functions/made.ts",
            "import { createFunction } from 'nango/experimental'; export default createFunction({ description: 'Made.', trigger: { kind: 'schedule', frequency: 'every day' }, exec: async () => {} });",
        ),
    ]);
    let project = compiled(dir.path());
    tenon_compiler::write(&project).unwrap();
    let read =
        |path: &str| -> Value { serde_json::from_str(&fs::read_to_string(dir.path().join(path)).unwrap()).unwrap() };
    let row = json!({ "type": "object", "properties": { "id": { "type": "string" } }, "required": ["id"], "additionalProperties": false });
    let metadata = json!({ "type": "object", "properties": {}, "additionalProperties": false });
    assert_eq!(
        read(".nango/nango.json"),
        json!([
            {
                "providerConfigKey": "x-y",
                "actions": [{
                    "type": "action", "description": "Asks.", "endpoint": null, "input": "ActionInput_x_y_ask", "name": "ask",
                    "output": ["ActionOutput_x_y_ask"], "scopes": [], "usedModels": ["ActionInput_x_y_ask", "ActionOutput_x_y_ask"],
                    "version": "", "features": [],
                    "json_schema": { "definitions": { "ActionInput_x_y_ask": { "type": "string" }, "ActionOutput_x_y_ask": { "type": "number" } } },
                }],
                "syncs": [{
                    "type": "sync", "description": "Rows.", "auto_start": true, "endpoints": [{ "method": "GET", "path": "/rows" }],
                    "input": "SyncMetadata_x_y_rows", "name": "rows", "output": ["Row"], "runs": "every hour", "scopes": ["r"],
                    "sync_type": "incremental", "track_deletes": false, "usedModels": ["Row", "SyncMetadata_x_y_rows"],
                    "version": "1.0.0", "webhookSubscriptions": ["row"], "features": ["checkpoints"],
                    "json_schema": { "definitions": { "Row": row, "SyncMetadata_x_y_rows": metadata } },
                }],
                "onEventScripts": { "post-connection-creation": [], "pre-connection-deletion": [], "validate-connection": ["check"] },
            },
            {
                "providerConfigKey": "z", "actions": [], "syncs": [],
                "onEventScripts": { "post-connection-creation": [], "pre-connection-deletion": [], "validate-connection": [] },
            },
        ])
    );
    let per_connection: Vec<Value> = project
        .functions
        .iter()
        .filter_map(|f| definition::bundle_function(&f.definition, "", ""))
        .map(|member| member["limits"]["concurrency"]["perConnection"].clone())
        .collect();
    assert_eq!(
        per_connection,
        [json!(1), json!("max")],
        "one run at a time on a schedule"
    );
    let made = read(".nango/functions.json");
    assert_eq!(
        (&made[0]["name"], &made[0]["integrationId"]),
        (&json!("made"), &json!("z"))
    );
    assert_eq!(
        made[0]["definition"]["trigger"],
        json!({ "kind": "schedule", "frequency": "every day" })
    );
}

fn files_written() {
    let dir = sandbox::folder(&[
        ("index.ts", "import './x/actions/one.js';"),
        (
            "x/actions/one.ts",
            "import { createAction } from 'nango'; import * as z from 'zod'; export default createAction({ description: 'x', input: z.void(), output: z.void(), exec: async () => {} });",
        ),
        ("build/x_actions_gone.cjs", "old"),
        ("build/notes.txt", "mine"),
    ]);
    let project = compiled(dir.path());
    tenon_compiler::write(&project).unwrap();
    let mut names: Vec<String> = fs::read_dir(dir.path().join("build"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["notes.txt", "x_actions_one.cjs"]);
    let definitions: Value =
        serde_json::from_str(&fs::read_to_string(dir.path().join(".nango/nango.json")).unwrap()).unwrap();
    assert_eq!(definitions[0]["actions"][0]["name"], "one");
    assert!(!dir.path().join(".nango/functions.json").exists());
}
