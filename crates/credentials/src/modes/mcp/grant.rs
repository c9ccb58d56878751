//! The authorization code flow with a server that was found: PKCE (RFC 7636), resource (RFC 8707), issuer (RFC 9207).

use serde_json::json;
use tenon_catalog::provider::{BodyFormat, ClientAuth, FieldNames, TokenReply};
use tenon_egress::Egress;
use tenon_model::Secret;
use url::Url;

use super::{Found, Proof, found};
use crate::credentials::OAuth2;
use crate::error::Error;
use crate::oauth2::{Authorize, Grant, Tokens, read_tokens};
use crate::subject::Subject;
use crate::token_call::{TokenCall, refused};

/// Builds the authorize URL of a server found by discovery.
///
/// # Errors
/// [`Error::InvalidUrl`].
pub fn authorize_url(subject: &Subject<'_>, found: &Found, authorize: &Authorize<'_>) -> Result<Url, Error> {
    let mut url = Url::parse(&found.authorization_endpoint).map_err(|_| Error::InvalidUrl { what: "authorization" })?;
    let scopes = authorize.scopes.unwrap_or(&found.scopes).join(" ");
    let challenge = authorize.verifier.challenge();
    let mut query: Vec<(&str, &str)> = vec![
        ("response_type", "code"),
        ("client_id", &subject.app.client_id),
        ("redirect_uri", authorize.redirect_uri),
        ("state", authorize.state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", &found.resource),
    ];
    if !scopes.is_empty() {
        query.push(("scope", &scopes));
    }
    // What protects the flow cannot be replaced from outside.
    let fixed: Vec<&str> = query
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "scope")
        .collect();
    for (name, value) in authorize.params {
        if !fixed.contains(&name.as_str()) && value != "undefined" {
            query.retain(|(known, _)| known != name);
            query.push((name, value));
        }
    }
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}

/// Checks who answered in the callback (RFC 9207).
///
/// # Errors
/// [`Error::Refused`] when another server did.
pub fn check_issuer(found: &Found, named: Option<&str>) -> Result<(), Error> {
    let right = match named {
        Some(named) => named.trim_end_matches('/') == found.issuer.trim_end_matches('/'),
        None => !found.names_issuer,
    };
    if right {
        return Ok(());
    }
    let body = json!({
        "error": "wrong_issuer",
        "error_description": "the callback comes from another authorization server than the browser was sent to",
    });
    Err(refused("authorization", 400, &body, ""))
}

/// Trades the code for tokens.
///
/// # Errors
/// When the server refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn exchange(
    egress: &Egress,
    subject: &Subject<'_>,
    found: &Found,
    grant: &Grant<'_>,
) -> Result<OAuth2, Error> {
    let params = [
        ("grant_type", "authorization_code"),
        ("code", grant.code),
        ("redirect_uri", grant.redirect_uri),
        ("code_verifier", grant.verifier),
    ];
    let tokens = token_call(egress, subject, found, "token", &params).await?;
    Ok(tokens.into_credentials(None))
}

/// Gets new tokens for old ones; an absent refresh token keeps the old one.
///
/// # Errors
/// As [`exchange`]; [`Error::Missing`] when the connection was never discovered.
#[tenon_model::boxed]
pub async fn refresh(egress: &Egress, subject: &Subject<'_>, held: &OAuth2) -> Result<OAuth2, Error> {
    let found = found(subject)?;
    let token = held.refresh_token.as_ref().map(Secret::expose).unwrap_or_default();
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let tokens = token_call(egress, subject, &found, "refresh", &params).await?;
    Ok(tokens.into_credentials(Some(held)))
}

/// Tells the server to forget a connection's tokens (RFC 7009), where it has an endpoint for that.
///
/// # Errors
/// When the server refuses or cannot be reached.
#[tenon_model::boxed]
pub async fn revoke(egress: &Egress, subject: &Subject<'_>, held: &OAuth2) -> Result<(), Error> {
    let found = found(subject)?;
    let Some(endpoint) = &found.revocation_endpoint else {
        return Ok(());
    };
    let token = held.refresh_token.as_ref().unwrap_or(&held.access_token);
    call(
        egress,
        subject,
        &found,
        "revocation",
        endpoint,
        &[("token", token.expose())],
    )
    .await
    .map(drop)
}

async fn token_call(
    egress: &Egress,
    subject: &Subject<'_>,
    found: &Found,
    what: &'static str,
    params: &[(&str, &str)],
) -> Result<Tokens, Error> {
    let mut params = params.to_vec();
    params.push(("resource", &found.resource));
    let reply = call(egress, subject, found, what, &found.token_endpoint, &params).await?;
    read_tokens(&TokenReply::default(), reply.body, reply.status, what, subject.now)
}

async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    found: &Found,
    what: &'static str,
    endpoint: &str,
    params: &[(&str, &str)],
) -> Result<crate::token_call::Reply, Error> {
    let mut call = TokenCall {
        what,
        url: Url::parse(endpoint).map_err(|_| Error::InvalidUrl { what })?,
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect(),
        headers: Vec::new(),
        format: BodyFormat::Form,
    };
    let proof = match found.client_auth {
        Proof::None => ClientAuth::Public,
        Proof::Body => ClientAuth::Body,
        Proof::Basic => ClientAuth::BasicFormEncoded,
    };
    call.authenticate(subject, proof, &FieldNames::default())?;
    call.send(egress).await
}
