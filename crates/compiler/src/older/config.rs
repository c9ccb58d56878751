//! What `nango.yaml` says.

use std::ops::Range;

use serde_yaml_ng::{Mapping, Value};

use super::outline;
use crate::{
    definition::{EVENTS, Kind, frequency_ms},
    diagnostic::Diagnostic,
    project::{NAMES_HINT, is_name},
    source::SourceFile,
};

/// A whole file.
#[derive(Debug, Default)]
pub struct Config {
    /// In the order of the file.
    pub functions: Vec<Function>,
    /// In the order of the file.
    pub models: Vec<Model>,
}

/// A function that the file describes.
#[derive(Debug)]
pub struct Function {
    /// Integration that it belongs to.
    pub integration: String,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Where its name is written.
    pub at: Range<usize>,
    /// The event that it follows.
    pub event: Option<&'static str>,
    /// What it was said to be; empty for on-event functions.
    pub fields: Mapping,
}

/// A model by name.
#[derive(Debug)]
pub struct Model {
    /// Its name.
    pub name: String,
    /// Its members as written.
    pub members: Mapping,
}

const SECTIONS: [&str; 4] = ["syncs", "actions", "on-events", "post-connection-scripts"];
const SYNC_KEYS: [&str; 13] = [
    "runs",
    "output",
    "input",
    "endpoint",
    "sync_type",
    "track_deletes",
    "auto_start",
    "webhook-subscriptions",
    "scopes",
    "description",
    "version",
    "type",
    "group",
];
const ACTION_KEYS: [&str; 8] = [
    "input",
    "output",
    "endpoint",
    "scopes",
    "description",
    "version",
    "type",
    "group",
];

struct Reader<'r> {
    source: &'r SourceFile,
    diagnostics: &'r mut Vec<Diagnostic>,
    config: Config,
}

impl Config {
    /// Reads the file; what is wrong with it is added to `diagnostics`.
    pub fn read(source: &SourceFile, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let whole: Value = match serde_yaml_ng::from_str(&source.text) {
            Ok(whole) => whole,
            Err(error) => {
                let line = error.location().map_or(1, |place| place.line());
                let start: usize = source.text.split_inclusive('\n').take(line - 1).map(str::len).sum();
                let end = start + source.line(line).len();
                let message = format!("the file is not YAML: {error}");
                diagnostics.push(Diagnostic::error("invalid_yaml", message).at(source, start, end));
                return Self::default();
            }
        };
        let mut reader = Reader {
            source,
            diagnostics,
            config: Self::default(),
        };
        reader.root(&whole);
        reader.config
    }
}

