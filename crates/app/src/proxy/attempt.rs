//! One attempt: from what the caller wants to the request that goes out.

use http::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_TYPE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use tenon_catalog::provider::AuthMode;
use tenon_catalog::template::Alternatives;
use tenon_credentials::apply::{self, Outgoing};
use tenon_credentials::modes::mcp;
use tenon_credentials::oauth2::text;
use tenon_credentials::{Error as CredentialsError, Subject};
use tenon_egress::{Redirects, Request};
use url::Url;

use super::body::{Prepared, prepare};
use super::call::{CallBody, ProxyCall};
use super::target::{Target, fill_endpoint};
use crate::connections::Live;
use crate::{App, Error, Result};

const ACCEPT_DEFAULT: HeaderValue = HeaderValue::from_static("application/json, text/plain, */*");

/// A request ready to go, and what the rest of the proxy wants to know about it.
pub(super) struct Attempt {
    /// The request.
    pub(super) request: Request,
    /// Path below the base URL, for quotas.
    pub(super) path: String,
    /// Values that were put in and must not be logged.
    pub(super) secrets: Vec<String>,
}

/// The parts of a call that are the same in every attempt.
pub(super) struct Plan<'c> {
    pub(super) call: &'c ProxyCall,
    pub(super) body: Prepared,
}

impl<'c> Plan<'c> {
    /// Encodes the body.
    pub(super) fn new(app: &App, live: &Live, call: &'c ProxyCall, body: CallBody) -> Result<Self> {
        let adds = live.provider()?.api.as_ref().is_some_and(|api| !api.body.is_empty());
        let uuid = if adds {
            app.rng().uuid_v4().to_string()
        } else {
            String::new()
        };
        let subject = live.subject(app.clock().now(), &uuid)?;
        let additions = apply::body(&subject, &live.opened).map_err(refuse)?;
        Ok(Self {
            call,
            body: prepare(&call.method, body, &call.headers, &additions),
        })
    }

    /// Whether the call can be sent more than once.
    pub(super) fn repeatable(&self) -> bool {
        self.body.stream.is_none()
    }

    /// The next attempt. Signatures and moments are those of now.
    pub(super) fn attempt(&mut self, app: &App, live: &Live) -> Result<Attempt> {
        let call = self.call;
        let uuid = app.rng().uuid_v4().to_string();
        let subject = live.subject(app.clock().now(), &uuid)?;
        let api = subject.provider.api.as_ref();
        let base = base(app, &subject, live, call)?;
        let additions = apply::query(&subject, &live.opened).map_err(refuse)?;
        let filled = fill_endpoint(&call.endpoint, &subject.scope());
        let endpoint = filled.as_deref().unwrap_or(&call.endpoint);
        let written = api
            .and_then(|api| api.base_url.as_ref())
            .filter(|_| endpoint.contains("://"));
        let written = written.map(Alternatives::to_wire).filter(|base| !base.contains("${"));
        let target = Target {
            base: &base,
            known_base: written.as_deref(),
            endpoint,
            params: &call.params,
            additions: &additions,
        };
        let url = target.url()?;
        if call.base_url_override.is_some() {
            app.egress().policy().check_url(&url).map_err(not_allowed)?;
        }
        let path = path_below(&base, &url);
        let (headers, secret_headers, mut secrets) = self.headers(app, &subject, live, &url)?;
        secrets.extend(additions.into_iter().map(|(_, value)| value));
        let forward = call
            .forward_headers_on_redirect
            .or_else(|| api.map(|api| api.forward_headers_on_redirect));
        let own_encoding = call.headers.contains_key(ACCEPT_ENCODING);
        let mut request = Request::new(call.method.clone(), url).redirects(Redirects::Follow {
            max: 5,
            secret_headers,
            forward_headers: forward.unwrap_or(false),
        });
        request.headers = headers;
        request.body = self.body.next();
        request.decompress = !own_encoding || call.decompress;
        Ok(Attempt { request, path, secrets })
    }

