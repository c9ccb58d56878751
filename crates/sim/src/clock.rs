//! The simulator's own time: the wall clock plus an offset that tests move forward.
//!
//! Token expiry, rate windows and `lastmodifieddate` all read this clock, so that "half an hour later" is one call and
//! not a wait. A manual clock stands still between calls, which makes window tests exact.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock in milliseconds since 1970 that never goes back.
#[derive(Debug)]
pub struct SimClock {
    origin_ms: i64,
    started: Instant,
    offset_ms: AtomicI64,
    manual: bool,
}

impl SimClock {
    /// Runs with the wall clock.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place where the simulator reads the system clock"
    )]
    pub fn running() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self::new(i64::try_from(since.as_millis()).unwrap_or(i64::MAX), false)
    }

    /// Stands at `origin_ms` until it is advanced.
    pub fn manual(origin_ms: i64) -> Self {
        Self::new(origin_ms, true)
    }

    fn new(origin_ms: i64, manual: bool) -> Self {
        Self {
            origin_ms,
            started: Instant::now(),
            offset_ms: AtomicI64::new(0),
            manual,
        }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        let elapsed = if self.manual {
            0
        } else {
            i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX)
        };
        self.origin_ms
            .saturating_add(elapsed)
            .saturating_add(self.offset_ms.load(Ordering::SeqCst))
    }

    /// Moves the clock forward; returns the new time.
    pub fn advance(&self, by: Duration) -> i64 {
        let by_ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.offset_ms.fetch_add(by_ms, Ordering::SeqCst);
        self.now_ms()
    }
}
