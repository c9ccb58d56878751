//! Whose credentials are at work: provider, integration, connection, moment.

use serde_json::{Map, Value};
use tenon_catalog::Provider;
use tenon_catalog::template::{Alternatives, JsonTemplate, RenderError, Scope};
use tenon_model::{Secret, Timestamp};
use url::Url;

use crate::error::Error;
use crate::material::Fields;

/// How the platform names itself to providers.
pub const USER_AGENT: &str = concat!("tenon/", env!("CARGO_PKG_VERSION"));

/// The integration's side of an authorisation: its developer app and settings.
#[derive(Debug, Clone, Default)]
pub struct ClientApp {
    /// Client id; empty when the mode needs none.
    pub client_id: String,
    /// Client secret, private key of the app for installation modes.
    pub client_secret: Secret,
    /// Private key of the app where a client secret lies beside it.
    pub private_key: Option<Secret>,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// Everything that templates may call `app.x`, `client_id` and `client_secret` included.
    pub values: Fields,
}

impl ClientApp {
    /// An app whose template values are the client pair and `custom`.
    pub fn new(client_id: &str, client_secret: Secret, scopes: Vec<String>, custom: &Map<String, Value>) -> Self {
        let mut values = custom.clone();
        values.insert("client_id".to_owned(), Value::String(client_id.to_owned()));
        values.insert(
            "client_secret".to_owned(),
            Value::String(client_secret.expose().to_owned()),
        );
        if !scopes.is_empty() {
            values.insert("scopes".to_owned(), Value::String(scopes.join(" ")));
        }
        let private_key = custom.get("private_key").and_then(Value::as_str).map(Secret::new);
        Self {
            client_id: client_id.to_owned(),
            client_secret,
            private_key,
            scopes,
            values: Fields::new(values),
        }
    }

    /// The same app with a client pair that a connection brings itself.
    pub fn with_override(&self, own: Option<&crate::credentials::ConfigOverride>) -> Self {
        let Some(own) = own else { return self.clone() };
        let id = own
            .client_id
            .as_deref()
            .filter(|id| !id.is_empty())
            .unwrap_or(&self.client_id);
        let secret = own.client_secret.clone().filter(|secret| !secret.is_empty());
        let secret = secret.unwrap_or_else(|| self.client_secret.clone());
        Self::new(id, secret, self.scopes.clone(), self.values.expose())
    }
}

/// One connection of one integration, at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// Catalogue entry.
    pub provider: &'a Provider,
    /// The integration's developer app.
    pub app: &'a ClientApp,
    /// The connection's values.
    pub config: &'a Map<String, Value>,
    /// Metadata of the connection.
    pub metadata: Option<&'a Map<String, Value>>,
    /// The moment that every part of a request shares.
    pub now: Timestamp,
    /// The UUID that every part of a request shares.
    pub uuid: &'a str,
}

impl<'a> Subject<'a> {
    /// What templates see: connection, integration and moment, no credentials.
    pub fn scope(&self) -> Scope<'a> {
        Scope {
            config: Some(self.config),
            metadata: self.metadata,
            app: Some(self.app.values.expose()),
            user_agent: USER_AGENT,
            ..Scope::new(self.now, self.uuid)
        }
    }

    /// Renders an endpoint URL from what the scope offers; see [`Alternatives::render_url`] for what a value may do.
    ///
    /// # Errors
    /// [`Error::Missing`] when no alternative has all its values, [`Error::InvalidUrl`] when the result is no URL.
    pub fn endpoint(
        &self,
        what: &'static str,
        url: &Alternatives,
        values: UrlValues,
        scope: &Scope<'_>,
    ) -> Result<Url, Error> {
        let text = match values {
            UrlValues::Encoded => url.render_url(scope),
            UrlValues::Plain => url.render_base_url(scope),
        };
        Url::parse(&text.map_err(render_error)?).map_err(|_| Error::InvalidUrl { what })
    }
}

/// How connection values enter an endpoint URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlValues {
    /// Percent-encoded outside the host.
    Encoded,
    /// As they are: the entry says that its inputs are parts of URLs.
    Plain,
}

/// An error of rendering in our terms.
pub fn render_error(error: RenderError) -> Error {
    match error {
        RenderError::Missing(missing) => Error::Missing {
            what: missing.names.join(", "),
        },
        other => Error::Template {
            reason: other.to_string(),
        },
    }
}

/// Renders parameters; one whose placeholder has no value is left out.
///
/// # Errors
/// [`Error::Template`] when a function cannot be computed.
pub fn render_params(params: &[(String, JsonTemplate)], scope: &Scope<'_>) -> Result<Vec<(String, Value)>, Error> {
    let mut rendered = Vec::with_capacity(params.len());
    for (name, value) in params {
        match value.render(scope) {
            Ok(value) => rendered.push((name.clone(), value)),
            Err(RenderError::Missing(_)) => {}
            Err(error) => return Err(render_error(error)),
        }
    }
    Ok(rendered)
}
