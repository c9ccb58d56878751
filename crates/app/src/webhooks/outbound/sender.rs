//! The service that works the outbox off.
//!
//! It claims due rows under a lease, never more for one receiver than [`PER_ENDPOINT_MAX`] at a time, and notes the ends
//! of attempts in batches. A node that dies leaves leases that run out; its deliveries may be sent again, under the same
//! event id.

use std::collections::HashMap;
use std::time::Duration;

use tenon_model::{EnvironmentId, Secret};
use tenon_store::tables::outbox::{self, Attempt};
use tokio::task::JoinSet;

use super::sending;
use crate::{App, Cache, Result};

/// Attempts under way on this node.
const IN_FLIGHT_MAX: usize = 64;
/// Attempts under way to one receiver.
const PER_ENDPOINT_MAX: usize = 8;
/// Rows looked at per claim.
const LOOK_MAX: i64 = 256;
/// How long a claimed delivery belongs to us; longer than an attempt can take.
const LEASE: Duration = Duration::from_secs(60);
/// How often the outbox is looked at without a signal: leases of dead nodes, lost signals.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long a signing key may be stale after a rotation on another node.
const KEY_TTL: Duration = Duration::from_secs(5);

/// Delivers events.
pub(super) struct Sender {
    app: App,
    holder: String,
    keys: Cache<EnvironmentId, Secret>,
}

/// What is under way.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<(String, Attempt)>,
    per_endpoint: HashMap<String, usize>,
}

impl Flights {
    fn busy(&self) -> Vec<String> {
        let full = self
            .per_endpoint
            .iter()
            .filter(|(_, count)| **count >= PER_ENDPOINT_MAX);
        full.map(|(endpoint, _)| endpoint.clone()).collect()
    }

    fn landed(&mut self, endpoint: &str) {
        if let Some(count) = self.per_endpoint.get_mut(endpoint) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.per_endpoint.remove(endpoint);
            }
        }
    }
}

impl Sender {
    pub(super) fn new(app: App) -> Self {
        let holder = format!("{}/{}", app.settings().node, app.rng().hex(6));
        Self {
            app,
            holder,
            keys: Cache::new(KEY_TTL, 1_000),
        }
    }

    /// Works until shutdown; attempts under way are waited for, claimed rows given back.
    #[tenon_model::boxed]
    pub(super) async fn run(&self) {
        let stop = self.app.shutdown_token().clone();
        let mut signals = self.app.store().signals();
        let mut flights = Flights::default();
        while !stop.is_cancelled() {
            let wait = match self.start_due(&mut flights).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(error = ?error, "the outbox could not be read");
                    LOOK_EVERY
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
                () = until_signal(&mut signals) => {}
                Some(landed) = flights.tasks.join_next() => self.note(&mut flights, landed).await,
            }
        }
        while let Some(landed) = flights.tasks.join_next().await {
            self.note(&mut flights, landed).await;
        }
        if let Err(error) = self.release().await {
            tracing::warn!(error = ?error, "claimed webhooks could not be given back; their leases run out");
        }
    }

    async fn release(&self) -> Result<()> {
        let mut tx = self.app.store().begin().await?;
        outbox::release(&mut tx, &self.holder).await?;
        Ok(tx.commit().await?)
    }

    /// Claims and starts what is due and has room; answers how long nothing else will be.
    async fn start_due(&self, flights: &mut Flights) -> Result<Duration> {
        loop {
            let room = IN_FLIGHT_MAX.saturating_sub(flights.tasks.len());
            if room == 0 {
                return Ok(LOOK_EVERY);
            }
            let now = self.app.clock().now();
            let mut conn = self.app.store().read().await?;
            let due = outbox::list_due(&mut conn, now, &flights.busy(), LOOK_MAX).await?;
            if due.is_empty() {
                let next = outbox::next_due(&mut conn).await?;
                // What is due and not listed waits for a receiver that is busy: its landing wakes us.
                let wait = next
                    .filter(|next| *next > now)
                    .map_or(LOOK_EVERY, |next| next.since(now));
                return Ok(wait.min(LOOK_EVERY));
            }
            drop(conn);
            let mut planned = flights.per_endpoint.clone();
            let mut ids = Vec::new();
            for (id, endpoint) in due {
                let count = planned.entry(endpoint).or_default();
                if *count < PER_ENDPOINT_MAX && ids.len() < room {
                    *count += 1;
                    ids.push(id);
                }
            }
            let mut tx = self.app.store().begin().await?;
            let rows = outbox::claim(&mut tx, &ids, &self.holder, now, now.plus(LEASE)).await?;
            tx.commit().await?;
            if rows.is_empty() {
                // Another node was quicker with all of them.
                return Ok(Duration::from_millis(50));
            }
            for row in rows {
                let key = self.key(row.environment_id).await;
                let app = self.app.clone();
                let endpoint = row.endpoint.clone();
                *flights.per_endpoint.entry(endpoint.clone()).or_default() += 1;
                flights.tasks.spawn(async move {
                    match key {
                        Ok(key) => (endpoint, sending::attempt(&app, &key, &row).await),
                        Err(error) => {
                            tracing::error!(error = ?error, "the webhook signing key could not be opened");
                            let attempt = Attempt {
                                id: row.id,
                                state: "pending",
                                next_at: app.clock().now().plus(LEASE),
                                status: None,
                                error: Some("the signing key could not be opened".to_owned()),
                                operation_id: row.operation_id.clone().unwrap_or_default(),
                            };
                            (endpoint, attempt)
                        }
                    }
                });
            }
        }
    }

    async fn key(&self, environment: EnvironmentId) -> Result<std::sync::Arc<Secret>> {
        if let Some(key) = self.keys.get(&environment) {
            return Ok(key);
        }
        let key = self.app.signing_key(environment).await?;
        Ok(self.keys.put(environment, key))
    }

    /// Notes this landing and all others that are there already.
    async fn note(
        &self,
        flights: &mut Flights,
        landed: std::result::Result<(String, Attempt), tokio::task::JoinError>,
    ) {
        let mut all = vec![landed];
        while let Some(another) = flights.tasks.try_join_next() {
            all.push(another);
        }
        let mut attempts = Vec::with_capacity(all.len());
        for landed in all {
            match landed {
                Ok((endpoint, attempt)) => {
                    flights.landed(&endpoint);
                    attempts.push(attempt);
                }
                // A panic in an attempt: its row comes back when the lease ends. Which receiver it was is unknown, so
                // the counts start over; they only spread load.
                Err(error) => {
                    tracing::error!(error = %error, "an attempt to deliver a webhook failed inside the server");
                    flights.per_endpoint.clear();
                }
            }
        }
        if let Err(error) = self.finish(&attempts).await {
            tracing::error!(error = ?error, "ends of deliveries could not be noted; they may be sent again");
        }
    }

    async fn finish(&self, attempts: &[Attempt]) -> Result<()> {
        let mut tx = self.app.store().begin().await?;
        outbox::finish(&mut tx, &self.holder, attempts, self.app.clock().now()).await?;
        Ok(tx.commit().await?)
    }
}

/// Returns when the outbox got a row, or when signals may have been missed.
async fn until_signal(signals: &mut tokio::sync::broadcast::Receiver<tenon_store::Signal>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match signals.recv().await {
            Ok(signal) if signal.channel == "outbox" => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
}
