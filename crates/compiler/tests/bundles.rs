//! What bundles do, seen by running them.

mod support;

use support::{action, bundle, js, outcome, render};

/// Checks what `exec` of `x/actions/main.ts` returns.
#[track_caller]
fn check(head: &str, body: &str, others: &[(&str, &str)], expected: &str) {
    let main = action(head, body);
    let mut files = vec![("x/actions/main.ts", main.as_str())];
    files.extend_from_slice(others);
    assert_eq!(outcome(&files), expected, "{}", js(&files));
}

#[test]
fn a_single_file_becomes_a_tagged_object() {
    let text = "import { createAction } from 'nango';\nimport * as z from 'zod';\n\nconst action = createAction({\n    description: 'Says hello.',\n    version: '1.0.0',\n    input: z.object({ name: z.string() }),\n    output: z.object({}),\n    exec: async (nango, input) => ({ hello: input.name })\n});\n\nexport default action;\n";
    let js = js(&[("x/actions/main.ts", text)]);
    let body = &js[js.find("module.exports").unwrap()..];
    assert_eq!(
        body,
        r#"module.exports = __export({ default: () => main_default });
var z = require("zod");

// x/actions/main.ts
const action = {
  type: "action",
  description: "Says hello.",
  version: "1.0.0",
  input: z.object({ name: z.string() }),
  output: z.object({}),
  exec: async (nango, input) => ({ hello: input.name })
};
const main_default = action;
"#
    );
    assert!(!js.contains("nango\""), "nothing of the SDK is left: {js}");
}

