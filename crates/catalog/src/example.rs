//! Examples of entries, rendered: the proof that an entry says what its author meant.

use serde_json::{Map, Value};
use tenon_model::Timestamp;
use url::Url;

use crate::provider::{Example, Field, Provider};
use crate::template::{RequestParts, Scope, Template};

/// What an example's request looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderedRequest {
    /// Method.
    pub method: String,
    /// Complete URL.
    pub url: String,
    /// Headers that the entry adds; the default of the credentials is not among them.
    pub headers: Vec<(String, String)>,
}

/// Values for rendering an entry without a real connection. Every secret is a fixed dummy.
#[derive(Debug, Clone)]
pub struct Dummy {
    config: Map<String, Value>,
    cred: Map<String, Value>,
    app: Map<String, Value>,
}

const MOMENT: Timestamp = Timestamp::from_millis(1_714_557_600_000);
const UUID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

impl Dummy {
    /// Dummies of the mode's own fields and defaults of the entry, under the values of the example.
    #[must_use]
    pub fn new(provider: &Provider, example: &Example) -> Self {
        let fixed = [
            ("apiKey", "key"),
            ("username", "user"),
            ("password", "pass"),
            ("token", "token"),
            ("access_token", "token"),
        ];
        let text = |value: &str| Value::String(value.to_owned());
        let mut cred: Map<String, Value> = fixed
            .iter()
            .map(|(name, value)| ((*name).to_owned(), text(value)))
            .collect();
        for field in &provider.inputs.credentials {
            let value = field.default.clone().filter(|value| !value.is_empty());
            cred.entry(field.name.clone())
                .or_insert_with(|| text(&value.unwrap_or_else(|| field.name.clone())));
        }
        cred.extend(example.cred.clone());
        let mut config = defaults(&provider.inputs.connection_config);
        // What has to be typed is typed as the form suggests; what others fill in is not known here.
        for field in &provider.inputs.connection_config {
            let asked = !field.optional && !field.filled_by_platform && !field.hidden;
            let shown = field.example.clone().or_else(|| field.choices.first().cloned());
            if asked && field.shown_when.is_none() {
                let value = shown.unwrap_or_else(|| field.name.to_lowercase());
                config.entry(field.name.clone()).or_insert(Value::String(value));
            }
        }
        config.extend(example.config.clone());
        let mut app = defaults(&provider.inputs.integration_config);
        app.extend([
            ("client_id".to_owned(), text("client")),
            ("client_secret".to_owned(), text("secret")),
        ]);
        app.extend(example.app.clone());
        Self { config, cred, app }
    }

    /// Connection values.
    #[must_use]
    pub fn config(&self) -> &Map<String, Value> {
        &self.config
    }

    /// Credential fields, those of the mode among them.
    #[must_use]
    pub fn cred(&self) -> &Map<String, Value> {
        &self.cred
    }

    /// Integration values, client id and secret among them.
    #[must_use]
    pub fn app(&self) -> &Map<String, Value> {
        &self.app
    }

    fn app_text(&self, name: &str) -> Option<&str> {
        self.app.get(name)?.as_str()
    }

    /// The scope of a call.
    #[must_use]
    pub fn scope<'a>(&'a self, request: Option<RequestParts<'a>>) -> Scope<'a> {
        Scope {
            config: Some(&self.config),
            cred: Some(&self.cred),
            app: Some(&self.app),
            token: Some("token"),
            signed_jwt: Some("signed-jwt"),
            assertion: Some("assertion"),
            refresh_token: Some("refresh-token"),
            session_cookies: Some("session=1"),
            request,
            user_agent: "tenon",
            ..Scope::new(MOMENT, UUID)
        }
    }
}

fn defaults(fields: &[Field]) -> Map<String, Value> {
    let given = fields
        .iter()
        .filter_map(|field| Some((field.name.clone(), Value::String(field.default.clone()?))));
    given.collect()
}

