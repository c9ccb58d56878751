//! One filter of a search: a property, an operator and its operands, checked when the request is read.

use serde_json::Value;

use crate::hubspot::contacts::properties::{
    self, COMPANY, CREATEDATE, EMAIL, FIRSTNAME, Kind, LASTMODIFIEDDATE, LASTNAME, OBJECT_ID, PHONE, PropertyIndex,
};
use crate::hubspot::contacts::{Contacts, Position};
use crate::hubspot::errors::ApiError;
use crate::timetext::parse_iso;

/// A filter that has been checked against the property it names.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    property: PropertyIndex,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    Has(bool),
    /// Inclusive bounds of a number or a moment.
    Range {
        low: f64,
        high: f64,
        low_open: bool,
        high_open: bool,
    },
    NotEqualNumber(f64),
    NumberIn(Vec<f64>, bool),
    TextEquals(String, bool),
    TextIn(Vec<String>, bool),
    TextOrder {
        operand: String,
        wanted: std::cmp::Ordering,
        or_equal: bool,
    },
    TextBetween(String, String),
    Token(Vec<String>, bool),
}

impl Filter {
    /// Reads one member of `filters`.
    pub fn parse(value: &Value) -> Result<Self, ApiError> {
        let name = value.get("propertyName").and_then(Value::as_str).unwrap_or_default();
        let property = properties::find(name)
            .ok_or_else(|| ApiError::invalid(format!("Property with name `{name}` does not exist")))?;
        let operator = value.get("operator").and_then(Value::as_str).unwrap_or_default();
        let one = || operand(value.get("value")).ok_or_else(|| needs(operator, name, "value"));
        let high = || operand(value.get("highValue")).ok_or_else(|| needs(operator, name, "highValue"));
        let many = || {
            value
                .get("values")
                .and_then(Value::as_array)
                .filter(|values| !values.is_empty())
                .map(|values| {
                    values
                        .iter()
                        .filter_map(|value| operand(Some(value)))
                        .collect::<Vec<String>>()
                })
                .ok_or_else(|| needs(operator, name, "values"))
        };
        let kind = properties::get(property).kind;
        let numeric = matches!(kind, Kind::Number | Kind::Moment);
        let number = |text: String| number(kind, &text).ok_or_else(|| not_comparable(name, &text));
        let everything = (f64::NEG_INFINITY, f64::INFINITY);
        let range = |low, high, low_open, high_open| Test::Range {
            low,
            high,
            low_open,
            high_open,
        };
        let test = match operator {
            "HAS_PROPERTY" => Test::Has(true),
            "NOT_HAS_PROPERTY" => Test::Has(false),
            "EQ" if numeric => {
                let operand = number(one()?)?;
                range(operand, operand, false, false)
            }
            "NEQ" if numeric => Test::NotEqualNumber(number(one()?)?),
            "GT" if numeric => range(number(one()?)?, everything.1, true, false),
            "GTE" if numeric => range(number(one()?)?, everything.1, false, false),
            "LT" if numeric => range(everything.0, number(one()?)?, false, true),
            "LTE" if numeric => range(everything.0, number(one()?)?, false, false),
            "BETWEEN" if numeric => range(number(one()?)?, number(high()?)?, false, false),
            "IN" | "NOT_IN" if numeric => Test::NumberIn(
                many()?.into_iter().map(number).collect::<Result<_, _>>()?,
                operator == "IN",
            ),
            "EQ" => Test::TextEquals(one()?.to_lowercase(), true),
            "NEQ" => Test::TextEquals(one()?.to_lowercase(), false),
            "GT" | "GTE" => Test::TextOrder {
                operand: one()?.to_lowercase(),
                wanted: std::cmp::Ordering::Greater,
                or_equal: operator == "GTE",
            },
            "LT" | "LTE" => Test::TextOrder {
                operand: one()?.to_lowercase(),
                wanted: std::cmp::Ordering::Less,
                or_equal: operator == "LTE",
            },
            "BETWEEN" => Test::TextBetween(one()?.to_lowercase(), high()?.to_lowercase()),
            "IN" | "NOT_IN" => Test::TextIn(
                many()?.into_iter().map(|text| text.to_lowercase()).collect(),
                operator == "IN",
            ),
            "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => {
                let tokens = one()?.to_lowercase().split_whitespace().map(str::to_owned).collect();
                Test::Token(tokens, operator == "CONTAINS_TOKEN")
            }
            other => {
                return Err(ApiError::invalid(format!(
                    "Invalid operator `{other}` for property `{name}`"
                )));
            }
        };
        Ok(Self { property, test })
    }

    /// When the filter only bounds `lastmodifieddate`: the inclusive range in milliseconds.
    pub fn modified_bounds(&self) -> Option<(i64, i64)> {
        let Test::Range {
            low,
            high,
            low_open,
            high_open,
        } = self.test
        else {
            return None;
        };
        if self.property != LASTMODIFIEDDATE {
            return None;
        }
        // Epoch milliseconds are exact in an f64; infinities saturate.
        Some((
            (low as i64).saturating_add(i64::from(low_open)),
            (high as i64).saturating_sub(i64::from(high_open)),
        ))
    }

    /// Whether a contact passes.
    pub fn matches(&self, contacts: &Contacts, position: Position) -> bool {
        match &self.test {
            Test::Has(wanted) => contacts.value(position, self.property).is_some() == *wanted,
            Test::Range {
                low,
                high,
                low_open,
                high_open,
            } => self.number_of(contacts, position).is_some_and(|value| {
                let above = if *low_open { value > *low } else { value >= *low };
                let below = if *high_open { value < *high } else { value <= *high };
                above && below
            }),
            Test::NotEqualNumber(operand) => self.number_of(contacts, position) != Some(*operand),
            Test::NumberIn(operands, wanted) => {
                self.number_of(contacts, position)
                    .is_some_and(|value| operands.contains(&value))
                    == *wanted
            }
            Test::TextEquals(operand, wanted) => {
                (self.text_of(contacts, position).as_deref() == Some(operand.as_str())) == *wanted
            }
            Test::TextIn(operands, wanted) => {
                self.text_of(contacts, position)
                    .is_some_and(|text| operands.contains(&text))
                    == *wanted
            }
            Test::TextOrder {
                operand,
                wanted,
                or_equal,
            } => self.text_of(contacts, position).is_some_and(|text| {
                let order = text.as_str().cmp(operand.as_str());
                order == *wanted || (*or_equal && order.is_eq())
            }),
            Test::TextBetween(low, high) => self
                .text_of(contacts, position)
                .is_some_and(|text| text >= *low && text <= *high),
            Test::Token(tokens, wanted) => {
                let found = self.text_of(contacts, position).is_some_and(|text| {
                    let words: Vec<&str> = text.split(|letter: char| !letter.is_alphanumeric()).collect();
                    tokens
                        .iter()
                        .all(|token| words.iter().any(|word| token_matches(token, word)) || *token == text)
                });
                found == *wanted
            }
        }
    }

    fn text_of(&self, contacts: &Contacts, position: Position) -> Option<String> {
        contacts.value(position, self.property).map(|text| text.to_lowercase())
    }

    fn number_of(&self, contacts: &Contacts, position: Position) -> Option<f64> {
        match self.property {
            LASTMODIFIEDDATE => contacts.slot(position).map(|slot| slot.modified as f64),
            CREATEDATE => contacts.slot(position).map(|slot| slot.created as f64),
            OBJECT_ID => Some(Contacts::id(position) as f64),
            property => contacts.value(position, property)?.parse().ok(),
        }
    }
}

