//! The public HTTP API, as the commands of authors use it.

use std::time::Duration;

use anyhow::{Result, bail};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use serde_json::Value;
use tenon_model::Secret;
use url::{Url, form_urlencoded};

use crate::failure::Failure;

/// Deploys of large projects and slow providers stay below this.
const TIMEOUT: Duration = Duration::from_secs(15 * 60);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// As many as the platform follows.
const REDIRECTS_MAX: usize = 5;

/// A server and a key.
pub struct Client {
    http: reqwest::Client,
    /// Follows redirects and carries no key: for requests to anywhere.
    plain: reqwest::Client,
    host: String,
    key: Secret,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Whole body.
    pub body: Bytes,
    /// Address that answered.
    pub url: String,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answered.
    #[error("there is no answer from {host}: {reason}")]
    Unreachable {
        /// The server's address.
        host: String,
        /// Why, in the words of the network.
        reason: String,
        /// `ECONNREFUSED`, `ETIMEDOUT` and the like.
        code: &'static str,
    },
    /// The server refused.
    #[error("the server answered {status}: {message}{}", details(.code))]
    Refused {
        /// Status.
        status: u16,
        /// Code of the error envelope, may be empty.
        code: String,
        /// Text for people.
        message: String,
        /// Whole body.
        body: Value,
    },
}

impl ClientError {
    /// Whether what was asked for was not looked at: nobody answered, or the key is not known.
    pub fn is_about_the_server(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Refused { status: 401, .. })
    }

    /// A word for programs: the server's own code, where it gave one.
    pub fn code(&self) -> String {
        match self {
            Self::Unreachable { .. } => "server_unreachable".to_owned(),
            Self::Refused { status, code, .. } if code.is_empty() => format!("http_{status}"),
            Self::Refused { code, .. } => code.clone(),
        }
    }

    /// Whether the server knows the caller and says that what was asked for cannot be used: it is gone, or its credentials are.
    pub fn says_unusable(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                status: 400 | 404 | 424,
                ..
            }
        )
    }
}

fn details(code: &str) -> String {
    if code.is_empty() {
        String::new()
    } else {
        format!(" ({code})")
    }
}

impl Client {
    /// A client for the server at `host`.
    #[expect(
        clippy::disallowed_methods,
        reason = "the author's machine calls the server; nothing here runs inside one"
    )]
    pub fn new(host: &str, key: Secret) -> Result<Self> {
        // Fails when another part of this process has chosen already, which is just as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let url = Url::parse(host).map_err(|_| {
            Failure::new(
                "invalid_host",
                format!("`{host}` is not an address; write http://localhost:3003"),
            )
        })?;
        let local = is_local(&url);
        let builder = || {
            let builder = reqwest::Client::builder()
                .connect_timeout(CONNECT_TIMEOUT)
                .timeout(TIMEOUT)
                .user_agent(concat!("tenon-cli/", env!("CARGO_PKG_VERSION")));
            if local { builder.no_proxy() } else { builder }
        };
        Ok(Self {
            http: builder().redirect(reqwest::redirect::Policy::none()).build()?,
            plain: builder()
                .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
                .build()?,
            host: host.trim_end_matches('/').to_owned(),
            key,
        })
    }

    /// The server's address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A call of the API that must succeed, with a JSON answer.
    pub async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ClientError> {
        self.json_with(method, path, HeaderMap::new(), body).await
    }

    /// The same with further headers.
    pub async fn json_with(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Option<&Value>,
    ) -> Result<Value, ClientError> {
        let body = body.map(|body| Bytes::from(body.to_string()));
        if body.is_some() {
            headers.insert(http::header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let answer = self.send(method, path, headers, body).await?;
        let value: Value = serde_json::from_slice(&answer.body)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&answer.body).into_owned()));
        if answer.status.is_success() {
            Ok(value)
        } else {
            Err(refused(answer.status, value))
        }
    }

    /// A call of the API; `path` begins with `/`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let request = self
            .http
            .request(method, format!("{}{path}", self.host))
            .bearer_auth(self.key.expose())
            .headers(headers);
        self.finish(match body {
            Some(body) => request.body(body),
            None => request,
        })
        .await
    }

    /// A request to any address, without the key.
    pub async fn fetch(
        &self,
        method: Method,
        url: &str,
        headers: HeaderMap,
        body: Option<Bytes>,
    ) -> Result<Answer, ClientError> {
        let request = self.plain.request(method, url).headers(headers);
        self.finish(match body {
            Some(body) => request.body(body),
            None => request,
        })
        .await
    }

    async fn finish(&self, request: reqwest::RequestBuilder) -> Result<Answer, ClientError> {
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        let (status, headers, url) = (
            response.status(),
            response.headers().clone(),
            response.url().to_string(),
        );
        let body = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        Ok(Answer {
            status,
            headers,
            body,
            url,
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let mut reason = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            reason = inner.to_string();
            source = inner.source();
        }
        let code = if error.is_timeout() {
            "ETIMEDOUT"
        } else if error.is_connect() {
            "ECONNREFUSED"
        } else {
            "ECONNRESET"
        };
        ClientError::Unreachable {
            host: self.host.clone(),
            reason,
            code,
        }
    }
}

/// The envelope `{error: {code, message}}`, or whatever came instead.
pub fn refused(status: StatusCode, body: Value) -> ClientError {
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    ClientError::Refused {
        status: status.as_u16(),
        code: text("/error/code").unwrap_or_default(),
        message: text("/error/message")
            .or_else(|| text("/message"))
            .unwrap_or_else(|| status.canonical_reason().unwrap_or("no explanation").to_owned()),
        body,
    }
}

fn is_local(url: &Url) -> bool {
    matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"))
}

/// Whether a server's address is on this machine.
pub fn is_on_this_machine(host: &str) -> bool {
    Url::parse(host).is_ok_and(|url| is_local(&url))
}

/// A text as part of a URL.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

/// A name that was typed, as one segment of a path. Nothing, `.` and `..` would lead to another place.
pub fn segment(name: &str) -> Result<String> {
    if matches!(name, "" | "." | "..") {
        bail!(Failure::usage(format!("`{name}` is not a name")));
    }
    Ok(encode(name))
}

/// Adds a header whose value comes from a user; one that cannot be sent is left out.
pub fn put_header(headers: &mut HeaderMap, name: &str, value: &str) {
    if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
        headers.insert(name, value);
    }
}
