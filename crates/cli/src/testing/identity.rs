//! What makes a request the same as a recorded one (functions contract, 6.3).

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use serde_json::Value;
use tenon_app::proxy::ProxyCall;
use tenon_model::Rng;
use tenon_runtime::protocol::{Body, HttpCall, Params};
use url::{Url, form_urlencoded};

use super::js_text::{quote, stringify};

/// Longer texts are compared by their digest.
const DATA_UNITS_MAX: usize = 1000;

/// Headers that belong to the platform or to every HTTP client.
const IGNORED_HEADERS: [&str; 17] = [
    "authorization",
    "user-agent",
    "nango-proxy-user-agent",
    "accept-encoding",
    "retries",
    "host",
    "connection-id",
    "provider-config-key",
    "nango-is-sync",
    "nango-is-script",
    "nango-is-dry-run",
    "nango-activity-log-id",
    "content-length",
    "accept",
    "base-url-override",
    "retry-on",
    "forward-headers-on-redirect",
];

/// A request of a function, as recordings know it.
#[derive(Debug)]
pub struct Identity {
    /// Lower case.
    pub method: String,
    /// Path without leading slash and without query.
    pub endpoint: String,
    /// The endpoint as the function wrote it.
    pub written: String,
    /// Query parameters, sorted by name.
    pub params: Vec<(String, String)>,
    /// Headers that count, as they were written, sorted by name.
    pub headers: Vec<(String, String)>,
    /// What the older recordings know of the request.
    pub given: Given,
    /// What is sent.
    pub data: Data,
}

/// Parameters and headers of the call itself, before a request was made of it.
#[derive(Debug)]
pub struct Given {
    /// Without those in the endpoint.
    pub params: Vec<(String, String)>,
    /// All of them.
    pub headers: Vec<(String, String)>,
}

impl Identity {
    /// Builds the request as the proxy does and takes its identity.
    ///
    /// # Errors
    /// Why the call cannot be sent at all.
    pub fn of(call: HttpCall, rng: &dyn Rng) -> Result<Self, String> {
        let method = call.method.to_ascii_lowercase();
        let written = call.endpoint.clone();
        let headers = counted_headers(&call.headers);
        let given = Given {
            params: match &call.params {
                Params::Pairs(pairs) => pairs.clone(),
                Params::Text(_) => Vec::new(),
            },
            headers: call.headers.clone(),
        };
        let data = Data::of(&call);
        let outline = ProxyCall::from_function(call, "", "", rng)
            .and_then(ProxyCall::outline)
            .map_err(|error| {
                error
                    .refusal()
                    .map_or_else(|| error.to_string(), |refusal| refusal.sentence())
            })?;
        Ok(Self {
            method,
            endpoint: endpoint_of(&outline.url),
            written,
            params: sorted(outline.url.query_pairs().into_owned().collect()),
            headers,
            given,
            data,
        })
    }

    /// The digest that recordings carry.
    pub fn hash(&self) -> String {
        let data = self.data.text();
        let data = data.map_or_else(String::new, |data| format!(",\"data\":{}", quote(&data)));
        let text = format!(
            "{{\"method\":{},\"endpoint\":{},\"params\":{},\"headers\":{}{data}}}",
            quote(&self.method),
            quote(&self.endpoint),
            pairs_text(&self.params),
            pairs_text(&self.headers),
        );
        sha1_hex(&text)
    }

    /// The request in one line, for people.
    pub fn describe(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.params);
        let query = query.finish();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} /{}{mark}{query}", self.method.to_uppercase(), self.endpoint)
    }
}

fn endpoint_of(url: &Url) -> String {
    let path = url.path();
    let path = path.strip_prefix("/proxy/").unwrap_or(path);
    path.strip_prefix('/').unwrap_or(path).to_owned()
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}

fn pairs_text(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("[{},{}]", quote(name), quote(value)))
        .collect();
    format!("[{}]", pairs.join(","))
}

fn counted_headers(headers: &[(String, String)]) -> Vec<(String, String)> {
    let mut counted: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let lower = name.to_ascii_lowercase();
        let lower = lower.strip_prefix("nango-proxy-").unwrap_or(&lower);
        let name = &name[name.len() - lower.len()..];
        let repeated = counted.iter().any(|(known, _)| known.eq_ignore_ascii_case(lower));
        if !repeated && !IGNORED_HEADERS.contains(&lower) && !is_default_content_type(lower, value) {
            counted.push((name.to_owned(), value.clone()));
        }
    }
    sorted(counted)
}

/// Whether a header is the content type that the client sets by itself.
fn is_default_content_type(name: &str, value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    name == "content-type" && (value == "application/json" || value == "undefined" || is_form(&value))
}

/// Whether a content type is that of a form.
pub fn is_form(value: &str) -> bool {
    value
        .to_ascii_lowercase()
        .starts_with("application/x-www-form-urlencoded")
}

fn sends_form(call: &HttpCall) -> bool {
    let mut headers = call.headers.iter();
    headers.any(|(name, value)| name.eq_ignore_ascii_case("content-type") && is_form(value))
}

