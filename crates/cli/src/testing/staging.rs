//! What a test beside a fixture sets up that the fixture does not hold.
//!
//! Tests of the public kit are generated: they run the function and compare. Some were changed by hand, nearly always in
//! one of a few ways: a connection or a token is given, a checkpoint, the time, or an error is expected. These are read
//! off the text of the test, so that its fixture can be replayed without running the test itself.

mod literal;

use std::{collections::HashMap, fs, path::Path, sync::LazyLock};

use regex::Regex;
use serde_json::Value;
use tenon_model::Timestamp;

use literal::Reader;

/// Values that a test gives to the function on top of its fixture.
#[derive(Debug, Default)]
pub struct Staging {
    canned: HashMap<String, Value>,
    /// The checkpoint to start from.
    pub checkpoint: Option<Value>,
    /// Milliseconds since 1970 at which the clock stands still.
    pub now: Option<i64>,
    /// The function is expected to fail.
    pub fails: bool,
}

/// Methods whose answer a test may give.
const CANNED: [&str; 6] = [
    "getConnection",
    "getMetadata",
    "getToken",
    "getIntegration",
    "getCheckpoint",
    "getEnvironmentVariables",
];

#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static CLOCK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?:setSystemTime|'now'\)\.mockReturnValue|"now"\)\.mockReturnValue)\(\s*"#).unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static COMPARES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"getOutput\(\)|getBatchSaveData\(").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static EXPECTS_FAILURE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\)\s*\.rejects\s*\.").unwrap());

impl Staging {
    /// What the test at `path` sets up; `fixture` is the recording that its expressions may refer to.
    pub fn read(path: &Path, fixture: &Value) -> Self {
        fs::read_to_string(path).map_or_else(|_| Self::default(), |text| Self::of(&text, fixture))
    }

    /// What a test with this text sets up.
    fn of(text: &str, fixture: &Value) -> Self {
        let reader = Reader::new(text, fixture);
        let mut canned = HashMap::new();
        for name in CANNED {
            if let Some(value) = given(&reader, name) {
                canned.insert(name.to_owned(), value);
            }
        }
        Self {
            checkpoint: canned.remove("getCheckpoint").filter(Value::is_object),
            canned,
            now: clock(&reader),
            // A test that compares as well has both: the comparison is what the fixture was recorded for.
            fails: EXPECTS_FAILURE.is_match(text) && !COMPARES.is_match(text),
        }
    }

    /// What `nango.<name>` answers, when the test says so.
    pub fn canned(&self, name: &str) -> Option<Value> {
        self.canned.get(name).cloned()
    }
}

/// The value that a test gives `nango.<name>` to answer.
fn given(reader: &Reader<'_>, name: &str) -> Option<Value> {
    let text = reader.text;
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back()?;
        if !matches!(before, '.' | '\'' | '"') {
            return None;
        }
        // `.getX = vi.fn()…`, `.getX.mock…`, `spyOn(…, 'getX').mock…`
        let rest = text[at + name.len()..].trim_start_matches(['\'', '"', ')']);
        let rest = rest.trim_start();
        let rest = match rest.strip_prefix('=') {
            Some(assigned) if !assigned.starts_with('=') => {
                let assigned = assigned.trim_start();
                let function = assigned.strip_prefix("vi.fn(").unwrap_or(assigned);
                if let Some(value) = returned(reader, function) {
                    return Some(value);
                }
                function.trim_start().strip_prefix(')')?
            }
            Some(_) => return None,
            // A cast stands between the method and what is called on it.
            None => rest,
        };
        mocked(reader, rest)
    })
}

/// `.mockResolvedValue(…)` and its relatives, at the beginning of the text.
fn mocked(reader: &Reader<'_>, text: &str) -> Option<Value> {
    let rest = text.trim_start().strip_prefix('.')?;
    for call in [
        "mockResolvedValueOnce(",
        "mockResolvedValue(",
        "mockReturnValueOnce(",
        "mockReturnValue(",
    ] {
        if let Some(argument) = rest.strip_prefix(call) {
            let argument = argument.trim_start();
            let inner = argument.strip_prefix("Promise.resolve(").unwrap_or(argument);
            return reader.value(inner);
        }
    }
    returned(reader, rest.strip_prefix("mockImplementation(")?)
}

/// What a function without parameters returns: `() => Promise.resolve(x)`, `async () => (x)`, `() => { return x; }`.
fn returned(reader: &Reader<'_>, text: &str) -> Option<Value> {
    let text = text.trim_start();
    let text = text.strip_prefix("async").unwrap_or(text).trim_start();
    let body = text.strip_prefix("()")?.trim_start().strip_prefix("=>")?.trim_start();
    let body = match body.strip_prefix('{') {
        Some(block) => block.trim_start().strip_prefix("return")?.trim_start(),
        None => body,
    };
    let body = body.strip_prefix("Promise.resolve(").unwrap_or(body).trim_start();
    let body = body.strip_prefix('(').unwrap_or(body);
    reader.value(body)
}

/// The moment at which a test stops the clock.
fn clock(reader: &Reader<'_>) -> Option<i64> {
    let found = CLOCK.find(reader.text)?;
    let argument = reader.text.get(found.end()..)?;
    let inner = argument.strip_prefix("new Date(").unwrap_or(argument);
    let inner = inner.strip_prefix("Date.parse(").unwrap_or(inner);
    match reader.value(inner)? {
        Value::Number(number) => number.as_f64().map(|millis| millis as i64),
        Value::String(text) => {
            let completed = if text.len() == 10 {
                format!("{text}T00:00:00.000Z")
            } else {
                text
            };
            Timestamp::parse_iso(&completed).map(|moment| moment.millis())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
