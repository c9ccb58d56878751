//! Requests of the function as requests to the server's proxy (HTTP contract, 5.1).

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Map, Value};
use tenon_app::proxy::{multipart, set_pairs};
use tenon_catalog::template::{Scope, Template};
use tenon_model::{Clock as _, Rng as _, SystemClock, SystemRng};
use tenon_runtime::protocol::{Body, HttpCall, Params};

use super::{Options, Target};
use crate::authoring::client::put_header;

/// A request, ready to be sent to the server.
#[derive(Debug)]
pub struct Prepared {
    /// Method.
    pub method: Method,
    /// `/proxy/…` with its query.
    pub path: String,
    /// Control headers and the function's own, prefixed.
    pub headers: HeaderMap,
    /// Body.
    pub body: Option<bytes::Bytes>,
}

/// Values of the connection that a function may write placeholders for: `/companies/${connectionConfig.company}`. The server fills
/// them in the requests of functions; those of a dry run reach it as requests of a caller, in whose paths it fills nothing.
#[derive(Debug)]
pub struct Filling {
    config: Map<String, Value>,
    metadata: Map<String, Value>,
}

impl Filling {
    /// Those of a run.
    pub fn of(target: &Target<'_>, options: &Options) -> Self {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        Self {
            config: members(&target.connection["connection_config"]),
            metadata: members(options.metadata.as_ref().unwrap_or(&target.connection["metadata"])),
        }
    }

    /// Fills the placeholders in an endpoint; what has no value stays as it is written.
    pub fn fill(&self, endpoint: &mut String) {
        if endpoint.contains("${") {
            let uuid = SystemRng::default().uuid_v4().to_string();
            let scope = Scope {
                config: Some(&self.config),
                metadata: Some(&self.metadata),
                ..Scope::new(SystemClock::default().now(), &uuid)
            };
            *endpoint = Template::fill_in(endpoint, &scope);
        }
    }
}

/// Translates a call for a connection.
pub fn prepare(call: &HttpCall, integration: &str, connection: &str, is_sync: bool) -> Result<Prepared, String> {
    let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| format!("{} is not a method", call.method))?;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (
            "provider-config-key",
            call.provider_config_key.as_deref().unwrap_or(integration),
        ),
        ("connection-id", call.connection_id.as_deref().unwrap_or(connection)),
        ("base-url-override", call.base_url_override.as_deref().unwrap_or("")),
        ("retries", &call.retries.to_string()),
        ("decompress", if call.decompress { "true" } else { "false" }),
        ("nango-is-sync", if is_sync { "true" } else { "false" }),
        ("nango-is-dry-run", "true"),
    ] {
        put_header(&mut headers, name, value);
    }
    if let Some(statuses) = call.retry_on.as_ref().filter(|statuses| !statuses.is_empty()) {
        let list: Vec<String> = statuses.iter().map(u16::to_string).collect();
        put_header(&mut headers, "retry-on", &list.join(","));
    }
    if let Some(forward) = call.forward_headers_on_redirect {
        put_header(
            &mut headers,
            "forward-headers-on-redirect",
            if forward { "true" } else { "false" },
        );
    }
    // The server's own name stands in every request of a function.
    for (name, value) in call.headers.iter().filter(|(name, _)| name != "user-agent") {
        put_header(&mut headers, &format!("nango-proxy-{name}"), value);
    }
    let own_type = call
        .headers
        .iter()
        .find(|(name, _)| name == "content-type")
        .map(|(_, value)| value.as_str());
    let body = if matches!(method, Method::GET | Method::HEAD) {
        None
    } else {
        encode_body(call, own_type, &mut headers)
    };
    Ok(Prepared {
        method,
        path: path(call),
        headers,
        body,
    })
}

fn path(call: &HttpCall) -> String {
    // Spaces and braces of placeholders cannot be part of a URL as they are.
    let endpoint: String = call
        .endpoint
        .trim_start_matches('/')
        .chars()
        .map(|c| match c {
            ' ' | '{' | '}' | '"' | '<' | '>' | '\\' | '^' | '`' | '|' => format!("%{:02X}", c as u32),
            other => other.to_string(),
        })
        .collect();
    let mut path = format!("/proxy/{endpoint}");
    match &call.params {
        Params::Text(text) if text.is_empty() => {}
        Params::Text(text) => {
            path.push(if path.contains('?') { '&' } else { '?' });
            path.push_str(text.trim_start_matches('?'));
        }
        Params::Pairs(pairs) => set_pairs(&mut path, pairs),
    }
    path
}

fn encode_body(call: &HttpCall, own_type: Option<&str>, headers: &mut HeaderMap) -> Option<bytes::Bytes> {
    let plain = HeaderValue::from_static;
    let (assumed, body) = match &call.body {
        Body::Empty => return None,
        Body::Json { text } => (plain("application/json"), text.clone().into()),
        Body::Text { text } => (plain("text/plain; charset=utf-8"), text.clone().into()),
        Body::Bytes { bytes } => (plain("application/octet-stream"), bytes.clone()),
        Body::Form { text } => (plain("application/x-www-form-urlencoded"), text.clone().into()),
        Body::Multipart { parts } => multipart(parts, &SystemRng::default()),
    };
    if own_type.is_none() && matches!(call.body, Body::Form { .. }) {
        headers.insert("nango-proxy-content-type", assumed.clone());
    }
    let own_type = own_type.and_then(|own| HeaderValue::from_str(own).ok());
    // An object that is to be sent as a form reaches the server as JSON, which makes a form of it.
    let sent = match &call.body {
        Body::Multipart { .. } | Body::Json { .. } => assumed,
        _ => own_type.unwrap_or(assumed),
    };
    headers.insert(CONTENT_TYPE, sent);
    Some(body)
}
