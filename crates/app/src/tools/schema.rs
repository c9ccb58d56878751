//! The schema of a tool's arguments: as a model reads it, and as a check.

use std::collections::BTreeSet;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

use crate::functions::Definition;

/// References that are followed to find out what an input is.
const REFERENCES_MAX: usize = 16;
/// More complaints say nothing new.
const COMPLAINTS_MAX: usize = 20;
/// Where the models of a function are.
const DEFINITIONS: &str = "#/definitions/";

fn definitions(definition: &Definition) -> Option<&Map<String, Value>> {
    definition.json_schema.as_ref()?.get("definitions")?.as_object()
}

/// The schema of the function's input, without detours; `None` when it declares none that can be found.
fn input_of(definition: &Definition) -> Option<&Map<String, Value>> {
    let models = definitions(definition)?;
    let mut schema = models.get(definition.input.as_deref()?)?.as_object()?;
    for _ in 0..REFERENCES_MAX {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else {
            return Some(schema);
        };
        schema = models.get(reference.strip_prefix(DEFINITIONS)?)?.as_object()?;
    }
    None
}

/// The schema that a model is shown; `None` when the input cannot be the arguments of a tool.
pub fn of_tool(definition: &Definition) -> Option<Map<String, Value>> {
    let mut shown = Map::from_iter([("type".to_owned(), json!("object"))]);
    if definition.input.is_none() {
        return Some(shown);
    }
    let input = input_of(definition)?;
    match input.get("type").and_then(Value::as_str) {
        Some("object") => {}
        Some("null") => return Some(shown),
        Some(_) | None => return None,
    }
    for name in ["properties", "required", "description"] {
        if let Some(value) = input.get(name) {
            shown.insert(name.to_owned(), value.clone());
        }
    }
    let models = definitions(definition)?;
    let mut named = BTreeSet::new();
    if let Some(properties) = shown.get("properties") {
        collect_references(properties, models, &mut named);
    }
    if !named.is_empty() {
        let used = named
            .into_iter()
            .filter_map(|name| models.get(name).map(|model| (name.to_owned(), model.clone())));
        shown.insert("definitions".to_owned(), used.collect());
    }
    Some(shown)
}

/// Models that a schema refers to, and those that they refer to.
fn collect_references<'m>(schema: &'m Value, models: &'m Map<String, Value>, named: &mut BTreeSet<&'m str>) {
    let mut waiting = vec![schema];
    while let Some(value) = waiting.pop() {
        match value {
            Value::Object(map) => {
                let reference = map.get("$ref").and_then(Value::as_str);
                if let Some(name) = reference.and_then(|text| text.strip_prefix(DEFINITIONS))
                    && named.insert(name)
                {
                    waiting.extend(models.get(name));
                }
                waiting.extend(map.values());
            }
            Value::Array(items) => waiting.extend(items),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// The schema of a function's input, ready to check with.
#[derive(Debug)]
pub struct Checker(Validator);

impl Checker {
    /// The checker of a function; `None` when it declares no input that can be checked.
    pub fn of(definition: &Definition) -> Option<Self> {
        let input = input_of(definition)?;
        if input.get("type").and_then(Value::as_str) == Some("null") {
            // A function without input ignores what it is given.
            return None;
        }
        // Models are not shown that further members are forbidden, so those are no mistake of theirs.
        let mut open = input.clone();
        open.remove("additionalProperties");
        Self::built(definition, open)
    }

    /// What a value is held against that a function gives or saves; `None` when there is no such model or it cannot be used.
    pub fn of_model(definition: &Definition, model: &str) -> Option<Self> {
        Self::built(definition, definitions(definition)?.get(model)?.as_object()?.clone())
    }

    fn built(definition: &Definition, schema: Map<String, Value>) -> Option<Self> {
        // References are relative to the model, whose own definitions come first.
        let models = Value::Object(definitions(definition)?.clone());
        let mut whole = Map::from_iter([("definitions".to_owned(), models)]);
        whole.extend(schema);
        let built = jsonschema::options()
            .with_draft(Draft::Draft7)
            .should_validate_formats(true)
            .build(&Value::Object(whole));
        match built {
            Ok(validator) => Some(Self(validator)),
            Err(error) => {
                tracing::warn!(%error, "a schema of a function cannot be used");
                None
            }
        }
    }

    /// What is wrong with the arguments, each with the place as a JSON pointer.
    pub fn complaints(&self, arguments: &Value) -> Vec<Value> {
        let found = self.0.iter_errors(arguments).take(COMPLAINTS_MAX);
        found
            .map(|error| json!({ "path": error.instance_path().to_string(), "message": error.to_string() }))
            .collect()
    }
}
