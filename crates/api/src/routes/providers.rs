//! The provider catalogue.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Map, Value, json};
use tenon_app::integrations::logo_url;
use tenon_app::validate::{Fields, INTEGRATION_ID, NAME, Text, no_query};
use tenon_app::{App, Error, Issue};

use crate::auth::Either;
use crate::{ApiResult, ApiState, Authed, Input};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/providers.json", get(raw_map))
        .route("/providers", get(list))
        .route("/providers/{provider}", get(read))
        .route("/providers/{provider}/templates", get(templates))
}

fn shown(app: &App, provider: &tenon_catalog::Provider) -> Value {
    let mut value = provider.to_wire();
    if let Value::Object(object) = &mut value {
        object.insert("name".to_owned(), json!(provider.id));
        object.insert("logo_url".to_owned(), json!(logo_url(app.settings(), &provider.id)));
    }
    value
}

async fn raw_map(State(state): State<ApiState>) -> Json<Value> {
    let catalog = state.app.catalog();
    let map: Map<String, Value> =
        catalog.providers().map(|provider| (provider.id.clone(), provider.to_wire())).collect();
    Json(Value::Object(map))
}

async fn list(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Either::check(&state.app, &input.headers).await?;
    caller.caller().environment()?;
    let mut fields =
        Fields::root(Some(&input.query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let search = fields.opt_text("search", Text::any().pattern(&INTEGRATION_ID).max(255));
    fields.strict();
    fields.finish("invalid_query_params")?;
    let search = search.map(|search| search.to_lowercase());
    let catalog = state.app.catalog();
    let data: Vec<Value> = catalog
        .providers()
        .filter(|provider| search.as_ref().is_none_or(|search| provider.id.to_lowercase().contains(search)))
        .map(|provider| shown(&state.app, provider))
        .collect();
    Ok(Json(json!({ "data": data })).into_response())
}

fn check_name(name: &str) -> ApiResult<()> {
    let complaints = Text::any().pattern(&NAME).max(255).complaints(name);
    if complaints.is_empty() {
        return Ok(());
    }
    let issues =
        complaints.into_iter().map(|(code, message)| Issue::new(code, message, &["provider"])).collect();
    Err(Error::invalid("invalid_uri_params", issues).into())
}

async fn read(State(state): State<ApiState>, Path(name): Path<String>, input: Input) -> ApiResult<Response> {
    let caller = Either::check(&state.app, &input.headers).await?;
    caller.caller().environment()?;
    no_query(&input.query)?;
    check_name(&name)?;
    let catalog = state.app.catalog();
    let provider = catalog.get(&name).ok_or_else(|| Error::not_found(format!("Unknown provider {name}")))?;
    Ok(Json(json!({ "data": shown(&state.app, provider) })).into_response())
}

async fn templates(State(state): State<ApiState>, Path(name): Path<String>, input: Input) -> ApiResult<Response> {
    Authed::check_environment(&state.app, &input.headers).await?;
    no_query(&input.query)?;
    check_name(&name)?;
    Ok(Json(json!({ "data": [] })).into_response())
}
