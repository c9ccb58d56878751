//! Hashes, HMAC, random bytes and signatures behind the prelude's `crypto` module.

use std::rc::Rc;

use md5::Md5;
use ring::rand::{SecureRandom, SystemRandom};
use ring::{rsa, signature};
use rquickjs::{Array, ArrayBuffer, Ctx, Exception, Function, Object, Result, String as JsString, Value};
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512, Sha512_256};

use super::super::shared::Current;
use super::{buffer, text, view};

/// Random bytes a call may ask for.
const RANDOM_MAX: usize = 1 << 20;

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>, current: &Rc<Current>) -> Result<()> {
    let own = Rc::clone(current);
    let random = move |ctx: Ctx<'js>, size: usize| random(&ctx, &own, size);
    native.set("hash", Function::new(ctx.clone(), hash)?)?;
    native.set("hmac", Function::new(ctx.clone(), hmac)?)?;
    native.set("random", Function::new(ctx.clone(), random)?)?;
    native.set("timingSafeEqual", Function::new(ctx.clone(), timing_safe_equal)?)?;
    let own = Rc::clone(current);
    let sign =
        move |ctx: Ctx<'js>, algorithm, key, chunks, encoding| sign(&ctx, &own, algorithm, key, chunks, encoding);
    native.set("sign", Function::new(ctx.clone(), sign)?)?;
    native.set("verify", Function::new(ctx.clone(), verify)?)?;
    native.set("publicKey", Function::new(ctx.clone(), public_of)?)
}

fn hash<'js>(ctx: Ctx<'js>, algorithm: JsString<'js>, chunks: Array<'js>) -> Result<ArrayBuffer<'js>> {
    let input = joined(&ctx, &chunks)?;
    let digest = digest(&text(algorithm)?, &[&input]).ok_or_else(|| unsupported(&ctx, "digest"))?;
    buffer(&ctx, &digest)
}

fn hmac<'js>(ctx: Ctx<'js>, algorithm: JsString<'js>, key: Value<'js>, chunks: Array<'js>) -> Result<ArrayBuffer<'js>> {
    let algorithm = text(algorithm)?;
    let key = view(&ctx, &key)?;
    let input = joined(&ctx, &chunks)?;
    let code = hmac_of(&algorithm, &key, &input).ok_or_else(|| unsupported(&ctx, "digest"))?;
    buffer(&ctx, &code)
}

fn digest(algorithm: &str, parts: &[&[u8]]) -> Option<Vec<u8>> {
    fn run<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
        let mut state = D::new();
        for part in parts {
            state.update(part);
        }
        state.finalize().to_vec()
    }
    Some(match algorithm {
        "md5" => run::<Md5>(parts),
        "sha1" => run::<Sha1>(parts),
        "sha224" => run::<Sha224>(parts),
        "sha256" => run::<Sha256>(parts),
        "sha512-256" => run::<Sha512_256>(parts),
        "sha384" => run::<Sha384>(parts),
        "sha512" => run::<Sha512>(parts),
        _ => return None,
    })
}

/// RFC 2104, written out because MD5 is among the algorithms functions use.
fn hmac_of(algorithm: &str, key: &[u8], input: &[u8]) -> Option<Vec<u8>> {
    let block = if matches!(algorithm, "sha384" | "sha512" | "sha512-256") {
        128
    } else {
        64
    };
    let mut padded = if key.len() > block {
        digest(algorithm, &[key])?
    } else {
        key.to_vec()
    };
    padded.resize(block, 0);
    let inner: Vec<u8> = padded.iter().map(|byte| byte ^ 0x36).collect();
    let outer: Vec<u8> = padded.iter().map(|byte| byte ^ 0x5c).collect();
    let inside = digest(algorithm, &[&inner, input])?;
    digest(algorithm, &[&outer, &inside])
}

fn random<'js>(ctx: &Ctx<'js>, current: &Current, size: usize) -> Result<ArrayBuffer<'js>> {
    let mut bytes = vec![0; size.min(RANDOM_MAX)];
    if !current.get().deck.fill(&mut bytes) {
        SystemRandom::new()
            .fill(&mut bytes)
            .map_err(|_| Exception::throw_internal(ctx, "no random bytes"))?;
    }
    buffer(ctx, &bytes)
}

