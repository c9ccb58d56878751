//! Watches a run and keeps what it does, up to a bound.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use serde_json::Value;

use super::{Content, Message, Step, Truncated};
use crate::protocol::{Body, HostCall, HostError, HostReply, HttpReply};
use crate::tape::Observer;

/// What a step takes besides its content.
const STEP_BYTES: usize = 300;

/// Keeps the steps of one run. What was asked and answered is shared with the run as far as it can be, and becomes a
/// recording only when somebody wants it.
#[derive(Debug)]
pub struct Recorder {
    bytes_max: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    kept: Vec<Kept>,
    by_number: HashMap<u32, usize>,
    bytes: usize,
    missing: u64,
}

#[derive(Debug)]
enum Kept {
    Call {
        number: u32,
        at_ms: u64,
        call: HostCall,
        answer: Option<(Result<HostReply, HostError>, u64)>,
    },
    Log {
        at_ms: u64,
        level: String,
        message: String,
        meta: Option<String>,
    },
    Note {
        at_ms: u64,
        level: String,
        message: String,
    },
}

/// The steps of a run that has ended.
#[derive(Debug)]
pub struct Recording {
    /// In order.
    pub steps: Vec<Step>,
    /// What is missing at the end.
    pub truncated: Option<Truncated>,
}

impl Recording {
    /// The checkpoint as the function first read it, unless it had written one before.
    pub fn first_checkpoint(&self) -> Value {
        for step in &self.steps {
            let Step::Call { request, answer, .. } = step else {
                continue;
            };
            match request.op() {
                "getCheckpoint" => {
                    let text = answer.as_ref().and_then(|answer| answer.parts.first()?.text());
                    return text
                        .and_then(|text| serde_json::from_str(text).ok())
                        .unwrap_or_default();
                }
                "saveCheckpoint" | "clearCheckpoint" => return Value::Null,
                _ => {}
            }
        }
        Value::Null
    }
}

