//! Makes fixtures out of what happened in a dry run.

use std::{fs, io, path::Path};

use serde_json::{Map, Value, json};
use tenon_runtime::protocol::HttpReply;

use super::identity::Identity;

/// Credentials are not written into files that are meant to be committed.
const REDACTED: &str = "redacted";
/// Members of credentials that are no secret.
const OPEN_MEMBERS: [&str; 2] = ["type", "expires_at"];

/// Requests and their answers, in order; the same request is kept once.
#[derive(Debug, Default)]
pub struct Recorder {
    entries: Vec<Entry>,
    values: Map<String, Value>,
}

#[derive(Debug)]
struct Entry {
    method: String,
    endpoint: String,
    hash: String,
    value: Value,
}

impl Recorder {
    /// Adds a request that was answered.
    pub fn add(&mut self, request: &Identity, reply: &HttpReply, response_type: Option<&str>) {
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
        fixture.insert("api".to_owned(), self.api());
        Value::Object(fixture)
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
