//! Query strings with nesting: `a[b]=c` is an object, a repeated key or `a[]=` a list.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

/// Most list positions that are written as `a[7]=`; larger numbers are keys.
const LIST_POSITION_MAX: usize = 100;
/// Deepest nesting; deeper brackets stay part of the last key.
const DEPTH_MAX: usize = 5;
/// Most parameters of one query; further ones are ignored.
const PARAMETERS_MAX: usize = 1000;

/// Reads a query string (or a form body) into an object.
pub fn parse(text: &str) -> Value {
    let mut root = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS_MAX) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name), decode(value));
        let path = split(&name);
        if let Some((first, rest)) = path.split_first() {
            insert(&mut root, first, rest, value);
        }
    }
    Value::Object(root)
}

fn decode(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}

/// `a[b][]` as `a`, `b` and an empty part.
fn split(name: &str) -> Vec<String> {
    let Some(open) = name.find('[').filter(|open| *open > 0) else {
        return vec![name.to_owned()];
    };
    let mut parts = vec![name[..open].to_owned()];
    let mut rest = &name[open..];
    while let Some(inside) = rest.strip_prefix('[') {
        let Some(close) = inside.find(']') else { break };
        if parts.len() > DEPTH_MAX {
            break;
        }
        parts.push(inside[..close].to_owned());
        rest = &inside[close + 1..];
    }
    if !rest.is_empty()
        && let Some(last) = parts.last_mut()
    {
        last.push_str(rest);
    }
    parts
}

fn insert(map: &mut Map<String, Value>, key: &str, rest: &[String], value: String) {
    match rest.split_first() {
        None => match map.get_mut(key) {
            None => {
                map.insert(key.to_owned(), Value::String(value));
            }
            Some(Value::Array(items)) => items.push(Value::String(value)),
            Some(existing) => {
                let first = existing.take();
                *existing = Value::Array(vec![first, Value::String(value)]);
            }
        },
        Some((part, deeper)) if is_position(part) => {
            let slot = map.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
            if !slot.is_array() {
                let first = slot.take();
                *slot = Value::Array(vec![first]);
            }
            if let Value::Array(items) = slot {
                match deeper.split_first() {
                    None => items.push(Value::String(value)),
                    Some((inner, deeper)) => {
                        let mut object = Map::new();
                        insert(&mut object, inner, deeper, value);
                        items.push(Value::Object(object));
                    }
                }
            }
        }
        Some((part, deeper)) => {
            let slot = map.entry(key.to_owned()).or_insert_with(|| Value::Object(Map::new()));
            if !slot.is_object() {
                *slot = Value::Object(Map::new());
            }
            if let Value::Object(object) = slot {
                insert(object, part, deeper, value);
            }
        }
    }
}

fn is_position(part: &str) -> bool {
    part.is_empty()
        || part
            .parse::<usize>()
            .is_ok_and(|position| position <= LIST_POSITION_MAX)
}

#[cfg(test)]
mod tests;
