//! The customer's webhook endpoint: verifies both signatures of every delivery before it believes a word.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use ring::{digest, hmac};
use serde_json::Value;
use tenon_model::Secret;
use tokio::sync::Notify;

/// A verified delivery.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The event.
    pub body: Value,
}

#[derive(Default)]
struct Inbox {
    key: Mutex<Option<Secret>>,
    deliveries: Mutex<Vec<Delivery>>,
    seen: Mutex<HashSet<String>>,
    counts: Mutex<Counts>,
    arrived: Notify,
}

/// How many deliveries came and how many could be believed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Both signatures fit.
    pub verified: usize,
    /// At least one did not.
    pub refused: usize,
    /// The same event once more.
    pub repeated: usize,
}

/// The endpoint.
pub struct Receiver {
    url: String,
    inbox: Arc<Inbox>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Listens on a free port.
    pub async fn start() -> Result<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .context("no port for the webhook receiver")?;
        let url = format!(
            "http://{}/webhooks",
            listener.local_addr().context("the receiver's address")?
        );
        let inbox = Arc::new(Inbox::default());
        let router = Router::new()
            .route("/webhooks", axum::routing::post(receive))
            .with_state(Arc::clone(&inbox));
        let task = tokio::spawn(async move {
            // Ends with the demonstration; a receiver that fails shows as missing webhooks.
            let _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, inbox, task })
    }

    /// Where to send webhooks.
    pub fn url(&self) -> String {
        self.url.clone()
    }

    /// Sets the key that deliveries must be signed with.
    pub fn set_key(&self, key: Secret) {
        *lock(&self.inbox.key) = Some(key);
    }

    /// Counters so far.
    pub fn counts(&self) -> Counts {
        *lock(&self.inbox.counts)
    }

    /// Deliveries so far, for marking where to wait from.
    pub fn mark(&self) -> usize {
        lock(&self.inbox.deliveries).len()
    }

    /// The first delivery after the mark that is looked for, if it has come.
    pub fn find(&self, mark: usize, wanted: impl Fn(&Value) -> bool) -> Option<Value> {
        let deliveries = lock(&self.inbox.deliveries);
        deliveries
            .iter()
            .skip(mark)
            .find(|delivery| wanted(&delivery.body))
            .map(|delivery| delivery.body.clone())
    }

    /// Waits for a delivery.
    pub async fn wait_for(
        &self,
        mark: usize,
        what: &str,
        within: Duration,
        wanted: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let wait = async {
            loop {
                let arrived = self.inbox.arrived.notified();
                if let Some(found) = self.find(mark, &wanted) {
                    return found;
                }
                arrived.await;
            }
        };
        match tokio::time::timeout(within, wait).await {
            Ok(found) => Ok(found),
            Err(_) => {
                let counts = self.counts();
                bail!(
                    "no webhook about {what} came within {} s ({} verified, {} refused so far)",
                    within.as_secs(),
                    counts.verified,
                    counts.refused
                )
            }
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(State(inbox): State<Arc<Inbox>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let genuine = lock(&inbox.key)
        .as_ref()
        .is_some_and(|key| is_genuine(key, &headers, &body));
    let event = serde_json::from_slice::<Value>(&body);
    let (true, Ok(event)) = (genuine, event) else {
        lock(&inbox.counts).refused += 1;
        return StatusCode::UNAUTHORIZED;
    };
    let mut counts = lock(&inbox.counts);
    counts.verified += 1;
    if let Some(id) = headers.get("webhook-id").and_then(|id| id.to_str().ok())
        && !lock(&inbox.seen).insert(id.to_owned())
    {
        // Delivered at least once: a back end that keeps ids need not act twice.
        counts.repeated += 1;
        return StatusCode::OK;
    }
    drop(counts);
    lock(&inbox.deliveries).push(Delivery { body: event });
    inbox.arrived.notify_waiters();
    StatusCode::OK
}

/// The old signature is the hash of key and body, the new one an HMAC; both must fit.
pub fn is_genuine(key: &Secret, headers: &HeaderMap, body: &[u8]) -> bool {
    let sent = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .and_then(|text| hex::decode(text).ok())
    };
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(key.expose().as_bytes());
    hash.update(body);
    let old = sent("x-nango-signature").is_some_and(|signature| signature == hash.finish().as_ref());
    let verifier = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let new = sent("x-nango-hmac-sha256").is_some_and(|signature| hmac::verify(&verifier, body, &signature).is_ok());
    old && new
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
