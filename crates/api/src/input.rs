//! What a route receives: path, query, headers and the body, read the way the public contract says.
//!
//! The gate and the JSON reader run here, before authentication: a request with a foreign content type is 415, a
//! malformed or non-object-non-list JSON body 400, whoever sends it. A body without a content type is not read.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use http_body_util::BodyExt;
use serde_json::Value;
use tenon_app::Error;

use crate::error::ApiError;
use crate::{ApiState, query};

/// A request after gate and JSON reader.
#[derive(Debug)]
pub struct Input {
    /// Method.
    pub method: Method,
    /// The target as it came.
    pub uri: Uri,
    /// Headers.
    pub headers: HeaderMap,
    /// Query as an object.
    pub query: Value,
    /// JSON body; `None` when there is none or it has no JSON content type.
    pub body: Option<Value>,
    /// The body as it came.
    pub raw: Bytes,
}

impl Input {
    /// A header as text, when present and readable.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The JSON body, for readers that tell an absent body apart.
    pub fn json(&self) -> Option<&Value> {
        self.body.as_ref()
    }
}

impl FromRequest<ApiState> for Input {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &ApiState) -> Result<Self, Self::Rejection> {
        let (parts, body) = request.into_parts();
        let Parts {
            method, uri, headers, ..
        } = parts;
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let json = match content_type {
            None => false,
            Some(text) if text.trim_start().to_ascii_lowercase().starts_with("application/json") => true,
            Some(_) => {
                return Err(Error::refuse(415, "invalid_content_type")
                    .message("Content-Type header must be application/json")
                    .into());
            }
        };
        let raw = read_body(body, state.app.settings().body_bytes_max).await?;
        let body = if json { read_json(&raw)? } else { None };
        let query = query::parse(uri.query().unwrap_or_default());
        Ok(Self {
            method,
            uri,
            headers,
            query,
            body,
            raw,
        })
    }
}

/// Reads a whole body up to a limit.
pub(crate) async fn read_body(body: axum::body::Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let limited = http_body_util::Limited::new(body, bytes_max);
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Error::refuse(413, "body_too_large")
            .message(format!(
                "The request body is larger than {bytes_max} bytes; send less at a time"
            ))
            .into()),
        Err(_) => Err(Error::refuse(400, "invalid_body")
            .message("The request body ended early; send the request again")
            .into()),
    }
}

/// Reads a JSON body. Only objects and lists count; an empty body is an absent one.
pub(crate) fn read_json(raw: &[u8]) -> Result<Option<Value>, ApiError> {
    if raw.is_empty() {
        return Ok(None);
    }
    let refuse = |message: String| Err(Error::refuse(400, "invalid_json").message(message).into());
    match serde_json::from_slice::<Value>(raw) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(Some(value)),
        Ok(_) => refuse("The body must be a JSON object or list".to_owned()),
        Err(error) => refuse(format!("The body is not valid JSON: {error}")),
    }
}
