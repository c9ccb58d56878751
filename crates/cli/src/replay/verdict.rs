//! What a replay found out.

use serde_json::{Value, json};
use tenon_runtime::RunError;

use crate::testing::compare::Difference as Places;

/// One thing that came out otherwise.
#[derive(Debug)]
pub struct Difference {
    /// Where: `request 3: GET /contacts`.
    pub place: String,
    /// One sentence.
    pub summary: String,
    /// Line by line, as far as that is useful.
    pub lines: String,
    /// What was recorded and what came now, when both can be compared.
    pub(super) values: Option<(Value, Value)>,
}

impl Difference {
    pub(super) fn new(place: impl Into<String>, found: Places, values: Option<(Value, Value)>) -> Self {
        Self {
            place: place.into(),
            summary: found.summary,
            lines: found.lines,
            values,
        }
    }

    pub(super) fn plain(place: impl Into<String>, summary: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            summary: summary.into(),
            lines: String::new(),
            values: None,
        }
    }
}

/// A run that was run again.
#[derive(Debug, Default)]
pub struct Replayed {
    /// In the order of the run.
    pub differences: Vec<Difference>,
    /// Questions and log lines that were the same.
    pub calls: usize,
    /// Log lines that were the same.
    pub logs: usize,
    /// The run was stopped where its recording ends.
    pub ended_with_recording: bool,
    /// The run went on after all that is recorded of a failed run, with this question.
    pub beyond: Option<String>,
    /// Other code than the recorded one ran.
    pub changed: bool,
    /// The recorded run shared its isolate with earlier ones.
    pub warm: bool,
    /// Places that differ only in what was computed from credentials.
    pub from_secrets: Vec<String>,
    /// How it ended this time.
    pub outcome: Option<Result<String, RunError>>,
}

impl Replayed {
    /// Whether it did the same.
    pub fn same(&self) -> bool {
        self.differences.is_empty() && self.beyond.is_none()
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let differences: Vec<Value> = self
            .differences
            .iter()
            .map(|one| json!({ "place": one.place, "summary": one.summary, "diff": one.lines }))
            .collect();
        let outcome = match &self.outcome {
            Some(Ok(output)) => json!({ "output": serde_json::from_str::<Value>(output).unwrap_or_default() }),
            Some(Err(error)) => json!({ "error": { "type": error.type_, "message": error.message } }),
            None => Value::Null,
        };
        json!({
            "same": self.same(),
            "code": if self.changed { "project" } else { "recorded" },
            "calls": self.calls,
            "logs": self.logs,
            "ended_with_recording": self.ended_with_recording,
            "went_beyond": self.beyond,
            "warm": self.warm,
            "differences": differences,
            "computed_from_secrets": self.from_secrets,
            "outcome": outcome,
        })
    }
}
