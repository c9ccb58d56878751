//! Webhooks of providers.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::request::Request;
use http::uri::PathAndQuery;
use http::{HeaderValue, StatusCode};
use serde_json::json;
use tenon_app::Error;
use tenon_app::webhooks::inbound::{Accepted, Delivery};

use crate::input::read_body;
use crate::{ApiResult, ApiState, Path, query};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new().route("/webhook/{environment}/{integration}", post(receive))
}

/// Any body type; the raw text counts, because signatures are computed over it.
async fn receive(
    State(state): State<ApiState>,
    Path((environment, integration)): Path<(String, String)>,
    request: Request<Body>,
) -> ApiResult {
    let (parts, body) = request.into_parts();
    let raw = read_body(body, state.app.settings().body_bytes_max).await?;
    let delivery = Delivery {
        environment: &environment,
        integration: &integration,
        headers: &parts.headers,
        target: parts.uri.path_and_query().map_or("/", PathAndQuery::as_str),
        query: &query::parse(parts.uri.query().unwrap_or_default()),
        raw: &raw,
    };
    let accepted = match state.app.receive_webhook(&delivery).await {
        Ok(accepted) => accepted,
        Err(error) => return refused(error),
    };
    Ok(match accepted {
        Accepted::Taken => Json(json!({ "status": "success" })).into_response(),
        Accepted::TakenSilently => StatusCode::OK.into_response(),
        Accepted::NotRouted => StatusCode::NO_CONTENT.into_response(),
        Accepted::Echo(text) => plain(text),
    })
}

/// Providers are told why a message is not believed in a bare sentence instead of the usual envelope.
fn refused(error: Error) -> ApiResult {
    match error.refusal() {
        Some(refusal) if refusal.status == 401 => {
            let body = json!({ "error": refusal.message, "code": refusal.code });
            Ok((StatusCode::UNAUTHORIZED, Json(body)).into_response())
        }
        Some(_) | None => Err(error.into()),
    }
}

fn plain(text: String) -> Response {
    (
        [(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))],
        text,
    )
        .into_response()
}
