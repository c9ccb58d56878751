//! What a run left behind.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::invocation::Code;
use crate::places;
use crate::tape::Tape;

/// Result and accounts of one run.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Output as JSON text (`true` for syncs, `null` when nothing was returned), or the error.
    pub result: Result<String, RunError>,
    /// CPU time of customer code.
    pub cpu: Duration,
    /// From acceptance by a worker to the end.
    pub wall: Duration,
    /// Waiting for a place in a worker.
    pub queued: Duration,
    /// Heap at the end of the run, the engine's own accounting.
    pub memory_bytes: u64,
    /// Host calls made, logs not counted.
    pub host_calls: u64,
    /// Log lines dropped by the cap.
    pub logs_dropped: u64,
    /// True when a warm isolate served the run.
    pub warm: bool,
    /// What the run took from chance, when that was to be recorded.
    pub tape: Option<Tape>,
}

/// Why a run failed.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
#[error("{type_}: {message}")]
pub struct RunError {
    /// Coarse class for the caller's decisions.
    pub kind: ErrorKind,
    /// Wire type: `action_script_runtime_error`, `script_http_error`, `execution_timeout`, …
    #[serde(rename = "type")]
    pub type_: String,
    /// HTTP status that belongs to it (functions.md §4.5).
    pub status: u16,
    /// Payload as JSON text, always an object, at most 99,000 bytes.
    pub payload_json: String,
    /// Text for people, may be empty.
    pub message: String,
    /// Filtered stack trace, with the author's places where the bundle has an inline source map.
    pub stack: Option<String>,
    /// Provider's answer for `script_http_error`.
    pub upstream: Option<Box<Upstream>>,
}

impl RunError {
    /// Brings the bundle's places in the stack trace to where the author wrote it.
    pub(crate) fn with_places_of_author(mut self, code: &Code) -> Self {
        if let Some(stack) = &mut self.stack {
            *stack = places::of_author(stack, code).into_owned();
        }
        if self.payload_json.contains("\"stacktrace\"") {
            self.payload_json = places::of_author_in_json(&self.payload_json, code).into_owned();
        }
        self
    }

    /// The sentence that the wire contract gives for this type (`error.message` of a failed action); none where it
    /// has no message (`script_http_error`) or the error's own message is the one to show.
    pub fn summary(&self) -> Option<&'static str> {
        match self.type_.as_str() {
            "action_script_runtime_error" => Some("The action script failed with a runtime error"),
            "script_internal_error" => Some("An internal error occurred during the script execution"),
            _ => None,
        }
    }
}

/// The part of a provider's answer that a failed action reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Upstream {
    /// Status code.
    pub status: u16,
    /// `content-type` and `x-rate*` only.
    pub headers: serde_json::Map<String, serde_json::Value>,
    /// Body: JSON value or text.
    pub body: serde_json::Value,
}

/// Classes of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The function threw, or its bundle does not load.
    Script,
    /// A limit ended the run.
    Limit(Limit),
    /// Cancelled by the caller.
    Aborted,
    /// The worker died under the run for a reason that is not the run's own fault. Safe to run again when the
    /// work itself is.
    WorkerLost,
    /// Our own failure: no worker could be started, protocol broken.
    Internal,
}

/// Which limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// [`Limits::cpu`](crate::Limits::cpu), type `script_cpu_limit_exceeded`.
    Cpu,
    /// [`Limits::memory_bytes`](crate::Limits::memory_bytes), type `script_memory_limit_exceeded`.
    Memory,
    /// [`Limits::wall`](crate::Limits::wall), type `execution_timeout`.
    Wall,
    /// [`Limits::output_bytes`](crate::Limits::output_bytes), type `script_output_too_large`.
    Output,
    /// [`Limits::host_calls_max`](crate::Limits::host_calls_max), type `script_host_call_limit_exceeded`.
    HostCalls,
    /// The function ended its turn with nothing left to wait for, type `script_never_settles`.
    NeverSettles,
}
