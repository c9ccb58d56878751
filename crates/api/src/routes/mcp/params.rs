//! Parameters of requests: what is read, and complaints in the form that the public contract gives them.

use serde_json::{Map, Value, json};

/// Reads parameters and collects what is wrong with them.
pub(super) struct Params<'p> {
    map: Option<&'p Map<String, Value>>,
    issues: Vec<Value>,
}

impl<'p> Params<'p> {
    /// Parameters that may be left out.
    pub(super) const fn optional(map: Option<&'p Map<String, Value>>) -> Self {
        Self {
            map,
            issues: Vec::new(),
        }
    }

    /// Parameters that must be there; without, that is all there is to complain about.
    pub(super) fn required(map: Option<&'p Map<String, Value>>) -> Self {
        let mut params = Self::optional(map);
        if map.is_none() {
            params.complain("object", &[], None);
        }
        params
    }

    fn get(&self, name: &str) -> Option<&'p Value> {
        self.map?.get(name)
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
        let value = self.get(name);
        let text = value.and_then(Value::as_str);
        if text.is_none() && self.map.is_some() {
            self.complain("string", &[name], value);
        }
        text
    }

    /// A text that may be left out.
    pub(super) fn opt_text(&mut self, name: &str) -> Option<&'p str> {
        self.get(name)?;
        self.text(name)
    }

    /// An object that may be left out.
    pub(super) fn opt_object(&mut self, name: &str) -> Option<&'p Map<String, Value>> {
        let value = self.get(name)?;
        if !value.is_object() {
            self.complain("object", &[name], Some(value));
        }
        value.as_object()
    }

    /// Members of an object that must be objects where they are there.
    pub(super) fn opt_members(&mut self, name: &str, members: &[&str]) {
        for &member in members {
            let value = self.get(name).and_then(|object| object.get(member));
            if let Some(value) = value.filter(|value| !value.is_object()) {
                self.complain("object", &[name, member], Some(value));
            }
        }
    }

    /// An object that must be there; of its members, those named must be texts.
    pub(super) fn object(&mut self, name: &str, texts: &[&str]) {
        let value = self.get(name);
        let Some(map) = value.and_then(Value::as_object) else {
            if self.map.is_some() {
                self.complain("object", &[name], value);
            }
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
        let value = self.get(name)?;
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
