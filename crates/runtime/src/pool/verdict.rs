//! What the end of a run means to its caller.

use std::time::Duration;

use crate::invocation::Limits;
use crate::outcome::{ErrorKind, Limit, Outcome, RunError, Upstream};
use crate::wire::{DoneHeader, Ending, Failure, Frame};

/// Why a run is being stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stopping {
    Cancelled,
    Overdue,
}

impl Stopping {
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Cancelled => "script_aborted",
            Self::Overdue => "execution_timeout",
        }
    }

    pub(super) fn error(self, limits: &Limits) -> RunError {
        match self {
            Self::Cancelled => failure(ErrorKind::Aborted, "script_aborted", "The run was cancelled".to_owned()),
            Self::Overdue => {
                let message = format!("The run exceeded its time limit of {:?}", limits.wall);
                failure(ErrorKind::Limit(Limit::Wall), "execution_timeout", message)
            }
        }
    }
}

pub(super) fn result_of(
    header: &DoneHeader,
    frame: &Frame,
    stopping: Option<Stopping>,
    limits: &Limits,
) -> Result<String, RunError> {
    let section = |index: usize| {
        let bytes = frame.parcel.sections.get(index).map(AsRef::as_ref).unwrap_or_default();
        String::from_utf8_lossy(bytes).into_owned()
    };
    if let Some(why) = stopping {
        // Whatever the function still answered: the caller had decided otherwise by then.
        return Err(why.error(limits));
    }
    let limit = |limit: Limit, type_: &str, message: String| Err(failure(ErrorKind::Limit(limit), type_, message));
    match header.ending {
        Ending::Success => Ok(section(0)),
        Ending::Failure => Err(thrown(
            header.failure.clone().unwrap_or_default(),
            section(0),
            section(1),
        )),
        Ending::CpuLimit => Err(cpu_error(limits)),
        Ending::MemoryLimit => {
            let message = format!(
                "The function needed more memory than its limit of {} bytes",
                limits.memory_bytes
            );
            limit(Limit::Memory, "script_memory_limit_exceeded", message)
        }
        Ending::OutputLimit => {
            let message = format!("The output is larger than the limit of {} bytes", limits.output_bytes);
            limit(Limit::Output, "script_output_too_large", message)
        }
        Ending::CallLimit => {
            let message = format!(
                "The function made more than {} calls to the platform",
                limits.host_calls_max
            );
            limit(Limit::HostCalls, "script_host_call_limit_exceeded", message)
        }
        Ending::NeverSettles => {
            let message = "The function waits for something that can no longer happen".to_owned();
            limit(Limit::NeverSettles, "script_never_settles", message)
        }
        Ending::Cancelled => Err(failure(
            ErrorKind::Aborted,
            "script_aborted",
            "The run was cancelled".to_owned(),
        )),
        Ending::Internal => {
            let message = header
                .failure
                .as_ref()
                .map(|failure| failure.message.clone())
                .unwrap_or_default();
            Err(failure(ErrorKind::Internal, "script_internal_error", message))
        }
    }
}

/// What the prelude reported, brought into bounds: it comes from the sandbox.
fn thrown(failure: Failure, payload: String, upstream: String) -> RunError {
    const PAYLOAD_BYTES_MAX: usize = 128 << 10;
    let is_object = payload.len() <= PAYLOAD_BYTES_MAX
        && payload.starts_with('{')
        && serde_json::from_str::<&serde_json::value::RawValue>(&payload).is_ok();
    let upstream = if failure.has_upstream && upstream.len() <= 2 * PAYLOAD_BYTES_MAX {
        serde_json::from_str::<Box<Upstream>>(&upstream).ok()
    } else {
        None
    };
    RunError {
        kind: ErrorKind::Script,
        type_: clipped(failure.type_, 255),
        status: failure.status,
        payload_json: if is_object { payload } else { "{}".to_owned() },
        message: clipped(failure.message, 10_000),
        stack: failure.stack.map(|stack| clipped(stack, 16_000)),
        upstream,
    }
}

fn clipped(mut text: String, bytes_max: usize) -> String {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}

pub(super) fn cpu_error(limits: &Limits) -> RunError {
    let message = format!("The function used more CPU time than its limit of {:?}", limits.cpu);
    failure(ErrorKind::Limit(Limit::Cpu), "script_cpu_limit_exceeded", message)
}

pub(super) fn worker_lost() -> RunError {
    let message = "The worker process was lost to another run; this one can be tried again".to_owned();
    failure(ErrorKind::WorkerLost, "worker_lost", message)
}

pub(super) fn failure(kind: ErrorKind, type_: &str, message: String) -> RunError {
    let payload_json = serde_json::json!({ "message": message }).to_string();
    RunError {
        kind,
        type_: type_.to_owned(),
        status: 500,
        payload_json,
        message,
        stack: None,
        upstream: None,
    }
}

pub(super) fn ended(error: RunError, queued: Duration) -> Outcome {
    Outcome {
        result: Err(error),
        cpu: Duration::ZERO,
        wall: Duration::ZERO,
        queued,
        memory_bytes: 0,
        host_calls: 0,
        logs_dropped: 0,
        warm: false,
        tape: None,
    }
}
