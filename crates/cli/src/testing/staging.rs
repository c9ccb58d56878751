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

use super::comments;
use literal::Reader;

/// Values that a test gives to the function on top of its fixture.
#[derive(Debug, Default)]
pub struct Staging {
    canned: HashMap<String, Value>,
    /// The checkpoint to start from.
    pub checkpoint: Option<Value>,
    /// Milliseconds since 1970 at which the clock stands still.
    pub now: Option<i64>,
    /// What `nango.lastSyncDate` is.
    pub last_sync: Option<String>,
    /// The function is expected to fail.
    pub fails: bool,
    /// How the output is compared.
    pub comparison: Comparison,
    /// Methods to which the test gives an answer that cannot be read off its text.
    pub unread: Vec<&'static str>,
    /// Models that the test compares the records of; none when there is no test or it does not say.
    pub models: Option<Vec<String>>,
}

/// What of an output has to be as recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Comparison {
    /// All of it.
    #[default]
    Whole,
    /// The members that were recorded.
    Part,
    /// Nothing: the test looks at something else.
    Nothing,
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
    let ways = r#"setSystemTime\(|['"]now['"]\)\.mockReturnValue\(|['"]now['"]\)\.mockImplementation\(\s*\(\)\s*=>|useFakeTimers\(\{\s*now:"#;
    Regex::new(&format!(r"(?:{ways})\s*")).unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static COMPARES: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"getOutput\(\)|getBatchSaveData\(").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static PARTLY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"toMatchObject\(|objectContaining\(").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static STARTS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\.(?:checkpoint\s*=|saveCheckpoint\()\s*").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static LAST_SYNC: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\.lastSyncDate\s*=\s*").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static MODELS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\bModel:\s*").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static EXPECTS_FAILURE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\)\s*\.rejects\s*\.|try\s*\{[^}]*\.exec\(|\.exec\([^;]*\)\s*\.catch\(").unwrap());
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static EQUALITY: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\.(?:toEqual|toStrictEqual)\(").unwrap());

impl Staging {
    /// What the test at `path` sets up; `fixture` is the recording that its expressions may refer to.
    pub fn read(path: &Path, fixture: &Value) -> Self {
        fs::read_to_string(path).map_or_else(|_| Self::default(), |text| Self::of(&text, fixture))
    }

    /// What a test with this text sets up.
    fn of(text: &str, fixture: &Value) -> Self {
        let text = &*comments::without(text);
        let reader = Reader::new(text, fixture);
        let mut canned = HashMap::new();
        for name in CANNED {
            if let Some(value) = given(&reader, name) {
                canned.insert(name.to_owned(), value);
            }
        }
        let recorded = COMPARES.is_match(text);
        let compares = recorded && EQUALITY.is_match(text);
        let written = || {
            STARTS
                .find_iter(text)
                .find_map(|found| reader.value(&text[found.end()..]))
        };
        let checkpoint = canned.remove("getCheckpoint").or_else(written);
        let last_sync = LAST_SYNC
            .find(text)
            .and_then(|found| reader.value(&text[found.end()..]));
        Self {
            checkpoint: checkpoint.filter(Value::is_object),
            now: clock(&reader),
            last_sync: last_sync
                .and_then(|moment| millis(&moment))
                .map(|at| Timestamp::from_millis(at).iso_millis()),
            // A test that compares as well has both: the comparison is what the fixture was recorded for.
            fails: EXPECTS_FAILURE.is_match(text) && !recorded,
            comparison: match (compares, recorded && PARTLY.is_match(text)) {
                (_, true) => Comparison::Part,
                (true, false) => Comparison::Whole,
                (false, false) => Comparison::Nothing,
            },
            unread: CANNED
                .into_iter()
                .filter(|name| !canned.contains_key(*name) && gives(text, name))
                .collect(),
            models: models(&reader),
            canned,
        }
    }

    /// Methods whose answer the test gives.
    pub fn given(&self) -> impl Iterator<Item = &str> {
        self.canned.keys().map(String::as_str)
    }

    /// What `nango.<name>` answers, when the test says so.
    pub fn canned(&self, name: &str) -> Option<Value> {
        self.canned.get(name).cloned()
    }
}

/// The models that a test names: `'A,B'`, or a constant that is such a text or a list.
fn models(reader: &Reader<'_>) -> Option<Vec<String>> {
    let rest = reader.text.get(MODELS.find(reader.text)?.end()..)?;
    let named = rest.split(['.', ',', '}', ' ', '\n']).next()?;
    let value = reader.value(rest).or_else(|| reader.value(named))?;
    let names = match &value {
        Value::String(names) => names.split(',').collect(),
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>(),
        _ => return None,
    };
    Some(names.into_iter().map(|name| name.trim().to_owned()).collect())
}

/// Whether the test seems to say what `nango.<name>` answers.
fn gives(text: &str, name: &str) -> bool {
    [
        format!(".{name} ="),
        format!("'{name}')"),
        format!(".{name}.mock"),
        format!("{name}:"),
    ]
    .iter()
    .any(|written| text.contains(written.as_str()))
}

/// The value that a test gives `nango.<name>` to answer.
fn given(reader: &Reader<'_>, name: &str) -> Option<Value> {
    let text = reader.text;
    text.match_indices(name).find_map(|(at, _)| {
        let before = text[..at].chars().next_back()?;
        let after = &text[at + name.len()..];
        // `Object.assign(mock, { getX: … })`
        let member =
            (before.is_whitespace() || matches!(before, '{' | ',')).then(|| after.trim_start().strip_prefix(':'));
        if member.is_none() && !matches!(before, '.' | '\'' | '"') {
            return None;
        }
        // `.getX = vi.fn()…`, `.getX.mock…`, `spyOn(…, 'getX').mock…`
        let rest = after.trim_start_matches(['\'', '"', ')']).trim_start();
        let rest = match rest.strip_prefix("as ") {
            Some(cast) => cast.split_once(')')?.1,
            None => rest,
        };
        let rest = match member.unwrap_or_else(|| rest.strip_prefix('=')) {
            Some(assigned) if !assigned.starts_with('=') => {
                let assigned = assigned.trim_start();
                let function = assigned.strip_prefix("vi.fn(").unwrap_or(assigned);
                if let Some(value) = returned(reader, function) {
                    return Some(value);
                }
                function.trim_start().strip_prefix(')')?
            }
            Some(_) => return None,
            None if member.is_some() => return None,
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

/// What a function returns that does not look at its parameters: `() => Promise.resolve(x)`, `async () => (x)`,
/// `() => { return x; }`, `async function () { return x; }`.
fn returned(reader: &Reader<'_>, text: &str) -> Option<Value> {
    let text = text.trim_start();
    let text = text.strip_prefix("async").unwrap_or(text).trim_start();
    let text = text.strip_prefix("function").unwrap_or(text).trim_start();
    let (_, body) = text.strip_prefix('(')?.split_once(')')?;
    let body = body.trim_start();
    let body = body.strip_prefix("=>").unwrap_or(body).trim_start();
    let body = match body.strip_prefix('{') {
        Some(block) => block.split_once("return")?.1.trim_start(),
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
    millis(&reader.value(argument)?)
}

/// A moment in milliseconds since 1970.
fn millis(moment: &Value) -> Option<i64> {
    match moment {
        Value::Number(number) => number.as_f64().map(|millis| millis as i64),
        Value::String(text) => {
            let completed = if text.len() == 10 {
                format!("{text}T00:00:00.000Z")
            } else {
                text.clone()
            };
            Timestamp::parse_iso(&completed).map(|moment| moment.millis())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
