//! What the catalogue knows about one provider, as types.
//!
//! A [`Provider`] is pure data: other crates read it to build authorize URLs, token requests and API calls. Behaviour
//! that data cannot express is a *dialect*: an enum variant named after the behaviour, implemented by the crate that
//! does the work.

mod api;
mod exchange;
mod hooks;
mod inputs;
mod oauth;
mod quota;
mod webhook;

pub use api::{
    Api, BodyWait, Paginate, PaginateKind, Probe, ProbeCheck, ProbeEndpoint, Retry, StatusRule, Step, WaitKind,
};
pub use exchange::{
    Assertion, AssertionKind, Exchange, ExchangeBody, ExchangeRefresh, ExchangeStep, ExpiryKind, HmacKeyEncoding,
    Installation, JwtKey, Method, SignedJwt, Wsse,
};
pub use hooks::{AfterConnect, BeforeDelete, Capture, CaptureFrom, Captures, Hooks, Pick, Verify};
pub use inputs::{Field, Format, Inputs, Pattern, ShownWhen};
pub use oauth::{
    AuthorizeRewrite, BodyFormat, ClientAssertion, ClientAuth, ClientRegistration, ExpiryUnit, FieldNames, Introspect,
    Mcp, OAuth1, OAuth1Signature, OAuth2, OutboundInstall, Refresh, RefreshUsing, RefreshWhen, TokenDialect,
    TokenReply, TokenRequest,
};
pub use quota::{Quota, QuotaScope};
pub use webhook::{EventPath, Match, MatchIn, Router, Secret, Signature, Signed, Webhook};

use crate::template::JsonTemplate;

/// One way to authenticate against and call one API.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Frozen identifier (`google-sheet`), the `provider` of integrations.
    pub id: String,
    /// Other ids that mean this entry, `base@environment` among them.
    pub synonyms: Vec<String>,
    /// For a sandbox, staging or demo variant: the production entry.
    pub variant_of: Option<VariantOf>,
    /// Vendor family, the `[vendor]` block of the file.
    pub vendor: String,
    /// File that declares the entry, for error messages.
    pub file: String,
    /// Name shown to people, unique across the catalogue.
    pub display_name: String,
    /// One to five tags in the order they are listed.
    pub categories: Vec<String>,
    /// Which protocol obtains and applies credentials.
    pub auth: AuthMode,
    /// The vendor's API documentation.
    pub docs: Option<String>,
    /// A page that helps an end user find what the form asks for.
    pub guide: Option<String>,
    /// A page that helps a developer register an app.
    pub setup_guide: Option<String>,
    /// The vendor's list of scopes.
    pub scopes_docs: Option<String>,
    /// Remarks for the person who enables the provider (verification rules, caps, expiring test tokens).
    pub notes: Vec<String>,
    /// Authorization-code grant, client credentials, MCP and GitHub user flows.
    pub oauth2: Option<OAuth2>,
    /// OAuth 1.0a endpoints.
    pub oauth1: Option<OAuth1>,
    /// How an MCP server's client id is obtained.
    pub mcp: Option<Mcp>,
    /// Token exchange of what the user typed (`TWO_STEP`, `BILL`).
    pub exchange: Option<Exchange>,
    /// A token that the platform signs itself (`JWT`).
    pub signed_jwt: Option<SignedJwt>,
    /// WS-Security user-name token (`SIGNATURE`).
    pub wsse: Option<Wsse>,
    /// GitHub-App-like installation (`APP`, `CUSTOM`).
    pub installation: Option<Installation>,
    /// How the API is called; none when the integration or connection must say everything.
    pub api: Option<Api>,
    /// What users and developers type.
    pub inputs: Inputs,
    /// What is kept from callbacks, token replies and follow-up calls.
    pub captures: Captures,
    /// Named code to run at points of a connection's life.
    pub hooks: Hooks,
    /// Webhooks that the vendor sends.
    pub webhook: Option<Webhook>,
    /// What the vendor documents about rates, for the governor.
    pub quotas: Vec<Quota>,
    /// Token revocation request (RFC 7009) at disconnection: the URL as a template.
    pub revoke: Option<crate::template::Template>,
    /// Constants that the listing shows differently from what the engine uses; keys of the wire object.
    pub listing: Vec<(String, JsonTemplate)>,
    /// Requests that prove the entry: each is rendered in tests.
    pub examples: Vec<Example>,
}

/// A test variant of another entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantOf {
    /// Id of the production entry.
    pub provider: String,
    /// `sandbox`, `staging`, `demo`, …
    pub environment: String,
}

/// One example of an entry: inputs, and what must come out.
#[derive(Debug, Clone, Default)]
pub struct Example {
    /// Connection values.
    pub config: serde_json::Map<String, serde_json::Value>,
    /// Credential fields; fixed dummies are used for the mode's own fields that are not given.
    pub cred: serde_json::Map<String, serde_json::Value>,
    /// Integration values.
    pub app: serde_json::Map<String, serde_json::Value>,
    /// `GET /contacts`: a call through the proxy.
    pub request: Option<String>,
    /// The URL that call must reach.
    pub sends: Option<String>,
    /// Headers that call must carry (a subset).
    pub headers: Vec<(String, String)>,
    /// The authorize URL without state and challenge.
    pub authorize: Option<String>,
    /// The token URL.
    pub token: Option<String>,
}

