//! Projects made of texts, and a bare engine to run bundles in.
#![allow(dead_code, reason = "each test file uses a part")]

use std::{fs, path::Path};

use rquickjs::{CatchResultExt, Context, Runtime};
use tenon_compiler::{Bundle, Bundler, Diagnostic};

/// A project in a temporary folder: `(path, text)` pairs.
pub fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), files);
    dir
}

pub fn write(dir: &Path, files: &[(&str, &str)]) {
    for (path, text) in files {
        let path = dir.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

/// Bundles `x/actions/main.ts` of a project.
pub fn bundle(files: &[(&str, &str)]) -> Result<Bundle, Vec<Diagnostic>> {
    let dir = project(files);
    Bundler::new(&dir.path().canonicalize().unwrap()).bundle("x/actions/main.ts")
}

/// The JavaScript of a bundle that must succeed, without its source map.
pub fn js(files: &[(&str, &str)]) -> String {
    let bundle = bundle(files).unwrap_or_else(|diagnostics| panic!("{}", render(&diagnostics)));
    without_map(&bundle.js).to_owned()
}

pub fn without_map(js: &str) -> &str {
    &js[..js.find("//# sourceMappingURL").unwrap()]
}

pub fn render(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect()
}

/// A minimal `require`: enough to see what a bundle asks for and does with it.
const REQUIRE: &str = r#"
globalThis.required = [];
const packages = {
    zod: { z: { object: (shape) => ({ shape }) }, object: (shape) => ({ shape }), string: () => "string" },
    crypto: { createHash: (name) => `hash ${name}`, randomUUID: () => "uuid" },
    url: { URLSearchParams: class { constructor(text) { this.text = text; } } },
};
globalThis.require = (name) => {
    required.push(name);
    if (!(name in packages)) throw new Error(`Module '${name}' is not allowed`);
    return packages[name];
};
globalThis.load = (text) => {
    const module = { exports: {} };
    new Function("module", "exports", "require", text)(module, module.exports, require);
    return module.exports;
};
"#;

/// Loads a bundle in QuickJS, calls `exec({}, null)` and returns its outcome as JSON text.
pub fn run(js: &str) -> String {
    let runtime = Runtime::new().unwrap();
    let context = Context::full(&runtime).unwrap();
    context.with(|ctx| {
        ctx.eval::<(), _>(REQUIRE).catch(&ctx).unwrap();
        ctx.globals().set("text", js).unwrap();
        ctx.eval::<(), _>(
            r#"
            globalThis.outcome = "pending";
            (async () => JSON.stringify(await load(text).default.exec({}, null)))()
                .then((value) => { outcome = String(value); }, (error) => { outcome = `${error.name}: ${error.message}`; });
            "#,
        )
        .catch(&ctx)
        .unwrap_or_else(|error| panic!("the bundle does not run: {error}\n{js}"));
        while ctx.execute_pending_job() {}
        ctx.eval::<String, _>("outcome").unwrap()
    })
}

/// Bundles and runs a project in one go.
pub fn outcome(files: &[(&str, &str)]) -> String {
    run(&js(files))
}

/// A function file around the body of `exec`, with `head` before it.
pub fn action(head: &str, body: &str) -> String {
    format!(
        "import {{ createAction }} from 'nango';\nimport * as z from 'zod';\n{head}\nexport default createAction({{\n    description: 'x',\n    input: z.object({{}}),\n    output: z.object({{}}),\n    exec: async (nango, input): Promise<any> => {{ {body} }}\n}});\n"
    )
}

/// The marks of a source map: line, column, source, line there, column there; all from 0.
pub fn mappings(text: &str) -> Vec<[i64; 5]> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut marks = Vec::new();
    let mut state = [0; 4];
    for (line, segments) in text.split(';').enumerate() {
        state[0] = 0;
        for segment in segments.split(',').filter(|segment| !segment.is_empty()) {
            let (mut field, mut value, mut shift) = (0, 0i64, 0);
            for digit in segment.chars() {
                let bits = DIGITS.find(digit).unwrap() as i64;
                value |= (bits & 31) << shift;
                shift += 5;
                if bits & 32 == 0 {
                    state[field] += if value & 1 == 1 { -(value >> 1) } else { value >> 1 };
                    (field, value, shift) = (field + 1, 0, 0);
                }
            }
            marks.push([line as i64, state[0], state[1], state[2], state[3]]);
        }
    }
    marks
}
