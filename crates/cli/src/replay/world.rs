//! The recorded world: it answers as recorded and notes what is asked otherwise.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_app::recordings::mask;
use tenon_runtime::Observer;
use tenon_runtime::cassette::{Cassette, Content, Ended, Message, Step};
use tenon_runtime::protocol::{Host, HostCall, HostError, HostReply};
use tokio_util::sync::CancellationToken;

use super::show;
use super::verdict::{Difference, Replayed};
use crate::testing::compare::compare;

type Answer = Result<HostReply, HostError>;

/// Differences that are kept; more say no more.
const KEPT_MAX: usize = 50;
/// Lines of a new question that are shown.
const LINES_MAX: usize = 30;

/// Host and observer of a replay.
#[derive(Debug)]
pub(super) struct World {
    /// The run did more than the recording holds.
    truncated: bool,
    /// The run failed.
    failed: bool,
    cancel: CancellationToken,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    calls: Vec<Recorded>,
    logs: Vec<(Value, bool)>,
    logged: usize,
    given: HashMap<u32, Option<Answer>>,
    found: Replayed,
}

/// A question of the recording.
#[derive(Debug)]
struct Recorded {
    /// Step in the recording, as `tenon debug` counts.
    step: usize,
    title: String,
    shown: Value,
    text: String,
    subject: String,
    answer: Option<Answer>,
    used: bool,
}

