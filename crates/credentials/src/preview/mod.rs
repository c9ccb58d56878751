//! What an entry sends, rendered with dummy values: the browser's URL, token requests, an API call, the probe, the
//! follow-ups and the form.
//!
//! The requests are made by the code that makes the real ones, over a client that only records. So what is shown here is
//! what would travel; golden files of every entry (`tests/rendered/`) make the effect of a change visible.

mod sample;
mod text;

use serde_json::Value;
use tenon_catalog::provider::Example;
use tenon_catalog::{AuthMode, Dummy, Provider};
use tenon_egress::{Egress, Recorder};
use tenon_model::SeededRng;
use url::Url;

use self::sample::Sample;
use self::text::{fields, request_lines};
use crate::apply::{self, Opened, Outgoing};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::modes::oauth1_flow::{self, Temporary};
use crate::modes::{bill, client_credentials, exchange, github_app};
use crate::oauth2::{self, Authorize, Grant, Verifier};
use crate::refresh::app_key;
use crate::subject::Subject;
use crate::{capture, hooks, probe};

const CALLBACK: &str = "https://tenon.example/oauth/callback";
const STATE: &str = "state";

/// One thing that an entry does, in lines of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// What it is: `authorize`, `token`, `call`, …
    pub what: String,
    /// The request or the URL; a sentence in brackets when it cannot be rendered.
    pub lines: Vec<String>,
}

impl Part {
    fn new(what: &str, lines: Vec<String>) -> Self {
        Self {
            what: what.to_owned(),
            lines,
        }
    }
}

/// Renders everything that the entry does, for its first example.
#[tenon_model::boxed]
pub async fn preview(egress: &Egress, provider: &Provider) -> Vec<Part> {
    let none = Example::default();
    let example = provider.examples.first().unwrap_or(&none);
    let dummy = Dummy::new(provider, example);
    let sample = Sample::new(provider, &dummy);
    let (egress, recorder) = egress.recording();
    let preview = Preview {
        egress,
        recorder,
        provider,
        example,
        rng: SeededRng::new(7),
    };
    let subject = sample.subject(provider);
    let opened = Opened::new(sample.credentials.clone());
    let mut parts = Vec::new();
    parts.extend(preview.authorize(&subject));
    preview.token(&subject, &sample, &mut parts).await;
    parts.extend(preview.call(&subject, &opened));
    preview.around(&subject, &opened, &mut parts).await;
    parts.extend(fields(provider));
    parts
}

struct Preview<'a> {
    egress: Egress,
    recorder: Recorder,
    provider: &'a Provider,
    example: &'a Example,
    rng: SeededRng,
}

