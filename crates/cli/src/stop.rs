//! The wish of a person or a service manager that the process ends.

use anyhow::{Context, Result};
use tokio::signal::unix::{SignalKind, signal};

/// Ends when Ctrl-C or SIGTERM arrives. Listens from this call on, not from the first poll: a program that asks for a new
/// listener now and then misses what arrives between two of them, because the first one takes the signal's default, which is to
/// end the process, away for good.
///
/// # Errors
/// The system refuses to tell of signals.
pub fn stop_signal() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate()).context("SIGTERM cannot be received")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("Ctrl-C cannot be received")?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
