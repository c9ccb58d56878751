//! A simulated HubSpot account with one OAuth app.

pub mod api;
pub mod config;
pub mod contacts;
pub mod control;
pub mod errors;
pub mod gate;
pub mod limits;
pub mod oauth;
pub mod search;
pub mod signature;
pub mod stats;
pub mod webhooks;

use std::net::SocketAddr;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub use config::Config;
pub use stats::Snapshot;

use crate::clock::SimClock;
use crate::faults::FaultPlan;
use crate::{hash, lock, net};
use contacts::{Change, Contacts};
use limits::Limits;
use oauth::Grants;
use stats::Stats;
use webhooks::Outbox;

/// Starts simulated accounts.
#[derive(Debug)]
pub struct HubSpot;

impl HubSpot {
    /// Starts an account and serves it until the returned value is dropped or shut down.
    pub async fn start(config: Config) -> Result<Running, crate::Error> {
        config.check()?;
        let (listener, addr) = net::listen(config.listen).await?;
        let stop = CancellationToken::new();
        let hub = Arc::new(Hub::new(config));
        if let Some(url) = hub.config.webhook_url.clone() {
            webhooks::start(Arc::clone(&hub), url, stop.clone())?;
        }
        let router = gate::router(Arc::clone(&hub));
        let task = tokio::spawn(net::serve(listener, router, stop.clone()));
        Ok(Running {
            addr,
            hub,
            stop,
            task: Some(task),
        })
    }
}

/// The account: data, grants, quotas, counters.
#[derive(Debug)]
pub struct Hub {
    /// Settings that do not change.
    pub config: Config,
    /// Time.
    pub clock: SimClock,
    /// Contacts.
    pub contacts: Mutex<Contacts>,
    /// Codes and tokens.
    pub grants: Mutex<Grants>,
    /// Quotas.
    pub limits: Mutex<Limits>,
    /// Faults in force.
    pub faults: Mutex<FaultPlan>,
    /// Counters.
    pub stats: Stats,
    /// Webhook events that wait to be sent.
    pub outbox: Outbox,
    /// Answers so far; correlation ids count them.
    pub answers: AtomicU64,
}

impl Hub {
    fn new(config: Config) -> Self {
        let clock = config.manual_clock_ms.map_or_else(SimClock::running, SimClock::manual);
        let mut contacts = Contacts::seeded(config.seed, config.contacts, config.same_millisecond);
        contacts.note_read(clock.now_ms());
        Self {
            clock,
            contacts: Mutex::new(contacts),
            grants: Mutex::new(Grants::new(&config)),
            limits: Mutex::new(Limits::new(&config)),
            faults: Mutex::new(config.faults.clone()),
            stats: Stats::default(),
            outbox: Outbox::default(),
            answers: AtomicU64::new(0),
            config,
        }
    }

    /// Changes contacts and queues what webhooks will say about it.
    pub fn change<T>(&self, change: impl FnOnce(&mut Contacts, i64, &mut Vec<Change>) -> T) -> T {
        let mut changes = Vec::new();
        let now = self.clock.now_ms();
        let answer = change(&mut lock(&self.contacts), now, &mut changes);
        if self.config.webhook_url.is_some() {
            self.outbox.push(changes, now);
        }
        answer
    }

    /// The counters with the peaks and the number of contacts filled in.
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = self.stats.snapshot();
        snapshot.contacts = lock(&self.contacts).live();
        let limits = lock(&self.limits);
        snapshot.max_searches_in_a_second = limits.searches_1s.peak();
        snapshot.max_requests_in_ten_seconds = limits.arrivals_10s.peak();
        snapshot
    }

    /// Modifies contacts as if their owner did. The times are spread over the moments since the account was last read,
    /// at most ten to a millisecond (the simulated clock moves on when there is no room), or are all the same.
    pub fn modify(&self, count: usize, same_ms: bool) -> control::Modified {
        if !same_ms {
            let needed_ms = (count / 10) as u64 + 2;
            self.clock.advance(Duration::from_millis(needed_ms));
        }
        let before = lock(&self.contacts).live();
        let (from_ms, to_ms) = self.change(|contacts, now, changes| contacts.modify_many(count, same_ms, now, changes));
        control::Modified {
            modified: count.min(before),
            from_ms,
            to_ms,
        }
    }

    /// Deletes (archives) contacts; returns their ids.
    pub fn delete(&self, count: usize) -> Vec<u64> {
        self.change(|contacts, _, changes| contacts.delete_many(count, changes))
            .into_iter()
            .map(Contacts::id)
            .collect()
    }

    /// The correlation id of the n-th answer.
    pub(crate) fn correlation_id(&self, sequence: u64) -> String {
        hash::uuid_text(self.config.seed ^ 0xC0DE, sequence)
    }
}

/// A simulator that is serving. Dropping it stops it.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub addr: SocketAddr,
    hub: Arc<Hub>,
    stop: CancellationToken,
    task: Option<tokio::task::JoinHandle<()>>,
}

impl Running {
    /// `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Settings in force.
    pub fn config(&self) -> &Config {
        &self.hub.config
    }

    /// Counters so far.
    pub fn stats(&self) -> Snapshot {
        self.hub.snapshot()
    }

    /// Ordinary requests of the last ten seconds, and how many are allowed.
    pub fn quota_used(&self) -> (usize, usize) {
        lock(&self.hub.limits).used(self.hub.clock.now_ms())
    }

    /// Forgets the counters, not the peaks.
    pub fn reset_stats(&self) {
        self.hub.stats.reset();
    }

    /// Moves the simulated time forward.
    pub fn advance(&self, by: Duration) {
        self.hub.clock.advance(by);
    }

    /// The simulated time in milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.hub.clock.now_ms()
    }

    /// Changes the faults from now on.
    pub fn set_faults(&self, faults: FaultPlan) {
        *lock(&self.hub.faults) = faults;
    }

    /// Modifies contacts, see [`Hub::modify`].
    pub fn modify(&self, count: usize, same_ms: bool) -> control::Modified {
        self.hub.modify(count, same_ms)
    }

    /// Deletes contacts; returns their ids.
    pub fn delete(&self, count: usize) -> Vec<u64> {
        self.hub.delete(count)
    }

    /// All live contacts in order of id, for comparing sets.
    pub fn contacts(&self) -> Vec<control::ContactLine> {
        control::lines(&lock(&self.hub.contacts), None, usize::MAX)
    }

    /// The hash of all live contacts, as `/_sim/contacts/hash` gives it.
    pub fn contacts_hash(&self) -> control::ContactsHash {
        control::contacts_hash(&self.hub)
    }

    /// Makes every access token expire now.
    pub fn expire_tokens(&self) {
        let now = self.hub.clock.now_ms();
        lock(&self.hub.grants).expire_all(now);
    }

    /// Revokes every grant, as if the user had removed the app.
    pub fn revoke_grants(&self) {
        lock(&self.hub.grants).revoke_all();
    }

    /// Stops serving and waits for the listener to be closed.
    pub async fn shutdown(mut self) {
        self.stop.cancel();
        if let Some(task) = self.task.take() {
            // The task only ends by the cancellation above.
            let _ = task.await;
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
