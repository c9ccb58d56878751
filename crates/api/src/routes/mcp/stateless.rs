//! Revision 2026-07-28: no handshake; every request says in `_meta` which revision it speaks and who asks, and repeats
//! in headers what proxies route by. Header and body must agree, or a proxy could be shown another request than we see.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use rmcp::model::{ErrorCode, ErrorData, JsonRpcError, RequestId};
use serde_json::{Value, json};

use super::message::{Incoming, Request};
use super::methods;
use super::transport::{Refused, VERSION_HEADER, VERSIONS};

/// The revision.
pub(super) const VERSION: &str = "2026-07-28";

/// Whether a value is of the wanted kind.
type Check = fn(&Value) -> bool;

/// What `_meta` of every request says, and whether it has to.
const META_VERSION: &str = "io.modelcontextprotocol/protocolVersion";
const META: [(&str, bool, Check); 3] = [
    (META_VERSION, true, Value::is_string),
    ("io.modelcontextprotocol/clientCapabilities", true, Value::is_object),
    ("io.modelcontextprotocol/clientInfo", false, Value::is_object),
];

/// Whether the request is of this revision.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    headers.get(VERSION_HEADER).is_some_and(|value| value == VERSION)
}

fn refuse(status: StatusCode, id: &RequestId, code: ErrorCode, message: String) -> Refused {
    let error = JsonRpcError::new(Some(id.clone()), ErrorData::new(code, message, None));
    Refused {
        status,
        body: serde_json::to_value(error).unwrap_or_default(),
    }
}

/// Checks a message; one request at a time, for batches were removed from the protocol.
pub(super) fn check(headers: &HeaderMap, messages: Vec<Incoming>) -> Result<Vec<Request>, Refused> {
    let mut messages = messages.into_iter();
    let (Some(only), None) = (messages.next(), messages.next()) else {
        return Err(Refused::new(
            StatusCode::BAD_REQUEST,
            ErrorCode::INVALID_REQUEST.0,
            format!("Invalid Request: Revision {VERSION} has no batches; send one message at a time"),
        ));
    };
    let Incoming::Request(request) = only else {
        return Ok(Vec::new());
    };
    check_meta(&request)?;
    check_header(headers, "mcp-method", Some(&request.method), &request.id)?;
    let name = (request.method == "tools/call")
        .then(|| request.param("name").and_then(Value::as_str))
        .flatten();
    if request.method == "tools/call" {
        check_header(headers, "mcp-name", name, &request.id)?;
    }
    if !methods::is_known(&request.method, true) {
        return Err(refuse(
            StatusCode::NOT_FOUND,
            &request.id,
            ErrorCode::METHOD_NOT_FOUND,
            "Method not found".to_owned(),
        ));
    }
    Ok(vec![request])
}

fn version_of(request: &Request) -> Option<&str> {
    request.param("_meta")?.get(META_VERSION)?.as_str()
}

/// The refusal of a request that names a revision of its own which nobody here speaks: with its id, and with what is
/// spoken, so that the client can choose. Older clients name none in the body and get the older refusal.
pub(super) fn unsupported(headers: &HeaderMap, messages: &[Incoming]) -> Option<Refused> {
    let [Incoming::Request(request)] = messages else {
        return None;
    };
    let asked = version_of(request)?;
    let named = headers.get(VERSION_HEADER).is_some_and(|value| value == asked);
    if !named || asked == VERSION || VERSIONS.contains(&asked) {
        return None;
    }
    let supported: Vec<&str> = std::iter::once(VERSION).chain(VERSIONS).collect();
    let error = ErrorData::new(
        ErrorCode::UNSUPPORTED_PROTOCOL_VERSION,
        "Unsupported protocol version",
        Some(json!({ "requested": asked, "supported": supported })),
    );
    let error = JsonRpcError::new(Some(request.id.clone()), error);
    Some(Refused {
        status: StatusCode::BAD_REQUEST,
        body: serde_json::to_value(error).unwrap_or_default(),
    })
}

fn check_meta(request: &Request) -> Result<(), Refused> {
    let meta = request.param("_meta").and_then(Value::as_object);
    let is_wrong = |name: &str, required: bool, is_formed: fn(&Value) -> bool| {
        let value = meta.and_then(|meta| meta.get(name));
        value.map_or(required, |value| !is_formed(value))
    };
    let missing: Vec<&str> = META
        .into_iter()
        .filter(|(name, required, is_formed)| is_wrong(name, *required, *is_formed))
        .map(|(name, ..)| name)
        .collect();
    if !missing.is_empty() {
        let text = format!(
            "Invalid params: request _meta is missing or has malformed required fields: {}",
            missing.join(", ")
        );
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            &request.id,
            ErrorCode::INVALID_PARAMS,
            text,
        ));
    }
    let version = version_of(request);
    if version == Some(VERSION) {
        return Ok(());
    }
    let text = format!(
        "MCP-Protocol-Version header ({VERSION}) does not match request _meta protocolVersion ({})",
        version.unwrap_or_default()
    );
    Err(refuse(
        StatusCode::BAD_REQUEST,
        &request.id,
        ErrorCode::HEADER_MISMATCH,
        text,
    ))
}

fn check_header(headers: &HeaderMap, name: &str, wanted: Option<&str>, id: &RequestId) -> Result<(), Refused> {
    let mut values = headers.get_all(name).iter();
    let given = values.next().and_then(|value| value.to_str().ok()).and_then(decoded);
    if given.is_some() && given.as_deref() == wanted && values.next().is_none() {
        return Ok(());
    }
    let text = format!("The header {name} must be sent once and say the same as the body");
    Err(refuse(StatusCode::BAD_REQUEST, id, ErrorCode::HEADER_MISMATCH, text))
}

/// Texts that do not fit into a header travel as `=?base64?…?=`.
fn decoded(value: &str) -> Option<String> {
    let wrapped = value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?="));
    match wrapped {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}
