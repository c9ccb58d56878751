//! Reading a token reply.

use serde_json::{Map, Value};
use tenon_catalog::provider::{ExpiryUnit, TokenReply};
use tenon_model::{Secret, Timestamp};

use crate::credentials::OAuth2;
use crate::error::Error;
use crate::expiry;
use crate::material::{SecretJson, at_path};
use crate::token_call::refused;

/// The tokens of a reply.
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access_token: Secret,
    /// The refresh token, when one came.
    pub refresh_token: Option<Secret>,
    /// When the access token ends, when that is stated or assumed.
    pub expires_at: Option<Timestamp>,
    /// The reply.
    pub raw: SecretJson,
}

impl Tokens {
    /// Credentials made of these tokens; what is missing is kept from `held`.
    pub fn into_credentials(self, held: Option<&OAuth2>) -> OAuth2 {
        OAuth2 {
            access_token: self.access_token,
            refresh_token: self
                .refresh_token
                .or_else(|| held.and_then(|held| held.refresh_token.clone())),
            expires_at: self.expires_at,
            config_override: held.and_then(|held| held.config_override.clone()),
            raw: self.raw,
        }
    }
}

/// Finds the tokens in a reply.
///
/// # Errors
/// [`Error::Refused`] when the entry says that this success is a failure, [`Error::NoToken`] when there is none.
pub fn read_tokens(
    facts: &TokenReply,
    body: SecretJson,
    status: u16,
    what: &'static str,
    now: Timestamp,
) -> Result<Tokens, Error> {
    if let Some((path, text)) = &facts.error_when
        && at_path(body.expose(), path).is_some_and(|value| plain(value).as_deref() == Some(text))
    {
        return Err(refused(what, status, body.expose(), ""));
    }
    let root = match &facts.root {
        Some(path) => at_path(body.expose(), path).unwrap_or(body.expose()),
        None => body.expose(),
    };
    let no_token = || Error::NoToken { what, status };
    let top = facts.access_token.as_deref().unwrap_or("access_token");
    let (holder, access_token) = match at_path(root, top).and_then(token) {
        Some(token) => (root, token),
        None => {
            let nested = facts
                .nested
                .as_ref()
                .and_then(|path| at_path(root, path))
                .ok_or_else(no_token)?;
            match nested {
                Value::Object(_) => (nested, nested.get("access_token").and_then(token).ok_or_else(no_token)?),
                other => (root, token(other).ok_or_else(no_token)?),
            }
        }
    };
    let refresh_token = at_path(holder, facts.refresh_token.as_deref().unwrap_or("refresh_token")).and_then(token);
    let expires_at = expires_at(facts, holder, now);
    let (access_token, refresh_token) = (Secret::new(access_token), refresh_token.map(Secret::new));
    Ok(Tokens {
        access_token,
        refresh_token,
        expires_at,
        raw: body,
    })
}

fn expires_at(facts: &TokenReply, holder: &Value, now: Timestamp) -> Option<Timestamp> {
    let stated = at_path(holder, facts.expires_at.as_deref().unwrap_or("expires_at"))
        .and_then(expiry::moment)
        .or_else(|| {
            let lasts = at_path(holder, facts.expires_in.as_deref().unwrap_or("expires_in"))?;
            expiry::after(lasts, matches!(facts.expires_unit, ExpiryUnit::Milliseconds), now)
        });
    stated.or_else(|| facts.default_lifetime.map(|lasts| now.plus(lasts)))
}

fn token(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Texts and booleans at the given paths of a reply, under the paths as names: what the entry keeps as connection
/// values.
pub fn captured(paths: &[String], reply: &Value) -> Map<String, Value> {
    let mut kept = Map::new();
    for path in paths {
        if let Some(value @ (Value::String(_) | Value::Bool(_))) = at_path(reply, path) {
            kept.insert(path.clone(), value.clone());
        }
    }
    kept
}
