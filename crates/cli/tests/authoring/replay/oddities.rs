//! What is found in public functions and their fixtures besides the ordinary: each has to work.

use serde_json::{Value, json};

use super::super::tenon::{folder, tenon};
use super::{action, actions, all_pass, one_get, reasons, sync};

#[test]
fn syntax_and_globals_of_public_functions() {
    let nothing = |output: Value| json!({ "input": { "n": 3 }, "output": output, "nango": {}, "api": {} });
    all_pass(&[
        (
            "globals",
            "const bytes = new Uint8Array([104, 105]); const buffer: ArrayBuffer = bytes.buffer as ArrayBuffer;
             const weak = new WeakSet(); weak.add(bytes);
             return [encodeURIComponent('ä b/c'), decodeURIComponent('%C3%A4'), parseFloat('1.5x'), isNaN(Number('x')), btoa('hi'), Buffer.from(buffer).toString('base64'), Reflect.get({ a: 1 }, 'a'), BigInt(2 ** 40).toString(), weak.has(bytes), URL.canParse('https://a.b'), Buffer.concat([Buffer.from('a'), Buffer.alloc(1)]).toString('hex'), Buffer.from('é', 'binary').toString('binary'), Buffer.from('ff', 'hex').subarray(0, 1).length, globalThis === globalThis.globalThis, new Headers({ A: 'b' }).get('a')];",
            nothing(json!(["%C3%A4%20b%2Fc", "ä", 1.5, true, "aGk=", "aGk=", 1, "1099511627776", true, true, "6100", "é", 1, true, "b"])),
        ),
        (
            "syntax",
            "enum Kind { A = 'a', B = 3 } const enum Hidden { X = 1 << 2 }
             let a: number | undefined; a ??= 2; a **= 3; let s = ''; s ||= 'x'; s &&= 'y';
             outer: for (const x of [1, 2]) { for (const y of [1, 2]) { if (y === 2) continue outer; if (x === 2) break outer; } }
             const made = { n: input.n } satisfies Record<string, number>;
             function* numbers() { yield 1; yield* [2, 3]; } async function* later() { for (const n of numbers()) yield n * 2; }
             const all = []; for await (const n of later()) all.push(n);
             const source = { async *[Symbol.asyncIterator]() { yield 'it'; } }; for await (const n of source) all.push(n as any);
             const { n: renamed = 1, ...rest } = { ...made, z: 1 }; delete (rest as any).z;
             let caught; try { throw new Error('no'); } catch { caught = true; } finally { caught = [caught]; }
             const value = input as unknown as { n: number }; const not = value!.n;
             return [Kind.A, Kind.B, Kind[3], Hidden.X, a, s, all, renamed, rest, caught, not, [1, [2]].flat().at(-1), `${'t'.padStart(3, '0')}`, Object.fromEntries([['k', 1]]), 'a-b'.replace(/-(.)/g, (_: string, c: string) => c.toUpperCase()), (() => { switch (input.n) { case 3: return 'three'; default: return 'other'; } })()];",
            nothing(json!(["a", 3, "B", 4, 8, "y", [2, 4, 6, "it"], 3, {}, [true], 3, 2, "00t", { "k": 1 }, "aB", "three"])),
        ),
        (
            "dates",
            "const d = new Date('2024-03-10T08:09:10.011Z');
             return [d.toISOString(), Date.parse('2024-03-10'), Date.UTC(2024, 1, 29), new Date('March 7, 2024 10:00:00 UTC').toISOString(), new Date('Thu, 07 Mar 2024 10:00:00 GMT').getTime(), new Date('2024-03-10 08:09:10Z').getTime() > 0, isNaN(new Date('nonsense').getTime()), new Date(2024, 0, 31, 12).getMonth(), ['b', 'a', 'C'].sort((x, y) => x.localeCompare(y)), (1234567.891).toLocaleString('en-US', { style: 'currency', currency: 'USD' })];",
            nothing(json!(["2024-03-10T08:09:10.011Z", 1_710_028_800_000_i64, 1_709_164_800_000_i64, "2024-03-07T10:00:00.000Z", 1_709_805_600_000_i64, true, true, 0, ["a", "b", "C"], "$1,234,567.89"])),
        ),
        (
            "zod",
            "const Base = z.object({ id: z.union([z.string(), z.number()]).transform(String), at: z.string().datetime().optional(), tags: z.array(z.string()).default([]) }).passthrough();
             const Kind = z.discriminatedUnion('type', [z.object({ type: z.literal('a'), x: z.coerce.number() }), z.object({ type: z.literal('b') }).catchall(z.unknown())]);
             const Tree: any = z.lazy(() => z.object({ children: z.array(Tree).optional() }));
             const refined = z.object({ a: z.string().trim().email(), b: z.tuple([z.number(), z.string()]), c: z.record(z.string(), z.unknown()), d: z.enum(['x', 'y']).nullish() }).superRefine((value, context) => { if (value.c['bad']) context.addIssue({ code: z.ZodIssueCode.custom, message: 'bad' }); });
             const failed = refined.safeParse({ a: 'no', b: [1, 'x'], c: { bad: 1 } });
             return [Base.parse({ id: 7, extra: 1 }), Kind.parse({ type: 'a', x: '5' }), Tree.parse({ children: [{}] }), failed.success, failed.error?.issues[0]?.path, refined.parse({ a: ' a@b.co ', b: [1, 'x'], c: {} }), z.string().describe('d').description, Base.extend({ y: z.date() }).shape.y instanceof z.ZodDate];",
            nothing(json!([{ "id": "7", "tags": [], "extra": 1 }, { "type": "a", "x": 5 }, { "children": [{}] }, false, ["a"], { "a": "a@b.co", "b": [1, "x"], "c": {} }, "d", true])),
        ),
        (
            "detached",
            "const { get, log, ActionError } = nango; await log('x', { level: 'info' }); const call = get as any; try { throw new ActionError({ code: 1 }); } catch (e: any) { return [(await call({ endpoint: '/x' })).data, e.payload.code, 'response' in e, e?.response?.status ?? null, e instanceof Error]; }",
            one_get(json!({}), json!([5, 1, false, null, true]), json!({ "response": 5 })),
        ),
    ]);
}

