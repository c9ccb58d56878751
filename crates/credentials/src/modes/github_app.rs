//! GitHub-style apps: the app signs a token of its own and trades it for one of an installation.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION};
use serde_json::{Map, Value, json};
use tenon_catalog::template::Scope;
use tenon_egress::{Egress, Request};
use tenon_model::Secret;
use url::Url;

use super::jwt::{Signer, sign};
use crate::credentials::App;
use crate::error::Error;
use crate::expiry;
use crate::subject::{Subject, USER_AGENT, render_error};
use crate::token_call::send;

/// GitHub allows ten minutes at most; a minute is kept for clocks that disagree.
const APP_TOKEN_SECONDS: i64 = 9 * 60;
const CLOCK_DRIFT_SECONDS: i64 = 60;

/// What identifies the app itself.
#[derive(Debug, Clone, Copy)]
pub struct AppKey<'a> {
    /// App id.
    pub app_id: &'a str,
    /// RSA key in PEM, or base64 of it.
    pub private_key: &'a Secret,
}

/// The app's own token.
///
/// # Errors
/// [`Error::Key`] when the key is unusable.
pub fn app_token(subject: &Subject<'_>, key: AppKey<'_>) -> Result<Secret, Error> {
    let now = subject.now.secs();
    let claims = json!({"iat": now - CLOCK_DRIFT_SECONDS, "exp": now + APP_TOKEN_SECONDS, "iss": key.app_id});
    let Value::Object(claims) = claims else {
        return Err(Error::Key { what: "app key" });
    };
    let text = key.private_key.expose();
    let decoded = STANDARD
        .decode(text.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let pem = Secret::new(match decoded {
        Some(inner) if inner.contains("-----BEGIN") => inner,
        _ => text.to_owned(),
    });
    sign(Map::new(), &claims, &Signer::Rs256(pem.expose()))
}

/// A token of the installation that the connection's values name; also how it is refreshed.
///
/// # Errors
/// When the key is unusable, the provider refuses, or cannot be reached.
pub async fn installation_token(egress: &Egress, subject: &Subject<'_>, key: AppKey<'_>) -> Result<App, Error> {
    let installation = subject.provider.installation.as_ref().ok_or(Error::Unsupported {
        what: "an app installation",
    })?;
    let scope = Scope { ..subject.scope() };
    let url = installation.token_url.render_url(&scope).map_err(render_error)?;
    let url = Url::parse(&url).map_err(|_| Error::InvalidUrl { what: "installation" })?;
    let app_token = app_token(subject, key)?;
    let unreachable = |source| Error::Unreachable {
        what: "installation",
        source,
    };
    let request = Request::new(http::Method::POST, url)
        .header(AUTHORIZATION.as_str(), &format!("Bearer {}", app_token.expose()))
        .and_then(|request| request.header(ACCEPT.as_str(), "application/vnd.github.v3+json"))
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(unreachable)?;
    let reply = send(egress, "installation", request).await?;
    let body = reply.body.expose();
    let token = body.get("token").and_then(Value::as_str).ok_or(Error::NoToken {
        what: "installation",
        status: reply.status,
    })?;
    Ok(App {
        access_token: Secret::new(token),
        expires_at: body.get("expires_at").and_then(expiry::moment),
        jwt_token: None,
        raw: reply.body,
    })
}
