//! Every rule about the source, with a text that breaks it and one that does not.

mod support;

use support::{bundle, render};
use tenon_compiler::{Diagnostic, Severity};

/// The codes of what is found in a function file, with the line of each.
fn findings(text: &str) -> Vec<Diagnostic> {
    match bundle(&[
        ("x/actions/main.ts", text),
        ("x/types.ts", "export type A = string; export const value = 1;"),
    ]) {
        Ok(bundle) => bundle.diagnostics,
        Err(diagnostics) => diagnostics,
    }
}

#[track_caller]
fn check(text: &str, expected: &[(&str, usize)]) {
    let found = findings(text);
    let codes: Vec<(&str, usize)> = found
        .iter()
        .map(|d| (d.code.as_ref(), d.location.as_ref().map_or(0, |location| location.line)))
        .collect();
    assert_eq!(codes, expected, "\n{text}\n\n{}", render(&found));
    for finding in &found {
        assert!(
            finding.hint.is_some() || finding.code == "syntax_error",
            "no hint: {}",
            finding.render(false)
        );
    }
}

/// A sync whose `exec` starts at line 3.
fn sync(body: &str) -> String {
    format!(
        "import {{ createSync }} from 'nango'; import * as z from 'zod';\nexport default createSync({{ description: 'x', frequency: 'every day', models: {{ M: z.object({{ id: z.string() }}) }}, exec: async (nango) => {{\n{body}\n}} }});"
    )
}

#[track_caller]
fn check_exec(body: &str, expected: &[(&str, usize)]) {
    check(&sync(body), expected);
}

#[test]
fn imports() {
    let file = |import: &str| format!("{import}\n{}", sync(""));
    for allowed in [
        "import { z as q } from 'zod'; q;",
        "import 'url'; import 'node:url'; import 'crypto'; import 'node:crypto'; import 'unzipper'; import 'soap';",
        "import type { AxiosError } from 'axios';",
        "import { type AxiosError } from 'axios';",
        "export type { AxiosError } from 'axios';",
        "import { value } from '../types.js'; value;",
        "import type { A } from '../types.js';",
        "import type { ProxyConfiguration } from 'nango';",
        "import type { FunctionContext } from 'nango/experimental';",
    ] {
        check(&file(allowed), &[]);
    }
    for refused in [
        "import axios from 'axios';",
        "import { type AxiosError, get } from 'axios';",
        "import fs from 'node:fs';",
        "import 'lodash';",
        "import { BotFrameworkAdapter } from 'botbuilder';",
        "const x = require('axios');",
    ] {
        check(&file(refused), &[("disallowed_import", 1)]);
    }
    // In helpers too.
    let main = format!("import {{ helper }} from '../helper.js'; helper;\n{}", sync(""));
    let found = bundle(&[
        ("x/actions/main.ts", &main),
        ("x/helper.ts", "import _ from 'lodash';\nexport const helper = _;"),
    ]);
    let found = found.expect_err("lodash is refused");
    assert_eq!(
        (
            found[0].code.as_ref(),
            found[0].location.as_ref().unwrap().file.as_str()
        ),
        ("disallowed_import", "x/helper.ts")
    );
}

#[test]
fn awaits() {
    for awaited in [
        "await nango.get({ endpoint: '/x' });",
        "const { data } = await nango.get({ endpoint: '/x' });",
        "return nango.get({ endpoint: '/x' });",
        "await Promise.all([1, 2].map((n) => nango.get({ endpoint: `/${n}` })));",
        "await Promise.all([nango.get({ endpoint: '/x' }), nango.post({ endpoint: '/y' })]);",
        "nango.get({ endpoint: '/x' }).then(() => 1);",
        "nango.log('x').catch(() => {});",
        "const x = await (flag ? nango.get({ endpoint: '/x' }) : nango.post({ endpoint: '/y' })); declare const flag: boolean;",
        "const x = (await nango.get({ endpoint: '/x' }))!.data as string;",
        "const x = await (nango.get({ endpoint: '/x' }) as any);",
        "nango.saveCheckpoint({}); nango.paginate({ endpoint: '/' });",
        "const other = { get: () => 1 }; other.get();",
    ] {
        check_exec(awaited, &[]);
    }
    for dropped in [
        "nango.get({ endpoint: '/x' });",
        "const response = nango.get({ endpoint: '/x' });",
        "void nango.log('x');",
        "[1].map((n) => { nango.get({ endpoint: `/${n}` }); });",
        "console_log(nango.getMetadata()); declare function console_log(x: any): void;",
        "if (nango.getConnection()) {}",
        "nango.batchSave([], 'M');",
        "nango.triggerAction('a', 'b', 'c');",
        "nango.get({ endpoint: '/x' }).finally(() => {});",
        "(nango as any).get({ endpoint: '/x' });",
    ] {
        check_exec(dropped, &[("method_need_await", 3)]);
    }
}