fn timing_safe_equal<'js>(ctx: Ctx<'js>, a: Value<'js>, b: Value<'js>) -> Result<bool> {
    let (a, b) = (view(&ctx, &a)?, view(&ctx, &b)?);
    Ok(a.len() == b.len() && a.iter().zip(&b).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0)
}

/// Which signature a name such as `RSA-SHA256` or `sha256` means once the key's kind is known.
#[derive(Clone, Copy)]
enum Strength {
    Sha256,
    Sha384,
    Sha512,
    None,
}

fn strength(algorithm: &str) -> Option<Strength> {
    let name = algorithm.to_ascii_lowercase();
    let name = name.rsplit("rsa-").next().unwrap_or(&name).replace("sha-", "sha");
    Some(match name.as_str() {
        "sha256" => Strength::Sha256,
        "sha384" => Strength::Sha384,
        "sha512" => Strength::Sha512,
        "ed25519" => Strength::None,
        _ => return None,
    })
}

fn sign<'js>(
    ctx: &Ctx<'js>,
    current: &Current,
    algorithm: JsString<'js>,
    key: JsString<'js>,
    chunks: Array<'js>,
    encoding: JsString<'js>,
) -> Result<ArrayBuffer<'js>> {
    let input = joined(ctx, &chunks)?;
    let strength = strength(&text(algorithm)?).ok_or_else(|| unsupported(ctx, "signature algorithm"))?;
    let form = Form::of(&text(encoding)?);
    let key = text(key)?;
    let signed = pem(&key).map(|(label, der)| sign_with(strength, form, &label, &der, &input));
    match signed {
        Some(Some(signed)) => buffer(ctx, &signed),
        // A recording has no keys: what is signed with what stands for one is no signature, but the same each time.
        _ if current.get().deck.is_replay() => {
            buffer(ctx, &digest("sha512", &[key.as_bytes(), &input]).unwrap_or_default())
        }
        Some(None) => Err(unsupported(ctx, "key")),
        None => Err(unsupported(ctx, "key format")),
    }
}

/// How a signature is written: one form for each kind of key is the usual one.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    Usual,
    /// Both numbers of an elliptic curve, of fixed length.
    Plain,
    /// RSA with the probabilistic padding, and as much salt as the digest is long.
    Pss,
}

impl Form {
    fn of(name: &str) -> Self {
        match name {
            "ieee-p1363" => Self::Plain,
            "pss" => Self::Pss,
            _ => Self::Usual,
        }
    }
}

/// A private key of any kind that is known here.
enum PrivateKey {
    Rsa(rsa::KeyPair),
    Ed25519(signature::Ed25519KeyPair),
    /// PKCS #8 text of a key on an elliptic curve; the curve is found by trying.
    Curve(Vec<u8>),
}

fn private_key(label: &str, der: &[u8]) -> Option<PrivateKey> {
    match label {
        "RSA PRIVATE KEY" => rsa::KeyPair::from_der(der).ok().map(PrivateKey::Rsa),
        "EC PRIVATE KEY" => Some(PrivateKey::Curve(wrapped_curve_key(der)?)),
        "PRIVATE KEY" => {
            if let Ok(key) = rsa::KeyPair::from_pkcs8(der) {
                return Some(PrivateKey::Rsa(key));
            }
            let edwards = signature::Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
            Some(edwards.map_or_else(|_| PrivateKey::Curve(der.to_vec()), PrivateKey::Ed25519))
        }
        _ => None,
    }
}

