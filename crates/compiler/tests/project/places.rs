//! Where findings about values, loads and exports point.

use super::errors::{ACTION, SYNC, file};
use super::{Test, sandbox};

pub const TESTS: &[Test] = &[
    ("findings_point_at_what_is_written", findings_point_at_what_is_written),
    (
        "a_failure_at_load_points_at_the_authors_line",
        a_failure_at_load_points_at_the_authors_line,
    ),
    ("exports_of_one_name", exports_of_one_name),
];

/// Code, message, place (`line:column`) and the marked text of every finding in `x/actions/f.ts` with these files.
fn placed(files: &[(&str, &str)]) -> Vec<String> {
    let mut all = vec![("index.ts", "import './x/actions/f.js';")];
    all.extend(files);
    let dir = sandbox::folder(&all);
    let shown = sandbox::compile(dir.path()).diagnostics.into_iter().map(|found| {
        let at = found.location.clone().unwrap();
        let text = files.iter().find(|(path, _)| *path == at.file).unwrap().1;
        let marked: String = text
            .lines()
            .nth(at.line - 1)
            .unwrap()
            .chars()
            .skip(at.column - 1)
            .take(at.end_column.saturating_sub(at.column))
            .collect();
        let framed = at.frame.contains('^') && found.hint.is_some();
        assert!(framed || found.code == "wrong_folder", "{found:?}");
        let file = at.file.rsplit('/').next().unwrap().to_owned();
        format!(
            "{}: {} ({file}:{}:{} {marked})",
            found.code, found.message, at.line, at.column
        )
    });
    shown.collect()
}

fn findings_point_at_what_is_written() {
    let head = "import { createAction, createSync } from 'nango';\nimport * as z from 'zod';\n// input: none\n";
    let one = |rest: &str| placed(&[("x/actions/f.ts", &format!("{head}{rest}"))]);
    // All that is wrong with schemas is said at once, where it is written or should be.
    assert_eq!(
        one(
            "const action = createAction({\n    description: 'x',\n    output: { a: 1 } as any,\n    exec: async (nango, input: any) => input\n});\nexport default action;\n"
        ),
        [
            "invalid_schema: `input` is missing (f.ts:4:16 createAction)",
            "invalid_schema: `output` is not a Zod schema (f.ts:6:5 output)",
        ]
    );
    let sync = |models: &str| {
        let found = one(&format!(
            "const Input = z.object({{ input: z.string() }});\nexport default createSync({{ description: 'x', frequency: 'every hour', metadata: 5 as any,\n    models: {models},\n    exec: async () => {{}} }});\nInput;\n"
        ));
        found
            .into_iter()
            .filter(|line| !line.starts_with("wrong_folder"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        sync("{ Row: {}, Column: z.string() } as any"),
        [
            "invalid_schema: the model `Row` is not a Zod schema (f.ts:6:15 Row)",
            "invalid_schema: `metadata` is not a Zod schema (f.ts:5:72 metadata)",
        ]
    );
    let short = placed(&[("x/actions/f.ts", &file("createSync", &SYNC.replace("Row", "M")))]);
    assert!(
        short
            .iter()
            .any(|line| line == "invalid_model_name: `M` cannot be the name of a model (f.ts:3:82 M)"),
        "{short:?}"
    );
    let dir = sandbox::folder(&[
        ("index.ts", "import './x/syncs/f.js';"),
        ("x/syncs/f.ts", &file("createSync", &SYNC.replace("Row", "M"))),
    ]);
    let hint = sandbox::compile(dir.path()).diagnostics[0].hint.clone().unwrap();
    assert!(hint.contains("two characters at the least"), "{hint}");
}

fn a_failure_at_load_points_at_the_authors_line() {
    let action =
        file("createAction", ACTION).replace("import * as z", "import { depth } from '../helper.js';\nimport * as z");
    let action = format!("type Words = 'ä' | 'ö';\n{action}export type Depth = typeof depth & Words;\ndepth;\n");
    let helper = "interface Config { some: { deep: number } }\n\nconst config = {} as Config;\nfunction read(from: Config): number {\n    return /* ä */ from.some.deep;\n}\nexport const depth = read(config);\n";
    assert_eq!(
        placed(&[("x/actions/f.ts", &action), ("x/helper.ts", helper)]),
        [
            "definition_failed: the file fails when it is loaded: Cannot read properties of undefined (reading 'deep') (helper.ts:5:20 from)"
        ]
    );
}

fn exports_of_one_name() {
    let action = file("createAction", ACTION);
    let second = format!("{action}type Two = string;\nexport default createAction({{ {ACTION} }});\n");
    assert_eq!(
        placed(&[("x/actions/f.ts", &second)]),
        ["syntax_error: the file has a second default export (f.ts:5:1 export)"]
    );
    // A value and a type may share a name, and so may the overloads of a function.
    let used = format!("import {{ a, b }} from '../helper.js';\n{action}a(b);\n");
    let helper = "export function a(x: string): void;\nexport function a(x: unknown): void { x; }\nexport type b = string;\nexport const b = '';\n";
    let with = |helper: &str| placed(&[("x/actions/f.ts", &used), ("x/helper.ts", helper)]);
    assert_eq!(with(helper), Vec::<String>::new());
    assert_eq!(
        with(&format!("{helper}const c = 1;\nexport {{ c as b }};\n")),
        ["syntax_error: `b` is exported a second time (helper.ts:6:15 b)"]
    );
}
