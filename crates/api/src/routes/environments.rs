//! Environments, API keys, environment variables and the webhook signing key.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tenon_app::environments::NewEnvironmentInput;
use tenon_app::validate::{Fields, no_query};
use tenon_app::{Error, Issue};
use tenon_model::EnvironmentId;

use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/environments", post(create))
        .route("/environments/{id}", delete(remove))
        .route("/environment/api-keys", post(create_key).delete(delete_key))
        .route("/environment-variables", get(list_variables))
        .route("/environment/webhook-signing-key/rotate", post(rotate_signing_key))
}

async fn create(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("account:environments:create")?;
    no_query(&input.query)?;
    let wanted = NewEnvironmentInput::parse(input.json())?;
    let made = state.app.create_environment(&caller, wanted).await?;
    Ok(Json(json!({ "data": { "id": made.id, "name": made.name } })).into_response())
}

async fn remove(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("account:environments:delete")?;
    no_query(&input.query)?;
    let params = json!({ "environmentId": id });
    let mut fields =
        Fields::root(Some(&params)).map_err(|issues: Vec<Issue>| Error::invalid("invalid_uri_params", issues))?;
    let id = fields.integer("environmentId", 1, i64::MAX, true);
    fields.finish("invalid_uri_params")?;
    state
        .app
        .delete_environment(&caller, EnvironmentId(id.unwrap_or_default()))
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn create_key(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("account:environments:api_keys:create")?;
    no_query(&input.query)?;
    let key = state.app.create_api_key(&caller, input.json()).await?;
    Ok(Json(json!({ "data": {
        "id": key.id,
        "display_name": key.display_name,
        "scopes": key.scopes,
        "secret": key.secret,
        "created_at": key.created_at.iso_millis(),
    }}))
    .into_response())
}

async fn delete_key(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("account:environments:api_keys:delete")?;
    no_query(&input.query)?;
    state.app.delete_api_key(&caller, input.json()).await?;
    Ok(Json(json!({ "success": true })).into_response())
}

async fn list_variables(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:variables:read")?;
    no_query(&input.query)?;
    let variables: Vec<Value> = state
        .app
        .list_environment_variables(&caller)
        .await?
        .into_iter()
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    Ok(Json(variables).into_response())
}

async fn rotate_signing_key(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:webhook_signing_key:rotate")?;
    no_query(&input.query)?;
    let key = state.app.rotate_signing_key(&caller).await?;
    Ok(Json(json!({ "data": { "webhook_signing_key": key } })).into_response())
}
