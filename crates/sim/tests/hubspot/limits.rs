use std::time::Duration;

use serde_json::json;

use crate::support::{Client, NOW_MS, config};
use tenon_sim::Config;

fn limited() -> Config {
    Config {
        quota_per_10s: 110,
        searches_per_second: 5,
        manual_clock_ms: Some(NOW_MS),
        ..config()
    }
}

#[tokio::test]
async fn ten_seconds_hold_the_quota_and_no_request_more() {
    let client = Client::start(limited()).await;
    for used in 1..=110_usize {
        let reply = client.get("/crm/v3/objects/contacts?limit=1").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("x-hubspot-ratelimit-max"), Some("110"));
        assert_eq!(reply.header("x-hubspot-ratelimit-interval-milliseconds"), Some("10000"));
        assert_eq!(
            reply.header("x-hubspot-ratelimit-remaining"),
            Some((110 - used).to_string().as_str())
        );
        assert_eq!(reply.header("x-hubspot-ratelimit-secondly"), Some("11"));
        assert_eq!(reply.header("x-hubspot-ratelimit-daily"), None);
    }
    let refused = client.get("/crm/v3/objects/contacts?limit=1").await;
    assert_eq!(refused.status, 429);
    assert_eq!(
        refused.text("/message"),
        "You have reached your ten_secondly_rolling limit."
    );
    assert_eq!(refused.text("/errorType"), "RATE_LIMIT");
    assert_eq!(refused.text("/policyName"), "TEN_SECONDLY_ROLLING");
    assert!(!refused.text("/requestId").is_empty() && !refused.text("/groupName").is_empty());
    assert_eq!(refused.header("x-hubspot-ratelimit-remaining"), Some("0"));

    client.sim.advance(Duration::from_millis(9_999));
    assert_eq!(client.get("/crm/v3/objects/contacts?limit=1").await.status, 429);
    client.sim.advance(Duration::from_millis(1));
    assert_eq!(client.get("/crm/v3/objects/contacts?limit=1").await.status, 200);
    assert_eq!(client.sim.stats().rate_limited, 2);
}

#[tokio::test]
async fn the_window_rolls() {
    let client = Client::start(Config {
        quota_per_10s: 4,
        ..limited()
    })
    .await;
    let mut statuses = Vec::new();
    for step_ms in [0, 4_000, 4_000, 1_000, 500, 500, 3_999, 1] {
        client.sim.advance(Duration::from_millis(step_ms));
        statuses.push(client.get("/crm/v3/objects/contacts?limit=1").await.status);
    }
    // At 0, 4, 8, 9 s; refused at 9.5; at 10 the first has left; at 13.999 the one of 4 s is still there; at 14 not.
    assert_eq!(statuses, [200, 200, 200, 200, 429, 200, 429, 200]);
}

#[tokio::test]
async fn searches_have_their_own_second_and_do_not_count_as_ordinary_requests() {
    let client = Client::start(Config {
        quota_per_10s: 2,
        ..limited()
    })
    .await;
    for _ in 0..5 {
        assert_eq!(client.search(json!({})).await.status, 200);
    }
    let refused = client.search(json!({})).await;
    assert_eq!((refused.status, refused.text("/policyName")), (429, "SECONDLY"));
    assert_eq!(refused.text("/message"), "You have reached your secondly limit.");
    assert_eq!(client.get("/crm/v3/objects/contacts?limit=1").await.status, 200);
    client.sim.advance(Duration::from_millis(1_000));
    assert_eq!(client.search(json!({})).await.status, 200);
    let stats = client.sim.stats();
    assert_eq!((stats.max_searches_in_a_second, stats.searches), (6, 6));
}

#[tokio::test]
async fn a_daily_quota_is_announced_and_ends_at_midnight() {
    let client = Client::start(Config {
        daily: Some(2),
        ..limited()
    })
    .await;
    let first = client.get("/crm/v3/objects/contacts?limit=1").await;
    assert_eq!(first.header("x-hubspot-ratelimit-daily"), Some("2"));
    assert_eq!(first.header("x-hubspot-ratelimit-daily-remaining"), Some("1"));
    client.get("/crm/v3/objects/contacts?limit=1").await;
    let refused = client.get("/crm/v3/objects/contacts?limit=1").await;
    assert_eq!((refused.status, refused.text("/policyName")), (429, "DAILY"));
    client.sim.advance(Duration::from_secs(86_400));
    assert_eq!(client.get("/crm/v3/objects/contacts?limit=1").await.status, 200);
}

#[tokio::test]
async fn the_largest_number_of_concurrent_requests_is_known() {
    let client = Client::start(Config {
        latency: Duration::from_millis(300),
        ..config()
    })
    .await;
    let calls = (0..8).map(|_| client.get("/crm/v3/objects/contacts?limit=1"));
    futures_util::future::join_all(calls).await;
    assert_eq!(client.sim.stats().max_concurrent, 8);
}
