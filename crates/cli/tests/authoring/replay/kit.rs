//! Single rules of the public test kit (functions contract, 6.1 to 6.3): what its `nango` has, and which entry answers.

use serde_json::json;

use super::super::tenon::{folder, tenon};
use super::{actions, all_pass, one_get, reasons, sync};

/// Of `{"method":"get","endpoint":"x","params":[["list","a,null"]],"headers":[["X-Api-Version","2"]]}`.
const HASHED: &str = "b238b34ba7b3d2447c872d8d3e710921c4d7834f";

#[test]
fn requests_are_known_by_what_the_kit_counts() {
    let posts = |output: serde_json::Value, entries: serde_json::Value| json!({ "output": output, "nango": {}, "api": { "post": { "x": entries } } });
    all_pass(&[
        // The prefix of the platform's headers goes, the first of equal names counts, those of every client do not.
        (
            "headers",
            "return (await nango.get({ endpoint: '/x', headers: { 'Nango-Proxy-X-A': '1', 'x-a': '2', 'X-B': 'b', 'User-Agent': 'me', Host: 'h', Retries: '9' } })).data;",
            one_get(
                json!({}),
                json!("yes"),
                json!([
                    { "response": "no", "request": { "headers": { "x-a": "2", "x-b": "b" } } },
                    { "response": "yes", "request": { "headers": { "x-a": "1", "x-b": "b" } } },
                ]),
            ),
        ),
        (
            "prefix",
            "return (await nango.get({ endpoint: '/proxy/x' })).data;",
            one_get(json!({}), json!("yes"), json!({ "response": "yes" })),
        ),
        // The first that fits, in the order of the file; a digest is no better than a request.
        (
            "first",
            "return (await nango.get({ endpoint: '/x' })).data;",
            one_get(
                json!({}),
                json!("first"),
                json!([{ "response": "first", "request": {} }, { "response": "second", "request": {} }]),
            ),
        ),
        // Names keep their letters in the digest; nothing is a text, too.
        (
            "names",
            "const hashed = (await nango.get({ endpoint: '/x', params: { list: ['a', null] as any }, headers: { 'X-Api-Version': '2' } })).data;
             return [hashed, (await nango.get({ endpoint: '/x', headers: { 'x-none': undefined as any } })).data];",
            one_get(
                json!({}),
                json!(["hashed", "none"]),
                json!([
                    { "response": "hashed", "hash": HASHED },
                    { "response": "none", "request": { "headers": { "x-none": "undefined" } } },
                ]),
            ),
        ),
        // A body counts whatever the method, and an object whatever it is sent as.
        (
            "body-of-get",
            "return [(await nango.get({ endpoint: '/x', data: { q: 1 } })).data, (await nango.get({ endpoint: '/x', data: { q: 2 } })).data];",
            one_get(
                json!({}),
                json!([1, 2]),
                json!([{ "response": 1, "request": { "data": { "q": 1 } } }, { "response": 2, "request": { "data": { "q": 2 } } }]),
            ),
        ),
        (
            "form",
            "return (await nango.post({ endpoint: '/x', data: { a: 1, b: ['x'] }, headers: { 'content-type': 'application/x-www-form-urlencoded' } })).data;",
            posts(
                json!("right"),
                json!([{ "response": "wrong", "request": { "data": { "a": 2 } } }, { "response": "right", "request": { "data": { "a": 1, "b": ["x"] } } }]),
            ),
        ),
        // What is falsy is no data.
        (
            "falsy-data",
            "return [(await nango.post({ endpoint: '/x', data: '' })).data, (await nango.post({ endpoint: '/x', data: null as any })).data];",
            posts(json!([1, 1]), json!([{ "response": 1, "request": { "data": null } }])),
        ),
        // The same request gets the same answer, however often and whatever its retries say.
        (
            "no-order",
            "const all = []; for (const a of [2, 1, 2, 2]) all.push((await nango.post({ endpoint: '/x', data: { a }, retries: 5 })).data); return all;",
            posts(
                json!(["two", "one", "two", "two"]),
                json!([{ "response": "one", "status": 429, "request": { "data": { "a": 1 } } }, { "response": "two", "status": 500, "request": { "data": { "a": 2 } } }]),
            ),
        ),
        // Files that were converted say so, and that means nothing.
        (
            "converted",
            "return (await nango.get({ endpoint: '/x' })).data;",
            json!({ "_migrated": true, "output": 1, "nango": {}, "api": { "get": { "/x": { "response": 1, "headers": {} } } } }),
        ),
    ]);
}

