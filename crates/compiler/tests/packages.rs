//! What becomes of packages below `node_modules`, seen by bundling projects that have some.

mod support;

use support::{action, bundle, js, outcome, render};

/// Checks what `exec` returns in a project with these files below `node_modules`.
#[track_caller]
fn check(head: &str, body: &str, packages: &[(&str, &str)], expected: &str) {
    let (main, files) = project(head, body, packages);
    let mut all = vec![("x/actions/main.ts", main.as_str())];
    all.extend(files.iter().map(|(path, text)| (path.as_str(), *text)));
    assert_eq!(outcome(&all), expected, "{}", js(&all));
}

/// Checks the code and parts of the text of the only error.
#[track_caller]
fn refused(head: &str, packages: &[(&str, &str)], code: &str, parts: &[&str]) {
    let (main, files) = project(head, "return 1", packages);
    let mut all = vec![("x/actions/main.ts", main.as_str())];
    all.extend(files.iter().map(|(path, text)| (path.as_str(), *text)));
    let found = bundle(&all).expect_err("the bundle is refused");
    let text = render(&found);
    assert_eq!(
        found.iter().map(|one| one.code.as_ref()).collect::<Vec<_>>(),
        [code],
        "{text}"
    );
    assert!(code == "syntax_error" || found[0].hint.is_some(), "{text}");
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

fn project<'t>(head: &str, body: &str, packages: &[(&str, &'t str)]) -> (String, Vec<(String, &'t str)>) {
    let files = packages
        .iter()
        .map(|(path, text)| (format!("node_modules/{path}"), *text));
    (action(head, body), files.collect())
}

#[test]
fn the_main_file_is_found_as_node_finds_it() {
    check(
        "import a from 'a';\nimport b from 'b';\nimport c from 'c';\nimport d from '@scope/d';\nimport { part } from 'a/lib/part';\nimport data from 'a/data.json' with { type: 'json' };\nimport e from 'e/sub';",
        "return [a, b, c, d, part, data.x, e]",
        &[
            ("a/package.json", r#"{ "main": "./lib" }"#),
            ("a/lib/index.js", "module.exports = 'a';"),
            ("a/lib/part.js", "exports.part = 'part';"),
            ("a/data.json", r#"{ "x": 1 }"#),
            ("b/index.js", "module.exports = 'b';"),
            ("c/package.json", r#"{ "main": "missing.js" }"#),
            ("c/index.json", r#""c""#),
            (
                "@scope/d/package.json",
                r#"{ "module": "./esm.js", "main": "./cjs.js" }"#,
            ),
            ("@scope/d/esm.js", "export default 'module';"),
            ("@scope/d/cjs.js", "module.exports = 'main';"),
            ("e/sub/package.json", r#"{ "main": "../inner.js" }"#),
            ("e/inner.js", "module.exports = 'inner';"),
        ],
        r#"["a","b","c","module","part",1,"inner"]"#,
    );
}

#[test]
fn exports_decide_by_condition_and_part() {
    let manifest = r##"{ "type": "module", "main": "./never.js", "imports": { "#inner": { "node": "./never.js", "default": "./inner.js" } }, "exports": {
        ".": { "types": "./x.d.ts", "node": "./never.js", "import": "./esm.js", "require": "./common.cjs" },
        "./parts/*": "./deep/*.js", "./parts/secret": null, "./package.json": "./package.json" } }"##;
    let files = [
        ("p/package.json", manifest),
        (
            "p/esm.js",
            "import inner from '#inner';\nexport default ['esm', inner];",
        ),
        ("p/common.cjs", "module.exports = 'common';"),
        ("p/inner.js", "export default 'inner';"),
        ("p/deep/one.js", "export default 'one';"),
        ("q/index.js", "module.exports = require('p');"),
    ];
    check(
        "import p from 'p';\nimport one from 'p/parts/one';\nimport q from 'q';",
        "return [p, one, q]",
        &files,
        r#"[["esm","inner"],"one","common"]"#,
    );
    refused(
        "import x from 'p/parts/secret'; x;",
        &files,
        "import_not_found",
        &["p/parts/secret", "x/actions/main.ts"],
    );
    refused(
        "import x from 'p/esm.js'; x;",
        &files,
        "import_not_found",
        &["p/esm.js"],
    );
}

#[test]
fn the_edition_for_browsers_is_taken() {
    check(
        "import a from 'a';\nimport b from 'b';",
        "return [a, b]",
        &[
            (
                "a/package.json",
                r#"{ "main": "./main.js", "browser": { "./node.js": "./browser.js", "fs": false, "./gone": false, "crypto": false, "other": "b" } }"#,
            ),
            (
                "a/main.js",
                "module.exports = [require('./node'), Object.keys(require('fs')), Object.keys(require('./gone')), require('crypto').createHash('x'), require('other')];",
            ),
            ("a/node.js", "module.exports = 'node';"),
            ("a/browser.js", "module.exports = 'browser';"),
            ("a/gone.js", "module.exports = { gone: 1 };"),
            (
                "b/package.json",
                r#"{ "main": "./main.js", "browser": "./browser.js" }"#,
            ),
            ("b/main.js", "module.exports = require('fs');"),
            ("b/browser.js", "module.exports = 'browser of b';"),
        ],
        r#"[["browser",[],[],"hash x","browser of b"],"browser of b"]"#,
    );
}

#[test]
fn each_package_sees_the_versions_that_it_was_installed_with() {
    check(
        "import a from 'a';\nimport c from 'c';",
        "return [a, c]",
        &[
            ("a/index.js", "module.exports = ['a', require('c')];"),
            ("a/node_modules/c/index.js", "module.exports = 'nested';"),
            ("c/index.js", "module.exports = 'top';"),
        ],
        r#"[["a","nested"],"top"]"#,
    );
}

#[test]
fn commonjs_as_it_is_written() {
    check(
        "import whole, { named, later } from 'c';\nimport * as space from 'c';\nimport f from 'f';\nimport 'effects';\nimport { seen } from 'effects/seen.js';",
        "return [whole.named, named, later(), space.default === whole, Object.keys(space).sort(), f(2), f.extra, seen]",
        &[
            (
                "c/index.js",
                "exports.named = 'n';\nexports.later = function () { return this === undefined ? 'loose' : typeof this; };\nthis.viaThis = 1;",
            ),
            (
                "f/index.js",
                "'use strict';\nvar double = require('./double');\nmodule.exports = exports = function (x) { return double(x) + require('./data.json').offset; };\nexports.extra = [typeof __dirname, typeof module, typeof require, typeof global, process.env.NODE_ENV, typeof process.nextTick];",
            ),
            ("f/double.js", "module.exports = (x) => x * 2;"),
            ("f/data.json", r#"{ "offset": 10 }"#),
            ("effects/index.js", "require('./seen.js').seen.push('ran');"),
            ("effects/seen.js", "exports.seen = [];"),
        ],
        r#"["n","n","loose",true,["default","later","named","viaThis"],14,["string","object","function","object","production","function"],["ran"]]"#,
    );
}

#[test]
fn a_default_import_of_what_was_a_module_once() {
    let once =
        "Object.defineProperty(exports, '__esModule', { value: true });\nexports.default = 'inner';\nexports.x = 1;";
    check(
        "import whole from 'once';\nimport modern from 'modern';\nimport bundled from 'bundled';",
        "return [whole.default, modern, bundled]",
        &[
            ("once/index.js", once),
            ("modern/package.json", r#"{ "type": "module", "main": "index.js" }"#),
            (
                "modern/index.js",
                "import once from 'once';\nexport default once.default;",
            ),
            ("bundled/package.json", r#"{ "module": "index.esm.js" }"#),
            (
                "bundled/index.esm.js",
                "import once, { x } from 'once';\nexport default [once, x];",
            ),
        ],
        r#"["inner","inner",["inner",1]]"#,
    );
}

#[test]
fn circles_of_commonjs_see_what_is_there_so_far() {
    check(
        "import a from 'a';",
        "return [a.done, a.of_b(), a.early]",
        &[
            (
                "a/index.js",
                "exports.done = false; var b = require('./b'); exports.early = b.saw; exports.of_b = b.ask; exports.done = true;",
            ),
            (
                "a/b.js",
                "var a = require('.'); exports.saw = a.done; exports.ask = function () { return a.done; };",
            ),
        ],
        "[true,true,false]",
    );
}

#[test]
fn modules_and_commonjs_mix() {
    check(
        "import { all } from 'mixed';",
        "return all",
        &[
            ("mixed/package.json", r#"{ "type": "module", "exports": "./index.js" }"#),
            (
                "mixed/index.js",
                "import { createRequire as never } from './names.js';\nimport common from './common.cjs';\nexport * from './common.cjs';\nconst process = 'mine';\nexport const all = [never, common.esm, common.value, process, typeof require, typeof global.Array];",
            ),
            (
                "mixed/names.js",
                "export const createRequire = 'name';\nexport default 'd';",
            ),
            (
                "mixed/common.cjs",
                "const m = require('./names.js');\nexports.esm = [m.default, m.createRequire, m.__esModule];\nexports.value = 'v';",
            ),
        ],
        r#"["name",["d","name",true],"v","mine","function","function"]"#,
    );
}

#[test]
fn names_of_packages_do_not_catch_those_of_the_function() {
    check(
        "import a from 'a';\nimport { require_b } from 'b';\nconst URLSearchParams = 'mine';\nconst helper = 'h';",
        "return [a, require_b, URLSearchParams, helper]",
        &[
            (
                "a/index.js",
                "var require_index = 1, helper = 'theirs'; function require_a() { return helper; }\nmodule.exports = [require_a(), require('b').require_b, typeof Uint8Array, require_index];",
            ),
            ("b/index.js", "exports.require_b = 'b';"),
        ],
        r#"[["theirs","b","function",1],"b","mine","h"]"#,
    );
}

#[test]
fn what_may_be_missing_is_missed_at_run_time() {
    check(
        "import a from 'a';",
        "return a",
        &[(
            "a/index.js",
            "var found = []; try { require('not-there'); } catch (error) { found.push(error.code); }\ntry { var name = './x'; require(name); } catch (error) { found.push(error.message.split(':')[0]); }\ntry { require('fs'); } catch (error) { found.push('no fs'); }\nvar alias = require; try { alias('y'); } catch (error) { found.push(error.code); }\nimplicit = 5; found.push(implicit);\nmodule.exports = found;",
        )],
        r#"["MODULE_NOT_FOUND","Cannot find module './x'","no fs","MODULE_NOT_FOUND",5]"#,
    );
}

#[test]
fn unused_files_of_packages_without_effects_are_left_out() {
    let files = [
        (
            "many/package.json",
            r#"{ "type": "module", "exports": "./index.js", "sideEffects": ["./loud.js", "**/*.css"] }"#,
        ),
        (
            "many/index.js",
            "export * from './a.js';\nexport * from './b.js';\nexport { default as c } from './c.js';\nimport './loud.js';",
        ),
        (
            "many/a.js",
            "import { shared } from './shared.js';\nexport const a = shared('a');",
        ),
        (
            "many/b.js",
            "import fs from 'fs';\nexport const b = fs.readFileSync('marker_b');",
        ),
        ("many/c.js", "export default 'marker_c';"),
        ("many/loud.js", "globalThis.loud = 'marker_loud';"),
        ("many/shared.js", "export function shared(x) { return x + x; }"),
    ];
    let (main, owned) = project(
        "import { a } from 'many';",
        "return [a, (globalThis as any).loud]",
        &files,
    );
    let mut all = vec![("x/actions/main.ts", main.as_str())];
    all.extend(owned.iter().map(|(path, text)| (path.as_str(), *text)));
    let text = js(&all);
    assert!(!text.contains("marker_b") && !text.contains("marker_c"), "{text}");
    // The index has no effects of its own by its manifest, so neither has what it imports.
    assert!(!text.contains("marker_loud"), "{text}");
    assert_eq!(outcome(&all), r#"["aa",null]"#);
    // What is used is looked at.
    refused(
        "import { b } from 'many'; b;",
        &files,
        "node_module_in_package",
        &["`many`", "`fs`", "node_modules/many/b.js"],
    );
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    refused(
        "import x from 'nowhere'; x;",
        &[],
        "disallowed_import",
        &["`nowhere` is not installed", "npm install nowhere"],
    );
    refused(
        "import x from '@a/b/c'; x;",
        &[],
        "disallowed_import",
        &["`@a/b` is not installed"],
    );
    refused(
        "import a from 'a'; a;",
        &[
            ("a/lib/x.js", "module.exports = require('child_process');"),
            ("a/index.js", "module.exports = require('./lib/x');"),
        ],
        "node_module_in_package",
        &[
            "the package `a` needs `child_process`",
            "node_modules/a/lib/x.js:1",
            "without a file system",
        ],
    );
    refused(
        "import a from 'a'; a;",
        &[
            ("a/index.js", "module.exports = require('./build/x.node');"),
            ("a/build/x.node", "\u{7f}ELF"),
        ],
        "native_package",
        &["`./build/x.node` of the package `a`"],
    );
    refused(
        "import a from 'a'; a;",
        &[(
            "a/index.js",
            "module.exports = function (name) { return require('./' + name); };",
        )],
        "dynamic_require",
        &["node_modules/a/index.js:1", "while the package runs"],
    );
    refused(
        "import a from 'a'; a;",
        &[("a/index.js", "module.exports = require('b');")],
        "package_incomplete",
        &["the package `a` needs `b`"],
    );
    refused(
        "import a from 'a'; a;",
        &[("a/index.js", "with (Math) { module.exports = max(1, 2); }")],
        "sloppy_package",
        &["node_modules/a/index.js"],
    );
    refused(
        "import a from 'a'; a;",
        &[("a/index.js", "module.exports = {")],
        "syntax_error",
        &["node_modules/a/index.js"],
    );
    refused(
        "import fs from 'node:fs/promises'; fs;",
        &[],
        "disallowed_import",
        &["without a file system"],
    );
}

#[test]
fn packages_have_a_limit() {
    let text = format!("module.exports = [{}];", "'0123456789abcdef',".repeat(300_000));
    refused(
        "import a from 'big'; a;",
        &[("big/index.js", &text)],
        "packages_too_large",
        &["4096 kB are allowed", "the largest are big "],
    );
}

#[test]
fn packages_outside_of_the_folder_and_behind_links() {
    let dir = support::project(&[
        ("node_modules/above/index.js", "module.exports = 'above';"),
        (
            "store/linked@1/node_modules/linked/index.js",
            "module.exports = ['linked', require('peer')];",
        ),
        ("store/linked@1/node_modules/peer/index.js", "module.exports = 'peer';"),
        (
            "app/x/actions/main.ts",
            &action("import a from 'above';\nimport b from 'linked';", "return [a, b]"),
        ),
    ]);
    let app = dir.path().join("app");
    std::fs::create_dir(app.join("node_modules")).unwrap();
    std::os::unix::fs::symlink(
        "../../store/linked@1/node_modules/linked",
        app.join("node_modules/linked"),
    )
    .unwrap();
    let bundle = tenon_compiler::Bundler::new(&app).bundle("x/actions/main.ts").unwrap();
    assert_eq!(support::run(&bundle.js), r#"["above",["linked","peer"]]"#);
    assert!(bundle.js.contains("// ../node_modules/above/index.js"));
    assert!(!bundle.js.contains(dir.path().to_str().unwrap()));
}

#[test]
fn a_function_that_comes_alone_has_no_packages() {
    let text = action(
        "import _ from 'lodash';\nimport { z as q } from 'zod/v4';",
        "return [_, q]",
    );
    let found = tenon_compiler::Bundler::of_text("x/actions/main.ts", &text)
        .bundle("x/actions/main.ts")
        .expect_err("lodash is refused");
    let text = render(&found);
    assert_eq!(found.len(), 1, "{text}");
    assert!(
        text.contains("there is no node_modules here") && text.contains("tenon deploy"),
        "{text}"
    );
}

#[test]
fn the_map_knows_the_places_in_packages() {
    use base64::Engine as _;
    let (main, files) = project(
        "import a from 'a';",
        "return a()",
        &[(
            "a/index.js",
            "/* a\n   comment */\n\nmodule.exports = function () {\n    throw new Error('here');\n};\n",
        )],
    );
    let mut all = vec![("x/actions/main.ts", main.as_str())];
    all.extend(files.iter().map(|(path, text)| (path.as_str(), *text)));
    let js = bundle(&all).unwrap().js;
    let line = js
        .lines()
        .position(|line| line.contains("throw new Error(\"here\")"))
        .unwrap();
    let map = js.rsplit("base64,").next().unwrap().trim();
    let map: serde_json::Value =
        serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(map).unwrap()).unwrap();
    let of = map["sources"]
        .as_array()
        .unwrap()
        .iter()
        .position(|path| path == "node_modules/a/index.js")
        .unwrap();
    assert!(map["sourcesContent"][of].is_null(), "the text of a package is on npm");
    assert!(map["sourcesContent"][1 - of].as_str().unwrap().contains("createAction"));
    let decoded = support::mappings(map["mappings"].as_str().unwrap());
    let places: Vec<_> = decoded.iter().filter(|mark| mark[0] == line as i64).collect();
    assert!(
        places.iter().any(|mark| mark[2] == of as i64 && mark[3] == 4),
        "{places:?}"
    );
}
