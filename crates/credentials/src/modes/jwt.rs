//! Tokens that we sign ourselves: user keys (`JWT`), client assertions (RFC 7523), GitHub-style apps.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair};
use ring::{hmac, signature};
use serde_json::{Map, Value, json};
use tenon_catalog::provider::{HmacKeyEncoding, JwtKey, SignedJwt};
use tenon_catalog::template::{JsonTemplate, RenderError, Scope};
use tenon_model::{Secret, Timestamp};
use zeroize::Zeroizing;

use crate::error::Error;
use crate::material::Fields;
use crate::subject::{Subject, render_error};

/// Life of a client assertion.
const ASSERTION_SECONDS: i64 = 300;

/// How a token is signed.
pub enum Signer<'a> {
    /// RSASSA-PKCS1-v1_5 with SHA-256; the key in PEM or DER.
    Rs256(&'a str),
    /// RSASSA-PSS with SHA-256.
    Ps256(&'a str),
    /// ECDSA over P-256 with SHA-256; the key in PKCS#8 PEM.
    Es256(&'a str),
    /// HMAC-SHA256 with these bytes.
    Hs256(&'a [u8]),
}

impl Signer<'_> {
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Rs256(_) => "RS256",
            Self::Ps256(_) => "PS256",
            Self::Es256(_) => "ES256",
            Self::Hs256(_) => "HS256",
        }
    }
}

/// Signs `claims`; the header gets `alg` and, unless given, `typ`.
///
/// # Errors
/// [`Error::Key`] when the key is of another kind or unreadable.
pub fn sign(mut header: Map<String, Value>, claims: &Map<String, Value>, signer: &Signer<'_>) -> Result<Secret, Error> {
    header.insert("alg".to_owned(), Value::String(signer.algorithm().to_owned()));
    header.entry("typ").or_insert_with(|| Value::String("JWT".to_owned()));
    let encode = |map: &Map<String, Value>| {
        let text = serde_json::to_vec(map).unwrap_or_default();
        URL_SAFE_NO_PAD.encode(text)
    };
    let message = format!("{}.{}", encode(&header), encode(claims));
    let signature = signature_of(signer, message.as_bytes())?;
    Ok(Secret::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

pub(super) fn signature_of(signer: &Signer<'_>, message: &[u8]) -> Result<Vec<u8>, Error> {
    let unusable = || Error::Key { what: "signing key" };
    match signer {
        Signer::Rs256(key) => rsa(key, &RSA_PKCS1_SHA256, message),
        Signer::Ps256(key) => rsa(key, &RSA_PSS_SHA256, message),
        Signer::Es256(key) => {
            let der = der(key)?;
            let random = SystemRandom::new();
            let pair =
                EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der, &random).map_err(|_| unusable())?;
            Ok(pair.sign(&random, message).map_err(|_| unusable())?.as_ref().to_vec())
        }
        Signer::Hs256(key) => Ok(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), message)
            .as_ref()
            .to_vec()),
    }
}

fn rsa(key: &str, padding: &'static dyn signature::RsaEncoding, message: &[u8]) -> Result<Vec<u8>, Error> {
    let unusable = || Error::Key { what: "RSA key" };
    let der = der(key)?;
    let pair = RsaKeyPair::from_pkcs8(&der)
        .or_else(|_| RsaKeyPair::from_der(&der))
        .map_err(|_| unusable())?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature)
        .map_err(|_| unusable())?;
    Ok(signature)
}

/// The bytes inside a PEM text. Keys arrive with escaped line breaks, without armour, or encoded once more.
fn der(key: &str) -> Result<Zeroizing<Vec<u8>>, Error> {
    let unusable = || Error::Key { what: "PEM key" };
    let text = Zeroizing::new(key.replace("\\n", "\n"));
    if !text.contains("-----") {
        let bytes = Zeroizing::new(STANDARD.decode(squeeze(&text).as_bytes()).map_err(|_| unusable())?);
        if let Ok(inner) = std::str::from_utf8(&bytes)
            && inner.contains("-----BEGIN")
        {
            return der(inner);
        }
        return Ok(bytes);
    }
    let inner: String = text.split("-----").nth(2).unwrap_or_default().to_owned();
    let inner = Zeroizing::new(inner);
    STANDARD
        .decode(squeeze(&inner).as_bytes())
        .map(Zeroizing::new)
        .map_err(|_| unusable())
}

fn squeeze(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect())
}

