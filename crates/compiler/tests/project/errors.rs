//! What is said about definitions and projects that are wrong.

use tenon_compiler::definition::{FrequencyError, frequency_ms};

use super::{Test, sandbox};

pub const TESTS: &[Test] = &[
    ("definitions_that_are_refused", definitions_that_are_refused),
    ("projects_that_are_refused", projects_that_are_refused),
    ("clashes_between_functions", clashes_between_functions),
    ("bare_folders", bare_folders),
    ("what_the_index_counts", what_the_index_counts),
    ("triggers_that_are_refused", triggers_that_are_refused),
    ("frequencies", frequencies),
    ("a_text_alone_sees_no_other_file", a_text_alone_sees_no_other_file),
];

pub const SYNC: &str =
    "description: 'x', frequency: 'every hour', models: { Row: z.object({ id: z.string() }) }, exec: async () => {}";
pub const ACTION: &str = "description: 'x', input: z.object({}), output: z.object({}), exec: async () => ({})";

pub fn file(creator: &str, fields: &str) -> String {
    format!(
        "import {{ {creator} }} from 'nango';\nimport * as z from 'zod';\nexport default {creator}({{ {fields} }});\n"
    )
}

fn codes(files: &[(&str, &str)]) -> Vec<String> {
    let dir = sandbox::folder(files);
    sandbox::compile(dir.path())
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.code.to_string())
        .collect()
}

#[track_caller]
fn check(creator: &str, fields: &str, expected: &[&str]) {
    let folder = match creator {
        "createSync" => "syncs",
        "createAction" => "actions",
        _ => "on-events",
    };
    let path = format!("x/{folder}/f.ts");
    let index = format!("import './{path}';").replace(".ts", ".js");
    let text = file(creator, fields);
    assert_eq!(codes(&[("index.ts", &index), (&path, &text)]), expected, "{fields}");
}

fn definitions_that_are_refused() {
    let sync = |change: &str| format!("{SYNC}, {change}");
    check("createSync", SYNC, &[]);
    check("createSync", &sync("frequency: 'sometimes'"), &["invalid_frequency"]);
    check(
        "createSync",
        &sync("frequency: 'every 10 seconds'"),
        &["frequency_too_short"],
    );
    check(
        "createSync",
        &sync("frequency: undefined as any"),
        &["missing_frequency"],
    );
    check(
        "createSync",
        &sync("models: { lower: z.object({ id: z.string() }) }"),
        &["invalid_model_name"],
    );
    for name in ["'With-Dash'", "R", "'1st'", "_Row", "'Rów'"] {
        check(
            "createSync",
            &sync(&format!("models: {{ {name}: z.object({{ id: z.string() }}) }}")),
            &["invalid_model_name"],
        );
    }
    check(
        "createSync",
        &sync("models: { R_2: z.object({ id: z.string() }) }"),
        &[],
    );
    check(
        "createSync",
        &sync("models: { Row: z.object({ name: z.string() }) } as any"),
        &["model_without_id"],
    );
    check(
        "createSync",
        &sync("models: { Row: z.object({ id: z.number() }) } as any"),
        &["model_without_id"],
    );
    check(
        "createSync",
        &sync("models: { Row: { id: 'string' } } as any"),
        &["invalid_schema"],
    );
    check(
        "createSync",
        &sync("syncType: 'incremental', trackDeletes: true"),
        &["track_deletes_incremental"],
    );
    check("createSync", &sync("trackDeletes: true"), &["track_deletes_deprecated"]);
    check(
        "createSync",
        &sync("endpoints: [{ method: 'GET', path: '/a' }, { method: 'GET', path: '/b' }]"),
        &["endpoint_count"],
    );
    check(
        "createSync",
        &sync("endpoints: [{ path: '/a' }] as any"),
        &["invalid_field"],
    );
    check(
        "createSync",
        &sync("onWebhook: async () => {}"),
        &["webhook_not_subscribed"],
    );
    check(
        "createSync",
        &sync("onWebhook: async () => {}, webhookSubscriptions: ['*']"),
        &[],
    );
    check("createSync", &sync("exec: undefined as any"), &["missing_exec"]);
    check("createSync", &sync("description: ''"), &["missing_description"]);
    check(
        "createSync",
        &sync("description: 'x'.repeat(2001)"),
        &["description_too_long"],
    );
    check("createSync", &sync("scopes: ['x'.repeat(256)]"), &["scope_too_long"]);
    check("createAction", ACTION, &[]);
    check(
        "createAction",
        "description: 'x', output: z.void(), exec: async () => {}",
        &["invalid_schema"],
    );
    check(
        "createAction",
        &format!("{ACTION}, description: (() => {{ throw new Error('at load'); }})()"),
        &["definition_failed"],
    );
    check(
        "createOnEvent",
        "description: 'x', event: 'validate-connection', exec: async () => {}",
        &[],
    );
    check(
        "createOnEvent",
        "description: 'x', event: 'on-monday' as any, exec: async () => {}",
        &["invalid_event"],
    );
}