impl Recorder {
    /// A recorder that keeps about so many bytes.
    pub fn new(bytes_max: usize) -> Self {
        Self {
            bytes_max,
            state: Mutex::new(State::new()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a line of the platform about the run.
    pub fn note(&self, level: &str, message: &str) {
        let mut state = self.lock();
        let at_ms = state.elapsed_ms();
        if state.has_room(STEP_BYTES + message.len(), self.bytes_max) {
            state.kept.push(Kept::Note {
                at_ms,
                level: level.to_owned(),
                message: message.to_owned(),
            });
        }
    }

    /// Ends the recording and takes it.
    pub fn finish(&self) -> Recording {
        let state = std::mem::replace(&mut *self.lock(), State::new());
        let truncated = (state.missing > 0).then_some(Truncated {
            steps: state.missing,
            bytes_max: self.bytes_max,
        });
        Recording {
            steps: state.kept.into_iter().filter_map(Kept::into_step).collect(),
            truncated,
        }
    }
}

impl State {
    fn new() -> Self {
        Self {
            begun: Instant::now(),
            kept: Vec::new(),
            by_number: HashMap::new(),
            bytes: 0,
            missing: 0,
        }
    }

    fn elapsed_ms(&self) -> u64 {
        self.begun.elapsed().as_millis().min(u128::from(u64::MAX)) as u64
    }

    /// Once something did not fit, nothing after it is kept: a recording has no holes.
    fn has_room(&mut self, bytes: usize, bytes_max: usize) -> bool {
        if self.missing > 0 || self.bytes.saturating_add(bytes) > bytes_max {
            self.missing += 1;
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Observer for Recorder {
    fn begins(&self) {
        *self.lock() = State::new();
    }

    fn called(&self, number: Option<u32>, call: &HostCall) {
        let mut state = self.lock();
        let at_ms = state.elapsed_ms();
        if !state.has_room(STEP_BYTES + size_of_call(call), self.bytes_max) {
            return;
        }
        match (number, call) {
            (Some(number), call) => {
                let index = state.kept.len();
                state.by_number.insert(number, index);
                state.kept.push(Kept::Call {
                    number,
                    at_ms,
                    call: call.clone(),
                    answer: None,
                });
            }
            (
                None,
                HostCall::Log {
                    level,
                    message,
                    meta_json,
                },
            ) => state.kept.push(Kept::Log {
                at_ms,
                level: level.clone(),
                message: message.clone(),
                meta: meta_json.clone(),
            }),
            (None, _) => {}
        }
    }

    fn answered(&self, number: u32, answer: &Result<HostReply, HostError>) {
        let mut state = self.lock();
        let now = state.elapsed_ms();
        let Some(index) = state.by_number.remove(&number) else {
            return;
        };
        if !state.has_room(size_of_answer(answer), self.bytes_max) {
            return;
        }
        if let Some(Kept::Call {
            at_ms, answer: place, ..
        }) = state.kept.get_mut(index)
        {
            *place = Some((answer.clone(), now.saturating_sub(*at_ms)));
        }
    }
}

impl Kept {
    fn into_step(self) -> Option<Step> {
        Some(match self {
            Self::Call {
                number,
                at_ms,
                call,
                answer,
            } => Step::Call {
                number,
                at_ms,
                request: Message::of_call(&call).ok()?,
                took_ms: answer.as_ref().map(|(_, took)| *took),
                answer: answer.and_then(|(answer, _)| Message::of_answer(&answer).ok()),
            },
            Self::Log {
                at_ms,
                level,
                message,
                meta,
            } => Step::Log {
                at_ms,
                level,
                message,
                meta: meta.map(Content::of_text),
            },
            Self::Note { at_ms, level, message } => Step::Note { at_ms, level, message },
        })
    }
}

fn size_of_call(call: &HostCall) -> usize {
    match call {
        HostCall::Http(http) => {
            let body = match &http.body {
                Body::Empty => 0,
                Body::Json { text } | Body::Text { text } | Body::Form { text } => text.len(),
                Body::Bytes { bytes } => bytes.len(),
                Body::Multipart { parts } => parts.iter().map(|part| part.bytes.len() + part.name.len()).sum(),
            };
            body + http.endpoint.len() + headers_size(&http.headers)
        }
        HostCall::Fetch(fetch) => {
            fetch.url.len() + fetch.body.as_ref().map_or(0, String::len) + headers_size(&fetch.headers)
        }
        HostCall::BatchSave(batch) | HostCall::BatchUpdate(batch) | HostCall::BatchDelete(batch) => {
            batch.records_json.len()
        }
        HostCall::SaveCheckpoint { checkpoint_json: text }
        | HostCall::SetMetadata { metadata_json: text }
        | HostCall::UpdateMetadata { metadata_json: text } => text.len(),
        HostCall::Log { message, meta_json, .. } => message.len() + meta_json.as_ref().map_or(0, String::len),
        HostCall::TriggerAction { input_json, .. } => input_json.as_ref().map_or(0, String::len),
        HostCall::GetRecordsByIds { ids, .. } => ids.iter().map(String::len).sum(),
        HostCall::ListRecords { .. }
        | HostCall::TrackDeletesStart { .. }
        | HostCall::TrackDeletesEnd { .. }
        | HostCall::DeletePrevious { .. }
        | HostCall::SetMergingStrategy { .. }
        | HostCall::GetCheckpoint
        | HostCall::ClearCheckpoint
        | HostCall::GetConnection { .. }
        | HostCall::GetToken
        | HostCall::GetIntegration { .. }
        | HostCall::GetEnvironmentVariables
        | HostCall::TriggerSync { .. }
        | HostCall::StartSync { .. }
        | HostCall::TryAcquireLock { .. }
        | HostCall::ReleaseLock { .. }
        | HostCall::ReleaseAllLocks => 0,
    }
}

fn size_of_answer(answer: &Result<HostReply, HostError>) -> usize {
    match answer {
        Ok(HostReply::Unit | HostReply::Bool(_)) => 0,
        Ok(HostReply::Json(text)) => text.len(),
        Ok(HostReply::Http(http)) => http_size(http),
        Err(error) => {
            error.message.len()
                + error.payload_json.as_ref().map_or(0, String::len)
                + error.upstream.as_deref().map_or(0, http_size)
        }
    }
}

fn http_size(http: &HttpReply) -> usize {
    http.body.len() + headers_size(&http.headers)
}

fn headers_size(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len() + 8).sum()
}
