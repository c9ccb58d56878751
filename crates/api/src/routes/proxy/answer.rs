//! From the provider's answer to ours.

use axum::Json;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{
    CONNECTION, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderName, PROXY_AUTHENTICATE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use tenon_app::proxy::{Answer, Outcome};

/// Headers of a buffered success that the caller gets.
const PASSED: [HeaderName; 4] = [
    CONTENT_TYPE,
    HeaderName::from_static("mcp-session-id"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-correlation-id"),
];
/// A body of unknown length is collected up to this size, so that the caller learns its length.
const COLLECT_BYTES_MAX: usize = 1 << 20;

/// The answer to the caller.
pub(super) async fn respond(method: &Method, outcome: Outcome, full: bool) -> Response {
    let mut answer = match outcome {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(error) => return no_answer(method, error.code(), &error.to_string()),
    };
    if !answer.status.is_success() || full || is_streamed(&answer.headers) {
        return pass(*answer);
    }
    if answer.status == StatusCode::NO_CONTENT {
        return StatusCode::NO_CONTENT.into_response();
    }
    if answer.decoded || !answer.headers.contains_key(http::header::CONTENT_LENGTH) {
        // What breaks here has not been announced yet, so it can still be told.
        if let Err(error) = answer.peek(COLLECT_BYTES_MAX).await {
            return no_answer(method, error.code(), &error.to_string());
        }
    }
    let mut response = Response::new(Body::new(answer.body));
    let headers = response.headers_mut();
    for name in PASSED {
        if let Some(value) = answer.headers.get(&name) {
            headers.insert(name, value.clone());
        }
    }
    headers
        .entry(CONTENT_TYPE)
        .or_insert(HeaderValue::from_static("application/octet-stream"));
    response
}

/// Chunked answers and those that are files reach the caller as they are.
fn is_streamed(headers: &HeaderMap) -> bool {
    let chunked = headers
        .get(TRANSFER_ENCODING)
        .is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
    let disposition = headers
        .get(CONTENT_DISPOSITION)
        .map(|value| value.as_bytes().to_ascii_lowercase());
    chunked || disposition.is_some_and(|text| text.starts_with(b"attachment") || text.starts_with(b"inline"))
}

/// The provider's status and headers, without those that belong to its connection.
fn pass(answer: Answer) -> Response {
    const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
    const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");
    let mut headers = answer.headers;
    let own = [
        CONNECTION,
        KEEP_ALIVE,
        PROXY_AUTHENTICATE,
        PROXY_CONNECTION,
        TE,
        TRAILER,
        TRANSFER_ENCODING,
        UPGRADE,
    ];
    for name in own {
        headers.remove(name);
    }
    let mut response = Response::new(Body::new(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = headers;
    response
}

/// There was no answer: the shape is that of the HTTP client which callers know, not the usual envelope.
fn no_answer(method: &Method, code: &str, message: &str) -> Response {
    let mut body = Map::new();
    body.insert("message".to_owned(), json!(message));
    body.insert("code".to_owned(), json!(code));
    body.insert("method".to_owned(), json!(method.as_str().to_ascii_lowercase()));
    (StatusCode::INTERNAL_SERVER_ERROR, Json(Value::Object(body))).into_response()
}
