//! Deployed functions: lists, code, removal, and the deprecated paths that functions declare.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tenon_app::actions::TriggerInput;
use tenon_app::functions::{DeleteQuery, ListQuery, PassThrough, RollbackInput, SwitchInput};
use tenon_app::integrations::check_key;

use super::actions;
use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/scripts/config", get(config))
        .route("/functions/runs/{id}/recording", get(recording))
        .route("/integrations/{key}/functions", get(list))
        .route(
            "/integrations/{key}/functions/{name}",
            get(read).patch(switch).delete(delete),
        )
        .route("/integrations/{key}/functions/{name}/code", get(code))
        .route("/integrations/{key}/functions/{name}/versions", get(versions))
        .route("/integrations/{key}/functions/{name}/rollback", post(roll_back))
        .route("/v1/{*path}", any(pass_through))
}

async fn config(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    let openai = input.query.get("format").and_then(|format| format.as_str()) == Some("openai");
    Ok(Json(state.app.scripts_config(&caller, openai).await?).into_response())
}

async fn recording(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:logs:read")?;
    let recording = state.app.read_recording(&caller, &id).await?;
    let json = HeaderValue::from_static("application/json; charset=utf-8");
    Ok(([(CONTENT_TYPE, json)], recording).into_response())
}

async fn list(State(state): State<ApiState>, Path(key): Path<String>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:functions:list")?;
    let query = ListQuery::parse(&input.query)?;
    check_key(&key)?;
    Ok(Json(state.app.list_functions(&caller, &key, &query).await?).into_response())
}

async fn read(State(state): State<ApiState>, Path((key, name)): Path<(String, String)>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:functions:read")?;
    let kind = ListQuery::parse_kind(&input.query)?;
    check_key(&key)?;
    Ok(Json(state.app.read_function(&caller, &key, &name, kind).await?).into_response())
}

async fn code(State(state): State<ApiState>, Path((key, name)): Path<(String, String)>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:functions:read")?;
    let wanted = ListQuery::parse_code(&input.query)?;
    check_key(&key)?;
    Ok(Json(state.app.read_function_code(&caller, &key, &name, wanted).await?).into_response())
}

async fn versions(State(state): State<ApiState>, Path((key, name)): Path<(String, String)>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:functions:read")?;
    let kind = ListQuery::parse_kind(&input.query)?;
    check_key(&key)?;
    Ok(Json(state.app.function_versions(&caller, &key, &name, kind).await?).into_response())
}

async fn roll_back(
    State(state): State<ApiState>,
    Path((key, name)): Path<(String, String)>,
    input: Input,
) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:deploy")?;
    check_key(&key)?;
    let wanted = RollbackInput::parse(input.json())?;
    Ok(Json(state.app.roll_back_function(&caller, &key, &name, &wanted).await?).into_response())
}

async fn switch(State(state): State<ApiState>, Path((key, name)): Path<(String, String)>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:deploy")?;
    check_key(&key)?;
    let wanted = SwitchInput::parse(input.json())?;
    Ok(Json(state.app.switch_function(&caller, &key, &name, wanted).await?).into_response())
}

async fn delete(State(state): State<ApiState>, Path((key, name)): Path<(String, String)>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:functions:delete")?;
    let query = DeleteQuery::parse(&input.query)?;
    check_key(&key)?;
    state.app.delete_function(&caller, &key, &name, query).await?;
    Ok(Json(json!({ "data": { "success": true } })).into_response())
}

/// `ANY /v1/<endpoint>`: the function that declared this path, as an action call or a list of records.
async fn pass_through(State(state): State<ApiState>, Path(path): Path<String>, mut input: Input) -> ApiResult {
    let caller = Authed::check_environment(&state.app, &input.headers).await?;
    let key = input.header("provider-config-key").unwrap_or_default().to_owned();
    match state.app.find_endpoint(&caller, &key, &input.method, &path).await? {
        Some(PassThrough::Action { name }) => {
            caller.require("environment:actions:execute")?;
            let wanted = TriggerInput::of_endpoint(&input.headers, name, input.json())?;
            actions::answer(state.app.trigger_action(&caller, wanted).await?)
        }
        Some(PassThrough::Records { model }) => {
            if let Some(query) = input.query.as_object_mut() {
                query.insert("model".to_owned(), json!(model));
            }
            super::records::list(State(state), input).await
        }
        None => Ok(unknown(&input, &path)),
    }
}

/// The one refusal of the contract that has no envelope.
fn unknown(input: &Input, path: &str) -> Response {
    let message = format!("There is no function with the endpoint {} /{path}", input.method);
    let mut response = (StatusCode::NOT_FOUND, Json(json!({ "message": message }))).into_response();
    response
        .headers_mut()
        .insert("cache-control", HeaderValue::from_static("no-store"));
    response
}
