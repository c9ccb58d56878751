use http::{HeaderMap, HeaderValue};
use serde_json::json;
use tenon_app::webhooks::inbound::{Accepted, Delivery};

use crate::support::{Node, Receiver, nodes};

async fn send(node: &Node, key: &str, body: &str) -> tenon_app::Result<Accepted> {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-custom", HeaderValue::from_static("kept"));
    headers.insert("cookie", HeaderValue::from_static("dropped"));
    let environment = node.environment.uuid.to_string();
    let delivery = Delivery {
        environment: &environment,
        integration: key,
        headers: &headers,
        query: &json!({}),
        raw: body.as_bytes(),
    };
    node.app.receive_webhook(&delivery).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_forwarded_to_the_connection_that_it_names() {
    for node in nodes().await {
        let (receiver, everybody) = (Receiver::start().await, Receiver::start().await);
        let url = everybody.url.clone();
        node.app
            .update_environment_settings(node.environment.id, move |settings| {
                settings.webhook_url = Some(url);
                settings.on_auth_creation = false;
            })
            .await
            .unwrap();
        node.integration("open").await;
        node.connection("open", "c1", &receiver.url).await;
        let before = receiver.wait(1).await.len();

        let text = r#"{"type":"item.created","connectionId":"c1","z":1,"a":[2]}"#;
        assert_eq!(send(&node, "open", text).await.unwrap(), Accepted::Taken);
        let got = receiver.wait(before + 1).await;
        let forward = got.last().unwrap();
        assert_eq!(
            forward.json(),
            json!({
                "from": "open", "type": "forward", "providerConfigKey": "open", "connectionId": "c1",
                "payload": { "type": "item.created", "connectionId": "c1", "z": 1, "a": [2] },
            })
        );
        assert_eq!(
            (forward.header("x-custom"), forward.header("cookie")),
            (Some("kept"), None)
        );

        // Nobody's message goes to everybody, as it came.
        assert_eq!(send(&node, "open", r#"{"b":1,"a":2}"#).await.unwrap(), Accepted::Taken);
        let got = everybody.wait(1).await;
        assert_eq!(got.last().unwrap().body, r#"{"a":2,"b":1}"#);
        assert_eq!(receiver.wait(0).await.len(), before + 1);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_numbered_message_counts_once() {
    for node in nodes().await {
        let receiver = Receiver::start().await;
        node.integration("open").await;
        node.connection("open", "c1", &receiver.url).await;
        let before = receiver.wait(1).await.len();
        for _ in 0..3 {
            let text = r#"{"deliveryId":"d-1","connectionId":"c1"}"#;
            assert_eq!(send(&node, "open", text).await.unwrap(), Accepted::Taken);
        }
        assert_eq!(receiver.wait(before + 1).await.len(), before + 1);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_is_taken_together() {
    for node in nodes().await {
        node.integration("open").await;
        let mut senders = Vec::new();
        let node = std::sync::Arc::new(node);
        for number in 0..200 {
            let node = std::sync::Arc::clone(&node);
            senders.push(tokio::spawn(async move {
                send(&node, "open", &format!(r#"{{"n":{number}}}"#)).await.unwrap()
            }));
        }
        for sender in senders {
            assert_eq!(sender.await.unwrap(), Accepted::Taken);
        }
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_places_are_refused() {
    for node in nodes().await {
        node.integration("open").await;
        let code = |error: tenon_app::Error| error.refusal().map(|refusal| (refusal.status, refusal.code.clone()));
        let refused = send(&node, "nothing", "{}").await.unwrap_err();
        assert_eq!(code(refused), Some((404, "unknown_provider_config".to_owned())));
        let refused = send(&node, "open", "{").await.unwrap_err();
        assert_eq!(code(refused), Some((400, "invalid_json".to_owned())));
        node.app.shut_down().await;
    }
}
