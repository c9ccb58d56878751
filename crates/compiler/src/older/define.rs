//! The definition of a function as source text: `export default createSync({ … });`.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use super::{
    config::Function,
    outline,
    types::{object, quoted, translate},
};
use crate::{definition::Kind, diagnostic::Diagnostic, source::SourceFile};

/// The code of the function, written for a place inside of the definition.
pub struct Code {
    /// The run.
    pub exec: String,
    /// What messages of the provider start.
    pub on_webhook: Option<String>,
}

/// A definition and what it needs.
pub struct Defined {
    /// The statement.
    pub text: String,
    /// The helper that it calls.
    pub creator: &'static str,
    /// Models that it names.
    pub models: BTreeSet<String>,
}

struct Writer<'w> {
    function: &'w Function,
    config: &'w SourceFile,
    known: &'w dyn Fn(&str) -> bool,
    lines: Vec<String>,
    models: BTreeSet<String>,
    findings: Vec<Diagnostic>,
}

/// Writes the definition of `function` around its code.
pub fn define(
    function: &Function,
    config: &SourceFile,
    known: &dyn Fn(&str) -> bool,
    code: &Code,
) -> Result<Defined, Vec<Diagnostic>> {
    let mut writer = Writer {
        function,
        config,
        known,
        lines: Vec::new(),
        models: BTreeSet::new(),
        findings: Vec::new(),
    };
    let description = writer.text_of("description").unwrap_or_default();
    writer.put("description", &quoted(description.trim()));
    if let Some(version) = writer.text_of("version") {
        writer.put("version", &quoted(&version));
    }
    let creator = match function.kind {
        Kind::Sync => {
            writer.sync();
            "createSync"
        }
        Kind::OnEvent => {
            writer.put("event", &quoted(function.event.unwrap_or_default()));
            "createOnEvent"
        }
        Kind::Action | Kind::Function => {
            writer.action();
            "createAction"
        }
    };
    writer.put("exec", &code.exec);
    if let Some(code) = code.on_webhook.as_ref().filter(|_| function.kind == Kind::Sync) {
        writer.put("onWebhook", code);
    }
    if !writer.findings.is_empty() {
        return Err(writer.findings);
    }
    Ok(Defined {
        text: format!("export default {creator}({{\n{}\n}});", writer.lines.join(",\n")),
        creator,
        models: writer.models,
    })
}