macro_rules! auth_modes {
    ($($(#[$doc:meta])* $variant:ident = $file:literal, $wire:literal;)*) => {
        /// The protocol that obtains and applies credentials. Each has a wire name and a name in files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum AuthMode {
            $($(#[$doc])* $variant,)*
        }

        impl AuthMode {
            /// Every mode.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Name on the wire (`auth_mode`, credential `type`).
            #[must_use]
            pub const fn wire(self) -> &'static str {
                match self { $(Self::$variant => $wire,)* }
            }

            /// Name in provider files (`auth = "…"`).
            #[must_use]
            pub const fn in_file(self) -> &'static str {
                match self { $(Self::$variant => $file,)* }
            }

            /// The mode with this wire name.
            #[must_use]
            pub fn from_wire(name: &str) -> Option<Self> {
                match name { $($wire => Some(Self::$variant),)* _ => None }
            }

            /// The mode with this file name.
            #[must_use]
            pub fn from_file(name: &str) -> Option<Self> {
                match name { $($file => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

auth_modes! {
    /// OAuth 2.0 authorization code.
    OAuth2 = "oauth2", "OAUTH2";
    /// OAuth 2.0 client credentials, typed by the end user.
    OAuth2Cc = "client_credentials", "OAUTH2_CC";
    /// OAuth 1.0a.
    OAuth1 = "oauth1", "OAUTH1";
    /// User name and password.
    Basic = "basic", "BASIC";
    /// One key.
    ApiKey = "api_key", "API_KEY";
    /// User values exchanged for a token by one or more calls.
    TwoStep = "token_exchange", "TWO_STEP";
    /// A token that the platform signs with the user's key.
    Jwt = "signed_jwt", "JWT";
    /// OAuth 1.0 with ready-made tokens (NetSuite).
    Tba = "token_based", "TBA";
    /// GitHub App installation.
    App = "app_installation", "APP";
    /// GitHub App installation with a user token beside it.
    Custom = "app_installation_user", "CUSTOM";
    /// Session login of Bill.
    Bill = "session_login", "BILL";
    /// WS-Security user-name token.
    Signature = "wsse", "SIGNATURE";
    /// AWS Signature V4 with an assumed role.
    AwsSigV4 = "aws_sigv4", "AWS_SIGV4";
    /// OAuth 2.1 at a known MCP server.
    McpOAuth2 = "mcp_oauth2", "MCP_OAUTH2";
    /// OAuth 2.1 at an MCP server found by discovery.
    McpOAuth2Generic = "mcp_discovery", "MCP_OAUTH2_GENERIC";
    /// Installation of a vendor plugin whose credentials belong to the integration.
    InstallPlugin = "plugin_install", "INSTALL_PLUGIN";
    /// Nothing.
    None = "none", "NONE";
}

impl AuthMode {
    /// Whether a browser is sent to the vendor.
    #[must_use]
    pub const fn uses_browser(self) -> bool {
        match self {
            Self::OAuth2
            | Self::OAuth1
            | Self::App
            | Self::Custom
            | Self::McpOAuth2
            | Self::McpOAuth2Generic
            | Self::InstallPlugin => true,
            Self::OAuth2Cc
            | Self::Basic
            | Self::ApiKey
            | Self::TwoStep
            | Self::Jwt
            | Self::Tba
            | Self::Bill
            | Self::Signature
            | Self::AwsSigV4
            | Self::None => false,
        }
    }

    /// Whether an integration of this mode needs a developer app (client id and secret).
    #[must_use]
    pub const fn needs_app(self) -> bool {
        matches!(self, Self::OAuth1 | Self::OAuth2 | Self::Tba | Self::App | Self::Custom)
    }
}

impl Provider {
    /// Whether incoming webhooks are routed for this provider.
    #[must_use]
    pub fn routes_webhooks(&self) -> bool {
        self.webhook
            .as_ref()
            .is_some_and(|webhook| webhook.router.is_some() || webhook.recipe().is_some())
    }

    /// Margin before expiry at which a token is refreshed.
    #[must_use]
    pub fn refresh_margin(&self) -> std::time::Duration {
        let declared = self
            .oauth2
            .as_ref()
            .and_then(|oauth2| oauth2.refresh.margin)
            .or_else(|| self.exchange.as_ref().and_then(|exchange| exchange.margin));
        declared.unwrap_or(DEFAULT_REFRESH_MARGIN)
    }
}

/// Tokens are refreshed this long before they expire unless the entry says otherwise.
pub const DEFAULT_REFRESH_MARGIN: std::time::Duration = std::time::Duration::from_secs(15 * 60);