impl Reader<'_> {
    fn refuse(&mut self, path: &[&str], message: impl Into<String>, hint: &str) {
        let at = outline::find(self.source, path);
        let finding = Diagnostic::error("cannot_be_translated", message)
            .at(self.source, at.start, at.end)
            .hint(hint);
        self.diagnostics.push(finding);
    }

    fn root(&mut self, whole: &Value) {
        let Some(integrations) = whole.get("integrations").and_then(Value::as_mapping) else {
            return self.refuse(
                &[],
                "there are no `integrations`",
                "list them with their syncs and actions",
            );
        };
        let first = integrations.values().next().and_then(Value::as_mapping);
        let is_second = first.is_none_or(|first| SECTIONS.iter().any(|section| first.contains_key(*section)));
        if !is_second {
            return self.refuse(
                &["integrations"],
                "this is the first layout of nango.yaml, a flat list of scripts",
                "put the scripts of each integration below `syncs:` and `actions:`, with `output` for `returns`",
            );
        }
        if let Some(models) = whole.get("models").and_then(Value::as_mapping) {
            self.models(models);
        }
        for (integration, sections) in integrations {
            let Some(integration) = self.name_of_file(integration, &["integrations"]) else {
                continue;
            };
            self.integration(&integration, sections);
        }
    }

    /// A key that is a text.
    fn name(&mut self, key: &Value, path: &[&str]) -> Option<String> {
        let name = key.as_str().map(str::to_owned);
        if name.is_none() {
            self.refuse(path, "a name is not a text", "put quotes around it");
        }
        name
    }

    /// A key that becomes part of a path: the name of an integration or a function.
    fn name_of_file(&mut self, key: &Value, path: &[&str]) -> Option<String> {
        let name = self.name(key, path)?;
        if is_name(&name) {
            return Some(name);
        }
        let place: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
        self.refuse(
            &place,
            format!("`{name}` cannot be the name of an integration or a function"),
            NAMES_HINT,
        );
        None
    }

    fn models(&mut self, models: &Mapping) {
        for (name, members) in models {
            let Some(name) = self.name(name, &["models"]) else {
                continue;
            };
            let valid = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            match members {
                Value::Mapping(members) if valid => self.config.models.push(Model {
                    name,
                    members: members.clone(),
                }),
                _ if valid => self.refuse(
                    &["models", &name],
                    format!("the model `{name}` has no members"),
                    "list its members with their types",
                ),
                _ => self.refuse(
                    &["models", &name],
                    format!("`{name}` cannot be a name in TypeScript"),
                    "use letters, digits and `_`",
                ),
            }
        }
    }

    fn integration(&mut self, integration: &str, sections: &Value) {
        let sections = match sections {
            Value::Mapping(sections) => sections,
            Value::Null => return,
            _ => {
                let path = ["integrations", integration];
                return self.refuse(
                    &path,
                    format!("`{integration}` has no members"),
                    "list its syncs and actions",
                );
            }
        };
        for (section, list) in sections {
            let section = section.as_str().unwrap_or_default();
            let path = ["integrations", integration, section];
            match (section, list) {
                (_, Value::Null) => {}
                ("syncs", Value::Mapping(list)) => self.flows(Kind::Sync, &path, list),
                ("actions", Value::Mapping(list)) => self.flows(Kind::Action, &path, list),
                ("on-events", Value::Mapping(events)) => self.events(&path, events),
                ("post-connection-scripts", Value::Sequence(names)) => {
                    if sections.contains_key("on-events") {
                        self.refuse(
                            &path,
                            "`on-events` and `post-connection-scripts` cannot be together",
                            "move the scripts below `on-events: post-connection-creation:`",
                        );
                    } else {
                        self.scripts(&path, EVENTS[0], names);
                    }
                }
                ("syncs" | "actions" | "on-events" | "post-connection-scripts", _) => {
                    self.refuse(
                        &path,
                        format!("`{section}` is not what is expected here"),
                        "see an older project that works",
                    );
                }
                _ => self.refuse(
                    &path,
                    format!("`{section}` is not known"),
                    "there are `syncs`, `actions`, `on-events` and `post-connection-scripts`",
                ),
            }
        }
    }

    fn flows(&mut self, kind: Kind, path: &[&str; 3], list: &Mapping) {
        for (name, fields) in list {
            let Some(name) = self.name_of_file(name, path) else {
                continue;
            };
            let place = [path[0], path[1], path[2], &name];
            let fields = match fields {
                Value::Mapping(fields) => fields.clone(),
                Value::Null => Mapping::new(),
                _ => {
                    self.refuse(
                        &place,
                        format!("`{name}` has no members"),
                        "describe it with a member per line",
                    );
                    continue;
                }
            };
            let known: &[&str] = if kind == Kind::Sync { &SYNC_KEYS } else { &ACTION_KEYS };
            for key in fields.keys().filter_map(Value::as_str) {
                if !known.contains(&key) {
                    let place = [path[0], path[1], path[2], name.as_str(), key];
                    self.refuse(&place, format!("`{key}` has no counterpart"), "remove it");
                }
            }
            if kind == Kind::Sync {
                self.check_frequency(&place, &fields);
            }
            let at = outline::find(self.source, &place);
            self.config.functions.push(Function {
                integration: path[1].to_owned(),
                name,
                kind,
                at,
                event: None,
                fields,
            });
        }
    }

    fn check_frequency(&mut self, place: &[&str; 4], fields: &Mapping) {
        let at = [place[0], place[1], place[2], place[3], "runs"];
        let hint = "write `every 5 minutes`, `every 2 hours`, `every day`; 30 seconds is the shortest";
        match fields.get("runs").and_then(Value::as_str).map(frequency_ms) {
            Some(Ok(_)) => {}
            Some(Err(error)) => self.refuse(&at, error.to_string(), hint),
            None => self.refuse(place, "the sync does not say how often it `runs`", hint),
        }
    }

    fn events(&mut self, path: &[&str; 3], events: &Mapping) {
        for (event, names) in events {
            let event = event.as_str().unwrap_or_default();
            let place = [path[0], path[1], path[2], event];
            match (EVENTS.into_iter().find(|known| *known == event), names) {
                (Some(_), Value::Null) => {}
                (Some(event), Value::Sequence(names)) => self.scripts(&place, event, names),
                (Some(_), _) => self.refuse(&place, "this is not a list of scripts", "begin each name with `- `"),
                (None, _) => self.refuse(
                    &place,
                    format!("there is no event `{event}`"),
                    "there are post-connection-creation, pre-connection-deletion and validate-connection",
                ),
            }
        }
    }

    fn scripts(&mut self, path: &[&str], event: &'static str, names: &[Value]) {
        for name in names {
            let Some(name) = self.name_of_file(name, path) else {
                continue;
            };
            let mut place = path.to_vec();
            place.push(&name);
            let at = outline::find(self.source, &place);
            let integration = path.get(1).copied().unwrap_or_default().to_owned();
            self.config.functions.push(Function {
                integration,
                name,
                kind: Kind::OnEvent,
                at,
                event: Some(event),
                fields: Mapping::new(),
            });
        }
    }
}
