//! Webhooks of providers.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::header::CONTENT_TYPE;
use http::request::Request;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::json;
use tenon_app::Error;
use tenon_app::parse::query;
use tenon_app::webhooks::inbound::{Accepted, Delivery};

use crate::input::read_body;
use crate::{ApiResult, ApiState, Path};

/// The stable name of a refusal whose body is a bare sentence.
const ERROR_CODE: HeaderName = HeaderName::from_static("tenon-error-code");

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

/// Providers are told why a message is not believed in a bare sentence instead of the usual envelope; programs find the
/// code in a header.
fn refused(error: Error) -> ApiResult {
    match error.refusal() {
        Some(refusal) if refusal.status == 401 => {
            let code = HeaderValue::from_str(&refusal.code).unwrap_or(HeaderValue::from_static("webhook_failure"));
            let body = Json(json!({ "error": refusal.message }));
            Ok((StatusCode::UNAUTHORIZED, [(ERROR_CODE, code)], body).into_response())
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
