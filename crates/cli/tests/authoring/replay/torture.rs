//! `tenon test --torture`, and the members of fixtures that are our own.

use serde_json::{Value, json};

use super::super::tenon::{folder, tenon};
use super::{action, sync};

/// Two pages of one item each; `ORDER` stands for the two writes of a page.
const PAGED: &str = "let next = (await nango.getCheckpoint())?.next ?? 'a';
    await nango.trackDeletesStart('Item');
    while (next) {
        const { data } = await nango.get({ endpoint: '/items', params: { next }, retries: 3 });
        next = data.next;
        ORDER
        if (!next) break;
    }
    await nango.clearCheckpoint();
    await nango.trackDeletesEnd('Item');";

fn paged(order: &str) -> String {
    sync(&PAGED.replace("ORDER", order)).replace("models:", "checkpoint: z.object({ next: z.string() }), models:")
}

fn pages() -> Value {
    let item = |id: &str| json!({ "id": id });
    let page = |next: &str, items: Value, following: &str| json!({ "request": { "params": { "next": next } }, "response": { "items": items, "next": following } });
    json!({
        "nango": { "batchSave": { "Item": [item("1"), item("2"), item("3")] } },
        "api": { "get": { "/items": [page("a", json!([item("1"), item("2")]), "page-b"), page("page-b", json!([item("3")]), "")] } }
    })
}

/// `<torture>: <status>` of every result, and all reasons.
fn tortured(files: &[(&str, &str)]) -> (Vec<String>, String) {
    let dir = folder(files);
    let report = tenon(dir.path(), None, &["test", "--torture", "--json"]).json();
    let results = report["results"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("fixture").to_owned();
    let statuses = results
        .iter()
        .map(|result| format!("{}: {}", text(&result["torture"]), text(&result["status"])));
    let reasons = results.iter().filter_map(|result| result["reason"].as_str());
    (statuses.collect(), reasons.collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_sync_that_saves_before_its_checkpoint_survives_everything() {
    let source = paged("await nango.batchSave(data.items, 'Item'); await nango.saveCheckpoint({ next });");
    let (statuses, reasons) = tortured(&[
        ("acme/syncs/items.ts", &source),
        ("acme/tests/items.test.json", &pages().to_string()),
    ]);
    let expected = [
        "fixture: passed",
        "crash: passed",
        "outage: passed",
        "token: passed",
        "pages: passed",
    ];
    assert_eq!(statuses, expected, "{reasons}");
}

#[test]
fn a_checkpoint_that_is_ahead_of_its_records_loses_them() {
    let source = paged("await nango.saveCheckpoint({ next }); await nango.batchSave(data.items, 'Item');");
    let (statuses, reasons) = tortured(&[
        ("acme/syncs/items.ts", &source),
        ("acme/tests/items.test.json", &pages().to_string()),
    ]);
    assert_eq!(statuses[..2], ["fixture: passed", "crash: failed"], "{reasons}");
    assert!(
        reasons.contains("killed after write 2 of 7 (saveCheckpoint)"),
        "{reasons}"
    );
}

#[test]
fn fixtures_name_a_checkpoint_records_and_an_error() {
    let known = "const found = await nango.getRecordsByIds(['1', '2'], 'Item');
        const checkpoint = await nango.getCheckpoint();
        let gone = false;
        try { await nango.get({ endpoint: '/x', retries: 0 }); } catch (error: any) { gone = error.response.status === 410; }
        if (gone && checkpoint?.from === 7) await nango.batchDelete([...found.keys()].map((id) => ({ id })), 'Item');";
    let fixture = json!({
        "nango": { "getCheckpoint": { "from": 7 }, "records": { "Item": [{ "id": "1" }] }, "batchSave": { "Item": [] },
                   "batchDelete": { "Item": [{ "id": "1" }] } },
        "api": { "get": { "/x": { "status": 410, "response": {} } } }
    });
    let error = |said: &str| json!({ "input": {}, "error": { "message": said } }).to_string();
    let fails = action("throw new nango.ActionError({ message: 'no', more: 1 });");
    let (statuses, reasons) = tortured(&[
        ("acme/actions/fails.ts", &fails),
        ("acme/actions/fails-otherwise.ts", &fails),
        ("acme/syncs/known.ts", &sync(known)),
        ("acme/tests/fails.test.json", &error("no")),
        ("acme/tests/fails-otherwise.test.json", &error("yes")),
        ("acme/tests/known.test.json", &fixture.to_string()),
    ]);
    assert_eq!(
        statuses[..3],
        ["fixture: passed", "fixture: failed", "fixture: passed"],
        "{reasons}"
    );
    assert!(
        reasons.contains("error.message is \"no\", expected \"yes\""),
        "{reasons}"
    );
}
