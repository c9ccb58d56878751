//! The small type language of `nango.yaml` in the words of Zod.

use std::collections::BTreeSet;

use serde_yaml_ng::{Mapping, Value};

/// A schema as source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zod {
    /// The expression.
    pub text: String,
    /// Models that it names.
    pub models: BTreeSet<String>,
}

impl Zod {
    fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            models: BTreeSet::new(),
        }
    }

    fn wrap(self, before: &str, after: &str) -> Self {
        Self {
            text: format!("{before}{}{after}", self.text),
            ..self
        }
    }
}

/// Translates a member's type; `known` says whether a name is a model. The error is a sentence.
pub fn translate(value: &Value, known: &dyn Fn(&str) -> bool, indent: usize) -> Result<Zod, String> {
    match value {
        Value::Null => Ok(Zod::plain("z.null()")),
        Value::Bool(value) => Ok(Zod::plain(format!("z.literal({value})"))),
        Value::Number(value) => Ok(Zod::plain(format!("z.literal({value})"))),
        Value::String(text) => Parser::new(text, known).whole(),
        Value::Mapping(members) => object(members, known, indent),
        Value::Sequence(_) => Err("a list is not a type; write `T[]` for a list of T".to_owned()),
        Value::Tagged(_) => Err("tags of YAML are not understood".to_owned()),
    }
}

/// An object written in place.
pub fn object(members: &Mapping, known: &dyn Fn(&str) -> bool, indent: usize) -> Result<Zod, String> {
    let mut all = BTreeSet::new();
    let mut lines = String::new();
    let mut rest = None;
    let pad = " ".repeat(indent + 4);
    for (key, value) in members {
        let Some(key) = key.as_str() else {
            return Err("the name of a member is not a text; put quotes around it".to_owned());
        };
        let schema = translate(value, known, indent + 4)?;
        all.extend(schema.models.iter().cloned());
        match key {
            "__string" => rest = Some(schema),
            "__extends" => return Err("`__extends` works for models only; make this object a model".to_owned()),
            _ if key.starts_with("__") => return Err(format!("`{key}` is not understood; there is `__string`")),
            _ => lines.push_str(&format!("{pad}{},\n", member(key, &schema))),
        }
    }
    let mut text = enclosed(&lines, indent);
    if let Some(rest) = rest {
        text = if lines.is_empty() {
            format!("z.record(z.string(), {})", rest.text)
        } else {
            format!("{text}.catchall({})", rest.text)
        };
    }
    Ok(Zod { text, models: all })
}

/// `z.object({ … })` around lines that end with a comma.
pub fn enclosed(lines: &str, indent: usize) -> String {
    let lines = lines.trim_end().trim_end_matches(',');
    if lines.is_empty() {
        return "z.object({})".to_owned();
    }
    format!("z.object({{\n{lines}\n{}}})", " ".repeat(indent))
}

/// `name: schema`; a question mark after the name makes it optional.
pub fn member(key: &str, schema: &Zod) -> String {
    let (name, optional) = name_of(key);
    format!("{name}: {}{optional}", schema.text)
}

/// The name as it is written in an object, and what makes it optional.
pub fn name_of(key: &str) -> (String, &'static str) {
    let (name, optional) = match key.strip_suffix('?') {
        Some(name) => (name, ".optional()"),
        None => (key, ""),
    };
    let is_identifier = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    let shown = if is_identifier { name.to_owned() } else { quoted(name) };
    (shown, optional)
}

/// A text as a literal of TypeScript.
pub fn quoted(text: &str) -> String {
    let mut out = "'".to_owned();
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            other => out.push(other),
        }
    }
    out + "'"
}

/// Parentheses inside of each other.
const DEPTH_MAX: usize = 50;

struct Parser<'p> {
    depth: usize,
    rest: &'p str,
    whole: &'p str,
    known: &'p dyn Fn(&str) -> bool,
}

impl<'p> Parser<'p> {
    fn new(text: &'p str, known: &'p dyn Fn(&str) -> bool) -> Self {
        Self {
            depth: 0,
            rest: text,
            whole: text,
            known,
        }
    }

