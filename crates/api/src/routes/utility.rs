//! Health checks and other routes without authentication.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::de::IgnoredAny;
use serde_json::json;

use crate::ApiState;

/// The description of this API. Kept by hand; a test compares it with the routes.
const OPENAPI: &str = include_str!("../../openapi.json");

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .route("/openapi.json", get(openapi))
}

/// The paths of that description; what stands in braces is for callers to choose.
pub(crate) fn documented_paths() -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Document {
        paths: BTreeMap<String, IgnoredAny>,
    }
    // A test reads the document as a whole.
    let document: Document = serde_json::from_str(OPENAPI).unwrap_or(Document { paths: BTreeMap::new() });
    document.paths.into_keys().collect()
}

async fn health() -> Json<serde_json::Value> {
    Json(json!({ "result": "ok" }))
}

async fn ready(State(state): State<ApiState>) -> Response {
    match state.app.store().read().await {
        Ok(_) => Json(json!({ "result": "ok" })).into_response(),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "result": "not ready" }))).into_response(),
    }
}

async fn openapi() -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], OPENAPI).into_response()
}

#[cfg(test)]
mod tests;
