//! Pre-emptive rate limits: calls wait here instead of being rejected there.
//!
//! A vendor's quota is known from the catalogue ([`Rule`]) or learned from the headers of its answers. Each
//! integration has a [`group::Group`]: the quotas its connections share, one lane per connection, and the calls that
//! wait. The group is pure: it is told what happened and the time, and says which calls may go and when to look
//! again; this file adds the lock, the timer and the wake-ups.
//!
//! What holds, whatever the load:
//! - no window of a catalogue quota ever sees more calls than the quota allows (counted where we send, with a small
//!   margin for calls that overtake each other on the way);
//! - calls of one connection that share a quota go in the order in which they came;
//! - connections that share a quota take turns, so that a busy one cannot starve the others;
//! - waiting is bounded in time and in number; who waits too long is told how long it would have taken.
//!
//! Learned facts are weaker: if they would mean waiting longer than the caller can, the call is sent and the vendor
//! says itself what it thinks of it. Counts are per node; with several nodes the headers keep them honest, and
//! [`Governor::set_nodes`] divides what the catalogue promises.

mod gate;
mod group;
mod headers;
mod meter;
mod snapshot;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderMap, StatusCode};
use tenon_model::{Clock, Timestamp};
use tokio::sync::{Notify, oneshot};

pub use headers::{Learned, Left, learn, wait_from};
pub use snapshot::{LaneSnapshot, QuotaSnapshot, Snapshot};

use group::{Arrival, Call, Group, Verdict};

/// Whose calls share a quota.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Those of one connection.
    Connection,
    /// Those of all connections of an integration.
    Integration,
}

/// One quota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Name for people.
    pub name: String,
    /// Calls (or points) per window, or calls at once when the window is zero.
    pub limit: u64,
    /// Length of the window; zero for a limit of calls at once.
    pub window: Duration,
    /// What one call costs.
    pub cost: u64,
    /// Who shares it.
    pub scope: Scope,
}

/// Whose call it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    /// The integration: the developer's app at the vendor.
    pub integration: i64,
    /// The connection: the end user's account at the vendor.
    pub connection: i64,
}

/// A call that may not go now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The quota will not have room in time.
    #[error("the provider's quota has no room for another {} ms", wait.as_millis())]
    TooLong {
        /// How long it would take, at least.
        wait: Duration,
    },
    /// Too many calls of this connection wait already.
    #[error("{waiting} calls of this connection are waiting already")]
    QueueFull {
        /// How many.
        waiting: usize,
    },
}

/// Limits of the governor itself.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// Calls of one connection that may wait. 1,000: at five calls a second, more than three minutes' worth.
    pub waiting_max: usize,
    /// Integrations remembered before idle ones are forgotten.
    pub groups_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            waiting_max: 1000,
            groups_max: 1024,
        }
    }
}

/// The rate governor; cheap to clone.
#[derive(Clone)]
pub struct Governor(Arc<Inner>);

struct Inner {
    clock: Arc<dyn Clock>,
    bounds: Bounds,
    nodes: AtomicU64,
    groups: Mutex<HashMap<i64, Arc<Cell>>>,
}

/// A group with what connects it to the world.
struct Cell {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    wake: Notify,
}

struct State {
    group: Group,
    callers: HashMap<u64, oneshot::Sender<Verdict>>,
    driven: bool,
}

impl std::fmt::Debug for Governor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Governor")
            .field("bounds", &self.0.bounds)
            .finish_non_exhaustive()
    }
}

impl Governor {
    /// A governor that has seen nothing yet.
    pub fn new(clock: Arc<dyn Clock>, bounds: Bounds) -> Self {
        Self(Arc::new(Inner {
            clock,
            bounds,
            nodes: AtomicU64::new(1),
            groups: Mutex::new(HashMap::new()),
        }))
    }

    /// Says how many nodes share the vendor's quotas; each keeps to its part. Applies to groups made from now on.
    pub fn set_nodes(&self, nodes: u64) {
        self.0.nodes.store(nodes.max(1), Ordering::Relaxed);
    }

    /// Waits until a call may go. `covering` has bit `n` set when `rules[n]` covers the call; rules beyond the 60th
    /// are ignored. `path` tells apart the resources for which some vendors count separately.
    ///
    /// # Errors
    /// [`Refusal`] when the call would have to wait longer than `patience`, or too many wait.
    #[tenon_model::boxed]
    pub async fn admit(
        &self,
        key: Key,
        rules: &Arc<[Rule]>,
        covering: u64,
        path: &str,
        patience: Duration,
    ) -> Result<Ticket, Refusal> {
        let call = Call::new(key.connection, covering, path, patience);
        let cell = match self.find(key, rules) {
            Some(cell) => cell,
            None => {
                return Ok(Ticket {
                    governor: self.clone(),
                    key,
                    call,
                    cell: None,
                    waited: Duration::ZERO,
                });
            }
        };
        let ticket = |cell, waited| Ticket {
            governor: self.clone(),
            key,
            call: call.clone(),
            cell,
            waited,
        };
        let started = cell.clock.now();
        let (id, answer) = {
            let mut state = cell.lock();
            match state.group.arrive(&call, started, self.0.bounds.waiting_max) {
                Arrival::Go => return Ok(ticket(Some(Arc::clone(&cell)), Duration::ZERO)),
                Arrival::Refused(refusal) => return Err(refusal),
                Arrival::Waits(id) => {
                    let (sender, receiver) = oneshot::channel();
                    state.callers.insert(id, sender);
                    if !std::mem::replace(&mut state.driven, true) {
                        tokio::spawn(drive(Arc::clone(&cell)));
                    }
                    (id, receiver)
                }
            }
        };
        cell.wake.notify_one();
        let mut waiting = Waiting {
            cell: &cell,
            call: &call,
            id,
            answer,
        };
        match (&mut waiting.answer).await {
            Ok(Verdict::Go) => {
                let waited = Duration::from_micros(u64::try_from(cell.clock.now().0 - started.0).unwrap_or(0));
                Ok(ticket(Some(Arc::clone(&cell)), waited))
            }
            Ok(Verdict::Refused(refusal)) => Err(refusal),
            // The driver is gone, which only happens when the server stops.
            Err(_) => Err(Refusal::TooLong { wait: patience }),
        }
    }