/// The reference compiler asks for an `await`, a `return` or a `.then` anywhere around the call, and sees `nango.x()` only.
#[test]
fn calls_that_the_reference_compiler_accepts_are_warnings() {
    for accepted in [
        "await run(nango.get({ endpoint: '/x' })); declare function run(x: any): Promise<void>;",
        "return { a: nango.get({ endpoint: '/x' }) };",
        "await Promise.all([1].map(async (n) => { nango.log(`${n}`); }));",
        "await (async () => { const p = nango.get({ endpoint: '/x' }); return p; })();",
        "return [1].map((n) => { nango.log(`${n}`); return n; });",
        "(nango as any).log('x');",
        "nango!.log('x');",
        "nango?.log('x');",
        "nango.log?.('x');",
    ] {
        check_exec(accepted, &[("method_need_await", 3)]);
        let severity = findings(&sync(accepted))[0].severity;
        assert_eq!(severity, Severity::Warning, "{accepted}");
    }
    for refused in [
        "nango.log('x');",
        "[1].forEach(() => { nango.log('x'); });",
        "run().then(() => { nango.log('x'); }); declare function run(): Promise<void>;",
    ] {
        assert_eq!(findings(&sync(refused))[0].severity, Severity::Error, "{refused}");
    }
    // The other rules about calls see the plain name only as well.
    check_exec("await (nango as any).get({ endpoint: '/x', retryOn: [500] });", &[]);
    check_exec("await (nango as any).trackDeletesStart('M');", &[]);
}

#[test]
fn every_method_of_the_rule_and_no_other() {
    for method in [
        "batchDelete",
        "batchSave",
        "batchSend",
        "delete",
        "getConnection",
        "getEnvironmentVariables",
        "getFieldMapping",
        "getMetadata",
        "get",
        "log",
        "patch",
        "post",
        "proxy",
        "put",
        "setFieldMapping",
        "setMetadata",
        "triggerAction",
    ] {
        check_exec(&format!("nango.{method}();"), &[("method_need_await", 3)]);
        check_exec(&format!("(nango as any).{method}();"), &[("method_need_await", 3)]);
        check_exec(&format!("await nango.{method}();"), &[]);
    }
    // Those whose order matters; the rules about it know the plain name only.
    for method in [
        "deleteRecordsFromPreviousExecutions",
        "setMergingStrategy",
        "trackDeletesEnd",
        "trackDeletesStart",
    ] {
        check_exec(&format!("(nango as any).{method}();"), &[("method_need_await", 3)]);
    }
    check_exec("nango.setMergingStrategy({}, 'M');", &[("method_need_await", 3)]);
    check_exec(
        "nango.trackDeletesStart('M');\nnango.trackDeletesEnd('M');",
        &[("method_need_await", 3), ("method_need_await", 4)],
    );
    check_exec(
        "nango.deleteRecordsFromPreviousExecutions('M');",
        &[("method_need_await", 3)],
    );
    for method in [
        "batchUpdate",
        "saveCheckpoint",
        "getCheckpoint",
        "clearCheckpoint",
        "triggerSync",
        "startSync",
        "getToken",
        "getIntegration",
        "updateMetadata",
        "getRecordsByIds",
        "listRecords",
        "paginate",
        "tryAcquireLock",
        "uncontrolledFetch",
    ] {
        check_exec(&format!("nango.{method}();"), &[]);
    }
}

#[test]
fn rules_about_calls_see_the_name_nango_only() {
    check_exec(
        "const n = nango; n.get({ endpoint: '/x', retryOn: [409] }); n.batchSave([], 'M'); n.setMergingStrategy({}, 'M');",
        &[],
    );
    // Another name of the parameter hides calls from the rules, as it does from the reference compiler.
    let renamed = sync("ctx.get({ endpoint: '/x' });").replace("async (nango)", "async (ctx)");
    check(&renamed, &[]);
}

#[test]
fn retries() {
    check_exec("await nango.get({ endpoint: '/x', retryOn: [409], retries: 3 });", &[]);
    check_exec(
        "await nango.get({ endpoint: '/x', retryOn: [409], ...rest }); declare const rest: any;",
        &[],
    );
    check_exec(
        "await nango.get({ endpoint: '/x',\n retryOn: [409] });",
        &[("retryon_need_retries", 4)],
    );
    check_exec(
        "await nango.proxy({ endpoint: '/x', 'retryOn': [409] });",
        &[("retryon_need_retries", 3)],
    );
}