/// Signs the token of a `JWT` provider, or the one that an exchange offers to its requests.
///
/// # Errors
/// When the key is missing or unusable.
pub fn signed(declared: &SignedJwt, subject: &Subject<'_>, inputs: &Fields) -> Result<(Secret, Timestamp), Error> {
    let split = declared.split_key.then(|| split_keys(inputs));
    let scope = Scope {
        cred: Some(split.as_ref().map_or(inputs.expose(), Fields::expose)),
        ..subject.scope()
    };
    let key = Zeroizing::new(declared.key.render(&scope).map_err(render_error)?);
    let ends = subject.now.plus(declared.lifetime);
    let mut claims = claims(&declared.claims, &scope)?;
    claims.insert("iat".to_owned(), json!(subject.now.secs()));
    claims.insert("exp".to_owned(), json!(ends.secs()));
    let header = self::claims(&declared.header, &scope)?;
    let secret;
    let signer = match declared.key_kind {
        JwtKey::Rsa => Signer::Rs256(&key),
        JwtKey::Ec => Signer::Es256(&key),
        JwtKey::Hmac => {
            secret = Zeroizing::new(match declared.hmac_key_encoding {
                HmacKeyEncoding::Hex => hex::decode(key.trim()).map_err(|_| Error::Key {
                    what: "hexadecimal key",
                })?,
                HmacKeyEncoding::Utf8 => key.as_bytes().to_vec(),
            });
            Signer::Hs256(&secret)
        }
    };
    Ok((sign(header, &claims, &signer)?, ends))
}

/// Every input of the form `id:secret` also as `<name>.id` and `<name>.secret`.
fn split_keys(inputs: &Fields) -> Fields {
    let mut split = inputs.clone();
    for (name, value) in inputs.expose() {
        if let Some((id, secret)) = value.as_str().and_then(|text| text.split_once(':')) {
            split.set(&format!("{name}.id"), Value::String(id.to_owned()));
            split.set(&format!("{name}.secret"), Value::String(secret.to_owned()));
        }
    }
    split
}

pub(super) fn claims(declared: &[(String, JsonTemplate)], scope: &Scope<'_>) -> Result<Map<String, Value>, Error> {
    let mut claims = Map::new();
    for (name, template) in declared {
        match template.render(scope) {
            Ok(Value::Array(items)) => {
                let split = split_list(&items);
                if !split.is_empty() {
                    claims.insert(name.clone(), Value::Array(split));
                }
            }
            Ok(value) => drop(claims.insert(name.clone(), value)),
            Err(RenderError::Missing(_)) => {}
            Err(error) => return Err(render_error(error)),
        }
    }
    Ok(claims)
}

fn split_list(items: &[Value]) -> Vec<Value> {
    let mut split = Vec::new();
    for item in items {
        match item {
            Value::String(text) => split.extend(
                text.split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .map(|part| Value::String(part.to_owned())),
            ),
            other => split.push(other.clone()),
        }
    }
    split
}

/// The client assertion of `private_key_jwt`: the secret slot holds a private key, as PEM or as JWK.
///
/// # Errors
/// [`Error::Key`] when it is neither.
pub fn client_assertion(subject: &Subject<'_>, issuer: &str, audience: &str) -> Result<String, Error> {
    let key = subject.app.client_secret.expose();
    let mut header = Map::new();
    let der;
    let key = match serde_json::from_str::<Map<String, Value>>(key) {
        Ok(jwk) => {
            if let Some(kid) = jwk.get("kid") {
                header.insert("kid".to_owned(), kid.clone());
            }
            der = Zeroizing::new(STANDARD.encode(rsa_from_jwk(&jwk)?));
            der.as_str()
        }
        Err(_) => key,
    };
    let id = &subject.app.client_id;
    let now = subject.now.secs();
    let claims = json!({
        "iss": issuer, "sub": id, "aud": audience, "iat": now, "exp": now + ASSERTION_SECONDS, "jti": subject.uuid,
    });
    let Value::Object(claims) = claims else {
        return Err(Error::Key { what: "client key" });
    };
    Ok(sign(header, &claims, &Signer::Rs256(key))?.expose().to_owned())
}

/// PKCS#1 bytes of an RSA private key given as JWK.
fn rsa_from_jwk(jwk: &Map<String, Value>) -> Result<Vec<u8>, Error> {
    let mut body = integer(&[0]);
    for name in ["n", "e", "d", "p", "q", "dp", "dq", "qi"] {
        let text = jwk
            .get(name)
            .and_then(Value::as_str)
            .ok_or(Error::Key { what: "JWK" })?;
        let bytes = URL_SAFE_NO_PAD
            .decode(text)
            .or_else(|_| URL_SAFE.decode(text))
            .map_err(|_| Error::Key { what: "JWK" })?;
        body.extend(integer(&bytes));
    }
    Ok(element(0x30, &body))
}

fn integer(bytes: &[u8]) -> Vec<u8> {
    let significant: Vec<u8> = bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    let mut content = Vec::with_capacity(significant.len() + 1);
    if significant.first().is_none_or(|byte| *byte & 0x80 != 0) {
        content.push(0);
    }
    content.extend(significant);
    element(0x02, &content)
}

/// A DER element.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len();
    if length < 0x80 {
        out.push(u8::try_from(length).unwrap_or(0x7f));
    } else {
        let bytes: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        out.push(0x80 | u8::try_from(bytes.len()).unwrap_or(8));
        out.extend(bytes);
    }
    out.extend_from_slice(content);
    out
}

/// The claims of a JWT without checking its signature: for tokens that came straight from their issuer.
pub fn unverified_claims(token: &str) -> Option<Map<String, Value>> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}