#[test]
fn the_module_object_has_default_and_es_module() {
    let js = js(&[("x/actions/main.ts", &action("", "return 1"))]);
    let script = format!(
        "const all = load({}); JSON.stringify([all.__esModule, Object.keys(all), typeof Object.getOwnPropertyDescriptor(all, 'default').get, required])",
        serde_json::Value::from(js.as_str())
    );
    let probe = format!(
        "module.exports = {{ default: {{ exec: () => {{ const module = undefined; return eval({}) }} }} }};",
        serde_json::Value::from(script)
    );
    assert_eq!(support::run(&probe), r#""[true,[\"default\"],\"function\",[\"zod\"]]""#);
}

#[test]
fn every_way_to_write_an_import_path() {
    let others = [
        ("x/a.ts", "export const a = 'a';"),
        ("x/b.ts", "export const b = 'b';"),
        ("x/folder/index.ts", "export const c = 'c';"),
        ("x/data.json", r#"{ "d": ["d"], "__proto__": 1 }"#),
        ("x/plain.js", "export const e = 'e';"),
        ("shared/f.ts", "export const f = 'f';"),
        ("x/actions/dotted.name.ts", "export const g = 'g';"),
    ];
    check(
        "import { a } from '../a.js';\nimport { b } from '../b';\nimport { c } from '../folder';\nimport data from '../data.json' with { type: 'json' };\nimport { e } from '../plain.js';\nimport { f } from '../../shared/f.ts';\nimport { g } from './dotted.name.js';",
        "return [a, b, c, data.d, e, f, g]",
        &others,
        r#"["a","b","c",["d"],"e","f","g"]"#,
    );
}

#[test]
fn names_that_clash_are_renamed_everywhere() {
    check(
        "import { value as other, describe } from '../other.js';\nconst value = 'mine';\nconst format = (value: string) => `${value}!`;\nlet counter = 1;",
        "const { counter: inner = 5 } = {} as any; counter += 1; const shorthand = { value, other, counter, inner }; return [format(value), describe(), shorthand]",
        &[(
            "x/other.ts",
            "let counter = 10;\nexport const value = 'theirs';\nconst format = (x: string) => `<${x}>`;\nexport function describe() { counter++; const copy = { value, format, counter }; ({ counter } = { counter: 40 }); [counter] = [counter + 1]; const { value: again, counter: c2 } = { ...copy, counter }; return [format(copy.value), again, c2]; }",
        )],
        r#"["mine!",["<theirs>","theirs",41],{"value":"mine","other":"theirs","counter":2,"inner":5}]"#,
    );
}

#[test]
fn an_imported_name_is_not_caught_by_a_local_one() {
    check(
        "import { format as show } from '../a.js';\nimport { z as zod } from 'zod';",
        "const run = (format: string, z: string) => show(format) + z + typeof zod.object; return run('x', 'y')",
        &[("x/a.ts", "export function format(text: string) { return `[${text}]`; }")],
        r#""[x]yfunction""#,
    );
}

#[test]
fn bindings_are_live() {
    check(
        "import { count, increment } from '../counter.js';\nimport * as counter from '../counter.js';",
        "const before = count; increment(); return [before, count, counter.count, Object.keys(counter).sort()]",
        &[(
            "x/counter.ts",
            "export let count = 0;\nexport function increment() { count += 1; }\nexport default 7;",
        )],
        r#"[0,1,1,["count","default","increment"]]"#,
    );
}

#[test]
fn reexports_of_every_kind() {
    check(
        "import all, { a, renamed, deep, things, star, T } from '../hub.js';",
        "return [all, a, renamed, deep, things.b, star, typeof T]",
        &[
            (
                "x/hub.ts",
                "import { b } from './values.js';\nexport { a, b as renamed } from './values.js';\nexport { default } from './values.js';\nexport * as things from './values.js';\nexport * from './stars.js';\nexport { b as deep };\nexport type { Shape } from './values.js';\nexport { type Shape as Form } from './values.js';",
            ),
            (
                "x/values.ts",
                "export const a = 'a';\nconst b = 'b';\nexport { b };\nexport interface Shape { id: string }\nexport default function named() { return 'never called'; }\nnamed.toJSON = () => 'function';",
            ),
            (
                "x/stars.ts",
                "export const star = '*';\nexport class T {}\nexport default 'hidden';",
            ),
        ],
        r#"["function","a","b","b","b","*","function"]"#,
    );
}

#[test]
fn default_exports_of_every_kind() {
    check(
        "import f from '../f.js';\nimport C from '../c.js';\nimport o from '../o.js';\nimport arrow from '../arrow.js';\nimport { default as named, other } from '../named.js';\nimport K from '../k.js';",
        "return [f(), new C().x, o.y, arrow(), named(), other, new K().z]",
        &[
            ("x/f.ts", "export default function () { return 'f'; }"),
            ("x/c.ts", "export default class { x = 'c'; }"),
            ("x/o.ts", "export default { y: 'o' };"),
            ("x/arrow.ts", "export default (): string => 'arrow';"),
            (
                "x/named.ts",
                "export const other = 'other';\nfunction inner() { return 'named'; }\nexport { inner as default };",
            ),
            (
                "x/k.ts",
                "export default class Named { static made = 0; z = ++Named.made; }",
            ),
        ],
        r#"["f","c","o","arrow","named","other",1]"#,
    );
}

#[test]
fn circular_imports_work_as_in_modules() {
    check(
        "import { isEven } from '../even.js';",
        "return [isEven(10), isEven(7)]",
        &[
            (
                "x/even.ts",
                "import { isOdd } from './odd.js';\nexport function isEven(n: number): boolean { return n === 0 || isOdd(n - 1); }\nexport const early = isOdd(1);",
            ),
            (
                "x/odd.ts",
                "import { isEven } from './even.js';\nexport function isOdd(n: number): boolean { return n !== 0 && isEven(n - 1); }\nexport const ready = isEven(2);",
            ),
        ],
        "[true,false]",
    );
    // Read too early: the error that a module gives, not `undefined`.
    let main = action("import { a } from '../a.js';", "return a");
    let files = [
        ("x/actions/main.ts", main.as_str()),
        ("x/a.ts", "import { b } from './b.js';\nexport const a = 'a' + b;"),
        ("x/b.ts", "import { a } from './a.js';\nexport const b = 'b' + a;"),
    ];
    assert!(outcome(&files).starts_with("ReferenceError"), "{}", outcome(&files));
}

#[test]
fn evaluation_order_is_that_of_modules() {
    check(
        "import '../second.js';\nimport { log } from '../log.js';\nimport '../first.js';",
        "return log",
        &[
            ("x/log.ts", "export const log: string[] = ['log'];"),
            ("x/first.ts", "import { log } from './log.js';\nlog.push('first');"),
            (
                "x/second.ts",
                "import { log } from './log.js';\nimport './third.js';\nlog.push('second');",
            ),
            ("x/third.ts", "import { log } from './log.js';\nlog.push('third');"),
        ],
        r#"["log","third","second","first"]"#,
    );
}

#[test]
fn typescript_that_leaves_code_behind() {
    check(
        "import { Level, Flags, Tools } from '../kinds.js';\nenum Local { A, B = 'b', C = 4, D }\nconst enum Fixed { One = 1, Two = One * 2 }\nnamespace Inner { export const x = 1; export function f() { return x + 1; } }\nabstract class Base<T> { declare ghost: string; constructor(public readonly name: string, private n = 1) {} sum() { return this.n + 1; } abstract go(): T; }\nclass Child extends Base<number> { #secret = 3; static { (Child as any).ready = true; } go() { return this.#secret; } override sum() { return super.sum() + 1; } }",
        "const child = new Child('n'); const value = <any>{ a: 1 } satisfies object; function over(a: string): string; function over(a: any) { return a; } return [Local.A, Local[0], Local.B, Local.D, Fixed.Two, Inner.f(), child.name, child.sum(), child.go(), (Child as any).ready, Level.High, Flags.Both, Tools.twice(4), value!.a, over('o'), Object.keys(child)]",
        &[(
            "x/kinds.ts",
            "export enum Level { Low = 'low', High = 'high' }\nexport const enum Flags { A = 1, B = 2, Both = A | B }\nexport namespace Tools { export const twice = (n: number) => n * 2; }\nexport type Nothing = never;\nexport declare const ghost: string;\nexport interface Empty {}",
        )],
        r#"[0,"A","b",5,2,2,"n",3,3,true,"high",3,8,1,"o",["name","n"]]"#,
    );
}

#[test]
fn async_generators_and_other_current_syntax() {
    check(
        "async function* pages(n: number): AsyncGenerator<number[]> { for (let i = 0; i < n; i++) yield [i, i * 2]; }",
        "const all: number[] = []; for await (const [a, b] of pages(3)) all.push(a!, b!); let x: any = null; x ??= { deep: { v: 1 } }; const label = `${all.length}`; return [all, x?.deep?.v, x.none?.(), label, 1_000n === 1000n, [3, 1, 2].toSorted(), Object.groupBy([1, 2], (n) => n % 2 ? 'odd' : 'even')]",
        &[],
        r#"[[0,0,1,2,2,4],1,null,"6",true,[1,2,3],{"odd":[1],"even":[2]}]"#,
    );
}

#[test]
fn packages_are_required_once_and_only_when_used_as_values() {
    let main = action(
        "import crypto from 'crypto';\nimport { createHash, randomUUID as uuid } from 'crypto';\nimport type { KeyObject } from 'crypto';\nimport { URLSearchParams } from 'url';\nimport { type ZodType } from 'zod';\nimport { hash } from '../hash.js';\nimport type { Something } from 'anything-at-all';",
        "const key: KeyObject | ZodType | Something | null = null; return [crypto.createHash('a'), createHash('b'), uuid(), new URLSearchParams('q').text, hash('c'), key, required]",
    );
    let files = [
        ("x/actions/main.ts", main.as_str()),
        (
            "x/hash.ts",
            "import { createHash as make } from 'crypto';\nimport { Unused } from 'url';\nexport const hash = (name: string): string => { const createHash = 1; return make(name) + createHash; };\nexport type X = Unused;",
        ),
    ];
    assert_eq!(
        outcome(&files),
        r#"["hash a","hash b","uuid","q","hash c1",null,["crypto","zod","url"]]"#
    );
}

#[test]
fn a_package_passed_as_a_value_is_a_module_object() {
    check(
        "import * as crypto from 'crypto';",
        "const all: any = { ...crypto }; return [Object.keys(all), typeof (crypto as any).default.createHash, crypto.randomUUID()]",
        &[],
        r#"[["default","createHash","randomUUID"],"function","uuid"]"#,
    );
}

#[test]
fn helpers_may_pass_packages_on() {
    check(
        "import { z as zed, hub } from '../lib.js';",
        "return [typeof zed.object, hub.randomUUID()]",
        &[("x/lib.ts", "export { z } from 'zod';\nexport * as hub from 'crypto';")],
        r#"["function","uuid"]"#,
    );
    check(
        "import { randomUUID } from '../lib.js';",
        "return randomUUID()",
        &[("x/lib.ts", "export * from 'crypto';")],
        r#""uuid""#,
    );
}

#[test]
fn functions_are_made_in_every_accepted_way() {
    for text in [
        "import { createAction } from 'nango'; export default createAction({ exec: async () => 1 });",
        "import { createAction as make } from 'tenon'; const x = make({ exec: async () => 1 }); export default x;",
        "import { createAction } from 'nango'; const x = createAction({ exec: async () => 1 }) as any; export { x as default };",
        "import { createAction, type NangoAction } from 'nango'; export type A = NangoAction; export default (createAction<any>({ exec: async () => 1 }));",
        "import { createAction } from 'nango'; const x = createAction({}); (x as any).exec = async () => 1; export default x;",
    ] {
        assert_eq!(outcome(&[("x/actions/main.ts", text)]), "1", "{text}");
    }
}

#[test]
fn clashes_with_the_surroundings_are_renamed() {
    check(
        "const module = 'm'; const exports = 'e'; const require = 'r'; const __export = 'x'; let z2 = 'z';",
        "return [module, exports, require, __export, z2]",
        &[],
        r#"["m","e","r","x","z"]"#,
    );
}

#[test]
fn imports_that_lead_nowhere() {
    for (head, code) in [
        ("import { a } from './nothing.js';", "import_not_found"),
        ("import { a } from '../../../outside.js';", "path_outside_project"),
        ("import { nope } from '../a.js';", "missing_export"),
        ("import a from '../a.js';", "missing_export"),
        ("import bad from '../bad.json';", "invalid_json"),
        ("import x from '../style.css';", "import_not_supported"),
        ("import { b } from '../broken.js';", "syntax_error"),
    ] {
        let main = action(head, "return [typeof a, typeof nope, typeof bad, typeof x, typeof b]");
        let files = [
            ("x/actions/main.ts", main.as_str()),
            ("x/a.ts", "export const a = 1;"),
            ("x/bad.json", "{ nope }"),
            ("x/style.css", "a {}"),
            ("x/broken.ts", "export const b = ;"),
        ];
        let diagnostics = bundle(&files).expect_err(head);
        assert_eq!(diagnostics[0].code, code, "{head}\n{}", render(&diagnostics));
        assert!(diagnostics[0].location.is_some(), "{head}");
    }
}

#[test]
fn the_source_map_leads_to_the_authors_lines() {
    let main = action(
        "import { fail } from '../fail.js';\n\n\n/** A comment that is not printed. */",
        "\n\n        return fail(input);\n",
    );
    let bundle = bundle(&[
        ("x/actions/main.ts", &main),
        ("x/fail.ts", "type Input = {\n    deep: string;\n};\n\nexport function fail(input: Input): never {\n    const é = '💥';\n    throw new Error(é + String(input.deep));\n}\n"),
    ])
    .unwrap();
    for (needle, source, line) in [
        ("throw new Error", "x/fail.ts", 7),
        ("return fail(input)", "x/actions/main.ts", 13),
    ] {
        assert_eq!(lookup(&bundle.js, needle), (source.to_owned(), line), "{needle}");
    }
}

/// Decodes the inline map and finds where the text `needle` comes from.
fn lookup(js: &str, needle: &str) -> (String, usize) {
    use base64::Engine as _;
    let url = js.trim_end().rsplit("base64,").next().unwrap();
    let map: serde_json::Value =
        serde_json::from_slice(&base64::engine::general_purpose::STANDARD.decode(url).unwrap()).unwrap();
    let at = js.find(needle).unwrap();
    let line = js[..at].matches('\n').count();
    let column = at - js[..at].rfind('\n').map_or(0, |n| n + 1);
    let (mut source, mut source_line) = (0i64, 0i64);
    let mut best = None;
    for (number, segments) in map["mappings"].as_str().unwrap().split(';').enumerate() {
        let mut generated = 0;
        for segment in segments.split(',').filter(|segment| !segment.is_empty()) {
            let fields = vlq(segment);
            generated += fields[0];
            source += fields[1];
            source_line += fields[2];
            if number == line && generated as usize <= column {
                best = Some((source, source_line));
            }
        }
    }
    let (source, source_line) = best.expect("no mapping on the line");
    (
        map["sources"][source as usize].as_str().unwrap().to_owned(),
        source_line as usize + 1,
    )
}

fn vlq(segment: &str) -> Vec<i64> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut value, mut shift) = (Vec::new(), 0i64, 0);
    for digit in segment.chars().map(|c| DIGITS.find(c).unwrap() as i64) {
        value |= (digit & 31) << shift;
        shift += 5;
        if digit & 32 == 0 {
            out.push(if value & 1 == 1 { -(value >> 1) } else { value >> 1 });
            (value, shift) = (0, 0);
        }
    }
    out
}
