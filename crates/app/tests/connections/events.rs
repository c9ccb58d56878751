//! What the product's back end hears of a connection's life.

use std::time::Duration;

use serde_json::json;

use crate::provider::{Receiver, StrictProvider};
use crate::support::{Database, Node, days, minutes, nodes};

async fn listen(node: &Node, receiver: &Receiver, wanted: bool) {
    node.app
        .update_environment_settings(node.environment, |settings| {
            settings.webhook_url = Some(receiver.url.clone());
            settings.on_auth_recovery = wanted;
            settings.on_auth_deletion = wanted;
        })
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_back_end_hears_of_failure_recovery_and_removal_if_it_wants_to() {
    for database in Database::all().await {
        let [node] = nodes(&database).await;
        let (provider, receiver) = (StrictProvider::start().await, Receiver::start().await);
        listen(&node, &receiver, true).await;
        node.import(&provider.url).await;
        let mut expected = receiver.hears(0).await;
        provider.fail_with(503, json!({}));
        node.clock.advance(days(2));
        node.app.sweep_connections().await.unwrap();
        expected.push(("refresh".to_owned(), false));
        assert_eq!(receiver.hears(expected.len()).await, expected);

        provider.recover();
        node.clock.advance(Duration::from_secs(31));
        assert_eq!(node.token().await.unwrap(), "at-1");
        expected.push(("refresh".to_owned(), true));
        assert_eq!(receiver.hears(expected.len()).await, expected);
        node.clock.advance(minutes(50));
        assert_eq!(node.token().await.unwrap(), "at-2");

        let query = json!({ "provider_config_key": "acme" });
        node.app.delete_connection(&node.caller, "c-1", &query).await.unwrap();
        expected.push(("deletion".to_owned(), true));
        assert_eq!(
            receiver.hears(expected.len()).await,
            expected,
            "a refresh of one that works is no news"
        );
        let last = receiver.last();
        let shown =
            ["connectionId", "providerConfigKey", "provider", "authMode", "type"].map(|name| last[name].clone());
        assert_eq!(json!(shown), json!(["c-1", "acme", "acme", "OAUTH2", "auth"]));
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn recovery_and_removal_are_not_told_unasked() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let (provider, receiver) = (StrictProvider::start().await, Receiver::start().await);
    listen(&node, &receiver, false).await;
    node.import(&provider.url).await;
    provider.fail_with(503, json!({}));
    node.clock.advance(minutes(50));
    assert_eq!(node.refusal().await, "refresh_token_external_error");
    provider.recover();
    node.clock.advance(Duration::from_secs(31));
    assert_eq!(node.token().await.unwrap(), "at-1");
    let query = json!({ "provider_config_key": "acme" });
    node.app.delete_connection(&node.caller, "c-1", &query).await.unwrap();
    node.import_tokens(&provider.url, "at-9", "rt-9").await;
    // Whatever comes after it has come, too: the receiver hears in order.
    node.import_tokens(&provider.url, "at-10", "rt-10").await;
    let heard = receiver.hears(3).await;
    assert!(
        !heard.contains(&("refresh".to_owned(), true)) && !heard.iter().any(|(operation, _)| operation == "deletion"),
        "{heard:?}"
    );
    node.app.shut_down().await;
}
