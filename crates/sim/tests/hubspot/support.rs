//! A small client and the settings that most tests share.

use serde_json::Value;
use tenon_sim::hubspot::config::{DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET};
use tenon_sim::{Config, HubSpot, Running};
use url::form_urlencoded;

pub const TOKEN: &str = "pat-test-token";
/// 2026-01-01T00:00:00Z
pub const NOW_MS: i64 = 1_767_225_600_000;
pub const REDIRECT: &str = "http://127.0.0.1:9/callback";

/// A quick account: no quota in the way, a private-app token.
pub fn config() -> Config {
    Config {
        contacts: 1_000,
        private_app_token: Some(TOKEN.to_owned()),
        quota_per_10s: 1_000_000,
        searches_per_second: 1_000_000,
        ..Config::default()
    }
}

pub struct Client {
    pub sim: Running,
    pub http: reqwest::Client,
    pub token: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Value,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Reply {
    pub fn text(&self, pointer: &str) -> &str {
        self.body.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[expect(clippy::disallowed_methods, reason = "the client of these tests")]
pub fn http() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap()
}

impl Client {
    pub async fn start(config: Config) -> Self {
        Self {
            sim: HubSpot::start(config).await.unwrap(),
            http: http(),
            token: TOKEN.to_owned(),
        }
    }

    pub async fn try_send(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Reply, reqwest::Error> {
        let url = format!("{}{path}", self.sim.base_url());
        let mut request = self
            .http
            .request(method.parse().unwrap(), url)
            .header("authorization", format!("Bearer {}", self.token));
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        Ok(Reply {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            headers,
            text,
        })
    }

    pub async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Reply {
        self.try_send(method, path, body).await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Reply {
        self.send("POST", path, Some(&body)).await
    }

    pub async fn search(&self, body: Value) -> Reply {
        self.post("/crm/v3/objects/contacts/search", body).await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let response = self
            .http
            .post(format!("{}{path}", self.sim.base_url()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap();
        Reply {
            status,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
            headers,
            text,
        }
    }

    /// Presses "Connect app" on the consent page; returns the redirect's parameters.
    pub async fn consent(&self, fields: &[(&str, &str)], decision: &str) -> Vec<(String, String)> {
        let mut all = vec![("client_id", DEFAULT_CLIENT_ID), ("redirect_uri", REDIRECT)];
        all.extend_from_slice(fields);
        all.push(("decision", decision));
        let reply = self.form("/oauth/authorize", &all).await;
        assert_eq!(reply.status, 302, "{}", reply.text);
        let url = url::Url::parse(reply.header("location").unwrap()).unwrap();
        url.query_pairs().into_owned().collect()
    }

    pub async fn exchange(&self, code: &str, more: &[(&str, &str)]) -> Reply {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", DEFAULT_CLIENT_SECRET),
            ("redirect_uri", REDIRECT),
            ("code", code),
        ];
        fields.extend_from_slice(more);
        self.form("/oauth/v1/token", &fields).await
    }

    pub async fn refresh(&self, token: &str) -> Reply {
        let fields = [
            ("grant_type", "refresh_token"),
            ("client_id", DEFAULT_CLIENT_ID),
            ("client_secret", DEFAULT_CLIENT_SECRET),
            ("refresh_token", token),
        ];
        self.form("/oauth/v1/token", &fields).await
    }

    /// Runs the whole flow; returns (access token, refresh token).
    pub async fn connect(&self, scope: &str) -> (String, String) {
        let answer = self.consent(&[("scope", scope), ("state", "s")], "approve").await;
        let code = &answer.iter().find(|(name, _)| name == "code").unwrap().1;
        let tokens = self.exchange(code, &[]).await;
        assert_eq!(tokens.status, 200, "{}", tokens.text);
        (
            tokens.text("/access_token").to_owned(),
            tokens.text("/refresh_token").to_owned(),
        )
    }
}
