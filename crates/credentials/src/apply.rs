//! How credentials reach a provider: base URL, headers, query parameters and body fields of an API call.
//!
//! Three layers, later ones win: the default of the mode (a bearer token, a `Basic` pair, a signature), the entry's own
//! additions from the catalogue, and, outside this crate, what the caller sends. An addition whose placeholder has no
//! value is left out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tenon_catalog::provider::OAuth1Signature;
use tenon_catalog::template::{Alternatives, JsonTemplate, RenderError, RequestParts, Scope, Template, Variable};
use tenon_model::{Rng, Secret};
use url::Url;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::material::Fields;
use crate::modes::oauth1::{self, Signer};
use crate::modes::sigv4;
use crate::oauth2::text;
use crate::subject::{Subject, render_error};

/// Credentials opened for use, with the names that templates may ask for.
#[derive(Debug, Clone)]
pub struct Opened {
    /// The credentials.
    pub credentials: Credentials,
    fields: Fields,
}

impl Opened {
    /// Prepares credentials for use.
    pub fn new(credentials: Credentials) -> Self {
        let fields = credentials.template_fields();
        Self { credentials, fields }
    }

    /// What templates may call by name.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }
}

/// A request that is about to be sent, as far as signatures cover it.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Where it goes, with its whole query.
    pub url: &'a Url,
    /// The endpoint as the caller gave it.
    pub endpoint: &'a str,
    /// The body as text; empty when there is none or it is not text.
    pub body: &'a str,
    /// Media type of the body.
    pub content_type: &'a str,
}

/// A header to send. The value is secret.
pub type Header = (String, Secret);

/// The base of API calls: the integration's own when its provider is defined by it, else the entry's. `None` when
/// neither has one.
///
/// # Errors
/// When a value that it needs is missing or would change the host.
pub fn base_url(subject: &Subject<'_>, opened: &Opened) -> Result<Option<String>, Error> {
    let Some(api) = &subject.provider.api else {
        return Ok(None);
    };
    if api.defined_by_integration {
        return Ok(text(subject.app.values.expose(), "baseUrl").map(str::to_owned));
    }
    match &api.base_url {
        Some(base) => base
            .render_base_url(&scope(subject, opened))
            .map(Some)
            .map_err(render_error),
        None => Ok(None),
    }
}

/// Query parameters that every call carries. They win over the caller's of the same name.
///
/// # Errors
/// When a function of a template cannot be computed.
pub fn query(subject: &Subject<'_>, opened: &Opened) -> Result<Vec<(String, String)>, Error> {
    let Some(api) = &subject.provider.api else {
        return Ok(Vec::new());
    };
    let scope = scope(subject, opened);
    if let Some((KeyPlace::Query, name, value)) = own_key(subject, &scope)? {
        return Ok(vec![(name, value)]);
    }
    let mut rendered = Vec::with_capacity(api.query.len());
    for (name, template) in &api.query {
        if let Some(value) = present(template.render(&scope))? {
            rendered.push((name.clone(), value));
        }
    }
    Ok(rendered)
}

/// Fields merged into JSON and form bodies. They win over the caller's of the same name.
///
/// # Errors
/// When a function of a template cannot be computed.
pub fn body(subject: &Subject<'_>, opened: &Opened) -> Result<Vec<(String, Value)>, Error> {
    let Some(api) = &subject.provider.api else {
        return Ok(Vec::new());
    };
    let scope = scope(subject, opened);
    let mut rendered = Vec::with_capacity(api.body.len());
    for (name, template) in &api.body {
        if let Some(value) = present(template.render(&scope))? {
            rendered.push((name.clone(), value));
        }
    }
    Ok(rendered)
}

/// Headers of one call, for one attempt: signatures cover the moment.
///
/// # Errors
/// When something cannot be signed.
pub fn headers(
    subject: &Subject<'_>,
    opened: &Opened,
    outgoing: &Outgoing<'_>,
    rng: &dyn Rng,
) -> Result<Vec<Header>, Error> {
    let mut headers: Vec<Header> = Vec::with_capacity(2);
    if let Some(value) = default_authorization(subject, opened, outgoing, rng) {
        headers.push(("authorization".to_owned(), value));
    }
    let Some(api) = &subject.provider.api else {
        return Ok(headers);
    };
    if api.headers.is_empty() && !api.defined_by_integration {
        return Ok(headers);
    }
    let query: Vec<(String, String)> = outgoing
        .url
        .query_pairs()
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    let host = host(outgoing.url);
    let scope = Scope {
        request: Some(RequestParts {
            method: outgoing.method,
            host: &host,
            path: outgoing.url.path(),
            endpoint: outgoing.endpoint,
            query: &query,
            body: outgoing.body,
            content_type: outgoing.content_type,
        }),
        ..scope(subject, opened)
    };
    if let Some((KeyPlace::Header, name, value)) = own_key(subject, &scope)? {
        set(&mut headers, &name, value);
        return Ok(headers);
    }
    for (name, template) in &api.headers {
        if let Some(value) = present(template.render(&scope))? {
            set(&mut headers, name, value);
        }
    }
    Ok(headers)
}

/// Signs a finished request, where the mode signs whole requests: the last step, after everybody's headers are there.
/// `headers` are those that will be sent; `payload` is absent for a body that is produced while it is sent.
pub fn sign(
    subject: &Subject<'_>,
    opened: &Opened,
    method: &str,
    url: &Url,
    headers: &[(String, String)],
    payload: Option<&[u8]>,
) -> Vec<Header> {
    let Credentials::AwsSigV4(held) = &opened.credentials else {
        return Vec::new();
    };
    let signer = sigv4::Signer {
        access_key_id: held.access_key_id.expose(),
        secret_access_key: &held.secret_access_key,
        session_token: Some(&held.session_token),
        region: &held.region,
        service: &held.service,
    };
    let request = sigv4::Signed {
        method,
        url,
        headers,
        payload,
    };
    sigv4::sign(&signer, &request, subject.now)
}

