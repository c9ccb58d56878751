//! Whether a run did what its fixture says.

use serde_json::Value;
use tenon_runtime::{Kind, Outcome, RunError};

use super::{
    Status, Verdict,
    compare::{Difference, compare, shown},
    host::Seen,
    recording::{Batches, Recording},
    staging::{Comparison, Staging},
    unknowns::Unknowns,
};

/// What of a run is compared.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// What was called; only actions have an output.
    pub kind: Kind,
    /// Whether the function may write records.
    pub batches: bool,
}

/// Whether what happened is what was recorded.
pub fn judge(wanted: Wanted, recording: &Recording, staging: &Staging, outcome: &Outcome, seen: &Seen) -> Verdict {
    if let Some(expected) = recording.expected_error() {
        return judge_error(expected, outcome, seen);
    }
    let result = match &outcome.result {
        Ok(_) if staging.fails => {
            return Verdict::failed("the function succeeded although its test expects it to fail");
        }
        Ok(text) => text,
        Err(_) if staging.fails => return Verdict::passed(),
        Err(error) => return Verdict::failed(run_error(error, seen)),
    };
    let output = match wanted.kind {
        Kind::Action => {
            let actual: Value = serde_json::from_str(&seen.unknowns.filled(result)).unwrap_or(Value::Null);
            match recording.output() {
                _ if staging.comparison == Comparison::Nothing => None,
                Some(expected) if staging.comparison == Comparison::Part => {
                    compare("output", &expected, &part_of(&expected, actual))
                }
                Some(expected) => compare("output", &expected, &actual),
                None if actual.is_null() => None,
                None => {
                    return Verdict::failed(format!(
                        "the fixture has no output; the function gave {}",
                        shown(&actual)
                    ));
                }
            }
        }
        Kind::Sync | Kind::OnEvent | Kind::Webhook => None,
    };
    let batches = || {
        let compared = wanted.batches && staging.comparison != Comparison::Nothing;
        compared.then(|| batches_difference(recording, staging, seen)).flatten()
    };
    let difference = output.or_else(batches);
    match difference {
        None => Verdict::passed(),
        Some(difference) => {
            let hint = seen.unanswered.first();
            let hint = hint.map_or_else(String::new, |reason| format!(" ({reason})"));
            Verdict {
                status: Status::Failed,
                reason: Some(format!("{}{hint}", difference.summary)),
                lines: difference.lines,
            }
        }
    }
}

/// The function must fail with a payload that has these members.
fn judge_error(expected: &Value, outcome: &Outcome, seen: &Seen) -> Verdict {
    let Err(error) = &outcome.result else {
        return Verdict::failed("the function succeeded although its fixture expects an error");
    };
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or(Value::Null);
    let members = expected.as_object().into_iter().flatten();
    let actual: Value = members
        .filter_map(|(name, _)| Some((name.clone(), payload.get(name)?.clone())))
        .collect();
    match compare("error", expected, &actual) {
        None => Verdict::passed(),
        Some(difference) => Verdict {
            status: Status::Failed,
            reason: Some(format!("{}; {}", difference.summary, run_error(error, seen))),
            lines: difference.lines,
        },
    }
}

/// Saved records must be those recorded, per model and in order; deleted ones only where some were recorded.
fn batches_difference(recording: &Recording, staging: &Staging, seen: &Seen) -> Option<Difference> {
    let counts = |model: &String| staging.models.as_ref().is_none_or(|models| models.contains(model));
    let mut saved = recording.batches("batchSave");
    // A model that the fixture does not know has no records.
    if staging.models.is_some() || !saved.is_empty() {
        let unknown = seen.saved.iter().map(|(model, _)| model);
        let unknown = unknown.filter(|model| !saved.iter().any(|(known, _)| known == *model));
        let unknown: Batches = unknown.map(|model| (model.clone(), Vec::new())).collect();
        saved.extend(unknown);
    }
    saved.retain(|(model, _)| counts(model));
    let deleted = recording.batches("batchDelete");
    let deleted = deleted
        .into_iter()
        .filter(|(model, records)| !records.is_empty() && counts(model));
    saved
        .iter()
        .find_map(|(model, expected)| models_difference("batchSave", model, expected, &seen.saved, &seen.unknowns))
        .or_else(|| {
            deleted.into_iter().find_map(|(model, expected)| {
                models_difference("batchDelete", &model, &expected, &seen.deleted, &seen.unknowns)
            })
        })
}

/// The members of a value that another has, inside of lists of the same length as well.
fn part_of(expected: &Value, actual: Value) -> Value {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(members)) => members
            .into_iter()
            .filter_map(|(name, value)| {
                let value = part_of(wanted.get(&name)?, value);
                Some((name, value))
            })
            .collect(),
        (Value::Array(wanted), Value::Array(items)) if wanted.len() == items.len() => wanted
            .iter()
            .zip(items)
            .map(|(expected, actual)| part_of(expected, actual))
            .collect(),
        (_, actual) => actual,
    }
}

fn models_difference(
    call: &str,
    model: &str,
    expected: &[Value],
    batches: &Batches,
    unknowns: &Unknowns,
) -> Option<Difference> {
    let actual = batches.iter().find(|(known, _)| known == model);
    let actual = Value::from(actual.map_or(&[][..], |(_, records)| records.as_slice()));
    let actual = unknowns.apply(actual);
    compare(&format!("{call}({model})"), &Value::from(expected), &actual)
}

fn run_error(error: &RunError, seen: &Seen) -> String {
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or(Value::Null);
    let said = payload
        .get("message")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    let message = match (error.type_.as_str(), said) {
        ("action_script_runtime_error", _) => format!("ActionError {}", shown(&payload)),
        (_, Some(said)) => said.to_owned(),
        (kind, None) if error.message.is_empty() => kind.to_owned(),
        (_, None) => error.message.clone(),
    };
    let first = seen.unanswered.iter().find(|reason| !message.contains(reason.as_str()));
    let hint = first.map_or_else(String::new, |reason| format!(" ({reason})"));
    let place = place_of(error).map_or_else(String::new, |place| format!(", at {place}"));
    format!("the function failed: {message}{hint}{place}")
}

/// Where it was thrown: `hubspot/actions/create-contact.ts:12:5`.
fn place_of(error: &RunError) -> Option<&str> {
    let frame = error
        .stack
        .as_deref()?
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("at "))?;
    let place = frame.rsplit_once('(').map_or(frame, |(_, place)| place);
    Some(place.trim_end_matches(')'))
}
