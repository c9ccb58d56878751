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
    /// With what.
    pub params: Option<Map<String, Value>>,
}

impl Request {
    /// A parameter.
    pub(super) fn param(&self, name: &str) -> Option<&Value> {
        self.params.as_ref()?.get(name)
    }
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
    if let Some(result) = map.get("result") {
        let whole = read_id(id?).is_some() && result.is_object() && only(&["jsonrpc", "id", "result"]);
        return whole.then_some(Incoming::Reply);
    }
    if let Some(error) = map.get("error") {
        let told = error.get("code").is_some_and(Value::is_i64) && error.get("message").is_some_and(Value::is_string);
        let named = id.is_none_or(|id| read_id(id).is_some());
        return (told && named && only(&["jsonrpc", "id", "error"])).then_some(Incoming::Reply);
    }
    let method = map.get("method")?.as_str()?.to_owned();
    let params = match map.get("params") {
        None => None,
        Some(Value::Object(params)) => Some(params.clone()),
        Some(_) => return None,
    };
    let Some(id) = id else {
        return only(&["jsonrpc", "method", "params"]).then_some(Incoming::Notification);
    };
    let id = read_id(id)?;
    only(&["jsonrpc", "id", "method", "params"]).then_some(Incoming::Request(Request { id, method, params }))
}

/// A text, or a number that is whole to JavaScript.
fn read_id(id: &Value) -> Option<RequestId> {
    /// `Number.MAX_SAFE_INTEGER`.
    const WHOLE_MAX: f64 = 9_007_199_254_740_991.0;
    match id {
        Value::String(text) => Some(RequestId::String(text.as_str().into())),
        Value::Number(number) => {
            let whole = number.as_f64().filter(|n| n.fract() == 0.0 && n.abs() <= WHOLE_MAX)?;
            Some(RequestId::Number(whole as i64))
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