fn projects_that_are_refused() {
    let action = file("createAction", ACTION);
    assert_eq!(codes(&[]), ["project_empty"]);
    assert_eq!(codes(&[("nango.yaml", "integrations: {}")]), ["project_outdated"]);
    assert_eq!(
        codes(&[("index.ts", "import './x/actions/none.js';")]),
        ["function_not_found"]
    );
    assert_eq!(
        codes(&[("index.ts", "import './../y/actions/f.js';")]),
        ["path_outside_project"]
    );
    assert_eq!(
        codes(&[("index.ts", "import './f.js';"), ("f.ts", &action)]),
        ["invalid_function_path"]
    );
    assert_eq!(
        codes(&[
            ("index.ts", "import './x y/actions/f.js';"),
            ("x y/actions/f.ts", &action)
        ]),
        ["invalid_name"],
    );
    assert_eq!(
        codes(&[("index.ts", "import './x/syncs/f.js';"), ("x/syncs/f.ts", &action)]),
        ["wrong_folder"]
    );
    let missing = sandbox::compile(std::path::Path::new("/nonexistent/project"));
    assert_eq!(missing.diagnostics[0].code, "project_not_found");
}

fn clashes_between_functions() {
    let sync = file("createSync", SYNC);
    let with_endpoint = file(
        "createAction",
        &format!("{ACTION}, endpoint: {{ method: 'GET', path: '/a' }}"),
    );
    let index = "import './x/syncs/a.js';\nimport './x/syncs/b.js';\nimport './y/syncs/a.js';";
    assert_eq!(
        codes(&[
            ("index.ts", index),
            ("x/syncs/a.ts", &sync),
            ("x/syncs/b.ts", &sync),
            ("y/syncs/a.ts", &sync)
        ]),
        ["duplicate_model"],
    );
    let index = "import './x/actions/a.js';\nimport './x/actions/b.js';\nimport './x/more/actions/a.js';";
    assert_eq!(
        codes(&[
            ("index.ts", index),
            ("x/actions/a.ts", &with_endpoint),
            ("x/actions/b.ts", &with_endpoint),
            ("x/more/actions/a.ts", &file("createAction", ACTION)),
        ]),
        ["duplicate_endpoint", "duplicate_function"],
    );
}

fn bare_folders() {
    let action = file("createAction", ACTION);
    let sync = file("createSync", SYNC);
    let dir = sandbox::folder(&[
        ("b/actions/two.ts", &action),
        ("a/actions/one.ts", &action),
        ("a/syncs/copy.ts", &sync),
        ("a/tests/one.test.ts", "broken ("),
        ("a/mappers/helper.ts", "export const x = 1;"),
        ("node_modules/c/actions/x.ts", "broken ("),
        (".git/actions/x.ts", "broken ("),
    ]);
    let project = sandbox::compile(dir.path());
    assert_eq!(sandbox::render(&project.diagnostics), "");
    let names: Vec<&str> = project
        .functions
        .iter()
        .map(|function| function.entry.path.as_str())
        .collect();
    assert_eq!(names, ["a/syncs/copy.ts", "a/actions/one.ts", "b/actions/two.ts"]);
    assert_eq!(project.functions[0].entry.bundle_name(), "a_syncs_copy.cjs");
}

/// The list is read line by line: imports at the beginning of one, with either quote, with or without suffix and semicolon.
fn what_the_index_counts() {
    let action = file("createAction", ACTION);
    let names = ["a", "b", "c", "d", "e", "f"];
    let paths: Vec<String> = names.iter().map(|name| format!("x/actions/{name}.ts")).collect();
    let index = "import './x/actions/a.js';\nimport \"./x/actions/b\"\n  import './x/actions/c.js';\n// import './x/actions/d.js';\nimport e from './x/actions/e.js';\nimport './x/actions/f.ts';\nimport './x/actions/a.js';\nimport 'zod';\n";
    let mut files = vec![("index.ts", index)];
    files.extend(paths.iter().map(|path| (path.as_str(), action.as_str())));
    let dir = sandbox::folder(&files);
    let project = sandbox::compile(dir.path());
    assert_eq!(sandbox::render(&project.diagnostics), "");
    let found: Vec<&str> = project.functions.iter().map(|function| function.name()).collect();
    assert_eq!(found, ["a", "b", "f"]);
    // `nango.yaml` beside it says nothing any more, and `.nango` is made when it is missing.
    let both = [
        ("index.ts", "import './x/actions/a.js';"),
        ("x/actions/a.ts", action.as_str()),
        ("nango.yaml", "integrations: {}"),
    ];
    assert_eq!(codes(&both), Vec::<&str>::new());
}

