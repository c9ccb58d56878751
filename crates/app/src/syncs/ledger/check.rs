//! What a checkpoint may be.

use serde_json::{Value, json};

/// Fields of a checkpoint.
const FIELDS_MAX: usize = 16;
/// Characters of a field's name.
const KEY_MAX: usize = 255;
/// Characters of a text in a checkpoint.
const TEXT_MAX: usize = 4_000;
/// A checkpoint is a flat object of texts, numbers and booleans.
pub(crate) fn check(text: &str) -> Result<Value, Vec<Value>> {
    let issue = |path: Vec<&str>, code: &str, message: &str| json!({ "code": code, "message": message, "path": path });
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let Value::Object(map) = &value else {
        return Err(vec![issue(
            vec!["checkpoint"],
            "invalid_type",
            "Invalid input: expected record",
        )]);
    };
    let mut issues = Vec::new();
    if map.len() > FIELDS_MAX {
        let message = format!("Too big: expected record to have <={FIELDS_MAX} fields");
        issues.push(issue(vec!["checkpoint"], "too_big", &message));
    }
    for (key, value) in map {
        if key.encode_utf16().count() > KEY_MAX {
            issues.push(issue(vec!["checkpoint", key], "invalid_key", "Invalid key in record"));
        }
        let fits = match value {
            Value::String(text) => text.encode_utf16().count() <= TEXT_MAX,
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !fits {
            issues.push(issue(vec!["checkpoint", key], "invalid_union", "Invalid input"));
        }
    }
    if issues.is_empty() { Ok(value) } else { Err(issues) }
}

#[cfg(test)]
mod tests;