    /// What the governor knows now, for the log and the UI.
    pub fn snapshot(&self) -> Vec<Snapshot> {
        let cells: Vec<(i64, Arc<Cell>)> = self.0.lock().iter().map(|(id, cell)| (*id, Arc::clone(cell))).collect();
        let now = self.0.clock.now();
        cells
            .into_iter()
            .map(|(integration, cell)| cell.lock().group.snapshot(integration, now))
            .collect()
    }

    /// The group of a call; none when there is nothing to govern.
    fn find(&self, key: Key, rules: &Arc<[Rule]>) -> Option<Arc<Cell>> {
        let mut groups = self.0.lock();
        match groups.get(&key.integration) {
            Some(cell) if cell.lock().group.has_rules(rules) => return Some(Arc::clone(cell)),
            None if rules.is_empty() => return None,
            Some(_) | None => {}
        }
        Some(self.create(&mut groups, key.integration, rules))
    }

    fn create(&self, groups: &mut HashMap<i64, Arc<Cell>>, integration: i64, rules: &Arc<[Rule]>) -> Arc<Cell> {
        if groups.len() >= self.0.bounds.groups_max {
            let now = self.0.clock.now();
            groups.retain(|_, cell| !cell.lock().group.is_idle(now));
        }
        let group = Group::new(Arc::clone(rules), self.0.nodes.load(Ordering::Relaxed));
        let state = State {
            group,
            callers: HashMap::new(),
            driven: false,
        };
        let cell = Arc::new(Cell {
            clock: Arc::clone(&self.0.clock),
            state: Mutex::new(state),
            wake: Notify::new(),
        });
        groups.insert(integration, Arc::clone(&cell));
        cell
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, HashMap<i64, Arc<Cell>>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go whoever may, and says when to look again.
    fn advance(&self, now: Timestamp) -> Option<Timestamp> {
        let mut state = self.lock();
        loop {
            let (decided, next) = state.group.advance(now);
            let mut lost = false;
            for (id, call, verdict) in decided {
                let heard = state
                    .callers
                    .remove(&id)
                    .is_some_and(|caller| caller.send(verdict).is_ok());
                if !heard && verdict == Verdict::Go {
                    state.group.done(&call);
                    lost = true;
                }
            }
            if !lost {
                return next;
            }
        }
    }
}

/// Wakes the waiting calls of one group until nobody waits.
async fn drive(cell: Arc<Cell>) {
    loop {
        let now = cell.clock.now();
        let next = cell.advance(now);
        {
            let mut state = cell.lock();
            if state.group.waiting() == 0 {
                state.driven = false;
                return;
            }
        }
        // Without a known moment the next finished call will wake us; a second bounds the damage of a mistake.
        let pause = next.map_or(1_000_000, |next| (next.0 - now.0).clamp(200, 1_000_000));
        tokio::select! {
            () = tokio::time::sleep(Duration::from_micros(pause.unsigned_abs())) => {}
            () = cell.wake.notified() => {}
        }
    }
}

/// A call that waits; when its caller goes away it leaves the queue.
struct Waiting<'a> {
    cell: &'a Arc<Cell>,
    call: &'a Call,
    id: u64,
    answer: oneshot::Receiver<Verdict>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let mut state = self.cell.lock();
        if state.callers.remove(&self.id).is_some() {
            state.group.cancel(self.call, self.id);
        } else if matches!(self.answer.try_recv(), Ok(Verdict::Go)) {
            state.group.done(self.call);
        }
        drop(state);
        self.cell.wake.notify_one();
    }
}

/// The right to make one call; counts as in flight until it is dropped.
pub struct Ticket {
    governor: Governor,
    key: Key,
    call: Call,
    cell: Option<Arc<Cell>>,
    waited: Duration,
}

impl std::fmt::Debug for Ticket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ticket")
            .field("key", &self.key)
            .field("waited", &self.waited)
            .finish_non_exhaustive()
    }
}

impl Ticket {
    /// How long the call was held back.
    pub fn waited(&self) -> Duration {
        self.waited
    }

    /// Tells the governor what the vendor's answer says about its limits.
    pub fn observe(&mut self, status: StatusCode, headers: &HeaderMap) {
        let now = self.governor.0.clock.now();
        let learned = learn(status, headers, now);
        if learned.is_empty() && self.cell.is_none() {
            return;
        }
        let cell = match &self.cell {
            Some(cell) => Arc::clone(cell),
            None => {
                let mut groups = self.governor.0.lock();
                let existing = groups.get(&self.key.integration).map(Arc::clone);
                existing.unwrap_or_else(|| self.governor.create(&mut groups, self.key.integration, &Arc::from([])))
            }
        };
        cell.lock().group.observe(&self.call, &learned, now);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let Some(cell) = &self.cell else { return };
        let waiting = {
            let mut state = cell.lock();
            state.group.done(&self.call);
            state.group.waiting()
        };
        if waiting > 0 {
            cell.wake.notify_one();
        }
    }
}
