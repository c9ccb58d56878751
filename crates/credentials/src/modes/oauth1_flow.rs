//! The three steps of OAuth 1.0a (RFC 5849 §2): temporary credentials, the browser's visit, token credentials.

use serde_json::{Map, Value};
use tenon_catalog::provider::OAuth1 as Facts;
use tenon_egress::{Egress, Request};
use tenon_model::{Rng, Secret};
use url::Url;

use super::oauth1::{self, Signer};
use crate::credentials::OAuth1;
use crate::error::Error;
use crate::subject::{Subject, USER_AGENT};
use crate::token_call::{Reply, send};

/// Temporary credentials, remembered while the browser is away.
#[derive(Debug, Clone)]
pub struct Temporary {
    /// Token.
    pub token: Secret,
    /// Its secret.
    pub secret: Secret,
}

/// What the callback brought.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a> {
    /// The temporary token, repeated by the provider.
    pub token: &'a str,
    /// The proof that the user consented.
    pub verifier: &'a str,
}

fn facts<'a>(subject: &Subject<'a>) -> Result<&'a Facts, Error> {
    subject.provider.oauth1.as_ref().ok_or(Error::Unsupported {
        what: "OAuth 1 for this provider",
    })
}

/// Asks for temporary credentials. `callback` holds the state already: the protocol has no parameter for it.
///
/// # Errors
/// When the provider refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn temporary(
    egress: &Egress,
    subject: &Subject<'_>,
    callback: &str,
    rng: &dyn Rng,
) -> Result<Temporary, Error> {
    let facts = facts(subject)?;
    let what = "request token";
    let extra = [("oauth_callback", callback)];
    let reply = call(
        egress,
        subject,
        what,
        &facts.request_url,
        None,
        &extra,
        &facts.request_params,
        rng,
    )
    .await?;
    let (token, secret) = pair(what, &reply)?;
    Ok(Temporary { token, secret })
}

/// Where the browser goes with them.
///
/// # Errors
/// [`Error::InvalidUrl`] when the entry's URL is none.
pub fn authorize_url(
    subject: &Subject<'_>,
    temporary: &Temporary,
    callback: &str,
    scopes: &[String],
    params: &[(String, String)],
) -> Result<Url, Error> {
    let facts = facts(subject)?;
    let mut url = Url::parse(&facts.authorize_url).map_err(|_| Error::InvalidUrl { what: "authorization" })?;
    let mut query: Vec<(&str, String)> = vec![("oauth_token", temporary.token.expose().to_owned())];
    if !scopes.is_empty() {
        query.push(("scope", scopes.join(&facts.scope_separator)));
    }
    for (name, value) in facts.authorize_params.iter().chain(params) {
        query.retain(|(known, _)| known != name);
        if value != "undefined" {
            query.push((name, value.clone()));
        }
    }
    query.push(("oauth_callback", callback.to_owned()));
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}

/// Trades verified temporary credentials for lasting ones.
///
/// # Errors
/// As [`temporary`]; [`Error::Missing`] when the callback names other temporary credentials than ours.
#[tenon_model::boxed]
pub async fn exchange(
    egress: &Egress,
    subject: &Subject<'_>,
    temporary: &Temporary,
    verified: &Verified<'_>,
    rng: &dyn Rng,
) -> Result<OAuth1, Error> {
    let facts = facts(subject)?;
    if !temporary.token.ct_eq(verified.token) {
        return Err(Error::Missing {
            what: "the temporary token of this authorisation".to_owned(),
        });
    }
    let what = "access token";
    let extra = [("oauth_verifier", verified.verifier)];
    let pair_held = Some((temporary.token.expose(), &temporary.secret));
    let reply = call(
        egress,
        subject,
        what,
        &facts.token_url,
        pair_held,
        &extra,
        &facts.token_params,
        rng,
    )
    .await?;
    let (token, secret) = pair(what, &reply)?;
    Ok(OAuth1 {
        oauth_token: token,
        oauth_token_secret: secret,
        raw: reply.body,
    })
}

#[expect(clippy::too_many_arguments, reason = "the parts of one signed request")]
async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    what: &'static str,
    url: &str,
    token: Option<(&str, &Secret)>,
    extra: &[(&str, &str)],
    params: &[(String, String)],
    rng: &dyn Rng,
) -> Result<Reply, Error> {
    let mut url = Url::parse(url).map_err(|_| Error::InvalidUrl { what })?;
    if !params.is_empty() {
        // In the query, because form parameters would have to be signed as well.
        url.query_pairs_mut()
            .extend_pairs(params.iter().map(|(name, value)| (name, value)));
    }
    let signer = Signer {
        client_id: &subject.app.client_id,
        client_secret: &subject.app.client_secret,
        token,
        method: oauth1::signing_method(subject),
        realm: None,
    };
    let header = oauth1::authorization(&signer, "POST", &url, extra, rng, subject.now);
    let request = Request::new(http::Method::POST, url)
        .header("authorization", header.expose())
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(|source| Error::Unreachable { what, source })?;
    send(egress, what, request).await
}

/// Token and secret of a reply; providers send a form under any content type.
fn pair(what: &'static str, reply: &Reply) -> Result<(Secret, Secret), Error> {
    let none = Error::NoToken {
        what,
        status: reply.status,
    };
    let fields: Map<String, Value> = match reply.body.expose() {
        Value::Object(fields) => fields.clone(),
        Value::String(text) => url::form_urlencoded::parse(text.trim().as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect(),
        _ => return Err(none),
    };
    let text = |name: &str| {
        fields
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(Secret::new)
    };
    match (text("oauth_token"), text("oauth_token_secret")) {
        (Some(token), Some(secret)) => Ok((token, secret)),
        _ => Err(none),
    }
}
