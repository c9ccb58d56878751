//! Looking up values after connecting: the catalogue's recipes for "which account is this?".

use bytes::Bytes;
use serde_json::{Map, Value};
use tenon_catalog::provider::{Capture, CaptureFrom, Pick};
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::Rng;
use url::Url;

use crate::apply::{self, Opened, Outgoing};
use crate::conceal::Concealer;
use crate::credentials::Credentials;
use crate::error::Error;
use crate::material::at_path;
use crate::modes::jwt::unverified_claims;
use crate::subject::{Subject, USER_AGENT, render_error};
use crate::token_call::{CALL_TIMEOUT, refused};

const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Runs one recipe. `None` when there is nothing to save: the value is there already, or the provider has none.
///
/// # Errors
/// When the provider refuses or cannot be reached.
#[tenon_model::boxed]
pub async fn run(
    egress: &Egress,
    subject: &Subject<'_>,
    opened: &Opened,
    recipe: &Capture,
    rng: &dyn Rng,
) -> Result<Option<(String, Value)>, Error> {
    let known = subject
        .config
        .get(&recipe.save_as)
        .is_some_and(|value| value != "" && !value.is_null());
    if recipe.unless_set && known {
        return Ok(None);
    }
    let source = match &recipe.from {
        CaptureFrom::TokenReply => raw(&opened.credentials).cloned(),
        CaptureFrom::AccessTokenClaims => opened
            .credentials
            .token()
            .and_then(unverified_claims)
            .map(Value::Object),
        CaptureFrom::IdTokenClaims => raw(&opened.credentials)
            .and_then(|raw| raw.get("id_token"))
            .and_then(Value::as_str)
            .and_then(unverified_claims)
            .map(Value::Object),
        CaptureFrom::Call {
            method,
            url,
            headers,
            body,
        } => {
            let scope = apply::scope(subject, opened);
            let body = body
                .as_ref()
                .map(|body| body.render(&scope))
                .transpose()
                .map_err(render_error)?;
            let extra: Vec<(String, String)> = headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.render(&scope).map_err(render_error)?)))
                .collect::<Result<_, Error>>()?;
            let url = url.render(&scope).map_err(render_error)?;
            let request = Call {
                headers: &extra,
                body,
                ..Call::new(method.as_str(), &url)
            };
            Some(call(egress, subject, opened, request, rng).await?)
        }
    };
    let applies = |source: &&Value| {
        recipe
            .when
            .as_ref()
            .is_none_or(|(path, wanted)| at_path(source, path).is_some_and(|found| equals(found, wanted)))
    };
    Ok(source
        .as_ref()
        .filter(applies)
        .and_then(|source| find(recipe, source))
        .map(|value| (recipe.save_as.clone(), value)))
}

fn raw(credentials: &Credentials) -> Option<&Value> {
    match credentials {
        Credentials::OAuth2(held) => Some(held.raw.expose()),
        Credentials::ClientCredentials(held) => Some(held.raw.expose()),
        Credentials::TwoStep(held) => Some(held.raw.expose()),
        _ => None,
    }
}

/// A call with the connection's credentials.
#[derive(Debug, Clone)]
pub(crate) struct Call<'a> {
    /// Upper-case method.
    pub(crate) method: &'a str,
    /// Path below the base URL, or an absolute URL.
    pub(crate) url: &'a str,
    /// Further headers; they replace those of the credentials.
    pub(crate) headers: &'a [(String, String)],
    /// JSON body.
    pub(crate) body: Option<Value>,
}

impl<'a> Call<'a> {
    pub(crate) fn new(method: &'a str, url: &'a str) -> Self {
        Self {
            method,
            url,
            headers: &[],
            body: None,
        }
    }
}

