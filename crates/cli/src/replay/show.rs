//! Questions and answers as people read them.

use serde_json::{Map, Value, json};
use tenon_runtime::cassette::{Content, Message};

/// A content as a value: JSON as it is, text as text.
pub fn content_value(content: &Content) -> Value {
    match content {
        Content::Json(json) => serde_json::from_str(json.get()).unwrap_or_default(),
        Content::Text(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str())),
        Content::Base64(text) => json!({ "base64": text }),
        Content::Withheld(bytes) => json!({ "withheld_bytes": bytes }),
    }
}

/// What is asked, in one line: `GET /contacts?limit=2`, `batchSave Contact (2 records)`.
pub fn title(request: &Message) -> String {
    let text = |name: &str| request.text(name).unwrap_or_default();
    match request.op() {
        "http" => {
            let mut url = format!("{}{}", text("baseUrlOverride"), text("endpoint"));
            let query = query(&request.header);
            if !query.is_empty() {
                url.push(if url.contains('?') { '&' } else { '?' });
                url.push_str(&query);
            }
            format!("{} {url}", text("method"))
        }
        "fetch" => format!("{} {} (without credentials)", text("method"), text("url")),
        op @ ("batchSave" | "batchUpdate" | "batchDelete") => {
            let count = records(request).map_or(0, |records| records.len());
            let noun = if count == 1 { "record" } else { "records" };
            format!("{op} {} ({count} {noun})", text("model"))
        }
        op @ "saveCheckpoint" => {
            let value = request.parts.first().and_then(Content::text).unwrap_or_default();
            format!("{op} {}", clipped(value, 80))
        }
        "triggerAction" => format!("triggerAction {} of {}", text("action"), text("providerConfigKey")),
        "triggerSync" => {
            let sync = request
                .header
                .get("sync")
                .map(|sync| sync["name"].clone())
                .unwrap_or_default();
            format!("triggerSync {}", sync.as_str().unwrap_or_default())
        }
        op @ ("tryAcquireLock" | "releaseLock") => format!("{op} {}", text("key")),
        "getConnection" if request.header.get("metadataOnly") == Some(&Value::Bool(true)) => "getMetadata".to_owned(),
        op => match request.text("model") {
            Some(model) => format!("{op} {model}"),
            None => op.to_owned(),
        },
    }
}

/// What a question is about: two questions with the same subject are the same one with other details.
pub fn subject(request: &Message) -> String {
    let text = |name: &str| request.text(name).unwrap_or_default();
    match request.op() {
        "http" => {
            let path = text("endpoint").split('?').next().unwrap_or_default();
            format!("{} {}{path}", text("method"), text("baseUrlOverride"))
        }
        "fetch" => format!(
            "fetch {} {}",
            text("method"),
            text("url").split('?').next().unwrap_or_default()
        ),
        op => format!("{op} {}{}{}", text("model"), text("action"), text("key")),
    }
}

fn query(header: &Map<String, Value>) -> String {
    match header.get("params") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(pairs)) => pairs
            .iter()
            .filter_map(|pair| Some(format!("{}={}", pair.get(0)?.as_str()?, pair.get(1)?.as_str()?)))
            .collect::<Vec<_>>()
            .join("&"),
        _ => String::new(),
    }
}

/// The records of a batch.
pub fn records(request: &Message) -> Option<Vec<Value>> {
    serde_json::from_str(request.parts.first()?.text()?).ok()
}

/// A question as a value: what matters of it, by names that say what they are.
pub fn call_value(request: &Message) -> Value {
    let mut shown = Map::new();
    for (name, member) in &request.header {
        let empty = match member {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(members) => name == "body" && members.get("parts").is_none(),
            Value::Number(number) => number.as_u64() == Some(0),
            Value::Bool(true) | Value::String(_) => false,
        };
        if !empty {
            shown.insert(name.clone(), pairs_as_object(name, member));
        }
    }
    let bodies: Vec<Value> = request.parts.iter().map(content_value).collect();
    let name = match request.op() {
        "batchSave" | "batchUpdate" | "batchDelete" => "records",
        "saveCheckpoint" => "checkpoint",
        "setMetadata" | "updateMetadata" => "metadata",
        "triggerAction" => "input",
        _ => "body",
    };
    match bodies.len() {
        0 => {}
        1 => shown.extend(bodies.into_iter().map(|body| (name.to_owned(), body))),
        _ => drop(shown.insert("parts".to_owned(), Value::from(bodies))),
    }
    Value::Object(shown)
}

/// Lists of names and values, as an object when no name comes twice.
fn pairs_as_object(name: &str, member: &Value) -> Value {
    let (Value::Array(items), true) = (member, matches!(name, "params" | "headers")) else {
        return member.clone();
    };
    let mut object = Map::new();
    for item in items {
        let Some(key) = item.get(0).and_then(Value::as_str) else {
            return member.clone();
        };
        if object
            .insert(key.to_owned(), item.get(1).cloned().unwrap_or_default())
            .is_some()
        {
            return member.clone();
        }
    }
    Value::Object(object)
}

/// The beginning of a text.
pub fn clipped(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
