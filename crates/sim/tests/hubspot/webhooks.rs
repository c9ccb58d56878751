use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::Value;
use tenon_sim::hubspot::signature;
use tenon_sim::{Config, HubSpot};
use tokio::sync::Notify;

use crate::support::config;

const SECRET: &str = "tenon-simulated-secret";

#[test]
fn signatures_match_values_computed_elsewhere() {
    // Computed with Python's hashlib, hmac and base64.
    let body = br#"[{"eventId":1,"objectId":123}]"#;
    assert_eq!(signature::v1("yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", body), V1);
    let url = "https://www.example.com/webhook?topic=a%2Cb";
    assert_eq!(
        signature::v3(
            "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
            "POST",
            url,
            body,
            1_700_000_000_123
        ),
        V3
    );
}

const V1: &str = "f0a2c7658651c188d2fe78fd22a5af38eaa85fa0952aba402ba89a8de9fbb3ca";
const V3: &str = "Ki5tkwu0qgsCXgHTCuCKA37Ov4g/6WPxLywBfI8EmlU=";

#[derive(Default)]
struct Inbox {
    url: Mutex<String>,
    refuse: Mutex<usize>,
    deliveries: Mutex<Vec<Vec<Value>>>,
    invalid: Mutex<usize>,
    arrived: Notify,
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let timestamp: i64 = text("x-hubspot-request-timestamp").parse().unwrap_or(0);
    let url = inbox.url.lock().unwrap().clone();
    let genuine = text("x-hubspot-signature") == signature::v1(SECRET, &body)
        && text("x-hubspot-signature-v3") == signature::v3(SECRET, "POST", &url, &body, timestamp);
    if !genuine {
        *inbox.invalid.lock().unwrap() += 1;
    }
    let events: Vec<Value> = serde_json::from_slice(&body).unwrap();
    inbox.deliveries.lock().unwrap().push(events);
    inbox.arrived.notify_one();
    let mut refuse = inbox.refuse.lock().unwrap();
    if *refuse > 0 {
        *refuse -= 1;
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    StatusCode::NO_CONTENT
}

async fn inbox() -> (Arc<Inbox>, String) {
    let inbox = Arc::new(Inbox::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?tenant=a%2Cb", listener.local_addr().unwrap());
    *inbox.url.lock().unwrap() = url.clone();
    let router = Router::new()
        .route("/hook", axum::routing::post(receive))
        .with_state(Arc::clone(&inbox));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (inbox, url)
}

impl Inbox {
    async fn wait_for(&self, events: usize) -> Vec<Vec<Value>> {
        let all = async {
            loop {
                let deliveries = self.deliveries.lock().unwrap().clone();
                if deliveries.iter().map(Vec::len).sum::<usize>() >= events {
                    return deliveries;
                }
                self.arrived.notified().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), all)
            .await
            .expect("deliveries arrive")
    }
}

#[tokio::test]
async fn changes_are_delivered_in_signed_batches() {
    let (inbox, url) = inbox().await;
    let sim = HubSpot::start(Config {
        webhook_url: Some(url),
        ..config()
    })
    .await
    .unwrap();
    sim.modify(250, false);
    let deleted = sim.delete(3);
    let deliveries = inbox.wait_for(253).await;
    assert!(deliveries.iter().all(|events| events.len() <= 100));
    assert_eq!(*inbox.invalid.lock().unwrap(), 0);
    let events: Vec<&Value> = deliveries.iter().flatten().collect();
    let of = |kind: &str| events.iter().filter(|event| event["subscriptionType"] == kind).count();
    assert_eq!((of("contact.propertyChange"), of("contact.deletion")), (250, 3));
    let gone: BTreeSet<u64> = events
        .iter()
        .filter(|event| event["subscriptionType"] == "contact.deletion")
        .map(|event| event["objectId"].as_u64().unwrap())
        .collect();
    assert_eq!(gone, deleted.into_iter().collect());
    assert_eq!(
        events
            .iter()
            .map(|event| event["eventId"].as_u64())
            .collect::<BTreeSet<_>>()
            .len(),
        253
    );
    assert_eq!(events[0]["portalId"], 62_515);
}

#[tokio::test]
async fn a_refused_delivery_comes_again_with_its_attempt_number() {
    let (inbox, url) = inbox().await;
    *inbox.refuse.lock().unwrap() = 2;
    let webhook_retry = Duration::from_millis(20);
    let sim = HubSpot::start(Config {
        webhook_url: Some(url),
        webhook_retry,
        ..config()
    })
    .await
    .unwrap();
    sim.delete(1);
    let deliveries = inbox.wait_for(3).await;
    let attempts: Vec<_> = deliveries
        .iter()
        .map(|events| events[0]["attemptNumber"].as_u64().unwrap())
        .collect();
    assert_eq!(attempts, [0, 1, 2]);
}
