//! The template language of the catalogue.
//!
//! A provider says *where* a value goes (`https://${config.subdomain}.acme.example`); the value itself comes from the
//! connection, its credentials, the integration, the request or the clock. Templates are parsed once, when the
//! catalogue loads, into a small tree. Rendering is pure: the moment and the unique id it may need are part of the
//! [`Scope`], so that a signature and the header that carries its nonce agree.
//!
//! Two spellings of names are understood, because customers' settings and endpoints use the older one: `${config.x}`
//! is `${connectionConfig.x}`, `${cred.x}` is `${credentials.x}`, `${token}` is `${accessToken}` and so on (see
//! [`Variable`]).

mod functions;
mod json;
mod moment;
mod parse;
mod pem;
mod render;
mod scope;
mod spell;

#[cfg(test)]
mod tests;

pub use json::JsonTemplate;
pub use moment::{Shift, Unit};
pub use parse::ParseError;
pub use pem::{PemError, repair_pem};
pub use render::{MissingValue, RenderError};
pub use scope::{RequestParts, Scope};

use std::fmt;

/// One parsed text with placeholders.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

/// A template with fall-backs: the first whose placeholders all have non-empty values is used.
///
/// In files this is either one text or a list of texts; the older spelling joins two texts with a double bar.
#[derive(Clone, PartialEq, Eq)]
pub struct Alternatives(Vec<Template>);

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Text that stands for itself.
    Text(String),
    /// A value looked up in the scope.
    Value(Variable),
    /// A function of other templates.
    Call(Function, Vec<Vec<Part>>),
}

/// What a placeholder refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Variable {
    /// `config.x`, also `connectionConfig.x`: a value that belongs to the connection.
    Config(String),
    /// `cred.x`, also `credentials.x`; `apiKey` alone is `cred.apiKey`.
    Credential(String),
    /// `metadata.x`: free values that the developer attached to the connection.
    Metadata(String),
    /// `once.x`, also `assertionOption.x`: an input that is used for one call and never stored.
    Once(String),
    /// `app.client_id`, `app.client_secret` or any value of the integration; also `clientId`, `clientSecret`.
    App(String),
    /// `token`, also `accessToken`: the current access token.
    Token,
    /// `signed_jwt`: the JWT that was just signed for a token request.
    SignedJwt,
    /// `assertion`: the client assertion (JWT or SAML) of a token request.
    Assertion,
    /// `refresh_token`: the stored refresh token.
    RefreshToken,
    /// `session_cookies`: cookies kept from the token reply, joined for a `Cookie` header.
    SessionCookies,
    /// `step1.x`: a value of the reply of an earlier step, counted from one.
    Step(usize, String),
    /// `uuid`, also `random`: a fresh UUID v4, the same throughout one request.
    Uuid,
    /// `now`, `now:FORMAT`, `now+7:days:FORMAT`: the moment of the request in UTC.
    Now {
        /// How far from now.
        shift: Option<Shift>,
        /// Day.js tokens; without them ISO 8601 with milliseconds.
        format: Option<String>,
    },
    /// `req.method`, also `method`.
    Method,
    /// `req.host`, also `host`.
    Host,
    /// `req.path`, also `path`.
    Path,
    /// `req.endpoint`, also `endpoint`: the endpoint as the caller gave it; empty outside a proxy call.
    Endpoint,
    /// `req.sorted_params`, also `params`: parameters sorted and encoded (RFC 3986); of the body for requests that
    /// have one, else of the query.
    SortedParams,
    /// `req.body`, also `bodyCanonicalParams`: the raw body of POST, PUT and PATCH, else empty.
    Body,
    /// `platform_user_agent`: how the platform names itself to vendors that ask for it.
    PlatformUserAgent,
    /// Any other name: a bare credential field, else a connection value, else one of the integration.
    Bare(String),
}

/// Functions that templates may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `base64(x)`: standard base64 of the UTF-8 bytes.
    Base64,
    /// `sha256_hex(x)`, also `sha256Hex`.
    Sha256Hex,
    /// `sha256_base64(x)`, also `sha256Base64`.
    Sha256Base64,
    /// `hmac_sha1_hex(message, key)`, also `hmacSha1Hex`; split at the last comma, only the key is trimmed.
    HmacSha1Hex,
    /// `ed25519_base64(message, key)`, also `ed25519Sign`: the key is PKCS#8 in PEM.
    Ed25519Base64,
    /// `spki_sha256_fingerprint(pem)`, also `fingerprint`: `SHA256:` and the digest of the public key of a private key.
    SpkiFingerprint,
    /// `certificate_thumbprint(pem)`: the SHA-1 digest of a certificate as base64url, the `x5t` of JOSE headers.
    CertificateThumbprint,
    /// `aws_sigv4_header(id, secret, region, service[, host])`, also `awsSigV4`: an `Authorization` value.
    AwsSigV4,
}

impl Template {
    /// Parses a template of a provider file.
    ///
    /// # Errors
    /// When a placeholder is not closed, a function is unknown or has the wrong number of arguments.
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        Ok(Self {
            source: source.to_owned(),
            parts: parse::strict(source)?,
        })
    }

    /// Parses text that people outside the catalogue wrote (an endpoint, a setting): whatever is not a well-formed
    /// placeholder is ordinary text.
    #[must_use]
    pub fn lenient(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            parts: parse::lenient(source),
        }
    }

    /// Text that stands for itself, placeholders included.
    #[must_use]
    pub fn literal(text: &str) -> Self {
        Self {
            source: text.to_owned(),
            parts: vec![Part::Text(text.to_owned())],
        }
    }

    /// The text this was parsed from.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The parsed pieces.
    #[must_use]
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Every variable, arguments of functions included, in the order of the text.
    #[must_use]
    pub fn variables(&self) -> Vec<&Variable> {
        let mut found = Vec::new();
        collect(&self.parts, &mut found);
        found
    }

    /// Whether any placeholder satisfies the test.
    pub fn mentions(&self, test: impl Fn(&Variable) -> bool) -> bool {
        self.variables().into_iter().any(test)
    }

    /// Whether the template has no placeholder at all.
    #[must_use]
    pub fn is_constant(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The text with placeholders in the older spelling, as `GET /providers` shows it.
    #[must_use]
    pub fn to_wire(&self) -> String {
        spell::wire(&self.parts)
    }
}

impl Alternatives {
    /// Alternatives in order of preference; an empty list never renders.
    #[must_use]
    pub fn new(templates: Vec<Template>) -> Self {
        Self(templates)
    }

    /// Parses the older spelling: one text, or several joined by double bars.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        source
            .split("||")
            .map(|part| Template::parse(part.trim()))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The templates in order of preference.
    #[must_use]
    pub fn templates(&self) -> &[Template] {
        &self.0
    }

    /// Every variable of every alternative.
    #[must_use]
    pub fn variables(&self) -> Vec<&Variable> {
        self.0.iter().flat_map(Template::variables).collect()
    }

    /// The older spelling: alternatives joined by double bars.
    #[must_use]
    pub fn to_wire(&self) -> String {
        self.0.iter().map(Template::to_wire).collect::<Vec<_>>().join(" || ")
    }
}

impl From<Template> for Alternatives {
    fn from(template: Template) -> Self {
        Self(vec![template])
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({:?})", self.source)
    }
}

impl fmt::Debug for Alternatives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(Template::source)).finish()
    }
}

fn collect<'a>(parts: &'a [Part], found: &mut Vec<&'a Variable>) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(variable) => found.push(variable),
            Part::Call(_, arguments) => arguments.iter().for_each(|argument| collect(argument, found)),
        }
    }
}