#[test]
fn exports() {
    let define = "import { createAction, createSync } from 'nango';\n";
    for accepted in [
        "export default createAction({});",
        "const a = createAction({}); export default a;",
        "const a = createAction({}); export { a as default };",
        "export default createAction({}) as any;\nexport type T = string;\nexport interface I {}",
        "type T = string; export type { T };\nexport default createAction({});",
    ] {
        let warnings_only = findings(&format!("{define}{accepted}"));
        assert!(
            warnings_only.iter().all(|d| d.severity == Severity::Warning),
            "{accepted}: {}",
            render(&warnings_only)
        );
    }
    for (refused, code, line) in [
        ("const a = createAction({});", "nango_invalid_default_export", 2),
        ("export default {};", "nango_invalid_default_export", 2),
        ("export default () => 1;", "nango_invalid_default_export", 2),
        (
            "export default async function run() {}",
            "nango_invalid_default_export",
            2,
        ),
        ("export default class {}", "nango_invalid_default_export", 2),
        ("export default missing;", "nango_unsupported_export", 2),
        ("const a = 1; export default a;", "nango_unsupported_export", 2),
        (
            "const make = (x: any) => x; export default make({});",
            "nango_unsupported_export",
            2,
        ),
        (
            "const options = {};\nexport default createSync(options);",
            "nango_invalid_function_param",
            3,
        ),
        ("export default createSync();", "nango_invalid_function_param", 2),
        ("export default createSync({}, 1);", "nango_invalid_function_param", 2),
        (
            "export const limit = 1;\nexport default createAction({});",
            "nango_named_export_not_allowed",
            2,
        ),
        (
            "export default createAction({});\nexport function helper() {}",
            "nango_named_export_not_allowed",
            3,
        ),
        (
            "export default createAction({});\nexport enum Level { A }",
            "nango_named_export_not_allowed",
            3,
        ),
        (
            "const a = createAction({}); export default a;\nexport { a };",
            "nango_named_export_not_allowed",
            3,
        ),
        (
            "export default createAction({});\nexport { value } from '../types.js';",
            "nango_named_export_not_allowed",
            3,
        ),
        (
            "export default createAction({});\nexport * from '../types.js';",
            "nango_named_export_not_allowed",
            3,
        ),
    ] {
        check(&format!("{define}{refused}"), &[(code, line)]);
    }
    check(
        "import { createAction, NangoAction } from 'nango';\nconst x = [NangoAction];\nexport default createAction({});",
        &[("sdk_value_not_available", 2)],
    );
}

#[test]
fn merging_strategy_comes_first() {
    check_exec(
        "await nango.setMergingStrategy({ strategy: 'override' }, 'M');\nawait nango.batchSave([], 'M');",
        &[],
    );
    check_exec(
        "await nango.get({ endpoint: '/x' });\nawait nango.setMergingStrategy({ strategy: 'override' }, 'M');",
        &[("merging_strategy_after_calls", 4)],
    );
    check_exec(
        "await nango.batchSave([], 'M');\nawait nango.setMergingStrategy({ strategy: 'override' }, 'M');",
        &[("merging_strategy_after_calls", 4)],
    );
}

#[test]
fn deletion_of_previous_executions_comes_last() {
    check_exec(
        "await nango.batchSave([], 'M');\nawait nango.deleteRecordsFromPreviousExecutions('M');",
        &[],
    );
    check_exec(
        "await nango.deleteRecordsFromPreviousExecutions('M');\nawait nango.batchSave([], 'M');",
        &[("delete_records_before_batch", 3)],
    );
    check_exec(
        "await nango.deleteRecordsFromPreviousExecutions('M');\nawait nango.deleteRecordsFromPreviousExecutions('M');",
        &[("delete_records_repeated", 4)],
    );
}

#[test]
fn delete_tracking_surrounds_the_batches() {
    let start = "await nango.trackDeletesStart('M');";
    let end = "await nango.trackDeletesEnd('M');";
    let save = "await nango.batchSave([], 'M');";
    check_exec(&[start, save, end].join("\n"), &[]);
    check_exec(
        &[start, "await nango.batchSave([], 'Other');", save, end].join("\n"),
        &[],
    );
    check_exec(
        &["const model: string = 'M'; await nango.trackDeletesStart(model);", save].join("\n"),
        &[],
    );
    check_exec(&[start, save].join("\n"), &[("track_deletes_without_end", 3)]);
    check_exec(&[save, start, end].join("\n"), &[("track_deletes_after_batch", 4)]);
    check_exec(&[start, end, save].join("\n"), &[("track_deletes_before_batch", 4)]);
    check_exec(&[start, start, save, end].join("\n"), &[("track_deletes_repeated", 4)]);
    check_exec(&[end, start].join("\n"), &[("track_deletes_without_end", 4)]);
    // Two models, one after the other.
    check_exec(
        &[
            start,
            save,
            end,
            &start.replace('M', "N"),
            &save.replace('M', "N"),
            &end.replace('M', "N"),
        ]
        .join("\n"),
        &[],
    );
}

