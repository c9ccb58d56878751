//! Names of the models that come from a function's own schemas.

use serde_json::{Map, Value};

/// A model name for one part of a function: `ActionInput_my_crm_createcontact`.
///
/// The integration keeps its letters and digits, every other character becomes `_`; the function name drops
/// every other character. The names are part of the deploy format.
pub fn model_name(part: &str, integration: &str, function: &str) -> String {
    let integration: String = integration
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    let function: String = function.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("{part}_{integration}_{function}")
}

/// A schema without the parts that do not belong inside `definitions`.
pub fn clean(schema: &Value) -> Value {
    let mut schema = schema.clone();
    if let Value::Object(members) = &mut schema {
        members.shift_remove("$schema");
        members.shift_remove("~standard");
    }
    schema
}

/// Every schema of a set of functions by model name; the later one wins when a name repeats.
pub fn json_schemas<'d>(definitions: impl Iterator<Item = &'d super::Definition>) -> Map<String, Value> {
    definitions
        .flat_map(|definition| definition.common.models.clone())
        .collect()
}
