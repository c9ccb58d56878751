//! Refusals as functions see them: the body that the public API would have sent.

use serde_json::{Map, Value, json};

use crate::Refusal;

/// The error envelope as JSON text.
pub(super) fn body(refusal: &Refusal) -> String {
    let mut error = Map::new();
    if let Some(message) = &refusal.message {
        error.insert("message".to_owned(), json!(message));
    }
    error.insert("code".to_owned(), json!(refusal.code));
    if !refusal.issues.is_empty() {
        let issues: Vec<Value> = refusal
            .issues
            .iter()
            .map(|issue| json!({ "code": issue.code, "message": issue.message, "path": issue.path }))
            .collect();
        error.insert("errors".to_owned(), Value::Array(issues));
    }
    if let Some(payload) = &refusal.payload {
        error.insert("payload".to_owned(), payload.clone());
    }
    for (name, value) in &refusal.extra {
        error.insert((*name).to_owned(), value.clone());
    }
    json!({ "error": error }).to_string()
}
