//! What the host may answer.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A successful answer.
#[derive(Debug, Clone, PartialEq)]
pub enum HostReply {
    /// Done, nothing to say.
    Unit,
    /// Yes or no.
    Bool(bool),
    /// Any value as JSON text.
    Json(String),
    /// An HTTP exchange that produced a response, whatever its status.
    Http(HttpReply),
}

/// An HTTP response.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HttpReply {
    /// Status code.
    pub status: u16,
    /// Reason phrase, may be empty.
    pub status_text: String,
    /// Headers, names in lower case; repeated names are joined by the isolate (`set-cookie` as a list).
    pub headers: Vec<(String, String)>,
    /// Address that answered, after redirects.
    pub url: Option<String>,
    /// Decoded body.
    #[serde(skip)]
    pub body: Bytes,
}

/// How a refused or failed call looks to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostErrorKind {
    /// `new Error(message)`.
    Plain,
    /// An Axios error; with `upstream` it has a `response`, without it is a network error with `code`.
    Axios,
    /// An SDK error with `code` and `payload`, e.g. `script_aborted`, `execution_interrupted`,
    /// `unknown_provider_template_in_config`.
    Sdk,
    /// An `ActionError` with `payload` (refusals of `uncontrolledFetch`).
    Action,
}

/// A failed answer. Build it with the constructors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
#[error("{message}")]
pub struct HostError {
    /// Class of error to throw in the isolate.
    pub kind: HostErrorKind,
    /// `ECONNREFUSED`, `checkpoint_conflict`, …
    pub code: Option<String>,
    /// Text of the error.
    pub message: String,
    /// Payload as JSON text (SDK and action errors).
    #[serde(skip)]
    pub payload_json: Option<String>,
    /// True when our own API refused the call (not the provider): a 429 then maps to
    /// `script_api_rate_limit_error`.
    pub platform: bool,
    /// Response that caused an Axios error.
    #[serde(skip)]
    pub upstream: Option<Box<UpstreamResponse>>,
}

/// Response part of an Axios-shaped host error.
pub type UpstreamResponse = HttpReply;

impl HostError {
    /// An error without structure, thrown as `Error(message)`.
    pub fn plain(message: impl Into<String>) -> Self {
        Self::new(HostErrorKind::Plain, message)
    }

    /// A network failure with an Axios-style code such as `ECONNREFUSED` or `ETIMEDOUT`.
    pub fn network(code: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(HostErrorKind::Axios, message);
        error.code = Some(code.into());
        error
    }

    /// Our own API's refusal in Axios shape, as `getConnection` and friends fail with.
    pub fn platform(status: u16, body_json: impl Into<String>) -> Self {
        let mut error = Self::new(
            HostErrorKind::Axios,
            format!("Request failed with status code {status}"),
        );
        error.platform = true;
        error.upstream = Some(Box::new(HttpReply {
            status,
            headers: vec![("content-type".into(), "application/json; charset=utf-8".into())],
            body: Bytes::from(body_json.into()),
            ..HttpReply::default()
        }));
        error
    }

    /// An SDK error: `code` is its type when it leaves the run.
    pub fn sdk(code: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(HostErrorKind::Sdk, message);
        error.code = Some(code.into());
        error
    }

    /// An `ActionError` carrying `payload_json`.
    pub fn action(payload_json: impl Into<String>) -> Self {
        let mut error = Self::new(HostErrorKind::Action, "");
        error.payload_json = Some(payload_json.into());
        error
    }

    /// Adds a payload (JSON text) to an SDK error.
    #[must_use]
    pub fn with_payload(mut self, payload_json: impl Into<String>) -> Self {
        self.payload_json = Some(payload_json.into());
        self
    }

    fn new(kind: HostErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            payload_json: None,
            platform: false,
            upstream: None,
        }
    }
}
