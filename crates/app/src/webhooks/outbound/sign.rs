//! Signatures of outgoing webhooks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::{digest, hmac};
use tenon_model::{Secret, Timestamp};

/// Signatures of one body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signatures {
    /// `X-Nango-Signature`: hex SHA-256 of key and body, joined.
    pub legacy: String,
    /// `X-Nango-Hmac-Sha256`: hex HMAC-SHA256 of the body.
    pub hmac: String,
    /// `webhook-signature` of Standard Webhooks: HMAC-SHA256 over id, time and body.
    pub standard: String,
}

/// Signs a body. The key of all three is the text of the environment's signing key; for Standard Webhooks libraries that
/// is the secret `whsec_` followed by the key's base64.
pub fn sign(key: &Secret, event_id: &str, now: Timestamp, body: &[u8]) -> Signatures {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(key.expose().as_bytes());
    context.update(body);
    let legacy = hex::encode(context.finish());
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose().as_bytes());
    let plain = hex::encode(hmac::sign(&key, body));
    let mut standard = hmac::Context::with_key(&key);
    standard.update(format!("{event_id}.{}.", now.secs()).as_bytes());
    standard.update(body);
    let standard = format!("v1,{}", STANDARD.encode(standard.sign()));
    Signatures {
        legacy,
        hmac: plain,
        standard,
    }
}
