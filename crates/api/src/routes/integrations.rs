//! Integrations.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use tenon_app::Error;
use tenon_app::integrations::{CreateInput, UpdateInput, check_key, read_include};
use tenon_app::validate::{Fields, no_query};

use crate::auth::Either;
use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/integrations", get(list).post(create))
        .route("/integrations/quickstart", post(create_quickstart))
        .route("/integrations/{key}", get(read).patch(update).delete(delete))
        .route("/config/{key}", get(read_old))
}

async fn list(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Either::check(&state.app, &input.headers).await?;
    let who = caller.caller();
    who.require_any(&[
        "environment:integrations:list",
        "environment:integrations:list_credentials",
    ])?;
    no_query(&input.query)?;
    let data = state.app.list_integrations(&who, caller.allowed_integrations()).await?;
    Ok(Json(json!({ "data": data })).into_response())
}

async fn create(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:integrations:create")?;
    no_query(&input.query)?;
    let data = state
        .app
        .create_integration(&caller, CreateInput::parse(input.json())?)
        .await?;
    Ok(Json(json!({ "data": data })).into_response())
}

async fn create_quickstart(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:integrations:create")?;
    no_query(&input.query)?;
    let wanted = CreateInput::parse_quickstart(input.json())?;
    let data = state.app.create_quickstart_integration(&caller, &wanted)?;
    Ok(Json(json!({ "data": data })).into_response())
}

async fn read(State(state): State<ApiState>, Path(key): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require_any(&[
        "environment:integrations:read",
        "environment:integrations:read_credentials",
    ])?;
    let include = read_include(&input.query)?;
    check_key(&key)?;
    let data = state.app.read_integration(&caller, &key, include).await?;
    Ok(Json(json!({ "data": data })).into_response())
}

async fn update(State(state): State<ApiState>, Path(key): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:integrations:update")?;
    no_query(&input.query)?;
    check_key(&key)?;
    let data = state
        .app
        .update_integration(&caller, &key, UpdateInput::parse(input.json())?)
        .await?;
    Ok(Json(json!({ "data": data })).into_response())
}

async fn delete(State(state): State<ApiState>, Path(key): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:integrations:delete")?;
    no_query(&input.query)?;
    check_key(&key)?;
    state.app.delete_integration(&caller, &key).await?;
    Ok(Json(json!({ "success": true })).into_response())
}

async fn read_old(State(state): State<ApiState>, Path(key): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    let mut fields =
        Fields::root(Some(&input.query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let with_credentials = fields.raw("include_creds").and_then(|value| value.as_str()) == Some("true");
    let config = state.app.read_old_config(&caller, &key, with_credentials).await?;
    Ok(Json(config).into_response())
}
