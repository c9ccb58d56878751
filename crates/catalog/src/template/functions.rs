//! The functions of the template language. All are pure; keys that do not work are reported, never sent.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use ring::{digest, hmac};

use super::pem::der_of;
use super::{Function, RenderError, RequestParts, Scope, moment};

pub(super) fn call(function: Function, arguments: &[String], scope: &Scope<'_>) -> Result<String, RenderError> {
    let argument = |index: usize| arguments.get(index).map_or("", String::as_str);
    Ok(match function {
        Function::Base64 => STANDARD.encode(argument(0)),
        Function::Sha256Hex => hex::encode(sha256(argument(0))),
        Function::Sha256Base64 => STANDARD.encode(sha256(argument(0))),
        Function::HmacSha1Hex => {
            let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, argument(1).as_bytes());
            hex::encode(hmac::sign(&key, argument(0).as_bytes()))
        }
        Function::Ed25519Base64 => ed25519(argument(0), argument(1))?,
        Function::SpkiFingerprint => fingerprint(argument(0))?,
        Function::CertificateThumbprint => thumbprint(argument(0))?,
        Function::AwsSigV4 => aws_sigv4(arguments, scope)?,
    })
}

fn sha256(text: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, text.as_bytes())
}

fn refused(function: &'static str, reason: impl ToString) -> RenderError {
    RenderError::Function {
        function,
        reason: reason.to_string(),
    }
}

fn ed25519(message: &str, key: &str) -> Result<String, RenderError> {
    const NAME: &str = "ed25519_base64";
    if message.is_empty() || key.is_empty() {
        return Err(refused(NAME, "the message or the key is empty"));
    }
    let (der, _) = der_of(key).map_err(|error| refused(NAME, error))?;
    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|error| refused(NAME, error))?;
    Ok(STANDARD.encode(pair.sign(message.as_bytes())))
}

/// `SHA256:` and the digest of the public key (SPKI) that belongs to a private key.
fn fingerprint(pem: &str) -> Result<String, RenderError> {
    const NAME: &str = "spki_sha256_fingerprint";
    let (der, label) = der_of(pem).map_err(|error| refused(NAME, error))?;
    let rsa = match label {
        Some("RSA PRIVATE KEY") => RsaKeyPair::from_der(&der),
        _ => RsaKeyPair::from_pkcs8(&der),
    };
    let spki = match rsa {
        Ok(pair) => spki(RSA_ALGORITHM, pair.public_key().as_ref()),
        Err(reason) => {
            let random = ring::rand::SystemRandom::new();
            let algorithm = &ring::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
            let pair = EcdsaKeyPair::from_pkcs8(algorithm, &der, &random).map_err(|_| refused(NAME, reason))?;
            spki(P256_ALGORITHM, pair.public_key().as_ref())
        }
    };
    Ok(format!(
        "SHA256:{}",
        STANDARD.encode(digest::digest(&digest::SHA256, &spki))
    ))
}

/// The SHA-1 digest of a certificate, base64url without padding: what RFC 7515 calls `x5t`.
fn thumbprint(pem: &str) -> Result<String, RenderError> {
    const NAME: &str = "certificate_thumbprint";
    match der_of(pem).map_err(|error| refused(NAME, error))? {
        (_, Some(label)) if label != "CERTIFICATE" => {
            Err(refused(NAME, format!("this is a {label}, not a certificate")))
        }
        // A certificate is a sequence.
        (der, _) if der.first() != Some(&0x30) => Err(refused(NAME, "this is no certificate")),
        (der, _) => Ok(URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, &der))),
    }
}

/// `rsaEncryption` with a null parameter, DER.
const RSA_ALGORITHM: &[u8] = &[
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];
/// `id-ecPublicKey` over `prime256v1`, DER.
const P256_ALGORITHM: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03,
    0x01, 0x07,
];

