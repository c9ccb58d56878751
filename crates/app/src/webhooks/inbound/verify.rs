//! Signatures of providers' messages.
//!
//! Always over the body as it came, always compared in constant time. The schemes are data of the catalogue
//! ([`Signature`]); this module knows how each is computed and nothing about rows.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use percent_encoding::percent_decode_str;
use ring::{digest, hmac};
use serde_json::Value;
use subtle::ConstantTimeEq;
use tenon_catalog::provider::{Signature, Signed};
use tenon_model::{Secret, Timestamp};

/// How far a signed time may be from ours when the scheme names no other limit.
const TOLERANCE_SECS: u64 = 300;

/// A message as it came.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Headers.
    pub headers: &'a HeaderMap,
    /// The body, untouched.
    pub raw: &'a [u8],
    /// The whole address that the provider was told to call, with its query.
    pub url: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// Why a message is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The header is not there.
    #[error("the header {0} is missing")]
    Missing(String),
    /// What it says is not what the key gives.
    #[error("the signature in the header {0} does not match the body")]
    Mismatch(String),
    /// The signed time is too far from ours.
    #[error("the signed time in the header {0} is too far from this server's clock")]
    Stale(String),
}

impl Evidence<'_> {
    fn header(&self, name: &str) -> Result<&str, Fault> {
        let value = self.headers.get(name).ok_or_else(|| Fault::Missing(name.to_owned()))?;
        value.to_str().map_err(|_| Fault::Mismatch(name.to_owned()))
    }

    fn check_time(&self, name: &str, secs: Option<i64>, tolerance_secs: u64) -> Result<(), Fault> {
        let secs = secs.ok_or_else(|| Fault::Mismatch(name.to_owned()))?;
        if self.now.secs().abs_diff(secs) > tolerance_secs {
            return Err(Fault::Stale(name.to_owned()));
        }
        Ok(())
    }
}