impl World {
    pub(super) fn new(cassette: &Cassette, cancel: CancellationToken) -> Self {
        let mut calls = Vec::new();
        let mut logs = Vec::new();
        // As `tenon debug` counts: the beginning is the first step, and notes have none.
        let mut number = 1;
        for step in &cassette.steps {
            number += usize::from(!matches!(step, Step::Note { .. }));
            match step {
                Step::Call { request, answer, .. } => {
                    let answer = answer.as_ref().and_then(|answer| answer.answer().ok());
                    calls.push(Recorded::of(number, request, answer));
                }
                Step::Log {
                    level, message, meta, ..
                } => logs.push((log_value(level, message, meta.clone()), false)),
                Step::Note { .. } => {}
            }
        }
        Self {
            truncated: cassette.truncated.is_some() || cassette.tape.cut,
            failed: matches!(cassette.outcome, Ended::Error(_)),
            cancel,
            state: Mutex::new(State {
                calls,
                logs,
                logged: 0,
                given: HashMap::new(),
                found: Replayed::default(),
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found; the run must have ended.
    pub(super) fn finish(&self, changed: bool) -> Replayed {
        let mut state = self.lock();
        let mut found = std::mem::take(&mut state.found);
        found.changed = changed;
        if !found.ended_with_recording {
            for missing in state.calls.iter().filter(|call| !call.used) {
                let place = missing.place();
                found.differences.push(Difference::plain(place, "was not asked again"));
            }
            for (missing, _) in state.logs.iter().filter(|(_, used)| !used) {
                let text = missing["message"].as_str().unwrap_or_default();
                let summary = format!("{} was not logged again", Value::from(text));
                found.differences.push(Difference::plain("log", summary));
            }
        }
        found.differences.truncate(KEPT_MAX);
        found
    }

    /// What is answered when the recording runs out.
    fn leave(&self, state: &mut State) {
        state.found.ended_with_recording = true;
        self.cancel.cancel();
    }
}

impl Recorded {
    fn of(step: usize, request: &Message, answer: Option<Answer>) -> Self {
        // Members that calls did not have when it was recorded are those of today's calls.
        let whole = request.call().ok().and_then(|call| Message::of_call(&call).ok());
        let masked = masked(whole.as_ref().unwrap_or(request));
        Self {
            step,
            title: show::title(request),
            shown: show::call_value(&masked),
            text: serde_json::to_string(&masked).unwrap_or_default(),
            subject: show::subject(request),
            answer,
            used: false,
        }
    }

    fn place(&self) -> String {
        format!("step {}: {}", self.step, self.title)
    }
}

impl State {
    /// Finds the recorded question for one that is asked now, and notes how they differ.
    fn matched(&mut self, now: &Recorded) -> Option<usize> {
        let open = |call: &&Recorded| !call.used;
        let next = self.calls.iter().position(|call| !call.used);
        let equal = self.calls.iter().filter(open).find(|call| call.text == now.text);
        if let Some(equal) = equal {
            let index = self.calls.iter().position(|call| call.step == equal.step);
            if index != next
                && let Some(earlier) = next.and_then(|next| self.calls.get(next))
            {
                let summary = format!("{} was asked before {}", now.title, earlier.title);
                self.found.differences.push(Difference::plain(earlier.place(), summary));
            }
            return index;
        }
        let index = self
            .calls
            .iter()
            .position(|call| !call.used && call.subject == now.subject);
        let Some(index) = index else {
            let after = self.calls.iter().rev().find(|call| call.used);
            let place = after.map_or_else(|| "the beginning".to_owned(), |call| format!("after {}", call.place()));
            let summary = format!("{} was asked and is not recorded", now.title);
            let mut difference = Difference::plain(place, summary);
            difference.lines = added(&now.shown);
            self.found.differences.push(difference);
            return None;
        };
        let recorded = self.calls.get(index)?;
        let place = recorded.place();
        let values = (recorded.shown.clone(), now.shown.clone());
        let difference = match compare("request", &recorded.shown, &now.shown) {
            Some(found) => Difference::new(place, found, Some(values)),
            None => Difference::plain(place, "has the same values in another order or spelling"),
        };
        self.found.differences.push(difference);
        Some(index)
    }

    fn log(&mut self, now: Value) {
        let equal = self.logs.iter().position(|(line, used)| !used && *line == now);
        let next = self.logs.iter().position(|(_, used)| !used);
        self.logged += 1;
        let text = Value::from(now["message"].as_str().unwrap_or_default());
        match (equal, next) {
            (Some(index), _) => {
                if let Some((_, used)) = self.logs.get_mut(index) {
                    *used = true;
                }
                self.found.logs += 1;
                if equal != next {
                    let place = format!("log line {}", self.logged);
                    self.found.differences.push(Difference::plain(
                        place,
                        format!("{text} was logged earlier than recorded"),
                    ));
                }
            }
            (None, Some(index)) => {
                let place = format!("log line {}", self.logged);
                if let Some((line, used)) = self.logs.get_mut(index) {
                    *used = true;
                    let values = (line.clone(), now.clone());
                    if let Some(found) = compare("line", line, &now) {
                        self.found.differences.push(Difference::new(place, found, Some(values)));
                    }
                }
            }
            (None, None) => self.found.differences.push(Difference::plain(
                format!("log line {}", self.logged),
                format!("{text} was logged and is not recorded"),
            )),
        }
    }
}

impl Observer for World {
    fn begins(&self) {}

    fn called(&self, number: Option<u32>, call: &HostCall) {
        let mut state = self.lock();
        if state.found.ended_with_recording || state.found.beyond.is_some() {
            return;
        }
        let (Some(number), call) = (number, call) else {
            if let HostCall::Log {
                level,
                message,
                meta_json,
            } = call
            {
                if self.truncated && state.logs.iter().all(|(_, used)| *used) {
                    return;
                }
                let meta = meta_json.clone().map(Content::of_text);
                state.log(log_value(level, message, meta));
            }
            return;
        };
        let Ok(request) = Message::of_call(call) else { return };
        let now = Recorded::of(0, &request, None);
        if self.truncated && state.calls.iter().all(|call| call.used) {
            return self.leave(&mut state);
        }
        let unknown = unrecorded(call);
        if self.failed && unknown.is_err() && state.calls.iter().all(|call| call.used) {
            // What failed does not fail any more, and the world ends here.
            state.found.beyond = Some(now.title);
            return self.cancel.cancel();
        }
        let differences = state.found.differences.len();
        let index = state.matched(&now);
        if state.found.differences.len() == differences {
            state.found.calls += 1;
        }
        let answer = match index.and_then(|index| state.calls.get_mut(index)) {
            Some(recorded) => {
                recorded.used = true;
                match (&recorded.answer, self.truncated) {
                    (Some(answer), _) => Some(answer.clone()),
                    // The answer is what the recording had no room for.
                    (None, true) => return self.leave(&mut state),
                    // The run ended without it.
                    (None, false) => None,
                }
            }
            None => Some(unknown),
        };
        state.given.insert(number, answer);
    }

    fn answered(&self, _: u32, _: &Answer) {}
}

#[async_trait]
impl Host for World {
    async fn call(&self, _: HostCall) -> Answer {
        // Log lines; they are looked at where they are observed.
        Ok(HostReply::Unit)
    }

    async fn answer(&self, number: u32, _: HostCall) -> Answer {
        let given = self.lock().given.remove(&number).flatten();
        match given {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

/// The answer to a question that was not recorded: writes succeed, so that a change can be tried; reads cannot.
fn unrecorded(call: &HostCall) -> Answer {
    match call {
        HostCall::BatchSave(_)
        | HostCall::BatchUpdate(_)
        | HostCall::BatchDelete(_)
        | HostCall::TrackDeletesStart { .. }
        | HostCall::SetMergingStrategy { .. }
        | HostCall::SaveCheckpoint { .. }
        | HostCall::ClearCheckpoint
        | HostCall::SetMetadata { .. }
        | HostCall::UpdateMetadata { .. }
        | HostCall::TriggerSync { .. }
        | HostCall::StartSync { .. }
        | HostCall::ReleaseAllLocks
        | HostCall::Log { .. } => Ok(HostReply::Unit),
        HostCall::TryAcquireLock { .. } | HostCall::ReleaseLock { .. } => Ok(HostReply::Bool(true)),
        HostCall::TrackDeletesEnd { .. } | HostCall::DeletePrevious { .. } => {
            Ok(HostReply::Json(json!({ "deletedKeys": [] }).to_string()))
        }
        HostCall::GetCheckpoint => Ok(HostReply::Json("null".to_owned())),
        HostCall::GetRecordsByIds { .. } => Ok(HostReply::Json("[]".to_owned())),
        HostCall::ListRecords { .. } => Ok(HostReply::Json(
            json!({ "records": [], "next_cursor": null }).to_string(),
        )),
        HostCall::Http(_)
        | HostCall::Fetch(_)
        | HostCall::GetConnection { .. }
        | HostCall::GetToken
        | HostCall::GetIntegration { .. }
        | HostCall::GetEnvironmentVariables
        | HostCall::TriggerAction { .. } => {
            let message = Message::of_call(call)
                .map(|request| show::title(&request))
                .unwrap_or_default();
            Err(HostError::plain(format!("The recording has no answer to {message}")))
        }
    }
}

/// What came new, line by line.
fn added(value: &Value) -> String {
    let text = format!("{value:#}");
    let mut lines: Vec<String> = text.lines().take(LINES_MAX).map(|line| format!("+ {line}")).collect();
    let more = text.lines().count().saturating_sub(LINES_MAX);
    if more > 0 {
        lines.push(format!("… {more} more lines"));
    }
    lines.join("\n")
}

fn masked(request: &Message) -> Message {
    let mut masked = request.clone();
    mask(&mut masked);
    masked
}

/// Content with what may be secret made the same.
pub(super) fn masked_content(content: &Content) -> Content {
    let mut message = Message {
        header: serde_json::Map::new(),
        parts: vec![content.clone()],
    };
    mask(&mut message);
    message.parts.pop().unwrap_or_else(|| content.clone())
}

/// A value with what may be secret made the same.
pub(super) fn masked_value(value: &Value) -> Value {
    show::content_value(&masked_content(&Content::of_text(value.to_string())))
}

fn log_value(level: &str, message: &str, meta: Option<Content>) -> Value {
    let meta = meta.map(|meta| show::content_value(&masked_content(&meta)));
    json!({ "level": level, "message": message, "meta": meta })
}
