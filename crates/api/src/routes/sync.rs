//! Syncs: trigger, start, pause, status, frequency, variants.

use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::json;
use tenon_app::syncs::FrequencyRequest;
use tenon_app::syncs::control::{SwitchRequest, TriggerRequest};
use tenon_app::syncs::status::StatusRequest;
use tenon_app::syncs::variants::VariantRequest;
use tenon_app::validate::no_query;

use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/sync/trigger", post(trigger))
        .route("/sync/start", post(start))
        .route("/sync/pause", post(pause))
        .route("/sync/status", get(status))
        .route("/sync/update-connection-frequency", put(update_frequency))
        .route(
            "/sync/{name}/variant/{variant}",
            post(create_variant).delete(delete_variant),
        )
}

async fn trigger(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:syncs:execute")?;
    no_query(&input.query)?;
    let (connection, integration) = (input.header("connection-id"), input.header("provider-config-key"));
    let request = TriggerRequest::parse(input.json(), connection, integration)?;
    state.app.trigger_syncs(&caller, request).await?;
    Ok(Json(json!({ "success": true })).into_response())
}

async fn start(state: State<ApiState>, input: Input) -> ApiResult {
    switch(state, input, false).await
}

async fn pause(state: State<ApiState>, input: Input) -> ApiResult {
    switch(state, input, true).await
}

async fn switch(State(state): State<ApiState>, input: Input, paused: bool) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:syncs:execute")?;
    no_query(&input.query)?;
    let request = SwitchRequest::parse(input.json())?;
    state.app.switch_syncs(&caller, request, paused).await?;
    Ok(Json(json!({ "success": true })).into_response())
}

async fn status(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:syncs:read")?;
    let request = StatusRequest::parse(&input.query)?;
    Ok(Json(state.app.sync_status(&caller, request).await?).into_response())
}

async fn update_frequency(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:syncs:update")?;
    no_query(&input.query)?;
    let request = FrequencyRequest::parse(input.json())?;
    let frequency = state.app.update_sync_frequency(&caller, request).await?;
    Ok(Json(json!({ "frequency": frequency })).into_response())
}

async fn create_variant(
    State(state): State<ApiState>,
    Path((name, variant)): Path<(String, String)>,
    input: Input,
) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:syncs:variant:create")?;
    no_query(&input.query)?;
    let request = VariantRequest::parse(&name, &variant, input.json())?;
    Ok(Json(state.app.create_sync_variant(&caller, request).await?).into_response())
}

async fn delete_variant(
    State(state): State<ApiState>,
    Path((name, variant)): Path<(String, String)>,
    input: Input,
) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:syncs:variant:delete")?;
    no_query(&input.query)?;
    let request = VariantRequest::parse(&name, &variant, input.json())?;
    state.app.delete_sync_variant(&caller, request).await?;
    Ok(Json(json!({ "success": true })).into_response())
}
