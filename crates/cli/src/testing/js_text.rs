//! JSON as `JSON.stringify` writes it: recorded requests are compared by that text.

use serde_json::{Map, Number, Value};

/// Integers up to here are the same number in JavaScript.
const SAFE_INTEGER: u64 = 1 << 53;

/// The text of a value.
pub fn stringify(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

/// The text of a string, quoted.
pub fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Number(number) => text.push_str(&number_text(number)),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write(item, text);
            }
            text.push(']');
        }
        Value::Object(members) => write_object(members, text),
        Value::Null | Value::Bool(_) | Value::String(_) => text.push_str(&value.to_string()),
    }
}

/// Members in the order of a JavaScript object: indexes first, ascending, then the rest as written.
fn write_object(members: &Map<String, Value>, text: &mut String) {
    let mut indexes: Vec<(u32, &String)> = members
        .keys()
        .filter_map(|key| array_index(key).map(|index| (index, key)))
        .collect();
    indexes.sort_unstable();
    let others = members.keys().filter(|key| array_index(key).is_none());
    text.push('{');
    for (position, key) in indexes.into_iter().map(|(_, key)| key).chain(others).enumerate() {
        if position > 0 {
            text.push(',');
        }
        text.push_str(&quote(key));
        text.push(':');
        write(&members[key], text);
    }
    text.push('}');
}

fn array_index(key: &str) -> Option<u32> {
    let index: u32 = key.parse().ok()?;
    (index != u32::MAX && index.to_string() == key).then_some(index)
}

/// The text of a number.
pub fn number_text(number: &Number) -> String {
    match (number.as_u64(), number.as_i64(), number.as_f64()) {
        (Some(value), ..) if value <= SAFE_INTEGER => value.to_string(),
        (_, Some(value), _) if value.unsigned_abs() <= SAFE_INTEGER => value.to_string(),
        (.., Some(value)) => float_text(value),
        (.., None) => number.to_string(),
    }
}

/// The shortest digits that mean the number, laid out by the rules of ECMAScript's `Number::toString`.
fn float_text(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", value.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = mantissa.replace('.', "");
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    // Where the decimal point is, counted from the first digit.
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    let split = |at: i32| digits.split_at(usize::try_from(at).unwrap_or(0).min(digits.len()));
    let text = if (count..=21).contains(&point) {
        format!("{digits}{}", zeros(point - count))
    } else if (1..=21).contains(&point) {
        let (whole, fraction) = split(point);
        format!("{whole}.{fraction}")
    } else if (-5..=0).contains(&point) {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = split(1);
        let fraction = if rest.is_empty() {
            String::new()
        } else {
            format!(".{rest}")
        };
        let sign = if point > 0 { '+' } else { '-' };
        format!("{first}{fraction}e{sign}{}", (point - 1).abs())
    };
    if value < 0.0 { format!("-{text}") } else { text }
}

#[cfg(test)]
mod tests;
