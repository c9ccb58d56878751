//! Client assertions of token exchanges: a signed JWT, or a SAML 2.0 assertion.
//!
//! An assertion is built from inputs that may be given once and never stored (a private key), so it is kept with the
//! credentials and used again until a minute before its end.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde_json::{Map, Value, json};
use tenon_catalog::provider::{Assertion, AssertionKind};
use tenon_catalog::template::{JsonTemplate, RenderError, Scope, Template};
use tenon_model::{Secret, Timestamp};
use zeroize::Zeroizing;

use super::jwt::{self, Signer};
use crate::error::Error;
use crate::expiry;
use crate::material::Fields;
use crate::subject::{Subject, render_error};

/// Credential field under which an assertion is kept.
pub const FIELD: &str = "assertion";
/// An assertion that ends sooner is built anew.
const REUSE_MARGIN: Duration = Duration::from_secs(60);

/// The assertion to send: the stored one while it is good, else a new one.
///
/// # Errors
/// [`Error::Missing`] when an input for a new one is no longer there; [`Error::Key`] when the key is unusable.
pub fn obtain(
    declared: &Assertion,
    subject: &Subject<'_>,
    inputs: &Fields,
    once: Option<&Map<String, Value>>,
) -> Result<Secret, Error> {
    let stored = inputs.text(FIELD).filter(|text| !text.is_empty());
    if let Some(stored) = stored
        && once.is_none()
        && ends(stored).is_some_and(|end| end.since(subject.now) > REUSE_MARGIN)
    {
        return Ok(Secret::new(stored));
    }
    let scope = Scope {
        cred: Some(inputs.expose()),
        once,
        ..subject.scope()
    };
    let key = match &declared.key {
        Some(template) => match template.render(&scope) {
            Ok(key) => Some(Zeroizing::new(key)).filter(|key| !key.is_empty()),
            Err(RenderError::Missing(_)) if matches!(declared.kind, AssertionKind::Saml { .. }) => None,
            Err(error) => return Err(render_error(error)),
        },
        None => None,
    };
    let key = key.as_deref().map(String::as_str);
    match &declared.kind {
        AssertionKind::Jwt { header, claims } => {
            let key = key.ok_or(Error::Key { what: "assertion key" })?;
            signed_jwt(declared, &scope, subject.now, header, claims, key)
        }
        AssertionKind::Saml { .. } => saml(declared, &scope, subject, key),
    }
}

/// When an assertion ends, read from itself.
fn ends(assertion: &str) -> Option<Timestamp> {
    if let Some(claims) = jwt::unverified_claims(assertion) {
        return claims.get("exp").and_then(expiry::moment);
    }
    let bytes = STANDARD.decode(assertion).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let (_, rest) = text.split_once(" NotOnOrAfter=\"")?;
    Timestamp::parse_iso(rest.split('"').next()?)
}

fn signed_jwt(
    declared: &Assertion,
    scope: &Scope<'_>,
    now: Timestamp,
    header: &[(String, JsonTemplate)],
    claims: &[(String, JsonTemplate)],
    key: &str,
) -> Result<Secret, Error> {
    let header = jwt::claims(header, scope)?;
    let mut claims = jwt::claims(claims, scope)?;
    claims.entry("iat").or_insert_with(|| json!(now.secs()));
    claims
        .entry("exp")
        .or_insert_with(|| json!(now.plus(declared.lifetime).secs()));
    let signer = match header.get("alg").and_then(Value::as_str) {
        None | Some("RS256") => Signer::Rs256(key),
        Some("PS256") => Signer::Ps256(key),
        Some("ES256") => Signer::Es256(key),
        Some(_) => {
            return Err(Error::Unsupported {
                what: "the signature algorithm of the entry's assertion",
            });
        }
    };
    jwt::sign(header, &claims, &signer)
}