fn sign_with(strength: Strength, form: Form, label: &str, der: &[u8], input: &[u8]) -> Option<Vec<u8>> {
    let random = SystemRandom::new();
    let key = match private_key(label, der)? {
        PrivateKey::Rsa(key) => {
            let padding: &'static dyn signature::RsaEncoding = match (strength, form == Form::Pss) {
                (Strength::Sha256, false) => &signature::RSA_PKCS1_SHA256,
                (Strength::Sha384, false) => &signature::RSA_PKCS1_SHA384,
                (Strength::Sha512, false) => &signature::RSA_PKCS1_SHA512,
                (Strength::Sha256, true) => &signature::RSA_PSS_SHA256,
                (Strength::Sha384, true) => &signature::RSA_PSS_SHA384,
                (Strength::Sha512, true) => &signature::RSA_PSS_SHA512,
                (Strength::None, _) => return None,
            };
            let mut out = vec![0; key.public().modulus_len()];
            key.sign(padding, &random, input, &mut out).ok()?;
            return Some(out);
        }
        PrivateKey::Ed25519(key) => return Some(key.sign(input).as_ref().to_vec()),
        PrivateKey::Curve(key) => key,
    };
    let curve = match (strength, form == Form::Plain) {
        (Strength::Sha256, false) => &signature::ECDSA_P256_SHA256_ASN1_SIGNING,
        (Strength::Sha256, true) => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
        (Strength::Sha384, false) => &signature::ECDSA_P384_SHA384_ASN1_SIGNING,
        (Strength::Sha384, true) => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
        (Strength::Sha512 | Strength::None, _) => return None,
    };
    let key = signature::EcdsaKeyPair::from_pkcs8(curve, &key, &random).ok()?;
    Some(key.sign(&random, input).ok()?.as_ref().to_vec())
}

/// An EC private key of RFC 5915, which names its curve, as PKCS #8.
fn wrapped_curve_key(der: &[u8]) -> Option<Vec<u8>> {
    let (0x30, mut rest, _) = element(der)? else {
        return None;
    };
    let mut curve = None;
    while !rest.is_empty() {
        let (tag, content, after) = element(rest)?;
        if tag == 0xa0 {
            curve = Some(content);
        }
        rest = after;
    }
    let algorithm = [encoded(0x06, EC_OID), curve?.to_vec()].concat();
    let parts = [encoded(0x02, &[0]), encoded(0x30, &algorithm), encoded(0x04, der)].concat();
    Some(encoded(0x30, &parts))
}

/// A DER element of this tag and content.
fn encoded(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..0x80 => out.push(length as u8),
        length @ 0x80..0x100 => out.extend([0x81, length as u8]),
        length => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend(content);
    out
}

/// SubjectPublicKeyInfo of a key, private or public; undefined when it is none of those known here.
fn public_of<'js>(ctx: Ctx<'js>, key: JsString<'js>) -> Result<Option<ArrayBuffer<'js>>> {
    let Some((label, der)) = pem(&text(key)?) else {
        return Ok(None);
    };
    public_info(&label, der).map(|info| buffer(&ctx, &info)).transpose()
}

fn public_info(label: &str, der: Vec<u8>) -> Option<Vec<u8>> {
    use signature::KeyPair as _;
    const NULL: &[u8] = &[0x05, 0x00];
    const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
    const P384: &[u8] = &[0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22];
    let info = |oid: &[u8], rest: &[u8], key: &[u8]| {
        let algorithm = encoded(0x30, &[encoded(0x06, oid), rest.to_vec()].concat());
        let bits = encoded(0x03, &[&[0], key].concat());
        encoded(0x30, &[algorithm, bits].concat())
    };
    match label {
        "PUBLIC KEY" => return Some(der),
        "RSA PUBLIC KEY" => return Some(info(RSA_OID, NULL, &der)),
        _ => {}
    }
    match private_key(label, &der)? {
        PrivateKey::Rsa(key) => Some(info(RSA_OID, NULL, key.public().as_ref())),
        PrivateKey::Ed25519(key) => Some(info(ED25519_OID, &[], key.public_key().as_ref())),
        PrivateKey::Curve(key) => {
            let random = SystemRandom::new();
            let curves = [
                (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, P256),
                (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, P384),
            ];
            curves.into_iter().find_map(|(curve, name)| {
                let pair = signature::EcdsaKeyPair::from_pkcs8(curve, &key, &random).ok()?;
                Some(info(EC_OID, name, pair.public_key().as_ref()))
            })
        }
    }
}

