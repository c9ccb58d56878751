//! The OAuth 2.0 authorization code grant: authorize URL, exchange, refresh, introspection.
//!
//! What differs between providers is data of the catalogue: where a parameter goes and what it is called, how the
//! client proves itself, where the reply hides its token. What data cannot say is a named dialect ([`dialect`]).

mod authorize;
pub mod dialect;
mod reply;
pub mod side_token;
mod special;

pub use authorize::{Authorize, Verifier, authorize_url, scopes_of};
pub use reply::{Tokens, captured, read_tokens};

use serde_json::{Map, Value, json};
use tenon_catalog::provider::{ClientAuth, OAuth2 as Facts, RefreshUsing, TokenDialect};
use tenon_catalog::template::{Alternatives, Scope};
use tenon_egress::Egress;
use tenon_model::{Secret, Timestamp};
use url::Url;

use self::special::Proof;
use crate::credentials::OAuth2;
use crate::error::Error;
use crate::expiry;
use crate::subject::{Subject, UrlValues, render_error, render_params};
use crate::token_call::TokenCall;

/// Connection value that replaces the refresh token which the provider gave.
pub const REFRESH_TOKEN_OVERRIDE: &str = "oauth_refresh_token_override";

/// What the callback brought.
#[derive(Debug, Clone, Copy)]
pub struct Grant<'a> {
    /// The authorization code.
    pub code: &'a str,
    /// The redirect URI of the authorize URL, repeated for the provider's check.
    pub redirect_uri: &'a str,
    /// The PKCE verifier; ignored when the entry switches PKCE off.
    pub verifier: &'a str,
    /// The state of the authorize URL, repeated for vendors that ask for it again.
    pub state: &'a str,
}

pub(crate) fn facts<'a>(subject: &Subject<'a>) -> Result<&'a Facts, Error> {
    subject.provider.oauth2.as_ref().ok_or(Error::Unsupported {
        what: "OAuth 2 for this provider",
    })
}

/// Exchanges the code for tokens.
///
/// # Errors
/// When the provider refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn exchange_code(egress: &Egress, subject: &Subject<'_>, grant: &Grant<'_>) -> Result<OAuth2, Error> {
    let facts = facts(subject)?;
    let scope = subject.scope();
    let tokens = match special::own_request(egress, subject, facts, Proof::Code(grant), &scope).await? {
        Some(tokens) => tokens,
        None => standard_exchange(egress, subject, facts, grant, &scope).await?,
    };
    let tokens = special::after(egress, subject, facts, tokens, true).await?;
    let mut credentials = tokens.into_credentials(None);
    if let Some(own) = text(subject.config, REFRESH_TOKEN_OVERRIDE) {
        credentials.refresh_token = Some(Secret::new(own));
    }
    dialect::after_exchange(facts.dialect, &mut credentials, subject.now);
    Ok(credentials)
}

async fn standard_exchange(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    grant: &Grant<'_>,
    scope: &Scope<'_>,
) -> Result<Tokens, Error> {
    let fields = &facts.token.fields;
    let mut call = TokenCall {
        what: "token",
        url: endpoint(subject, facts.token.url.as_ref(), facts, scope)?,
        params: Vec::new(),
        headers: headers(&facts.token.headers, scope)?,
        format: facts.token.body,
    };
    if facts.dialect == Some(TokenDialect::AdminConsent) {
        call.set("grant_type", "client_credentials");
        call.set("scope", subject.app.scopes.join(&facts.scope_separator));
    } else {
        set_named(&mut call, fields.grant_type.as_deref(), "authorization_code");
        set_named(&mut call, fields.code.as_deref(), grant.code);
        set_named(&mut call, fields.redirect_uri.as_deref(), grant.redirect_uri);
        set_named(&mut call, fields.state.as_deref(), grant.state);
        // Installations that begin at the vendor have no verifier.
        if facts.pkce && !grant.verifier.is_empty() {
            set_named(&mut call, fields.code_verifier.as_deref(), grant.verifier);
        }
    }
    for (name, value) in render_params(&facts.token.params, scope)? {
        call.set(&name, value);
    }
    call.authenticate(subject, facts.token.client_auth, fields)?;
    let reply = call.send(egress).await?;
    if facts.dialect == Some(TokenDialect::ResultCode) {
        return special::result_code(facts, reply, "token", subject.now, None);
    }
    read_tokens(&facts.reply, reply.body, reply.status, "token", subject.now)
}

