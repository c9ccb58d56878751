//! What a redirect does to a request.
//!
//! The rules are those of the HTTP clients that existing functions were written against: 301 and 302 turn a POST
//! into a GET, 303 turns everything but HEAD into a GET, 307 and 308 repeat the request. Stricter than those
//! clients in one point: whatever the caller names as secret stays with the origin it was meant for.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HeaderName, LOCATION};
use http::header::{PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::body::Body;

/// What to do with redirects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirects {
    /// The redirect is the answer.
    Return,
    /// Redirects are followed.
    Follow {
        /// How many; one more is an error.
        max: u8,
        /// Headers that, like `Authorization` and `Cookie`, are not sent to another origin.
        secret_headers: Vec<HeaderName>,
        /// Sends every header to every origin, for vendors whose API spans hosts.
        forward_headers: bool,
    },
}

impl Default for Redirects {
    /// Up to five, credentials stay with their origin.
    fn default() -> Self {
        Self::Follow {
            max: 5,
            secret_headers: Vec::new(),
            forward_headers: false,
        }
    }
}

/// Where an answer sends us, if it is a redirect.
pub(crate) fn target(status: StatusCode, headers: &HeaderMap, from: &Url) -> Option<Url> {
    if !matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = std::str::from_utf8(headers.get(LOCATION)?.as_bytes()).ok()?;
    from.join(location).ok()
}

/// Changes method, body and content headers for the next hop.
pub(crate) fn rewrite(status: StatusCode, method: &mut Method, body: &mut Body, headers: &mut HeaderMap) {
    let becomes_get = match status.as_u16() {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::GET && *method != Method::HEAD,
        _ => false,
    };
    if becomes_get {
        *method = Method::GET;
        *body = Body::Empty;
        for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING, TRANSFER_ENCODING] {
            headers.remove(name);
        }
    }
}

/// Removes what must not go to another origin.
pub(crate) fn strip(headers: &mut HeaderMap, secret: &[HeaderName]) {
    for name in [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION] {
        headers.remove(name);
    }
    for name in secret {
        headers.remove(name);
    }
}

/// Whether credentials meant for `from` may go to `to`: the same origin, or its encrypted form on the same host.
pub(crate) fn keeps_credentials(from: &Url, to: &Url) -> bool {
    if from.host() != to.host() {
        return false;
    }
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let same_origin = from.scheme() == to.scheme() && same_port;
    let upgraded = from.scheme() == "http"
        && to.scheme() == "https"
        && (same_port || (from.port_or_known_default() == Some(80) && to.port_or_known_default() == Some(443)));
    same_origin || upgraded
}