/// Checks a message with each key in turn; one that fits is enough. Answers the name of the scheme.
///
/// # Errors
/// The fault of the last key, when none fits.
pub fn verify(signature: &Signature, keys: &[Secret], evidence: &Evidence<'_>) -> Result<&'static str, Fault> {
    let mut fault = Fault::Missing("signature".to_owned());
    for key in keys {
        match verify_with(signature, key.expose().as_bytes(), evidence) {
            Ok(scheme) => return Ok(scheme),
            Err(next) => fault = next,
        }
    }
    Err(fault)
}

fn verify_with(signature: &Signature, key: &[u8], evidence: &Evidence<'_>) -> Result<&'static str, Fault> {
    match signature {
        Signature::Hmac {
            header,
            algorithm,
            encoding,
            prefix,
            signed,
            tolerance_secs,
            ..
        } => {
            let given = evidence.header(header)?;
            let limit = tolerance_secs.unwrap_or(TOLERANCE_SECS);
            let key = hmac::Key::new(algorithm_of(algorithm), key);
            let (lead, texts) = read_header(*signed, header, given, prefix, limit, evidence)?;
            let covered = [lead.as_bytes(), evidence.raw].concat();
            let fits = texts
                .iter()
                .filter_map(|text| decode(encoding, text))
                .any(|bytes| hmac::verify(&key, &covered, &bytes).is_ok());
            fits.then_some("hmac").ok_or_else(|| Fault::Mismatch(header.clone()))
        }
        Signature::StandardWebhooks { .. } => standard(key, evidence),
        Signature::Hash { header, algorithm, .. } => {
            let given = evidence.header(header)?;
            let algorithm = match algorithm.as_str() {
                "sha1" => &digest::SHA1_FOR_LEGACY_USE_ONLY,
                _ => &digest::SHA256,
            };
            same_digest(header, algorithm, &[key, evidence.raw], given).map(|()| "hash")
        }
        Signature::Equals { header, .. } => {
            let given = evidence.header(header)?;
            let fits = bool::from(given.as_bytes().ct_eq(key));
            fits.then_some("equals").ok_or_else(|| Fault::Mismatch(header.clone()))
        }
        Signature::HubspotV3 { .. } => hubspot(key, evidence),
        Signature::SlackV0 { .. } => slack(key, evidence),
    }
}

fn algorithm_of(name: &str) -> hmac::Algorithm {
    match name {
        "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        _ => hmac::HMAC_SHA256,
    }
}

fn decode(encoding: &str, text: &str) -> Option<Vec<u8>> {
    match encoding {
        "base64" => STANDARD.decode(text).ok(),
        _ => hex::decode(text).ok(),
    }
}

/// What is signed before the body, and the signatures that a header lists.
fn read_header<'e>(
    signed: Signed,
    header: &str,
    given: &'e str,
    prefix: &str,
    tolerance_secs: u64,
    evidence: &Evidence<'_>,
) -> Result<(String, Vec<&'e str>), Fault> {
    match signed {
        Signed::Body => {
            let texts = given.split(',').filter_map(|text| text.trim().strip_prefix(prefix));
            Ok((String::new(), texts.collect()))
        }
        Signed::TimeDotBody => {
            let fields = || given.split(',').filter_map(|part| part.trim().split_once('='));
            let time = fields().find(|(name, _)| *name == "t").map(|(_, value)| value);
            evidence.check_time(header, time.and_then(|time| time.parse().ok()), tolerance_secs)?;
            let texts = fields().filter(|(name, _)| *name == "v1").map(|(_, value)| value);
            Ok((format!("{}.", time.unwrap_or_default()), texts.collect()))
        }
    }
}

fn same_digest(header: &str, algorithm: &'static digest::Algorithm, parts: &[&[u8]], given: &str) -> Result<(), Fault> {
    let mut context = digest::Context::new(algorithm);
    for part in parts {
        context.update(part);
    }
    let wanted = hex::encode(context.finish());
    let fits = bool::from(wanted.as_bytes().ct_eq(given.to_ascii_lowercase().as_bytes()));
    fits.then_some(()).ok_or_else(|| Fault::Mismatch(header.to_owned()))
}

/// Standard Webhooks, also under the names that Svix gives the headers.
fn standard(key: &[u8], evidence: &Evidence<'_>) -> Result<&'static str, Fault> {
    let family = if evidence.headers.contains_key("svix-signature") {
        "svix"
    } else {
        "webhook"
    };
    let name = format!("{family}-signature");
    let given = evidence.header(&name)?;
    let id = evidence.header(&format!("{family}-id"))?;
    let time_name = format!("{family}-timestamp");
    let time = evidence.header(&time_name)?;
    evidence.check_time(&time_name, time.parse().ok(), TOLERANCE_SECS)?;
    let decoded = std::str::from_utf8(key)
        .ok()
        .and_then(|text| text.strip_prefix("whsec_"))
        .and_then(|text| STANDARD.decode(text).ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, decoded.as_deref().unwrap_or(key));
    let signed = [format!("{id}.{time}.").as_bytes(), evidence.raw].concat();
    let fits = given
        .split(' ')
        .filter_map(|one| one.strip_prefix("v1,"))
        .filter_map(|text| STANDARD.decode(text).ok())
        .any(|bytes| hmac::verify(&key, &signed, &bytes).is_ok());
    fits.then_some("standard_webhooks").ok_or(Fault::Mismatch(name))
}

/// HubSpot signs in three ways and sends up to two of them. The newest that is there must hold: the older ones do not
/// protect against replay.
fn hubspot(key: &[u8], evidence: &Evidence<'_>) -> Result<&'static str, Fault> {
    const V3: &str = "x-hubspot-signature-v3";
    const TIME: &str = "x-hubspot-request-timestamp";
    const OLD: &str = "x-hubspot-signature";
    const OLD_VERSION: &str = "x-hubspot-signature-version";
    if evidence.headers.contains_key(V3) {
        let given = STANDARD
            .decode(evidence.header(V3)?)
            .map_err(|_| Fault::Mismatch(V3.to_owned()))?;
        let time = evidence.header(TIME)?;
        let millis: Option<i64> = time.parse().ok();
        evidence.check_time(TIME, millis.map(|millis| millis / 1_000), TOLERANCE_SECS)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let decoded = percent_decode_str(evidence.url).decode_utf8_lossy();
        let fits = [evidence.url, decoded.as_ref()].into_iter().any(|url| {
            let signed = ["POST".as_bytes(), url.as_bytes(), evidence.raw, time.as_bytes()].concat();
            hmac::verify(&key, &signed, &given).is_ok()
        });
        return fits
            .then_some("hubspot_v3")
            .ok_or_else(|| Fault::Mismatch(V3.to_owned()));
    }
    let given = evidence.header(OLD)?;
    let version = evidence.headers.get(OLD_VERSION).and_then(|value| value.to_str().ok());
    if version == Some("v2") {
        let parts = [key, "POST".as_bytes(), evidence.url.as_bytes(), evidence.raw];
        return same_digest(OLD, &digest::SHA256, &parts, given).map(|()| "hubspot_v2");
    }
    // Other receivers compute it over the body as JSON writes it again, and so do their tests.
    let again = serde_json::from_slice::<Value>(evidence.raw).map(|body| body.to_string());
    same_digest(OLD, &digest::SHA256, &[key, evidence.raw], given)
        .or_else(|fault| {
            let again = again.map_err(|_| fault)?;
            same_digest(OLD, &digest::SHA256, &[key, again.as_bytes()], given)
        })
        .map(|()| "hubspot_v1")
}

fn slack(key: &[u8], evidence: &Evidence<'_>) -> Result<&'static str, Fault> {
    const SIGNATURE: &str = "x-slack-signature";
    const TIME: &str = "x-slack-request-timestamp";
    let mismatch = || Fault::Mismatch(SIGNATURE.to_owned());
    let given = evidence.header(SIGNATURE)?;
    let time = evidence.header(TIME)?;
    evidence.check_time(TIME, time.parse().ok(), TOLERANCE_SECS)?;
    let given = given
        .strip_prefix("v0=")
        .and_then(|text| hex::decode(text).ok())
        .ok_or_else(mismatch)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let signed = [format!("v0:{time}:").as_bytes(), evidence.raw].concat();
    hmac::verify(&key, &signed, &given)
        .map(|()| "slack_v0")
        .map_err(|_| mismatch())
}