/// Whether a refresh can be tried at all with what is stored.
pub fn can_refresh(facts: &Facts, held: &OAuth2) -> bool {
    match facts.refresh.using {
        RefreshUsing::RefreshToken => held.refresh_token.as_ref().is_some_and(|token| !token.is_empty()),
        RefreshUsing::AccessToken | RefreshUsing::Client => true,
    }
}

/// Gets new tokens for old ones. The old refresh token is kept when the reply has none.
///
/// # Errors
/// When the provider refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn refresh(egress: &Egress, subject: &Subject<'_>, held: &OAuth2) -> Result<OAuth2, Error> {
    let facts = facts(subject)?;
    let refresh_token = held.refresh_token.as_ref().map(Secret::expose).unwrap_or_default();
    let tokens = refresh_call(egress, subject, facts, held, refresh_token).await?;
    let mut fresh = tokens.into_credentials(Some(held));
    if let Some(own) = text(subject.config, REFRESH_TOKEN_OVERRIDE) {
        fresh.refresh_token = Some(Secret::new(own));
    }
    if facts.dialect == Some(TokenDialect::NestedUserToken) {
        dialect::refresh_nested(egress, subject, facts, held, &mut fresh).await;
    }
    Ok(fresh)
}

#[tenon_model::boxed]
pub(crate) async fn refresh_call(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    held: &OAuth2,
    refresh_token: &str,
) -> Result<Tokens, Error> {
    let cred = crate::Credentials::OAuth2(held.clone()).template_fields();
    let scope = Scope {
        cred: Some(cred.expose()),
        token: Some(held.access_token.expose()),
        refresh_token: Some(refresh_token),
        ..subject.scope()
    };
    if let Some(tokens) = special::own_request(egress, subject, facts, Proof::Refresh(refresh_token), &scope).await? {
        return Ok(tokens);
    }
    let fields = &facts.token.fields;
    let url = facts.refresh.url.as_ref().or(facts.token.url.as_ref());
    let declared_headers = facts.refresh.headers.as_ref().unwrap_or(&facts.token.headers);
    let mut call = TokenCall {
        what: "refresh",
        url: endpoint(subject, url, facts, &scope)?,
        params: Vec::new(),
        headers: headers(declared_headers, &scope)?,
        format: facts.refresh.body.unwrap_or(facts.token.body),
    };
    match facts.refresh.using {
        RefreshUsing::RefreshToken => {
            set_named(&mut call, fields.grant_type.as_deref(), "refresh_token");
            set_named(&mut call, fields.refresh_token.as_deref(), refresh_token);
        }
        RefreshUsing::AccessToken => {}
        RefreshUsing::Client => {
            set_named(&mut call, fields.grant_type.as_deref(), "client_credentials");
            if facts.dialect == Some(TokenDialect::AdminConsent) {
                call.set("scope", subject.app.scopes.join(&facts.scope_separator));
            }
        }
    }
    for (name, value) in render_params(&facts.refresh.params, &scope)? {
        call.set(&name, value);
    }
    let client_auth = if facts.dialect == Some(TokenDialect::DigestRefresh) {
        call.set("md5_secret", special::digest_secret(subject));
        ClientAuth::Public
    } else {
        facts.refresh.client_auth.unwrap_or(facts.token.client_auth)
    };
    call.authenticate(subject, client_auth, fields)?;
    let reply = call.send(egress).await?;
    if facts.dialect == Some(TokenDialect::ResultCode) {
        return special::result_code(facts, reply, "refresh", subject.now, Some(held));
    }
    let tokens = read_tokens(&facts.reply, reply.body, reply.status, "refresh", subject.now)?;
    special::after(egress, subject, facts, tokens, false).await
}

