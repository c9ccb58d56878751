//! Makes fixtures out of what happened in a dry run.

use std::{fs, io, path::Path};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use tenon_app::operations::redact::{secret_texts, secret_variable};
use tenon_credentials::{CONCEALED, Concealer};
use tenon_model::SystemRng;
use tenon_runtime::protocol::{Body, HttpCall, HttpReply, Params};

use super::identity::Identity;

/// Credentials are not written into files that are meant to be committed.
const REDACTED: &str = "redacted";
/// Members of credentials that are no secret.
const OPEN_MEMBERS: [&str; 2] = ["type", "expires_at"];

/// Requests and their answers, in order; the same request is kept once. Secrets that it knows of are `redacted` wherever they
/// stand, as they are in what a replay hands to the function: what is sent then is what was recorded.
#[derive(Debug, Default)]
pub struct Recorder {
    entries: Vec<Entry>,
    values: Map<String, Value>,
    secrets: Concealer,
}

#[derive(Debug)]
struct Entry {
    method: String,
    endpoint: String,
    hash: String,
    value: Value,
}

impl Recorder {
    /// Learns what is secret inside credentials, settings or variables that the function is given.
    pub fn learn(&mut self, given: &Value) {
        secret_texts(given, &mut self.secrets);
    }

    /// Learns what is secret of an environment's variables (`[{name, value}]`).
    pub fn learn_variables(&mut self, variables: &Value) {
        for variable in variables.as_array().into_iter().flatten() {
            let text = |member: &str| variable[member].as_str().unwrap_or_default();
            secret_variable(text("name"), text("value"), &mut self.secrets);
        }
    }

    /// Learns a token.
    pub fn learn_token(&mut self, token: &str) {
        self.secrets.add(token);
    }

    /// Adds a request that was answered. One that cannot be sent has no place in a fixture.
    pub fn add(&mut self, call: &HttpCall, reply: &HttpReply) {
        let response_type = call.response_type.as_deref();
        let Ok(request) = Identity::of(self.without_secrets(call), &SystemRng::default()) else {
            return;
        };
        let reply = &self.reply_without_secrets(reply);
        let hash = request.hash();
        if self.entries.iter().any(|entry| entry.hash == hash) {
            return;
        }
        let mut recorded = Map::new();
        for (name, pairs) in [("params", &request.params), ("headers", &request.headers)] {
            if !pairs.is_empty() {
                let pairs = pairs.iter().map(|(name, value)| (name.clone(), json!(value)));
                recorded.insert(name.to_owned(), pairs.collect());
            }
        }
        if let Some(text) = request.data.text() {
            let data = serde_json::from_str(&text).unwrap_or(Value::String(text));
            recorded.insert("data".to_owned(), data);
        }
        self.entries.push(Entry {
            method: request.method.clone(),
            endpoint: format!("/{}", request.endpoint),
            value: json!({
                "response": response(reply, response_type),
                "status": reply.status,
                "headers": headers(reply),
                "hash": hash,
                "request": recorded,
            }),
            hash,
        });
    }

    /// Notes what `nango.<name>` answered, unless it is noted already.
    pub fn note(&mut self, name: &str, value: Value) {
        self.values.entry(name).or_insert(value);
    }

    /// The section `api` of a fixture.
    fn api(&self) -> Value {
        let mut api = Map::new();
        for entry in &self.entries {
            let endpoints = api.entry(&entry.method).or_insert_with(|| json!({}));
            let slot = &mut endpoints[&entry.endpoint];
            *slot = match slot.take() {
                Value::Null => entry.value.clone(),
                Value::Array(mut entries) => {
                    entries.push(entry.value.clone());
                    Value::Array(entries)
                }
                first => json!([first, entry.value]),
            };
        }
        Value::Object(api)
    }

    /// The whole fixture. `nango` are further values that the platform gave or was given.
    pub fn fixture(&self, input: Option<Value>, output: Option<Value>, nango: Map<String, Value>) -> Value {
        let mut fixture = Map::new();
        for (name, value) in [("input", input), ("output", output)] {
            fixture.extend(value.map(|value| (name.to_owned(), value)));
        }
        let mut values = self.values.clone();
        values.extend(nango);
        fixture.insert("nango".to_owned(), Value::Object(values));
        let mut fixture = Value::Object(fixture);
        self.hide_in(&mut fixture);
        fixture["api"] = self.api();
        fixture
    }