    /// Headers in their order of precedence; the names that must stay with their origin; the values to keep secret.
    fn headers(
        &self,
        app: &App,
        subject: &Subject<'_>,
        live: &Live,
        url: &Url,
    ) -> Result<(HeaderMap, Vec<HeaderName>, Vec<String>)> {
        let call = self.call;
        let signs_body = subject.provider.api.as_ref().is_some_and(|api| !api.headers.is_empty());
        let body = if signs_body { self.body.text() } else { "".into() };
        let content_type = self
            .body
            .content_type
            .as_ref()
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let outgoing = Outgoing {
            method: call.method.as_str(),
            url,
            endpoint: &call.endpoint,
            body: &body,
            content_type,
        };
        let injected = apply::headers(subject, &live.opened, &outgoing, app.rng()).map_err(refuse)?;
        let mut headers = HeaderMap::with_capacity(injected.len() + call.headers.len() + 4);
        headers.insert(ACCEPT, ACCEPT_DEFAULT);
        if let Some(content_type) = &self.body.content_type {
            headers.insert(CONTENT_TYPE, content_type.clone());
        }
        let mut names = Vec::with_capacity(injected.len());
        let mut secrets = Vec::with_capacity(injected.len());
        for (name, value) in injected {
            let (name, value) = header(&name, value.expose(), &mut secrets)?;
            headers.insert(&name, value);
            names.push(name);
        }
        let own_user_agent = !names.contains(&USER_AGENT);
        for (name, value) in &call.headers {
            let decided = name == CONTENT_TYPE && self.body.content_type.is_some();
            if !decided && (name != USER_AGENT || own_user_agent) {
                headers.insert(name, value.clone());
            }
        }
        for (name, value) in apply::sign(
            subject,
            &live.opened,
            call.method.as_str(),
            url,
            &plain(&headers),
            self.payload(),
        ) {
            let (name, value) = header(&name, value.expose(), &mut secrets)?;
            headers.insert(&name, value);
            names.push(name);
        }
        Ok((headers, names, secrets))
    }

    /// The body as a signature covers it; nothing when it is produced while it is sent.
    fn payload(&self) -> Option<&[u8]> {
        self.body.stream.is_none().then_some(self.body.bytes.as_ref())
    }
}

/// Headers as texts, for a signature over all of them.
fn plain(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// The base URL in effect: the caller's, the integration's, the connection's, the entry's.
fn base(app: &App, subject: &Subject<'_>, live: &Live, call: &ProxyCall) -> Result<String> {
    if let Some(base) = call.base_url_override.as_deref().filter(|base| !base.is_empty()) {
        if !app.settings().base_url_override_allowed {
            return Err(Error::refuse(400, "base_url_override_disabled")
                .message("This server does not allow callers to replace the base URL; call the provider's own API"));
        }
        return Ok(fill_endpoint(base, &subject.scope()).unwrap_or_else(|| base.to_owned()));
    }
    let own = match subject.provider.auth {
        AuthMode::AwsSigV4 => text(subject.config, "base_url"),
        AuthMode::McpOAuth2Generic if subject.provider.api.is_none() => text(subject.config, mcp::SERVER_URL),
        _ => None,
    };
    let own = own.map(str::to_owned);
    let base = match own {
        Some(base) => Some(base),
        None => apply::base_url(subject, &live.opened).map_err(refuse)?,
    };
    base.filter(|base| !base.is_empty()).ok_or_else(|| {
        Error::refuse(400, "unsupported_provider").message(format!(
            "The provider {} has no base URL; give one with the Base-Url-Override header",
            subject.provider.id
        ))
    })
}

fn header(name: &str, value: &str, secrets: &mut Vec<String>) -> Result<(HeaderName, HeaderValue)> {
    let unusable = || {
        Error::refuse(400, "unsupported_auth").message(format!(
            "The credentials of this connection do not fit into the header {name}"
        ))
    };
    let parsed = HeaderName::try_from(name).map_err(|_| unusable())?;
    let mut header = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| unusable())?;
    header.set_sensitive(true);
    secrets.push(value.to_owned());
    // A token is also a secret without its scheme.
    if let Some((_, bare)) = value.split_once(' ') {
        secrets.push(bare.to_owned());
    }
    Ok((parsed, header))
}

/// The path that quotas are written for: without what the base contributes.
fn path_below(base: &str, url: &Url) -> String {
    let base_path = base
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    let base_path = base_path.unwrap_or_default().trim_end_matches('/');
    let path = url.path().strip_prefix(base_path).unwrap_or(url.path());
    if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    }
}

/// Why a request could not be built from catalogue and credentials.
pub(super) fn refuse(error: CredentialsError) -> Error {
    let code = match &error {
        CredentialsError::Missing { .. } | CredentialsError::InvalidUrl { .. } => "missing_api_url",
        CredentialsError::Key { .. } => "invalid_certificate_or_key_format",
        CredentialsError::Unsupported { .. } => "unsupported_auth",
        _ => "unknown_error",
    };
    Error::refuse(400, code).message(format!("The request could not be built: {error}"))
}

/// The egress policy forbids the place.
pub(super) fn not_allowed(error: tenon_egress::Error) -> Error {
    Error::refuse(400, "base_url_override_not_allowed").message(format!("The call was not made: {error}"))
}
