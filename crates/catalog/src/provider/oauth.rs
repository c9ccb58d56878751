//! OAuth 1.0a and 2.0 facts.

use std::time::Duration;

use crate::template::{Alternatives, JsonTemplate, Template};

/// Authorization-code and client-credentials facts.
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// Where the browser is sent. Absent for client credentials and outbound installation.
    pub authorize_url: Option<Alternatives>,
    /// Extra query parameters of the authorize URL. `response_type=code`, client id, redirect URI, scope, state and
    /// the PKCE pair are the engine's.
    pub authorize_params: Vec<(String, Template)>,
    /// Rewrites of the finished authorize URL.
    pub rewrite: AuthorizeRewrite,
    /// Joins scopes; one space unless the vendor differs.
    pub scope_separator: String,
    /// Pre-fill of an integration created without scopes.
    pub default_scopes: Vec<String>,
    /// Name of a second scope parameter that a session may fill (`user_scope`).
    pub user_scope_param: Option<String>,
    /// Whether S256 PKCE is sent. On unless the vendor refuses it.
    pub pkce: bool,
    /// Callback parameter that carries the code.
    pub code_param: String,
    /// The installation starts at the vendor and the code comes in a webhook.
    pub outbound: Option<OutboundInstall>,
    /// The token request.
    pub token: TokenRequest,
    /// How the reply is read.
    pub reply: TokenReply,
    /// Refreshing.
    pub refresh: Refresh,
    /// Asks the vendor whether a token is still good when it states no lifetime.
    pub introspect: Option<Introspect>,
    /// The user also gives a client certificate; mutual TLS on token and API calls.
    pub client_certificate: bool,
    /// Behaviour that data cannot express.
    pub dialect: Option<TokenDialect>,
}

/// Rewrites of the finished authorize URL, in this order: scope, fragment, replacements, empty parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuthorizeRewrite {
    /// Put the scope text into the query unencoded.
    pub scope_unencoded: bool,
    /// Do not percent-encode inputs substituted into the URL.
    pub inputs_unencoded: bool,
    /// Move the query behind `#` and this text.
    pub fragment: Option<String>,
    /// First occurrence of each key in the URL text becomes the value.
    pub replacements: Vec<(String, String)>,
    /// Drop parameters with an empty value.
    pub drop_empty: bool,
}

/// Installation that starts at the vendor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboundInstall {
    /// Dotted path of the authorization code in the installation webhook.
    pub code_path: String,
}

/// The token request.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// Token endpoint; a query string in it is kept.
    pub url: Option<Alternatives>,
    /// Extra body parameters. They replace the engine's own of the same name, `grant_type` included.
    pub params: Vec<(String, JsonTemplate)>,
    /// Extra headers.
    pub headers: Vec<(String, Template)>,
    /// Encoding of the body.
    pub body: BodyFormat,
    /// How the client proves itself.
    pub client_auth: ClientAuth,
    /// What the client's assertion says differently from the standard.
    pub assertion: ClientAssertion,
    /// Names of the standard parameters at this vendor.
    pub fields: FieldNames,
}

/// Claims of a client assertion (RFC 7523).
#[derive(Debug, Clone, Default)]
pub struct ClientAssertion {
    /// Issuer; the client id unless given.
    pub issuer: Option<Template>,
    /// Audience; the token URL unless given.
    pub audience: Option<String>,
}

/// How a vendor calls the standard parameters of a token request; `None` means it is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldNames {
    /// Usually `grant_type`.
    pub grant_type: Option<String>,
    /// Usually `client_id`.
    pub client_id: Option<String>,
    /// Usually `client_secret`.
    pub client_secret: Option<String>,
    /// Usually `code`.
    pub code: Option<String>,
    /// Usually `redirect_uri`.
    pub redirect_uri: Option<String>,
    /// Usually `code_verifier`.
    pub code_verifier: Option<String>,
    /// Usually `refresh_token`.
    pub refresh_token: Option<String>,
    /// Usually not sent; the state of the authorize URL.
    pub state: Option<String>,
}

impl Default for FieldNames {
    fn default() -> Self {
        let name = |text: &str| Some(text.to_owned());
        Self {
            grant_type: name("grant_type"),
            client_id: name("client_id"),
            client_secret: name("client_secret"),
            code: name("code"),
            redirect_uri: name("redirect_uri"),
            code_verifier: name("code_verifier"),
            refresh_token: name("refresh_token"),
            state: None,
        }
    }
}

/// Encoding of a token request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`.
    #[default]
    Form,
    /// JSON.
    Json,
    /// Everything in the query of the URL.
    Query,
}

/// How the client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Id and secret in the body.
    #[default]
    Body,
    /// Id in the body, no secret: a public client.
    Public,
    /// Neither id nor secret.
    None,
    /// `Basic` header of the raw pair, nothing in the body.
    Basic,
    /// `Basic` header of the form-encoded pair (RFC 6749 §2.3.1), nothing in the body.
    BasicFormEncoded,
    /// `Basic` header of the raw pair and both in the body as well.
    BasicAndBody,
    /// `Basic` header with the secret as user name and no password.
    BasicSecretAsUser,
    /// Body fields `username` and `password`.
    UsernamePassword,
    /// RS256 client assertion (RFC 7523) signed with a key given in place of the secret.
    PrivateKeyJwt,
}

