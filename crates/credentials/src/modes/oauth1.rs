//! OAuth 1.0a (RFC 5849): signed `Authorization` headers, with one token pair or none.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use tenon_catalog::provider::OAuth1Signature;
use tenon_model::{Rng, Secret, Timestamp};
use url::Url;

use crate::subject::Subject;

/// RFC 3986 unreserved characters stay.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who signs.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// Consumer key.
    pub client_id: &'a str,
    /// Consumer secret.
    pub client_secret: &'a Secret,
    /// Token, when one is held.
    pub token: Option<(&'a str, &'a Secret)>,
    /// How the signature is made.
    pub method: OAuth1Signature,
    /// Realm shown in the header, not signed.
    pub realm: Option<&'a str>,
}

/// The signature of a provider's requests. One entry announces PLAINTEXT and is signed with a MAC by everyone; a bare
/// secret on the wire helps nobody.
pub fn signing_method(subject: &Subject<'_>) -> OAuth1Signature {
    match subject.provider.oauth1.as_ref().map(|facts| facts.signature) {
        Some(OAuth1Signature::Plaintext) | None => OAuth1Signature::HmacSha1,
        Some(method) => method,
    }
}

/// The `Authorization` header of a request. `extra` are further `oauth_` parameters (callback, verifier); parameters of
/// a form body are not signed.
pub fn authorization(
    signer: &Signer<'_>,
    http_method: &str,
    url: &Url,
    extra: &[(&str, &str)],
    rng: &dyn Rng,
    now: Timestamp,
) -> Secret {
    let nonce = rng.hex(16);
    let timestamp = now.secs().to_string();
    let mut params: Vec<(&str, &str)> = vec![
        ("oauth_consumer_key", signer.client_id),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", signer.method.as_str()),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ];
    if let Some((token, _)) = signer.token {
        params.push(("oauth_token", token));
    }
    params.extend_from_slice(extra);
    let signature = signature(signer, http_method, url, &params);
    params.push(("oauth_signature", &signature));
    params.sort_unstable();
    let mut header = String::from("OAuth ");
    if let Some(realm) = signer.realm {
        header.push_str(&format!("realm=\"{realm}\", "));
    }
    let pairs: Vec<String> = params
        .iter()
        .map(|(name, value)| format!("{}=\"{}\"", encode(name), encode(value)))
        .collect();
    header.push_str(&pairs.join(", "));
    Secret::new(header)
}

fn signature(signer: &Signer<'_>, http_method: &str, url: &Url, params: &[(&str, &str)]) -> String {
    let token_secret = signer.token.map(|(_, secret)| secret.expose()).unwrap_or_default();
    let key = Secret::new(format!(
        "{}&{}",
        encode(signer.client_secret.expose()),
        encode(token_secret)
    ));
    let algorithm = match signer.method {
        OAuth1Signature::Plaintext => return key.expose().to_owned(),
        OAuth1Signature::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        OAuth1Signature::HmacSha256 => hmac::HMAC_SHA256,
    };
    let base = base_string(http_method, url, params);
    STANDARD.encode(hmac::sign(
        &hmac::Key::new(algorithm, key.expose().as_bytes()),
        base.as_bytes(),
    ))
}

/// RFC 5849 §3.4.1.
fn base_string(http_method: &str, url: &Url, params: &[(&str, &str)]) -> String {
    let mut all: Vec<(String, String)> = params
        .iter()
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    all.extend(url.query_pairs().map(|(name, value)| (encode(&name), encode(&value))));
    all.sort_unstable();
    let normalised: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut base = url.clone();
    base.set_query(None);
    base.set_fragment(None);
    format!(
        "{}&{}&{}",
        http_method.to_ascii_uppercase(),
        encode(base.as_str()),
        encode(&normalised.join("&"))
    )
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, STRICT).to_string()
}
