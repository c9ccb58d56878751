//! Writing values in our format.

use serde_json::{Map, Value};
use toml::Table;

use super::super::template;

pub(super) fn set(table: &mut Table, key: &str, text: &str) {
    table.insert(key.to_owned(), toml::Value::String(text.to_owned()));
}

pub(super) fn put(table: &mut Table, key: &str, inner: Table) {
    if !inner.is_empty() {
        table.insert(key.to_owned(), toml::Value::Table(inner));
    }
}

/// `key = url`, or a table with `url` when there is more to say.
pub(super) fn short_or_long(out: &mut Table, key: &str, url: Option<toml::Value>, mut table: Table) {
    match (url, table.is_empty()) {
        (None, true) => {}
        (Some(url), true) => drop(out.insert(key.to_owned(), url)),
        (url, false) => {
            if let Some(url) = url {
                table.insert("url".to_owned(), url);
            }
            out.insert(key.to_owned(), toml::Value::Table(table));
        }
    }
}

/// A map without pairs that the engine supplies itself.
pub(super) fn without(map: &Map<String, Value>, defaults: &[(&str, &str)]) -> Map<String, Value> {
    map.iter()
        .filter(|(name, value)| {
            !defaults
                .iter()
                .any(|(known, text)| name == known && value.as_str() == Some(text))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A map of texts with their placeholders renamed; flags and numbers become texts.
pub(super) fn texts(map: &Map<String, Value>) -> Table {
    map.iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), toml::Value::String(template::convert(&text, false)))
        })
        .collect()
}

/// A map with its placeholders renamed, at any depth.
pub(super) fn templates(map: &Map<String, Value>, in_exchange: bool) -> Table {
    map.iter()
        .map(|(name, value)| (name.clone(), converted(value, in_exchange)))
        .collect()
}

pub(super) fn converted(value: &Value, in_exchange: bool) -> toml::Value {
    match value {
        Value::String(text) => toml::Value::String(template::convert(text, in_exchange)),
        Value::Array(items) => toml::Value::Array(items.iter().map(|item| converted(item, in_exchange)).collect()),
        Value::Object(map) => toml::Value::Table(templates(map, in_exchange)),
        other => plain(other),
    }
}

pub(super) fn plain(value: &Value) -> toml::Value {
    match value {
        Value::Bool(flag) => toml::Value::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => toml::Value::Integer(integer),
            None => toml::Value::Float(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => toml::Value::String(text.clone()),
        Value::Array(items) => toml::Value::Array(items.iter().map(plain).collect()),
        Value::Object(map) => {
            toml::Value::Table(map.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        Value::Null => toml::Value::String(String::new()),
    }
}

/// `hubspotPostConnection` without its suffix, in our spelling: `hubspot`.
pub(super) fn snake(name: &str) -> String {
    let mut out = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(letter.to_ascii_lowercase());
    }
    out.replace('-', "_").trim_matches('_').to_owned()
}
