//! Values written in JavaScript: literals, constants bound to literals, and members of the parsed fixture.

use serde_json::{Map, Number, Value};

use crate::testing::identity::plain_text;

/// Constants may refer to constants; no test goes further.
const DEPTH_MAX: usize = 16;

/// Reads values out of the text of a test.
pub struct Reader<'t> {
    /// The text.
    pub text: &'t str,
    fixture: &'t Value,
}

impl<'t> Reader<'t> {
    /// A reader for a test that may refer to its fixture.
    pub fn new(text: &'t str, fixture: &'t Value) -> Self {
        Self { text, fixture }
    }

    /// The value at the beginning of `text`; none when it is not one that is known without running the test.
    pub fn value(&self, text: &str) -> Option<Value> {
        Cursor {
            reader: self,
            rest: text,
            depth: 0,
        }
        .alternatives()
    }

    /// Whether the name is that of an imported fixture.
    fn is_fixture(&self, name: &str) -> bool {
        let imports = self
            .text
            .lines()
            .map(str::trim_start)
            .filter(|line| line.starts_with("import "));
        imports
            .filter(|line| line.contains(".test.json"))
            .any(|line| line.split_whitespace().nth(1) == Some(name))
    }

    /// The text that a constant is bound to.
    fn constant(&self, name: &str) -> Option<&'t str> {
        self.text.match_indices(name).find_map(|(at, _)| {
            let before = self.text[..at].trim_end();
            let declared = ["const", "let", "var"].iter().any(|word| before.ends_with(word));
            let after = self.text[at + name.len()..].trim_start();
            // A type stands between the name and its value.
            let typed = after
                .strip_prefix(':')
                .and_then(|rest| Some(&rest[rest.find(['=', ';', '\n'])?..]));
            let value = typed
                .unwrap_or(after)
                .strip_prefix('=')
                .filter(|rest| !rest.starts_with('='))?;
            declared.then_some(value)
        })
    }
}

struct Cursor<'r, 't> {
    reader: &'r Reader<'t>,
    rest: &'r str,
    depth: usize,
}