#[test]
fn requests_that_no_entry_fits_are_named() {
    let dir = actions(&[
        (
            "bare-entry",
            "await nango.get({ endpoint: '/x', params: { a: 1 } });",
            one_get(json!({}), json!(1), json!({ "response": 1 })),
        ),
        (
            "bare-entries",
            "await nango.get({ endpoint: '/x' });",
            one_get(json!({}), json!(1), json!([{ "response": 1 }, { "response": 2 }])),
        ),
        (
            "other-hash",
            "await nango.get({ endpoint: '/x', params: { a: 1 } });",
            one_get(
                json!({}),
                json!(1),
                json!({ "response": 1, "hash": "ab12", "request": "of another kind" }),
            ),
        ),
        (
            "other-header",
            "await nango.get({ endpoint: '/x', headers: { 'X-A': '2' } });",
            one_get(
                json!({}),
                json!(1),
                json!({ "response": 1, "request": { "headers": { "x-a": "1" } } }),
            ),
        ),
        (
            "bad-header",
            "await nango.get({ endpoint: '/x', headers: { 'X-A': 'a\\n' } });",
            one_get(json!({}), json!(1), json!({ "response": 1 })),
        ),
        (
            "fewer-params",
            "await nango.get({ endpoint: '/x?a=1' });",
            one_get(
                json!({}),
                json!(1),
                json!({ "response": 1, "request": { "params": { "a": "1", "b": "2" } } }),
            ),
        ),
        (
            "data",
            "await nango.post({ endpoint: '/x', data: { a: 2 } });",
            json!({ "output": 1, "nango": {}, "api": { "post": { "/x": { "response": 1, "request": { "data": { "a": 1 } } } } } }),
        ),
        (
            "method",
            "await nango.delete({ endpoint: '/x' });",
            one_get(json!({}), json!(1), json!({ "response": 1 })),
        ),
        (
            "metadata",
            "return await nango.getMetadata();",
            json!({ "output": 1, "nango": {} }),
        ),
        (
            "token",
            "return await nango.getToken();",
            json!({ "output": 1, "nango": {} }),
        ),
        (
            "other-action",
            "return await nango.triggerAction('acme', 'c', 'other', {});",
            json!({ "output": 1, "nango": {} }),
        ),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    let reasons = reasons(&ran);
    let bare = "the entry does not say for which request it is";
    for (name, part) in [
        ("bare-entry", bare),
        ("bare-entries", bare),
        ("other-hash", "the entry is for the request with the hash ab12"),
        ("other-header", "the recorded header x-a is \"1\", sent was \"2\""),
        ("bad-header", "The header X-A cannot be sent"),
        ("fewer-params", "the recorded parameter b is \"2\", sent was none"),
        ("data", "the recorded data is {\"a\":1}, sent was {\"a\":2}"),
        ("method", "no recorded answer for DELETE /x (hash "),
        ("method", "the fixture has no DELETE requests"),
        ("metadata", "the fixture has no nango.getMetadata"),
        ("token", "the fixture has no nango.getToken"),
        ("other-action", "triggerAction has no place in a recording"),
    ] {
        assert!(reasons[name].contains(part), "{name}: {}", reasons[name]);
    }
}

#[test]
fn syncs_have_what_the_kit_gives_and_what_it_lacks() {
    let exec = "await nango.setMergingStrategy({ strategy: 'override' }, 'Item');
        const say = (what: string, found: unknown, wanted: unknown) => { if (JSON.stringify(found) !== JSON.stringify(wanted)) throw new Error(`${what}: ${JSON.stringify(found)}`); };
        await nango.trackDeletesStart('Item');
        say('lastSyncDate', nango.lastSyncDate ?? null, null);
        say('updateMetadata', await (nango as any).updateMetadata({ b: 1 }), { ok: true });
        say('getMetadata', await nango.getMetadata(), { a: 1 });
        await nango.batchSave([{ id: '1' }, { id: '2' }], 'Item');
        await nango.batchUpdate([{ id: '1', n: 1 } as any], 'Item');
        say('getRecordsByIds', [...(await nango.getRecordsByIds(['1', '3'], 'Item')).keys()], ['1']);
        say('lock', await nango.tryAcquireLock({ key: 'k', ttlMs: 1000 }), true);
        await nango.releaseAllLocks();
        await nango.triggerSync('acme', 'c', 'other');
        say('trackDeletesEnd', await nango.trackDeletesEnd('Item'), { deletedKeys: ['9'] });
        say('deletePrevious', await nango.deleteRecordsFromPreviousExecutions('Other'), { deletedKeys: ['8'] });";
    let fixture = json!({ "nango": {
        "getMetadata": { "a": 1 }, "updateMetadata": { "ok": true }, "trackDeletesEnd": { "deletedKeys": ["9"] },
        "deleteRecordsFromPreviousExecutions": { "deletedKeys": ["8"] },
        "batchSave": { "Item": [{ "id": "1" }, { "id": "2" }], "Other": [] }, "batchDelete": { "Item": [], "Other": [] },
    }, "api": {} });
    let dir = folder(&[
        ("acme/syncs/members.ts", &sync(exec)),
        ("acme/tests/members.test.json", &fixture.to_string()),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(reasons(&ran)["members"], "", "{}", ran.stdout);
}

/// What the kit lacks or shares is there or not shared in production; fixtures that rely on it pass all the same.
#[test]
fn fixtures_may_rely_on_what_is_peculiar_to_the_kit() {
    let get = json!({ "response": { "rows": [1, 2] } });
    all_pass(&[
        (
            "lacking",
            "const found: any = nango; return [typeof found.getToken, typeof found.uncontrolledFetch, typeof found.getCheckpoint, typeof found.connectionId, typeof found.get];",
            json!({ "output": ["undefined", "undefined", "undefined", "undefined", "function"], "nango": {} }),
        ),
        (
            "shared-answer",
            "const first = (await nango.get({ endpoint: '/x' })).data; first.rows.pop(); return (await nango.get({ endpoint: '/x' })).data.rows.length;",
            one_get(json!({}), json!(1), get.clone()),
        ),
        (
            "shared-metadata",
            "const metadata: any = await nango.getMetadata(); metadata.seen = true; await nango.updateMetadata({ other: 1 }); return await nango.getMetadata();",
            json!({ "output": { "a": 1, "seen": true }, "nango": { "getMetadata": { "a": 1 } } }),
        ),
        // As in production: the answer of each request is its own.
        (
            "own-answer",
            "const first = (await nango.get({ endpoint: '/x' })).data; first.rows.pop(); return (await nango.get({ endpoint: '/x' })).data.rows.length;",
            one_get(json!({}), json!(2), get),
        ),
        // A clock that nobody has stopped is at the time of the recording, or now.
        (
            "then",
            "return new Date().getUTCFullYear() === 2020 ? (await nango.get({ endpoint: '/x' })).data : 'now';",
            one_get(
                json!({}),
                json!(1),
                json!({ "response": 1, "headers": { "date": "Wed, 01 Jan 2020 00:00:00 GMT" } }),
            ),
        ),
        (
            "now",
            "await nango.get({ endpoint: '/x' }); return new Date().getUTCFullYear() > 2020;",
            one_get(
                json!({}),
                json!(true),
                json!({ "response": 1, "headers": { "date": "Wed, 01 Jan 2020 00:00:00 GMT" } }),
            ),
        ),
        // What a comment says about the kind of a file is a comment.
        (
            "described",
            "/* not a createSync( { } ) */ const text = 'createSync('; return text;",
            json!({ "output": "createSync(", "nango": {} }),
        ),
    ]);
    let kept = "const batch = [{ id: '1' }]; await nango.batchSave(batch, 'Item'); batch[0]!.id = '2'; await nango.batchSave(batch, 'Item');";
    let dir = folder(&[
        ("acme/syncs/kept.ts", &sync(kept)),
        (
            "acme/tests/kept.test.json",
            r#"{"nango": {"batchSave": {"Item": [{"id": "2"}, {"id": "2"}]}}, "api": {}}"#,
        ),
    ]);
    let ran = tenon(dir.path(), None, &["test", "--json"]);
    assert_eq!(reasons(&ran)["kept"], "");
}
