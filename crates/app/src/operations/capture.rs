//! What is kept of an HTTP exchange.

use std::fmt::Write as _;
use std::time::Duration;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

use tenon_credentials::Concealer;

use super::redact;

/// Bytes of a body that are kept; callers need not capture more.
pub const BODY_BYTES_MAX: usize = 16 << 10;
/// Characters of a header value that are kept.
const HEADER_BYTES_MAX: usize = 1_000;
/// Bytes of a URL that are kept.
const URL_BYTES_MAX: usize = 8_000;

/// One HTTP exchange, as it is to be logged. Secrets may be in it: they are taken out here.
#[derive(Debug, Clone, Copy)]
pub struct HttpExchange<'a> {
    /// The verb.
    pub method: &'a str,
    /// The whole URL.
    pub url: &'a str,
    /// Headers of the request.
    pub request_headers: &'a HeaderMap,
    /// The body of the request or its beginning; `None` when it was not captured.
    pub request_body: Option<&'a [u8]>,
    /// The answer's status, when there was one.
    pub status: Option<u16>,
    /// Headers of the answer.
    pub response_headers: Option<&'a HeaderMap>,
    /// The body of the answer or its beginning; `None` when it was not captured.
    pub response_body: Option<&'a [u8]>,
    /// Length of the answer's body, when known.
    pub response_bytes: Option<u64>,
    /// From the first byte sent to the answer.
    pub duration: Duration,
    /// Which attempt this was, from 1.
    pub attempt: u32,
    /// Why there was no answer: code and sentence.
    pub error: Option<(&'a str, &'a str)>,
    /// Values that must not appear anywhere: tokens and keys that were put into the request.
    pub secrets: &'a [&'a str],
}

impl HttpExchange<'_> {
    /// Whether there was no answer or one that tells of a failure.
    pub fn failed(&self) -> bool {
        self.error.is_some() || self.status.is_none_or(|status| status >= 400)
    }
}

/// Message and details (JSON text).
pub(super) fn render(exchange: &HttpExchange<'_>) -> (String, String) {
    let mut known = Concealer::default();
    exchange.secrets.iter().for_each(|secret| known.add(secret));
    known.add_headers(exchange.request_headers, redact::is_secret_header);
    if let Some((_, query)) = exchange.url.split_once('?') {
        redact::form_secrets(query, &mut known);
    }
    // What the request's body gives away under telling names must not come back in the answer either.
    let request_body = exchange.request_body.filter(|body| !body.is_empty());
    let request_body = request_body.map(|body| redacted_body(body, exchange.request_headers, &mut known));
    let url = known.conceal(redact::url_text(exchange.url));
    let url = url
        .get(..redact::floor_char_boundary(&url, URL_BYTES_MAX))
        .unwrap_or_default();
    let mut message = format!("{} {url}", exchange.method);
    if let Some((code, _)) = exchange.error {
        // Writing to a String cannot fail.
        let _ = write!(message, " failed: {code}");
    } else if let Some(status) = exchange.status {
        let _ = write!(message, " {status}");
    }
    let mut meta = String::with_capacity(512);
    meta.push_str("{\"request\":{\"method\":");
    push_text(&mut meta, exchange.method);
    meta.push_str(",\"url\":");
    push_text(&mut meta, url);
    meta.push_str(",\"headers\":");
    push_headers(&mut meta, exchange.request_headers, &known);
    push_body(&mut meta, request_body, &known);
    meta.push('}');
    if let Some(status) = exchange.status {
        let empty = HeaderMap::new();
        let headers = exchange.response_headers.unwrap_or(&empty);
        let _ = write!(meta, ",\"response\":{{\"status\":{status},\"headers\":");
        push_headers(&mut meta, headers, &known);
        let body = exchange.response_body.filter(|body| !body.is_empty());
        // The answer's own secrets concern only the answer.
        let body = body.map(|body| redacted_body(body, headers, &mut Concealer::default()));
        push_body(&mut meta, body, &known);
        if let Some(bytes) = exchange.response_bytes {
            let _ = write!(meta, ",\"bytes\":{bytes}");
        }
        meta.push('}');
    }
    if let Some((code, text)) = exchange.error {
        meta.push_str(",\"error\":{\"code\":");
        push_text(&mut meta, code);
        meta.push_str(",\"message\":");
        push_text(&mut meta, &known.conceal(text.to_owned()));
        meta.push('}');
    }
    let millis = exchange.duration.as_secs_f64() * 1_000.0;
    let _ = write!(meta, ",\"duration_ms\":{millis:.3},\"attempt\":{}}}", exchange.attempt);
    (message, meta)
}

fn push_text(out: &mut String, text: &str) {
    // Writing a text as JSON into memory cannot fail; an empty text stands for the impossible.
    out.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
}

fn push_headers(out: &mut String, headers: &HeaderMap, known: &Concealer) {
    out.push('{');
    let mut first = true;
    for name in headers.keys() {
        if !first {
            out.push(',');
        }
        first = false;
        push_text(out, name.as_str());
        out.push(':');
        if redact::is_secret_header(name.as_str()) {
            push_text(out, redact::REDACTED);
            continue;
        }
        let values: Vec<String> = headers
            .get_all(name)
            .iter()
            .map(|value| {
                if value.is_sensitive() {
                    return redact::REDACTED.to_owned();
                }
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            })
            .collect();
        let joined = known.conceal(values.join(", "));
        push_text(
            out,
            joined
                .get(..redact::floor_char_boundary(&joined, HEADER_BYTES_MAX))
                .unwrap_or_default(),
        );
    }
    out.push('}');
}

/// A body as it is written down.
struct KeptBody {
    text: String,
    truncated: bool,
}

/// The body redacted by its content type; binary bodies are only described. `known` learns what was redacted.
fn redacted_body(body: &[u8], headers: &HeaderMap, known: &mut Concealer) -> KeptBody {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kept = body.get(..body.len().min(BODY_BYTES_MAX)).unwrap_or_default();
    let truncated = body.len() > kept.len();
    let text = match std::str::from_utf8(kept) {
        Ok(text) => text,
        // A character that the capture cut in two.
        Err(error) if error.error_len().is_none() => {
            std::str::from_utf8(kept.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default()
        }
        Err(_) => {
            let text = format!("({} bytes of {content_type})", body.len());
            return KeptBody { text, truncated: false };
        }
    };
    let text = if content_type.contains("x-www-form-urlencoded") {
        redact::form_secrets(text, known);
        redact::form_text(text)
    } else {
        redact::json_text_with(text, BODY_BYTES_MAX, &mut |secret| known.add(secret))
    };
    KeptBody { text, truncated }
}

fn push_body(out: &mut String, body: Option<KeptBody>, known: &Concealer) {
    let Some(body) = body else { return };
    out.push_str(",\"body\":");
    // Callers capture no more than we keep, so a body of that length may have been cut already.
    let whole = !body.truncated && body.text.len() + 1 < BODY_BYTES_MAX;
    let text = if whole {
        known.conceal(body.text)
    } else {
        known.conceal_cut(body.text)
    };
    push_text(out, &text);
    if body.truncated {
        out.push_str(",\"body_truncated\":true");
    }
}
