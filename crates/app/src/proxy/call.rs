//! What a proxy call is, and what comes of it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tenon_egress::{Body, BoxError, Response};

use crate::operations::OperationHandle;

/// How long a call waits for room in a provider's quota unless its maker says otherwise.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One call to a provider with the credentials of a connection.
#[derive(Debug)]
pub struct ProxyCall {
    /// Key of the integration.
    pub integration: String,
    /// Id of the connection.
    pub connection: String,
    /// Method.
    pub method: Method,
    /// Path with or without query, or an absolute URL below the provider's base; may hold `${connectionConfig.x}`
    /// and `${metadata.x}`.
    pub endpoint: String,
    /// Query parameters given apart from the endpoint.
    pub params: Params,
    /// The caller's own headers; they win over those of provider and credentials.
    pub headers: HeaderMap,
    /// What is sent; ignored for methods other than POST, PUT, PATCH and DELETE.
    pub body: CallBody,
    /// Attempts after the first.
    pub retries: u32,
    /// Statuses to retry beside the provider's.
    pub retry_on: Vec<u16>,
    /// Headers that say when to try again (a moment), in place of the provider's.
    pub retry_at: Vec<String>,
    /// Headers that say how long to wait (seconds), in place of the provider's.
    pub retry_after: Vec<String>,
    /// Replaces the provider's base URL.
    pub base_url_override: Option<String>,
    /// Decompress the answer even when the caller chose its encoding.
    pub decompress: bool,
    /// Send credentials to other hosts on redirects; the provider's setting when absent.
    pub forward_headers_on_redirect: Option<bool>,
    /// How long to wait for room in the provider's quota.
    pub patience: Duration,
    /// Where the call is written down.
    pub log: LogTo,
}

impl ProxyCall {
    /// A call without body, parameters and wishes.
    pub fn new(integration: impl Into<String>, connection: impl Into<String>, method: Method, endpoint: &str) -> Self {
        Self {
            integration: integration.into(),
            connection: connection.into(),
            method,
            endpoint: endpoint.to_owned(),
            params: Params::None,
            headers: HeaderMap::new(),
            body: CallBody::None,
            retries: 0,
            retry_on: Vec::new(),
            retry_at: Vec::new(),
            retry_after: Vec::new(),
            base_url_override: None,
            decompress: false,
            forward_headers_on_redirect: None,
            patience: PATIENCE,
            log: LogTo::Own,
        }
    }
}

/// Query parameters given apart from the endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Params {
    /// None.
    #[default]
    None,
    /// A ready query; an error when the endpoint has one.
    Text(String),
    /// Set one by one, over those of the endpoint.
    Pairs(Vec<(String, String)>),
}

/// What a call sends. The kind decides the content type when the caller names none.
#[derive(Debug, Default)]
pub enum CallBody {
    /// Nothing.
    #[default]
    None,
    /// A JSON object or list, without needless white space.
    Json(Bytes),
    /// A form as received; sent as JSON unless the caller asks for a form.
    Form(Bytes),
    /// A form that is to be sent as one.
    FormText(Bytes),
    /// Text or bytes, sent as they are.
    Raw(Bytes),
    /// A multipart form with the content type that names its boundary.
    Multipart {
        /// With the boundary.
        content_type: HeaderValue,
        /// Encoded.
        bytes: Bytes,
    },
    /// Something large that is sent while it is received; rules out retries.
    Stream(Body),
}

impl CallBody {
    /// A body that is sent while it is received.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self::Stream(Body::from_http(body))
    }
}

/// Where a call is written down.
#[derive(Debug, Clone, Default)]
pub enum LogTo {
    /// As an operation of its own.
    #[default]
    Own,
    /// As messages of an operation that goes on.
    Operation(OperationHandle),
}

/// What came of a call.
#[derive(Debug)]
pub enum Outcome {
    /// The provider answered, whatever the status; the body is still to be read.
    Answered(Box<Response>),
    /// The provider could not be reached or did not answer properly.
    Failed(tenon_egress::Error),
}

impl Outcome {
    /// The provider's status, if it answered.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Answered(response) => Some(response.status),
            Self::Failed(_) => None,
        }
    }
}
