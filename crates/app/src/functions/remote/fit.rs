//! Whether what went into a dry run and came out of it fits the function's schemas. It is told and does not fail the run.

use serde_json::{Map, Value, json};

use crate::functions::{Function, FunctionKind};
use crate::tools::Checker;

/// More have the same reason as a rule.
const LISTED_MAX: usize = 20;

/// Violations as `{code, model, path, message}`. `report` is what the dry run answers, saved records by model included.
pub(super) fn violations(
    function: &Function,
    input: Option<&str>,
    output: Option<&str>,
    report: &Map<String, Value>,
) -> Vec<Value> {
    let definition = &function.definition;
    let mut found = Vec::new();
    let read = |text: Option<&str>| {
        text.and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null)
    };
    if function.kind == FunctionKind::Action {
        if let (Some(model), Some(checker)) = (&definition.input, function.input_checker()) {
            add(&mut found, "invalid_action_input", model, checker, &read(input));
        }
        if let (Some(_), Some(model)) = (output, definition.models.first())
            && let Some(checker) = Checker::of_model(definition, model)
        {
            add(&mut found, "invalid_action_output", model, &checker, &read(output));
        }
    }
    let models = report
        .get("result")
        .and_then(|result| result.get("records"))
        .and_then(Value::as_object);
    for (model, records) in models.into_iter().flatten() {
        let saved = records.get("saved").and_then(Value::as_array);
        let Some((saved, checker)) = saved.zip(Checker::of_model(definition, model)) else {
            continue;
        };
        for record in saved {
            add(&mut found, "invalid_sync_record", model, &checker, record);
        }
    }
    found.truncate(LISTED_MAX);
    found
}

fn add(found: &mut Vec<Value>, code: &str, model: &str, checker: &Checker, value: &Value) {
    if found.len() >= LISTED_MAX {
        return;
    }
    for mut complaint in checker.complaints(value) {
        complaint["code"] = json!(code);
        complaint["model"] = json!(model);
        found.push(complaint);
    }
}

/// A violation in words.
pub(super) fn sentence(violation: &Value) -> String {
    let text = |name: &str| violation.get(name).and_then(Value::as_str).unwrap_or_default();
    let place = match text("path") {
        "" => String::new(),
        path => format!("{path}: "),
    };
    format!("does not fit the schema {}: {place}{}", text("model"), text("message"))
}