/// How a token reply is read. Paths are dotted; an absent path means the standard name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TokenReply {
    /// Object inside the reply that holds everything (`data`).
    pub root: Option<String>,
    /// Access token; `access_token` unless given.
    pub access_token: Option<String>,
    /// Object or text looked at when there is no access token at the top (`authed_user`).
    pub nested: Option<String>,
    /// Refresh token; `refresh_token` unless given.
    pub refresh_token: Option<String>,
    /// Lifetime; `expires_in` unless given.
    pub expires_in: Option<String>,
    /// Moment of expiry; `expires_at` unless given.
    pub expires_at: Option<String>,
    /// Unit of the lifetime.
    pub expires_unit: ExpiryUnit,
    /// Lifetime assumed when the reply states none.
    pub default_lifetime: Option<Duration>,
    /// A 2xx reply is an error when the value at this path equals the text (`ok`, `false`).
    pub error_when: Option<(String, String)>,
}

/// Unit of `expires_in`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExpiryUnit {
    /// Seconds, as the standard says.
    #[default]
    Seconds,
    /// Milliseconds.
    Milliseconds,
}

/// How tokens are refreshed. An absent refresh token in the reply keeps the old one.
#[derive(Debug, Clone, Default)]
pub struct Refresh {
    /// Endpoint; the token URL unless given.
    pub url: Option<Alternatives>,
    /// Extra body parameters; they replace the engine's own of the same name. Never those of the code grant.
    pub params: Vec<(String, JsonTemplate)>,
    /// Extra headers; those of the token request unless given.
    pub headers: Option<Vec<(String, Template)>>,
    /// Encoding; that of the token request unless given.
    pub body: Option<BodyFormat>,
    /// Client authentication; that of the token request unless given.
    pub client_auth: Option<ClientAuth>,
    /// What proves the right to a new token.
    pub using: RefreshUsing,
    /// When a refresh happens.
    pub when: RefreshWhen,
    /// Margin before expiry; 15 minutes unless given.
    pub margin: Option<Duration>,
}

/// What a refresh is made with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefreshUsing {
    /// The stored refresh token.
    #[default]
    RefreshToken,
    /// The current access token (long-lived tokens that extend themselves).
    AccessToken,
    /// Nothing: the client's own credentials are enough.
    Client,
}

/// When a token is refreshed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RefreshWhen {
    /// Before it expires.
    #[default]
    Expiring,
    /// Only when asked for explicitly.
    Forced,
    /// Never.
    Never,
}

/// Token introspection (RFC 7662) instead of a stated lifetime.
#[derive(Debug, Clone)]
pub struct Introspect {
    /// Introspection endpoint.
    pub url: Template,
}

/// Token behaviour that data cannot express, named after the behaviour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenDialect {
    /// Bot and user token side by side, each with its own refresh token; the earlier expiry counts.
    NestedUserToken,
    /// The code is ignored and a client-credentials call is made behind an admin-consent page.
    AdminConsent,
    /// The first token is exchanged at once for a long-lived one, which later extends itself.
    LongLivedExchange,
    /// A second token for a file host is kept beside the first and refreshed with it.
    SharepointSideToken,
    /// A second token for a bot framework is kept beside the first.
    BotFrameworkSideToken,
    /// The refresh proves itself with a digest of the secret.
    DigestRefresh,
    /// The vendor's gateway protocol in XML.
    XmlGateway,
    /// Success and failure are a result code in a 200 reply; a refresh extends the same token.
    ResultCode,
    /// The request is signed with an HMAC over body and moment.
    SignedBody,
    /// The token is traded for a session token and a service URL by a second login.
    SessionLogin,
}

impl TokenDialect {
    /// Every dialect with its name in files.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("nested_user_token", Self::NestedUserToken),
        ("admin_consent", Self::AdminConsent),
        ("long_lived_exchange", Self::LongLivedExchange),
        ("sharepoint_side_token", Self::SharepointSideToken),
        ("bot_framework_side_token", Self::BotFrameworkSideToken),
        ("digest_refresh", Self::DigestRefresh),
        ("xml_gateway", Self::XmlGateway),
        ("result_code", Self::ResultCode),
        ("signed_body", Self::SignedBody),
        ("session_login", Self::SessionLogin),
    ];
}

/// OAuth 1.0a endpoints.
#[derive(Debug, Clone)]
pub struct OAuth1 {
    /// Temporary-credential endpoint.
    pub request_url: String,
    /// Extra parameters of that request.
    pub request_params: Vec<(String, String)>,
    /// Where the browser is sent.
    pub authorize_url: String,
    /// Extra parameters of that URL.
    pub authorize_params: Vec<(String, String)>,
    /// Token endpoint.
    pub token_url: String,
    /// Extra parameters of the token request.
    pub token_params: Vec<(String, String)>,
    /// Signature of the requests.
    pub signature: OAuth1Signature,
    /// Joins scopes.
    pub scope_separator: String,
}

/// OAuth 1.0a signature methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OAuth1Signature {
    /// HMAC-SHA1.
    HmacSha1,
    /// HMAC-SHA256.
    HmacSha256,
    /// PLAINTEXT.
    Plaintext,
}

impl OAuth1Signature {
    /// Name in requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HMAC-SHA1",
            Self::HmacSha256 => "HMAC-SHA256",
            Self::Plaintext => "PLAINTEXT",
        }
    }
}

/// How an MCP client comes by its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Mcp {
    /// Way of registration; none for servers found by discovery.
    pub registration: Option<ClientRegistration>,
    /// Registration endpoint (RFC 7591).
    pub register_url: Option<String>,
    /// Extra registration fields.
    pub register_params: Vec<(String, serde_json::Value)>,
}

/// Ways to obtain a client id at an MCP server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientRegistration {
    /// Registered when the integration is created.
    Dynamic,
    /// The developer enters id and secret.
    Static,
    /// The id is the URL of a metadata document that the platform serves.
    MetadataDocument,
}
