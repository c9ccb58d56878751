//! OAuth 2.0 client credentials whose client belongs to the end user.

use std::time::Duration;

use serde_json::Value;
use tenon_catalog::provider::ClientAuth;
use tenon_catalog::template::Scope;
use tenon_egress::Egress;
use tenon_model::Secret;

use crate::credentials::{ClientCredentials, Credentials};
use crate::error::Error;
use crate::expiry;
use crate::material::at_path;
use crate::oauth2::{facts, text, url_values};
use crate::subject::{ClientApp, Subject, render_params};
use crate::token_call::TokenCall;

/// Life of a token whose reply states none.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(55 * 60);

/// The client that shows the user's certificate, where the entry wants one on token and API calls.
///
/// # Errors
/// [`Error::Key`] when certificate or key are missing or do not belong together.
pub fn identity(egress: &Egress, subject: &Subject<'_>, held: &ClientCredentials) -> Result<Option<Egress>, Error> {
    if !facts(subject)?.client_certificate || egress.is_recording() {
        return Ok(None);
    }
    let unusable = || Error::Key {
        what: "client certificate with its private key",
    };
    let (Some(certificate), Some(key)) = (&held.client_certificate, &held.client_private_key) else {
        return Err(unusable());
    };
    egress
        .with_identity(certificate.expose(), key.expose())
        .map(Some)
        .map_err(|_| unusable())
}

/// Gets a token for the client in `held`; also how it is refreshed.
///
/// # Errors
/// When the provider refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn request(
    egress: &Egress,
    subject: &Subject<'_>,
    held: &ClientCredentials,
    params: &[(String, String)],
) -> Result<ClientCredentials, Error> {
    let facts = facts(subject)?;
    let with_certificate = identity(egress, subject, held)?;
    let egress = with_certificate.as_ref().unwrap_or(egress);
    // The client is the user's, not the integration's.
    let secret = match facts.token.client_auth {
        ClientAuth::PrivateKeyJwt => held
            .client_private_key
            .clone()
            .unwrap_or_else(|| held.client_secret.clone()),
        _ => held.client_secret.clone(),
    };
    let own = ClientApp::new(
        held.client_id.expose(),
        secret,
        subject.app.scopes.clone(),
        subject.app.values.expose(),
    );
    let subject = Subject { app: &own, ..*subject };
    let cred = Credentials::ClientCredentials(held.clone()).template_fields();
    let scope = Scope {
        cred: Some(cred.expose()),
        ..subject.scope()
    };
    let url = facts.token.url.as_ref().ok_or(Error::Unsupported {
        what: "a provider without token URL",
    })?;
    let mut call = TokenCall {
        what: "token",
        url: subject.endpoint("token", url, url_values(facts), &scope)?,
        params: Vec::new(),
        headers: Vec::new(),
        format: facts.token.body,
    };
    if let Some(name) = &facts.token.fields.grant_type {
        call.set(name, "client_credentials");
    }
    for (name, value) in render_params(&facts.token.params, &scope)? {
        call.set(&name, value);
    }
    let scopes = match text(subject.config, "oauth_scopes") {
        Some(scopes) => scopes
            .split(',')
            .map(str::trim)
            .collect::<Vec<_>>()
            .join(&facts.scope_separator),
        None => own.scopes.join(&facts.scope_separator),
    };
    if !scopes.is_empty() {
        call.set("scope", scopes);
    }
    for (name, value) in params {
        call.set(name, value.as_str());
    }
    for (name, template) in &facts.token.headers {
        let value = template.render(&scope).map_err(crate::subject::render_error)?;
        call.headers.push((name.clone(), value));
    }
    call.authenticate(&subject, facts.token.client_auth, &facts.token.fields)?;
    let reply = call.send(egress).await?;
    let body = reply.body.expose();
    let stated = facts.reply.access_token.as_deref().unwrap_or("access_token");
    let token = [stated, "data.token", "jwt"]
        .iter()
        .find_map(|path| {
            at_path(body, path)
                .and_then(Value::as_str)
                .filter(|token| !token.is_empty())
        })
        .ok_or(Error::NoToken {
            what: "token",
            status: reply.status,
        })?;
    let milliseconds = matches!(
        facts.reply.expires_unit,
        tenon_catalog::provider::ExpiryUnit::Milliseconds
    );
    let ends = body
        .get("expires_at")
        .and_then(expiry::moment)
        .or_else(|| expiry::after(body.get("expires_in")?, milliseconds, subject.now));
    Ok(ClientCredentials {
        token: Secret::new(token),
        expires_at: Some(ends.unwrap_or_else(|| subject.now.plus(ASSUMED_LIFETIME))),
        raw: reply.body,
        ..held.clone()
    })
}
