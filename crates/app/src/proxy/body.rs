//! What a call sends, and under which content type.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use tenon_egress::Body;
use url::form_urlencoded;

use super::call::CallBody;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const FORM_UTF8: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded;charset=utf-8");

/// A body ready to be sent, as often as there are attempts.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    /// The bytes; empty for none.
    pub(super) bytes: Bytes,
    /// A body that can be sent once.
    pub(super) stream: Option<Body>,
    /// Content type in effect.
    pub(super) content_type: Option<HeaderValue>,
}

impl Prepared {
    /// The body for one attempt.
    pub(super) fn next(&mut self) -> Body {
        match self.stream.take() {
            Some(stream) => stream,
            None if self.bytes.is_empty() => Body::Empty,
            None => Body::Bytes(self.bytes.clone()),
        }
    }

    /// The body as text, for signatures that cover it.
    pub(super) fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// Encodes a body: the caller's content type wins, the provider's own fields are merged into objects and forms.
pub(super) fn prepare(method: &Method, body: CallBody, headers: &HeaderMap, additions: &[(String, Value)]) -> Prepared {
    if !matches!(*method, Method::POST | Method::PUT | Method::PATCH | Method::DELETE) {
        return Prepared::default();
    }
    let wanted = headers.get(CONTENT_TYPE);
    let wants_form = wanted.is_some_and(is_form);
    // Other clients call a body without content type a form, whatever it is; providers have got used to it.
    let untyped = || (*method != Method::DELETE).then_some(FORM);
    let (bytes, default) = match body {
        CallBody::None if additions.is_empty() => (Bytes::new(), untyped()),
        CallBody::None => (merge_json(b"{}", additions), Some(JSON)),
        CallBody::Json(bytes) if wants_form => {
            let value = serde_json::from_slice(&merge_json(&bytes, additions)).unwrap_or(Value::Null);
            (json_as_form(&value), None)
        }
        CallBody::Json(bytes) => (merge_json(&bytes, additions), Some(JSON)),
        CallBody::Form(bytes) if wants_form => (merge_form(bytes, additions), None),
        CallBody::Form(bytes) => (merge_json(&form_as_json(&bytes), additions), Some(JSON)),
        CallBody::FormText(bytes) => (merge_form(bytes, additions), Some(FORM_UTF8)),
        CallBody::Raw(bytes) => (bytes, untyped()),
        CallBody::Multipart { content_type, bytes } => {
            return Prepared {
                bytes,
                stream: None,
                content_type: Some(content_type),
            };
        }
        CallBody::Stream(stream) => {
            let content_type = wanted.cloned().or_else(untyped);
            return Prepared {
                bytes: Bytes::new(),
                stream: Some(stream),
                content_type,
            };
        }
    };
    Prepared {
        bytes,
        stream: None,
        content_type: wanted.cloned().or(default),
    }
}

fn is_form(content_type: &HeaderValue) -> bool {
    content_type
        .as_bytes()
        .to_ascii_lowercase()
        .starts_with(b"application/x-www-form-urlencoded")
}

/// Checks that the text is one JSON object or list, and removes white space between its parts. Numbers keep their
/// digits: nothing is converted.
///
/// # Errors
/// What is wrong with the text.
pub fn compact_json(text: &[u8]) -> Result<Bytes, String> {
    let raw: &RawValue = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let raw = raw.get();
    if !raw.starts_with(['{', '[']) {
        return Err("the text is not an object or a list".to_owned());
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut in_text = false;
    let mut escaped = false;
    for byte in raw.bytes() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            in_text = byte == b'"';
        }
        out.push(byte);
    }
    Ok(out.into())
}

fn merge_json(text: &[u8], additions: &[(String, Value)]) -> Bytes {
    if additions.is_empty() {
        return Bytes::copy_from_slice(text);
    }
    let Ok(Value::Object(mut object)) = serde_json::from_slice::<Value>(text) else {
        return Bytes::copy_from_slice(text);
    };
    for (name, value) in additions {
        object.insert(name.clone(), value.clone());
    }
    Bytes::from(Value::Object(object).to_string())
}

fn merge_form(text: Bytes, additions: &[(String, Value)]) -> Bytes {
    if additions.is_empty() {
        return text;
    }
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(&text) {
        if !additions.iter().any(|(added, _)| *added == name) {
            form.append_pair(&name, &value);
        }
    }
    for (name, value) in additions {
        append(&mut form, name, value);
    }
    form.finish().into()
}

/// A form as an object: repeated names become lists.
fn form_as_json(text: &[u8]) -> Bytes {
    let mut object = Map::new();
    for (name, value) in form_urlencoded::parse(text) {
        insert(&mut object, &name, Value::String(value.into_owned()));
    }
    Bytes::from(Value::Object(object).to_string())
}

/// Puts `a[b][]` where it belongs.
fn insert(object: &mut Map<String, Value>, name: &str, value: Value) {
    if let Some((outer, rest)) = name.split_once('[')
        && let Some((inner, tail)) = rest.split_once(']')
        && !outer.is_empty()
    {
        if inner.is_empty() && tail.is_empty() {
            let list = object.entry(outer).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(items) = list {
                items.push(value);
                return;
            }
        } else if !inner.is_empty() {
            let nested = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(nested) = nested {
                insert(nested, &format!("{inner}{tail}"), value);
                return;
            }
        }
    }
    match object.get_mut(name) {
        None => {
            object.insert(name.to_owned(), value);
        }
        Some(Value::Array(items)) => items.push(value),
        Some(existing) => {
            let first = existing.take();
            *existing = Value::Array(vec![first, value]);
        }
    }
}

/// An object as a form, nested names in brackets.
fn json_as_form(value: &Value) -> Bytes {
    let mut form = form_urlencoded::Serializer::new(String::new());
    if let Value::Object(object) = value {
        for (name, value) in object {
            append(&mut form, name, value);
        }
    }
    form.finish().into()
}

fn append(form: &mut form_urlencoded::Serializer<'_, String>, name: &str, value: &Value) {
    match value {
        Value::Null => {
            form.append_pair(name, "");
        }
        Value::Bool(flag) => {
            form.append_pair(name, if *flag { "true" } else { "false" });
        }
        Value::Number(number) => {
            form.append_pair(name, &number.to_string());
        }
        Value::String(text) => {
            form.append_pair(name, text);
        }
        Value::Array(items) => items.iter().for_each(|item| append(form, &format!("{name}[]"), item)),
        Value::Object(object) => {
            object
                .iter()
                .for_each(|(inner, value)| append(form, &format!("{name}[{inner}]"), value));
        }
    }
}
