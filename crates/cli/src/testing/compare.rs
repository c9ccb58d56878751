//! Expected against actual values, as test tools for JavaScript compare them.

use serde_json::Value;
use similar::TextDiff;

use super::js_text::stringify;

/// More are counted, not listed.
const LISTED_MAX: usize = 3;
/// Longer values are cut in messages.
const SHOWN_CHARS: usize = 120;
/// Larger texts are not compared line by line: the places say enough, and it would take long.
const DIFF_BYTES_MAX: usize = 200_000;
/// Lines of a comparison that are shown.
const DIFF_LINES_MAX: usize = 60;

/// How two values differ.
#[derive(Debug)]
pub struct Difference {
    /// One sentence: the places.
    pub summary: String,
    /// Line by line, as far as that is useful.
    pub lines: String,
}

/// The difference between an expected and an actual value called `name`; none when they are equal.
pub fn compare(name: &str, expected: &Value, actual: &Value) -> Option<Difference> {
    let mut places = Places::default();
    places.collect(name.to_owned(), expected, actual);
    let first = places.listed.join("; ");
    let more = places.count.saturating_sub(LISTED_MAX);
    if places.count == 0 {
        return None;
    }
    Some(Difference {
        summary: match more {
            0 => first,
            1 => format!("{first}; and 1 more place"),
            more => format!("{first}; and {more} more places"),
        },
        lines: line_by_line(expected, actual),
    })
}

#[derive(Default)]
struct Places {
    listed: Vec<String>,
    count: usize,
}

impl Places {
    fn add(&mut self, text: impl FnOnce() -> String) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(text());
        }
        self.count += 1;
    }

    fn collect(&mut self, path: String, expected: &Value, actual: &Value) {
        match (expected, actual) {
            (Value::Object(wanted), Value::Object(got)) => {
                for (key, value) in wanted {
                    match got.get(key) {
                        Some(other) => self.collect(member(&path, key), value, other),
                        None => self.add(|| format!("{} is missing (expected {})", member(&path, key), shown(value))),
                    }
                }
                for (key, value) in got.iter().filter(|(key, _)| !wanted.contains_key(*key)) {
                    self.add(|| format!("{} is not expected (got {})", member(&path, key), shown(value)));
                }
            }
            (Value::Array(wanted), Value::Array(got)) => {
                if wanted.len() != got.len() {
                    self.add(|| format!("{path} has {} items, expected {}", got.len(), wanted.len()));
                }
                for (index, (value, other)) in wanted.iter().zip(got).enumerate() {
                    self.collect(format!("{path}[{index}]"), value, other);
                }
            }
            (Value::Number(wanted), Value::Number(got)) if wanted.as_f64() == got.as_f64() => {}
            _ if expected == actual => {}
            _ => self.add(|| format!("{path} is {}, expected {}", shown(actual), shown(expected))),
        }
    }
}

fn member(path: &str, key: &str) -> String {
    let plain = key.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain {
        format!("{path}.{key}")
    } else {
        format!("{path}[{}]", Value::from(key))
    }
}

/// A value in a message.
pub fn shown(value: &Value) -> String {
    let text = stringify(value);
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn line_by_line(expected: &Value, actual: &Value) -> String {
    let (expected, actual) = (pretty(expected), pretty(actual));
    if expected.len() + actual.len() > DIFF_BYTES_MAX {
        return String::new();
    }
    let diff = TextDiff::from_lines(&expected, &actual);
    let unified = diff.unified_diff().context_radius(2).to_string();
    let mut lines: Vec<&str> = unified.lines().filter(|line| !line.starts_with("@@")).collect();
    let hidden = lines.len().saturating_sub(DIFF_LINES_MAX);
    lines.truncate(DIFF_LINES_MAX);
    let mut text = lines.join("\n");
    if hidden > 0 {
        text.push_str(&format!("\n… {hidden} more lines"));
    }
    text
}

/// Indented, members by name, so that only real differences show.
fn pretty(value: &Value) -> String {
    format!("{:#}\n", ordered(value))
}

fn ordered(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members
                .iter()
                .map(|(key, value)| (key.clone(), ordered(value)))
                .collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            members.into_iter().collect()
        }
        Value::Array(items) => items.iter().map(ordered).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
