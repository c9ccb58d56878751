//! Quotas being counted, by window or by calls at once.

use tenon_model::Timestamp;

use super::meter::Meter;
use super::{Rule, Scope};

/// Rules that a group looks at; the bits above stand for learned facts.
pub(super) const RULES_MAX: usize = 60;

/// One quota being counted.
#[derive(Debug)]
pub(super) enum Gate {
    Window { meter: Meter, cost: u64 },
    AtOnce { max: u64, now: u64 },
}

impl Gate {
    pub(super) fn new(rule: &Rule, nodes: u64) -> Self {
        let limit = (rule.limit / nodes).max(1);
        if rule.window.is_zero() {
            Self::AtOnce { max: limit, now: 0 }
        } else {
            Self::Window {
                meter: Meter::new(limit, rule.window),
                cost: rule.cost,
            }
        }
    }

    pub(super) fn room(&mut self, now: Timestamp) -> Result<(), Option<Timestamp>> {
        match self {
            Self::Window { meter, cost } => meter.room(now, *cost).map_err(Some),
            Self::AtOnce { max, now } if *now >= *max => Err(None),
            Self::AtOnce { .. } => Ok(()),
        }
    }

    pub(super) fn take(&mut self, at: Timestamp) {
        match self {
            Self::Window { meter, cost } => meter.take(at, *cost),
            Self::AtOnce { now, .. } => *now += 1,
        }
    }

    pub(super) fn give_back(&mut self) {
        if let Self::AtOnce { now, .. } = self {
            *now = now.saturating_sub(1);
        }
    }

    pub(super) fn used(&mut self, at: Timestamp) -> u64 {
        match self {
            Self::Window { meter, .. } => meter.used(at),
            Self::AtOnce { now, .. } => *now,
        }
    }
}

/// Does something at each gate that covers a call.
pub(super) fn for_covering(
    covering: u64,
    shared: &mut [Option<Gate>],
    own: &mut [Option<Gate>],
    mut act: impl FnMut(&mut Gate),
) {
    let mut bits = covering & ((1 << RULES_MAX) - 1);
    while bits != 0 {
        let index = bits.trailing_zeros() as usize;
        bits &= bits - 1;
        for gate in [shared.get_mut(index), own.get_mut(index)]
            .into_iter()
            .flatten()
            .flatten()
        {
            act(gate);
        }
    }
}

/// The gates of one scope, in the order of the rules.
pub(super) fn gates(rules: &[Rule], scope: Scope, nodes: u64) -> Vec<Option<Gate>> {
    let gate = |rule: &Rule| (rule.scope == scope).then(|| Gate::new(rule, nodes));
    rules.iter().take(RULES_MAX).map(gate).collect()
}
