//! Recorded runs: which are kept, how they are cleaned of secrets, and who may read them.
//!
//! A run that may be kept is watched from its start, because nobody knows yet whether it will fail. What was seen is
//! cleaned, compressed and sealed only when the run is kept; it is thrown away otherwise.

mod keep;
mod scrub;
mod secrets;
mod text;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tenon_store::tables::{operations, run_recordings as table};
use tokio::sync::Semaphore;

use crate::caller::Caller;
use crate::operations::{operation_json, parse_id};
use crate::{App, Error, Result};

pub use scrub::{mask, scrub};

/// Recordings that may be made ready to be stored at the same time on a node.
const STORING_MAX: usize = 8;
/// What all recordings have together is measured after this part of what they may have was stored: to measure is to look
/// at every one of them.
const MEASURED_EVERY: u64 = 64;

/// What a node remembers about storing recordings.
pub(crate) struct Shelf {
    /// Room for those that are made ready.
    storing: Arc<Semaphore>,
    /// Bytes stored since all were measured.
    unmeasured: AtomicU64,
}

impl Default for Shelf {
    fn default() -> Self {
        Self {
            storing: Arc::new(Semaphore::new(STORING_MAX)),
            // What former processes stored was never measured by this one.
            unmeasured: AtomicU64::new(u64::MAX / 2),
        }
    }
}

impl Shelf {
    /// Counts bytes that are being stored; whether all recordings are to be measured now.
    fn is_due(&self, bytes: u64, part: u64) -> bool {
        let sum = self
            .unmeasured
            .fetch_add(bytes, Ordering::Relaxed)
            .saturating_add(bytes);
        if sum > part {
            self.unmeasured.store(0, Ordering::Relaxed);
        }
        sum > part
    }
}

/// Which runs are recorded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Keep {
    /// None; nothing is watched.
    Off,
    /// Those that fail, and this share (0 to 1) of all.
    Failures(f64),
    /// Every run.
    All,
}

/// Settings of recordings.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Which runs are recorded.
    pub keep: Keep,
    /// Names of the environments whose runs are recorded; empty for all.
    pub environments: Vec<String>,
    /// Bytes of one recording before compression; what a run does beyond is not kept.
    pub bytes_max: usize,
    /// Days that a recording is kept.
    pub days: u32,
    /// Recordings kept in one environment.
    pub runs_max: u32,
    /// Bytes of all stored recordings together.
    pub total_bytes_max: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            keep: Keep::Failures(0.0),
            environments: Vec::new(),
            bytes_max: 4 << 20,
            days: 7,
            runs_max: 200,
            total_bytes_max: 1 << 30,
        }
    }
}

impl App {
    /// `GET /functions/runs/:id/recording`: the recording of a run as JSON text.
    #[tenon_model::boxed]
    pub async fn read_recording(&self, caller: &Caller, id: &str) -> Result<String> {
        caller.require("environment:logs:read")?;
        let environment = caller.environment()?.id;
        let missing = || {
            Error::not_found(format!(
                "No run '{id}' found in this environment; `tenon logs` shows the ids of runs"
            ))
        };
        let number = parse_id(id).ok_or_else(missing)?;
        let mut conn = self.store().read().await?;
        if let Some(row) = table::find(&mut conn, environment, number).await? {
            drop(conn);
            return self.open_recording(&row).await;
        }
        let operation = operations::find(&mut conn, environment, number).await?;
        drop(conn);
        match operation {
            Some(operation) => Err(self.why_missing(&operation_json(&operation))),
            // Operations are written a moment after they began.
            None => Err(missing()),
        }
    }

    /// Says why a run has no recording, and what to do about it.
    fn why_missing(&self, operation: &Value) -> Error {
        let refuse = |code: &str, message: String| Error::refuse(404, code).message(message);
        let settings = &self.settings().recordings;
        let kept = operation.pointer("/meta/recorded").and_then(Value::as_bool);
        if operation["state"] == "running" || operation["state"] == "waiting" {
            return refuse(
                "recording_not_ready",
                "The run has not ended; its recording is stored when it has".to_owned(),
            );
        }
        if kept == Some(true) {
            let (days, runs, total) = (settings.days, settings.runs_max, settings.total_bytes_max >> 20);
            return refuse(
                "recording_expired",
                format!(
                    "The run was recorded, but its recording is not stored: it is written within seconds of the run's \
                     end and kept for {days} days, the newest {runs} of an environment and the newest {total} MiB in all \
                     (functions.record_days, functions.record_runs_max, functions.record_total_mb)"
                ),
            );
        }
        if kept == Some(false) {
            return refuse(
                "recording_not_found",
                "The run was not kept, because the server was storing other recordings at that moment; run it again"
                    .to_owned(),
            );
        }
        let how = match settings.keep {
            Keep::Off => "recording is off on this server; set functions.record to \"failures\" or \"all\"",
            Keep::Failures(_) => {
                "only failed runs and the share of functions.record_rate are recorded; set functions.record to \"all\", \
                 or raise the rate, and run it again"
            }
            Keep::All => "it ran before recording was switched on, or is no run of a function; run it again",
        };
        refuse("recording_not_found", format!("The run was not recorded: {how}"))
    }
}