    fn hide(&self, text: &str) -> String {
        self.secrets.conceal(text.to_owned()).replace(CONCEALED, REDACTED)
    }

    fn hide_in(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.hide_in(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn pairs_without_secrets(&self, pairs: &[(String, String)]) -> Vec<(String, String)> {
        let hidden = pairs.iter().map(|(name, value)| (name.clone(), self.hide(value)));
        hidden.collect()
    }

    /// Bytes that are no text stay as they are.
    fn bytes_without_secrets(&self, bytes: &Bytes) -> Bytes {
        std::str::from_utf8(bytes).map_or_else(|_| bytes.clone(), |text| self.hide(text).into())
    }

    fn without_secrets(&self, call: &HttpCall) -> HttpCall {
        let mut call = call.clone();
        call.endpoint = self.hide(&call.endpoint);
        call.params = match &call.params {
            Params::Text(text) => Params::Text(self.hide(text)),
            Params::Pairs(pairs) => Params::Pairs(self.pairs_without_secrets(pairs)),
        };
        call.headers = self.pairs_without_secrets(&call.headers);
        call.object = call.object.map(|text| self.hide(&text));
        match &mut call.body {
            Body::Empty => {}
            Body::Json { text } | Body::Text { text } | Body::Form { text } => *text = self.hide(text),
            Body::Bytes { bytes } => *bytes = self.bytes_without_secrets(bytes),
            Body::Multipart { parts } => {
                for part in parts {
                    part.bytes = self.bytes_without_secrets(&part.bytes);
                }
            }
        }
        call
    }

    fn reply_without_secrets(&self, reply: &HttpReply) -> HttpReply {
        HttpReply {
            headers: self.pairs_without_secrets(&reply.headers),
            body: self.bytes_without_secrets(&reply.body),
            ..reply.clone()
        }
    }
}

/// Writes a fixture, with the folder it belongs in.
pub fn write(path: &Path, fixture: &Value) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, format!("{fixture:#}\n"))
}

/// The answer as the function saw it.
fn response(reply: &HttpReply, response_type: Option<&str>) -> Value {
    if matches!(response_type, Some("arraybuffer" | "stream")) {
        return json!({ "type": "Buffer", "data": reply.body.to_vec() });
    }
    let text = String::from_utf8_lossy(&reply.body);
    if response_type == Some("text") {
        return Value::from(text);
    }
    serde_json::from_slice(&reply.body).unwrap_or_else(|_| Value::from(text))
}

fn headers(reply: &HttpReply) -> Value {
    let mut headers = Map::new();
    for (name, value) in &reply.headers {
        let value = if name == "set-cookie" { REDACTED } else { value.as_str() };
        match headers.get_mut(name) {
            Some(Value::String(known)) if known.as_str() != value => *known = format!("{known}, {value}"),
            Some(_) => {}
            None => {
                headers.insert(name.clone(), json!(value));
            }
        }
    }
    Value::Object(headers)
}

/// A connection without what identifies it or opens anything.
pub fn connection(connection: &Value) -> Value {
    let mut recorded = Map::new();
    for name in ["provider", "provider_config_key", "connection_config", "metadata"] {
        if let Some(value) = connection.get(name) {
            recorded.insert(name.to_owned(), value.clone());
        }
    }
    if let Some(credentials) = connection.get("credentials") {
        recorded.insert("credentials".to_owned(), redacted(credentials));
    }
    Value::Object(recorded)
}

/// Credentials, or a token, by their shape only.
pub fn redacted(secret: &Value) -> Value {
    match secret {
        Value::Object(members) => members
            .iter()
            .filter(|(name, _)| *name != "raw")
            .map(|(name, value)| {
                let open = OPEN_MEMBERS.contains(&name.as_str());
                (name.clone(), if open { value.clone() } else { redacted(value) })
            })
            .collect(),
        Value::Array(_) => json!([]),
        Value::String(_) | Value::Number(_) => json!(REDACTED),
        Value::Null | Value::Bool(_) => secret.clone(),
    }
}
