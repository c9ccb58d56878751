//! A client that sends nothing and keeps what it was asked to send: for showing requests before they are made.

use std::sync::{Arc, Mutex, PoisonError};

use http::HeaderMap;
use url::Url;

use crate::body::Body;
use crate::request::Request;

/// One request that was not sent.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Method.
    pub method: http::Method,
    /// Where it would have gone.
    pub url: Url,
    /// Headers as the caller set them.
    pub headers: HeaderMap,
    /// Body as text; empty when there is none or it is a stream.
    pub body: String,
}

/// What a recording client was asked to send, in order.
#[derive(Debug, Clone, Default)]
pub struct Recorder(Arc<Mutex<Vec<Recorded>>>);

impl Recorder {
    /// The requests so far; they are forgotten here.
    #[must_use]
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn keep(&self, request: Request) {
        let body = match &request.body {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::Empty | Body::Stream(_) => String::new(),
        };
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Recorded {
            method: request.method,
            url: request.url,
            headers: request.headers,
            body,
        });
    }
}
