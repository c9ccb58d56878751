#![doc = include_str!("../README.md")]

pub mod protocol;

mod config;
mod invocation;
mod outcome;
mod pool;
mod runtime;
mod sys;
mod wire;
mod worker;

pub use config::RuntimeConfig;
pub use invocation::{Code, Invocation, Kind, Limits, Replay, RunContext, Unnamed};
pub use outcome::{ErrorKind, Limit, Outcome, RunError, Upstream};
pub use runtime::{Census, Runtime};
pub use sys::forbid_core_dumps;
pub use worker::worker_main;
