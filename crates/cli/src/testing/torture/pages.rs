//! Pages of one list, and items that move between them.

use serde_json::Value;

use super::Exchange;
use crate::testing::identity::{Data, Identity, plain_text};

/// Everything of a request that may say which page is wanted: parameters, and members of a JSON body by their path.
pub fn parts(request: &Identity) -> Vec<(String, String)> {
    let mut parts = request.params.clone();
    if let Data::Text(text) = &request.data
        && let Ok(body) = serde_json::from_str::<Value>(text)
    {
        flatten(String::new(), &body, &mut parts);
    }
    parts
}

fn flatten(path: String, value: &Value, parts: &mut Vec<(String, String)>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                flatten(format!("{path}.{name}"), value, parts);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                flatten(format!("{path}[{index}]"), value, parts);
            }
        }
        value => parts.push((path, plain_text(value))),
    }
}

/// Answers in which items of two pages that follow each other have moved, with a sentence for each.
pub fn shifted(first: &Exchange, second: &Exchange) -> Vec<(String, Vec<(String, String)>)> {
    let (Ok(one), Ok(two)) = (
        serde_json::from_str::<Value>(&first.answer),
        serde_json::from_str::<Value>(&second.answer),
    ) else {
        return Vec::new();
    };
    if first.hash == second.hash || !follows(first, second) {
        return Vec::new();
    }
    let (Some(path), Some(other)) = (list_path(&one["data"]), list_path(&two["data"])) else {
        return Vec::new();
    };
    if path != other {
        return Vec::new();
    }
    let pointer = format!("/data{path}");
    let place = format!("from {} to {}", first.described, second.described);
    let mut variants = Vec::new();
    let items = |value: &Value| value.pointer(&pointer).and_then(Value::as_array).cloned();
    let (Some(page), Some(next)) = (items(&one), items(&two)) else {
        return Vec::new();
    };
    let with = |whole: &Value, items: Vec<Value>| {
        let mut whole = whole.clone();
        if let Some(list) = whole.pointer_mut(&pointer) {
            *list = Value::Array(items);
        }
        whole.to_string()
    };
    if let Some(last) = page.last() {
        let mut longer = vec![last.clone()];
        longer.extend(next.iter().cloned());
        let answers = vec![(second.hash.clone(), with(&two, longer))];
        variants.push((format!("an item is on two pages, {place}"), answers));
    }
    // The last item of a page often says where the next one begins, so it stays.
    if page.len() > 1 && !next.is_empty() {
        let (mut left, mut right) = (page, next);
        std::mem::swap(&mut left[0], &mut right[0]);
        let answers = vec![
            (first.hash.clone(), with(&one, left)),
            (second.hash.clone(), with(&two, right)),
        ];
        variants.push((format!("an item moved, {place}"), answers));
    }
    variants
}

/// Whether the second request asks for the page after the first: what differs was in the first answer, or is a number
/// that grew.
fn follows(first: &Exchange, second: &Exchange) -> bool {
    let answered = |text: &str| text.len() > 1 && first.answer.contains(text);
    if first.endpoint != second.endpoint {
        let path = second.endpoint.split_once(' ').map_or("", |(_, path)| path);
        return answered(path);
    }
    let before = |name: &str| {
        first
            .parts
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let mut changed = second
        .parts
        .iter()
        .filter(|(name, value)| before(name) != Some(value))
        .peekable();
    changed.peek().is_some()
        && changed.all(|(name, value)| {
            let grew = || {
                let now: f64 = value.parse().ok()?;
                let then: f64 = before(name).map_or(Some(0.0), |text| text.parse().ok())?;
                Some(now > then)
            };
            answered(value) || grew().unwrap_or(false)
        })
}

/// Where the list of an answer is, as a JSON pointer: the longest list of objects with the shortest way to it.
fn list_path(data: &Value) -> Option<String> {
    let mut level = vec![(String::new(), data)];
    for _ in 0..5 {
        let lists = level
            .iter()
            .filter_map(|(path, value)| Some((path, value.as_array()?)))
            .filter(|(_, items)| items.first().is_some_and(Value::is_object));
        if let Some((path, _)) = lists.max_by_key(|(_, items)| items.len()) {
            return Some(path.clone());
        }
        level = level
            .iter()
            .filter_map(|(path, value)| Some((path, value.as_object()?)))
            .flat_map(|(path, members)| {
                members
                    .iter()
                    .map(move |(name, value)| (format!("{path}/{}", escaped(name)), value))
            })
            .collect();
    }
    None
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests;
