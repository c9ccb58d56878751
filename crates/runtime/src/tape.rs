//! What a run takes from chance, so that it can be run again: the clock as it was read, the seed of its randomness, and
//! the order in which answers and timers woke it.
//!
//! Computing is the same each time; what is not the same comes in here. Together with the answers of the host, which an
//! [`Observer`] sees, a tape repeats a run exactly.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::protocol::{HostCall, HostError, HostReply};

/// Readings of the clock and turns that a tape keeps; a longer run is cut off there.
pub(crate) const ENTRIES_MAX: usize = 200_000;
/// Bytes of a seed.
pub(crate) const SEED_BYTES: usize = 32;

/// Whether a run leaves a tape, or follows one.
#[derive(Debug, Clone, Default)]
pub enum Taping {
    /// Time and randomness are the system's, and nobody watches.
    #[default]
    Off,
    /// The same, written down; the observer sees each call and its answer.
    Record(Arc<dyn Observer>),
    /// Time, randomness and order are those of the tape. Needs an isolate of its own.
    Replay(Arc<Tape>, Arc<dyn Observer>),
}

impl Taping {
    pub(crate) fn observer(&self) -> Option<&dyn Observer> {
        match self {
            Self::Off => None,
            Self::Record(observer) | Self::Replay(_, observer) => Some(observer.as_ref()),
        }
    }
}

/// Sees what a run asks of its host, in the order in which it asks.
pub trait Observer: std::fmt::Debug + Send + Sync {
    /// The run begins, or begins anew because its worker was lost before it asked for anything.
    fn begins(&self);
    /// The run asks. Log lines have no number; others have one of their own in this run.
    fn called(&self, number: Option<u32>, call: &HostCall);
    /// The host answered.
    fn answered(&self, number: u32, answer: &Result<HostReply, HostError>);
}

/// The tape of one run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tape {
    /// 32 bytes in hex from which everything random in the run follows.
    pub seed: String,
    /// What woke the run, and the clock as it read it meanwhile.
    pub turns: Vec<Turn>,
    /// There was more than a tape may hold; turns and readings after that are missing.
    pub cut: bool,
    /// The isolate had served runs before: state that the code's modules kept is not on the tape.
    pub warm: bool,
}

/// From one awakening of the run until it waits again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// What woke it.
    pub on: Cause,
    /// Readings of the clock, each with the number of times in a row that it was the same. Units are a tenth of a
    /// millisecond, since 1970 for dates, since the start of the run for `performance.now()`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clock: Vec<(i64, u32)>,
}

/// What woke a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Its start.
    Start,
    /// The answer to the call with this number.
    Reply(u32),
    /// The timer with this number.
    Timer(u32),
    /// It was told to end, with this code.
    Cancel(String),
}

impl Tape {
    /// Milliseconds since 1970 at which the run began.
    pub fn begun_ms(&self) -> Option<i64> {
        let (reading, _) = self.turns.first()?.clock.first()?;
        Some(reading / 10)
    }
}

/// What the worker is told.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WireTaping {
    #[default]
    Off,
    Record,
    Replay(Tape),
}

impl From<&Taping> for WireTaping {
    fn from(taping: &Taping) -> Self {
        match taping {
            Taping::Off => Self::Off,
            Taping::Record(_) => Self::Record,
            Taping::Replay(tape, _) => Self::Replay(Tape::clone(tape)),
        }
    }
}