impl Writer<'_> {
    fn put(&mut self, key: &str, text: &str) {
        self.lines.push(format!("    {key}: {text}"));
    }

    fn refuse(&mut self, key: &str, message: String, hint: &str) {
        let section = if self.function.kind == Kind::Sync {
            "syncs"
        } else {
            "actions"
        };
        let path = [
            "integrations",
            &self.function.integration,
            section,
            &self.function.name,
            key,
        ];
        let at = outline::find(self.config, &path);
        let finding = Diagnostic::error("cannot_be_translated", message)
            .at(self.config, at.start, at.end)
            .hint(hint);
        self.findings.push(finding);
    }

    fn field(&self, key: &str) -> Option<&Value> {
        self.function.fields.get(key).filter(|value| !value.is_null())
    }

    /// A member as text; numbers and the like are taken as they are written.
    fn text_of(&self, key: &str) -> Option<String> {
        match self.field(key)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// A list, also when it is written as one text with commas.
    fn texts(&mut self, key: &str) -> Vec<String> {
        let texts: Vec<String> = match self.field(key) {
            Some(Value::Sequence(items)) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(Value::String(text)) => text.split(',').map(|part| part.trim().to_owned()).collect(),
            _ => Vec::new(),
        };
        texts.into_iter().filter(|text| !text.is_empty()).collect()
    }

    fn list(&mut self, key: &str, name: &str) {
        let texts: Vec<String> = self.texts(key).iter().map(|text| quoted(text)).collect();
        if !texts.is_empty() {
            self.put(name, &format!("[{}]", texts.join(", ")));
        }
    }

    fn sync(&mut self) {
        let frequency = self.text_of("runs").unwrap_or_default();
        self.put("frequency", &quoted(&frequency));
        // The older style starts syncs unless it is told otherwise.
        let starts = self.field("auto_start") != Some(&Value::Bool(false));
        self.put("autoStart", if starts { "true" } else { "false" });
        if let Some(kind) = self.text_of("sync_type") {
            match kind.as_str() {
                "full" | "incremental" => self.put("syncType", &quoted(&kind)),
                _ => self.refuse(
                    "sync_type",
                    format!("there is no sync type `{kind}`"),
                    "write full or incremental",
                ),
            }
        }
        if self.field("track_deletes") == Some(&Value::Bool(true)) {
            self.put("trackDeletes", "true");
        }
        self.endpoints("GET");
        self.list("scopes", "scopes");
        self.list("webhook-subscriptions", "webhookSubscriptions");
        if let Some(schema) = self.schema("input") {
            self.put("metadata", &schema);
        }
        let mut models = Vec::new();
        for name in self.texts("output") {
            if (self.known)(&name) {
                models.push(name.clone());
                self.models.insert(name);
            } else {
                let message = format!("`{name}` is not a model, and records need one");
                self.refuse("output", message, "name models of this file, one or a list");
            }
        }
        let models = if models.is_empty() {
            "{}".to_owned()
        } else {
            format!("{{ {} }}", models.join(", "))
        };
        self.put("models", &models);
    }

    fn action(&mut self) {
        self.endpoints("POST");
        self.list("scopes", "scopes");
        for key in ["input", "output"] {
            let schema = self.schema(key).unwrap_or_else(|| "z.void()".to_owned());
            self.put(key, &schema);
        }
    }

    /// A model, a type, or an object in place.
    fn schema(&mut self, key: &str) -> Option<String> {
        let value = self.field(key)?.clone();
        let schema = match &value {
            Value::Mapping(members) => object(members, self.known, 4),
            Value::Sequence(items) if items.len() == 1 => {
                let only = items.first().unwrap_or(&Value::Null);
                translate(only, self.known, 4)
            }
            other => translate(other, self.known, 4),
        };
        match schema {
            Ok(schema) => {
                self.models.extend(schema.models);
                Some(schema.text)
            }
            Err(message) => {
                self.refuse(key, message, "change the type here, or translate the function by hand");
                None
            }
        }
    }

    fn endpoints(&mut self, method: &str) {
        let Some(value) = self.field("endpoint").cloned() else {
            return;
        };
        let items = match value {
            Value::Sequence(items) => items,
            single => vec![single],
        };
        let mut shown = Vec::new();
        for item in &items {
            match endpoint(item, method) {
                Some(text) => shown.push(text),
                None => self.refuse(
                    "endpoint",
                    "the endpoint is not understood".to_owned(),
                    "write `GET /path`, or remove it",
                ),
            }
        }
        if self.function.kind == Kind::Sync {
            self.put("endpoints", &format!("[{}]", shown.join(", ")));
        } else if let Some(first) = shown.first() {
            self.put("endpoint", &first.clone());
        }
    }
}

/// `GET /path`, `/path`, `{method, path, group}` or `{GET: /path}`.
fn endpoint(value: &Value, method: &str) -> Option<String> {
    const VERBS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let (method, path, group) = match value {
        Value::String(text) => match text.trim().split_once(char::is_whitespace) {
            Some((method, path)) => (method.to_owned(), path.trim().to_owned(), None),
            None => (method.to_owned(), text.trim().to_owned(), None),
        },
        Value::Mapping(members) => {
            let text = |key: &str| members.get(key).and_then(Value::as_str).map(str::to_owned);
            match text("path") {
                Some(path) => (text("method").unwrap_or_else(|| method.to_owned()), path, text("group")),
                None => {
                    let verb = VERBS.into_iter().find(|verb| members.contains_key(*verb))?;
                    (verb.to_owned(), text(verb)?, None)
                }
            }
        }
        _ => return None,
    };
    let valid = VERBS.contains(&method.as_str()) && path.starts_with('/');
    let group = group.map_or_else(String::new, |group| format!(", group: {}", quoted(&group)));
    valid.then(|| format!("{{ method: {}, path: {}{group} }}", quoted(&method), quoted(&path)))
}