impl Provider {
    /// Renders the call of an example.
    ///
    /// # Errors
    /// A sentence that says what could not be rendered.
    pub fn render_request(&self, example: &Example) -> Result<RenderedRequest, String> {
        let (method, path) = match example.request.as_deref() {
            Some(request) => request
                .split_once(' ')
                .ok_or_else(|| format!("`{request}` is no call: write GET /me"))?,
            None => ("GET", "/"),
        };
        let dummy = Dummy::new(self, example);
        let api = self.api.as_ref().ok_or("the entry has no API")?;
        let base = if api.defined_by_integration {
            dummy.app_text("baseUrl").ok_or("app.baseUrl is missing")?.to_owned()
        } else {
            let base = api.base_url.as_ref().ok_or("the entry has no base URL")?;
            base.render_base_url(&dummy.scope(None))
                .map_err(|error| format!("api: {error}"))?
        };
        let mut url = format!(
            "{}/{}",
            base.strip_suffix('/').unwrap_or(&base),
            path.trim_start_matches('/')
        );
        let mut parsed = Url::parse(&url).map_err(|error| format!("api: `{url}` is no URL: {error}"))?;
        for (name, value) in &api.query {
            if let Ok(value) = value.render(&dummy.scope(None)) {
                parsed.query_pairs_mut().append_pair(name, &value);
                url = parsed.to_string();
            }
        }
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let request = RequestParts {
            method,
            host: &host,
            path: parsed.path(),
            endpoint: path,
            ..RequestParts::default()
        };
        let scope = dummy.scope(Some(request));
        let rendered = api
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), value.render(&scope).ok()?)));
        let mut headers: Vec<(String, String)> = rendered.collect();
        if api.defined_by_integration && dummy.app_text("keyPlacement") != Some("query") {
            let value = Template::lenient(dummy.app_text("valueTemplate").unwrap_or("${apiKey}")).render(&scope);
            headers.extend(dummy.app_text("keyName").map(str::to_owned).zip(value.ok()));
        }
        Ok(RenderedRequest {
            method: method.to_owned(),
            url,
            headers,
        })
    }

    /// Renders the authorize URL of an example with the entry's own parameters only.
    ///
    /// # Errors
    /// A sentence that says what could not be rendered.
    pub fn render_authorize(&self, example: &Example) -> Result<Option<String>, String> {
        let dummy = Dummy::new(self, example);
        let scope = dummy.scope(None);
        let rendered = if let Some(installation) = &self.installation {
            installation.authorize_url.render_base_url(&scope)
        } else if let Some(url) = self.oauth2.as_ref().and_then(|oauth2| oauth2.authorize_url.as_ref()) {
            url.render_url(&scope)
        } else if let Some(oauth1) = &self.oauth1 {
            Ok(oauth1.authorize_url.clone())
        } else {
            return Ok(None);
        };
        let url = rendered.map_err(|error| format!("authorize: {error}"))?;
        let mut url = Url::parse(&url).map_err(|error| format!("authorize: `{url}` is no URL: {error}"))?;
        for (name, value) in self.oauth2.iter().flat_map(|oauth2| &oauth2.authorize_params) {
            if let Ok(value) = value.render(&scope) {
                url.query_pairs_mut().append_pair(name, &value);
            }
        }
        Ok(Some(url.to_string()))
    }

    /// Renders the token URL of an example.
    ///
    /// # Errors
    /// A sentence that says what could not be rendered.
    pub fn render_token_url(&self, example: &Example) -> Result<Option<String>, String> {
        let dummy = Dummy::new(self, example);
        let scope = dummy.scope(None);
        let url = match (&self.oauth2, &self.exchange) {
            (Some(oauth2), _) => oauth2.token.url.as_ref(),
            (None, Some(exchange)) => Some(&exchange.first.url),
            (None, None) => None,
        };
        match url.map(|url| url.render_url(&scope)).transpose() {
            Ok(url) => Ok(url),
            Err(error) => Err(format!("token: {error}")),
        }
    }

    /// Compares an example with what the entry renders.
    #[must_use]
    pub fn check_example(&self, example: &Example) -> Vec<String> {
        let mut faults = Vec::new();
        if example.request.is_some() || example.sends.is_some() {
            match self.render_request(example) {
                Err(fault) => faults.push(fault),
                Ok(request) => {
                    if let Some(expected) = example.sends.as_deref().filter(|expected| *expected != request.url) {
                        faults.push(format!(
                            "sends: the entry sends to {}, the example expects {expected}",
                            request.url
                        ));
                    }
                    for expected in &example.headers {
                        if !request.headers.contains(expected) {
                            faults.push(format!(
                                "headers: the entry does not send `{}: {}`",
                                expected.0, expected.1
                            ));
                        }
                    }
                }
            }
        }
        if let Some(expected) = &example.authorize {
            match self.render_authorize(example) {
                Err(fault) => faults.push(fault),
                Ok(rendered) => {
                    let rendered = rendered.unwrap_or_default();
                    if !same_page(expected, &rendered) {
                        faults.push(format!(
                            "authorize: the entry opens {rendered}, the example expects {expected}"
                        ));
                    }
                }
            }
        }
        if let Some(expected) = &example.token {
            match self.render_token_url(example) {
                Err(fault) => faults.push(fault),
                Ok(rendered) if rendered.as_ref() == Some(expected) => {}
                Ok(rendered) => {
                    let rendered = rendered.unwrap_or_default();
                    faults.push(format!(
                        "token: the entry asks {rendered}, the example expects {expected}"
                    ));
                }
            }
        }
        faults
    }
}

/// Same origin and path, and every query parameter of the expected URL is there.
fn same_page(expected: &str, rendered: &str) -> bool {
    let (Ok(expected), Ok(rendered)) = (Url::parse(expected), Url::parse(rendered)) else {
        return false;
    };
    let pairs: Vec<_> = rendered.query_pairs().collect();
    expected.origin() == rendered.origin()
        && expected.path() == rendered.path()
        && expected.query_pairs().all(|pair| pairs.contains(&pair))
}
