#![doc = include_str!("../README.md")]

pub mod cassette;
pub mod protocol;

mod config;
mod invocation;
mod outcome;
mod places;
mod pool;
mod runtime;
mod sys;
mod tape;
mod wire;
mod worker;

pub use config::RuntimeConfig;
pub use invocation::{Code, Invocation, Kind, Limits, Replay, RunContext, Unnamed};
pub use outcome::{ErrorKind, Limit, Outcome, RunError, Upstream};
pub use runtime::{Census, Runtime};
pub use sys::forbid_core_dumps;
pub use tape::{Cause, Observer, Tape, Taping, Turn};
pub use worker::worker_main;
