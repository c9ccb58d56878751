//! The decisions: which waiting call goes next. No clock, no locks, no tasks.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tenon_model::Timestamp;

use super::gate::{Gate, RULES_MAX, for_covering, gates};
use super::headers::Learned;
use super::snapshot::{LaneSnapshot, QuotaSnapshot, Snapshot};
use super::{Refusal, Rule, Scope};

const LEARNED_BIT: u64 = 1 << 63;
/// Path segments for which a lane remembers the vendor's name of the budget.
const RESOURCES_MAX: usize = 64;

/// One call that asks to go.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    lane: i64,
    covering: u64,
    segment: Box<str>,
    patience: i64,
}

impl Call {
    pub(crate) fn new(lane: i64, covering: u64, path: &str, patience: Duration) -> Self {
        let segment = path
            .trim_start_matches('/')
            .split(['/', '?'])
            .next()
            .unwrap_or_default();
        let patience = i64::try_from(patience.as_micros()).unwrap_or(i64::MAX / 4);
        Self {
            lane,
            covering,
            segment: segment.into(),
            patience,
        }
    }
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Go,
    Refused(Refusal),
}

/// What happens to a call on arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    Go,
    Waits(u64),
    Refused(Refusal),
}

/// Why a call cannot go now.
struct Blocked {
    gates: u64,
    /// When to look again; none if only a finished call can change it.
    until: Option<Timestamp>,
}

/// What the vendor said about one of its budgets.
#[derive(Debug)]
struct Belief {
    resource: Box<str>,
    counter: u8,
    calls: u64,
    until: Timestamp,
}

#[derive(Debug)]
struct Waiter {
    id: u64,
    call: Call,
    since: Timestamp,
    deadline: Timestamp,
}

/// One connection.
#[derive(Debug, Default)]
struct Lane {
    gates: Vec<Option<Gate>>,
    queue: VecDeque<Waiter>,
    in_flight: u64,
    beliefs: Vec<Belief>,
    resources: Vec<(Box<str>, Box<str>)>,
}

/// One integration: shared gates, lanes, and the order in which lanes with waiting calls take turns.
#[derive(Debug)]
pub(crate) struct Group {
    rules: Arc<[Rule]>,
    nodes: u64,
    shared: Vec<Option<Gate>>,
    lanes: HashMap<i64, Lane>,
    turns: VecDeque<i64>,
    waiting: usize,
    next_id: u64,
}

impl Group {
    pub(crate) fn new(rules: Arc<[Rule]>, nodes: u64) -> Self {
        let shared = gates(&rules, Scope::Integration, nodes);
        Self {
            rules,
            nodes,
            shared,
            lanes: HashMap::new(),
            turns: VecDeque::new(),
            waiting: 0,
            next_id: 0,
        }
    }

