//! The rules of Streamable HTTP: media types, origins, protocol versions; and refusals that are no answer to a request.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use url::{Host, Url};

use super::message::Incoming;

/// Names the revision of the protocol that was agreed on.
pub(super) const VERSION_HEADER: &str = "mcp-protocol-version";

/// Revisions with a handshake, newest first.
pub(super) const VERSIONS: [&str; 5] = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05", "2024-10-07"];

/// A refusal of the whole HTTP request.
#[derive(Debug, PartialEq)]
pub(super) struct Refused {
    pub status: StatusCode,
    pub body: Value,
}

/// A JSON-RPC error that answers no request.
pub(super) fn error_body(code: i32, message: &str) -> Value {
    json!({ "jsonrpc": "2.0", "error": { "code": code, "message": message }, "id": null })
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: i32, message: impl AsRef<str>) -> Self {
        Self {
            status,
            body: error_body(code, message.as_ref()),
        }
    }

    pub(super) fn unreadable() -> Self {
        Self::new(StatusCode::BAD_REQUEST, -32700, "Parse error: Invalid JSON-RPC message")
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

fn text(headers: &HeaderMap, name: impl http::header::AsHeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// What the client sends must be JSON, and it must be able to read both forms of an answer.
pub(super) fn check_types(headers: &HeaderMap) -> Result<(), Refused> {
    let accept = text(headers, ACCEPT).unwrap_or_default();
    if !accept.contains("application/json") || !accept.contains("text/event-stream") {
        return Err(Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            -32000,
            "Not Acceptable: Client must accept both application/json and text/event-stream",
        ));
    }
    if !text(headers, CONTENT_TYPE).is_some_and(|kind| kind.contains("application/json")) {
        return Err(Refused::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            -32000,
            "Unsupported Media Type: Content-Type must be application/json",
        ));
    }
    Ok(())
}

/// Rules of the revisions with a handshake: `initialize` comes alone, and everything else names a known revision or none.
pub(super) fn check_handshake(headers: &HeaderMap, messages: &[Incoming]) -> Result<(), Refused> {
    let initializes =
        |message: &Incoming| matches!(message, Incoming::Request(request) if request.method == "initialize");
    if messages.iter().any(initializes) {
        if messages.len() > 1 {
            return Err(Refused::new(
                StatusCode::BAD_REQUEST,
                -32600,
                "Invalid Request: Only one initialization request is allowed",
            ));
        }
        return Ok(());
    }
    let Some(asked) = headers.get(VERSION_HEADER) else {
        return Ok(());
    };
    let asked = String::from_utf8_lossy(asked.as_bytes());
    if VERSIONS.contains(&asked.as_ref()) {
        return Ok(());
    }
    let known = VERSIONS.join(", ");
    Err(Refused::new(
        StatusCode::BAD_REQUEST,
        -32000,
        format!("Bad Request: Unsupported protocol version: {asked} (supported versions: {known})"),
    ))
}

/// Refuses pages of foreign origins, so that nobody's browser can be turned against a server in their own network.
/// Clients that are no browsers send no origin. Pages of this machine and of this server may ask, and so may applications
/// whose origin has a scheme that no web page can have.
pub(super) fn check_origin(headers: &HeaderMap, own: &[&str]) -> Result<(), Refused> {
    let Some(origin) = headers.get(ORIGIN) else {
        return Ok(());
    };
    let allowed = origin
        .to_str()
        .ok()
        .and_then(|text| Url::parse(text).ok())
        .is_some_and(|origin| {
            let loopback = match origin.host() {
                Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                None => false,
            };
            let ours = || {
                own.iter()
                    .filter_map(|url| Url::parse(url).ok())
                    .any(|url| url.origin() == origin.origin())
            };
            !matches!(origin.scheme(), "http" | "https") || loopback || ours()
        });
    if allowed {
        return Ok(());
    }
    Err(Refused::new(
        StatusCode::FORBIDDEN,
        -32000,
        "Forbidden: Pages of this origin may not use the tools; ask from the server's own origin or from a program",
    ))
}
