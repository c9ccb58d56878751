//! Checks what people typed against the fields of an entry.

use serde_json::{Map, Value};

use crate::provider::{Field, Format};

/// One complaint about one value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// Field name.
    pub field: String,
    /// What is wrong, for callers that have their own words for it.
    pub fault: FieldFault,
    /// A sentence without full stop that begins with the field's label.
    pub message: String,
}

/// What is wrong with one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldFault {
    /// Nothing was given.
    Missing,
    /// Not in the closed list.
    Choice,
    /// The pattern does not match.
    Pattern,
    /// Not of the well-known format.
    Format(Format),
}

/// Checks the settings of an integration: unknown names, required fields that are shown, closed lists, patterns and
/// formats. Answers the complete settings, defaults filled in, in the order of the fields.
///
/// # Errors
/// Every complaint, unknown names first.
pub fn check_fields(fields: &[Field], given: &Map<String, Value>) -> Result<Vec<(String, String)>, Vec<String>> {
    let mut complaints: Vec<String> = given
        .keys()
        .filter(|name| !fields.iter().any(|field| field.name == **name))
        .map(|name| format!("Unknown field {name}"))
        .collect();
    let mut values = Vec::new();
    for field in fields.iter().filter(|field| is_shown(field, fields, given)) {
        match value_of(field, given) {
            None if field.optional || field.filled_by_platform || field.hidden => {}
            None => complaints.push(format!("{} is required", label(field))),
            Some(value) => match check_value(field, &value, Whole::No) {
                Some((_, complaint)) => complaints.push(complaint),
                None => values.push((field.name.clone(), value)),
            },
        }
    }
    if complaints.is_empty() {
        Ok(values)
    } else {
        Err(complaints)
    }
}

/// Checks connection values or credentials that were given. Names that the entry does not know are left alone, because
/// callers use connection values in endpoints; fields that the platform fills are not required.
///
/// With `required`, a shown field without a value is a complaint; without it only present values are looked at.
#[must_use]
pub fn check_inputs(fields: &[Field], given: &Map<String, Value>, required: bool) -> Vec<Complaint> {
    let mut complaints = Vec::new();
    for field in fields.iter().filter(|field| is_shown(field, fields, given)) {
        let complaint = match value_of(field, given) {
            None if !required || field.optional || field.filled_by_platform || field.hidden => None,
            None if field.default.is_some() => None,
            None => Some((FieldFault::Missing, format!("{} is required", label(field)))),
            Some(value) => check_value(field, &value, Whole::Yes),
        };
        complaints.extend(complaint.map(|(fault, message)| Complaint {
            field: field.name.clone(),
            fault,
            message,
        }));
    }
    complaints
}

/// Whether the condition of a field holds.
#[must_use]
pub fn is_shown(field: &Field, fields: &[Field], given: &Map<String, Value>) -> bool {
    let Some(condition) = &field.shown_when else {
        return true;
    };
    let other = fields.iter().find(|other| other.name == condition.field);
    // A field behind a hidden field is hidden as well. Conditions never form a circle: they point to earlier fields.
    let earlier = |other: &Field| fields.iter().position(|one| one.name == other.name);
    other.is_some_and(|other| {
        earlier(other) < earlier(field)
            && is_shown(other, fields, given)
            && value_of(other, given).is_some_and(|value| value == condition.equals)
    })
}

/// The given value, else the default; an empty text is no value.
fn value_of(field: &Field, given: &Map<String, Value>) -> Option<String> {
    let typed = given.get(&field.name).and_then(|value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    });
    typed
        .filter(|text| !text.is_empty())
        .or_else(|| field.default.clone().filter(|text| !text.is_empty()))
}

/// Whether a pattern without anchors must match the whole value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whole {
    Yes,
    No,
}

fn check_value(field: &Field, value: &str, whole: Whole) -> Option<(FieldFault, String)> {
    let label = label(field);
    if !field.choices.is_empty() && !field.choices.iter().any(|choice| choice == value) {
        let message = format!("{label} must be one of: {}", field.choices.join(", "));
        return Some((FieldFault::Choice, message));
    }
    if let Some(pattern) = &field.pattern {
        let matches = match whole {
            Whole::Yes => pattern.is_full_match(value),
            Whole::No => pattern.is_match(value),
        };
        if !matches {
            return Some((FieldFault::Pattern, format!("{label} has an invalid format")));
        }
    }
    let format = field.format?;
    let wrong = match format {
        Format::Hostname if !is_hostname(value) => "must be a host name",
        Format::Uri if !is_http_url(value) => "must be a valid URL",
        Format::Uuid if !is_uuid(value) => "must be a valid UUID",
        Format::Email if !is_email(value) => "must be a valid e-mail address",
        _ => return None,
    };
    Some((FieldFault::Format(format), format!("{label} {wrong}")))
}

fn label(field: &Field) -> &str {
    if field.label.is_empty() {
        &field.name
    } else {
        &field.label
    }
}

fn is_hostname(value: &str) -> bool {
    value.len() <= 253
        && value
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | '-'))
}

fn is_http_url(value: &str) -> bool {
    url::Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

fn is_uuid(value: &str) -> bool {
    let shape = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = value.split('-').collect();
    groups.len() == shape.len()
        && groups
            .iter()
            .zip(shape)
            .all(|(group, length)| group.len() == length && group.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_email(value: &str) -> bool {
    let plain = |part: &str| {
        !part.is_empty() && !part.contains(|character: char| character.is_whitespace() || character == '@')
    };
    value
        .rsplit_once('@')
        .is_some_and(|(name, host)| plain(name) && plain(host) && host.contains('.'))
}