fn verify<'js>(
    ctx: Ctx<'js>,
    algorithm: JsString<'js>,
    key: JsString<'js>,
    chunks: Array<'js>,
    given: Value<'js>,
    encoding: JsString<'js>,
) -> Result<bool> {
    let input = joined(&ctx, &chunks)?;
    let given = view(&ctx, &given)?;
    let strength = strength(&text(algorithm)?).ok_or_else(|| unsupported(&ctx, "signature algorithm"))?;
    let form = Form::of(&text(encoding)?);
    let (label, der) = pem(&text(key)?).ok_or_else(|| unsupported(&ctx, "key format"))?;
    let (oid, material) = public_info(&label, der)
        .and_then(|info| public_key(&info))
        .ok_or_else(|| unsupported(&ctx, "key format"))?;
    let plain = form == Form::Plain;
    let algorithm: &'static dyn signature::VerificationAlgorithm = match (oid.as_slice(), strength, plain) {
        (RSA_OID, Strength::Sha256, _) if form == Form::Pss => &signature::RSA_PSS_2048_8192_SHA256,
        (RSA_OID, Strength::Sha384, _) if form == Form::Pss => &signature::RSA_PSS_2048_8192_SHA384,
        (RSA_OID, Strength::Sha512, _) if form == Form::Pss => &signature::RSA_PSS_2048_8192_SHA512,
        (RSA_OID, Strength::Sha256, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (RSA_OID, Strength::Sha384, _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (RSA_OID, Strength::Sha512, _) => &signature::RSA_PKCS1_2048_8192_SHA512,
        (EC_OID, Strength::Sha256, false) => &signature::ECDSA_P256_SHA256_ASN1,
        (EC_OID, Strength::Sha256, true) => &signature::ECDSA_P256_SHA256_FIXED,
        (EC_OID, Strength::Sha384, false) => &signature::ECDSA_P384_SHA384_ASN1,
        (EC_OID, Strength::Sha384, true) => &signature::ECDSA_P384_SHA384_FIXED,
        (ED25519_OID, ..) => &signature::ED25519,
        _ => return Err(unsupported(&ctx, "key")),
    };
    Ok(signature::UnparsedPublicKey::new(algorithm, material)
        .verify(&input, &given)
        .is_ok())
}

const RSA_OID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_OID: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const ED25519_OID: &[u8] = &[0x2b, 0x65, 0x70];

/// Algorithm and key bytes of a SubjectPublicKeyInfo (RFC 5280).
fn public_key(der: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let (0x30, info, _) = element(der)? else { return None };
    let (0x30, algorithm, rest) = element(info)? else {
        return None;
    };
    let (0x06, oid, _) = element(algorithm)? else {
        return None;
    };
    let (0x03, bits, _) = element(rest)? else { return None };
    let (0, material) = bits.split_first()? else {
        return None;
    };
    Some((oid.to_vec(), material.to_vec()))
}

/// Tag, content and what follows of one DER element.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = if first < 0x80 {
        (first as usize, rest)
    } else {
        let (digits, rest) = rest.split_at_checked((first & 0x7f) as usize)?;
        if digits.len() > 4 {
            return None;
        }
        (
            digits.iter().fold(0, |length, digit| length << 8 | *digit as usize),
            rest,
        )
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// Label and content of the first PEM block.
fn pem(source: &str) -> Option<(String, Vec<u8>)> {
    use base64::Engine as _;
    let (_, rest) = source.split_once("-----BEGIN ")?;
    let (label, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    let body: String = body.chars().filter(|char| !char.is_whitespace()).collect();
    Some((
        label.to_owned(),
        base64::engine::general_purpose::STANDARD.decode(body).ok()?,
    ))
}

fn joined(ctx: &Ctx<'_>, chunks: &Array<'_>) -> Result<Vec<u8>> {
    let mut input = Vec::new();
    for chunk in chunks.iter::<Value<'_>>() {
        input.extend(view(ctx, &chunk?)?);
    }
    Ok(input)
}

fn unsupported(ctx: &Ctx<'_>, what: &str) -> rquickjs::Error {
    Exception::throw_message(ctx, &format!("Unsupported {what}"))
}
