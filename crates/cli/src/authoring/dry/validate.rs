//! Whether what went in and came out fits the function's schemas.

use serde_json::{Value, json};
use tenon_compiler::Detail;

use super::{Finished, Options, Target};

/// More are not listed: they have the same reason as a rule.
const LISTED_MAX: usize = 20;

/// Violations as `{code, model, message, path, data}`.
pub fn violations(finished: &Finished, target: &Target<'_>, options: &Options) -> Vec<Value> {
    let mut found = Vec::new();
    let schemas = Value::Object(target.function.definition.common.models.clone());
    match &target.function.definition.detail {
        Detail::Action(action) => {
            let input = options.input.clone().unwrap_or(Value::Null);
            check(
                &mut found,
                "invalid_action_input",
                &action.input_model,
                &schemas,
                &input,
            );
            if let Ok(output) = &finished.outcome.result {
                let output = serde_json::from_str(output).unwrap_or(Value::Null);
                check(
                    &mut found,
                    "invalid_action_output",
                    &action.output_model,
                    &schemas,
                    &output,
                );
            }
        }
        Detail::Sync(_) => {
            for (model, batches) in &finished.collected.models {
                for record in &batches.saved {
                    check(&mut found, "invalid_sync_record", model, &schemas, record);
                }
            }
        }
        Detail::Function(whole) => {
            if let Some(model) = whole.get("input").and_then(Value::as_str) {
                let input = options.input.clone().unwrap_or(Value::Null);
                check(&mut found, "invalid_function_input", model, &schemas, &input);
            }
            if let (Some(model), Ok(output)) = (whole.get("output").and_then(Value::as_str), &finished.outcome.result) {
                let output = serde_json::from_str(output).unwrap_or(Value::Null);
                check(&mut found, "invalid_function_output", model, &schemas, &output);
            }
            for (model, batches) in &finished.collected.models {
                for record in &batches.saved {
                    check(&mut found, "invalid_sync_record", model, &schemas, record);
                }
            }
        }
        Detail::OnEvent { .. } => {}
    }
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
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(true)
        .build(&Value::Object(whole));
    match validator {
        Ok(validator) => {
            for error in validator.iter_errors(data) {
                push(error.to_string(), error.instance_path().to_string());
            }
        }
        Err(error) => push(format!("the schema cannot be used: {error}"), String::new()),
    }
}
