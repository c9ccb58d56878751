//! Parameters of requests: what is read, and complaints in the form that the public contract gives them.

use serde_json::{Map, Value, json};

/// Reads parameters and collects what is wrong with them.
pub(super) struct Params<'p> {
    map: &'p Map<String, Value>,
    issues: Vec<Value>,
}

impl<'p> Params<'p> {
    pub(super) const fn of(map: &'p Map<String, Value>) -> Self {
        Self {
            map,
            issues: Vec::new(),
        }
    }

    fn complain(&mut self, expected: &str, path: &[&str], value: Option<&Value>) {
        let received = match value {
            None => "undefined",
            Some(Value::Null) => "null",
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "number",
            Some(Value::String(_)) => "string",
            Some(Value::Array(_)) => "array",
            Some(Value::Object(_)) => "object",
        };
        let path: Vec<&str> = std::iter::once("params").chain(path.iter().copied()).collect();
        self.issues.push(json!({
            "expected": expected,
            "code": "invalid_type",
            "path": path,
            "message": format!("Invalid input: expected {expected}, received {received}"),
        }));
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, name: &str) -> Option<&'p str> {
        let value = self.map.get(name);
        let text = value.and_then(Value::as_str);
        if text.is_none() {
            self.complain("string", &[name], value);
        }
        text
    }

    /// An object that must be there; of its members, those named must be texts.
    pub(super) fn object(&mut self, name: &str, texts: &[&str]) {
        let value = self.map.get(name);
        let Some(map) = value.and_then(Value::as_object) else {
            self.complain("object", &[name], value);
            return;
        };
        for &member in texts {
            let value = map.get(member);
            if !value.is_some_and(Value::is_string) {
                self.complain("string", &[name, member], value);
            }
        }
    }

    /// Named values that may be left out.
    pub(super) fn opt_record(&mut self, name: &str) -> Option<&'p Map<String, Value>> {
        let value = self.map.get(name)?;
        let map = value.as_object();
        if map.is_none() {
            self.complain("record", &[name], Some(value));
        }
        map
    }

    /// All complaints as indented JSON text; `None` when there are none.
    pub(super) fn complaints(self) -> Option<String> {
        if self.issues.is_empty() {
            return None;
        }
        let list = Value::Array(self.issues);
        Some(serde_json::to_string_pretty(&list).unwrap_or_else(|_| list.to_string()))
    }
}