/// The free-text `query`: every word is part of a name, the address, the phone number or the company.
pub fn matches_query(contacts: &Contacts, position: Position, query: &str) -> bool {
    let mut text = String::new();
    for property in [FIRSTNAME, LASTNAME, EMAIL, PHONE, COMPANY] {
        text.push_str(&contacts.value(position, property).unwrap_or_default().to_lowercase());
        text.push('\n');
    }
    query.split_whitespace().all(|word| text.contains(word))
}

fn token_matches(token: &str, word: &str) -> bool {
    match (token.strip_prefix('*'), token.strip_suffix('*')) {
        (Some(_), Some(_)) => word.contains(token.trim_matches('*')),
        (Some(end), None) => word.ends_with(end),
        (None, Some(start)) => word.starts_with(start),
        (None, None) => word == token,
    }
}

fn operand(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn number(kind: Kind, text: &str) -> Option<f64> {
    match kind {
        Kind::Moment => text.parse::<f64>().ok().or_else(|| parse_iso(text).map(|ms| ms as f64)),
        Kind::Number | Kind::Text | Kind::Email => text.parse().ok(),
    }
    .filter(|number| number.is_finite())
}

fn needs(operator: &str, name: &str, member: &str) -> ApiError {
    ApiError::invalid(format!("operator {operator} of property `{name}` requires `{member}`"))
}

fn not_comparable(name: &str, text: &str) -> ApiError {
    ApiError::invalid(format!(
        "`{text}` is not a valid value of property `{name}`; times are Unix milliseconds"
    ))
}
