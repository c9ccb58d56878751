//! The URL that the browser is sent to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use serde_json::Value;
use tenon_catalog::AuthMode;
use tenon_catalog::template::RenderError;
use tenon_model::{Rng, Secret};
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::{facts, url_values};
use crate::error::Error;
use crate::subject::{Subject, render_error};

/// A PKCE verifier (RFC 7636): 48 hexadecimal characters.
#[derive(Debug, Clone)]
pub struct Verifier(Secret);

impl Verifier {
    /// A new verifier.
    pub fn new(rng: &dyn Rng) -> Self {
        Self(Secret::new(rng.hex(24)))
    }

    /// The verifier itself, sent with the code.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// The S256 challenge, sent with the browser.
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.expose().as_bytes()))
    }
}

/// What an authorisation asks for beside the catalogue's facts.
#[derive(Debug, Clone, Copy)]
pub struct Authorize<'a> {
    /// Where the provider sends the browser back to.
    pub redirect_uri: &'a str,
    /// The state parameter.
    pub state: &'a str,
    /// PKCE; not sent when the entry switches it off.
    pub verifier: &'a Verifier,
    /// Scopes, replacing the integration's.
    pub scopes: Option<&'a [String]>,
    /// The second scope parameter of providers that have one.
    pub user_scopes: Option<&'a str>,
    /// Parameters that win over everything else; the text `undefined` removes one.
    pub params: &'a [(String, String)],
}

/// Builds the authorize URL.
///
/// # Errors
/// [`Error::Missing`] when a value of the connection is missing in it or, known in advance, in the token request.
pub fn authorize_url(subject: &Subject<'_>, authorize: &Authorize<'_>) -> Result<Url, Error> {
    let facts = facts(subject)?;
    let scope = subject.scope();
    let declared = facts.authorize_url.as_ref().ok_or(Error::Unsupported {
        what: "an authorisation that starts here",
    })?;
    let url = subject.endpoint("authorization", declared, url_values(facts), &scope)?;
    // A token URL that cannot be built is better reported before the user has consented.
    if let Some(token_url) = &facts.token.url {
        subject.endpoint("token", token_url, url_values(facts), &scope)?;
    }

    let mut query = Query::default();
    let scopes = authorize
        .scopes
        .unwrap_or(&subject.app.scopes)
        .join(&facts.scope_separator);
    query.set("response_type", "code");
    query.set("client_id", &subject.app.client_id);
    query.set("redirect_uri", authorize.redirect_uri);
    // Everybody else has got used to an empty scope; the servers of this protocol refuse one.
    if !scopes.is_empty() || subject.provider.auth != AuthMode::McpOAuth2 {
        query.set("scope", &scopes);
    }
    query.set("state", authorize.state);
    for (name, template) in &facts.authorize_params {
        match template.render(&scope) {
            Ok(value) => query.set(name, &value),
            // A parameter made of a value that nobody has to give is left out.
            Err(RenderError::Missing(missing)) if is_optional(subject, &missing.names) => {}
            Err(error) => return Err(render_error(error)),
        }
    }
    if facts.pkce {
        query.set("code_challenge", &authorize.verifier.challenge());
        query.set("code_challenge_method", "S256");
    }
    if let (Some(name), Some(scopes)) = (&facts.user_scope_param, authorize.user_scopes) {
        query.set(name, scopes);
    }
    for (name, value) in authorize.params {
        if value == "undefined" {
            query.remove(name);
        } else {
            query.set(name, value);
        }
    }

    let rewrite = &facts.rewrite;
    if rewrite.drop_empty {
        query.0.retain(|(_, value)| !value.is_empty());
    }
    let mut text = url.clone();
    text.set_query(None);
    text.set_fragment(None);
    let mut text = String::from(text);
    if let Some(fragment) = &rewrite.fragment {
        text.push('#');
        text.push_str(fragment);
    }
    text.push('?');
    text.push_str(&query.render(rewrite.scope_unencoded));
    for (from, to) in &rewrite.replacements {
        text = text.replacen(from.as_str(), to, 1);
    }
    Url::parse(&text).map_err(|_| Error::InvalidUrl { what: "authorization" })
}

/// Query parameters in order, one value each.
#[derive(Default)]
struct Query(Vec<(String, String)>);

/// Whether nobody has to give these connection values, named as templates name them.
fn is_optional(subject: &Subject<'_>, names: &[String]) -> bool {
    let fields = &subject.provider.inputs.connection_config;
    let optional = |name: &String| {
        name.strip_prefix("config.")
            .and_then(|name| fields.iter().find(|field| field.name == name))
            .is_some_and(|field| field.optional || field.filled_by_platform)
    };
    !names.is_empty() && names.iter().all(optional)
}

impl Query {
    fn set(&mut self, name: &str, value: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => value.clone_into(old),
            None => self.0.push((name.to_owned(), value.to_owned())),
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }

    fn render(&self, scope_unencoded: bool) -> String {
        let mut text = String::new();
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            text.extend(byte_serialize(name.as_bytes()));
            text.push('=');
            if scope_unencoded && name == "scope" {
                text.push_str(value);
            } else {
                text.extend(byte_serialize(value.as_bytes()));
            }
        }
        text
    }
}

/// The scopes of a setting: a comma-separated text or a list of texts.
pub fn scopes_of(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => text
            .split(',')
            .map(str::trim)
            .filter(|scope| !scope.is_empty())
            .map(str::to_owned)
            .collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}
