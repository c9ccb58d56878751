//! Checks the values that a developer fills once per integration.

use std::collections::BTreeMap;

use tenon_catalog::provider::{Field, Format};

/// Checks values against the declared fields and adds defaults. All complaints are sentences that name the label.
///
/// Unknown names come first, then the fields in their order. A field that is shown only under a condition is neither
/// required nor checked while the condition does not hold.
pub(super) fn check_config(
    fields: &[Field],
    given: BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, Vec<String>> {
    let mut complaints: Vec<String> = given
        .keys()
        .filter(|name| !fields.iter().any(|field| field.name == **name))
        .map(|name| format!("Unknown field {name}"))
        .collect();
    let mut values = given;
    for field in fields {
        if let Some(default) = &field.default
            && !values.contains_key(&field.name)
        {
            values.insert(field.name.clone(), default.clone());
        }
    }
    let mut ordered: Vec<&Field> = fields.iter().collect();
    ordered.sort_by_key(|field| field.order.unwrap_or(i64::MAX));
    for field in ordered {
        if applies(field, &values)
            && let Some(complaint) = complain(field, values.get(&field.name).map(String::as_str))
        {
            complaints.push(complaint);
        }
    }
    if complaints.is_empty() { Ok(values) } else { Err(complaints) }
}

fn applies(field: &Field, values: &BTreeMap<String, String>) -> bool {
    field.shown_when.as_ref().is_none_or(|condition| {
        values.get(&condition.field).is_some_and(|value| *value == condition.equals)
    })
}

fn complain(field: &Field, value: Option<&str>) -> Option<String> {
    let label = if field.label.is_empty() { &field.name } else { &field.label };
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        let needed = !field.optional && field.default.as_deref() != Some("");
        return needed.then(|| format!("{label} is required"));
    };
    if !field.choices.is_empty() && !field.choices.iter().any(|choice| choice == value) {
        return Some(format!("{label} must be one of: {}", field.choices.join(", ")));
    }
    if field.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(value)) {
        return Some(format!("{label} does not have the expected form"));
    }
    if field.format == Some(Format::Uri) {
        let good = url::Url::parse(value).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
        return (!good).then(|| format!("{label} must be an http or https URL"));
    }
    None
}
