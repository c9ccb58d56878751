//! What a dry run only tells, because it would change the server.

use serde_json::json;

use super::{
    server::Server,
    tenon::{folder, tenon},
};

const CALLS: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', models: { Item: z.object({ id: z.string(), at: z.date().optional() }) },
    exec: async (nango) => {
        const locks = [await nango.tryAcquireLock({ key: 'a', ttlMs: 1 }), await nango.tryAcquireLock({ key: 'a', ttlMs: 1 }), await nango.releaseLock({ key: 'a' })];
        await nango.releaseAllLocks();
        await nango.setMergingStrategy({ strategy: 'override' }, 'Item');
        await nango.trackDeletesStart('Item');
        await nango.get({ endpoint: '/items', baseUrlOverride: 'https://other.example.com', decompress: true, retries: 4, forwardHeadersOnRedirect: true });
        await nango.batchSave([{ id: '1' }, { id: '1' }, { id: '2', at: 'never' } as any], 'Item');
        await nango.batchUpdate([{ id: '1' }], 'Item');
        const ended = await nango.trackDeletesEnd('Item');
        await nango.startSync('shop', ['items']);
        await nango.triggerSync('shop', 'c1', { name: 'inner', variant: 'eu' });
        await nango.triggerSync('shop', 'c1', 'unknown');
        let listed = 0;
        for await (const record of nango.listRecords('Item')) listed += record.id === '1' ? 1 : 0;
        const refused = await nango.saveCheckpoint({ deep: {} } as any).catch((error: any) => error.message);
        await nango.clearCheckpoint();
        await nango.log('calls', { locks, ended, listed, refused: refused.split(':')[0] });
    }
});
";

const INNER: &str = "import { createSync } from 'nango';
import * as z from 'zod';
export default createSync({
    description: 'x', frequency: 'every day', models: { Inner: z.object({ id: z.string() }) },
    exec: async (nango) => {
        await nango.log(`inner runs as ${nango.variant}`);
        await nango.batchSave([{ id: '1' }], 'Inner');
        await nango.triggerSync('shop', 'c1', 'inner');
    }
});
";

#[test]
fn what_would_change_the_server_is_only_told() {
    let server = Server::start();
    let dir = folder(&[
        (
            "index.ts",
            "import './shop/syncs/calls.js';\nimport './shop/syncs/inner.js';",
        ),
        ("shop/syncs/calls.ts", CALLS),
        ("shop/syncs/inner.ts", INNER),
    ]);
    let ran = tenon(dir.path(), Some(&server.url), &["dryrun", "calls", "c1", "--json"]);
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let report = ran.json();
    let logs = report["logs"].as_array().unwrap();
    let told: Vec<&str> = logs.iter().map(|line| line["message"].as_str().unwrap()).collect();
    for text in [
        "setMergingStrategy('Item') does nothing in a dry run",
        "trackDeletesStart('Item') does nothing in a dry run",
        "trackDeletesEnd('Item') does nothing in a dry run",
        "startSync() does nothing in a dry run",
        "triggerSync('inner') ran here and stored nothing",
        "triggerSync('unknown') does nothing in a dry run: the project has no sync unknown of shop",
        "inner runs as eu",
        "triggerSync('inner') does nothing in a dry run: syncs trigger each other more than 3 deep",
    ] {
        assert!(told.contains(&text), "{text}: {told:?}");
    }
    let ran_inside = logs
        .iter()
        .rfind(|line| line["message"] == "triggerSync('inner') ran here and stored nothing");
    assert_eq!(ran_inside.unwrap()["meta"]["records"]["Inner"]["saved"], 1);
    assert!(
        report["records"].get("Inner").is_none(),
        "they are those of another sync"
    );
    let calls = logs.iter().find(|line| line["message"] == "calls").unwrap();
    assert_eq!(
        calls["meta"],
        json!({ "locks": [true, true, true], "ended": { "deletedKeys": [] }, "listed": 1, "refused": "Error saving checkpoint" })
    );
    assert_eq!(report["records"]["Item"]["updated"], json!([{ "id": "1" }]));
    // The schema has formats, and records are held against it, too.
    assert_eq!(report["validation"][0]["code"], "invalid_sync_record");
    assert_eq!(report["validation"].as_array().unwrap().len(), 1);
    let strict = tenon(
        dir.path(),
        Some(&server.url),
        &["dryrun", "calls", "c1", "--validation"],
    );
    assert_eq!(strict.code, 12, "{}", strict.stdout);
    assert!(
        strict.stdout.contains("does not fit the schema Item"),
        "{}",
        strict.stdout
    );
    let seen = server.take();
    assert!(
        seen.iter().all(|request| request.method == "GET"),
        "nothing was written"
    );
    let page = seen.iter().find(|request| request.path == "/proxy/items").unwrap();
    for (name, value) in [
        ("base-url-override", "https://other.example.com"),
        ("decompress", "true"),
        ("retries", "4"),
        ("forward-headers-on-redirect", "true"),
    ] {
        assert_eq!(page.header(name), value, "{name}");
    }
}
