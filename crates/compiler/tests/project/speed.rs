//! Compiling is fast enough that nobody waits for it.

use std::{fmt::Write as _, time::Instant};

use super::{Test, sandbox};

pub const TESTS: &[Test] = &[("five_hundred_functions", five_hundred_functions)];

/// The target is 10 seconds on two idle cores with an optimised build; tests share the machine with others.
const ALLOWED_SECS: u64 = 60;

fn five_hundred_functions() {
    let helper = "import * as z from 'zod';\nexport const Row = z.object({ id: z.string(), name: z.string().optional(), tags: z.array(z.string()) });\nexport const clean = (text: string): string => text.trim();";
    let mut files: Vec<(String, String)> = vec![("big/helper.ts".into(), helper.into())];
    let mut index = String::new();
    for number in 0..500 {
        let path = format!("big/actions/function-{number}");
        let _ = writeln!(index, "import './{path}.js';");
        let mut body = String::new();
        for step in 0..60 {
            let _ = writeln!(
                body,
                "        const step{step}: string | number = input.id ? clean(`${{input.id}}-{step}`) : {step};\n        if (step{step} === 'never') {{ await nango.log(String(step{step})); }}"
            );
        }
        files.push((
            format!("{path}.ts"),
            format!("import {{ createAction }} from 'nango';\nimport * as z from 'zod';\nimport {{ clean, Row }} from '../helper.js';\n\nexport default createAction({{\n    description: 'Number {number}.',\n    input: Row,\n    output: z.object({{ id: z.string(), extra: z.record(z.string(), z.unknown()) }}),\n    exec: async (nango, input) => {{\n{body}        return {{ id: input.id, extra: {{}} }};\n    }}\n}});\n"),
        ));
    }
    files.push(("index.ts".into(), index));
    let borrowed: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let dir = sandbox::folder(&borrowed);
    let start = Instant::now();
    let project = sandbox::compile(dir.path());
    let took = start.elapsed();
    println!("500 functions compiled in {took:.2?}");
    assert_eq!(
        project.functions.len(),
        500,
        "{}",
        sandbox::render(&project.diagnostics)
    );
    assert!(took.as_secs() < ALLOWED_SECS, "took {took:?}");
}
