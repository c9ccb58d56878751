//! A JSON Schema as rows of a table: one per member, members of members with their path.

use serde_json::{Map, Value};

/// Deeper members are only named by their type.
const DEPTH_MAX: usize = 4;

/// One member.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// Path inside of the value: `address.city`, `lines[].id`.
    pub path: String,
    /// What it holds, in words.
    pub kind: String,
    /// Whether it has to be there.
    pub required: bool,
    /// What its author says about it.
    pub about: String,
}

/// The members of the model called `name`, and the type of the whole.
pub fn rows(definitions: &Map<String, Value>, name: &str) -> (String, Vec<Row>) {
    let schemas = Schemas {
        definitions,
        root: name,
    };
    let schema = definitions.get(name).unwrap_or(&Value::Null);
    let mut rows = Vec::new();
    schemas.collect(schema, "", 0, &mut rows);
    (schemas.kind(schema, 0), rows)
}

/// A value that fits the model, as small as possible: what has to be there.
pub fn example(definitions: &Map<String, Value>, name: &str) -> Value {
    let schemas = Schemas {
        definitions,
        root: name,
    };
    schemas.example(definitions.get(name).unwrap_or(&Value::Null), 0)
}

struct Schemas<'s> {
    definitions: &'s Map<String, Value>,
    /// The model that `#` stands for.
    root: &'s str,
}

impl<'s> Schemas<'s> {
    /// The name and schema behind a reference.
    fn reference(&self, schema: &'s Value) -> Option<(&'s str, &'s Value)> {
        let path = schema.get("$ref")?.as_str()?;
        let name = match path.rsplit_once('/') {
            Some((_, name)) => name,
            None => self.root,
        };
        // Schemas that a model keeps for itself are in its own definitions.
        let own = self
            .definitions
            .get(self.root)?
            .pointer(&format!("/definitions/{name}"));
        Some((name, own.or_else(|| self.definitions.get(name))?))
    }

    fn collect(&self, schema: &'s Value, prefix: &str, depth: usize, rows: &mut Vec<Row>) {
        if depth >= DEPTH_MAX {
            return;
        }
        if let Some(inner) = items(schema) {
            return self.collect(inner, &format!("{prefix}[]"), depth + 1, rows);
        }
        if let Some(only) = nullable(schema) {
            return self.collect(only, prefix, depth, rows);
        }
        let Some(members) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let required: Vec<&str> = texts(schema.get("required"));
        for (name, member) in members {
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            rows.push(Row {
                kind: self.kind(member, 0),
                required: required.contains(&name.as_str()),
                about: about(member),
                path: path.clone(),
            });
            self.collect(member, &path, depth + 1, rows);
        }
    }

    /// The type in words.
    fn kind(&self, schema: &'s Value, depth: usize) -> String {
        if depth > DEPTH_MAX {
            return "…".to_owned();
        }
        if let Some((name, _)) = self.reference(schema) {
            return format!("`{name}`");
        }
        if let Some(value) = schema.get("const") {
            return format!("`{value}`");
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array) {
            return joined(values.iter().map(|value| format!("`{value}`")));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(choices) = schema.get(key).and_then(Value::as_array) {
                return joined(choices.iter().map(|choice| self.kind(choice, depth + 1)));
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let parts: Vec<String> = parts.iter().map(|part| self.kind(part, depth + 1)).collect();
            return parts.join(" and ");
        }
        match schema.get("type") {
            Some(Value::Array(kinds)) => joined(kinds.iter().filter_map(Value::as_str).map(str::to_owned)),
            Some(Value::String(kind)) => self.plain(kind, schema, depth),
            _ => "any".to_owned(),
        }
    }

    fn plain(&self, kind: &str, schema: &'s Value, depth: usize) -> String {
        match kind {
            "array" => match items(schema) {
                Some(item) => format!("list of {}", self.kind(item, depth + 1)),
                None => "list".to_owned(),
            },
            "object" => match schema.get("additionalProperties").filter(|more| more.is_object()) {
                Some(more) if schema.get("properties").is_none() => {
                    format!("map of {}", self.kind(more, depth + 1))
                }
                _ => "object".to_owned(),
            },
            "string" => match schema.get("format").and_then(Value::as_str) {
                Some(format) => format!("string ({format})"),
                None => "string".to_owned(),
            },
            other => other.to_owned(),
        }
    }

    fn example(&self, schema: &'s Value, depth: usize) -> Value {
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some((_, schema)) = self.reference(schema) {
            return self.example(schema, depth + 1);
        }
        let first = |key: &str| schema.get(key).and_then(Value::as_array).and_then(|list| list.first());
        let stated = schema.get("default").or_else(|| schema.get("const"));
        if let Some(value) = stated.or_else(|| first("examples")).or_else(|| first("enum")) {
            return value.clone();
        }
        if let Some(choice) = first("anyOf").or_else(|| first("oneOf")).or_else(|| first("allOf")) {
            return self.example(choice, depth + 1);
        }
        let kind = match schema.get("type") {
            Some(Value::Array(kinds)) => kinds.first().and_then(Value::as_str),
            other => other.and_then(Value::as_str),
        };
        match kind {
            Some("string") => Value::from(match schema.get("format").and_then(Value::as_str) {
                Some("date-time") => "2026-05-01T10:00:00.000Z",
                Some("date") => "2026-05-01",
                Some("email") => "ada@example.com",
                Some("uri") => "https://example.com",
                Some("uuid") => "00000000-0000-4000-8000-000000000000",
                _ => "text",
            }),
            Some("number" | "integer") => schema
                .get("minimum")
                .filter(|least| least.is_number())
                .cloned()
                .unwrap_or(1.into()),
            Some("boolean") => Value::Bool(true),
            Some("array") => match items(schema) {
                Some(item) => Value::Array(vec![self.example(item, depth + 1)]),
                None => Value::Array(Vec::new()),
            },
            Some("object") => self.example_object(schema, depth),
            _ => Value::Null,
        }
    }

    fn example_object(&self, schema: &'s Value, depth: usize) -> Value {
        let members = schema.get("properties").and_then(Value::as_object);
        let required = texts(schema.get("required"));
        members
            .into_iter()
            .flatten()
            .filter(|(name, _)| required.contains(&name.as_str()))
            .map(|(name, member)| (name.clone(), self.example(member, depth + 1)))
            .collect::<Map<_, _>>()
            .into()
    }
}

/// What a list holds.
fn items(schema: &Value) -> Option<&Value> {
    schema.get("items").filter(|items| items.is_object())
}

/// The one choice beside null.
fn nullable(schema: &Value) -> Option<&Value> {
    let choices = schema.get("anyOf").and_then(Value::as_array)?;
    let mut rest = choices
        .iter()
        .filter(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
    rest.next().filter(|_| rest.next().is_none())
}

fn about(schema: &Value) -> String {
    let text = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    match schema.get("default") {
        Some(value) if text.is_empty() => format!("Default `{value}`."),
        Some(value) => format!("{text} Default `{value}`."),
        None => text.to_owned(),
    }
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let mut list: Vec<String> = Vec::new();
    for part in parts {
        if !list.contains(&part) {
            list.push(part);
        }
    }
    list.join(" or ")
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).collect()
}

#[cfg(test)]
mod tests;