impl Preview<'_> {
    fn authorize(&self, subject: &Subject<'_>) -> Option<Part> {
        let verifier = Verifier::new(&SeededRng::new(1));
        let authorize = Authorize {
            redirect_uri: CALLBACK,
            state: STATE,
            verifier: &verifier,
            scopes: None,
            user_scopes: None,
            params: &[],
        };
        let url = match self.provider.auth {
            AuthMode::OAuth1 => {
                let temporary = Temporary {
                    token: "temporary".into(),
                    secret: "secret".into(),
                };
                let callback = format!("{CALLBACK}?state={STATE}");
                let url =
                    oauth1_flow::authorize_url(subject, &temporary, &callback, &subject.app.scopes, authorize.params);
                url.map(|url| url.to_string())
            }
            AuthMode::App | AuthMode::Custom => match self.provider.render_authorize(self.example) {
                Ok(url) => Ok(url?),
                Err(reason) => Err(Error::Template { reason }),
            },
            AuthMode::OAuth2 | AuthMode::McpOAuth2 => {
                self.provider.oauth2.as_ref()?.authorize_url.as_ref()?;
                oauth2::authorize_url(subject, &authorize).map(|url| url.to_string())
            }
            AuthMode::OAuth2Cc
            | AuthMode::Basic
            | AuthMode::ApiKey
            | AuthMode::TwoStep
            | AuthMode::Jwt
            | AuthMode::Tba
            | AuthMode::Bill
            | AuthMode::Signature
            | AuthMode::AwsSigV4
            | AuthMode::McpOAuth2Generic
            | AuthMode::InstallPlugin
            | AuthMode::None => return None,
        };
        Some(Part::new("authorize", vec![url.unwrap_or_else(|error| cannot(&error))]))
    }

    async fn token(&self, subject: &Subject<'_>, sample: &Sample, parts: &mut Vec<Part>) {
        let egress = &self.egress;
        match &sample.credentials {
            Credentials::OAuth2(held) if self.provider.auth != AuthMode::McpOAuth2Generic => {
                let grant = Grant {
                    code: "code",
                    redirect_uri: CALLBACK,
                    verifier: "verifier",
                    state: STATE,
                };
                let outcome = oauth2::exchange_code(egress, subject, &grant).await;
                self.recorded("token", outcome, parts);
                if crate::refresh::can_refresh(subject, &sample.credentials) {
                    let outcome = oauth2::refresh(egress, subject, held).await;
                    self.recorded("refresh", outcome, parts);
                }
            }
            Credentials::ClientCredentials(held) => {
                let outcome = client_credentials::request(egress, subject, held, &[]).await;
                self.recorded("token", outcome, parts);
            }
            Credentials::TwoStep(held) => {
                let outcome = exchange::request(egress, subject, held, None).await;
                self.recorded("token", outcome, parts);
                if self
                    .provider
                    .exchange
                    .as_ref()
                    .is_some_and(|facts| facts.refresh.is_some())
                {
                    let outcome = exchange::refresh(egress, subject, held).await;
                    self.recorded("refresh", outcome, parts);
                }
            }
            Credentials::Bill(held) => {
                let outcome = bill::login(egress, subject, held).await;
                self.recorded("token", outcome, parts);
            }
            Credentials::OAuth1(_) => {
                let outcome = oauth1_flow::temporary(egress, subject, CALLBACK, &self.rng).await;
                self.recorded("request token", outcome, parts);
            }
            Credentials::App(_) | Credentials::Custom(_) => {
                let outcome = github_app::installation_token(egress, subject, app_key(subject)).await;
                self.recorded("token", outcome, parts);
            }
            Credentials::OAuth2(_)
            | Credentials::Basic(_)
            | Credentials::ApiKey(_)
            | Credentials::Tba(_)
            | Credentials::Jwt(_)
            | Credentials::Signature(_)
            | Credentials::AwsSigV4(_)
            | Credentials::None => {}
        }
    }

    fn call(&self, subject: &Subject<'_>, opened: &Opened) -> Option<Part> {
        self.provider.api.as_ref()?;
        let lines = self.call_lines(subject, opened);
        Some(Part::new("call", lines.unwrap_or_else(|error| vec![cannot(&error)])))
    }

    fn call_lines(&self, subject: &Subject<'_>, opened: &Opened) -> Result<Vec<String>, Error> {
        let request = self.example.request.as_deref().unwrap_or("GET /");
        let (method, path) = request.split_once(' ').unwrap_or(("GET", request));
        let base = apply::base_url(subject, opened)?.unwrap_or_else(|| "https://named-by-the-call.example".to_owned());
        let url = format!("{}/{}", base.trim_end_matches('/'), path.trim_start_matches('/'));
        let mut url = Url::parse(&url).map_err(|_| Error::InvalidUrl { what: "API" })?;
        for (name, value) in apply::query(subject, opened)? {
            url.query_pairs_mut().append_pair(&name, &value);
        }
        let outgoing = Outgoing {
            method,
            url: &url,
            endpoint: path,
            body: "",
            content_type: "",
        };
        let mut headers: Vec<(String, String)> = apply::headers(subject, opened, &outgoing, &self.rng)?
            .iter()
            .map(|(name, value)| (name.clone(), value.expose().to_owned()))
            .collect();
        let signed = apply::sign(subject, opened, method, &url, &headers, Some(b""));
        headers.extend(
            signed
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().to_owned())),
        );
        let body = apply::body(subject, opened)?;
        let body = if body.is_empty() {
            String::new()
        } else {
            format!("(writing calls add) {}", Value::Object(body.into_iter().collect()))
        };
        Ok(request_lines(method, &url, &headers, &body))
    }

    /// The probe, what is looked up after connecting, and what is said before deleting.
    async fn around(&self, subject: &Subject<'_>, opened: &Opened, parts: &mut Vec<Part>) {
        let egress = &self.egress;
        let outcome = probe::verify(egress, subject, opened, &self.rng).await;
        self.recorded("probe", outcome, parts);
        for recipe in &self.provider.captures.fetch {
            let outcome = capture::run(egress, subject, opened, recipe, &self.rng).await;
            self.recorded(&format!("look up {}", recipe.save_as), outcome, parts);
        }
        let outcome = hooks::after_connect::run(egress, subject, opened, &self.rng).await;
        self.recorded("after connect", outcome, parts);
        let outcome = hooks::before_delete::run(egress, subject, opened, &self.rng).await;
        self.recorded("before delete", outcome, parts);
        if let Credentials::OAuth2(held) = &opened.credentials {
            let outcome = oauth2::revoke(egress, subject, held).await;
            self.recorded("revoke", outcome, parts);
        }
    }

    /// Adds what was recorded. A failure that is not that of the recording client is told.
    fn recorded<T>(&self, what: &str, outcome: Result<T, Error>, parts: &mut Vec<Part>) {
        let requests = self.recorder.take();
        if let (true, Err(error)) = (requests.is_empty(), &outcome) {
            parts.push(Part::new(what, vec![cannot(error)]));
        }
        for request in requests {
            let headers: Vec<(String, String)> = request
                .headers
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
                .collect();
            let lines = request_lines(request.method.as_str(), &request.url, &headers, &request.body);
            parts.push(Part::new(what, lines));
        }
    }
}

fn cannot(error: &Error) -> String {
    format!("[cannot be rendered: {error}]")
}