/// `SubjectPublicKeyInfo` (RFC 5280 §4.1) in DER.
fn spki(algorithm: &[u8], public_key: &[u8]) -> Vec<u8> {
    let mut bits = vec![0];
    bits.extend_from_slice(public_key);
    let mut content = algorithm.to_vec();
    content.extend(tagged(0x03, &bits));
    tagged(0x30, &content)
}

fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let significant: Vec<u8> = length.iter().copied().skip_while(|byte| *byte == 0).collect();
    match significant.as_slice() {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        long => {
            // A length of at most eight bytes always fits the seven-bit count.
            out.push(0x80 | u8::try_from(long.len()).unwrap_or(0));
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// RFC 3986 encoding: unreserved characters stay.
pub(super) fn rfc3986(text: &str) -> String {
    const SET: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    percent_encoding::utf8_percent_encode(text, SET).to_string()
}

/// Parameters sorted by encoded name: of the body for POST, PUT and PATCH, else of the query.
pub(super) fn sorted_params(request: &RequestParts<'_>) -> String {
    let has_body = matches!(request.method, "POST" | "PUT" | "PATCH");
    if !has_body {
        return sorted_query(request.query.iter().map(|(name, value)| (name.as_str(), value.clone())));
    }
    match serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(request.body) {
        Ok(map) => sorted_query(map.iter().map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.as_str(), text)
        })),
        Err(_) => {
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(request.body.as_bytes())
                .into_owned()
                .collect();
            sorted_query(pairs.iter().map(|(name, value)| (name.as_str(), value.clone())))
        }
    }
}

fn sorted_query<'a>(pairs: impl Iterator<Item = (&'a str, String)>) -> String {
    let mut pairs: Vec<(String, String)> = pairs.map(|(name, value)| (rfc3986(name), rfc3986(&value))).collect();
    pairs.sort();
    pairs
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("&")
}

/// Signature V4 over method, path, sorted query and body; signed headers are `host`, `x-amz-date` and `content-type`
/// when the request has one.
fn aws_sigv4(arguments: &[String], scope: &Scope<'_>) -> Result<String, RenderError> {
    const NAME: &str = "aws_sigv4_header";
    let [id, secret, region, service, more @ ..] = arguments else {
        return Err(refused(NAME, "four arguments are needed"));
    };
    if arguments.iter().any(String::is_empty) {
        return Err(refused(NAME, "an argument is empty"));
    }
    let request = scope.request.unwrap_or_default();
    let host = more
        .first()
        .cloned()
        .unwrap_or_else(|| format!("{service}.amazonaws.com"));
    let stamp = moment::render(scope.now, None, Some("YYYYMMDDTHHmmss[Z]"));
    let date = stamp.get(..8).unwrap_or(&stamp);

    let mut headers = Vec::new();
    if !request.content_type.is_empty() {
        headers.push(("content-type", request.content_type));
    }
    headers.push(("host", host.as_str()));
    headers.push(("x-amz-date", stamp.as_str()));
    let names = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{}\n", value.trim()))
        .collect();

    let path = if request.path.is_empty() { "/" } else { request.path };
    let query = sorted_query(request.query.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let method = if request.method.is_empty() {
        "GET"
    } else {
        request.method
    };
    let body = hex::encode(sha256(request.body));
    let canonical = format!("{method}\n{path}\n{query}\n{lines}\n{names}\n{body}");

    let credential = format!("{date}/{region}/{service}/aws4_request");
    let to_sign = format!(
        "AWS4-HMAC-SHA256\n{stamp}\n{credential}\n{}",
        hex::encode(sha256(&canonical))
    );
    let signature = hex::encode(mac(&signing_key(secret, date, region, service), &to_sign));
    Ok(format!(
        "AWS4-HMAC-SHA256 Credential={id}/{credential}, SignedHeaders={names}, Signature={signature}"
    ))
}

fn signing_key(secret: &str, date: &str, region: &str, service: &str) -> Vec<u8> {
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [date, region, service, "aws4_request"] {
        key = mac(&key, part);
    }
    key
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
        .as_ref()
        .to_vec()
}