#[test]
fn fixtures_as_they_are_found() {
    all_pass(&[
        (
            "many-posts",
            "const ask = async (n: number) => (await nango.post({ endpoint: '/graphql', data: { query: 'q', variables: { n } }, retries: 3 })).data; return [await ask(2), await ask(1), await ask(2)];",
            json!({ "output": ["two", "one", "two"], "nango": {}, "api": { "post": { "/graphql": [
                { "response": "one", "hash": "x", "request": { "params": {}, "headers": {}, "data": { "query": "q", "variables": { "n": 1 } } } },
                { "response": "two", "hash": "y", "request": { "params": {}, "headers": {}, "data": { "query": "q", "variables": { "n": 2 } } } } ] } } }),
        ),
        (
            "statuses",
            "const gone = await nango.delete({ endpoint: '/x/1' }); const made = await nango.put({ endpoint: '/x', data: {} }); return [gone.status, gone.data, made.status, made.headers['x-next']];",
            json!({ "output": [204, "", 201, "n"], "nango": {}, "api": { "delete": { "/x/1": { "response": "", "status": 204 } }, "put": { "x": { "response": null, "status": 201, "headers": { "x-next": "n" } } } } }),
        ),
        (
            "links",
            "const all = []; for await (const page of nango.paginate({ endpoint: '/items', params: { per: 1 }, paginate: { type: 'link', link_rel_in_response_header: 'next' }, retries: 3 })) all.push(...page); return all;",
            json!({ "output": [1, 2], "nango": {}, "api": { "get": {
                "/items": [
                    { "response": [1], "headers": { "link": "<https://api.example.com/items?page=2&per=1>; rel=\"next\"" }, "request": { "params": { "per": "1" } } },
                    { "response": [2], "headers": {}, "request": { "params": { "page": "2", "per": "1" } } } ] } } }),
        ),
        (
            "own-host",
            "return (await nango.get({ baseUrlOverride: 'https://second.example.com', endpoint: '/v2/things/a%2Fb', headers: { 'Api-Version': '2024-01' } })).data;",
            json!({ "output": "yes", "nango": { "getConnection": {} }, "api": { "get": { "/v2/things/a%2Fb": { "response": "yes", "request": { "headers": { "api-version": "2024-01" } } } } } }),
        ),
        (
            "null-input",
            "return input === null ? 'null' : typeof input;",
            json!({ "input": null, "output": "null", "nango": {}, "api": {} }),
        ),
        (
            "null-output",
            "return null;",
            json!({ "input": {}, "output": null, "nango": {}, "api": {} }),
        ),
        (
            "no-api",
            "return [1];",
            json!({ "input": {}, "output": [1], "nango": {} }),
        ),
    ]);
    let saves = |body: &str| sync(body);
    let records = |value: Value| json!({ "nango": { "batchSave": { "Item": value, "Other": [] }, "batchDelete": { "Item": [], "Other": [] }, "trackDeletesStart": null, "getMetadata": { "a": 1 } }, "api": {} });
    let files = [
        ("acme/syncs/plain.ts", saves("await nango.trackDeletesStart('Item'); const m = await nango.getMetadata(); await nango.batchSave([{ id: '1', when: new Date(0), gone: undefined }] as any, 'Item'); await nango.batchSave([{ id: String((m as any).a + 1) }], 'Item'); await nango.trackDeletesEnd('Item');")),
        ("acme/tests/acme-plain.test.json", records(json!([{ "id": "1", "when": "1970-01-01T00:00:00.000Z" }, { "id": "2" }])).to_string()),
        // Quotes of both kinds, an import without its ending, a list of models with spaces.
        ("acme/tests/acme-plain.test.ts", "import { vi, expect, it, describe } from \"vitest\";\nimport createSync from \"../syncs/plain\";\n\ndescribe(\"acme plain\", () => {\n  const nangoMock = new global.vitest.NangoSyncMock({ dirname: __dirname, name: \"plain\", Model: \"Item, Other\" });\n});\n".to_owned()),
        ("acme/actions/typed.ts", action("return helper(input as Shape);").replace("import * as z from 'zod';", "import * as z from 'zod';\nimport { helper } from '../mappers/to-shape';\nimport type { Shape } from '../models.js';\ndeclare global { interface Window { acme: string } }")),
        ("acme/models.ts", "export interface Shape { n: number }\nexport type Other = Shape;\nexport enum Level { Low = 'low', High = 'high' }\n".to_owned()),
        ("acme/mappers/to-shape.ts", "import { Level, type Shape } from '../models.js';\nexport const helper = (shape: Shape): { n: number; level: Level } => ({ n: shape.n + 1, level: shape.n > 1 ? Level.High : Level.Low });\nexport default helper;\n".to_owned()),
        ("acme/tests/acme-typed.test.json", json!({ "input": { "n": 2 }, "output": { "n": 3, "level": "high" }, "nango": {}, "api": {} }).to_string()),
        // A sync may be in the wrong folder.
        ("acme/actions/lost.ts", saves("await nango.batchSave([{ id: 'l' }], 'Item');")),
        ("acme/tests/acme-lost.test.json", records(json!([{ "id": "l" }])).to_string()),
    ];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let dir = folder(&files);
    std::os::unix::fs::symlink("acme", dir.path().join("acme-alias")).unwrap();
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let reasons = reasons(&ran);
    assert_eq!(reasons.len(), 3, "links are not looked into: {reasons:?}");
    assert!(reasons.values().all(String::is_empty), "{reasons:?}");
}

