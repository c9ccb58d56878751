//! Rolling windows: one that refuses above a quota, one that only remembers the peak.

use std::collections::VecDeque;

/// A quota over a rolling window: at most `max` hits in any `window_ms` milliseconds.
#[derive(Debug)]
pub struct Quota {
    max: usize,
    window_ms: i64,
    hits: VecDeque<i64>,
}

/// The answer of [`Quota::hit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Counted; this many are left in the window.
    Admitted {
        /// Hits still allowed now.
        remaining: usize,
    },
    /// Not counted; the window has room again after this time.
    Refused {
        /// Milliseconds until the oldest hit leaves the window.
        retry_after_ms: i64,
    },
}

impl Quota {
    /// A quota of `max` hits in any `window_ms`.
    pub fn new(max: usize, window_ms: i64) -> Self {
        Self {
            max,
            window_ms,
            hits: VecDeque::new(),
        }
    }

    /// Asks for one hit at `now_ms`. A refused hit does not count.
    pub fn hit(&mut self, now_ms: i64) -> Admission {
        self.forget(now_ms);
        if self.hits.len() >= self.max {
            let oldest = self.hits.front().copied().unwrap_or(now_ms);
            return Admission::Refused {
                retry_after_ms: (oldest + self.window_ms - now_ms).max(1),
            };
        }
        self.hits.push_back(now_ms);
        Admission::Admitted {
            remaining: self.max - self.hits.len(),
        }
    }

    /// The quota.
    pub fn max(&self) -> usize {
        self.max
    }

    /// The length of the window in milliseconds.
    pub fn window_ms(&self) -> i64 {
        self.window_ms
    }

    /// Hits of the last `span_ms` milliseconds (at most the window).
    pub fn recent(&self, now_ms: i64, span_ms: i64) -> usize {
        self.hits
            .iter()
            .rev()
            .take_while(|hit| **hit > now_ms - span_ms)
            .count()
    }

    fn forget(&mut self, now_ms: i64) {
        while self.hits.front().is_some_and(|hit| *hit <= now_ms - self.window_ms) {
            self.hits.pop_front();
        }
    }
}

/// Remembers the largest number of hits that fell into any one window.
#[derive(Debug)]
pub struct Peak {
    window_ms: i64,
    hits: VecDeque<i64>,
    peak: usize,
}

impl Peak {
    /// Watches windows of `window_ms`.
    pub fn new(window_ms: i64) -> Self {
        Self {
            window_ms,
            hits: VecDeque::new(),
            peak: 0,
        }
    }

    /// Notes a hit.
    pub fn note(&mut self, now_ms: i64) {
        while self.hits.front().is_some_and(|hit| *hit <= now_ms - self.window_ms) {
            self.hits.pop_front();
        }
        self.hits.push_back(now_ms);
        self.peak = self.peak.max(self.hits.len());
    }

    /// The largest number of hits in any window so far.
    pub fn peak(&self) -> usize {
        self.peak
    }
}
