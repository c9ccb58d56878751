//! Connect sessions.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::Value;
use tenon_app::sessions::check_telemetry;
use tenon_app::validate::no_query;

use crate::{ApiResult, ApiState, Authed, Input, Session};

const WRITE: &str = "environment:connect_sessions:write";

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/connect/sessions", post(create))
        .route("/connect/sessions/reconnect", post(create_reconnect))
        .route("/connect/session", get(read).delete(delete))
        .route("/connect/telemetry", post(telemetry))
}

async fn create(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require(WRITE)?;
    no_query(&input.query)?;
    let session = state.app.create_session(&caller, input.json()).await?;
    Ok((StatusCode::CREATED, Json(session)).into_response())
}

async fn create_reconnect(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require(WRITE)?;
    no_query(&input.query)?;
    let session = state.app.create_reconnect_session(&caller, input.json()).await?;
    Ok((StatusCode::CREATED, Json(session)).into_response())
}

async fn read(State(state): State<ApiState>, input: Input) -> ApiResult {
    let session = Session::check(&state.app, &input.headers).await?;
    no_query(&input.query)?;
    Ok(Json(state.app.session_json(&session).await?).into_response())
}

async fn delete(State(state): State<ApiState>, input: Input) -> ApiResult {
    let session = Session::check(&state.app, &input.headers).await?;
    no_query(&input.query)?;
    state.app.delete_session(&session).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// What a page reports about itself; the token is in the body, because beacons carry no headers.
async fn telemetry(State(state): State<ApiState>, input: Input) -> ApiResult {
    let token = input.json().and_then(|body| body.get("token")).and_then(Value::as_str);
    let mut headers = HeaderMap::new();
    if let Some(value) = token.and_then(|token| HeaderValue::from_str(&format!("Bearer {token}")).ok()) {
        headers.insert(AUTHORIZATION, value);
    }
    let session = Session::check(&state.app, &headers).await?;
    let (event, integration) = check_telemetry(input.json(), state.app.clock().now())?;
    tracing::debug!(environment.id = %session.environment.id, session = session.id, event, integration, "a connect page reported");
    let mut response = StatusCode::NO_CONTENT.into_response();
    let origin = url::Url::parse(&state.app.settings().connect_url).map(|url| url.origin().ascii_serialization());
    if let Some(origin) = origin.ok().and_then(|origin| HeaderValue::from_str(&origin).ok()) {
        response.headers_mut().insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        response
            .headers_mut()
            .insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    Ok(response)
}