    pub(crate) fn has_rules(&self, rules: &Arc<[Rule]>) -> bool {
        Arc::ptr_eq(&self.rules, rules) || self.rules == *rules
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    /// Whether forgetting this group would lose nothing.
    pub(crate) fn is_idle(&mut self, now: Timestamp) -> bool {
        self.forget_idle_lanes(now);
        self.lanes.is_empty() && self.shared.iter_mut().flatten().all(|gate| gate.used(now) == 0)
    }

    /// A call arrives: it goes at once, or waits, or is refused because waiting is hopeless.
    pub(crate) fn arrive(&mut self, call: &Call, now: Timestamp, waiting_max: usize) -> Arrival {
        if self.lanes.len() >= 4096 && !self.lanes.contains_key(&call.lane) {
            self.forget_idle_lanes(now);
        }
        let uses_shared = self.shared_bits() & call.covering != 0;
        let lane = self.lanes.entry(call.lane).or_insert_with(|| Lane {
            gates: gates(&self.rules, Scope::Connection, self.nodes),
            ..Lane::default()
        });
        // Nobody overtakes on arrival: whether a call may pass one that waits is decided where all of them are seen.
        let others_wait = !lane.queue.is_empty() || (uses_shared && self.waiting > 0);
        let blocked = match check(&mut self.shared, lane, call, now) {
            Ok(()) if !others_wait => {
                take(&mut self.shared, lane, call, now);
                return Arrival::Go;
            }
            Ok(()) => Blocked {
                gates: call.covering,
                until: None,
            },
            Err(blocked) => blocked,
        };
        if let Some(until) = blocked.until
            && until.0 - now.0 > call.patience
        {
            if blocked.gates == LEARNED_BIT {
                take(&mut self.shared, lane, call, now);
                return Arrival::Go;
            }
            return Arrival::Refused(too_long(until, now));
        }
        if lane.queue.len() >= waiting_max {
            return Arrival::Refused(Refusal::QueueFull {
                waiting: lane.queue.len(),
            });
        }
        let id = self.next_id;
        self.next_id += 1;
        let deadline = Timestamp(now.0.saturating_add(call.patience));
        lane.queue.push_back(Waiter {
            id,
            call: call.clone(),
            since: now,
            deadline,
        });
        if lane.queue.len() == 1 {
            self.turns.push_back(call.lane);
        }
        self.waiting += 1;
        Arrival::Waits(id)
    }

    /// A call that was let go is finished.
    pub(crate) fn done(&mut self, call: &Call) {
        let Some(lane) = self.lanes.get_mut(&call.lane) else {
            return;
        };
        lane.in_flight = lane.in_flight.saturating_sub(1);
        for_covering(call.covering, &mut self.shared, &mut lane.gates, Gate::give_back);
    }

    /// A waiting call gave up.
    pub(crate) fn cancel(&mut self, call: &Call, id: u64) {
        let Some(lane) = self.lanes.get_mut(&call.lane) else {
            return;
        };
        let before = lane.queue.len();
        lane.queue.retain(|waiter| waiter.id != id);
        self.waiting -= before - lane.queue.len();
        if lane.queue.is_empty() {
            self.turns.retain(|turn| *turn != call.lane);
        }
    }

    /// An answer told us something about the vendor's limits.
    pub(crate) fn observe(&mut self, call: &Call, learned: &Learned, now: Timestamp) {
        let lane = self.lanes.entry(call.lane).or_insert_with(|| Lane {
            gates: gates(&self.rules, Scope::Connection, self.nodes),
            ..Lane::default()
        });
        lane.beliefs.retain(|belief| belief.until > now);
        if learned.is_empty() {
            return;
        }
        let resource: Box<str> = learned.resource.as_deref().unwrap_or_default().into();
        if !resource.is_empty() && lane.resource(&call.segment) != &*resource {
            lane.resources.retain(|(segment, _)| *segment != call.segment);
            if lane.resources.len() < RESOURCES_MAX {
                lane.resources.push((call.segment.clone(), resource.clone()));
            }
        }
        // Calls on their way are not yet part of what the vendor counted.
        let on_their_way = lane.in_flight.saturating_sub(1);
        for left in &learned.left {
            let calls = left.calls.saturating_sub(on_their_way);
            lane.believe(Belief {
                resource: resource.clone(),
                counter: left.counter,
                calls,
                until: left.until,
            });
        }
        if let Some(until) = learned.blocked_until {
            lane.believe(Belief {
                resource,
                counter: u8::MAX - 1,
                calls: 0,
                until,
            });
        }
    }

    /// Decides about waiting calls: those that may go now, those that waited too long; and when to look again.
    pub(crate) fn advance(&mut self, now: Timestamp) -> (Vec<(u64, Call, Verdict)>, Option<Timestamp>) {
        let mut decided = Vec::new();
        let mut next: Option<Timestamp>;
        loop {
            next = None;
            let mut went = false;
            for _ in 0..self.turns.len() {
                let Some(key) = self.turns.pop_front() else { break };
                let Some(lane) = self.lanes.get_mut(&key) else { continue };
                let before = decided.len();
                went |= serve(&mut self.shared, lane, now, &mut decided, &mut next);
                self.waiting -= decided.len() - before;
                if !lane.queue.is_empty() {
                    self.turns.push_back(key);
                }
            }
            if !went {
                return (decided, next);
            }
        }
    }

    pub(crate) fn snapshot(&mut self, integration: i64, now: Timestamp) -> Snapshot {
        let shared = quota_snapshots(&self.rules, &mut self.shared, now);
        let rules = &self.rules;
        let mut connections: Vec<LaneSnapshot> = self
            .lanes
            .iter_mut()
            .map(|(connection, lane)| LaneSnapshot {
                connection: *connection,
                waiting: lane.queue.len(),
                longest_wait: lane
                    .queue
                    .front()
                    .map_or(Duration::ZERO, |first| span(first.since, now)),
                in_flight: lane.in_flight,
                blocked_until: lane.blocked_until(now),
                quotas: quota_snapshots(rules, &mut lane.gates, now),
            })
            .collect();
        connections.sort_by_key(|lane| lane.connection);
        Snapshot {
            integration,
            shared,
            connections,
        }
    }

    fn shared_bits(&self) -> u64 {
        self.shared
            .iter()
            .enumerate()
            .filter(|(_, gate)| gate.is_some())
            .fold(0, |bits, (n, _)| bits | (1 << n))
    }

    fn forget_idle_lanes(&mut self, now: Timestamp) {
        self.lanes.retain(|_, lane| {
            lane.in_flight > 0
                || !lane.queue.is_empty()
                || lane.beliefs.iter().any(|belief| belief.until > now)
                || lane.gates.iter_mut().flatten().any(|gate| gate.used(now) > 0)
        });
    }
}

impl Lane {
    fn resource(&self, segment: &str) -> &str {
        self.resources
            .iter()
            .find(|(known, _)| **known == *segment)
            .map_or("", |(_, resource)| resource)
    }

