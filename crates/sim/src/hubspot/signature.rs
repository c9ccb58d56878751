//! The signatures of HubSpot's webhook deliveries.
//!
//! v1: hex SHA-256 of the client secret followed by the body. v3: base64 HMAC-SHA256, keyed with the client secret, of
//! method, URL, body and timestamp, one after the other; in the URL a few percent-escapes are decoded first.
//! Source: <https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests>.

use base64::Engine as _;
use ring::{digest, hmac};

/// `X-HubSpot-Signature` with `X-HubSpot-Signature-Version: v1`.
pub fn v1(client_secret: &str, body: &[u8]) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(client_secret.as_bytes());
    context.update(body);
    hex::encode(context.finish())
}

/// `X-HubSpot-Signature-v3`, for the timestamp that goes into `X-HubSpot-Request-Timestamp`.
pub fn v3(client_secret: &str, method: &str, url: &str, body: &[u8], timestamp_ms: i64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, client_secret.as_bytes());
    let mut context = hmac::Context::with_key(&key);
    context.update(method.as_bytes());
    context.update(decoded_url(url).as_bytes());
    context.update(body);
    context.update(timestamp_ms.to_string().as_bytes());
    base64::engine::general_purpose::STANDARD.encode(context.sign())
}

/// The URL with the documented escapes decoded, and no others.
fn decoded_url(url: &str) -> String {
    const DECODED: [(&str, &str); 12] = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    let mut decoded = url.to_owned();
    for (escape, letter) in &DECODED {
        decoded = decoded.replace(escape, letter).replace(&escape.to_lowercase(), letter);
    }
    decoded
}