fn set(headers: &mut Vec<Header>, name: &str, value: String) {
    match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
        Some((_, old)) => *old = Secret::new(value),
        None => headers.push((name.to_ascii_lowercase(), Secret::new(value))),
    }
}

/// What templates of API calls see.
pub fn scope<'a>(subject: &Subject<'a>, opened: &'a Opened) -> Scope<'a> {
    Scope {
        cred: Some(opened.fields.expose()),
        token: opened.credentials.token(),
        refresh_token: opened.credentials.refresh_token().map(Secret::expose),
        session_cookies: opened.fields.text("_cookies"),
        ..subject.scope()
    }
}

fn default_authorization(
    subject: &Subject<'_>,
    opened: &Opened,
    outgoing: &Outgoing<'_>,
    rng: &dyn Rng,
) -> Option<Secret> {
    let api = subject.provider.api.as_ref();
    let bearer = |token: &Secret| {
        api.is_none_or(|api| api.bearer)
            .then(|| Secret::new(format!("Bearer {}", token.expose())))
    };
    match &opened.credentials {
        Credentials::Basic(pair) => {
            let text = Zeroizing::new(format!("{}:{}", pair.username.expose(), pair.password.expose()));
            Some(Secret::new(format!("Basic {}", STANDARD.encode(text.as_bytes()))))
        }
        Credentials::OAuth2(held) => bearer(&held.access_token),
        Credentials::ClientCredentials(held) => bearer(&held.token),
        Credentials::App(held) => bearer(&held.access_token),
        Credentials::Custom(held) => match (&held.app, &held.user) {
            (Some(app), _) => bearer(&app.access_token),
            (None, Some(user)) => bearer(&user.access_token),
            (None, None) => None,
        },
        Credentials::Jwt(held) => held.token.as_ref().and_then(bearer),
        Credentials::Signature(held) => held.token.as_ref().and_then(bearer),
        Credentials::TwoStep(held) => {
            let placed_by_entry = api.is_some_and(|api| api.headers.iter().any(|(_, value)| carries_token(value)));
            held.token.as_ref().filter(|_| !placed_by_entry).and_then(bearer)
        }
        Credentials::OAuth1(held) => {
            let signer = Signer {
                client_id: &subject.app.client_id,
                client_secret: &subject.app.client_secret,
                token: Some((held.oauth_token.expose(), &held.oauth_token_secret)),
                method: oauth1::signing_method(subject),
                realm: None,
            };
            Some(oauth1::authorization(
                &signer,
                outgoing.method,
                outgoing.url,
                &[],
                rng,
                subject.now,
            ))
        }
        Credentials::Tba(held) => {
            let app = subject.app.with_override(held.config_override.as_ref());
            let realm = text(subject.config, "accountId").map(realm_of);
            let signer = Signer {
                client_id: &app.client_id,
                client_secret: &app.client_secret,
                token: Some((held.token_id.expose(), &held.token_secret)),
                method: OAuth1Signature::HmacSha256,
                realm: realm.as_deref(),
            };
            Some(oauth1::authorization(
                &signer,
                outgoing.method,
                outgoing.url,
                &[],
                rng,
                subject.now,
            ))
        }
        Credentials::ApiKey(_) | Credentials::Bill(_) | Credentials::AwsSigV4(_) | Credentials::None => None,
    }
}

/// The realm of an account: `123456-sb1` is `123456_SB1` there.
fn realm_of(account: &str) -> String {
    account.replacen('-', "_", 1).to_uppercase()
}

fn carries_token(template: &Alternatives) -> bool {
    template.variables().into_iter().any(|variable| match variable {
        Variable::Token | Variable::SessionCookies => true,
        Variable::Credential(name) | Variable::Bare(name) => name == "token" || name == "_cookies",
        _ => false,
    })
}

/// Where a key goes that the integration describes itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum KeyPlace {
    Header,
    Query,
}

/// Place, name and value of a key whose use the integration's settings describe.
fn own_key(subject: &Subject<'_>, scope: &Scope<'_>) -> Result<Option<(KeyPlace, String, String)>, Error> {
    if !subject
        .provider
        .api
        .as_ref()
        .is_some_and(|api| api.defined_by_integration)
    {
        return Ok(None);
    }
    let values = subject.app.values.expose();
    let Some(name) = text(values, "keyName") else {
        return Ok(None);
    };
    let template = Template::lenient(text(values, "valueTemplate").unwrap_or("${apiKey}"));
    let place = match text(values, "keyPlacement") {
        Some("query") => KeyPlace::Query,
        _ => KeyPlace::Header,
    };
    Ok(present(template.render(scope))?.map(|value| (place, name.to_owned(), value)))
}

/// A value, nothing when a placeholder had none, or the failure of a function.
fn present<T>(rendered: Result<T, RenderError>) -> Result<Option<T>, Error> {
    match rendered {
        Ok(value) => Ok(Some(value)),
        Err(RenderError::Missing(_)) => Ok(None),
        Err(error) => Err(render_error(error)),
    }
}

fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

/// Renders a JSON template of a call with the credentials at hand.
///
/// # Errors
/// As rendering.
pub fn render_json(subject: &Subject<'_>, opened: &Opened, template: &JsonTemplate) -> Result<Value, Error> {
    template.render(&scope(subject, opened)).map_err(render_error)
}
