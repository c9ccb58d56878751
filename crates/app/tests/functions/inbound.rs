use http::{HeaderMap, HeaderValue};
use ring::hmac;
use serde_json::{Value, json};
use tenon_app::integrations::CreateInput;
use tenon_app::webhooks::inbound::{Accepted, Delivery};

use crate::support::{Node, Receiver, nodes};

async fn send(node: &Node, key: &str, body: &str) -> tenon_app::Result<Accepted> {
    send_with(node, key, body, None).await
}

async fn send_with(node: &Node, key: &str, body: &str, signature: Option<&str>) -> tenon_app::Result<Accepted> {
    let mut headers = HeaderMap::new();
    if let Some(signature) = signature {
        headers.insert("x-signed", signature.parse().unwrap());
    }
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-custom", HeaderValue::from_static("kept"));
    headers.insert("cookie", HeaderValue::from_static("dropped"));
    let environment = node.environment.uuid.to_string();
    let delivery = Delivery {
        environment: &environment,
        integration: key,
        headers: &headers,
        target: "/webhook",
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

async fn signed_integration(node: &Node, key: &str, provider: &str, secret: Option<&str>) {
    let mut credentials = json!({ "type": "OAUTH2", "client_id": "id", "client_secret": "client" });
    if let Some(secret) = secret {
        credentials["webhook_secret"] = json!(secret);
    }
    let body = json!({ "provider": provider, "unique_key": key, "credentials": credentials, "forward_webhooks": true });
    let input = CreateInput::parse(Some(&body)).unwrap();
    node.app.create_integration(&node.caller, input).await.unwrap();
}

async fn taken(node: &Node) -> i64 {
    let mut conn = node.app.store().read().await.unwrap();
    let row = conn
        .query_one("SELECT COUNT(*) FROM inbox", tenon_store::params![])
        .await;
    row.unwrap().i64(0).unwrap()
}

fn sign(secret: &str, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    hex::encode(hmac::sign(&key, body.as_bytes()))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_signed_is_taken() {
    for node in nodes().await {
        signed_integration(&node, "secret", "signed", Some("s3cret")).await;
        signed_integration(&node, "open", "signed", None).await;
        signed_integration(&node, "strict", "always-signed", None).await;
        let body = r#"{"events":[]}"#;
        let code = |result: tenon_app::Result<Accepted>| {
            let error = result.unwrap_err();
            let refusal = error.refusal().unwrap();
            (refusal.status, refusal.code.clone())
        };
        let invalid = (401, "webhook_invalid_signature".to_owned());
        let missing = (401, "webhook_missing_signature".to_owned());

        assert_eq!(code(send(&node, "secret", body).await), missing);
        let other = sign("other", body);
        assert_eq!(code(send_with(&node, "secret", body, Some(&other)).await), invalid);
        let good = sign("s3cret", body);
        let altered = body.replace("[]", "[ ]");
        assert_eq!(code(send_with(&node, "secret", &altered, Some(&good)).await), invalid);
        // Nothing can be checked, and this provider always signs.
        assert_eq!(code(send_with(&node, "strict", body, Some(&good)).await), invalid);
        assert_eq!(taken(&node).await, 0);

        assert_eq!(
            send_with(&node, "secret", body, Some(&good)).await.unwrap(),
            Accepted::Taken
        );
        // The developer has stored no secret for a scheme that leaves it to them.
        assert_eq!(send(&node, "open", body).await.unwrap(), Accepted::Taken);
        assert_eq!(taken(&node).await, 2);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn events_of_one_message_find_their_connections() {
    for node in nodes().await {
        let receiver = Receiver::start().await;
        let url = receiver.url.clone();
        node.app
            .update_environment_settings(node.environment.id, move |settings| {
                settings.webhook_url = Some(url);
                settings.on_auth_creation = false;
            })
            .await
            .unwrap();
        signed_integration(&node, "batch", "signed", None).await;
        for id in ["c1", "c2"] {
            let body = json!({
                "provider_config_key": "batch",
                "connection_id": id,
                "credentials": { "type": "OAUTH2", "access_token": "t" },
            });
            node.app.import_connection(&node.caller, Some(&body)).await.unwrap();
        }
        let event = |id: &str, kind: &str| json!({ "type": kind, "connectionId": id });
        let body = json!({ "events": [event("c1", "a"), event("c1", "b"), event("c2", "a"), event("nobody", "a")] });
        send(&node, "batch", &body.to_string()).await.unwrap();
        let got = receiver.wait(2).await;
        let mut names: Vec<Value> = got.iter().map(|one| one.json()["connectionId"].clone()).collect();
        names.sort_by_key(Value::to_string);
        assert_eq!(names, ["c1", "c2"]);
        // An empty list concerns nobody.
        send(&node, "batch", r#"{"events":[]}"#).await.unwrap();
        assert_eq!(receiver.wait(2).await.len(), 2);
        node.app.shut_down().await;
    }
}
