//! The customer's back end: plain HTTP calls with an API key.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::Value;
use tenon_model::Secret;

/// No call of the demonstration takes longer.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Calls the server.
pub struct Client {
    http: reqwest::Client,
    base_url: String,
    key: Secret,
}

/// Headers that select a connection.
pub type Headers<'a> = &'a [(&'static str, &'a str)];

#[expect(
    clippy::disallowed_methods,
    reason = "the demonstration plays the customer's back end and browser, on loopback"
)]
pub fn http() -> Result<reqwest::Client> {
    // Fails when another part of this process has chosen already, which is just as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(TIMEOUT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .context("the HTTP client cannot be made")
}

impl Client {
    /// A client with an API key.
    pub fn new(base_url: &str, key: Secret) -> Result<Self> {
        Ok(Self {
            http: http()?,
            base_url: base_url.to_owned(),
            key,
        })
    }

    /// The key, for the commands that the summary prints.
    pub fn key(&self) -> &Secret {
        &self.key
    }

    /// The server's address.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// A call that must succeed.
    pub async fn call(&self, method: Method, path: &str, headers: Headers<'_>, body: Option<&Value>) -> Result<Value> {
        let what = format!("{method} {path}");
        let (status, text) = self.send(method, path, headers, body).await?;
        if !(200..300).contains(&status) {
            bail!("{what} answered {status}: {text}");
        }
        if text.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("{what} answered something that is not JSON"))
    }

    /// A call whose status is of interest.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: Headers<'_>,
        body: Option<&Value>,
    ) -> Result<(u16, String)> {
        let what = format!("{method} {path}");
        let mut request = self
            .http
            .request(method, format!("{}{path}", self.base_url))
            .header("authorization", format!("Bearer {}", self.key.expose()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = request.send().await.with_context(|| format!("{what} got no answer"))?;
        let status = answer.status().as_u16();
        let text = answer
            .text()
            .await
            .with_context(|| format!("{what} answered {status} and broke off"))?;
        Ok((status, text))
    }

    /// GET.
    pub async fn get(&self, path: &str, headers: Headers<'_>) -> Result<Value> {
        self.call(Method::GET, path, headers, None).await
    }

    /// POST.
    pub async fn post(&self, path: &str, headers: Headers<'_>, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, headers, Some(body)).await
    }
}
