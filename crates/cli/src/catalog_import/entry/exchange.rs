//! Exchanges of credentials for tokens.

use serde_json::{Map, Value};
use toml::Table;

use super::super::template;
use super::Source;
use super::write::{plain, put, set, templates};

pub(super) fn exchange_of(source: &mut Source<'_>) -> Table {
    let mut table = Table::new();
    if let Some(url) = source.text("token_url") {
        table.insert("url".to_owned(), template::alternatives(url, true));
    }
    if let Some(method) = source.text("token_request_method") {
        set(&mut table, "method", method);
    }
    for (theirs, ours) in [("token_headers", "headers"), ("token_params", "params")] {
        if let Some(map) = source.map(theirs) {
            put(&mut table, ours, templates(map, true));
        }
    }
    if let Some(format) = source.text("body_format").filter(|format| *format != "json") {
        set(&mut table, "body", format);
    }
    if let Some(reply) = source.map("token_response") {
        let path = |name: &str| reply.get(name).and_then(Value::as_str);
        if let Some(token) = path("token") {
            set(&mut table, "token", token);
        }
        let expires = if path("token_expiration_strategy") == Some("expireAt") {
            "expires_at"
        } else {
            "expires_in"
        };
        for (theirs, ours) in [("token_expiration", expires), ("refresh_token", "refresh_token")] {
            if let Some(path) = path(theirs) {
                set(&mut table, ours, path);
            }
        }
    }
    if let Some(ms) = source.take("token_expires_in_ms").and_then(Value::as_i64) {
        table.insert("lifetime_seconds".to_owned(), toml::Value::Integer(ms / 1000));
    }
    if let Some(seconds) = source.take("token_expiration_buffer").and_then(Value::as_i64) {
        table.insert("margin_seconds".to_owned(), toml::Value::Integer(seconds));
    }
    if let Some(headers) = source.take("token_response_headers") {
        table.insert("keep_headers".to_owned(), plain(headers));
    }
    let mut refresh = Table::new();
    if let Some(url) = source.text("refresh_url") {
        refresh.insert("url".to_owned(), template::alternatives(url, true));
    }
    for (theirs, ours) in [("refresh_token_headers", "headers"), ("refresh_token_params", "params")] {
        if let Some(map) = source.map(theirs) {
            put(&mut refresh, ours, templates(map, true));
        }
    }
    put(&mut table, "refresh", refresh);
    let steps: Vec<toml::Value> = source
        .take("additional_steps")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
        .map(|step| {
            let mut out = Table::new();
            if let Some(url) = step.get("token_url").and_then(Value::as_str) {
                out.insert("url".to_owned(), template::alternatives(url, true));
            }
            if let Some(method) = step.get("token_request_method").and_then(Value::as_str) {
                set(&mut out, "method", method);
            }
            for (theirs, ours) in [("token_headers", "headers"), ("token_params", "params")] {
                if let Some(Value::Object(map)) = step.get(theirs) {
                    put(&mut out, ours, templates(map, true));
                }
            }
            toml::Value::Table(out)
        })
        .collect();
    if !steps.is_empty() {
        table.insert("then".to_owned(), toml::Value::Array(steps));
    }
    if let Some(assertion) = source.map("assertion") {
        table.insert("assertion".to_owned(), toml::Value::Table(assertion_of(assertion)));
    }
    table
}

fn assertion_of(assertion: &Map<String, Value>) -> Table {
    let mut out = Table::new();
    for (theirs, ours) in [
        ("type", "kind"),
        ("key", "key"),
        ("issuer", "issuer"),
        ("recipient", "recipient"),
        ("nameIdentifier", "name_id"),
        ("sessionIndex", "session_index"),
    ] {
        if let Some(text) = assertion.get(theirs).and_then(Value::as_str) {
            set(&mut out, ours, &template::convert(text, true));
        }
    }
    let audience = assertion
        .get("audiences")
        .and_then(|value| value.as_str().or_else(|| value.get(0)?.as_str()));
    if let Some(audience) = audience {
        set(&mut out, "audience", &template::convert(audience, true));
    }
    if let Some(seconds) = assertion.get("lifetimeInSeconds").and_then(Value::as_i64) {
        out.insert("lifetime_seconds".to_owned(), toml::Value::Integer(seconds));
    }
    for (theirs, ours) in [
        ("header", "header"),
        ("payload", "claims"),
        ("attributes", "attributes"),
    ] {
        if let Some(Value::Object(map)) = assertion.get(theirs) {
            put(&mut out, ours, templates(map, true));
        }
    }
    out
}
