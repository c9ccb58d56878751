//! Refusals as the envelope of the public contract: `{"error": {"code", "message", "errors", "payload"}}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value, json};
use tenon_app::{Error, Refusal};

/// What routes return.
pub type ApiResult<T = Response> = Result<T, ApiError>;

/// An error on its way to the caller.
#[derive(Debug)]
pub struct ApiError(pub Error);

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// The error object of a refusal.
pub fn envelope(refusal: &Refusal) -> Value {
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
    json!({ "error": error })
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self.0.refusal() {
            Some(refusal) => {
                let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, Json(envelope(refusal))).into_response()
            }
            None => {
                // The caller gets nothing but a sentence; the chain is for the operator's log.
                tracing::error!(error = ?self.0, "a request failed inside the server");
                let body = json!({ "error": {
                    "code": "server_error",
                    "message": "Something went wrong inside the server. The server's log has the details.",
                }});
                (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
            }
        }
    }
}
