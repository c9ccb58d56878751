//! Who is asking: API keys, connect sessions, or one of both.

use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use serde_json::json;
use tenon_app::sessions::LiveSession;
use tenon_app::{App, Caller, Error};

use crate::ApiResult;

/// Prefix of connect session tokens.
const SESSION_PREFIX: &str = "nango_connect_session_";
/// Prefix of short-lived keys of remote builds.
const SANDBOX_PREFIX: &str = "nango_sbx_v1_";

fn unauthorized(code: &str, message: &str) -> Error {
    Error::refuse(401, code)
        .message(format!("Authentication failed. {message}"))
        .payload(json!({}))
}

/// The text after the last `Bearer `; a bare credential is taken as it is.
pub(crate) fn bearer(headers: &HeaderMap) -> ApiResult<&str> {
    let missing = || {
        unauthorized(
            "missing_auth_header",
            "The request is missing the Authorization header.",
        )
    };
    let header = headers.get(AUTHORIZATION).ok_or_else(missing)?;
    let text = header.to_str().map_err(|_| bad_key())?;
    if text.is_empty() {
        return Err(missing().into());
    }
    Ok(text.rsplit_once("Bearer ").map_or(text, |(_, credential)| credential))
}

fn bad_key() -> Error {
    unauthorized("invalid_secret_key_format", "The provided secret key is not a UUID v4.")
}

fn is_uuid_v4(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(position, c)| match position {
            8 | 13 | 18 | 23 => c == '-',
            14 => c == '4',
            19 => matches!(c.to_ascii_lowercase(), '8' | '9' | 'a' | 'b'),
            _ => c.is_ascii_hexdigit(),
        })
}

/// Whether the text is formed like a connect session token.
pub fn is_session_token(text: &str) -> bool {
    text.strip_prefix(SESSION_PREFIX)
        .is_some_and(|rest| rest.len() == 64 && rest.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')))
}

/// An API key in the `Authorization` header.
#[derive(Debug, Clone)]
pub struct Authed(pub Arc<Caller>);

impl Authed {
    /// Checks the key.
    pub async fn check(app: &App, headers: &HeaderMap) -> ApiResult<Arc<Caller>> {
        let key = bearer(headers)?;
        if key.starts_with(SANDBOX_PREFIX) {
            let message = "The provided authorization header does not match any account.";
            return Err(unauthorized("unknown_account", message).into());
        }
        if !is_uuid_v4(key) {
            return Err(bad_key().into());
        }
        Ok(app.authenticate_key(key).await?)
    }

    /// Checks the key and refuses account keys.
    pub async fn check_environment(app: &App, headers: &HeaderMap) -> ApiResult<Arc<Caller>> {
        let caller = Self::check(app, headers).await?;
        caller.environment()?;
        Ok(caller)
    }
}

/// A connect session.
#[derive(Debug, Clone)]
pub struct Session(pub Arc<LiveSession>);

impl Session {
    /// Checks a connect session in the `Authorization` header.
    pub async fn check(app: &App, headers: &HeaderMap) -> ApiResult<Arc<LiveSession>> {
        Self::check_token(app, bearer(headers)?).await
    }

    /// Checks a connect session token.
    pub async fn check_token(app: &App, token: &str) -> ApiResult<Arc<LiveSession>> {
        if !is_session_token(token) {
            return Err(unauthorized(
                "invalid_connect_session_token_format",
                "The provided connect session token is not following correct format: nango_connect_session_RANDOM)",
            )
            .into());
        }
        let session = app.find_live_session(token).await?.ok_or_else(|| {
            unauthorized(
                "unknown_connect_session_token",
                "The provided connect session token does not match any account.",
            )
        })?;
        Ok(Arc::new(session))
    }
}

/// What an API key or a connect session opens.
#[derive(Debug, Clone)]
pub enum Either {
    /// An API key.
    Key(Arc<Caller>),
    /// A connect session.
    Session(Arc<LiveSession>),
}

impl Either {
    /// Checks the `Authorization` header.
    pub async fn check(app: &App, headers: &HeaderMap) -> ApiResult<Self> {
        if bearer(headers)?.starts_with(SESSION_PREFIX) {
            return Session::check(app, headers).await.map(Self::Session);
        }
        Authed::check(app, headers).await.map(Self::Key)
    }

    /// The caller.
    pub fn caller(&self) -> Caller {
        match self {
            Self::Key(caller) => (**caller).clone(),
            Self::Session(session) => Caller::connect_session(Arc::clone(&session.environment)),
        }
    }

    /// The integrations that a session is limited to.
    pub fn allowed_integrations(&self) -> Option<&[String]> {
        match self {
            Self::Key(_) => None,
            Self::Session(session) => session.allowed_integrations(),
        }
    }
}
