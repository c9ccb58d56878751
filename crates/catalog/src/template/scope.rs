//! What placeholders can see during one request.

use serde_json::{Map, Value};
use tenon_model::Timestamp;

/// Values for one rendering. Everything is optional; a placeholder without a value is reported, not guessed.
///
/// Build it with [`Scope::new`] and set the fields that the place offers: a header of a proxy call sees everything, an
/// authorize URL only the connection's values.
#[derive(Debug, Clone, Default)]
pub struct Scope<'a> {
    /// Values of the connection (`connection_config`).
    pub config: Option<&'a Map<String, Value>>,
    /// Fields of the credentials by name.
    pub cred: Option<&'a Map<String, Value>>,
    /// Metadata that the developer attached.
    pub metadata: Option<&'a Map<String, Value>>,
    /// One-time inputs.
    pub once: Option<&'a Map<String, Value>>,
    /// Values of the integration: `client_id`, `client_secret` and its own settings.
    pub app: Option<&'a Map<String, Value>>,
    /// The current access token.
    pub token: Option<&'a str>,
    /// The JWT just signed.
    pub signed_jwt: Option<&'a str>,
    /// The client assertion just built.
    pub assertion: Option<&'a str>,
    /// The stored refresh token.
    pub refresh_token: Option<&'a str>,
    /// Joined session cookies.
    pub session_cookies: Option<&'a str>,
    /// Replies of earlier steps, the first at index 0.
    pub steps: &'a [Value],
    /// The request that is being built.
    pub request: Option<RequestParts<'a>>,
    /// The moment that every time placeholder of this request shares.
    pub now: Timestamp,
    /// The UUID that every `${uuid}` of this request shares.
    pub uuid: &'a str,
    /// How the platform names itself.
    pub user_agent: &'a str,
}

/// The parts of a request that signatures cover.
#[derive(Debug, Clone, Copy, Default)]
pub struct RequestParts<'a> {
    /// Upper-case method.
    pub method: &'a str,
    /// Host name with a port when it is not the default one.
    pub host: &'a str,
    /// Path with the leading slash, without the query.
    pub path: &'a str,
    /// The endpoint as the caller gave it.
    pub endpoint: &'a str,
    /// Decoded query parameters in their order.
    pub query: &'a [(String, String)],
    /// The body as text; empty when there is none or it is not text.
    pub body: &'a str,
    /// Media type of the body.
    pub content_type: &'a str,
}

impl<'a> Scope<'a> {
    /// A scope that knows only the moment and a unique id.
    #[must_use]
    pub fn new(now: Timestamp, uuid: &'a str) -> Self {
        Self {
            now,
            uuid,
            ..Self::default()
        }
    }

    pub(super) fn bare(&self, name: &str) -> Option<String> {
        match name {
            "access_token" => self.token.map(str::to_owned).or_else(|| lookup(self.cred, name)),
            _ => lookup(self.cred, name)
                .or_else(|| lookup(self.config, name))
                .or_else(|| lookup(self.app, name)),
        }
    }
}

/// The value at an exact key or, failing that, at a dotted path. Keys may hold dots (`installation.uuid`).
pub(super) fn lookup(map: Option<&Map<String, Value>>, name: &str) -> Option<String> {
    let map = map?;
    map.get(name)
        .and_then(text)
        .or_else(|| at_path(map, name).and_then(text))
}

fn at_path<'v>(map: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let mut names = path.split('.');
    let mut value = map.get(names.next()?)?;
    for name in names {
        value = step(value, name)?;
    }
    Some(value)
}

/// The member or element called `name`.
pub(super) fn step<'v>(value: &'v Value, name: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(name),
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Texts, numbers and booleans can be written into a template; nothing else can.
pub(super) fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
