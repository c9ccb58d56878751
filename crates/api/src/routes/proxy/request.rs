//! From the request that came to the call that goes on.

use axum::body::Body;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method};
use http_body::Body as _;
use http_body_util::Limited;
use tenon_app::proxy::{CallBody, ProxyCall, compact_json};
use tenon_app::{Error, Result};

use super::wishes::Wishes;
use crate::{ApiError, ApiState, input};

/// Prefixes of headers that go on to the provider.
const FORWARDED: [&str; 2] = ["nango-proxy-", "tenon-proxy-"];
/// Larger bodies of unknown content are passed on while they arrive, unless they may have to be sent twice.
const STREAM_FROM_BYTES: u64 = 1 << 20;

/// Reads the body by its content type. A body without a content type is not read.
pub(super) async fn read_body(state: &ApiState, parts: &Parts, body: Body) -> Result<CallBody, ApiError> {
    let headers = &parts.headers;
    let announced = headers.contains_key(CONTENT_LENGTH) || headers.contains_key(TRANSFER_ENCODING);
    let content_type = headers.get(CONTENT_TYPE);
    let Some(content_type) = content_type.filter(|_| announced) else {
        return Ok(CallBody::None);
    };
    let kind = String::from_utf8_lossy(content_type.as_bytes())
        .trim_start()
        .to_ascii_lowercase();
    let bytes_max = state.app.settings().body_bytes_max;
    let (json, form) = (
        kind.starts_with("application/json"),
        kind.starts_with("application/x-www-form-urlencoded"),
    );
    let multipart = kind.starts_with("multipart/form-data");
    let large = body.size_hint().lower() >= STREAM_FROM_BYTES;
    if large && !json && !form && !multipart && !wants_retries(headers) && sends_body(&parts.method) {
        return Ok(CallBody::stream(Limited::new(body, bytes_max)));
    }
    let bytes = input::read_body(body, bytes_max).await?;
    if json {
        let text = if bytes.is_empty() { b"{}" } else { &bytes[..] };
        return compact_json(text).map(CallBody::Json).map_err(|reason| {
            Error::refuse(400, "invalid_json")
                .message(format!("The body is not a JSON object or list: {reason}"))
                .into()
        });
    }
    Ok(if form {
        CallBody::Form(bytes)
    } else if multipart {
        CallBody::Multipart {
            content_type: content_type.clone(),
            bytes,
        }
    } else {
        CallBody::Raw(bytes)
    })
}

fn wants_retries(headers: &HeaderMap) -> bool {
    headers
        .get("retries")
        .is_some_and(|value| !matches!(value.as_bytes(), b"" | b"0"))
}

fn sends_body(method: &Method) -> bool {
    matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE)
}

/// The call that a request stands for.
pub(super) fn call(parts: Parts, body: CallBody, wishes: Wishes) -> Result<ProxyCall> {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    // The first segment may be written in any case; its length is what counts.
    let endpoint = target.get("/proxy".len()..).unwrap_or_default();
    let mut call = ProxyCall::new(wishes.integration, wishes.connection, parts.method, endpoint);
    call.headers = forwarded(&parts.headers);
    call.body = body;
    call.retries = wishes.retries;
    call.retry_on = wishes.retry_on;
    call.base_url_override = wishes.base_url_override;
    call.decompress = wishes.decompress;
    call.forward_headers_on_redirect = wishes.forward_headers_on_redirect;
    Ok(call)
}

/// The headers for the provider, without their prefix; of several with one name the last.
fn forwarded(headers: &HeaderMap) -> HeaderMap {
    let mut chosen = HeaderMap::new();
    for (name, value) in headers {
        let rest = FORWARDED.iter().find_map(|prefix| name.as_str().strip_prefix(prefix));
        if let Some(name) = rest.and_then(|rest| HeaderName::try_from(rest).ok()) {
            chosen.insert(name, value.clone());
        }
    }
    chosen
}
