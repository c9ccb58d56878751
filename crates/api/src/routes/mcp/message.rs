//! JSON-RPC messages as they come in.

use rmcp::model::RequestId;
use serde_json::{Map, Value};

/// A request that wants an answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    /// Comes back with the answer.
    pub id: RequestId,
    /// What is asked.
    pub method: String,
    /// With what; empty when left out.
    pub params: Map<String, Value>,
}

/// One message of a client.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Incoming {
    /// Wants an answer.
    Request(Request),
    /// Wants none. Nothing that a client announces matters to a server without sessions.
    Notification,
    /// An answer to a request of the server, which asks nothing; ignored.
    Reply,
}

/// Reads one message or a batch; `None` when anything in it is no JSON-RPC.
pub(super) fn read(body: &Value) -> Option<Vec<Incoming>> {
    match body {
        Value::Array(items) => items.iter().map(read_one).collect(),
        one => read_one(one).map(|message| vec![message]),
    }
}

fn read_one(value: &Value) -> Option<Incoming> {
    let map = value.as_object()?;
    if map.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
        return None;
    }
    let only = |names: &[&str]| map.keys().all(|key| names.contains(&key.as_str()));
    let id = map.get("id");
    if map.contains_key("result") || map.contains_key("error") {
        let known = only(&["jsonrpc", "id", "result", "error"]);
        return known.then_some(Incoming::Reply);
    }
    let method = map.get("method")?.as_str()?.to_owned();
    let params = match map.get("params") {
        None => Map::new(),
        Some(Value::Object(params)) => params.clone(),
        Some(_) => return None,
    };
    let Some(id) = id else {
        return only(&["jsonrpc", "method", "params"]).then_some(Incoming::Notification);
    };
    let id = match id {
        Value::String(text) => RequestId::String(text.as_str().into()),
        Value::Number(number) => RequestId::Number(number.as_i64()?),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    only(&["jsonrpc", "id", "method", "params"]).then_some(Incoming::Request(Request { id, method, params }))
}