/// A SAML assertion, written in its canonical form (Exclusive XML Canonicalization 1.0): no white space between
/// elements, attributes in order, no empty-element tags. So its digest is that of the text itself.
fn saml(declared: &Assertion, scope: &Scope<'_>, subject: &Subject<'_>, key: Option<&str>) -> Result<Secret, Error> {
    let AssertionKind::Saml {
        issuer,
        audience,
        recipient,
        name_id,
        session_index,
        attributes,
    } = &declared.kind
    else {
        return Err(Error::Unsupported { what: "this assertion" });
    };
    let render = |template: &Template| template.render(scope).map_err(render_error);
    let now = seconds(subject.now);
    let until = seconds(subject.now.plus(declared.lifetime));
    let id = format!("_{}", subject.uuid.replace('-', ""));
    let session = match session_index {
        Some(template) => format!(" SessionIndex=\"{}\"", attribute(&render(template)?)),
        None => String::new(),
    };
    let mut statement = String::new();
    for (name, template) in attributes {
        match template.render(scope) {
            Ok(value) => statement.push_str(&format!(
                "<saml:Attribute Name=\"{}\"><saml:AttributeValue>{}</saml:AttributeValue></saml:Attribute>",
                attribute(name),
                content(&value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            )),
            Err(RenderError::Missing(_)) => {}
            Err(error) => return Err(render_error(error)),
        }
    }
    if !statement.is_empty() {
        statement = format!("<saml:AttributeStatement>{statement}</saml:AttributeStatement>");
    }
    let start = format!(
        "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"{id}\" IssueInstant=\"{now}\" \
         Version=\"2.0\"><saml:Issuer>{}</saml:Issuer>",
        content(&render(issuer)?)
    );
    let rest = format!(
        "<saml:Subject><saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified\">{}</saml:NameID>\
         <saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:bearer\"><saml:SubjectConfirmationData \
         NotOnOrAfter=\"{until}\" Recipient=\"{}\"></saml:SubjectConfirmationData></saml:SubjectConfirmation>\
         </saml:Subject><saml:Conditions NotBefore=\"{now}\" NotOnOrAfter=\"{until}\"><saml:AudienceRestriction>\
         <saml:Audience>{}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement \
         AuthnInstant=\"{now}\"{session}><saml:AuthnContext><saml:AuthnContextClassRef>\
         urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>\
         </saml:AuthnContext></saml:AuthnStatement>{statement}</saml:Assertion>",
        content(&render(name_id)?),
        attribute(&render(recipient)?),
        content(&render(audience)?),
    );
    let signature = match key {
        Some(key) => signature(&id, &format!("{start}{rest}"), key)?,
        None => String::new(),
    };
    Ok(Secret::new(STANDARD.encode(format!("{start}{signature}{rest}"))))
}

/// An enveloped XML signature, RSA with SHA-256.
fn signature(id: &str, assertion: &str, key: &str) -> Result<String, Error> {
    const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
    const C14N: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
    let digest = STANDARD.encode(digest::digest(&digest::SHA256, assertion.as_bytes()));
    let inside = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{C14N}\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256\"></ds:SignatureMethod><ds:Reference \
         URI=\"#{id}\"><ds:Transforms><ds:Transform Algorithm=\"{DS}enveloped-signature\"></ds:Transform>\
         <ds:Transform Algorithm=\"{C14N}\"></ds:Transform></ds:Transforms><ds:DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"></ds:DigestMethod><ds:DigestValue>{digest}\
         </ds:DigestValue></ds:Reference>"
    );
    // Canonicalised on its own, the element carries the declaration that it inherits in the document.
    let signed = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{inside}</ds:SignedInfo>");
    let value = STANDARD.encode(jwt::signature_of(&Signer::Rs256(key), signed.as_bytes())?);
    Ok(format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{inside}</ds:SignedInfo><ds:SignatureValue>{value}\
         </ds:SignatureValue></ds:Signature>"
    ))
}

/// `2026-05-01T10:00:00Z`.
fn seconds(moment: Timestamp) -> String {
    let text = moment.iso_millis();
    format!("{}Z", text.split('.').next().unwrap_or(&text))
}

fn content(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\r', "&#xD;")
}

fn attribute(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
        .replace('\t', "&#x9;")
        .replace('\n', "&#xA;")
        .replace('\r', "&#xD;")
}
