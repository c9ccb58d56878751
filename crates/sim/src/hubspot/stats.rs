//! What the simulator was asked: the basis of claims such as "only changes were fetched" and "never more than five
//! searches in any second".

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use serde::{Deserialize, Serialize};

use crate::lock;

/// Counters of one route.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteStats {
    /// Requests that arrived.
    pub requests: u64,
    /// Answers by status; `0` counts answers that were cut off on purpose.
    pub by_status: BTreeMap<u16, u64>,
}

/// Everything that `/_sim/stats` shows. Times are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Live contacts.
    pub contacts: usize,
    /// CRM requests that arrived, all routes.
    pub requests: u64,
    /// Requests by method and path template.
    pub routes: BTreeMap<String, RouteStats>,
    /// List pages of live contacts that were answered 200.
    pub list_pages: u64,
    /// List pages of archived contacts that were answered 200.
    pub archived_pages: u64,
    /// Searches that were answered 200.
    pub searches: u64,
    /// Live contacts that went out in list and search answers.
    pub contacts_returned: u64,
    /// Most searches that arrived within any one second.
    pub max_searches_in_a_second: usize,
    /// Most other requests that arrived within any ten seconds.
    pub max_requests_in_ten_seconds: usize,
    /// Most requests that were being answered at once.
    pub max_concurrent: usize,
    /// Codes that were exchanged.
    pub codes_exchanged: u64,
    /// Access tokens handed out, by exchange or refresh.
    pub tokens_issued: u64,
    /// Refreshes that succeeded.
    pub refreshes: u64,
    /// Refreshes that were refused.
    pub refresh_refusals: u64,
    /// Answers 401.
    pub unauthorized: u64,
    /// Answers 429, whatever the policy.
    pub rate_limited: u64,
    /// Answers 400 because a query was paged beyond the search cap.
    pub search_cap_refusals: u64,
    /// Injected faults by kind.
    pub faults: BTreeMap<String, u64>,
    /// Webhook deliveries that were answered 2xx.
    pub webhooks_delivered: u64,
    /// Webhook events in those deliveries.
    pub webhook_events_delivered: u64,
    /// Webhook attempts that failed.
    pub webhook_failures: u64,
}

/// Counters in use.
#[derive(Debug, Default)]
pub struct Stats {
    inner: Mutex<Snapshot>,
    in_flight: AtomicUsize,
    sequence: AtomicU64,
}

impl Stats {
    /// Changes counters.
    pub fn note(&self, change: impl FnOnce(&mut Snapshot)) {
        change(&mut lock(&self.inner));
    }

    /// Copies the counters. Peaks and contacts are filled in by the caller.
    pub fn snapshot(&self) -> Snapshot {
        lock(&self.inner).clone()
    }

    /// Forgets everything but the numbering of requests.
    pub fn reset(&self) {
        *lock(&self.inner) = Snapshot::default();
    }

    /// The number of the next CRM request, from 0; faults depend on it.
    pub fn next_sequence(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::SeqCst)
    }

    /// Counts a request in; it is counted out when the guard is dropped.
    pub fn enter(&self) -> InFlight<'_> {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.note(|stats| stats.max_concurrent = stats.max_concurrent.max(now));
        InFlight(self)
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub struct InFlight<'a>(&'a Stats);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}
