//! The text of an event: compact JSON whose keys are sorted at every depth.
//!
//! Old clients verify the signature over the text that they get by parsing and writing the body again; that only works
//! when the order of keys does not depend on us.

use serde_json::{Map, Value};

/// The value as compact JSON text with sorted keys.
pub fn sorted_json(value: Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut members: Vec<(String, Value)> = map.into_iter().collect();
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(
                members
                    .into_iter()
                    .map(|(key, value)| (key, sorted(value)))
                    .collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}
