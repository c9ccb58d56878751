//! What a route receives: path, query, headers and the body, read the way the public contract says.
//!
//! The gate and the JSON reader run here, before authentication: a request with a foreign content type is 415, a
//! malformed or non-object-non-list JSON body 400, whoever sends it. A body without a content type is not read.

use async_compression::tokio::bufread::{BrotliDecoder, GzipDecoder, ZlibDecoder};
use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, Method, Uri};
use http_body_util::BodyExt;
use serde_json::{Map, Value};
use tenon_app::Error;
use tenon_app::parse::{json, query};
use tokio::io::AsyncReadExt as _;

use crate::ApiState;
use crate::error::ApiError;

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
        if uri.path_and_query().is_some_and(|text| text.as_str().contains("%00")) {
            return Err(Error::refuse(400, "invalid_request")
                .message("The URL holds the character NUL (%00), which is part of no name; leave it out")
                .into());
        }
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let is_json = match content_type {
            None => false,
            Some(text) if text.trim_start().to_ascii_lowercase().starts_with("application/json") => true,
            Some(_) => {
                return Err(Error::refuse(415, "invalid_content_type")
                    .message("Content-Type header must be application/json")
                    .into());
            }
        };
        let raw = read_body(body, state.app.settings().body_bytes_max).await?;
        let body = if is_json {
            read_json(&plain(&headers, &raw, state).await?)?
        } else {
            None
        };
        // A body of no bytes is an empty object, unlike none at all.
        let announced = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
        let body = body.or_else(|| (is_json && announced).then(|| Value::Object(Map::new())));
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

/// The bytes of a body that may be compressed, up to the limit of bodies.
async fn plain(headers: &HeaderMap, raw: &Bytes, state: &ApiState) -> Result<Bytes, ApiError> {
    let Some(encoding) = headers.get(CONTENT_ENCODING) else {
        return Ok(raw.clone());
    };
    let bytes_max = state.app.settings().body_bytes_max;
    let (mut plain, room) = (Vec::new(), bytes_max as u64 + 1);
    let encoding = String::from_utf8_lossy(encoding.as_bytes()).trim().to_ascii_lowercase();
    let read = match encoding.as_str() {
        "identity" | "" => return Ok(raw.clone()),
        "gzip" => GzipDecoder::new(raw.as_ref()).take(room).read_to_end(&mut plain).await,
        "deflate" => ZlibDecoder::new(raw.as_ref()).take(room).read_to_end(&mut plain).await,
        "br" => {
            BrotliDecoder::new(raw.as_ref())
                .take(room)
                .read_to_end(&mut plain)
                .await
        }
        other => {
            return Err(Error::refuse(415, "unsupported_content_encoding")
                .message(format!(
                    "Bodies are read as gzip, deflate, br or as they are, not as {other:?}"
                ))
                .into());
        }
    };
    match read {
        Ok(_) if plain.len() > bytes_max => Err(too_large(bytes_max)),
        Ok(_) => Ok(plain.into()),
        Err(error) => Err(Error::refuse(400, "invalid_body")
            .message(format!("The request body is not {encoding}: {error}"))
            .into()),
    }
}

fn too_large(bytes_max: usize) -> ApiError {
    Error::refuse(413, "body_too_large")
        .message(format!(
            "The request body is larger than {bytes_max} bytes; send less at a time"
        ))
        .into()
}

/// Reads a whole body up to a limit.
pub(crate) async fn read_body(body: axum::body::Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    let limited = http_body_util::Limited::new(body, bytes_max);
    match limited.collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large(bytes_max)),
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
    match json::read(raw) {
        Ok(value) => Ok(Some(value)),
        Err(reason) => Err(Error::refuse(400, "invalid_json").message(reason).into()),
    }
}
