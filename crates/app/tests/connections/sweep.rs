//! Upkeep: tokens that nobody uses are kept alive, keys that nobody uses are tested, once a day.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::provider::StrictProvider;
use crate::support::{Database, Node, days, minutes, nodes};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_token_that_nobody_uses_is_kept_alive_for_weeks() {
    for database in Database::all().await {
        let [one, other] = nodes(&database).await;
        let provider = StrictProvider::start().await;
        one.import(&provider.url).await;
        one.app.sweep_connections().await.unwrap();
        one.clock.advance(minutes(23 * 60));
        one.app.sweep_connections().await.unwrap();
        assert_eq!(provider.token_requests(), 0, "it was used within a day");
        for day in 1..=14 {
            one.clock.advance(minutes(24 * 60 + 10));
            let (first, second) = tokio::join!(one.app.sweep_connections(), other.app.sweep_connections());
            first.unwrap();
            second.unwrap();
            one.app.sweep_connections().await.unwrap();
            assert_eq!(
                provider.token_requests(),
                day,
                "once a day, whatever the number of nodes"
            );
        }
        assert!(!provider.is_revoked());
        assert_eq!(one.token().await.unwrap(), "at-14");
        one.app.shut_down().await;
        other.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dead_grant_is_found_before_anybody_needs_it() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    let provider = StrictProvider::start().await;
    node.import(&provider.url).await;
    provider.fail_with(400, json!({ "error": "invalid_grant" }));
    node.clock.advance(days(2));
    node.app.sweep_connections().await.unwrap();
    assert_eq!(errors_of(&node).await, json!(["auth"]));
    node.clock.advance(days(1));
    node.app.sweep_connections().await.unwrap();
    node.clock.advance(days(1));
    node.app.sweep_connections().await.unwrap();
    assert_eq!(
        provider.token_requests(),
        2,
        "a grant that was refused twice is left alone"
    );
    node.app.shut_down().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_idle_key_is_tested_marked_and_healed() {
    for database in Database::all().await {
        let [node] = nodes(&database).await;
        let vendor = KeyVendor::start().await;
        import_key(&node, &vendor.url).await;
        assert_eq!(vendor.asked(), 1, "at its creation");

        node.clock.advance(days(2));
        vendor.answer(503);
        node.app.sweep_connections().await.unwrap();
        assert_eq!(
            (vendor.asked(), errors_of(&node).await),
            (2, json!([])),
            "an outage is not the key's fault"
        );

        node.clock.advance(days(2));
        vendor.answer(401);
        node.app.sweep_connections().await.unwrap();
        assert_eq!((vendor.asked(), errors_of(&node).await), (3, json!(["auth"])));
        node.app.sweep_connections().await.unwrap();
        assert_eq!(vendor.asked(), 3, "once a day");

        node.clock.advance(days(2));
        vendor.answer(200);
        node.app.sweep_connections().await.unwrap();
        assert_eq!(
            (vendor.asked(), errors_of(&node).await),
            (4, json!([])),
            "a key that works again is not marked"
        );
        node.app.shut_down().await;
    }
}

async fn errors_of(node: &Node) -> Value {
    let listed = node.app.list_connections(&node.caller, &json!({})).await.unwrap();
    let errors = listed["connections"][0]["errors"].as_array().unwrap();
    errors.iter().map(|error| error["type"].clone()).collect()
}

async fn import_key(node: &Node, base: &str) {
    let integration = json!({ "provider": "keyed", "unique_key": "keyed" });
    let input = tenon_app::integrations::CreateInput::parse(Some(&integration)).unwrap();
    node.app.create_integration(&node.caller, input).await.unwrap();
    let body = json!({
        "provider_config_key": "keyed", "connection_id": "k-1",
        "credentials": { "type": "API_KEY", "apiKey": "key-1" }, "connection_config": { "base": base },
    });
    node.app.import_connection(&node.caller, Some(&body)).await.unwrap();
}

/// A vendor that answers every call with one status.
struct KeyVendor {
    url: String,
    status: Arc<AtomicU16>,
    asked: Arc<AtomicUsize>,
}

impl KeyVendor {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (status, asked) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicUsize::new(0)));
        let (now, count) = (Arc::clone(&status), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let status = now.load(Ordering::SeqCst);
                let text = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}");
                let _ = socket.write_all(text.as_bytes()).await;
            }
        });
        Self { url, status, asked }
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}
