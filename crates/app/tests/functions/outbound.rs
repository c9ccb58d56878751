use std::time::Duration;

use serde_json::json;
use tenon_app::webhooks::outbound::{ReplayWish, sign};
use tenon_model::{Clock, Timestamp};

use crate::support::{Node, Receiver, nodes};

async fn states(node: &Node) -> Vec<(String, i64, Option<i64>)> {
    // The end of an attempt is noted just after the receiver has answered.
    tokio::time::sleep(Duration::from_millis(300)).await;
    let deliveries = node.app.list_deliveries(&ReplayWish::default(), 50).await.unwrap();
    deliveries
        .iter()
        .map(|one| one.row())
        .map(|row| (row.state.clone(), row.attempts, row.last_status))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_is_signed_and_told_once() {
    for node in nodes().await {
        let receiver = Receiver::start().await;
        node.integration("open").await;
        node.connection("open", "c1", &receiver.url).await;
        let got = receiver.wait(1).await;
        assert_eq!(got.len(), 1);
        let (key, event) = (node.app.signing_key(node.environment.id).await.unwrap(), &got[0]);
        let moment = Timestamp::from_secs(event.header("webhook-timestamp").unwrap().parse().unwrap());
        assert_eq!(moment, node.clock.now());
        let signed = sign(&key, event.header("webhook-id").unwrap(), moment, event.body.as_bytes());
        assert_eq!(event.header("x-nango-signature"), Some(signed.legacy.as_str()));
        assert_eq!(event.header("x-nango-hmac-sha256"), Some(signed.hmac.as_str()));
        assert_eq!(event.header("webhook-signature"), Some(signed.standard.as_str()));
        assert_eq!(event.header("content-type"), Some("application/json"));
        assert_eq!(event.json()["connectionId"], "c1");
        assert_eq!(states(&node).await, [("delivered".to_owned(), 1, Some(200))]);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn server_errors_are_tried_again_and_then_dead() {
    for node in nodes().await {
        let receiver = Receiver::start().await;
        receiver.answer(&[500, 503, 502, 500]);
        node.integration("open").await;
        node.connection("open", "c1", &receiver.url).await;
        assert_eq!(receiver.wait(1).await.len(), 1);
        assert_eq!(states(&node).await, [("pending".to_owned(), 1, Some(500))]);
        for (wait, count) in [(3, 2), (6, 3), (60, 4)] {
            node.advance(Duration::from_secs(wait - 1)).await;
            assert_eq!(receiver.wait(count - 1).await.len(), count - 1, "too early");
            node.advance(Duration::from_secs(1)).await;
            assert_eq!(receiver.wait(count).await.len(), count);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        assert_eq!(states(&node).await, [("dead".to_owned(), 4, Some(500))]);
        let got = receiver.wait(4).await;
        assert!(
            got.iter()
                .all(|one| one.header("webhook-id") == got[0].header("webhook-id"))
        );
        // The story is one operation with every attempt.
        node.app.operations().flush().await.unwrap();
        let query = tenon_app::operations::LogQuery::parse(&json!({ "kind": "webhook", "failed": "true" })).unwrap();
        let log = node.app.list_operations(&node.caller, &query).await.unwrap();
        assert_eq!(log["operations"].as_array().unwrap().len(), 1);
        assert_eq!(log["operations"][0]["error"]["code"], "webhook_not_delivered");
        let id = log["operations"][0]["id"].as_str().unwrap();
        let story = node.app.read_operation(&node.caller, id, None).await.unwrap();
        let exchanges = story["messages"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|message| message["kind"] == "http");
        assert_eq!(exchanges.count(), 4);
        // It is sent again on demand.
        let wish = ReplayWish {
            state: Some("dead".to_owned()),
            ..ReplayWish::default()
        };
        assert_eq!(node.app.replay_deliveries(&wish).await.unwrap(), 1);
        assert_eq!(receiver.wait(5).await.len(), 5);
        assert_eq!(states(&node).await, [("delivered".to_owned(), 1, Some(200))]);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_final() {
    for node in nodes().await {
        let receiver = Receiver::start().await;
        receiver.answer(&[429]);
        node.integration("open").await;
        node.connection("open", "c1", &receiver.url).await;
        assert_eq!(receiver.wait(1).await.len(), 1);
        assert_eq!(states(&node).await, [("dead".to_owned(), 1, Some(429))]);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn both_receivers_of_an_environment_hear_of_it_under_one_id() {
    for node in nodes().await {
        let (first, second) = (Receiver::start().await, Receiver::start().await);
        let (primary, secondary) = (first.url.clone(), second.url.clone());
        node.app
            .update_environment_settings(node.environment.id, move |settings| {
                settings.webhook_url = Some(primary);
                settings.webhook_url_secondary = Some(secondary);
            })
            .await
            .unwrap();
        let caller = tenon_app::Caller::platform(node.app.environment(node.environment.id).await.unwrap());
        node.integration("open").await;
        let body = json!({ "provider_config_key": "open", "connection_id": "c1", "credentials": { "type": "NONE" } });
        node.app.import_connection(&caller, Some(&body)).await.unwrap();
        let (a, b) = (first.wait(1).await, second.wait(1).await);
        assert_eq!((a.len(), b.len()), (1, 1));
        assert_eq!(a[0].header("webhook-id"), b[0].header("webhook-id"));
        node.app.shut_down().await;
    }
}
