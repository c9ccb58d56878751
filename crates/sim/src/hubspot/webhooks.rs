//! Webhook deliveries: events are queued by the changes that cause them and sent in batches.
//!
//! Documented behaviour: at most 100 events a request, five seconds to answer, up to ten retries with growing pauses
//! after a failed connection, a timeout or any 4xx or 5xx; `attemptNumber` counts from 0.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use super::contacts::{Change, Contacts};
use super::{Hub, signature};
use crate::lock;

/// Events in one delivery.
pub const BATCH_MAX: usize = 100;
const RETRIES_MAX: u32 = 10;
const CONCURRENT_MAX: usize = 10;
const WAITING_MAX: usize = 1_000_000;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Events that wait. Bounded: beyond a million the oldest are dropped, as a vendor with a lost receiver would.
#[derive(Debug, Default)]
pub struct Outbox {
    waiting: Mutex<VecDeque<(Change, i64)>>,
    arrived: Notify,
    next_event: AtomicU64,
}

impl Outbox {
    /// Queues changes that happened at `now`.
    pub fn push(&self, changes: Vec<Change>, now: i64) {
        let mut waiting = lock(&self.waiting);
        for change in changes {
            if waiting.len() >= WAITING_MAX {
                waiting.pop_front();
            }
            waiting.push_back((change, now));
        }
        drop(waiting);
        self.arrived.notify_one();
    }

    fn take(&self) -> Vec<(Change, i64)> {
        let mut waiting = lock(&self.waiting);
        let count = waiting.len().min(BATCH_MAX);
        waiting.drain(..count).collect()
    }
}

/// Starts the sender.
pub fn start(hub: Arc<Hub>, url: String, stop: CancellationToken) -> Result<(), crate::Error> {
    let client = client()?;
    tokio::spawn(async move {
        let permits = Arc::new(Semaphore::new(CONCURRENT_MAX));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = hub.outbox.arrived.notified() => {}
            }
            loop {
                let batch = hub.outbox.take();
                if batch.is_empty() {
                    break;
                }
                let Ok(permit) = Arc::clone(&permits).acquire_owned().await else {
                    return;
                };
                let (hub, url, client, stop) = (Arc::clone(&hub), url.clone(), client.clone(), stop.clone());
                tokio::spawn(async move {
                    let delivered = deliver(&hub, &client, &url, &batch, 0).await;
                    drop(permit);
                    if !delivered {
                        retry(&hub, &client, &url, &batch, &stop).await;
                    }
                });
            }
        }
    });
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "deliveries are the simulator's only way out")]
fn client() -> Result<reqwest::Client, crate::Error> {
    // Fails when the process has chosen a provider already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(crate::Error::Client)
}

async fn retry(hub: &Hub, client: &reqwest::Client, url: &str, batch: &[(Change, i64)], stop: &CancellationToken) {
    let mut pause = hub.config.webhook_retry;
    for attempt in 1..=RETRIES_MAX {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        if deliver(hub, client, url, batch, attempt).await {
            return;
        }
        pause = pause.saturating_mul(2);
    }
}

async fn deliver(hub: &Hub, client: &reqwest::Client, url: &str, batch: &[(Change, i64)], attempt: u32) -> bool {
    let events: Vec<Value> = batch
        .iter()
        .map(|(change, at)| event(hub, change, *at, attempt))
        .collect();
    let body = Value::Array(events).to_string();
    let timestamp = hub.clock.now_ms();
    let secret = &hub.config.client_secret;
    let sent = client
        .post(url)
        .header("content-type", "application/json")
        .header("user-agent", "HubSpot Connect 2.0 (simulated)")
        .header("x-hubspot-signature", signature::v1(secret, body.as_bytes()))
        .header("x-hubspot-signature-version", "v1")
        .header(
            "x-hubspot-signature-v3",
            signature::v3(secret, "POST", url, body.as_bytes(), timestamp),
        )
        .header("x-hubspot-request-timestamp", timestamp.to_string())
        .body(body)
        .send()
        .await;
    let delivered = sent.is_ok_and(|response| response.status().is_success());
    hub.stats.note(|stats| {
        if delivered {
            stats.webhooks_delivered += 1;
            stats.webhook_events_delivered += batch.len() as u64;
        } else {
            stats.webhook_failures += 1;
        }
    });
    delivered
}

fn event(hub: &Hub, change: &Change, at: i64, attempt: u32) -> Value {
    let (kind, subscription, position) = match change {
        Change::Created(position) => ("contact.creation", 1, position),
        Change::Property(position, ..) => ("contact.propertyChange", 2, position),
        Change::Deleted(position) => ("contact.deletion", 3, position),
    };
    let mut event = json!({
        "eventId": hub.outbox.next_event.fetch_add(1, Ordering::SeqCst) + 1,
        "subscriptionId": subscription,
        "portalId": hub.config.hub_id,
        "appId": hub.config.app_id,
        "occurredAt": at,
        "subscriptionType": kind,
        "attemptNumber": attempt,
        "objectId": Contacts::id(*position),
        "changeSource": "CRM_UI",
    });
    if let Some(members) = event.as_object_mut() {
        match change {
            Change::Created(_) => members.insert("changeFlag".to_owned(), json!("NEW")),
            Change::Deleted(_) => members.insert("changeFlag".to_owned(), json!("DELETED")),
            Change::Property(_, name, value) => {
                members.insert("propertyName".to_owned(), json!(name));
                members.insert("propertyValue".to_owned(), json!(value))
            }
        };
    }
    event
}