/// An object as a form.
fn form_of(object: &Value) -> String {
    let members = object.as_object().into_iter().flatten();
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(members.map(|(name, value)| (name.as_str(), plain_text(value))));
    form.finish()
}

/// A body. Some bodies have reached us encoded, so that their recorded form is one of several.
#[derive(Debug)]
pub enum Data {
    /// Nothing.
    None,
    /// A text, or JSON as the function's engine wrote it.
    Text(String),
    /// An object under the content type of forms, as JSON and as it is sent.
    FormObject { json: String, form: String },
    /// Bytes.
    Bytes(Vec<u8>),
    /// A form: `URLSearchParams`, or an object under the content type of forms.
    Form(String),
    /// Parts of a multipart form: names and bytes.
    Parts(Vec<(String, Vec<u8>)>),
}

impl Data {
    fn of(call: &HttpCall) -> Self {
        match &call.body {
            Body::Form { text } if let Some(json) = &call.object => Self::FormObject {
                json: json.clone(),
                form: text.clone(),
            },
            Body::Multipart { .. } if let Some(json) = &call.object => Self::Text(json.clone()),
            Body::Empty => Self::None,
            Body::Json { text } | Body::Text { text } if text.is_empty() => Self::None,
            Body::Json { text } if sends_form(call) => Self::FormObject {
                json: text.clone(),
                form: form_of(&serde_json::from_str(text).unwrap_or_default()),
            },
            Body::Json { text } | Body::Text { text } => Self::Text(text.clone()),
            Body::Bytes { bytes } => Self::Bytes(bytes.to_vec()),
            Body::Form { text } => Self::Form(text.clone()),
            Body::Multipart { parts } => Self::Parts(
                parts
                    .iter()
                    .map(|part| (part.name.clone(), part.bytes.to_vec()))
                    .collect(),
            ),
        }
    }

    /// The text by which it is known.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::None => None,
            Self::Text(text) | Self::FormObject { json: text, .. } => Some(shortened(text.clone())),
            Self::Bytes(bytes) => Some(shortened(STANDARD.encode(bytes))),
            // JSON.stringify finds nothing in a URLSearchParams.
            Self::Form(_) => Some("{}".to_owned()),
            Self::Parts(_) => None,
        }
    }

    /// Whether recorded data stands for this body.
    pub fn fits(&self, recorded: &Value) -> bool {
        let wanted = identity_of(recorded);
        if wanted == self.text() {
            return true;
        }
        match self {
            Self::None | Self::Text(_) => false,
            Self::Bytes(bytes) if wanted == Some(shortened(stringify(&indexed(bytes)))) => true,
            Self::Bytes(bytes) => match recorded {
                Value::Object(_) => *recorded == indexed(bytes) || *recorded == buffer(bytes),
                Value::String(text) => text.as_bytes() == bytes.as_slice(),
                _ => false,
            },
            Self::Form(text) | Self::FormObject { form: text, .. } => match recorded {
                // What earlier recordings of ours have of any form.
                Value::Object(members) if members.is_empty() => true,
                Value::Object(_) => form_of(recorded) == *text,
                _ => wanted == Some(shortened(text.clone())),
            },
            Self::Parts(parts) => recorded.as_object().is_some_and(|members| {
                let same = |(name, bytes): &(String, Vec<u8>)| {
                    members.get(name).is_some_and(|value| match value {
                        Value::Object(_) => *value == buffer(bytes) || stringify(value).as_bytes() == bytes.as_slice(),
                        value => plain_text(value).as_bytes() == bytes.as_slice(),
                    })
                };
                parts.iter().all(same)
            }),
        }
    }
}

/// The text by which recorded data is known; what JavaScript takes for false is nothing.
pub fn identity_of(data: &Value) -> Option<String> {
    match data {
        Value::Null | Value::Bool(false) => None,
        Value::Number(number) if number.as_f64() == Some(0.0) => None,
        Value::String(text) if text.is_empty() => None,
        Value::String(text) => Some(shortened(text.clone())),
        other => Some(shortened(stringify(other))),
    }
}

/// `String(value)`, as far as JSON goes.
pub fn plain_text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items
                .iter()
                .map(|item| {
                    if item.is_null() {
                        String::new()
                    } else {
                        plain_text(item)
                    }
                })
                .collect();
            items.join(",")
        }
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Null | Value::Bool(_) | Value::Number(_) => stringify(value),
    }
}

fn shortened(text: String) -> String {
    if text.encode_utf16().count() > DATA_UNITS_MAX {
        format!("sha1:{}", sha1_hex(&text))
    } else {
        text
    }
}

fn sha1_hex(text: &str) -> String {
    hex::encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes()))
}

fn indexed(bytes: &[u8]) -> Value {
    bytes
        .iter()
        .enumerate()
        .map(|(index, byte)| (index.to_string(), Value::from(*byte)))
        .collect()
}

fn buffer(bytes: &[u8]) -> Value {
    serde_json::json!({ "type": "Buffer", "data": bytes })
}
