//! What a call leaves in the operations log.

use std::time::Duration;

use http::HeaderMap;
use tenon_egress::{Error as EgressError, Response};
use tenon_model::EnvironmentId;
use url::Url;

use super::call::{LogTo, ProxyCall};
use crate::operations::{HttpExchange, Kind, Level, OperationHandle, Outcome, Subject};
use crate::{App, Result};

/// Shapes of values that a run keeps secret; schemes that sign each request would add to them without end.
const KEPT_MAX: usize = 256;

/// The log of one call: an operation of its own, or messages of somebody else's.
pub(super) struct CallLog {
    handle: OperationHandle,
    own: bool,
}

/// One attempt as it is logged.
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: bytes::Bytes,
    pub(super) secrets: Vec<String>,
    pub(super) number: u32,
    pub(super) took: Duration,
}

impl CallLog {
    pub(super) fn start(app: &App, environment: EnvironmentId, call: &ProxyCall) -> Self {
        match &call.log {
            LogTo::Operation(handle) => Self {
                handle: handle.clone(),
                own: false,
            },
            LogTo::Own => {
                let path = call.endpoint.split('?').next().unwrap_or_default();
                let subject = Subject {
                    title: format!("{} {path}", call.method),
                    integration: Some(call.integration.clone()),
                    connection: Some(call.connection.clone()),
                    ..Subject::default()
                };
                Self {
                    handle: app.operations().start(environment, Kind::Proxy, "call", subject),
                    own: true,
                }
            }
        }
    }

    /// An attempt that was answered; `body` is what is kept of an answer that tells of a failure.
    pub(super) fn answered(&self, sent: &Sent, response: &Response, body: &[u8]) {
        self.keep(sent);
        let secrets: Vec<&str> = sent.secrets.iter().map(String::as_str).collect();
        let failed = response.status.as_u16() >= 400;
        self.handle.http(&HttpExchange {
            status: Some(response.status.as_u16()),
            response_headers: Some(&response.headers),
            response_body: (!body.is_empty()).then_some(body),
            request_body: (failed && !sent.body.is_empty()).then_some(&sent.body),
            ..sent.exchange(&secrets)
        });
    }

    /// An attempt that was not answered.
    pub(super) fn failed(&self, sent: &Sent, error: &EgressError) {
        self.keep(sent);
        let secrets: Vec<&str> = sent.secrets.iter().map(String::as_str).collect();
        let text = error.to_string();
        self.handle.http(&HttpExchange {
            error: Some((error.code(), &text)),
            request_body: (!sent.body.is_empty()).then_some(&sent.body),
            ..sent.exchange(&secrets)
        });
    }

    /// What a function's request carried must not come back through its errors; its run outlives this call.
    fn keep(&self, sent: &Sent) {
        if !self.own {
            self.handle.keep_secret(|known| {
                let room = known.len() < KEPT_MAX;
                sent.secrets
                    .iter()
                    .filter(|_| room)
                    .for_each(|secret| known.add(secret));
            });
        }
    }

    /// Why the call is, or is not, repeated.
    pub(super) fn note(&self, text: String) {
        self.handle.log(Level::Warn, text, None);
    }

    /// How long the call was held back by the rate governor.
    pub(super) fn held_back(&self, waited: Duration) {
        if waited >= Duration::from_millis(100) {
            let text = format!(
                "held back {} ms to stay within the provider's quota",
                waited.as_millis()
            );
            self.handle.log(Level::Info, text, None);
        }
    }

    /// The end of a call: what the caller gets.
    pub(super) fn finish(&self, result: &Result<super::Outcome>) {
        if !self.own {
            return;
        }
        self.handle.finish(match result {
            Ok(super::Outcome::Answered(response)) if response.status.as_u16() >= 400 => {
                let status = response.status.as_u16();
                Outcome::failed(
                    format!("http_{status}"),
                    format!("The provider answered with status {status}"),
                )
            }
            Ok(super::Outcome::Answered(_)) => Outcome::Success,
            Ok(super::Outcome::Failed(error)) => {
                Outcome::failed(error.code(), format!("The provider gave no answer: {error}"))
            }
            Err(_) => Outcome::of(result),
        });
    }
}

impl Sent {
    fn exchange<'a>(&'a self, secrets: &'a [&'a str]) -> HttpExchange<'a> {
        HttpExchange {
            method: &self.method,
            url: self.url.as_str(),
            request_headers: &self.headers,
            request_body: None,
            status: None,
            response_headers: None,
            response_body: None,
            response_bytes: None,
            duration: self.took,
            attempt: self.number,
            error: None,
            secrets,
        }
    }
}
