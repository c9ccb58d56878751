//! Reading untrusted JSON field by field, collecting every complaint.
//!
//! Callers of the public contract tell complaints apart by code and path, in the order of the fields: `invalid_type`,
//! `too_small`, `too_big`, `invalid_format`, `unrecognized_keys`, `invalid_value`, `invalid_union`, `custom`.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::{Error, Issue, Result};

/// A regular expression with the text that callers see in complaints.
#[derive(Debug)]
pub struct Pattern {
    text: &'static str,
    regex: LazyLock<Regex>,
}

macro_rules! patterns {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {$(
        $(#[$doc])*
        pub static $name: Pattern = Pattern {
            text: $text,
            // The texts are constants; the test below compiles each of them.
            regex: LazyLock::new(|| Regex::new($text).unwrap_or_else(|_| never_matches())),
        };
    )+

        /// All patterns, for the test that compiles them.
        pub static ALL_PATTERNS: &[&str] = &[$($text),+];
    };
}

fn never_matches() -> Regex {
    #[expect(clippy::expect_used, reason = "a constant expression that compiles")]
    #[allow(clippy::missing_panics_doc)]
    Regex::new("[^\\s\\S]").expect("constant")
}

patterns! {
    /// Integration ids.
    INTEGRATION_ID = r"^[a-zA-Z0-9~:.@ _-]+$";
    /// Names of providers, functions and variants.
    NAME = r"^[a-zA-Z0-9_-]+$";
    /// Names of environments.
    ENVIRONMENT_NAME = r"^[a-z0-9_-]+$";
    /// Connection ids.
    CONNECTION_ID = r#"^[a-zA-Z0-9,.;:=+~\[\]|@${}"'\\/_ -]+$"#;
    /// Models of syncs.
    MODEL = r"^[A-Z][a-zA-Z0-9_-]+$";
    /// AWS regions.
    AWS_REGION = r"^[a-z0-9-]+$";
}

impl Pattern {
    /// Whether the text matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// The complaint about a text that does not match.
    pub fn message(&self) -> String {
        format!("Invalid string: must match pattern /{}/", self.text)
    }
}

/// What a text must look like.
#[derive(Debug, Clone, Copy, Default)]
pub struct Text {
    min: usize,
    max: Option<usize>,
    pattern: Option<&'static Pattern>,
    url: bool,
    uuid: bool,
    email: bool,
}

impl Text {
    /// Any text.
    pub const fn any() -> Self {
        Self {
            min: 0,
            max: None,
            pattern: None,
            url: false,
            uuid: false,
            email: false,
        }
    }

    /// At least `min` characters.
    pub const fn min(mut self, min: usize) -> Self {
        self.min = min;
        self
    }

    /// At most `max` characters.
    pub const fn max(mut self, max: usize) -> Self {
        self.max = Some(max);
        self
    }

    /// Must match the pattern.
    pub const fn pattern(mut self, pattern: &'static Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    /// Must be an absolute URL.
    pub const fn url(mut self) -> Self {
        self.url = true;
        self
    }

    /// Must be a UUID.
    pub const fn uuid(mut self) -> Self {
        self.uuid = true;
        self
    }

    /// Must be an e-mail address.
    pub const fn email(mut self) -> Self {
        self.email = true;
        self
    }

    /// Complaints about a text, as code and message.
    pub fn complaints(&self, text: &str) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let length = text.encode_utf16().count();
        if self.url && !is_url(text) {
            found.push(("invalid_format", "Invalid URL".to_owned()));
        }
        if self.uuid && !is_uuid(text) {
            found.push(("invalid_format", "Invalid UUID".to_owned()));
        }
        if self.email && !is_email(text) {
            found.push(("invalid_format", "Invalid email address".to_owned()));
        }
        if let Some(pattern) = self.pattern
            && !pattern.matches(text)
        {
            found.push(("invalid_format", pattern.message()));
        }
        if length < self.min {
            found.push((
                "too_small",
                format!("Too small: expected string to have >={} characters", self.min),
            ));
        }
        if let Some(max) = self.max
            && length > max
        {
            found.push((
                "too_big",
                format!("Too big: expected string to have <={max} characters"),
            ));
        }
        found
    }
}

/// Whether the text is a UUID as RFC 9562 has them: with its version and variant, or one of the two special ones.
pub fn is_uuid(text: &str) -> bool {
    let Ok(uuid) = uuid::Uuid::try_parse(text) else {
        return false;
    };
    let versioned = (1..=8).contains(&uuid.get_version_num()) && uuid.get_variant() == uuid::Variant::RFC4122;
    text.len() == 36 && (versioned || uuid.is_nil() || uuid.is_max())
}

/// Whether the text is an absolute URL with a scheme.
pub fn is_url(text: &str) -> bool {
    url::Url::parse(text).is_ok()
}

/// Whether the text looks like an e-mail address: one `@`, a dot in the domain, no blanks.
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let plain = |c: char| !c.is_whitespace() && c != '@' && !c.is_control();
    !local.is_empty()
        && local.chars().all(plain)
        && domain.chars().all(plain)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && domain
            .rsplit_once('.')
            .is_some_and(|(name, top)| !name.is_empty() && top.len() >= 2)
}

