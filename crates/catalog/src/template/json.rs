//! Templates inside JSON: bodies and parameters may nest and hold numbers.

use serde_json::{Map, Value};

use super::{Alternatives, ParseError, RenderError, Scope, Template, Variable};

/// A JSON value whose texts are templates.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// A text with placeholders.
    Text(Alternatives),
    /// A number, boolean or null, sent as it is.
    Fixed(Value),
    /// A list.
    List(Vec<JsonTemplate>),
    /// An object; the order is kept.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// Parses every text inside `value`. An object with the single key `first_of` is a list of alternatives.
    ///
    /// # Errors
    /// As [`Template::parse`].
    pub fn parse(value: &Value) -> Result<Self, ParseError> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?.into()),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Fixed(value.clone()),
            Value::Array(items) => Self::List(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(map) if map.len() == 1 && map.contains_key("first_of") => {
                let texts = map
                    .get("first_of")
                    .and_then(Value::as_array)
                    .map(Vec::as_slice)
                    .unwrap_or_default();
                let templates = texts
                    .iter()
                    .map(|text| Template::parse(text.as_str().unwrap_or_default()));
                Self::Text(Alternatives::new(templates.collect::<Result<_, _>>()?))
            }
            Value::Object(map) => Self::Object(
                map.iter()
                    .map(|(key, item)| Ok((key.clone(), Self::parse(item)?)))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// Fills in the placeholders. A member of an object whose placeholder has no value is left out.
    ///
    /// # Errors
    /// When this is itself a text that cannot be rendered, or a list holds one.
    pub fn render(&self, scope: &Scope<'_>) -> Result<Value, RenderError> {
        Ok(match self {
            Self::Text(text) => Value::String(text.render(scope)?),
            Self::Fixed(value) => value.clone(),
            Self::List(items) => Value::Array(items.iter().map(|item| item.render(scope)).collect::<Result<_, _>>()?),
            Self::Object(members) => {
                let mut map = Map::new();
                for (key, member) in members {
                    match member.render(scope) {
                        Ok(value) => drop(map.insert(key.clone(), value)),
                        Err(RenderError::Missing(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
                Value::Object(map)
            }
        })
    }

    /// Every variable inside.
    #[must_use]
    pub fn variables(&self) -> Vec<&Variable> {
        match self {
            Self::Text(text) => text.variables(),
            Self::Fixed(_) => Vec::new(),
            Self::List(items) => items.iter().flat_map(Self::variables).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, member)| member.variables()).collect(),
        }
    }

    /// The value with placeholders in the older spelling.
    #[must_use]
    pub fn to_wire(&self) -> Value {
        match self {
            Self::Text(text) => Value::String(text.to_wire()),
            Self::Fixed(value) => value.clone(),
            Self::List(items) => Value::Array(items.iter().map(Self::to_wire).collect()),
            Self::Object(members) => Value::Object(
                members
                    .iter()
                    .map(|(key, member)| (key.clone(), member.to_wire()))
                    .collect(),
            ),
        }
    }
}
