use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{Client, NOW_MS, config};
use tenon_sim::Config;

async fn dump(client: &Client) -> BTreeMap<String, Value> {
    let text = client.get("/_sim/contacts").await.text;
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .map(|line| (line["id"].as_str().unwrap().to_owned(), line))
        .collect()
}

#[tokio::test]
async fn the_dump_agrees_with_the_list_and_with_the_hash() {
    let client = Client::start(Config {
        contacts: 5_000,
        ..config()
    })
    .await;
    let all = dump(&client).await;
    assert_eq!(all.len(), 5_000);
    let page = client
        .get("/crm/v3/objects/contacts?limit=100&after=1004000&properties=email,lastmodifieddate")
        .await;
    for contact in page.body["results"].as_array().unwrap() {
        let line = &all[contact["id"].as_str().unwrap()];
        assert_eq!(line["email"], contact["properties"]["email"]);
        assert_eq!(line["lastmodifieddate"], contact["properties"]["lastmodifieddate"]);
    }
    let part = client.get("/_sim/contacts?after=1004990&limit=5").await;
    assert_eq!(part.text.lines().count(), 5);
    let hash = client.get("/_sim/contacts/hash").await;
    assert_eq!(
        (hash.body["count"].as_u64(), hash.text("/sha256").len()),
        (Some(5_000), 64)
    );
}

#[tokio::test]
async fn modifications_come_after_everything_that_was_read() {
    let client = Client::start(Config {
        contacts: 2_000,
        manual_clock_ms: Some(NOW_MS),
        ..config()
    })
    .await;
    let before = dump(&client).await;
    client.get("/crm/v3/objects/contacts?limit=1").await;
    let read_at = client.sim.now_ms();
    let reply = client.post("/_sim/modify?count=1200", json!({})).await;
    assert_eq!(reply.body["modified"], 1_200);
    assert!(reply.body["from_ms"].as_i64().unwrap() > read_at);
    let after = dump(&client).await;
    let changed = after.iter().filter(|(id, line)| before[*id] != **line).count();
    assert_eq!(changed, 1_200);
    let found = client
        .search(json!({"filterGroups": [{"filters": [
            {"propertyName": "lastmodifieddate", "operator": "GT", "value": read_at.to_string()}]}]}))
        .await;
    assert_eq!(found.body["total"], 1_200);
    assert!(found.body["results"][0]["updatedAt"].as_str() < Some("2026-01-01T00:00:01.000Z"));

    let same = client.post("/_sim/modify?count=700&same_ms=true", json!({})).await;
    assert_eq!(same.body["from_ms"], same.body["to_ms"]);
    let found = client
        .search(json!({"filterGroups": [{"filters": [
            {"propertyName": "lastmodifieddate", "operator": "EQ", "value": same.body["to_ms"]}]}]}))
        .await;
    assert_eq!(found.body["total"], 700);
}

#[tokio::test]
async fn the_date_header_is_the_simulated_time() {
    let client = Client::start(Config {
        manual_clock_ms: Some(NOW_MS + 999),
        ..config()
    })
    .await;
    let header = |reply: crate::support::Reply| reply.header("date").unwrap().to_owned();
    assert_eq!(
        header(client.get("/crm/v3/objects/contacts").await),
        "Thu, 01 Jan 2026 00:00:00 GMT"
    );
    client.sim.advance(std::time::Duration::from_secs(59 * 86_400));
    assert_eq!(
        header(client.get("/crm/v3/objects/contacts").await),
        "Sun, 01 Mar 2026 00:00:00 GMT"
    );
}

#[tokio::test]
async fn bulk_changes_are_reproducible() {
    let mut hashes = Vec::new();
    for _ in 0..2 {
        let client = Client::start(Config {
            manual_clock_ms: Some(NOW_MS),
            ..config()
        })
        .await;
        client.sim.modify(100, false);
        client.sim.delete(10);
        client.post("/_sim/create?count=5", json!({})).await;
        assert_eq!(client.sim.stats().contacts, 995);
        hashes.push(client.sim.contacts_hash());
    }
    assert_eq!(hashes[0], hashes[1]);
}

#[tokio::test]
async fn clock_faults_tokens_and_counters_can_be_driven_over_http() {
    let mut client = Client::start(Config {
        manual_clock_ms: Some(NOW_MS),
        ..config()
    })
    .await;
    let moved = client.post("/_sim/clock?advance_s=60", json!({})).await;
    assert_eq!(moved.body["now_ms"].as_i64(), Some(NOW_MS + 60_000));
    assert_eq!(
        client
            .post("/_sim/faults?spec=500%3D100%25", json!({}))
            .await
            .text("/faults"),
        "500=100%"
    );
    assert_eq!(client.get("/crm/v3/objects/contacts").await.status, 500);
    assert_eq!(client.post("/_sim/faults?spec=nonsense", json!({})).await.status, 400);
    client.post("/_sim/faults?spec=", json!({})).await;
    client.token = client.connect("").await.0;
    assert_eq!(client.get("/crm/v3/objects/contacts").await.status, 200);
    client.post("/_sim/tokens/expire", json!({})).await;
    assert_eq!(
        client.get("/crm/v3/objects/contacts").await.text("/category"),
        "EXPIRED_AUTHENTICATION"
    );
    client.post("/_sim/grants/revoke", json!({})).await;
    assert_eq!(
        client.get("/crm/v3/objects/contacts").await.text("/category"),
        "INVALID_AUTHENTICATION"
    );
    let stats = client.get("/_sim/stats").await;
    assert_eq!(
        (stats.body["requests"].as_u64(), stats.body["unauthorized"].as_u64()),
        (Some(4), Some(2))
    );
    assert_eq!(client.send("DELETE", "/_sim/stats", None).await.status, 204);
    assert_eq!(client.sim.stats().requests, 0);
    assert_eq!(client.get("/no/such/path").await.text("/category"), "OBJECT_NOT_FOUND");
}

#[tokio::test]
async fn bad_settings_are_refused() {
    for bad in [
        Config {
            quota_per_10s: 0,
            ..config()
        },
        Config {
            token_ttl: std::time::Duration::ZERO,
            ..config()
        },
        Config {
            webhook_url: Some("nowhere".to_owned()),
            ..config()
        },
        Config {
            client_id: String::new(),
            ..config()
        },
    ] {
        assert!(tenon_sim::HubSpot::start(bad).await.is_err());
    }
    let taken = Client::start(config()).await;
    assert!(
        tenon_sim::HubSpot::start(Config {
            listen: taken.sim.addr,
            ..config()
        })
        .await
        .is_err()
    );
}
