//! What a function gets beside answers, and what its doing is compared with.

use serde_json::json;

use super::super::tenon::{folder, tenon};
use super::{action, actions, all_pass, one_get, reasons, sync};

#[test]
fn functions_meet_the_platform_of_the_test_kit() {
    all_pass(&[
        // A refused request is an answer like any other.
        (
            "no-throw",
            "const r = await nango.get({ endpoint: '/x', retries: 10 }); return [r.status, r.data.message];",
            one_get(json!({}), json!([404, "gone"]), json!({ "response": { "message": "gone" }, "status": 404 })),
        ),
        // Values arrive as they were recorded, also where a real answer would be shaped.
        (
            "raw-answers",
            "const r: any = await nango.get({ endpoint: '/x', responseType: 'arraybuffer' });
             return [r.data.type, Buffer.from(r.data).toString(), typeof r.status, typeof r.headers];",
            one_get(json!({}), json!(["Buffer", "hi", "undefined", "undefined"]), json!({ "response": { "type": "Buffer", "data": [104, 105] } })),
        ),
        (
            "no-validation",
            "const { data } = await nango.zodValidateInput({ zodSchema: z.object({ n: z.number() }), input }); return data;",
            json!({ "input": { "n": "text" }, "output": { "n": "text" }, "nango": {} }),
        ),
        ("no-input", "return input === undefined ? 'nothing' : 'something';", json!({ "output": "nothing", "nango": {} })),
        (
            "canned",
            "const c = await nango.getConnection(); const m = await nango.getMetadata(); const again = await nango.getMetadata();
             await nango.updateMetadata({ a: 2 });
             return [c.connection_config.region, m.a, again.a, (await nango.getMetadata()).a, await nango.getWebhookURL(), nango.providerConfigKey];",
            json!({ "output": ["eu", 1, 1, 1, "https://example.com/webhook", "acme"],
                    "nango": { "getConnection": { "connection_config": { "region": "eu" } }, "getMetadata": { "a": 1 } } }),
        ),
        // Undefined members are no difference, nor is the order of members.
        ("equal", "return { b: undefined, c: [1.0, { y: 2, x: undefined }], a: 'x' };", json!({ "output": { "a": "x", "c": [1, { "y": 2 }] }, "nango": {} })),
        ("nothing", "", json!({ "input": {}, "nango": {}, "api": {} })),
        // Pauses take no time, and the clock goes on as if they did.
        (
            "pauses",
            "const begin = Date.now(); const order: number[] = [];
             const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(() => { order.push(ms); resolve(); }, ms));
             await Promise.all([pause(90_000), pause(30_000)]);
             await Promise.race([nango.get({ endpoint: '/x' }).then(() => order.push(0)), pause(5)]);
             return [order.slice(0, 3), Date.now() - begin >= 90_000];",
            one_get(json!({}), json!([[30_000, 90_000, 0], true]), json!({ "response": 1 })),
        ),
        // The clock begins when the first answer was recorded.
        (
            "clock",
            "return [new Date().toISOString().slice(0, 16), (await nango.get({ endpoint: '/x' })).data];",
            one_get(
                json!({}),
                json!(["2026-06-12T16:40", 1]),
                json!({ "response": 1, "headers": { "date": "Fri, 12 Jun 2026 16:40:07 GMT" } }),
            ),
        ),
        // What a fixture does not say about the connection is found in its requests.
        (
            "unrecorded-connection",
            "const connection = await nango.getConnection();
             const { realm } = z.object({ realm: z.string() }).parse(connection.connection_config);
             const r = await nango.get({ endpoint: `/v3/${realm}/x`, headers: { 'X-Tenant': realm } });
             return [realm, r.data, connection.metadata.none === undefined];",
            json!({ "output": ["42", 1, true], "nango": {}, "api": { "get": { "/v3/42/x": { "response": 1, "request": { "headers": { "x-tenant": "42" } } } } } }),
        ),
        // Plain requests find their answer by path and body.
        (
            "fetch",
            "const r = await nango.uncontrolledFetch({ url: new URL('https://api.example.com/x?k=1'), headers: { authorization: 'Bearer t' } });
             return [r.ok, r.status, await r.json()];",
            one_get(json!({}), json!([true, 201, { "a": 1 }]), json!({ "response": { "a": 1 }, "status": 201 })),
        ),
    ]);
}

