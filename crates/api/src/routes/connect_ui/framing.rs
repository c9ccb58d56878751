//! Headers of the page: what it may load, and who may put it into a frame.

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_FRAME_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue};
use tenon_app::Settings;
use url::Url;

/// Who may embed a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// The origins of the configuration.
    Configured,
    /// Nobody: a page that acts for whoever has its address must not be laid under somebody else's buttons.
    Never,
}

/// The headers of a page whose style and script carry `nonce`.
pub(super) fn page_headers(settings: &Settings, framing: Framing, nonce: &str) -> HeaderMap {
    let mut headers = fragment_headers();
    if let Ok(policy) = HeaderValue::from_str(&policy(settings, framing, nonce)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    if framing == Framing::Never {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    );
    headers
}

/// The headers of HTML that the page fetches.
pub(super) fn fragment_headers() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
}

fn policy(settings: &Settings, framing: Framing, nonce: &str) -> String {
    let ancestors = match framing {
        Framing::Configured if settings.connect_frame_ancestors.is_empty() => "'none'".to_owned(),
        Framing::Configured => settings.connect_frame_ancestors.join(" "),
        Framing::Never => "'none'".to_owned(),
    };
    // The WebSocket lives at the public address, whatever address the page was opened at.
    let sockets = Url::parse(&settings.public_url)
        .map(|url| url.origin().ascii_serialization().replacen("http", "ws", 1))
        .unwrap_or_default();
    format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' data: https:; \
         connect-src 'self' {sockets}; form-action 'none'; base-uri 'none'; frame-ancestors {ancestors}"
    )
}
