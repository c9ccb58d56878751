//! Whether what went in and came out fits the function's schemas.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Value, json};
use tenon_compiler::Detail;

use super::{Finished, Options, Target};

/// More are not listed: they have the same reason as a rule.
const LISTED_MAX: usize = 20;

/// Violations as `{code, model, message, path, data}`.
pub fn violations(finished: &Finished, target: &Target<'_>, options: &Options) -> Vec<Value> {
    let mut found = input_violations(target, options);
    let schemas = Value::Object(target.function.definition.common.models.clone());
    let output = match &target.function.definition.detail {
        Detail::Action(action) => Some(("invalid_action_output", action.output_model.as_str())),
        Detail::Function(whole) => {
            let model = whole.get("output").and_then(Value::as_str);
            model.map(|model| ("invalid_function_output", model))
        }
        Detail::Sync(_) | Detail::OnEvent { .. } => None,
    };
    if let (Some((code, model)), Ok(output)) = (output, &finished.outcome.result) {
        let output = serde_json::from_str(output).unwrap_or(Value::Null);
        check(&mut found, code, model, &schemas, &output);
    }
    for (model, batches) in &finished.collected.models {
        for record in &batches.saved {
            check(&mut found, "invalid_sync_record", model, &schemas, record);
        }
    }
    found.truncate(LISTED_MAX);
    found
}

/// Those of the input, which are known before the run.
pub fn input_violations(target: &Target<'_>, options: &Options) -> Vec<Value> {
    let (code, model) = match &target.function.definition.detail {
        Detail::Action(action) => ("invalid_action_input", action.input_model.as_str()),
        Detail::Function(whole) => match whole.get("input").and_then(Value::as_str) {
            Some(model) => ("invalid_function_input", model),
            None => return Vec::new(),
        },
        Detail::Sync(_) | Detail::OnEvent { .. } => return Vec::new(),
    };
    let schemas = Value::Object(target.function.definition.common.models.clone());
    let mut found = Vec::new();
    check(
        &mut found,
        code,
        model,
        &schemas,
        options.input.as_ref().unwrap_or(&Value::Null),
    );
    found.truncate(LISTED_MAX);
    found
}

fn check(found: &mut Vec<Value>, code: &str, model: &str, schemas: &Value, data: &Value) {
    if found.len() >= LISTED_MAX {
        return;
    }
    let mut push = |message: String, path: String| {
        found.push(json!({ "code": code, "model": model, "message": message, "path": path, "data": data }));
    };
    let Some(schema) = schemas.get(model).and_then(Value::as_object) else {
        push("the function declares no such model".to_owned(), String::new());
        return;
    };
    // References are relative to the model, whose own definitions come first.
    let mut whole = serde_json::Map::from_iter([("definitions".to_owned(), schemas.clone())]);
    whole.extend(schema.clone());
    // Zod writes draft 7, and what judges it in the original follows two rules of the next draft: members beside a `$ref`
    // count, and so do the formats `uuid` and `duration`.
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft201909)
        .should_validate_formats(true)
        .build(&Value::Object(whole));
    match validator {
        Ok(validator) => {
            for error in validator.iter_errors(data) {
                for reason in reasons(&error) {
                    push(reason.to_string(), reason.instance_path().to_string());
                }
            }
        }
        Err(error) => push(format!("the schema cannot be used: {error}"), String::new()),
    }
}

/// What is wrong. Where none of several alternatives fits and only one of them was meant, that one's complaints say more
/// than that none fits. Which one was meant is told by a type or by a member with fixed values: what a `discriminator`
/// names, and what the alternatives of Zod's discriminated unions differ in.
fn reasons<'a, 'b>(error: &'a ValidationError<'b>) -> Vec<&'a ValidationError<'b>>
where
    'b: 'a,
{
    let (ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context }) = error.kind() else {
        return vec![error];
    };
    let here = error.instance_path().as_str();
    let mut meant = context
        .iter()
        .filter(|complaints| !complaints.iter().any(|one| rules_out(one, here)));
    match (meant.next(), meant.next()) {
        (Some(complaints), None) => complaints.iter().flat_map(reasons).collect(),
        _ => vec![error],
    }
}

/// Whether the complaint shows that another alternative was meant for the value at `here`.
fn rules_out(complaint: &ValidationError<'_>, here: &str) -> bool {
    let below = complaint.instance_path().as_str().strip_prefix(here);
    match complaint.kind() {
        ValidationErrorKind::Type { .. } => below == Some(""),
        ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. } => {
            below.is_some_and(|rest| rest.matches('/').count() <= 1)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