/// Asks the provider until when a token of unknown life is good: `None` when it is not.
///
/// # Errors
/// When the provider cannot be asked; the caller then refreshes to be sure.
#[tenon_model::boxed]
pub async fn introspect(egress: &Egress, subject: &Subject<'_>, token: &str) -> Result<Option<Timestamp>, Error> {
    let provider = subject.provider;
    let of_exchange = || provider.exchange.as_ref().and_then(|facts| facts.introspect.as_ref());
    let declared = provider.oauth2.as_ref().and_then(|facts| facts.introspect.as_ref());
    let Some(introspection) = declared.or_else(of_exchange) else {
        return Ok(None);
    };
    let url = introspection
        .url
        .render_base_url(&subject.scope())
        .map_err(render_error)?;
    let call = TokenCall {
        what: "introspection",
        url: Url::parse(&url).map_err(|_| Error::InvalidUrl { what: "introspection" })?,
        params: vec![
            ("token".to_owned(), json!(token)),
            ("token_type_hint".to_owned(), json!("access_token")),
            ("client_id".to_owned(), json!(subject.app.client_id)),
            ("client_secret".to_owned(), json!(subject.app.client_secret.expose())),
        ],
        headers: Vec::new(),
        format: tenon_catalog::provider::BodyFormat::Form,
    };
    let reply = call.send(egress).await?;
    let reply = reply.body.expose();
    if reply.get("active") != Some(&Value::Bool(true)) {
        return Ok(None);
    }
    Ok(reply.get("exp").and_then(expiry::moment))
}

/// Tells the provider to forget a token (RFC 7009), where the entry names an endpoint.
///
/// # Errors
/// When the provider refuses or cannot be reached; the deletion goes on all the same.
#[tenon_model::boxed]
pub async fn revoke(egress: &Egress, subject: &Subject<'_>, held: &OAuth2) -> Result<(), Error> {
    let Some(template) = &subject.provider.revoke else {
        return Ok(());
    };
    let cred = crate::Credentials::OAuth2(held.clone()).template_fields();
    let scope = Scope {
        cred: Some(cred.expose()),
        token: Some(held.access_token.expose()),
        ..subject.scope()
    };
    let url = template.render_url(&scope).map_err(render_error)?;
    let facts = facts(subject)?;
    let token = held.refresh_token.as_ref().unwrap_or(&held.access_token);
    let mut call = TokenCall {
        what: "revocation",
        url: Url::parse(&url).map_err(|_| Error::InvalidUrl { what: "revocation" })?,
        params: vec![("token".to_owned(), json!(token.expose()))],
        headers: Vec::new(),
        format: tenon_catalog::provider::BodyFormat::Form,
    };
    call.authenticate(subject, facts.token.client_auth, &facts.token.fields)?;
    call.send(egress).await.map(drop)
}

fn endpoint(subject: &Subject<'_>, url: Option<&Alternatives>, facts: &Facts, scope: &Scope<'_>) -> Result<Url, Error> {
    let url = url.ok_or(Error::Unsupported {
        what: "a provider without token URL",
    })?;
    subject.endpoint("token", url, url_values(facts), scope)
}

pub(crate) fn url_values(facts: &Facts) -> UrlValues {
    if facts.rewrite.inputs_unencoded {
        UrlValues::Plain
    } else {
        UrlValues::Encoded
    }
}

fn headers(
    declared: &[(String, tenon_catalog::template::Template)],
    scope: &Scope<'_>,
) -> Result<Vec<(String, String)>, Error> {
    declared
        .iter()
        .map(|(name, template)| Ok((name.clone(), template.render(scope).map_err(render_error)?)))
        .collect()
}

fn set_named(call: &mut TokenCall, name: Option<&str>, value: &str) {
    if let Some(name) = name {
        call.set(name, value);
    }
}

/// A value that is a text and not empty.
pub fn text<'a>(values: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}
