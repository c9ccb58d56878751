//! What a function did that a real run would have stored.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::testing::record::Recorder;

/// Everything that a dry run collects.
#[derive(Debug, Default)]
pub struct Collected {
    /// Batches by model.
    pub models: BTreeMap<String, Batches>,
    /// The checkpoint at the end.
    pub checkpoint: Option<Value>,
    /// The metadata at the end, when the function changed it.
    pub metadata: Option<Value>,
    /// Log lines.
    pub logs: Vec<LogLine>,
    /// Requests to the provider, in order.
    pub requests: Vec<RequestLine>,
    /// Answers of the provider and of the platform, when they are to be saved.
    pub recorder: Recorder,
}

/// The records of one model.
#[derive(Debug, Default)]
pub struct Batches {
    /// From `batchSave`, by id; a later one replaces an earlier one.
    pub saved: Vec<Value>,
    /// From `batchUpdate`.
    pub updated: Vec<Value>,
    /// From `batchDelete`.
    pub deleted: Vec<Value>,
}

/// One line of the log.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// `debug`, `info`, `warn`, `error`.
    pub level: String,
    /// The text.
    pub message: String,
    /// The second argument of `nango.log`.
    pub meta: Option<Value>,
}

/// One request.
#[derive(Debug, Clone)]
pub struct RequestLine {
    /// Method.
    pub method: String,
    /// Path with query.
    pub path: String,
    /// Status; none when there was no answer.
    pub status: Option<u16>,
    /// Milliseconds.
    pub duration_ms: u128,
}

/// Refusals of a checkpoint (functions contract, 3.8).
pub fn check_checkpoint(value: &Value) -> Result<(), String> {
    const FIELDS_MAX: usize = 16;
    const KEY_MAX: usize = 255;
    const TEXT_MAX: usize = 4000;
    let Some(fields) = value.as_object() else {
        return Err("a checkpoint is an object".to_owned());
    };
    if fields.len() > FIELDS_MAX {
        return Err(format!("a checkpoint has at most {FIELDS_MAX} fields"));
    }
    for (key, value) in fields {
        let fits = match value {
            Value::String(text) => text.chars().count() <= TEXT_MAX,
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if key.chars().count() > KEY_MAX || !fits {
            return Err(format!(
                "`{key}` must be a text (up to {TEXT_MAX} characters), a number or a boolean"
            ));
        }
    }
    Ok(())
}

/// Members of `patch` replace those of `target`, one level deep.
pub fn merge(target: Option<&Value>, patch: &Value) -> Value {
    let mut merged: Map<String, Value> = target.and_then(Value::as_object).cloned().unwrap_or_default();
    for (key, value) in patch.as_object().into_iter().flatten() {
        merged.insert(key.clone(), value.clone());
    }
    Value::Object(merged)
}