/// What the type of a value is called in complaints.
pub fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "undefined",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "boolean",
        Some(Value::Number(_)) => "number",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "array",
        Some(Value::Object(_)) => "object",
    }
}

/// The complaint about a value of the wrong type.
pub fn wrong_type(expected: &str, value: Option<&Value>) -> String {
    format!("Invalid input: expected {expected}, received {}", type_name(value))
}

/// One object being read.
#[derive(Debug)]
pub struct Fields<'v> {
    map: &'v Map<String, Value>,
    path: Vec<String>,
    known: Vec<&'static str>,
    issues: Vec<Issue>,
}

impl<'v> Fields<'v> {
    /// Starts reading a whole input; an absent one or one that is no object is the only complaint then.
    pub fn root(value: Option<&'v Value>) -> Result<Self, Vec<Issue>> {
        match value {
            Some(Value::Object(map)) => Ok(Self {
                map,
                path: Vec::new(),
                known: Vec::new(),
                issues: Vec::new(),
            }),
            other => Err(vec![Issue::new("invalid_type", wrong_type("object", other), &[])]),
        }
    }

    /// Starts reading a request body.
    pub fn body(value: Option<&'v Value>) -> Result<Self> {
        Self::root(value).map_err(|issues| Error::invalid("invalid_body", issues))
    }

    /// Adds a complaint about a field.
    pub fn complain(&mut self, code: &'static str, message: impl Into<String>, key: &str) {
        let mut path = self.path.clone();
        path.push(key.to_owned());
        self.issues.push(Issue {
            code,
            message: message.into(),
            path,
        });
    }

    /// Adds a complaint about a place relative to this object.
    pub fn complain_at(&mut self, code: &'static str, message: impl Into<String>, at: &[&str]) {
        let mut path = self.path.clone();
        path.extend(at.iter().map(|&part| part.to_owned()));
        self.issues.push(Issue {
            code,
            message: message.into(),
            path,
        });
    }