#[test]
fn differences_and_failures_say_where() {
    let dir = actions(&[
        (
            "wrong",
            "return { items: [{ id: 1 }, { id: 2, name: 'b' }], more: true };",
            json!({ "output": { "items": [{ "id": 1 }, { "id": 3, "name": "b" }] }, "nango": {} }),
        ),
        (
            "thrown",
            "throw new nango.ActionError({ type: 'not_found', message: 'no such thing' });",
            json!({ "output": 1, "nango": {} }),
        ),
        (
            "broken",
            "return (input as any).a.b;",
            json!({ "input": {}, "output": 1, "nango": {} }),
        ),
        (
            "no-connection",
            "return await nango.getConnection();",
            json!({ "output": 1, "nango": {} }),
        ),
        ("no-output", "return 1;", json!({ "nango": {} })),
        (
            "does-not-compile",
            "nango.get({ endpoint: '/x' });",
            json!({ "output": 1, "nango": {} }),
        ),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let reasons = reasons(&ran);
    for (name, part) in [
        (
            "wrong",
            "output.items[1].id is 2, expected 3; output.more is not expected (got true)",
        ),
        (
            "thrown",
            "ActionError {\"message\":\"no such thing\",\"type\":\"not_found\"}",
        ),
        ("broken", "undefined (reading 'b'), at acme/actions/broken.ts:"),
        ("no-connection", "the fixture has no nango.getConnection"),
        ("no-output", "the fixture has no output; the function gave 1"),
        (
            "does-not-compile",
            "nobody waits for (acme/actions/does-not-compile.ts:",
        ),
    ] {
        assert!(reasons[name].contains(part), "{name}: {}", reasons[name]);
    }
    assert_eq!((ran.code, ran.json()["failed"].as_u64()), (13, Some(6)));

    let shown = tenon(dir.path(), None, &["test", "--filter", "wrong"]).stdout;
    assert!(
        shown.contains("FAILED   acme/actions/wrong  acme/tests/acme-wrong.test.json"),
        "{shown}"
    );
    assert!(
        shown.contains("-      \"id\": 3,") && shown.contains("+      \"id\": 2,"),
        "{shown}"
    );
    assert!(shown.contains("0 passed, 1 failed"), "{shown}");
}

#[test]
fn syncs_are_judged_by_their_batches() {
    let saving = "await nango.trackDeletesStart('Item');
        const checkpoint = (await nango.getCheckpoint()) as any;
        if (checkpoint !== null) throw new Error('a run begins without checkpoint');
        await nango.batchSave([{ id: '1', gone: undefined, at: new Date(0) }], 'Item');
        await nango.batchSave([], 'Item');
        await nango.saveCheckpoint({ cursor: 'c', none: null } as any);
        if (((await nango.getCheckpoint()) as any).cursor !== 'c') throw new Error('checkpoints are kept');
        await nango.clearCheckpoint();
        for await (const known of nango.listRecords('Item')) throw new Error(`nothing is stored: ${known}`);
        await nango.batchSave([{ id: '2' }], 'Other');
        await nango.batchSave([{ id: '1' }], 'Item');
        await nango.batchDelete([{ id: '9' }], 'Item');
        await nango.trackDeletesEnd('Item');";
    let fixture = |saved: serde_json::Value, deleted: serde_json::Value| {
        json!({ "nango": { "batchSave": saved, "batchDelete": deleted }, "api": {} }).to_string()
    };
    let items = json!([{ "id": "1", "at": "1970-01-01T00:00:00.000Z" }, { "id": "1" }]);
    let cases = [
        (
            "right",
            json!({ "Item": items, "Other": [{ "id": "2" }] }),
            json!({ "Item": [{ "id": "9" }], "Other": [] }),
        ),
        // Deletions are compared only where some were recorded.
        (
            "deletes-unlisted",
            json!({ "Item": items, "Other": [{ "id": "2" }] }),
            json!({ "Item": [], "Other": [] }),
        ),
        (
            "deletes-differ",
            json!({ "Item": items, "Other": [{ "id": "2" }] }),
            json!({ "Item": [{ "id": "8" }] }),
        ),
        (
            "order",
            json!({ "Item": [{ "id": "1" }, { "id": "1", "at": "1970-01-01T00:00:00.000Z" }] }),
            json!({}),
        ),
        ("missing", json!({ "Item": items, "Other": [] }), json!({})),
        // A model that the fixture does not know has no records, as in the generated tests of the kit.
        ("unknown", json!({ "Item": items }), json!({})),
        (
            "not-compared",
            json!({ "Item": items, "Elsewhere": [{ "id": "3" }] }),
            json!({}),
        ),
    ];
    let mut files = Vec::new();
    for (name, saved, deleted) in cases {
        files.push((format!("acme/syncs/{name}.ts"), sync(saving)));
        files.push((format!("acme/tests/{name}.test.json"), fixture(saved, deleted)));
    }
    // What a test does not name, it does not compare.
    files.push((
        "acme/tests/not-compared.test.ts".to_owned(),
        "import sync from '../syncs/not-compared.js'; new NangoSyncMock({ name: 'not-compared', Model: 'Item' });
         expect(spied).toStrictEqual(await mock.getBatchSaveData('Item'));"
            .to_owned(),
    ));
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let dir = folder(&files);
    let ran = tenon(dir.path(), None, &["test", "--json", "--jobs", "2"]);
    let reasons = reasons(&ran);
    assert_eq!(reasons["not-compared"], "");
    assert_eq!(reasons["unknown"], "batchSave(Other) has 1 items, expected 0");
    assert_eq!(
        (reasons["right"].as_str(), reasons["deletes-unlisted"].as_str()),
        ("", ""),
        "{reasons:#?}"
    );
    assert_eq!(
        reasons["deletes-differ"],
        "batchDelete(Item)[0].id is \"9\", expected \"8\""
    );
    assert!(
        reasons["order"].starts_with("batchSave(Item)[0].at is not expected"),
        "{}",
        reasons["order"]
    );
    assert_eq!(reasons["missing"], "batchSave(Other) has 1 items, expected 0");
}

#[test]
fn fixtures_find_their_functions_in_projects_and_bare_folders() {
    let returns = |value: &str| action(&format!("return {value};"));
    let expects = |value: &str| json!({ "output": value, "nango": {} }).to_string();
    let dir = folder(&[
        // A project whose index lists one of its functions: fixtures are replayed for all of them.
        ("project/index.ts", "import './crm/actions/get.js';\n"),
        (
            "project/crm/actions/get.ts",
            &format!("import {{ word }} from '../shared.js';\n{}", returns("word")),
        ),
        ("project/crm/shared.ts", "export const word: string = 'got';\n"),
        ("project/crm/tests/crm-get.test.json", &expects("got")),
        ("project/crm/actions/get-all.ts", &returns("'all'")),
        ("project/crm/tests/get-all.test.json", &expects("all")),
        ("project/crm/tests/get-all-empty.test.json", &expects("all")),
        ("project/crm/actions/alone.ts", &returns("1")),
        // Deeper down, with a test that says which function and what it is given.
        (
            "lib/deep/erp/actions/whoami.ts",
            &action("return [(await nango.getConnection()).connection_config.tenant, new Date().toISOString()];"),
        ),
        (
            "lib/deep/erp/tests/me.test.json",
            r#"{"output": ["t-1", "2026-01-02T03:04:05.000Z"], "nango": {}}"#,
        ),
        (
            "lib/deep/erp/tests/erp-me.test.ts",
            "import { vi } from 'vitest';\nimport run from '../actions/whoami.js';\n\
             const nangoMock = new global.vitest.NangoActionMock({ dirname: __dirname, name: 'me', Model: 'M' });\n\
             vi.setSystemTime(new Date('2026-01-02T03:04:05Z'));\n\
             nangoMock.getConnection = vi.fn().mockResolvedValue({ connection_config: { tenant: 't-1' } });\n\
             expect(await run.exec(nangoMock, await nangoMock.getInput())).toEqual(await nangoMock.getOutput());\n",
        ),
        ("lib/deep/erp/tests/stranger.test.json", &expects("x")),
        ("node_modules/x/actions/y.ts", &returns("1")),
        ("node_modules/x/tests/y.test.json", &expects("never")),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let report = ran.json();
    let line = |result: &serde_json::Value| {
        let text = |key: &str| result[key].as_str().unwrap_or("-").to_owned();
        format!("{} {} {}", text("function"), text("fixture"), text("status"))
    };
    let lines: Vec<String> = report["results"].as_array().unwrap().iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "crm/actions/get project/crm/tests/crm-get.test.json passed",
            "crm/actions/get-all project/crm/tests/get-all-empty.test.json passed",
            "crm/actions/get-all project/crm/tests/get-all.test.json passed",
            "erp/actions/whoami lib/deep/erp/tests/me.test.json passed",
            "erp/stranger lib/deep/erp/tests/stranger.test.json skipped",
        ],
        "{}",
        ran.stdout
    );
    let keys: Vec<&String> = report.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["total", "passed", "failed", "skipped", "results"]);
    assert_eq!(
        (
            &report["total"],
            &report["passed"],
            &report["failed"],
            &report["skipped"]
        ),
        (&json!(5), &json!(4), &json!(0), &json!(1))
    );
    assert_eq!(ran.code, 0);

    // One integration, one fixture, a part of a name.
    for (path, filter, total) in [
        ("project/crm", "", 3),
        ("project/crm/tests/crm-get.test.json", "", 1),
        ("project", "ALL-empty", 1),
        ("lib/deep/erp/tests", "", 2),
    ] {
        let ran = tenon(dir.path(), None, &["test", "--json", "--filter", filter, path]);
        assert_eq!(ran.json()["total"], total, "{path} {filter}: {}", ran.stdout);
    }
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/hubspot-contacts");
    let ran = tenon(dir.path(), None, &["test", "--json", example]);
    assert_eq!((ran.code, &ran.json()["passed"]), (0, &json!(2)), "{}", ran.stdout);
    let shown = tenon(dir.path(), None, &["test", "project"]).stdout;
    assert!(shown.contains("crm/actions/alone has no fixture"), "{shown}");
}

#[test]
fn tests_for_the_public_kit_are_written_once() {
    let dir = folder(&[
        ("acme/actions/get.ts", &action("return 1;")),
        ("acme/tests/get.test.json", r#"{"output": 1, "nango": {}}"#),
        (
            "acme/syncs/items.ts",
            &sync("await nango.batchSave([{ id: '1' }], 'Item');"),
        ),
        (
            "acme/tests/items.test.json",
            r#"{"nango": {"batchSave": {"Item": [{"id": "1"}], "Other": []}}}"#,
        ),
        ("vite.config.ts", "mine"),
    ]);
    for (filter, refusal) in [
        (&["-i", "other"][..], "there is no function of the integration other"),
        (&["-a", "nope"], "there is no action called nope"),
        (
            &["-s", "get"],
            "there is no sync called get; there is acme/actions/get.ts",
        ),
        (
            &["-i", "acme", "-a", "items"],
            "there is no action called items in acme; there is acme/syncs/items.ts",
        ),
    ] {
        let ran = tenon(dir.path(), None, &[&["generate:tests"], filter].concat());
        assert_eq!(
            (ran.code, ran.stderr.trim_end()),
            (1, format!("error: {refusal}").as_str())
        );
    }
    let package = |text: &str| std::fs::write(dir.path().join("package.json"), text).unwrap();
    package("{ \"dependencies\": { \"vitest\": \"1\" } }");
    let ran = tenon(
        dir.path(),
        None,
        &["generate:tests", "--json", "-i", "acme", "-s", "items"],
    );
    assert_eq!(ran.json()["written"].as_array().unwrap().len(), 2, "{}", ran.stdout);
    assert_eq!(ran.json()["extended"], json!([]), "it has Vitest");
    package("{\n\t\"name\": \"x\",\n\t\"devDependencies\": {\n\t\t\"a\": \"1\"\n\t}\n}\n");
    std::fs::remove_file(dir.path().join("acme/tests/acme-items.test.ts")).unwrap();
    std::fs::remove_file(dir.path().join("vitest.setup.ts")).unwrap();
    let ran = tenon(dir.path(), None, &["generate:tests", "--json"]);
    assert_eq!(
        (ran.code, ran.json()["written"].as_array().unwrap().len()),
        (0, 3),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.json()["extended"].as_array().unwrap().len(), 1, "{}", ran.stdout);
    let read = |path: &str| std::fs::read_to_string(dir.path().join(path)).unwrap();
    assert_eq!(
        read("package.json"),
        "{\n\t\"name\": \"x\",\n\t\"devDependencies\": {\n\t\t\"a\": \"1\",\n\t\t\"vitest\": \"^2.1.9\"\n\t}\n}\n"
    );
    let test = read("acme/tests/acme-items.test.ts");
    assert!(
        test.contains("from '../syncs/items.js'") && test.contains("['Item', 'Other']"),
        "{test}"
    );
    assert!(read("acme/tests/acme-get.test.ts").contains("name: 'get'"));
    assert!(read("acme/tests/acme-get.test.ts").contains("expect(output).toEqual(await nango.getOutput())"));
    for part in [
        "toStrictEqual(await nango.getBatchSaveData(model))",
        "expected.length > 0",
        "NangoSyncMock",
    ] {
        assert!(test.contains(part), "{part}: {test}");
    }
    assert!(read("vitest.setup.ts").contains("globalThis.vitest = { NangoActionMock, NangoSyncMock }"));
    assert_eq!(read("vite.config.ts"), "mine");
    let again = tenon(dir.path(), None, &["generate:tests", "--json"]);
    assert_eq!(again.json()["written"], json!([]));
    let tested = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(tested.json()["passed"], 2, "{}", tested.stdout);
}
