//! What to send.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use serde::Serialize;
use url::Url;

use crate::body::Body;
use crate::error::Error;
use crate::redirect::Redirects;

/// One request to the outside.
#[derive(Debug)]
pub struct Request {
    /// The method; any token is allowed.
    pub method: Method,
    /// The absolute URL, `http` or `https`. User name and password in it are ignored.
    pub url: Url,
    /// The headers. `Host` and the framing headers are set by the client.
    pub headers: HeaderMap,
    /// The body.
    pub body: Body,
    /// Limit for the exchange from now to the answer's headers, redirects included. The client's own limits apply
    /// in any case.
    pub timeout: Option<Duration>,
    /// What to do with redirects.
    pub redirects: Redirects,
    /// Asks for a compressed answer and decompresses it. A request that sets `Accept-Encoding` itself gets the
    /// encoding that it asked for, still decompressed if this is set.
    pub decompress: bool,
    /// If set, only these hosts (same forms as in [`crate::Policy`]) may be called, on any hop.
    pub allowed_hosts: Option<Arc<[String]>>,
}

impl Request {
    /// A request without body that follows redirects and decompresses.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            method,
            url,
            headers: HeaderMap::new(),
            body: Body::Empty,
            timeout: None,
            redirects: Redirects::default(),
            decompress: true,
            allowed_hosts: None,
        }
    }

    /// A GET request.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the text is not an absolute URL.
    pub fn get(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Method::GET, parse_url(url)?))
    }

    /// A POST request.
    ///
    /// # Errors
    /// [`Error::InvalidUrl`] when the text is not an absolute URL.
    pub fn post(url: &str) -> Result<Self, Error> {
        Ok(Self::new(Method::POST, parse_url(url)?))
    }

    /// Sets a header, replacing one of the same name.
    ///
    /// # Errors
    /// [`Error::InvalidHeader`] when name or value cannot be sent.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, Error> {
        let (name, value) = header(name, value)?;
        self.headers.insert(name, value);
        Ok(self)
    }

    /// Sets the body, and its content type unless the request has one.
    pub fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        self.headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static(content_type));
        self.body = Body::Bytes(body.into());
        self
    }

    /// Sets a form body (`application/x-www-form-urlencoded`).
    pub fn form<K: AsRef<str>, V: AsRef<str>>(self, fields: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut text = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            text.append_pair(name.as_ref(), value.as_ref());
        }
        self.body("application/x-www-form-urlencoded", text.finish())
    }

    /// Sets a JSON body.
    ///
    /// # Errors
    /// [`Error::Json`] when the value has no JSON form.
    pub fn json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        let text = serde_json::to_vec(value).map_err(|source| Error::Json { source })?;
        Ok(self.body("application/json", text))
    }

    /// Limits the time until the answer's headers are here.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// Sets what happens to redirects.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }
}

/// Parses an absolute URL.
pub(crate) fn parse_url(url: &str) -> Result<Url, Error> {
    Url::parse(url).map_err(|_| Error::InvalidUrl)
}

/// Checks a header and converts it; text outside ASCII is sent as UTF-8.
fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Error> {
    let invalid = || Error::InvalidHeader { name: name.to_owned() };
    let parsed = HeaderName::try_from(name).map_err(|_| invalid())?;
    let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
    value.set_sensitive(matches!(
        parsed.as_str(),
        "authorization" | "cookie" | "proxy-authorization"
    ));
    Ok((parsed, value))
}
