//! Health checks and other routes without authentication.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::json;

use crate::ApiState;

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new().route("/health", get(health)).route("/ready", get(ready))
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
