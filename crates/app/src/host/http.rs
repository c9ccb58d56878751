//! Requests to the outside: authenticated ones through the proxy, plain ones through the way out.

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;
use std::time::Duration;
use tenon_egress::{Body, Error as EgressError, Redirects, Request};
use tenon_runtime::Kind;
use tenon_runtime::protocol::{FetchCall, HostError, HostReply, HttpCall};
use url::Url;

use super::{Answer, RunHost};
use crate::proxy::{LogTo, Outcome, PATIENCE, ProxyCall, reply};

/// Largest answer that a function gets; also below what crosses into the sandbox.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// How long a sync waits for room in a provider's quota: it has a day, and its checkpoint waits with it.
const SYNC_PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Limit of a plain request.
const FETCH_WITHIN: Duration = Duration::from_secs(5 * 60);

impl RunHost {
    #[tenon_model::boxed]
    pub(super) async fn http(&self, call: HttpCall) -> Answer {
        let base = call.base_url_override.clone();
        let made = ProxyCall::from_function(call, self.integration(), self.connection(), self.app.rng());
        let mut made = made.map_err(|error| self.refused(&error))?;
        made.log = LogTo::Operation(self.subject.operation.clone());
        made.patience = match self.kind {
            Kind::Sync => SYNC_PATIENCE,
            Kind::Action | Kind::OnEvent | Kind::Webhook => PATIENCE,
        };
        match self.app.proxy(&self.caller, made).await {
            Ok(Outcome::Answered(response)) => {
                let answer = reply(*response, ANSWER_BYTES_MAX).await;
                answer
                    .map(HostReply::Http)
                    .map_err(|error| network(&error, base.as_deref()))
            }
            Ok(Outcome::Failed(error)) => Err(network(&error, base.as_deref())),
            Err(error) => Err(self.refused(&error)),
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn fetch(&self, call: FetchCall) -> Answer {
        let refuse =
            |code: &str, message: String| HostError::action(json!({ "code": code, "message": message }).to_string());
        let url = Url::parse(&call.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"));
        let url = url.ok_or_else(|| refuse("url_not_allowed", format!("{} is not an HTTP address", call.url)))?;
        let method = Method::from_bytes(call.method.as_bytes())
            .map_err(|_| HostError::plain(format!("{} is not a method", call.method)))?;
        let mut headers = HeaderMap::with_capacity(call.headers.len());
        for (name, value) in &call.headers {
            let header = HeaderName::try_from(name.as_str())
                .ok()
                .zip(HeaderValue::from_str(value).ok());
            let (name, value) = header.ok_or_else(|| HostError::plain(format!("The header {name} cannot be sent")))?;
            headers.append(name, value);
        }
        let mut request = Request::new(method, url);
        request.headers = headers;
        if let Some(body) = call.body {
            request.body = Body::Bytes(body.into());
        }
        request.timeout = Some(FETCH_WITHIN);
        request.redirects = Redirects::default();
        let sent = self.app.egress().send(request).await;
        let answer = match sent {
            Ok(response) => reply(response, ANSWER_BYTES_MAX).await,
            Err(error) => Err(error),
        };
        // All others were followed.
        if let Ok(answer) = &answer
            && matches!(answer.status, 301 | 302 | 303 | 307 | 308)
            && let Some((_, location)) = answer.headers.iter().find(|(name, _)| name == "location")
        {
            return Err(refuse(
                "invalid_redirect",
                format!("the redirect to {location} cannot be followed"),
            ));
        }
        answer.map(HostReply::Http).map_err(|error| match &error {
            EgressError::Refused { .. } => refuse("url_not_allowed", error.to_string()),
            EgressError::TooManyRedirects { .. } => refuse("too_many_redirects", error.to_string()),
            EgressError::BodyNotReplayable { .. } => refuse("invalid_redirect", error.to_string()),
            _ => network(&error, None),
        })
    }
}

/// A failure without an answer, in the words that functions know from Node.
fn network(error: &EgressError, base: Option<&str>) -> HostError {
    let message = match error {
        EgressError::Connect { host, code, .. } => {
            let base = base
                .and_then(|base| Url::parse(base).ok())
                .filter(|url| url.host_str() == Some(host.as_str()));
            match base.and_then(|url| url.port_or_known_default()) {
                Some(port) => format!("connect {code} {host}:{port}"),
                None => format!("connect {code} {host}"),
            }
        }
        other => other.to_string(),
    };
    HostError::network(error.code(), message)
}