    fn whole(mut self) -> Result<Zod, String> {
        let schema = self.union()?;
        if self.rest.trim().is_empty() {
            Ok(schema)
        } else {
            Err(self.puzzled())
        }
    }

    fn puzzled(&self) -> String {
        if self.whole.contains('<') {
            return format!("generic types are not understood: `{}`", self.whole);
        }
        format!("the type `{}` is not understood", self.whole)
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn union(&mut self) -> Result<Zod, String> {
        self.eat("|");
        let mut choices = vec![self.list()?];
        while self.eat("|") {
            choices.push(self.list()?);
        }
        let mut end = String::new();
        if choices.len() > 1 {
            for (nothing, after) in [("z.null()", ".nullable()"), ("z.undefined()", ".optional()")] {
                let before = choices.len();
                choices.retain(|choice| choice.text != nothing);
                if choices.len() < before {
                    end.push_str(after);
                }
            }
        }
        let models = choices.iter().flat_map(|choice| choice.models.clone()).collect();
        let texts: Vec<&str> = choices.iter().map(|choice| choice.text.as_str()).collect();
        let literals: Option<Vec<&str>> = texts
            .iter()
            .map(|text| {
                text.strip_prefix("z.literal(")?
                    .strip_suffix(')')
                    .filter(|text| text.starts_with('\''))
            })
            .collect();
        let text = match (texts.as_slice(), literals) {
            ([], _) => "z.null()".to_owned(),
            ([only], _) => (*only).to_owned(),
            (_, Some(literals)) => format!("z.enum([{}])", literals.join(", ")),
            (several, None) => format!("z.union([{}])", several.join(", ")),
        };
        Ok(Zod {
            text: text + &end,
            models,
        })
    }

    fn list(&mut self) -> Result<Zod, String> {
        let mut schema = self.single()?;
        while self.eat("[]") {
            schema = schema.wrap("z.array(", ")");
        }
        Ok(schema)
    }

    fn single(&mut self) -> Result<Zod, String> {
        if self.eat("(") {
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return Err(format!(
                    "a type with more than {DEPTH_MAX} parentheses is not understood"
                ));
            }
            let inner = self.union()?;
            return if self.eat(")") { Ok(inner) } else { Err(self.puzzled()) };
        }
        for quote in ['\'', '"', '`'] {
            if self.eat(&quote.to_string()) {
                let (text, rest) = self.rest.split_once(quote).ok_or_else(|| self.puzzled())?;
                self.rest = rest;
                return Ok(Zod::plain(format!("z.literal({})", quoted(text))));
            }
        }
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '/' | ':' | '@')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        if word.is_empty() || rest.trim_start().starts_with('<') {
            return Err(self.puzzled());
        }
        self.rest = rest;
        self.word(word)
    }

    fn word(&self, word: &str) -> Result<Zod, String> {
        if (self.known)(word) {
            return Ok(Zod {
                text: word.to_owned(),
                models: BTreeSet::from([word.to_owned()]),
            });
        }
        let text = match word {
            "string" | "char" | "varchar" => "z.string()",
            "number" | "float" | "double" | "decimal" => "z.number()",
            "int" | "integer" => "z.number().int()",
            "bigint" => "z.bigint()",
            "boolean" | "bool" => "z.boolean()",
            "true" => "z.literal(true)",
            "false" => "z.literal(false)",
            "date" | "Date" => "z.date()",
            "object" => "z.record(z.string(), z.any())",
            "array" => "z.array(z.any())",
            "any" => "z.any()",
            "unknown" => "z.unknown()",
            "null" => "z.null()",
            "undefined" => "z.undefined()",
            "void" => "z.void()",
            "never" => "z.never()",
            number if number.parse::<f64>().is_ok_and(f64::is_finite) => {
                return Ok(Zod::plain(format!("z.literal({number})")));
            }
            name if looks_like_a_model(name) => return Err(format!("there is no model `{name}`")),
            text => return Ok(Zod::plain(format!("z.literal({})", quoted(text)))),
        };
        Ok(Zod::plain(text))
    }
}

/// `GithubIssue`, not `OPEN` or `open`: other words stand for themselves.
fn looks_like_a_model(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase()) && name.contains(|c: char| c.is_ascii_lowercase())
}