    /// The raw value of a field, noted as known.
    pub fn raw(&mut self, key: &'static str) -> Option<&'v Value> {
        self.known.push(key);
        self.map.get(key)
    }

    /// A required text.
    pub fn text(&mut self, key: &'static str, rule: Text) -> Option<String> {
        let value = self.raw(key);
        self.check_text(key, value, rule)
    }

    /// An optional text.
    pub fn opt_text(&mut self, key: &'static str, rule: Text) -> Option<String> {
        let value = self.raw(key)?;
        self.check_text(key, Some(value), rule)
    }

    fn check_text(&mut self, key: &str, value: Option<&Value>, rule: Text) -> Option<String> {
        let Some(Value::String(text)) = value else {
            self.complain("invalid_type", wrong_type("string", value), key);
            return None;
        };
        for (code, message) in rule.complaints(text) {
            self.complain(code, message, key);
        }
        Some(text.clone())
    }

    /// A required boolean.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        match self.raw(key) {
            Some(Value::Bool(value)) => Some(*value),
            other => {
                self.complain("invalid_type", wrong_type("boolean", other), key);
                None
            }
        }
    }

    /// An optional boolean.
    pub fn opt_boolean(&mut self, key: &'static str) -> Option<bool> {
        self.map
            .get(key)
            .is_some()
            .then(|| self.boolean(key))
            .flatten()
            .or_else(|| {
                self.known.push(key);
                None
            })
    }

    /// An optional boolean written as text, as in queries and headers.
    pub fn opt_text_boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.raw(key)?;
        let read = value.as_str().and_then(parse_text_boolean);
        if read.is_none() {
            let options =
                "\"true\"|\"1\"|\"yes\"|\"on\"|\"y\"|\"enabled\"|\"false\"|\"0\"|\"no\"|\"off\"|\"n\"|\"disabled\"";
            self.complain(
                "invalid_value",
                format!("Invalid option: expected one of {options}"),
                key,
            );
        }
        read
    }

    /// A required whole number between `min` and `max`; a number written as text is accepted when `coerce` is set.
    pub fn integer(&mut self, key: &'static str, min: i64, max: i64, coerce: bool) -> Option<i64> {
        let value = self.raw(key);
        self.check_integer(key, value, min, max, coerce)
    }

    /// The number of a row in a path: whole and positive.
    pub fn row_id(&mut self, key: &'static str) -> Option<i64> {
        let before = self.issues.len();
        let id = self.integer(key, 1, i64::MAX, true);
        for issue in self
            .issues
            .iter_mut()
            .skip(before)
            .filter(|issue| issue.code == "too_small")
        {
            issue.message = "Too small: expected number to be >0".to_owned();
        }
        id
    }

    /// An optional whole number.
    pub fn opt_integer(&mut self, key: &'static str, min: i64, max: i64, coerce: bool) -> Option<i64> {
        let value = self.raw(key)?;
        self.check_integer(key, Some(value), min, max, coerce)
    }

    fn check_integer(&mut self, key: &str, value: Option<&Value>, min: i64, max: i64, coerce: bool) -> Option<i64> {
        let number = match value {
            Some(Value::Number(number)) => number.as_f64(),
            Some(other) if coerce => coerced(other),
            _ => None,
        };
        let Some(number) = number else {
            let message = match value {
                Some(_) if coerce => "Invalid input: expected number, received NaN".to_owned(),
                other => wrong_type("number", other),
            };
            self.complain("invalid_type", message, key);
            return None;
        };
        if number.fract() != 0.0 {
            self.complain("invalid_type", "Invalid input: expected int, received number", key);
            return None;
        }
        if number < min as f64 {
            self.complain("too_small", format!("Too small: expected number to be >={min}"), key);
            return None;
        }
        if number > max as f64 {
            self.complain("too_big", format!("Too big: expected number to be <={max}"), key);
            return None;
        }
        Some(number as i64)
    }

    /// An optional map from text to text, each value at most `max` characters.
    pub fn opt_text_map(&mut self, key: &'static str, max: usize) -> Option<Vec<(String, String)>> {
        let value = self.raw(key)?;
        let Value::Object(map) = value else {
            self.complain("invalid_type", wrong_type("record", Some(value)), key);
            return None;
        };
        let mut read = Vec::with_capacity(map.len());
        for (name, value) in map {
            match value {
                Value::String(text) => {
                    for (code, message) in Text::any().max(max).complaints(text) {
                        self.complain_at(code, message, &[key, name]);
                    }
                    read.push((name.clone(), text.clone()));
                }
                other => self.complain_at("invalid_type", wrong_type("string", Some(other)), &[key, name]),
            }
        }
        Some(read)
    }

    /// An optional object of any content.
    pub fn opt_object(&mut self, key: &'static str) -> Option<&'v Map<String, Value>> {
        match self.raw(key)? {
            Value::Object(map) => Some(map),
            other => {
                self.complain("invalid_type", wrong_type("record", Some(other)), key);
                None
            }
        }
    }

    /// A required object read by `read`.
    pub fn object<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Fields<'v>) -> T) -> Option<T> {
        let value = self.raw(key);
        let Some(Value::Object(map)) = value else {
            self.complain("invalid_type", wrong_type("object", value), key);
            return None;
        };
        Some(self.inside(map, key, read))
    }

    /// An optional object read by `read`.
    pub fn opt_inner<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Fields<'v>) -> T) -> Option<T> {
        if self.map.contains_key(key) {
            return self.object(key, read);
        }
        self.known.push(key);
        None
    }

    /// Reads an object that lies at `at` below this one.
    pub fn inside<T>(&mut self, map: &'v Map<String, Value>, at: &str, read: impl FnOnce(&mut Fields<'v>) -> T) -> T {
        let mut path = self.path.clone();
        path.push(at.to_owned());
        let mut inner = Fields {
            map,
            path,
            known: Vec::new(),
            issues: Vec::new(),
        };
        let value = read(&mut inner);
        self.issues.append(&mut inner.issues);
        value
    }

    /// Complains about every field that was not asked for. Call it after reading all fields.
    pub fn strict(&mut self) {
        let unknown: Vec<String> = self
            .map
            .keys()
            .filter(|key| !self.known.contains(&key.as_str()))
            .map(|key| format!("\"{key}\""))
            .collect();
        if unknown.is_empty() {
            return;
        }
        let noun = if unknown.len() == 1 { "key" } else { "keys" };
        let message = format!("Unrecognized {noun}: {}", unknown.join(", "));
        self.issues.push(Issue {
            code: "unrecognized_keys",
            message,
            path: self.path.clone(),
        });
    }

    /// Whether anything was complained about so far.
    pub fn has_issues(&self) -> bool {
        !self.issues.is_empty()
    }

    /// Ends reading: an error with `code` when there were complaints.
    pub fn finish(self, code: &'static str) -> Result<()> {
        if self.issues.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(code, self.issues))
        }
    }

    /// Ends reading and hands out the complaints.
    pub fn into_issues(self) -> Vec<Issue> {
        self.issues
    }
}

