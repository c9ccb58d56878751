//! Token requests that follow a protocol of their own; each is the implementation of one [`TokenDialect`].

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::ACCEPT;
use ring::hmac;
use serde_json::{Map, Value, json};
use tenon_catalog::provider::{OAuth2 as Facts, TokenDialect};
use tenon_catalog::template::Scope;
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::{Secret, Timestamp};
use url::Url;
use zeroize::Zeroizing;

use super::{Grant, Tokens, read_tokens, url_values};
use crate::conceal::Concealer;
use crate::credentials::OAuth2;
use crate::error::Error;
use crate::expiry;
use crate::material::SecretJson;
use crate::subject::{Subject, USER_AGENT, render_params};
use crate::token_call::{CALL_TIMEOUT, Reply, refused, send};

/// Life of a token that a long-lived exchange did not lengthen.
const SHORT_LIFE: Duration = Duration::from_secs(3_600);
/// Life of a token that a result code extended.
const EXTENSION: Duration = Duration::from_secs(30 * 86_400);
/// Life of a session, asked for in minutes.
const SESSION_MINUTES: u64 = 10_080;
const SESSION_LOGIN_URL: &str = "https://rest.bullhornstaffing.com/rest-services/login";
/// Characters of the client secret that a digest refresh repeats.
const DIGEST_CHARS: usize = 20;
const GATEWAY_BYTES_MAX: usize = 256 * 1024;

/// What a code or a refresh token is traded with.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof<'a> {
    Code(&'a Grant<'a>),
    Refresh(&'a str),
}

/// The whole token request, for dialects that share nothing with the standard one.
pub(super) async fn own_request(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    proof: Proof<'_>,
    scope: &Scope<'_>,
) -> Result<Option<Tokens>, Error> {
    match facts.dialect {
        Some(TokenDialect::SignedBody) => signed_body(egress, subject, facts, proof, scope).await.map(Some),
        Some(TokenDialect::XmlGateway) => xml_gateway(egress, subject, facts, proof, scope).await.map(Some),
        Some(TokenDialect::LongLivedExchange) => match proof {
            Proof::Code(_) => Ok(None),
            Proof::Refresh(_) => extend(egress, subject, facts, scope).await.map(Some),
        },
        Some(
            TokenDialect::NestedUserToken
            | TokenDialect::AdminConsent
            | TokenDialect::SharepointSideToken
            | TokenDialect::BotFrameworkSideToken
            | TokenDialect::DigestRefresh
            | TokenDialect::ResultCode
            | TokenDialect::SessionLogin,
        )
        | None => Ok(None),
    }
}

/// What follows the standard request.
#[tenon_model::boxed]
pub(super) async fn after(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    tokens: Tokens,
    first: bool,
) -> Result<Tokens, Error> {
    match facts.dialect {
        Some(TokenDialect::LongLivedExchange) if first => long_lived(egress, subject, facts, tokens).await,
        Some(TokenDialect::SessionLogin) => session_login(egress, subject, tokens).await,
        _ => Ok(tokens),
    }
}

/// The proof of a digest refresh: the beginning of the client secret.
pub(super) fn digest_secret(subject: &Subject<'_>) -> String {
    subject.app.client_secret.expose().chars().take(DIGEST_CHARS).collect()
}

/// Reads the reply of a provider that answers 200 with a result code.
pub(super) fn result_code(
    facts: &Facts,
    reply: Reply,
    what: &'static str,
    now: Timestamp,
    held: Option<&OAuth2>,
) -> Result<Tokens, Error> {
    let body = reply.body.expose();
    let code = match body.get("result") {
        Some(Value::String(code)) => Some(code.clone()),
        Some(Value::Number(code)) => Some(code.to_string()),
        _ => None,
    };
    match (code, held) {
        (Some(code), _) if !code.trim_start_matches('0').is_empty() => {
            let message = body.get("message").and_then(Value::as_str).unwrap_or_default();
            let body = json!({ "error": code, "error_description": message });
            Err(refused(what, 400, &body, ""))
        }
        // A refresh lengthens the life of the token that is there already.
        (Some(_), Some(held)) if body.get("access_token").is_none() => Ok(Tokens {
            access_token: held.access_token.clone(),
            refresh_token: None,
            expires_at: Some(now.plus(EXTENSION)),
            raw: held.raw.clone(),
        }),
        _ => read_tokens(&facts.reply, reply.body, reply.status, what, now),
    }
}

fn endpoint(subject: &Subject<'_>, facts: &Facts, proof: Proof<'_>, scope: &Scope<'_>) -> Result<Url, Error> {
    let url = match proof {
        Proof::Code(_) => facts.token.url.as_ref(),
        Proof::Refresh(_) => facts.refresh.url.as_ref().or(facts.token.url.as_ref()),
    };
    let url = url.ok_or(Error::Unsupported {
        what: "a provider without token URL",
    })?;
    subject.endpoint("token", url, url_values(facts), scope)
}

