//! One refresh per expiry, whatever the concurrency and the number of nodes; failures by class.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::provider::StrictProvider;
use crate::support::{Database, Node, days, minutes, nodes};

async fn all_tokens(nodes: &[&Arc<Node>], callers: usize) -> Vec<String> {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..callers {
        let node = Arc::clone(nodes[number % nodes.len()]);
        tasks.spawn(async move { node.token().await.unwrap() });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn fifty_callers_refresh_once() {
    for database in Database::all().await {
        let [node] = nodes(&database).await;
        let provider = StrictProvider::start().await;
        node.import(&provider.url).await;
        let node = Arc::new(node);
        assert_eq!(all_tokens(&[&node], 50).await, vec!["at-0"; 50], "nothing is due yet");
        assert_eq!(provider.token_requests(), 0);
        node.clock.advance(minutes(46));
        assert_eq!(all_tokens(&[&node], 50).await, vec!["at-1"; 50]);
        assert_eq!(provider.token_requests(), 1);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_refresh_once() {
    for database in Database::all().await {
        let [one, other] = nodes(&database).await;
        let provider = StrictProvider::start().await;
        one.import(&provider.url).await;
        let (one, other) = (Arc::new(one), Arc::new(other));
        for round in 1..=10 {
            one.clock.advance(minutes(46));
            let expected = format!("at-{round}");
            let tokens = all_tokens(&[&one, &other], 50).await;
            assert!(
                tokens.iter().all(|token| *token == expected),
                "round {round}: {tokens:?}"
            );
            assert_eq!(provider.token_requests(), round, "round {round}");
        }
        assert!(!provider.is_revoked(), "ten rotations in a row, none used twice");
        one.app.shut_down().await;
        other.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_hangs_up_loses_nothing() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    node.clock.advance(minutes(50));
    let gone = tokio::time::timeout(Duration::from_millis(50), node.token()).await;
    assert!(gone.is_err(), "the provider takes longer than this caller waits");
    assert_eq!(node.token().await.unwrap(), "at-1");
    assert_eq!(
        provider.token_requests(),
        1,
        "the first refresh went on without its caller"
    );
    node.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn forced_refreshes_that_meet_are_one() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    let node = Arc::new(node);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let node = Arc::clone(&node);
        tasks.spawn(async move { node.read(&[("force_refresh", "true")]).await.unwrap() });
    }
    for connection in tasks.join_all().await {
        assert_eq!(connection["credentials"]["access_token"], "at-1");
        assert_eq!(
            connection["credentials"].get("refresh_token"),
            None,
            "hidden unless asked for"
        );
        assert_eq!(
            connection["credentials"]["raw"].get("refresh_token"),
            None,
            "also in the provider's reply"
        );
    }
    assert_eq!(provider.token_requests(), 1);
    node.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refused_grant_ends_after_the_second_refusal_and_heals_by_authorising_again() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    provider.fail_with(400, json!({ "error": "invalid_grant" }));
    node.clock.advance(minutes(50));
    assert_eq!(node.refusal().await, "refresh_token_external_error");
    assert_eq!(
        node.refusal().await,
        "connection_refresh_backoff",
        "half a minute of silence"
    );
    assert_eq!(provider.token_requests(), 1);
    let shown = node.read(&[]).await.expect_err("refused");
    let refusal = shown.refusal().unwrap();
    assert_eq!((refusal.status, refusal.code.as_str()), (424, "invalid_credentials"));
    let payload = refusal.payload.clone().unwrap();
    assert_eq!(payload["code"], "connection_refresh_backoff");
    assert_eq!(payload["connection"]["errors"][0]["type"], "auth");

    node.clock.advance(Duration::from_secs(31));
    assert_eq!(node.refusal().await, "refresh_token_external_error");
    node.clock.advance(days(1));
    assert_eq!(node.refusal().await, "connection_refresh_exhausted");
    assert_eq!(provider.token_requests(), 2, "nobody is asked any more");

    provider.recover();
    node.import_tokens(&provider.url, "at-again", "rt-0").await;
    assert_eq!(node.token().await.unwrap(), "at-again");
    assert_eq!(node.read(&[]).await.unwrap()["errors"], json!([]), "the mark is gone");
    node.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_outage_never_ends_the_attempts() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    provider.fail_with(503, json!({}));
    node.clock.advance(minutes(50));
    for day in 1..=10 {
        assert_eq!(node.refusal().await, "refresh_token_external_error", "day {day}");
        node.clock.advance(days(1));
    }
    provider.recover();
    assert_eq!(node.token().await.unwrap(), "at-1");
    node.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_misconfiguration_ends_the_attempts_on_the_fourth_day_and_a_forced_refresh_starts_over() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    provider.fail_with(401, json!({ "error": "invalid_client" }));
    node.clock.advance(minutes(50));
    for day in 1..=4 {
        assert_eq!(node.refusal().await, "refresh_token_external_error", "day {day}");
        node.clock.advance(Duration::from_secs(60));
        if day < 4 {
            assert_eq!(
                node.refusal().await,
                "refresh_token_external_error",
                "twice on day {day} counts once"
            );
        }
        node.clock.advance(days(1));
    }
    assert_eq!(node.refusal().await, "connection_refresh_exhausted");
    provider.recover();
    let forced = node.read(&[("force_refresh", "true")]).await.unwrap();
    assert_eq!(forced["credentials"]["access_token"], "at-1");
    assert_eq!(node.token().await.unwrap(), "at-1");
    node.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lease_that_a_dead_node_left_behind_is_taken_over() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    node.clock.advance(minutes(50));
    let until = tenon_model::Clock::now(&*node.clock).minus(Duration::from_secs(1));
    let mut tx = node.app.store().begin().await.unwrap();
    let sql = "UPDATE connections SET lease_holder = 'dead', lease_until = $1";
    tx.execute(sql, tenon_store::params![until]).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(node.token().await.unwrap(), "at-1");
    node.app.shut_down().await;
}