impl<'r> Cursor<'r, '_> {
    fn skip_space(&mut self) {
        loop {
            let trimmed = self.rest.trim_start();
            self.rest = match (trimmed.strip_prefix("//"), trimmed.strip_prefix("/*")) {
                (Some(comment), _) => comment.find('\n').and_then(|end| comment.get(end..)).unwrap_or(""),
                (_, Some(comment)) => comment.find("*/").and_then(|end| comment.get(end + 2..)).unwrap_or(""),
                (None, None) => {
                    self.rest = trimmed;
                    return;
                }
            };
        }
    }

    fn take(&mut self, token: &str) -> bool {
        self.skip_space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// `a || b`, `a ?? b`: the first that is something.
    fn alternatives(&mut self) -> Option<Value> {
        let mut value = self.one()?;
        while self.take("||") || self.take("??") {
            let other = self.one()?;
            let nothing = matches!(&value, Value::Null | Value::Bool(false)) || value.as_str() == Some("");
            if nothing {
                value = other;
            }
        }
        self.skip_space();
        // A type behind the value: `'a' as const`.
        if let Some(typed) = self.rest.strip_prefix("as ") {
            self.rest =
                typed.trim_start_matches(|c: char| c.is_alphanumeric() || matches!(c, ' ' | '_' | '.' | '[' | ']'));
        }
        // Anything that goes on computing makes the value another one.
        let goes_on = self.rest.starts_with(['.', '+', '*', '?', '[', '(', '`', '&']);
        (!goes_on).then_some(value)
    }

    fn one(&mut self) -> Option<Value> {
        // A cast in front: `<any>{ … }`.
        if self.take("<") {
            self.rest = self.rest.split_once('>')?.1;
        }
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.object(),
            '[' => self.list(),
            '\'' | '"' | '`' => self.string().map(Value::String),
            '-' | '0'..='9' => self.number(),
            '(' => {
                self.take("(");
                let inner = self.alternatives()?;
                if !self.take(")") {
                    return None;
                }
                self.members(inner)
            }
            _ => self.name(),
        }
    }

    fn object(&mut self) -> Option<Value> {
        let mut members = Map::new();
        self.take("{");
        while !self.take("}") {
            if self.take("...") {
                let Value::Object(spread) = self.alternatives()? else {
                    return None;
                };
                members.extend(spread);
                if !self.take(",") && !self.rest.starts_with('}') {
                    return None;
                }
                continue;
            }
            self.skip_space();
            let key = match self.rest.chars().next()? {
                '\'' | '"' => self.string()?,
                '0'..='9' => self.number()?.to_string(),
                '[' => {
                    self.take("[");
                    let key = self.one()?.as_str()?.to_owned();
                    self.take("]").then_some(key)?
                }
                _ => self.word()?.to_owned(),
            };
            let value = if self.take(":") {
                self.alternatives()?
            } else {
                self.resolve(&key)?
            };
            members.insert(key, value);
            if !self.take(",") && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(Value::Object(members))
    }

    fn list(&mut self) -> Option<Value> {
        let mut items = Vec::new();
        self.take("[");
        while !self.take("]") {
            items.push(self.alternatives()?);
            if !self.take(",") && !self.rest.starts_with(']') {
                return None;
            }
        }
        Some(Value::Array(items))
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.rest.chars().next()?;
        let mut text = String::new();
        self.rest = self.rest.get(1..)?;
        loop {
            let character = self.rest.chars().next()?;
            if quote == '`' && self.rest.starts_with("${") {
                self.rest = &self.rest[2..];
                text.push_str(&plain_text(&self.alternatives()?));
                if !self.take("}") {
                    return None;
                }
                continue;
            }
            self.rest = &self.rest[character.len_utf8()..];
            match character {
                _ if character == quote => return Some(text),
                '\\' => {
                    let escaped = self.rest.chars().next()?;
                    self.rest = &self.rest[escaped.len_utf8()..];
                    match escaped {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'u' | 'x' => return None,
                        other => text.push(other),
                    }
                }
                other => text.push(other),
            }
        }
    }

    fn number(&mut self) -> Option<Value> {
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')))
            .unwrap_or(self.rest.len());
        let text = self.rest.get(..end)?.replace('_', "");
        self.rest = self.rest.get(end..)?;
        let whole: Option<Number> = text.parse::<i64>().ok().map(Number::from);
        whole
            .or_else(|| Number::from_f64(text.parse().ok()?))
            .map(Value::Number)
    }

    fn word(&mut self) -> Option<&'r str> {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$')))
            .unwrap_or(self.rest.len());
        let word = self.rest.get(..end).filter(|word| !word.is_empty())?;
        self.rest = self.rest.get(end..)?;
        Some(word)
    }

    /// A word of the language, or a constant with the members that are taken of it.
    fn name(&mut self) -> Option<Value> {
        match self.word()? {
            "null" | "undefined" => Some(Value::Null),
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            // A moment, by the text or number that it is made of.
            "new" if self.take("Date(") => {
                let moment = self.one()?;
                let (ended, moment) = if self.take(",") {
                    let year = moment.as_i64()?;
                    (true, self.utc(vec![year])?)
                } else {
                    (self.take(")"), moment)
                };
                let _ = self.take(".valueOf()") || self.take(".getTime()");
                ended.then_some(moment)
            }
            "JSON" if self.take(".parse(") => {
                let text = self.one()?;
                self.take(")").then(|| serde_json::from_str(text.as_str()?).ok())?
            }
            "await" => self.one(),
            "Date" if self.take(".UTC(") => self.utc(Vec::new()),
            "Date" if self.take(".parse(") => {
                let moment = self.one()?;
                self.take(")").then_some(moment)
            }
            name => {
                let value = match self.recorded() {
                    Some(value) => value,
                    None => self.resolve(name)?,
                };
                self.members(value)
            }
        }
    }

    /// What a mock answers from the fixture, after the mock's name: `.getMetadata()`.
    fn recorded(&mut self) -> Option<Value> {
        let fixture = self.reader.fixture;
        if self.take(".getMetadata()") {
            return fixture.pointer("/nango/getMetadata").cloned();
        }
        self.take(".getInput()").then(|| fixture.get("input").cloned())?
    }

    /// What `.a['b']?.c` after a value stands for.
    fn members(&mut self, mut value: Value) -> Option<Value> {
        while let Some(key) = self.member()? {
            value = value.get(&key).cloned().unwrap_or(Value::Null);
        }
        Some(value)
    }

    /// The rest of `Date.UTC(year, month, …)` after the first parts. Functions live in UTC, and so do tests.
    fn utc(&mut self, mut parts: Vec<i64>) -> Option<Value> {
        while !self.take(")") {
            parts.push(self.one()?.as_i64()?);
            self.take(",");
        }
        let part = |index: usize, otherwise: i64| parts.get(index).copied().unwrap_or(otherwise);
        let (day, hour, minute, second) = (part(2, 1), part(3, 0), part(4, 0), part(5, 0));
        let text = format!(
            "{:04}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z",
            part(0, 1970),
            part(1, 0) + 1,
            part(6, 0)
        );
        Some(Value::String(text))
    }

    /// The key of `.key`, `?.key`, `['key']` or `?.['key']`: nothing at all when it cannot be read, no key when none
    /// follows.
    fn member(&mut self) -> Option<Option<String>> {
        let optional = self.take("?.");
        if self.rest.starts_with('[') {
            self.take("[");
            self.skip_space();
            let key = if self.rest.starts_with(['\'', '"']) {
                self.string()?
            } else {
                self.number()?.to_string()
            };
            return self.take("]").then_some(Some(key));
        }
        if optional || (self.rest.starts_with('.') && self.take(".")) {
            return self.word().map(|key| Some(key.to_owned()));
        }
        Some(None)
    }

    fn resolve(&self, name: &str) -> Option<Value> {
        if self.reader.is_fixture(name) {
            return Some(self.reader.fixture.clone());
        }
        let bound = self.reader.constant(name)?;
        if bound.trim_start().starts_with("JSON.parse(") {
            return Some(self.reader.fixture.clone());
        }
        let mut cursor = Cursor {
            reader: self.reader,
            rest: bound,
            depth: self.depth + 1,
        };
        (cursor.depth < DEPTH_MAX).then(|| cursor.alternatives())?
    }
}
