//! Counting within a sliding window, exactly where it matters and in bounded memory.

use std::collections::VecDeque;
use std::time::Duration;

use tenon_model::Timestamp;

/// Up to this limit every call is remembered by itself; beyond it calls that are close in time share an entry.
const EXACT_UP_TO: u64 = 256;
/// Entries per window when calls share entries.
const GRAINS: i64 = 64;

/// A window that never holds more than its limit.
///
/// An entry counts until a full window after the *latest* call in it, so sharing entries can only make the meter
/// stricter: whatever window of the given length is laid over the calls, it holds at most `limit`.
#[derive(Debug)]
pub(crate) struct Meter {
    limit: u64,
    window: i64,
    grain: i64,
    entries: VecDeque<Entry>,
    used: u64,
}

#[derive(Debug)]
struct Entry {
    first: i64,
    last: i64,
    cost: u64,
}

impl Meter {
    /// A meter whose window is a little longer than the vendor's: two calls may come closer together on their way.
    pub(crate) fn new(limit: u64, window: Duration) -> Self {
        let micros = i64::try_from(window.as_micros()).unwrap_or(i64::MAX / 4);
        let margin = (micros / 20).min(250_000);
        Self::exact(limit, micros.saturating_add(margin))
    }

    /// A meter with a window of exactly this many microseconds.
    pub(crate) fn exact(limit: u64, window: i64) -> Self {
        let grain = if limit > EXACT_UP_TO { window / GRAINS } else { 0 };
        Self {
            limit: limit.max(1),
            window,
            grain,
            entries: VecDeque::new(),
            used: 0,
        }
    }

    /// Whether there is room for a call; otherwise the moment at which there will be, if nobody else comes first.
    pub(crate) fn room(&mut self, now: Timestamp, cost: u64) -> Result<(), Timestamp> {
        self.expire(now);
        let cost = cost.min(self.limit);
        if self.used + cost <= self.limit {
            return Ok(());
        }
        let mut remaining = self.used;
        for entry in &self.entries {
            remaining -= entry.cost;
            if remaining + cost <= self.limit {
                return Err(Timestamp(entry.last + self.window));
            }
        }
        Ok(())
    }

    /// Counts a call.
    pub(crate) fn take(&mut self, now: Timestamp, cost: u64) {
        let cost = cost.min(self.limit);
        self.used += cost;
        match self.entries.back_mut() {
            // A clock that stepped back must not let an entry expire early.
            Some(entry) if now.0 - entry.first <= self.grain => {
                entry.last = entry.last.max(now.0);
                entry.cost += cost;
            }
            _ => self.entries.push_back(Entry {
                first: now.0,
                last: now.0,
                cost,
            }),
        }
    }

    /// What is used of the limit now.
    pub(crate) fn used(&mut self, now: Timestamp) -> u64 {
        self.expire(now);
        self.used
    }

    fn expire(&mut self, now: Timestamp) {
        while let Some(entry) = self.entries.front()
            && entry.last + self.window <= now.0
        {
            self.used -= entry.cost;
            self.entries.pop_front();
        }
    }
}
