//! Requests of the function as requests to the server's proxy (HTTP contract, 5.1).

use http::{HeaderMap, HeaderValue, Method};
use tenon_runtime::protocol::{Body, HttpCall, Params, Part};
use url::form_urlencoded;

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
    for (name, value) in &call.headers {
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
    let endpoint = call.endpoint.trim_start_matches('/');
    let query = match &call.params {
        Params::Text(text) => text.trim_start_matches('?').to_owned(),
        Params::Pairs(pairs) => {
            let mut query = form_urlencoded::Serializer::new(String::new());
            query.extend_pairs(pairs);
            query.finish()
        }
    };
    // Spaces and braces of placeholders cannot be part of a URL as they are.
    let endpoint: String = endpoint
        .chars()
        .map(|c| match c {
            ' ' | '{' | '}' | '"' | '<' | '>' | '\\' | '^' | '`' | '|' => format!("%{:02X}", c as u32),
            other => other.to_string(),
        })
        .collect();
    match (query.is_empty(), endpoint.contains('?')) {
        (true, _) => format!("/proxy/{endpoint}"),
        (false, false) => format!("/proxy/{endpoint}?{query}"),
        (false, true) => format!("/proxy/{endpoint}&{query}"),
    }
}

fn encode_body(call: &HttpCall, own_type: Option<&str>, headers: &mut HeaderMap) -> Option<bytes::Bytes> {
    let (assumed, body) = match &call.body {
        Body::Empty => return None,
        Body::Json { text } => ("application/json".to_owned(), text.clone().into()),
        Body::Text { text } => ("text/plain; charset=utf-8".to_owned(), text.clone().into()),
        Body::Bytes { bytes } => ("application/octet-stream".to_owned(), bytes.clone()),
        Body::Form { text } => ("application/x-www-form-urlencoded".to_owned(), text.clone().into()),
        Body::Multipart { parts } => multipart(parts),
    };
    let is_multipart = matches!(call.body, Body::Multipart { .. });
    let sent = if is_multipart {
        assumed.as_str()
    } else {
        own_type.unwrap_or(&assumed)
    };
    if let Ok(value) = HeaderValue::from_str(sent) {
        headers.insert(http::header::CONTENT_TYPE, value);
    }
    if own_type.is_none() && matches!(call.body, Body::Form { .. }) {
        put_header(headers, "nango-proxy-content-type", &assumed);
    }
    Some(body)
}

fn multipart(parts: &[Part]) -> (String, bytes::Bytes) {
    // Chosen so that it does not occur in any part.
    let mut boundary = "tenon-form-boundary".to_owned();
    while parts.iter().any(|part| {
        part.bytes
            .windows(boundary.len())
            .any(|window| window == boundary.as_bytes())
    }) {
        boundary.push('x');
    }
    let mut body = Vec::new();
    let quote = |text: &str| text.replace('"', "%22").replace(['\r', '\n'], "");
    for part in parts {
        let mut head = format!(
            "--{boundary}\r\ncontent-disposition: form-data; name=\"{}\"",
            quote(&part.name)
        );
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{}\"", quote(filename)));
        }
        head.push_str("\r\n");
        if let Some(content_type) = &part.content_type {
            head.push_str(&format!("content-type: {}\r\n", content_type.replace(['\r', '\n'], "")));
        }
        head.push_str("\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    (format!("multipart/form-data; boundary={boundary}"), body.into())
}
