//! What a connection holds, per authentication mode, in the shapes that the wire contract shows.
//!
//! The same JSON is what the vault seals, so a stored value never needs a second description. Dates are ISO texts in
//! it; `raw` is the provider's reply as it came.

mod fields;
mod shapes;

pub use shapes::*;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenon_model::{Secret, Timestamp};
use zeroize::Zeroizing;

use crate::material::SecretJson;

/// The credentials of one connection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Credentials {
    /// OAuth 2.0 authorization code, MCP included.
    #[serde(rename = "OAUTH2")]
    OAuth2(OAuth2),
    /// OAuth 2.0 client credentials.
    #[serde(rename = "OAUTH2_CC")]
    ClientCredentials(ClientCredentials),
    /// OAuth 1.0a.
    #[serde(rename = "OAUTH1")]
    OAuth1(OAuth1),
    /// User name and password; also what a plug-in installation stores.
    #[serde(rename = "BASIC")]
    Basic(Basic),
    /// One key.
    #[serde(rename = "API_KEY")]
    ApiKey(ApiKey),
    /// Installation token of a GitHub-style app.
    #[serde(rename = "APP")]
    App(App),
    /// Installation token and user token of a GitHub-style app.
    #[serde(rename = "CUSTOM")]
    Custom(Custom),
    /// Token-based authentication (OAuth 1.0 with SHA-256).
    #[serde(rename = "TBA")]
    Tba(Tba),
    /// A token that we sign ourselves from the user's key.
    #[serde(rename = "JWT")]
    Jwt(SignedJwt),
    /// Session login with organisation and developer key.
    #[serde(rename = "BILL")]
    Bill(Bill),
    /// User values exchanged for a token.
    #[serde(rename = "TWO_STEP")]
    TwoStep(TwoStep),
    /// WS-Security user name token.
    #[serde(rename = "SIGNATURE")]
    Signature(Signature),
    /// Temporary keys of an assumed role.
    #[serde(rename = "AWS_SIGV4")]
    AwsSigV4(AwsSigV4),
    /// Nothing to hold.
    #[serde(rename = "NONE")]
    None,
}

