//! Modes that turn what the user typed into a token: exchanges, self-signed tokens, installations.

use std::time::Duration;

use crate::template::{Alternatives, JsonTemplate, Template};

/// Token exchange (`TWO_STEP`), and the session login of `BILL` (URL only).
#[derive(Debug, Clone)]
pub struct Exchange {
    /// First request; further ones follow in `then`.
    pub first: ExchangeStep,
    /// Further requests in order; `${stepN.path}` reads earlier replies.
    pub then: Vec<ExchangeStep>,
    /// Encoding of every body.
    pub body: ExchangeBody,
    /// Dotted path of the token in the last reply; empty means that the whole body is the token.
    pub token_path: String,
    /// Dotted path of the expiry and how to read it.
    pub expires: Option<(String, ExpiryKind)>,
    /// Dotted path of a refresh token.
    pub refresh_token_path: Option<String>,
    /// Fixed lifetime when the reply states none; zero means that the token does not expire.
    pub lifetime: Option<Duration>,
    /// Margin before expiry; 15 minutes unless given.
    pub margin: Option<Duration>,
    /// Response headers kept as credential fields; `set-cookie` is also joined into session cookies.
    pub keep_headers: Vec<String>,
    /// How to refresh when a refresh token is stored; otherwise the exchange is repeated.
    pub refresh: Option<ExchangeRefresh>,
    /// JWT to sign first, offered as `${signed_jwt}`.
    pub signed_jwt: Option<SignedJwt>,
    /// Client assertion to build first, offered as `${assertion}`.
    pub assertion: Option<Assertion>,
    /// Asks the vendor whether a token is still good when it states no lifetime.
    pub introspect: Option<super::Introspect>,
}

/// One request of an exchange.
#[derive(Debug, Clone)]
pub struct ExchangeStep {
    /// Method; GET sends no body.
    pub method: Method,
    /// URL.
    pub url: Alternatives,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// Body.
    pub params: Vec<(String, JsonTemplate)>,
}

/// Methods of token and probe requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// GET.
    #[default]
    Get,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

impl Method {
    /// Upper-case name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// The method with this upper-case name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Get, Self::Post, Self::Put, Self::Patch, Self::Delete]
            .into_iter()
            .find(|method| method.as_str() == name)
    }
}

/// Encoding of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExchangeBody {
    /// JSON.
    #[default]
    Json,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// XML; keys beginning with `$` are attributes.
    Xml,
}

/// How a stated expiry is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiryKind {
    /// A lifetime: seconds, or text such as `1h`.
    Relative,
    /// A moment: epoch seconds or milliseconds, or a date.
    Absolute,
}

/// Refresh request of an exchange.
#[derive(Debug, Clone)]
pub struct ExchangeRefresh {
    /// URL; that of the first request unless given.
    pub url: Option<Alternatives>,
    /// Headers.
    pub headers: Vec<(String, Template)>,
    /// Body.
    pub params: Vec<(String, JsonTemplate)>,
}

/// A JWT that the platform signs.
#[derive(Debug, Clone)]
pub struct SignedJwt {
    /// Key text.
    pub key: Template,
    /// Kind of key.
    pub key_kind: JwtKey,
    /// How an HMAC key is written.
    pub hmac_key_encoding: HmacKeyEncoding,
    /// Header fields; one whose placeholder has no value is left out.
    pub header: Vec<(String, JsonTemplate)>,
    /// Claims beside `iat` and `exp`. A list claim is split at commas and left out when empty.
    pub claims: Vec<(String, JsonTemplate)>,
    /// Life of the token.
    pub lifetime: Duration,
    /// The key credential is `id:secret`; its halves are `<field>.id` and `<field>.secret`.
    pub split_key: bool,
}

/// Kinds of signing keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JwtKey {
    /// RSA in PEM.
    Rsa,
    /// EC P-256 in PEM.
    Ec,
    /// Shared secret.
    Hmac,
}

/// How an HMAC key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HmacKeyEncoding {
    /// Hexadecimal.
    #[default]
    Hex,
    /// Plain text.
    Utf8,
}

/// A client assertion.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// Format and contents.
    pub kind: AssertionKind,
    /// Key in PEM; a SAML assertion without key is unsigned.
    pub key: Option<Template>,
    /// Life; reused until a minute before its end.
    pub lifetime: Duration,
}

/// Contents of a client assertion.
#[derive(Debug, Clone)]
pub enum AssertionKind {
    /// JWT; the algorithm is the header's `alg` (RS256, PS256, ES256).
    Jwt {
        /// Header fields.
        header: Vec<(String, JsonTemplate)>,
        /// Claims.
        claims: Vec<(String, JsonTemplate)>,
    },
    /// SAML 2.0, RSA-SHA256, exclusive canonicalisation, base64.
    Saml {
        /// Issuer.
        issuer: Template,
        /// Audience.
        audience: Template,
        /// Recipient URL.
        recipient: Template,
        /// Subject.
        name_id: Template,
        /// Session index.
        session_index: Option<Template>,
        /// Attributes.
        attributes: Vec<(String, JsonTemplate)>,
    },
}

/// WS-Security user-name token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wsse {
    /// Life of the token.
    pub lifetime: Duration,
}

/// GitHub-App-like installation.
#[derive(Debug, Clone)]
pub struct Installation {
    /// Where the browser is sent; the app link is `${config.appPublicLink}`.
    pub authorize_url: Template,
    /// Endpoint that gives an installation token for a JWT of the app.
    pub token_url: Template,
}