fn unreachable(what: &'static str) -> impl Fn(tenon_egress::Error) -> Error {
    move |source| Error::Unreachable { what, source }
}

/// Body and moment signed with the client secret; a refresh has no body and signs the moment alone.
async fn signed_body(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    proof: Proof<'_>,
    scope: &Scope<'_>,
) -> Result<Tokens, Error> {
    let what = match proof {
        Proof::Code(_) => "token",
        Proof::Refresh(_) => "refresh",
    };
    let body = match proof {
        Proof::Code(grant) => json!({ "code": grant.code }).to_string(),
        Proof::Refresh(_) => String::new(),
    };
    let moment = subject.now.millis().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, subject.app.client_secret.expose().as_bytes());
    let sign = hex::encode(hmac::sign(&key, format!("{body}{moment}").as_bytes()));
    let mut request = Request::new(http::Method::POST, endpoint(subject, facts, proof, scope)?);
    for (name, value) in [
        ("appkey", subject.app.client_id.as_str()),
        ("timestamp", &moment),
        ("sign", &sign),
        (ACCEPT.as_str(), "application/json"),
        ("user-agent", USER_AGENT),
        ("content-type", "application/json"),
    ] {
        request = request.header(name, value).map_err(unreachable(what))?;
    }
    if !body.is_empty() {
        request = request.body("application/json", body);
    }
    let reply = send(egress, what, request).await?;
    read_tokens(&facts.reply, reply.body, reply.status, what, subject.now)
}

/// A gateway that speaks XML both ways.
async fn xml_gateway(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Facts,
    proof: Proof<'_>,
    scope: &Scope<'_>,
) -> Result<Tokens, Error> {
    let (what, fields) = match proof {
        Proof::Code(grant) => ("token", [("grant_type", "authorization_code"), ("code", grant.code)]),
        Proof::Refresh(token) => ("refresh", [("grant_type", "refresh_token"), ("refresh_token", token)]),
    };
    let fields: String = fields
        .iter()
        .map(|(name, value)| {
            let value = value.replace('&', "&amp;").replace('<', "&lt;");
            format!("<{name}>{value}</{name}>")
        })
        .collect();
    let app = subject.app;
    let pair = Zeroizing::new(format!("{}:{}", app.client_id, app.client_secret.expose()));
    let mut request = Request::new(http::Method::POST, endpoint(subject, facts, proof, scope)?)
        .timeout(CALL_TIMEOUT)
        .redirects(Redirects::Return)
        .body("application/xml", format!("<credentials>{fields}</credentials>"));
    for (name, value) in [
        (
            "authorization",
            format!("Basic {}", STANDARD.encode(pair.as_bytes())).as_str(),
        ),
        (ACCEPT.as_str(), "application/xml"),
        ("x-apiversion", "6"),
        ("user-agent", USER_AGENT),
    ] {
        request = request.header(name, value).map_err(unreachable(what))?;
    }
    let sent = Concealer::of_request(&request);
    let response = egress.send(request).await.map_err(unreachable(what))?;
    let status = response.status.as_u16();
    let text = Zeroizing::new(response.text(GATEWAY_BYTES_MAX).await.map_err(unreachable(what))?);
    let field = |name: &str| {
        [name.to_owned(), name.replace('_', "-")]
            .iter()
            .find_map(|name| element(&text, name))
    };
    let Some(access_token) = field("access_token").filter(|_| (200..300).contains(&status)) else {
        let body = json!({
            "error": sent.conceal(field("code").unwrap_or("error").to_owned()),
            "error_description": sent.conceal(field("message").unwrap_or_default().to_owned()),
        });
        return Err(refused(what, status, &body, ""));
    };
    let mut raw = Map::new();
    for name in ["access_token", "refresh_token", "token_type", "expires_at", "scope"] {
        if let Some(value) = field(name) {
            raw.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    }
    Ok(Tokens {
        access_token: Secret::new(access_token),
        refresh_token: field("refresh_token").map(Secret::new),
        expires_at: field("expires_at").and_then(|text| expiry::moment(&Value::String(text.to_owned()))),
        raw: SecretJson::new(Value::Object(raw)),
    })
}

/// The text of the first element with this name, attributes or not.
fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let open = format!("<{name}");
    let mut rest = xml;
    loop {
        let (_, after) = rest.split_once(&open)?;
        if after.starts_with(['>', ' ']) {
            let (_, inside) = after.split_once('>')?;
            return inside.split_once(&format!("</{name}>")).map(|(text, _)| text.trim());
        }
        rest = after;
    }
}

