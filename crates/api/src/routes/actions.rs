//! Actions: call one, fetch the result of one that ran later.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tenon_app::actions::{ActionAnswer, TriggerInput};
use tenon_app::validate::{is_uuid, no_query};
use tenon_app::{Error, Issue};
use uuid::Uuid;

use crate::{ApiResult, ApiState, Authed, Input, Path};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/action/trigger", post(trigger).get(trigger_read))
        .route("/action/{id}", get(result))
}

async fn trigger(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:actions:execute")?;
    no_query(&input.query)?;
    let wanted = TriggerInput::parse(&input.headers, input.json())?;
    answer(state.app.trigger_action(&caller, wanted).await?)
}

/// `GET /action/trigger` is the result of an action called `trigger`, which is no id.
async fn trigger_read(State(state): State<ApiState>, input: Input) -> ApiResult {
    read(&state, "trigger", &input).await
}

async fn result(State(state): State<ApiState>, Path(id): Path<String>, input: Input) -> ApiResult {
    read(&state, &id, &input).await
}

async fn read(state: &ApiState, id: &str, input: &Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:actions:execute")?;
    no_query(&input.query)?;
    let id = Uuid::try_parse(id).ok().filter(|_| is_uuid(id)).ok_or_else(|| {
        Error::invalid(
            "invalid_uri_params",
            vec![Issue::new("invalid_format", "Invalid UUID", &["id"])],
        )
    })?;
    Ok(json_text(state.app.async_action_result(&caller, id).await?))
}

/// The answer of a call, as the contract wants it.
pub(super) fn answer(answer: ActionAnswer) -> ApiResult {
    match answer {
        ActionAnswer::Output(text) => Ok(json_text(text)),
        ActionAnswer::Accepted(id) => {
            let url = format!("/action/{id}");
            let location = HeaderValue::try_from(&url).map_err(|error| Error::Internal(error.to_string()))?;
            let body = Json(json!({ "id": id, "statusUrl": url }));
            Ok((StatusCode::ACCEPTED, [(LOCATION, location)], body).into_response())
        }
    }
}

/// JSON text as it is.
fn json_text(text: String) -> Response {
    (
        [(
            CONTENT_TYPE,
            HeaderValue::from_static("application/json; charset=utf-8"),
        )],
        text,
    )
        .into_response()
}