impl Credentials {
    /// The wire's name of this kind of credential.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::OAuth2(_) => "OAUTH2",
            Self::ClientCredentials(_) => "OAUTH2_CC",
            Self::OAuth1(_) => "OAUTH1",
            Self::Basic(_) => "BASIC",
            Self::ApiKey(_) => "API_KEY",
            Self::App(_) => "APP",
            Self::Custom(_) => "CUSTOM",
            Self::Tba(_) => "TBA",
            Self::Jwt(_) => "JWT",
            Self::Bill(_) => "BILL",
            Self::TwoStep(_) => "TWO_STEP",
            Self::Signature(_) => "SIGNATURE",
            Self::AwsSigV4(_) => "AWS_SIGV4",
            Self::None => "NONE",
        }
    }

    /// When the current token ends, if that is known.
    pub fn expires_at(&self) -> Option<Timestamp> {
        match self {
            Self::OAuth2(c) => c.expires_at,
            Self::ClientCredentials(c) => c.expires_at,
            Self::App(c) => c.expires_at,
            Self::Jwt(c) => c.expires_at,
            Self::Bill(c) => c.expires_at,
            Self::TwoStep(c) => c.expires_at,
            Self::Signature(c) => c.expires_at,
            Self::AwsSigV4(c) => c.expires_at,
            Self::Custom(c) => {
                // A user's token that cannot be renewed does not make the installation's due.
                let renewable = c
                    .user
                    .as_ref()
                    .filter(|user| user.refresh_token.is_some() || c.app.is_none());
                let ends = [
                    c.app.as_ref().and_then(|app| app.expires_at),
                    renewable.and_then(|user| user.expires_at),
                ];
                ends.into_iter().flatten().min()
            }
            Self::OAuth1(_) | Self::Basic(_) | Self::ApiKey(_) | Self::Tba(_) | Self::None => None,
        }
    }

    /// The token of bearer-like modes: what `${accessToken}` stands for.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::OAuth2(c) => Some(c.access_token.expose()),
            Self::ClientCredentials(c) => Some(c.token.expose()),
            Self::App(c) => Some(c.access_token.expose()),
            Self::Custom(c) => match (&c.app, &c.user) {
                (Some(app), _) => Some(app.access_token.expose()),
                (None, Some(user)) => Some(user.access_token.expose()),
                (None, None) => None,
            },
            Self::Jwt(c) => c.token.as_ref().map(Secret::expose),
            Self::TwoStep(c) => c.token.as_ref().map(Secret::expose),
            Self::Signature(c) => c.token.as_ref().map(Secret::expose),
            Self::OAuth1(_)
            | Self::Basic(_)
            | Self::ApiKey(_)
            | Self::Tba(_)
            | Self::Bill(_)
            | Self::AwsSigV4(_)
            | Self::None => None,
        }
    }

    /// The refresh token, when the mode has one.
    pub fn refresh_token(&self) -> Option<&Secret> {
        match self {
            Self::OAuth2(c) => c.refresh_token.as_ref(),
            Self::TwoStep(c) => c.refresh_token.as_ref(),
            Self::Custom(c) => c.user.as_ref().and_then(|user| user.refresh_token.as_ref()),
            Self::ClientCredentials(_)
            | Self::OAuth1(_)
            | Self::Basic(_)
            | Self::ApiKey(_)
            | Self::App(_)
            | Self::Tba(_)
            | Self::Jwt(_)
            | Self::Bill(_)
            | Self::Signature(_)
            | Self::AwsSigV4(_)
            | Self::None => None,
        }
    }

    /// The JSON that the vault seals.
    ///
    /// # Errors
    /// Never for values made by this crate: every key is a text and every number finite.
    pub fn to_sealable(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        serde_json::to_vec(self).map(Zeroizing::new)
    }

    /// Reads what [`Credentials::to_sealable`] wrote.
    ///
    /// # Errors
    /// When the text is not of a known shape; the error names the position, never the text.
    pub fn from_sealable(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// The shape of the wire: `{}` without credentials; whatever looks like a refresh token is left out at any depth
    /// unless `refresh_tokens` asks for it.
    pub fn to_wire(&self, refresh_tokens: RefreshTokens) -> Value {
        if matches!(self, Self::None) {
            return json!({});
        }
        let mut value = serde_json::to_value(self).unwrap_or_else(|_| Value::Object(Map::new()));
        match refresh_tokens {
            RefreshTokens::Shown => {}
            RefreshTokens::Hidden => hide_refresh_tokens(&mut value),
        }
        value
    }

    /// Every secret text inside, for redaction of logs: values shorter than four characters are left out, because
    /// replacing them would destroy the text around.
    pub fn secrets(&self) -> Vec<Secret> {
        let mut found = Vec::new();
        if let Ok(value) = serde_json::to_value(self) {
            collect_secrets(SecretJson::new(value).expose(), &mut found);
        }
        found
    }
}

/// Whether an answer shows refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefreshTokens {
    /// They are part of the answer.
    Shown,
    /// They are removed, also from the provider's raw reply.
    Hidden,
}

fn hide_refresh_tokens(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !names_refresh_token(name));
            fields.values_mut().for_each(hide_refresh_tokens);
        }
        Value::Array(items) => items.iter_mut().for_each(hide_refresh_tokens),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// `refresh_token`, `refreshToken`, `x-refresh-token`, `sharepoint_refresh_token`; not `refresh_token_expires_in`,
/// which tells when and not what.
fn names_refresh_token(name: &str) -> bool {
    let letters: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    letters.ends_with("refreshtoken")
}

fn collect_secrets(value: &Value, found: &mut Vec<Secret>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if !matches!(
                    name.as_str(),
                    "type" | "expires_at" | "token_type" | "scope" | "region" | "service"
                ) {
                    collect_secrets(field, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_secrets(item, found)),
        Value::String(text) if text.len() >= 4 => found.push(Secret::new(text.as_str())),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
