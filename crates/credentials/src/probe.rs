//! The call that proves credentials, where the catalogue declares one.

pub(crate) mod reason;

use bytes::Bytes;
use serde_json::{Map, Value};
use tenon_catalog::provider::{Probe, ProbeCheck};
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::Rng;
use url::Url;

use crate::apply::{self, Opened, Outgoing};
use crate::error::Error;
use crate::hooks;
use crate::material::at_path;
use crate::subject::{Subject, USER_AGENT, render_error, render_params};
use crate::token_call::CALL_TIMEOUT;
use reason::reason;

/// Enough of an answer to judge it.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The provider accepts the credentials, or nothing is declared that could tell.
    Good,
    /// It does not; the status of the last answer, if there was one.
    Bad {
        /// HTTP status of the last answer.
        status: Option<u16>,
        /// What the last answer says, one short sentence without the credentials.
        reason: Option<String>,
    },
}

/// Tries every endpoint of the entry's probe until one answers well. Failures of the network count as bad: credentials
/// that could not be proved are not stored.
///
/// # Errors
/// When the request cannot be built from the values at hand.
#[tenon_model::boxed]
pub async fn verify(egress: &Egress, subject: &Subject<'_>, opened: &Opened, rng: &dyn Rng) -> Result<Outcome, Error> {
    if let Some(outcome) = hooks::verify::run(egress, subject, opened, rng).await? {
        return Ok(outcome);
    }
    let Some(api) = &subject.provider.api else {
        return Ok(Outcome::Good);
    };
    let Some(probe) = &api.verification else {
        return Ok(Outcome::Good);
    };
    let scope = apply::scope(subject, opened);
    let base = match &probe.base_url {
        Some(template) => Some(template.render_base_url(&scope).map_err(render_error)?),
        None => apply::base_url(subject, opened)?,
    };
    let base = base.ok_or(Error::Missing {
        what: "base URL".to_owned(),
    })?;
    let (mut last, mut said) = (None, None);
    for endpoint in &probe.endpoints {
        let path = endpoint.path.render(&scope).map_err(render_error)?;
        let url = format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'));
        let url = Url::parse(&url).map_err(|_| Error::InvalidUrl { what: "verification" })?;
        match call(egress, subject, opened, probe, url, rng).await? {
            Outcome::Good => return Ok(Outcome::Good),
            Outcome::Bad { status, reason } => {
                last = status.or(last);
                said = reason.or(said);
            }
        }
    }
    Ok(Outcome::Bad {
        status: last,
        reason: said,
    })
}

async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    opened: &Opened,
    probe: &Probe,
    mut url: Url,
    rng: &dyn Rng,
) -> Result<Outcome, Error> {
    let additions = apply::query(subject, opened)?;
    if !additions.is_empty() {
        url.query_pairs_mut()
            .extend_pairs(additions.iter().map(|(name, value)| (name, value)));
    }
    let scope = apply::scope(subject, opened);
    let mut fields = render_params(&probe.body, &scope)?;
    fields.extend(apply::body(subject, opened)?);
    let body = if fields.is_empty() {
        String::new()
    } else {
        Value::Object(fields.into_iter().collect::<Map<_, _>>()).to_string()
    };
    let outgoing = Outgoing {
        method: probe.method.as_str(),
        url: &url,
        endpoint: url.path(),
        body: &body,
        content_type: if body.is_empty() { "" } else { "application/json" },
    };
    let headers = apply::headers(subject, opened, &outgoing, rng)?;
    let method = http::Method::from_bytes(probe.method.as_str().as_bytes()).unwrap_or(http::Method::GET);
    let secret_headers = headers.iter().filter_map(|(name, _)| name.parse().ok()).collect();
    let follow = Redirects::Follow {
        max: 5,
        secret_headers,
        forward_headers: false,
    };
    let mut request = Request::new(method, url.clone())
        .timeout(CALL_TIMEOUT)
        .redirects(follow);
    let invalid = |source| Error::Unreachable {
        what: "verification",
        source,
    };
    request = request
        .header("accept", "application/json, text/plain, */*")
        .map_err(invalid)?;
    request = request.header("user-agent", USER_AGENT).map_err(invalid)?;
    for (name, value) in &headers {
        request = request.header(name, value.expose()).map_err(invalid)?;
    }
    for (name, template) in &probe.headers {
        let value = template.render(&scope).map_err(render_error)?;
        request = request.header(name, &value).map_err(invalid)?;
    }
    if !body.is_empty() {
        request = request.body("application/json", Bytes::from(body));
    }
    let response = match egress.send(request).await {
        Ok(response) => response,
        Err(error) => {
            tracing::debug!(provider = %subject.provider.id, %error, "a credential probe did not get through");
            return Ok(Outcome::Bad {
                status: None,
                reason: None,
            });
        }
    };
    let status = response.status.as_u16();
    let judged_by_text = probe.good.fail_if.is_some() || probe.good.requires.is_some();
    let well = good_status(&probe.good, status);
    let text = if judged_by_text || !well {
        response.text(ANSWER_BYTES_MAX).await.unwrap_or_default()
    } else {
        String::new()
    };
    if well && (!judged_by_text || good_body(&probe.good, &text)) {
        return Ok(Outcome::Good);
    }
    Ok(Outcome::Bad {
        status: Some(status),
        reason: reason(&text, &opened.credentials.secrets()),
    })
}

fn good_status(check: &ProbeCheck, status: u16) -> bool {
    match check.statuses.as_slice() {
        [] => (200..300).contains(&status),
        rules => rules.iter().any(|rule| rule.matches(status)),
    }
}

fn good_body(check: &ProbeCheck, text: &str) -> bool {
    if check.fail_if.as_ref().is_some_and(|bad| text.contains(bad.as_str())) {
        return false;
    }
    let Some((path, wanted)) = &check.requires else {
        return true;
    };
    let Ok(body) = serde_json::from_str::<Value>(text) else {
        return false;
    };
    match (at_path(&body, path), wanted) {
        (None | Some(Value::Null), _) => false,
        (Some(_), None) => true,
        (Some(Value::String(found)), Some(wanted)) => found == wanted,
        (Some(found), Some(wanted)) => found.to_string().as_str() == wanted.as_str(),
    }
}
