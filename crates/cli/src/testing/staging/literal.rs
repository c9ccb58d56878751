//! Values written in JavaScript: literals, constants bound to literals, and members of the parsed fixture.

use serde_json::{Map, Number, Value};

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

    /// The text that a constant is bound to.
    fn constant(&self, name: &str) -> Option<&'t str> {
        self.text.match_indices(name).find_map(|(at, _)| {
            let before = self.text[..at].trim_end();
            let declared = ["const", "let", "var"].iter().any(|word| before.ends_with(word));
            let after = self.text[at + name.len()..].trim_start();
            let value = after.strip_prefix('=').filter(|rest| !rest.starts_with('='))?;
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
        // Anything that goes on computing makes the value another one.
        let goes_on = self.rest.starts_with(['.', '+', '*', '?', '[', '(', '`', '&']);
        (!goes_on).then_some(value)
    }

    fn one(&mut self) -> Option<Value> {
        self.skip_space();
        match self.rest.chars().next()? {
            '{' => self.object(),
            '[' => self.list(),
            '\'' | '"' | '`' => self.string().map(Value::String),
            '-' | '0'..='9' => self.number(),
            _ => self.name(),
        }
    }

    fn object(&mut self) -> Option<Value> {
        let mut members = Map::new();
        self.take("{");
        while !self.take("}") {
            self.skip_space();
            let key = match self.rest.chars().next()? {
                '\'' | '"' => self.string()?,
                '0'..='9' => self.number()?.to_string(),
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
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, character)) = chars.next() {
            match character {
                _ if character == quote => {
                    self.rest = self.rest.get(at + 1..)?;
                    return Some(text);
                }
                '$' if quote == '`' => return None,
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    'u' | 'x' => return None,
                    other => text.push(other),
                },
                other => text.push(other),
            }
        }
        None
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
                self.take(")").then_some(moment)
            }
            name => {
                let mut value = self.resolve(name)?;
                while let Some(key) = self.member()? {
                    value = value.get(&key).cloned().unwrap_or(Value::Null);
                }
                Some(value)
            }
        }
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
