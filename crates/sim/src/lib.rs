#![doc = include_str!("../README.md")]

pub mod clock;
pub mod faults;
pub mod hash;
pub mod hubspot;
pub mod net;
pub mod timetext;
pub mod window;

pub use clock::SimClock;
pub use faults::{Fault, FaultPlan};
pub use hubspot::{Config, HubSpot, Running};

/// What can go wrong when a simulator starts.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The listening address is taken or not ours.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: String,
        /// Why the operating system refused.
        #[source]
        source: std::io::Error,
    },
    /// A fault specification such as `reset=1%` could not be read.
    #[error("bad fault specification: {0}")]
    Faults(String),
    /// The outgoing HTTP client of the webhook sender could not be built.
    #[error("cannot build the webhook sender")]
    Client(#[source] reqwest::Error),
    /// A setting is out of its range.
    #[error("bad setting: {0}")]
    Setting(String),
}

/// Locks and ignores poisoning: simulator state stays usable after a panicking handler.
pub(crate) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