#[test]
fn syntax_that_cannot_be_bundled() {
    for (head, code) in [
        ("const x = await Promise.resolve(1);", "unsupported_top_level_await"),
        ("for await (const x of []) {}", "unsupported_top_level_await"),
        (
            "@decorated class A {} declare const decorated: any;",
            "unsupported_decorator",
        ),
        ("const lazy = () => import('zod');", "unsupported_dynamic_import"),
        ("const here = import.meta.url;", "unsupported_import_meta"),
        ("import old = require('zod');", "unsupported_import_equals"),
    ] {
        check(&format!("{head}\n{}", sync("")), &[(code, 1)]);
    }
    check(
        "export = {};",
        &[("unsupported_export_equals", 1), ("nango_invalid_default_export", 1)],
    );
    check("export default {", &[("syntax_error", 1)]);
    check("let a = 1;\nlet a = 2;\nexport default a;", &[("syntax_error", 1)]);
}

#[test]
fn console_is_a_warning_once() {
    let found = findings(&sync("console.log('a');\nconsole.warn('b');"));
    assert_eq!(
        found.iter().map(|d| (d.code.as_ref(), d.severity)).collect::<Vec<_>>(),
        [("console_not_kept", Severity::Warning)]
    );
}

#[test]
fn helpers_are_not_held_to_the_rules_of_functions() {
    let main = format!("import {{ fetchAll }} from '../helper.js'; fetchAll;\n{}", sync(""));
    let helper = "import type { NangoSync } from 'nango';\nexport const fetchAll = (nango: NangoSync) => { const running = nango.get({ endpoint: '/x' }); return running; };\nconsole.log('x');";
    let bundle = bundle(&[("x/actions/main.ts", &main), ("x/helper.ts", helper)]).unwrap();
    assert_eq!(render(&bundle.diagnostics), "");
}

#[test]
fn checkpoints_are_a_feature_of_the_entry() {
    let uses = |text: &str| {
        bundle(&[
            ("x/actions/main.ts", text),
            (
                "x/types.ts",
                "export const f = (nango: any) => nango.saveCheckpoint({});",
            ),
        ])
        .unwrap()
        .uses_checkpoints
    };
    assert!(uses(&sync("await nango.saveCheckpoint({ page: 1 });")));
    assert!(uses(&sync("const c = await nango.getCheckpoint();")));
    assert!(uses(&sync("await nango.clearCheckpoint();")));
    assert!(!uses(&sync("await nango.batchSave([], 'M');")));
    assert!(!uses(&format!(
        "import {{ f }} from '../types.js';\n{}",
        sync("await f(nango);")
    )));
}

#[test]
fn a_finding_reads_well() {
    let found = findings(&sync(
        "    const a = 1;\n    nango.get({ endpoint: '/x' });\n    return a;",
    ));
    assert_eq!(
        render(&found),
        "\
error[method_need_await]: nango.get() returns a promise that nobody waits for
  --> x/actions/main.ts:4:5
  3 |     const a = 1;
  4 |     nango.get({ endpoint: '/x' });
    |     ^^^^^^^^^
  5 |     return a;
  hint: write `await nango.get(…)`, or return it
"
    );
    assert!(found[0].render(true).contains("\u{1b}[1;31m"), "colour is asked for");
}

#[test]
fn botbuilder_is_refused_with_a_way_out() {
    for import in [
        "import { CardFactory } from 'botbuilder'; CardFactory;",
        "import * as botbuilder from 'botbuilder'; botbuilder;",
        "import 'botbuilder';",
        "const builder = require('botbuilder'); builder;",
    ] {
        let text = format!("{import}\n{}", sync(""));
        check(&text, &[("disallowed_import", 1)]);
        // Installed or not: it needs what functions do not have.
        let installed = [
            ("x/actions/main.ts", text.as_str()),
            ("node_modules/botbuilder/index.js", "exports.CardFactory = {};"),
        ];
        let found = bundle(&installed).expect_err(import);
        let shown = render(&found);
        let refused = found.iter().find(|one| one.code == "disallowed_import");
        let refused = refused.unwrap_or_else(|| panic!("{import}: {shown}"));
        assert_eq!(refused.location.as_ref().unwrap().line, 1, "{shown}");
        assert!(
            shown.contains("`botbuilder` cannot be imported by a function"),
            "{shown}"
        );
        assert!(shown.contains("Bot Framework REST API with nango.post()"), "{shown}");
    }
    check(
        &format!(
            "import type {{ Activity }} from 'botbuilder';\ntype A = Activity;\n{}",
            sync("")
        ),
        &[],
    );
}
