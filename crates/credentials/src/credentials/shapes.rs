//! The fields of each kind of credential, as stored and as shown.

use serde::{Deserialize, Serialize};
use tenon_model::{Secret, Timestamp};

use crate::expiry::iso;
use crate::material::{Fields, SecretJson};

/// Fields of [`super::Credentials::OAuth2`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OAuth2 {
    /// The bearer token.
    pub access_token: Secret,
    /// What the next refresh sends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the access token ends; unknown for tokens that do not expire.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// A developer app of this connection's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_override: Option<ConfigOverride>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}

/// A developer app that replaces the integration's for one connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConfigOverride {
    /// Replaces the integration's client id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Replaces the integration's client secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<Secret>,
}

/// Fields of [`super::Credentials::ClientCredentials`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientCredentials {
    /// The bearer token.
    pub token: Secret,
    /// When the token ends.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The client.
    #[serde(default)]
    pub client_id: Secret,
    /// Its secret.
    #[serde(default)]
    pub client_secret: Secret,
    /// PEM certificate for mutual TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<Secret>,
    /// Private key: of the certificate, or the JWK that signs client assertions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_private_key: Option<Secret>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}

/// Fields of [`super::Credentials::OAuth1`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OAuth1 {
    /// Token.
    pub oauth_token: Secret,
    /// Its secret.
    pub oauth_token_secret: Secret,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}

/// Fields of [`super::Credentials::Basic`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Basic {
    /// User name, may be empty.
    pub username: Secret,
    /// Password, may be empty.
    pub password: Secret,
}

/// Fields of [`super::Credentials::ApiKey`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The key.
    #[serde(rename = "apiKey")]
    pub api_key: Secret,
}

/// Fields of [`super::Credentials::App`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct App {
    /// Installation token.
    pub access_token: Secret,
    /// When it ends, one hour after issue.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The app's own token, only present in answers that asked for it.
    #[serde(default, rename = "jwtToken", skip_serializing_if = "Option::is_none")]
    pub jwt_token: Option<Secret>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}

/// Fields of [`super::Credentials::Custom`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Custom {
    /// Installation token; absent while the installation waits for an owner's approval.
    #[serde(default)]
    pub app: Option<App>,
    /// The user's token.
    #[serde(default)]
    pub user: Option<OAuth2>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}

/// Fields of [`super::Credentials::Tba`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tba {
    /// Token.
    pub token_id: Secret,
    /// Its secret.
    pub token_secret: Secret,
    /// A client pair of this connection's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_override: Option<ConfigOverride>,
}

/// Fields of [`super::Credentials::Jwt`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SignedJwt {
    /// The signed token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// When it ends.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// What the user entered, named by the catalogue.
    #[serde(flatten)]
    pub inputs: Fields,
}

/// Fields of [`super::Credentials::Bill`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bill {
    /// User name.
    pub username: Secret,
    /// Password.
    pub password: Secret,
    /// Organisation.
    pub organization_id: Secret,
    /// Developer key.
    pub dev_key: Secret,
    /// Session of the last login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Secret>,
    /// User of the last login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
    /// When the session ends.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}

/// Fields of [`super::Credentials::TwoStep`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TwoStep {
    /// The token got in exchange.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// What a refresh sends, when the provider gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Secret>,
    /// When the token ends.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
    /// What the user entered, named by the catalogue, and what was captured from replies.
    #[serde(flatten)]
    pub inputs: Fields,
}

/// Fields of [`super::Credentials::Signature`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signature {
    /// User name.
    pub username: Secret,
    /// Secret.
    pub password: Secret,
    /// The header value made last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    /// When it ends.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Fields of [`super::Credentials::AwsSigV4`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AwsSigV4 {
    /// The role that was assumed.
    pub role_arn: String,
    /// Region of calls.
    pub region: String,
    /// Service of calls.
    pub service: String,
    /// Temporary key id.
    pub access_key_id: Secret,
    /// Temporary key.
    pub secret_access_key: Secret,
    /// Session token that goes with the key.
    pub session_token: Secret,
    /// When the keys end.
    #[serde(default, with = "iso", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// The external id named in the role's trust policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The provider's reply.
    #[serde(default)]
    pub raw: SecretJson,
}
