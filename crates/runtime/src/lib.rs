//! Runs customer JavaScript in sandboxed worker processes; knows none of our other crates.

pub mod protocol;

mod invocation;
mod outcome;

pub use invocation::{Code, Invocation, Kind, Limits, RunContext};
pub use outcome::{ErrorKind, Limit, Outcome, RunError, Upstream};