/// What is named must be there, and a fixture has one path however it is named.
#[test]
fn fixtures_are_found_as_they_are_named() {
    let dir = actions(&[("one", "return 1;", json!({ "output": 1, "nango": {} }))]);
    std::fs::write(dir.path().join("acme/actions/two.ts"), action("return 2;")).unwrap();
    for path in [".", "acme/tests/acme-one.test.json"] {
        let ran = tenon(dir.path(), None, &["test", path, "--json"]);
        let fixture = &ran.json()["results"][0]["fixture"];
        assert_eq!(fixture, "acme/tests/acme-one.test.json", "{path}: {}", ran.stdout);
    }
    for (args, refusal) in [
        (
            &["acme/actions/one.ts"][..],
            "acme/actions/one.ts is neither a folder nor a fixture; fixtures are files",
        ),
        (&["--filter", "typo"], "no fixture matches --filter typo\n"),
        (
            &["--filter", "TWO"],
            "no fixture matches --filter TWO; acme/actions/two has none",
        ),
        (&["nosuch"], "there is nothing at nosuch"),
    ] {
        let ran = tenon(dir.path(), None, &[&["test"], args].concat());
        assert_eq!(ran.code, 1, "{args:?}");
        assert!(ran.stderr.starts_with(&format!("error: {refusal}")), "{}", ran.stderr);
    }
}
