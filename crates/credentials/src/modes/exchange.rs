//! Exchanging what the user typed for a token, by one request or several.

use std::time::Duration;

use http::header::{ACCEPT, SET_COOKIE};
use serde_json::{Map, Value};
use tenon_catalog::provider::{Exchange, ExchangeStep, ExpiryKind, Method};
use tenon_catalog::template::{JsonTemplate, RenderError, Scope, Template};
use tenon_egress::{Egress, Request};
use tenon_model::{Secret, Timestamp};

use super::{assertion, jwt};
use crate::credentials::TwoStep;
use crate::error::Error;
use crate::expiry;
use crate::material::{Fields, SecretJson, at_path};
use crate::subject::{Subject, USER_AGENT, UrlValues, render_error};
use crate::token_call::{Reply, encode_exchange, send};

/// A token that is a JWT is renewed this long before its own end when the reply states none.
const JWT_MARGIN: Duration = Duration::from_secs(15 * 60);
/// Credential field that holds joined session cookies.
const COOKIES: &str = "_cookies";

/// Runs the exchange with what the user typed. `once` are inputs that are used for this call and never stored.
///
/// # Errors
/// When the provider refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn request(
    egress: &Egress,
    subject: &Subject<'_>,
    held: &TwoStep,
    once: Option<&Map<String, Value>>,
) -> Result<TwoStep, Error> {
    let facts = subject.provider.exchange.as_ref().ok_or(Error::Unsupported {
        what: "a token exchange",
    })?;
    let signed = match &facts.signed_jwt {
        Some(declared) => Some(jwt::signed(declared, subject, &held.inputs)?.0),
        None => None,
    };
    let mut inputs = merged_inputs(subject, held);
    let assertion = match &facts.assertion {
        Some(declared) => Some(assertion::obtain(declared, subject, &inputs, once)?),
        None => None,
    };
    let mut replies: Vec<Value> = Vec::new();
    let mut last: Option<Reply> = None;
    for (index, step) in std::iter::once(&facts.first).chain(&facts.then).enumerate() {
        let scope = Scope {
            cred: Some(inputs.expose()),
            once,
            signed_jwt: signed.as_ref().map(Secret::expose),
            assertion: assertion.as_ref().map(Secret::expose),
            steps: &replies,
            ..subject.scope()
        };
        let reply = call(egress, subject, facts, step, index, &scope).await?;
        keep_headers(facts, &reply, &mut inputs);
        replies.push(reply.body.expose().clone());
        last = Some(reply);
    }
    let reply = last.ok_or(Error::Unsupported {
        what: "an exchange without requests",
    })?;
    let mut stored = stored_inputs(held, &inputs);
    if let Some(assertion) = assertion {
        stored.set(assertion::FIELD, Value::String(assertion.expose().to_owned()));
    }
    read(facts, reply, stored, subject.now)
}

/// Renews a token: with the stored refresh token where the entry says how, else by exchanging again.
///
/// # Errors
/// As [`request`].
#[tenon_model::boxed]
pub async fn refresh(egress: &Egress, subject: &Subject<'_>, held: &TwoStep) -> Result<TwoStep, Error> {
    let facts = subject.provider.exchange.as_ref().ok_or(Error::Unsupported {
        what: "a token exchange",
    })?;
    let (Some(declared), Some(token)) = (&facts.refresh, &held.refresh_token) else {
        return request(egress, subject, held, None).await;
    };
    let inputs = merged_inputs(subject, held);
    let scope = Scope {
        cred: Some(inputs.expose()),
        refresh_token: Some(token.expose()),
        token: held.token.as_ref().map(Secret::expose),
        ..subject.scope()
    };
    let step = ExchangeStep {
        method: Method::Post,
        url: declared.url.clone().unwrap_or_else(|| facts.first.url.clone()),
        headers: if declared.headers.is_empty() {
            facts.first.headers.clone()
        } else {
            declared.headers.clone()
        },
        params: if declared.params.is_empty() {
            facts.first.params.clone()
        } else {
            declared.params.clone()
        },
    };
    let reply = call(egress, subject, facts, &step, 0, &scope).await?;
    let mut fresh = read(facts, reply, held.inputs.clone(), subject.now)?;
    fresh.refresh_token = fresh.refresh_token.or_else(|| held.refresh_token.clone());
    Ok(fresh)
}

/// The user's values under those of the integration, which win and are never stored with the connection.
fn merged_inputs(subject: &Subject<'_>, held: &TwoStep) -> Fields {
    let mut inputs = held.inputs.clone();
    for field in &subject.provider.inputs.integration_config {
        if let Some(value) = subject
            .app
            .values
            .expose()
            .get(&field.name)
            .filter(|value| *value != "")
        {
            inputs.set(&field.name, value.clone());
        }
    }
    for field in &subject.provider.inputs.credentials {
        if let (Some(default), None) = (&field.default, inputs.expose().get(&field.name)) {
            inputs.set(&field.name, Value::String(default.clone()));
        }
    }
    inputs
}

