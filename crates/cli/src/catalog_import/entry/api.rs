//! How the API is called: base URL, headers, retries, paging, the probe of credentials.

use serde_json::{Map, Value};
use toml::Table;

use super::super::template;
use super::write::{plain, put, set, templates};

pub(super) fn proxy_of(id: &str, proxy: &Map<String, Value>, out: &mut Table, left_out: &mut Vec<String>) {
    for (key, value) in proxy {
        match (key.as_str(), value) {
            ("base_url", Value::String(url)) => {
                out.insert("api".to_owned(), template::alternatives(url, false));
            }
            ("headers", Value::Object(map)) => {
                let headers = map
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), template::alternatives(value.as_str()?, false))));
                put(out, "headers", headers.collect());
            }
            ("query" | "body", Value::Object(map)) => put(out, key, templates(map, false)),
            ("decompress", Value::Bool(true)) => drop(out.insert("decompress".to_owned(), toml::Value::Boolean(true))),
            ("forward_headers_on_redirect", Value::Bool(true)) => {
                out.insert("forward_headers_on_redirect".to_owned(), toml::Value::Boolean(true));
            }
            ("connection_config", Value::Object(map)) => {
                let names = map.keys().map(|name| toml::Value::String(name.clone())).collect();
                out.insert("endpoint_uses".to_owned(), toml::Value::Array(names));
            }
            ("retry", Value::Object(retry)) => put(out, "retry", retry_of(retry)),
            ("paginate", Value::Object(page)) => put(out, "page", page_of(page)),
            ("verification", Value::Object(probe)) => put(out, "probe", probe_of(probe)),
            ("decompress" | "forward_headers_on_redirect", _) => {}
            _ => left_out.push(format!("{id}: proxy.{key}")),
        }
    }
}

fn retry_of(retry: &Map<String, Value>) -> Table {
    let mut out = Table::new();
    for (theirs, ours) in [
        ("after", "after"),
        ("at", "at"),
        ("remaining", "remaining"),
        ("error_code", "statuses"),
    ] {
        if let Some(value) = retry.get(theirs) {
            let value = match (ours, value) {
                ("statuses", Value::String(text)) => Value::Array(vec![Value::String(text.clone())]),
                ("statuses", Value::Array(items)) => {
                    let texts = items
                        .iter()
                        .map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned));
                    Value::Array(texts.map(Value::String).collect())
                }
                _ => value.clone(),
            };
            out.insert(ours.to_owned(), plain(&value));
        }
    }
    if let Some(Value::Object(body)) = retry.get("in_body") {
        let mut table = Table::new();
        for (theirs, ours) in [("path", "path"), ("value", "pattern"), ("strategy", "wait")] {
            if let Some(text) = body.get(theirs).and_then(Value::as_str) {
                set(&mut table, ours, text);
            }
        }
        put(&mut out, "body", table);
    }
    out
}

fn page_of(page: &Map<String, Value>) -> Table {
    let mut out = Table::new();
    for (theirs, ours) in [
        ("response_path", "items"),
        ("limit_name_in_request", "limit"),
        ("cursor_name_in_request", "cursor"),
        ("cursor_path_in_response", "next"),
        ("link_rel_in_response_header", "link_header"),
        ("link_path_in_response_body", "link"),
        ("offset_name_in_request", "offset"),
        ("offset_start_value", "start"),
    ] {
        if let Some(value) = page.get(theirs) {
            out.insert(ours.to_owned(), plain(value));
        }
    }
    out
}

fn probe_of(probe: &Map<String, Value>) -> Table {
    let mut out = Table::new();
    let method = probe.get("method").and_then(Value::as_str).unwrap_or("GET");
    let calls = probe.get("endpoints").and_then(Value::as_array).into_iter().flatten();
    let calls: Vec<toml::Value> = calls
        .filter_map(Value::as_str)
        .map(|path| {
            let slash = if path.starts_with('/') { "" } else { "/" };
            toml::Value::String(format!("{method} {slash}{}", template::convert(path, false)))
        })
        .collect();
    out.insert("calls".to_owned(), toml::Value::Array(calls));
    for (theirs, ours) in [("headers", "headers"), ("data", "body")] {
        if let Some(Value::Object(map)) = probe.get(theirs) {
            put(&mut out, ours, templates(map, false));
        }
    }
    if let Some(base) = probe.get("base_url_override").and_then(Value::as_str) {
        set(&mut out, "base_url", &template::convert(base, false));
    }
    out
}
