//! AWS Signature Version 4, with the payload digest in a header.
//!
//! The signature covers the host, the content type and every `x-amz-` header of the request, because services refuse a
//! request whose `x-amz-` headers are not all signed.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::{digest, hmac};
use tenon_model::{Secret, Timestamp};
use url::Url;

/// RFC 3986 unreserved characters stay.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for paths, whose separators stay too.
const PATH: &AsciiSet = &STRICT.remove(b'/');
/// What stands for the digest of a body that is sent while it is produced.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// Who signs, and for which service.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// Access key id.
    pub access_key_id: &'a str,
    /// Secret key.
    pub secret_access_key: &'a Secret,
    /// Session token of temporary keys.
    pub session_token: Option<&'a Secret>,
    /// Region of the endpoint.
    pub region: &'a str,
    /// Service name as the signature has it.
    pub service: &'a str,
}

/// A request as far as the signature covers it.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Where it goes, with its whole query.
    pub url: &'a Url,
    /// Headers that are signed beside the host: lower-case names.
    pub headers: &'a [(String, String)],
    /// The body; `None` when it cannot be read before it is sent.
    pub payload: Option<&'a [u8]>,
}

/// Headers that carry the signature; they replace headers of the same name.
pub fn sign(signer: &Signer<'_>, request: &Signed<'_>, now: Timestamp) -> Vec<(String, Secret)> {
    let stamp = stamp(now);
    let date = stamp.get(..8).unwrap_or_default();
    let payload = match request.payload {
        Some(bytes) => hex::encode(digest::digest(&digest::SHA256, bytes)),
        None => UNSIGNED.to_owned(),
    };
    let mut added = vec![
        ("x-amz-content-sha256".to_owned(), payload.clone()),
        ("x-amz-date".to_owned(), stamp.clone()),
    ];
    if let Some(token) = signer.session_token.filter(|token| !token.is_empty()) {
        added.push(("x-amz-security-token".to_owned(), token.expose().to_owned()));
    }
    let mut covered: Vec<(String, String)> = vec![("host".to_owned(), host(request.url))];
    covered.extend(
        request
            .headers
            .iter()
            .filter(|(name, _)| (name == "content-type" || name.starts_with("x-amz-")) && !has(&added, name))
            .cloned(),
    );
    covered.extend(added.iter().cloned());
    covered.sort_unstable();
    let names: Vec<&str> = covered.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = covered
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", squeeze(value)))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{payload}",
        request.method,
        path(request.url, signer.service),
        query(request.url)
    );
    let scope = format!("{date}/{}/{}/aws4_request", signer.region, signer.service);
    let text = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{}",
        hex::encode(digest::digest(&digest::SHA256, canonical.as_bytes()))
    );
    let mut key = hmac::sign(
        &hmac::Key::new(
            hmac::HMAC_SHA256,
            Secret::new(format!("AWS4{}", signer.secret_access_key.expose()))
                .expose()
                .as_bytes(),
        ),
        date.as_bytes(),
    );
    for part in [signer.region, signer.service, "aws4_request", &text] {
        key = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_ref()), part.as_bytes());
    }
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={}",
        signer.access_key_id,
        hex::encode(key)
    );
    let mut headers: Vec<(String, Secret)> = added
        .into_iter()
        .map(|(name, value)| (name, Secret::new(value)))
        .collect();
    headers.push(("authorization".to_owned(), Secret::new(authorization)));
    headers
}

fn has(headers: &[(String, String)], name: &str) -> bool {
    headers.iter().any(|(known, _)| known == name)
}

/// `20260501T101500Z`.
fn stamp(now: Timestamp) -> String {
    let digits: String = now
        .iso_millis()
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == 'T')
        .take(15)
        .collect();
    format!("{digits}Z")
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Every service but S3 signs the path as it is sent, encoded once more.
fn path(url: &Url, service: &str) -> String {
    let sent = match url.path() {
        "" => "/",
        path => path,
    };
    if service == "s3" {
        let plain = percent_decode_str(sent).decode_utf8_lossy();
        utf8_percent_encode(&plain, PATH).to_string()
    } else {
        utf8_percent_encode(sent, PATH).to_string()
    }
}

fn query(url: &Url) -> String {
    let encode = |text: &str| utf8_percent_encode(text, STRICT).to_string();
    let mut pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| (encode(&name), encode(&value)))
        .collect();
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Runs of spaces count as one.
fn squeeze(value: &str) -> String {
    value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