fn triggers_that_are_refused() {
    let declared = |fields: &str| {
        let text = format!("import {{ createFunction }} from 'nango/experimental';\nimport * as z from 'zod';\nexport default createFunction({{ description: 'x', exec: async () => {{}}, {fields} }} as any);\n")
            .replace(" } as any)", " })");
        codes(&[
            ("index.ts", "import './x/functions/f.js';"),
            ("x/functions/f.ts", &text),
        ])
    };
    for (fields, expected) in [
        ("", None),
        ("trigger: { kind: 'none' }, input: z.string(), output: z.string()", None),
        (
            "trigger: { kind: 'schedule', frequency: 'every hour', autoStart: true }",
            None,
        ),
        (
            "trigger: { kind: 'http', subscriptions: ['a'], debounce: { keyBy: 'a.b', windowMs: 500, maxEntities: 3, take: 'first' } }",
            None,
        ),
        ("trigger: { kind: 'event', events: ['validate-connection'] }", None),
        ("data: { models: { Row: z.object({ id: z.string() }) } }", None),
        ("trigger: { kind: 'cron' }", Some("invalid_trigger")),
        ("trigger: { kind: 'schedule' }", Some("missing_frequency")),
        (
            "trigger: { kind: 'schedule', frequency: 'every 5s' }",
            Some("invalid_frequency"),
        ),
        (
            "trigger: { kind: 'schedule', frequency: 'every day' }, input: z.string()",
            Some("trigger_without_input"),
        ),
        (
            "trigger: { kind: 'event', events: ['validate-connection'] }, input: z.string()",
            Some("trigger_without_input"),
        ),
        ("trigger: { kind: 'event', events: [] }", Some("invalid_event")),
        (
            "trigger: { kind: 'event', events: ['on-monday'] }",
            Some("invalid_event"),
        ),
        (
            "trigger: { kind: 'http', debounce: { windowMs: 0 } }",
            Some("invalid_debounce"),
        ),
        ("requires: { connection: false }", Some("connection_required")),
        (
            "data: { models: { row: z.object({ id: z.string() }) } }",
            Some("invalid_model_name"),
        ),
    ] {
        assert_eq!(declared(fields), Vec::from_iter(expected), "{fields}");
    }
}

fn frequencies() {
    const MINUTE: u64 = 60_000;
    for (text, minutes) in [
        ("every half hour", 30),
        ("every quarter hour", 15),
        ("every hour", 60),
        ("every half day", 12 * 60),
        ("every day", 24 * 60),
        ("every week", 7 * 24 * 60),
        ("every month", 30 * 24 * 60),
        ("every 5 minutes", 5),
        ("every 5m", 5),
        ("every 6min", 6),
        ("every 1h", 60),
        ("every 2 hrs", 120),
        ("45m", 45),
        ("every 120s", 2),
        ("every 1 day", 24 * 60),
        ("2 days", 2 * 24 * 60),
        // The documented longest period is not a limit.
        ("every 400 days", 400 * 24 * 60),
    ] {
        assert_eq!(frequency_ms(text), Ok(minutes * MINUTE), "{text}");
    }
    assert_eq!(frequency_ms("every 30 seconds"), Ok(30_000));
    assert!(matches!(
        frequency_ms("every 29 seconds"),
        Err(FrequencyError::TooShort(_))
    ));
    for text in [
        "",
        "hour",
        "every",
        "every minute",
        "Every hour",
        "every 5  minutes",
        "every 1.5h",
        "every 2 weeks",
        "every -5m",
        "300000",
        "5ms",
        "every 5 minutes ",
        "every 99999999999999999999d",
    ] {
        assert!(matches!(frequency_ms(text), Err(FrequencyError::Unknown(_))), "{text}");
    }
}

/// A function that is not on disk: other files do not exist for it, wherever they are.
fn a_text_alone_sees_no_other_file() {
    let sandbox = {
        let _entered = crate::sandbox::tokio().enter();
        tenon_compiler::Sandbox::new(crate::sandbox::runtime(), "tests")
    };
    let entry = tenon_compiler::Entry::from_path("crm/actions/greet.ts").unwrap();
    let good = "import { createAction } from 'nango';\nimport { z } from 'zod';\n\
                export default createAction({ description: 'Greets.', version: '1.0.0', input: z.object({ name: z.string() }), \
                output: z.object({ text: z.string() }), exec: async (nango, input) => ({ text: `Hi ${input.name}` }) });\n";
    let (compiled, diagnostics) = tenon_compiler::compile_text(&entry, good, &sandbox);
    let compiled = compiled.unwrap_or_else(|| panic!("{}", crate::sandbox::render(&diagnostics)));
    assert_eq!(compiled.definition.kind(), tenon_compiler::Kind::Action);
    assert_eq!((compiled.integration(), compiled.name()), ("crm", "greet"));
    for import in ["./other.js", "../../../../etc/hostname"] {
        // Used, for an import that is not would be dropped like one of a type.
        let text = format!("import x from '{import}';\n{good}export const other = x;\n");
        let (compiled, diagnostics) = tenon_compiler::compile_text(&entry, &text, &sandbox);
        assert!(compiled.is_none());
        assert_eq!(
            diagnostics.first().map(|found| found.code.as_ref()),
            Some("import_not_found")
        );
    }
}
