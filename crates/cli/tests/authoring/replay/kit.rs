//! Single rules of the public test kit (functions contract, 6.1 to 6.3): what its `nango` has, and which entry answers.

use serde_json::json;

use super::super::tenon::{folder, tenon};
use super::{actions, all_pass, one_get, reasons, sync};

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
        ("fewer-params", "the recorded parameter b is \"2\""),
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
