//! Calls that functions make: from and to the shapes of the host protocol.

use bytes::{BufMut, Bytes, BytesMut};
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use tenon_egress::{Error as EgressError, Response};
use tenon_model::Rng;
use tenon_runtime::protocol::{Body, HttpCall, HttpReply, Params as CallParams, Part};
use url::Url;

use super::body;
use super::call::{CallBody, Params, ProxyCall};
use super::target::Target;
use crate::{Error, Result};

/// What a call is before a provider adds to it: path, parameters, headers and body as the caller wrote them.
#[derive(Debug)]
pub struct Outline {
    /// Method.
    pub method: Method,
    /// The endpoint with its parameters; an endpoint without origin is below [`NOWHERE`].
    pub url: Url,
    /// The caller's headers, without the name of its software.
    pub headers: HeaderMap,
    /// The body, encoded; empty for methods that send none.
    pub body: Bytes,
}

/// Stands for the base URL where there is no connection to take it from.
pub const NOWHERE: &str = "https://provider.invalid";

impl ProxyCall {
    /// The call that a function asks for. `integration` and `connection` are those of its run, which the function may
    /// replace by others.
    ///
    /// # Errors
    /// 400 for a method or header that cannot be sent.
    pub fn from_function(call: HttpCall, integration: &str, connection: &str, rng: &dyn Rng) -> Result<Self> {
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| Error::refuse(400, "invalid_method").message(format!("{} is not a method", call.method)))?;
        let mut headers = HeaderMap::with_capacity(call.headers.len());
        for (name, value) in &call.headers {
            let unusable =
                || Error::refuse(400, "invalid_headers").message(format!("The header {name} cannot be sent"));
            let name = HeaderName::try_from(name.as_str()).map_err(|_| unusable())?;
            // The platform names itself; the contract says so.
            if name != USER_AGENT {
                headers.insert(name, HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unusable())?);
            }
        }
        let integration = call.provider_config_key.unwrap_or_else(|| integration.to_owned());
        let connection = call.connection_id.unwrap_or_else(|| connection.to_owned());
        let mut made = Self::new(integration, connection, method, &call.endpoint);
        made.headers = headers;
        made.params = match call.params {
            CallParams::Text(text) => Params::Text(text),
            CallParams::Pairs(pairs) if pairs.is_empty() => Params::None,
            CallParams::Pairs(pairs) => Params::Pairs(pairs),
        };
        made.body = match call.body {
            Body::Empty => CallBody::None,
            Body::Json { text } => CallBody::Json(Bytes::from(text)),
            Body::Text { text } => CallBody::Raw(Bytes::from(text)),
            Body::Bytes { bytes } => CallBody::Raw(bytes),
            Body::Form { text } => CallBody::FormText(Bytes::from(text)),
            Body::Multipart { parts } => {
                let (content_type, bytes) = multipart(&parts, rng);
                CallBody::Multipart { content_type, bytes }
            }
        };
        made.retries = call.retries;
        made.retry_on = call.retry_on.unwrap_or_default();
        made.retry_at = call.retry_header_at;
        made.retry_after = call.retry_header_after;
        made.base_url_override = call.base_url_override;
        made.decompress = call.decompress;
        made.forward_headers_on_redirect = call.forward_headers_on_redirect;
        Ok(made)
    }

    /// Builds the request as far as that goes without a connection, for runs against recorded answers.
    ///
    /// # Errors
    /// The refusals that the same call meets when it is sent.
    pub fn outline(self) -> Result<Outline> {
        let origin = Url::parse(&self.endpoint)
            .ok()
            .filter(Url::has_host)
            .map(|url| url.origin().ascii_serialization());
        let target = Target {
            base: origin.as_deref().unwrap_or(NOWHERE),
            known_base: None,
            endpoint: &self.endpoint,
            params: &self.params,
            additions: &[],
        };
        let url = target.url()?;
        let body = body::prepare(&self.method, self.body, &self.headers, &[]).bytes;
        Ok(Outline {
            method: self.method,
            url,
            headers: self.headers,
            body,
        })
    }
}

/// A multipart form under a fresh boundary: its content type, which names the boundary, and its bytes.
pub fn multipart(parts: &[Part], rng: &dyn Rng) -> (HeaderValue, Bytes) {
    let boundary = format!("----tenon-{}", rng.hex(12));
    let mut bytes = BytesMut::new();
    for part in parts {
        bytes.put(
            format!(
                "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"",
                quoted(&part.name)
            )
            .as_bytes(),
        );
        if let Some(filename) = &part.filename {
            bytes.put(format!("; filename=\"{}\"", quoted(filename)).as_bytes());
        }
        if let Some(content_type) = part.content_type.as_deref().filter(|text| !text.contains(['\r', '\n'])) {
            bytes.put(format!("\r\ncontent-type: {content_type}").as_bytes());
        }
        bytes.put(&b"\r\n\r\n"[..]);
        bytes.put(part.bytes.clone());
        bytes.put(&b"\r\n"[..]);
    }
    bytes.put(format!("--{boundary}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={boundary}");
    // The boundary is hex behind a constant, which is always a valid header.
    let content_type = HeaderValue::try_from(content_type).unwrap_or(HeaderValue::from_static("multipart/form-data"));
    (content_type, bytes.freeze())
}

/// A name between quotes, escaped as browsers do.
fn quoted(name: &str) -> String {
    name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

/// An answer as functions see it, body read up to `limit` bytes.
///
/// # Errors
/// What happened while the body was read.
#[tenon_model::boxed]
pub async fn reply(response: Response, limit: usize) -> std::result::Result<HttpReply, EgressError> {
    let status = response.status;
    let headers = response
        .headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let url = Some(response.url.to_string());
    let body = response.bytes(limit).await?;
    Ok(HttpReply {
        status: status.as_u16(),
        status_text: status.canonical_reason().unwrap_or_default().to_owned(),
        headers,
        url,
        body,
    })
}