pub(crate) async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    opened: &Opened,
    call: Call<'_>,
    rng: &dyn Rng,
) -> Result<Value, Error> {
    let Call {
        method,
        url: target,
        headers: extra,
        body,
    } = call;
    let what = "account";
    let absolute = target.starts_with("https://") || target.starts_with("http://");
    let url = if absolute {
        target.to_owned()
    } else {
        let base = apply::base_url(subject, opened)?.ok_or(Error::Missing {
            what: "base URL".to_owned(),
        })?;
        format!("{}/{}", base.trim_end_matches('/'), target.trim_start_matches('/'))
    };
    let url = Url::parse(&url).map_err(|_| Error::InvalidUrl { what })?;
    let text = body.as_ref().map(Value::to_string).unwrap_or_default();
    let outgoing = Outgoing {
        method,
        url: &url,
        endpoint: url.path(),
        body: &text,
        content_type: if text.is_empty() { "" } else { "application/json" },
    };
    let headers = apply::headers(subject, opened, &outgoing, rng)?;
    let secret_headers = headers.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    let unreachable = |source| Error::Unreachable { what, source };
    let http_method = http::Method::from_bytes(method.as_bytes()).unwrap_or(http::Method::GET);
    let mut request = Request::new(http_method, url.clone())
        .timeout(CALL_TIMEOUT)
        .redirects(Redirects::Follow {
            max: 5,
            secret_headers,
            forward_headers: false,
        })
        .header("accept", "application/json")
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(unreachable)?;
    for (name, value) in &headers {
        request = request.header(name, value.expose()).map_err(unreachable)?;
    }
    for (name, value) in extra {
        request = request.header(name, value).map_err(unreachable)?;
    }
    if !text.is_empty() {
        request = request.body("application/json", Bytes::from(text));
    }
    let sent = Concealer::of_request(&request);
    let response = egress.send(request).await.map_err(unreachable)?;
    let status = response.status.as_u16();
    let text = response.text(ANSWER_BYTES_MAX).await.map_err(unreachable)?;
    let value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if (200..300).contains(&status) {
        Ok(value)
    } else {
        let told = sent.conceal(text);
        let value = serde_json::from_str(&told).unwrap_or(Value::Null);
        Err(refused(what, status, &value, &told))
    }
}

fn find(recipe: &Capture, source: &Value) -> Option<Value> {
    // A list on the way is narrowed to one element; the rest of the path goes on from there.
    let mut current = source;
    let mut rest = recipe.path.as_str();
    loop {
        if let Value::Array(items) = current
            && rest.split('.').next().is_none_or(|part| part.parse::<usize>().is_err())
        {
            current = pick(&recipe.pick, items)?;
        }
        if rest.is_empty() {
            break;
        }
        if let Some(found) = current.get(rest) {
            current = found;
            rest = "";
            continue;
        }
        let (head, tail) = rest.split_once('.').unwrap_or((rest, ""));
        current = at_path(current, head)?;
        rest = tail;
    }
    let found = match current {
        Value::String(text) => Value::String(match &recipe.regex {
            Some(pattern) => pattern.first_group(text)?.to_owned(),
            None => text.clone(),
        }),
        Value::Number(number) => match &recipe.regex {
            Some(pattern) => Value::String(pattern.first_group(&number.to_string())?.to_owned()),
            None => current.clone(),
        },
        Value::Bool(_) => current.clone(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    Some(found)
}

fn pick<'a>(pick: &Pick, items: &'a [Value]) -> Option<&'a Value> {
    match pick {
        Pick::First => items.first(),
        Pick::Only => match items {
            [only] => Some(only),
            _ => None,
        },
        Pick::Where(field, text) => items
            .iter()
            .find(|item| at_path(item, field).is_some_and(|found| equals(found, text))),
    }
}

fn equals(found: &Value, wanted: &str) -> bool {
    match found {
        Value::String(found) => found == wanted,
        Value::Null => false,
        found => found.to_string().as_str() == wanted,
    }
}

/// Merges what recipes found into the connection's values.
pub fn merge(config: &mut Map<String, Value>, found: Vec<(String, Value)>) -> bool {
    let mut changed = false;
    for (name, value) in found {
        if config.get(&name) != Some(&value) {
            config.insert(name, value);
            changed = true;
        }
    }
    changed
}