/// Trades a short token for a long one, right after the code. Entries name the grant of their *refresh*
/// (`ig_refresh_token`); that of the exchange is its sibling (`ig_exchange_token`), at the sibling path.
async fn long_lived(egress: &Egress, subject: &Subject<'_>, facts: &Facts, tokens: Tokens) -> Result<Tokens, Error> {
    let scope = Scope {
        token: Some(tokens.access_token.expose()),
        ..subject.scope()
    };
    let params = render_params(&facts.refresh.params, &scope)?;
    let grant = params.iter().find(|(name, _)| name == "grant_type");
    let family = grant
        .and_then(|(_, value)| value.as_str())
        .and_then(|grant| grant.strip_suffix("_refresh_token"));
    let (Some(family), Some(url)) = (family, &facts.refresh.url) else {
        return Ok(tokens);
    };
    let mut url = subject.endpoint("token", url, url_values(facts), &scope)?;
    url.set_path("/access_token");
    url.query_pairs_mut()
        .append_pair("grant_type", &format!("{family}_exchange_token"))
        .append_pair("client_secret", subject.app.client_secret.expose())
        .append_pair("access_token", tokens.access_token.expose());
    match get(egress, "token", url).await {
        Ok(reply) => {
            let mut long = read_tokens(&facts.reply, reply.body, reply.status, "token", subject.now)?;
            keep_fields(&mut long, &tokens);
            Ok(long)
        }
        // The short token works all the same, for an hour.
        Err(error) => {
            tracing::warn!(provider = %subject.provider.id, %error, "a short-lived token was not traded for a long-lived one");
            Ok(Tokens {
                expires_at: tokens.expires_at.or_else(|| Some(subject.now.plus(SHORT_LIFE))),
                ..tokens
            })
        }
    }
}

/// Fields of the first reply that the second lacks (a user id) stay readable.
fn keep_fields(long: &mut Tokens, short: &Tokens) {
    let mut raw = long.raw.expose().clone();
    if let (Value::Object(fields), Value::Object(first)) = (&mut raw, short.raw.expose()) {
        for (name, value) in first {
            fields.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    long.raw = SecretJson::new(raw);
}

/// Lengthens a long-lived token: everything is in the query, with GET where there is an endpoint for it.
async fn extend(egress: &Egress, subject: &Subject<'_>, facts: &Facts, scope: &Scope<'_>) -> Result<Tokens, Error> {
    let what = "refresh";
    let mut url = endpoint(subject, facts, Proof::Refresh(""), scope)?;
    let params = render_params(&facts.refresh.params, scope)?;
    for (name, value) in &params {
        url.query_pairs_mut()
            .append_pair(name, value.as_str().unwrap_or_default());
    }
    let reply = if facts.refresh.url.is_some() {
        get(egress, what, url).await?
    } else {
        url.query_pairs_mut()
            .append_pair("client_id", &subject.app.client_id)
            .append_pair("client_secret", subject.app.client_secret.expose());
        let request = Request::new(http::Method::POST, url)
            .header(ACCEPT.as_str(), "application/json")
            .and_then(|request| request.header("user-agent", USER_AGENT))
            .map_err(unreachable(what))?;
        send(egress, what, request).await?
    };
    read_tokens(&facts.reply, reply.body, reply.status, what, subject.now)
}

async fn get(egress: &Egress, what: &'static str, url: Url) -> Result<Reply, Error> {
    let request = Request::new(http::Method::GET, url)
        .header(ACCEPT.as_str(), "application/json")
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(unreachable(what))?;
    send(egress, what, request).await
}

/// Logs in with the token: what calls carry is the session's token, to the address that the login names.
async fn session_login(egress: &Egress, subject: &Subject<'_>, tokens: Tokens) -> Result<Tokens, Error> {
    let what = "session";
    let mut url = Url::parse(SESSION_LOGIN_URL).map_err(|_| Error::InvalidUrl { what })?;
    url.query_pairs_mut()
        .append_pair("version", "*")
        .append_pair("access_token", tokens.access_token.expose())
        .append_pair("ttl", &SESSION_MINUTES.to_string());
    let reply = get(egress, what, url).await?;
    let body = reply.body.expose();
    let session = body
        .get("BhRestToken")
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty())
        .ok_or(Error::NoToken {
            what,
            status: reply.status,
        })?;
    let mut raw = tokens.raw.expose().clone();
    if let (Value::Object(fields), Some(rest)) = (&mut raw, body.get("restUrl").and_then(Value::as_str)) {
        fields.insert(
            "restUrl".to_owned(),
            Value::String(rest.trim_end_matches('/').to_owned()),
        );
    }
    Ok(Tokens {
        access_token: Secret::new(session),
        refresh_token: tokens.refresh_token,
        expires_at: Some(subject.now.plus(Duration::from_secs(SESSION_MINUTES * 60))),
        raw: SecretJson::new(raw),
    })
}