/// What is stored: what the user typed, and what was kept from response headers.
fn stored_inputs(held: &TwoStep, used: &Fields) -> Fields {
    let mut stored = held.inputs.clone();
    if let Some(cookies) = used.expose().get(COOKIES) {
        stored.set(COOKIES, cookies.clone());
    }
    for (name, value) in used.expose() {
        if name.starts_with("header.") {
            stored.set(name, value.clone());
        }
    }
    stored
}

async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    facts: &Exchange,
    step: &ExchangeStep,
    index: usize,
    scope: &Scope<'_>,
) -> Result<Reply, Error> {
    let what = "token";
    let values = if index == 0 {
        UrlValues::Encoded
    } else {
        UrlValues::Plain
    };
    let url = subject.endpoint(what, &step.url, values, scope)?;
    let params = rendered(&step.params, scope)?;
    let unreachable = |source| Error::Unreachable { what, source };
    let mut request = match step.method {
        Method::Get => Request::new(http::Method::GET, url),
        other => {
            let method = http::Method::from_bytes(other.as_str().as_bytes()).unwrap_or(http::Method::POST);
            let (content_type, body) = encode_exchange(facts.body, &params);
            Request::new(method, url).body(content_type, body)
        }
    };
    request = request
        .header(ACCEPT.as_str(), "application/json")
        .map_err(unreachable)?;
    request = request.header("user-agent", USER_AGENT).map_err(unreachable)?;
    for (name, value) in headers(&step.headers, scope)? {
        request = request.header(&name, &value).map_err(unreachable)?;
    }
    send(egress, what, request).await
}

fn rendered(params: &[(String, JsonTemplate)], scope: &Scope<'_>) -> Result<Vec<(String, Value)>, Error> {
    crate::subject::render_params(params, scope)
}

fn headers(declared: &[(String, Template)], scope: &Scope<'_>) -> Result<Vec<(String, String)>, Error> {
    let mut rendered = Vec::with_capacity(declared.len());
    for (name, template) in declared {
        match template.render(scope) {
            Ok(value) => rendered.push((name.clone(), value)),
            Err(RenderError::Missing(_)) => {}
            Err(error) => return Err(render_error(error)),
        }
    }
    Ok(rendered)
}

fn keep_headers(facts: &Exchange, reply: &Reply, inputs: &mut Fields) {
    for name in &facts.keep_headers {
        let values: Vec<&str> = reply
            .headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect();
        if values.is_empty() {
            continue;
        }
        if name.eq_ignore_ascii_case(SET_COOKIE.as_str()) {
            let pairs: Vec<&str> = values
                .iter()
                .filter_map(|cookie| cookie.split(';').next())
                .map(str::trim)
                .collect();
            inputs.set(COOKIES, Value::String(pairs.join("; ")));
        } else {
            inputs.set(&format!("header.{name}"), Value::String(values.join(", ")));
        }
    }
}

fn read(facts: &Exchange, reply: Reply, inputs: Fields, now: Timestamp) -> Result<TwoStep, Error> {
    let body = reply.body.expose();
    let found = if facts.token_path.is_empty() {
        Some(body)
    } else {
        at_path(body, &facts.token_path)
    };
    let token = match found {
        Some(Value::String(text)) if !text.is_empty() => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => {
            return Err(Error::NoToken {
                what: "token",
                status: reply.status,
            });
        }
    };
    let refresh_token = facts
        .refresh_token_path
        .as_ref()
        .and_then(|path| at_path(body, path))
        .and_then(Value::as_str)
        .map(Secret::new);
    let stated = facts.expires.as_ref().and_then(|(path, kind)| {
        let value = at_path(body, path)?;
        match kind {
            ExpiryKind::Relative => expiry::after(value, false, now),
            ExpiryKind::Absolute => expiry::moment(value),
        }
    });
    let fixed = facts
        .lifetime
        .filter(|lasts| !lasts.is_zero())
        .map(|lasts| now.plus(lasts));
    let own = jwt::unverified_claims(&token)
        .and_then(|claims| claims.get("exp").and_then(expiry::moment))
        .map(|end| end.minus(JWT_MARGIN));
    let expires_at = stated.or(match (fixed, own) {
        (Some(fixed), Some(own)) => Some(fixed.min(own)),
        (fixed, own) => fixed.or(own),
    });
    let raw = SecretJson::new(body.clone());
    Ok(TwoStep {
        token: Some(Secret::new(token)),
        refresh_token,
        expires_at,
        raw,
        inputs,
    })
}
