//! Refusals as the envelope of the public contract: `{"error": {"code", "message", "errors", "payload"}}`.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::json;
use tenon_app::Error;

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

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self.0.refusal() {
            Some(refusal) => {
                let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                (status, Json(refusal.envelope())).into_response()
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