/// The number that JavaScript's `Number(…)` makes of a value: nothing is 0, a list of one is what is in it. None for NaN and
/// what is not finite.
fn coerced(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(0.0),
        Value::Bool(value) => Some(f64::from(u8::from(*value))),
        Value::Number(number) => number.as_f64(),
        Value::String(text) => number_of_text(text.trim()),
        Value::Array(items) => match items.as_slice() {
            [] => Some(0.0),
            // As text first, which is empty for `null`.
            [Value::Null] => Some(0.0),
            [Value::Bool(_)] => None,
            [one] => coerced(one),
            _ => None,
        },
        Value::Object(_) => None,
    }
}

fn number_of_text(text: &str) -> Option<f64> {
    let digits = |prefix: &str| text.strip_prefix(prefix).or(text.strip_prefix(&prefix.to_uppercase()));
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits(prefix) {
            let plain = !digits.starts_with(['+', '-']);
            return u64::from_str_radix(digits, radix)
                .ok()
                .filter(|_| plain)
                .map(|n| n as f64);
        }
    }
    match text {
        "" => Some(0.0),
        // Rust reads words that JavaScript does not.
        _ if text.contains(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')) => None,
        _ => text.parse::<f64>().ok().filter(|number| number.is_finite()),
    }
}

/// Reads the texts that stand for booleans in queries and headers.
pub fn parse_text_boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" | "y" | "enabled" => Some(true),
        "false" | "0" | "no" | "off" | "n" | "disabled" => Some(false),
        _ => None,
    }
}

/// Refuses a query that has any parameter.
pub fn no_query(query: &Value) -> Result<()> {
    let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    fields.strict();
    fields.finish("invalid_query_params")
}
