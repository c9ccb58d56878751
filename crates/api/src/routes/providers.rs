//! The provider catalogue.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tenon_app::validate::{Fields, INTEGRATION_ID, NAME, Text, no_query};
use tenon_app::{Error, Issue};

use crate::auth::Either;
use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/providers.json", get(raw_map))
        .route("/providers", get(list))
        .route("/providers/{provider}", get(read))
        .route("/providers/{provider}/templates", get(templates))
}

async fn raw_map(State(state): State<ApiState>) -> Json<Value> {
    Json(state.app.provider_map())
}

async fn list(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Either::check(&state.app, &input.headers).await?;
    caller.caller().environment()?;
    let mut fields =
        Fields::root(Some(&input.query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let search = fields.opt_text("search", Text::any().pattern(&INTEGRATION_ID).max(255));
    fields.strict();
    fields.finish("invalid_query_params")?;
    let data = state.app.list_providers(&caller.caller(), search.as_deref())?;
    Ok(Json(json!({ "data": data })).into_response())
}

fn check_name(name: &str) -> ApiResult<()> {
    let complaints = Text::any().pattern(&NAME).max(255).complaints(name);
    if complaints.is_empty() {
        return Ok(());
    }
    let issues = complaints
        .into_iter()
        .map(|(code, message)| Issue::new(code, message, &["provider"]))
        .collect();
    Err(Error::invalid("invalid_uri_params", issues).into())
}

async fn read(State(state): State<ApiState>, Path(name): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Either::check(&state.app, &input.headers).await?;
    caller.caller().environment()?;
    no_query(&input.query)?;
    check_name(&name)?;
    let data = state.app.read_provider(&caller.caller(), &name)?;
    Ok(Json(json!({ "data": data })).into_response())
}

async fn templates(State(state): State<ApiState>, Path(name): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Authed::check_environment(&state.app, &input.headers).await?;
    no_query(&input.query)?;
    check_name(&name)?;
    let data = state.app.list_templates(&caller, &name).await?;
    Ok(Json(json!({ "data": data })).into_response())
}
