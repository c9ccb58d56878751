//! Connections, and the deprecated routes that still answer.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tenon_app::connections::MetadataWrite;
use tenon_app::validate::no_query;

use crate::{ApiResult, ApiState, Authed, Input, Path};

const CREATE: &str = "environment:connections:create";
const UPDATE: &str = "environment:connections:update";

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/connections", get(list).post(import))
        .route("/connections/metadata", post(set_metadata).patch(merge_metadata))
        .route("/connections/{id}", get(read).patch(update).delete(delete))
        .route("/connection", get(list).post(import_old))
        .route("/connection/metadata", post(set_metadata).patch(merge_metadata))
        .route("/connection/{id}", get(read).delete(delete))
        .route(
            "/connection/{id}/metadata",
            post(set_metadata_old).patch(merge_metadata_old),
        )
}

async fn list(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    Ok(Json(state.app.list_connections(&caller, &input.query).await?).into_response())
}

async fn import(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require(CREATE)?;
    no_query(&input.query)?;
    let connection = state.app.import_connection(&caller, input.json()).await?;
    Ok((StatusCode::CREATED, Json(connection)).into_response())
}

async fn import_old(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    let answer = state.app.import_connection_old(&caller, input.json()).await?;
    Ok((StatusCode::CREATED, Json(answer)).into_response())
}

async fn read(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    Ok(Json(state.app.read_connection(&caller, &id, &input.query).await?).into_response())
}

async fn update(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    state
        .app
        .update_connection(&caller, &id, &input.query, input.json())
        .await?;
    Ok(Json(json!({ "success": true })).into_response())
}

async fn delete(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    state.app.delete_connection(&caller, &id, &input.query).await?;
    Ok(Json(json!({ "success": true })).into_response())
}

async fn set_metadata(State(state): State<ApiState>, input: Input) -> ApiResult {
    write_metadata(&state, &input, MetadataWrite::Replace, StatusCode::CREATED).await
}

async fn merge_metadata(State(state): State<ApiState>, input: Input) -> ApiResult {
    write_metadata(&state, &input, MetadataWrite::Merge, StatusCode::OK).await
}

async fn write_metadata(state: &ApiState, input: &Input, write: MetadataWrite, status: StatusCode) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require(UPDATE)?;
    no_query(&input.query)?;
    let answer = state.app.write_metadata(&caller, input.json(), write).await?;
    Ok((status, Json(answer)).into_response())
}

async fn set_metadata_old(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    write_metadata_old(&state, &id, &input, MetadataWrite::Replace, StatusCode::CREATED).await
}

async fn merge_metadata_old(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    write_metadata_old(&state, &id, &input, MetadataWrite::Merge, StatusCode::OK).await
}

async fn write_metadata_old(
    state: &ApiState,
    id: &str,
    input: &Input,
    write: MetadataWrite,
    status: StatusCode,
) -> ApiResult<Response> {
    let caller = Authed::check(&state.app, &input.headers).await?;
    let in_query = input.query.get("provider_config_key").and_then(Value::as_str);
    let key = in_query.or_else(|| input.header("provider-config-key"));
    let answer = state
        .app
        .write_metadata_old(&caller, id, key, input.json(), write)
        .await?;
    Ok((status, Json(answer)).into_response())
}