    fn believe(&mut self, belief: Belief) {
        self.beliefs
            .retain(|old| old.counter != belief.counter || old.resource != belief.resource);
        self.beliefs.push(belief);
    }

    fn blocked_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.beliefs
            .iter()
            .filter(|b| b.calls == 0 && b.until > now)
            .map(|b| b.until)
            .max()
    }
}

/// One turn of a lane: at most one call goes, in order among calls that share a gate.
fn serve(
    shared: &mut [Option<Gate>],
    lane: &mut Lane,
    now: Timestamp,
    decided: &mut Vec<(u64, Call, Verdict)>,
    next: &mut Option<Timestamp>,
) -> bool {
    let mut closed = 0;
    let mut index = 0;
    while let Some(waiter) = lane.queue.get(index) {
        let call = waiter.call.clone();
        let (deadline, id) = (waiter.deadline, waiter.id);
        let outcome = if closed & call.covering == 0 {
            Some(check(shared, lane, &call, now))
        } else {
            None
        };
        match outcome {
            Some(Ok(())) => {
                take(shared, lane, &call, now);
                lane.queue.remove(index);
                decided.push((id, call, Verdict::Go));
                return true;
            }
            Some(Err(blocked)) if deadline <= now && blocked.gates == LEARNED_BIT => {
                take(shared, lane, &call, now);
                lane.queue.remove(index);
                decided.push((id, call, Verdict::Go));
                return true;
            }
            Some(Err(_)) | None if deadline <= now => {
                let until = outcome
                    .and_then(Result::err)
                    .and_then(|blocked| blocked.until)
                    .unwrap_or(now);
                lane.queue.remove(index);
                decided.push((id, call, Verdict::Refused(too_long(until, now))));
            }
            Some(Err(blocked)) => {
                // A learned block closes nothing for others: it may be about another budget of the vendor.
                closed |= blocked.gates & !LEARNED_BIT;
                soonest(next, blocked.until);
                soonest(next, Some(deadline));
                index += 1;
            }
            None => {
                soonest(next, Some(deadline));
                index += 1;
            }
        }
    }
    false
}

fn soonest(next: &mut Option<Timestamp>, moment: Option<Timestamp>) {
    *next = match (*next, moment) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
}

/// Whether every gate has room; otherwise which have not, and when the last of them will.
fn check(shared: &mut [Option<Gate>], lane: &mut Lane, call: &Call, now: Timestamp) -> Result<(), Blocked> {
    let mut blocked = Blocked { gates: 0, until: None };
    let later = |until: &mut Option<Timestamp>, moment: Option<Timestamp>| {
        if let Some(moment) = moment {
            *until = Some(until.map_or(moment, |known| known.max(moment)));
        }
    };
    let mut bits = call.covering & ((1 << RULES_MAX) - 1);
    while bits != 0 {
        let index = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        for gate in [shared.get_mut(index), lane.gates.get_mut(index)]
            .into_iter()
            .flatten()
            .flatten()
        {
            if let Err(until) = gate.room(now) {
                blocked.gates |= 1 << index;
                later(&mut blocked.until, until);
            }
        }
    }
    let resource = lane.resource(&call.segment);
    for belief in &lane.beliefs {
        if belief.calls == 0 && belief.until > now && *belief.resource == *resource {
            blocked.gates |= LEARNED_BIT;
            later(&mut blocked.until, Some(belief.until));
        }
    }
    if blocked.gates == 0 { Ok(()) } else { Err(blocked) }
}

/// Counts a call at every gate.
fn take(shared: &mut [Option<Gate>], lane: &mut Lane, call: &Call, now: Timestamp) {
    lane.in_flight += 1;
    for_covering(call.covering, shared, &mut lane.gates, |gate| gate.take(now));
    let Lane { beliefs, resources, .. } = lane;
    let resource = resources
        .iter()
        .find(|(known, _)| *known == call.segment)
        .map_or("", |(_, resource)| &**resource);
    for belief in beliefs.iter_mut().filter(|belief| *belief.resource == *resource) {
        belief.calls = belief.calls.saturating_sub(1);
    }
}

fn too_long(until: Timestamp, now: Timestamp) -> Refusal {
    Refusal::TooLong { wait: span(now, until) }
}

fn span(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_micros(u64::try_from(to.0 - from.0).unwrap_or(0))
}

fn quota_snapshots(rules: &[Rule], gates: &mut [Option<Gate>], now: Timestamp) -> Vec<QuotaSnapshot> {
    let one = |(rule, gate): (&Rule, &mut Option<Gate>)| {
        let used = gate.as_mut()?.used(now);
        Some(QuotaSnapshot {
            name: rule.name.clone(),
            used,
            limit: rule.limit,
            window: rule.window,
        })
    };
    rules.iter().zip(gates.iter_mut()).filter_map(one).collect()
}
