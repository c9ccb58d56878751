//! From the evaluated export of a bundle to a definition.

use serde_json::{Map, Value};

use super::{
    Action, Common, Definition, Detail, Endpoint, Kind, Sync,
    frequency::frequency_ms,
    schema::{clean, model_name},
};
use crate::{diagnostic::Diagnostic, evaluate::Evaluated, project::Entry, source::SourceFile};

/// The events that on-event functions can be bound to, in the order in which they are listed.
pub const EVENTS: [&str; 3] = [
    "post-connection-creation",
    "pre-connection-deletion",
    "validate-connection",
];

const DESCRIPTION_MAX: usize = 2000;
const SCOPE_MAX: usize = 255;

/// Reads and checks one definition. Errors in `diagnostics` mean that the definition must not be used.
pub fn read(
    entry: &Entry,
    source: &SourceFile,
    evaluated: &Evaluated,
    uses_checkpoints: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Definition> {
    let reader = Reader {
        entry,
        source,
        evaluated,
    };
    let before = diagnostics.len();
    let definition = reader.read(uses_checkpoints, diagnostics);
    let failed = diagnostics.iter().skip(before).any(Diagnostic::is_error);
    definition.filter(|_| !failed)
}

struct Reader<'r> {
    entry: &'r Entry,
    source: &'r SourceFile,
    evaluated: &'r Evaluated,
}

impl Reader<'_> {
    fn read(&self, uses_checkpoints: bool, diagnostics: &mut Vec<Diagnostic>) -> Option<Definition> {
        let Some(kind) = Kind::from_tag(&self.evaluated.kind) else {
            diagnostics.push(self.error(
                "nango_unsupported_export",
                "the default export is not a function definition",
                "type",
            ));
            return None;
        };
        if !self.evaluated.has("exec") {
            diagnostics.push(
                self.error("missing_exec", "the function has no `exec`", "exec")
                    .hint("add `exec: async (nango) => { … }`"),
            );
        }
        let mut common = self.common(uses_checkpoints, diagnostics);
        self.check_folder(kind, diagnostics);
        let detail = match kind {
            Kind::Sync => Detail::Sync(self.sync(&mut common, diagnostics)),
            Kind::Action => Detail::Action(self.action(&mut common, diagnostics)),
            Kind::OnEvent => Detail::OnEvent {
                event: self.event(diagnostics),
            },
            Kind::Function => {
                self.function_models(&mut common);
                Detail::Function(Value::Object(self.evaluated.fields.clone()))
            }
        };
        Some(Definition { common, detail })
    }

    fn common(&self, uses_checkpoints: bool, diagnostics: &mut Vec<Diagnostic>) -> Common {
        let description = self.text("description");
        match &description {
            None => diagnostics.push(
                Diagnostic::warning("missing_description", "the function has no description")
                    .in_file(&self.entry.path)
                    .hint("say in one sentence what it does; people and agents choose by it"),
            ),
            Some(text) if text.chars().count() > DESCRIPTION_MAX => diagnostics.push(self.error(
                "description_too_long",
                format!("the description is longer than {DESCRIPTION_MAX} characters"),
                "description",
            )),
            Some(_) => {}
        }
        let scopes = self.texts("scopes", diagnostics);
        if scopes.iter().any(|scope| scope.chars().count() > SCOPE_MAX) {
            diagnostics.push(self.error(
                "scope_too_long",
                format!("a scope is longer than {SCOPE_MAX} characters"),
                "scopes",
            ));
        }
        Common {
            integration: self.entry.integration.clone(),
            name: self.entry.name.clone(),
            description,
            version: self.text("version").unwrap_or_default(),
            scopes,
            features: if uses_checkpoints {
                vec!["checkpoints".to_owned()]
            } else {
                Vec::new()
            },
            models: Map::new(),
        }
    }

    fn sync(&self, common: &mut Common, diagnostics: &mut Vec<Diagnostic>) -> Sync {
        let frequency = self.text("frequency").unwrap_or_default();
        self.check_frequency(&frequency, diagnostics);
        for (name, schema) in &self.evaluated.models {
            self.check_model(name, schema, diagnostics);
            common.models.insert(name.clone(), clean(schema));
        }
        let outputs: Vec<String> = self.evaluated.models.keys().cloned().collect();
        let metadata_model = self.evaluated.schema("metadata").map(|schema| {
            let name = model_name("SyncMetadata", &self.entry.integration, &self.entry.name);
            common.models.insert(name.clone(), clean(schema));
            name
        });
        let sync_type = self.text("syncType").unwrap_or_else(|| "full".to_owned());
        let sync = Sync {
            frequency,
            auto_start: self.flag("autoStart"),
            track_deletes: self.flag("trackDeletes"),
            endpoints: self.endpoints("endpoints", diagnostics),
            webhook_subscriptions: self.texts("webhookSubscriptions", diagnostics),
            has_on_webhook: self.evaluated.has("onWebhook"),
            sync_type,
            outputs,
            metadata_model,
        };
        self.check_sync(&sync, diagnostics);
        sync
    }

    fn check_frequency(&self, frequency: &str, diagnostics: &mut Vec<Diagnostic>) {
        if frequency.is_empty() {
            diagnostics.push(
                self.error(
                    "missing_frequency",
                    "the sync does not say how often it runs",
                    "frequency",
                )
                .hint("add `frequency: 'every hour'`"),
            );
        } else if let Err(error) = frequency_ms(frequency) {
            let code = match error {
                super::FrequencyError::Unknown(_) => "invalid_frequency",
                super::FrequencyError::TooShort(_) => "frequency_too_short",
            };
            diagnostics.push(self.error(code, error.to_string(), "frequency").hint(
                "write `every 5 minutes`, `every 2 hours`, `every day`, `every half hour`, `every week` or `every month`; 30 seconds is the shortest",
            ));
        }
    }

    fn check_sync(&self, sync: &Sync, diagnostics: &mut Vec<Diagnostic>) {
        if !matches!(sync.sync_type.as_str(), "full" | "incremental") {
            diagnostics.push(self.error(
                "invalid_sync_type",
                "`syncType` must be 'full' or 'incremental'",
                "syncType",
            ));
        }
        if sync.track_deletes && sync.sync_type == "incremental" {
            diagnostics.push(
                self.error("track_deletes_incremental", "`trackDeletes` would delete everything that an incremental run does not save", "trackDeletes")
                    .hint("use nango.trackDeletesStart() and nango.trackDeletesEnd() around a complete pass, or nango.batchDelete()"),
            );
        } else if sync.track_deletes {
            diagnostics.push(Diagnostic { severity: crate::Severity::Warning, ..self.error("track_deletes_deprecated", "`trackDeletes` is deprecated", "trackDeletes") }.hint(
                "call nango.trackDeletesStart() before and nango.trackDeletesEnd() after the records of a complete pass",
            ));
        }
        if !sync.endpoints.is_empty() && sync.endpoints.len() != sync.outputs.len() {
            diagnostics.push(
                self.error(
                    "endpoint_count",
                    format!("{} endpoints for {} models", sync.endpoints.len(), sync.outputs.len()),
                    "endpoints",
                )
                .hint("give one endpoint per model in the order of the models, or none: they are deprecated"),
            );
        }
        if sync.has_on_webhook && sync.webhook_subscriptions.is_empty() {
            diagnostics.push(
                Diagnostic {
                    severity: crate::Severity::Warning,
                    ..self.error(
                        "webhook_not_subscribed",
                        "`onWebhook` never runs without `webhookSubscriptions`",
                        "onWebhook",
                    )
                }
                .hint("name the webhook types, or use `webhookSubscriptions: ['*']`"),
            );
        }
    }

    fn check_model(&self, name: &str, schema: &Value, diagnostics: &mut Vec<Diagnostic>) {
        let mut characters = name.chars();
        let valid = characters.next().is_some_and(|c| c.is_ascii_uppercase())
            && name.len() > 1
            && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !valid {
            diagnostics.push(
                self.error(
                    "invalid_model_name",
                    format!("`{name}` cannot be the name of a model"),
                    "models",
                )
                .hint("begin with a capital letter and go on with letters, digits and `_`, for example `GithubIssue`"),
            );
        }
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        let id = properties.get("id");
        let is_text = id.is_some_and(|id| match id.get("type") {
            Some(kind) => kind == "string",
            // A union, a reference or anything else that may still be a text.
            None => true,
        });
        if !is_text {
            diagnostics.push(
                self.error(
                    "model_without_id",
                    format!("records of `{name}` have no `id` that is a text"),
                    "models",
                )
                .hint("add `id: z.string()` to the schema; convert numbers with String(…)"),
            );
        }
    }

    fn action(&self, common: &mut Common, diagnostics: &mut Vec<Diagnostic>) -> Action {
        let mut model = |field: &str, part: &str| {
            let name = model_name(part, &self.entry.integration, &self.entry.name);
            match self.evaluated.schema(field) {
                Some(schema) => {
                    common.models.insert(name.clone(), clean(schema));
                }
                None => diagnostics.push(
                    self.error(
                        if field == "input" {
                            "missing_input"
                        } else {
                            "missing_output"
                        },
                        format!("the action has no `{field}` schema"),
                        field,
                    )
                    .hint(format!(
                        "add `{field}: z.object({{ … }})`, or `{field}: z.void()` when there is none"
                    )),
                ),
            }
            name
        };
        let input_model = model("input", "ActionInput");
        let output_model = model("output", "ActionOutput");
        let endpoint = self
            .evaluated
            .fields
            .get("endpoint")
            .and_then(|value| self.endpoint(value, "endpoint", diagnostics));
        Action {
            input_model,
            output_model,
            endpoint,
        }
    }

    fn event(&self, diagnostics: &mut Vec<Diagnostic>) -> String {
        let event = self.text("event").unwrap_or_default();
        if !EVENTS.contains(&event.as_str()) {
            diagnostics.push(
                self.error("invalid_event", format!("`{event}` is not an event"), "event")
                    .hint(format!("use one of {}", EVENTS.join(", "))),
            );
        }
        event
    }

    fn function_models(&self, common: &mut Common) {
        for (name, schema) in &self.evaluated.models {
            common.models.insert(name.clone(), clean(schema));
        }
        for (field, part) in [
            ("input", "FunctionInput"),
            ("output", "FunctionOutput"),
            ("metadata", "FunctionMetadata"),
            ("checkpoint", "FunctionCheckpoint"),
        ] {
            if let Some(schema) = self.evaluated.schema(field) {
                common.models.insert(
                    model_name(part, &self.entry.integration, &self.entry.name),
                    clean(schema),
                );
            }
        }
    }

    fn check_folder(&self, kind: Kind, diagnostics: &mut Vec<Diagnostic>) {
        if self.entry.folder.is_some_and(|folder| folder != kind.folder()) {
            diagnostics.push(
                Diagnostic::warning(
                    "wrong_folder",
                    format!("a {} is expected in the folder `{}`", kind.word(), kind.folder().name()),
                )
                .in_file(&self.entry.path)
                .hint("it is deployed by what it exports, but other tools look for it by its folder"),
            );
        }
    }

    fn text(&self, field: &str) -> Option<String> {
        self.evaluated
            .fields
            .get(field)
            .and_then(Value::as_str)
            .map(str::to_owned)
    }

    /// Only a literal `true` counts.
    fn flag(&self, field: &str) -> bool {
        self.evaluated.fields.get(field) == Some(&Value::Bool(true))
    }

    fn texts(&self, field: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<String> {
        let value = match self.evaluated.fields.get(field) {
            None | Some(Value::Null) => return Vec::new(),
            Some(value) => value,
        };
        let texts: Option<Vec<String>> = value
            .as_array()
            .and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
        texts.unwrap_or_else(|| {
            diagnostics.push(self.error("invalid_field", format!("`{field}` must be a list of texts"), field));
            Vec::new()
        })
    }

    fn endpoints(&self, field: &str, diagnostics: &mut Vec<Diagnostic>) -> Vec<Endpoint> {
        match self.evaluated.fields.get(field) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(items)) => items
                .iter()
                .filter_map(|item| self.endpoint(item, field, diagnostics))
                .collect(),
            Some(_) => {
                diagnostics.push(self.error("invalid_field", format!("`{field}` must be a list"), field));
                Vec::new()
            }
        }
    }

    fn endpoint(&self, value: &Value, field: &str, diagnostics: &mut Vec<Diagnostic>) -> Option<Endpoint> {
        let part = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
        match (part("method"), part("path")) {
            (Some(method), Some(path)) => Some(Endpoint {
                method,
                path,
                group: part("group"),
            }),
            _ => {
                if !value.is_null() {
                    diagnostics.push(
                        self.error("invalid_field", "an endpoint needs `method` and `path`", field)
                            .hint("or leave it out: endpoints are deprecated"),
                    );
                }
                None
            }
        }
    }

    /// An error at the place where `field` is written, as far as the text shows it.
    fn error(&self, code: &'static str, message: impl Into<String>, field: &str) -> Diagnostic {
        let diagnostic = Diagnostic::error(code, message);
        match find_field(&self.source.text, field) {
            Some(at) => diagnostic.at(self.source, at, at + field.len()),
            None => diagnostic.in_file(&self.source.path),
        }
    }
}

/// Where `field` is written as a key; the first such place is the definition's in any usual file.
fn find_field(text: &str, field: &str) -> Option<usize> {
    text.match_indices(field).map(|(at, _)| at).find(|at| {
        let before = text.get(..*at).and_then(|text| text.chars().next_back());
        let after = text.get(at + field.len()..).unwrap_or("").trim_start();
        let key = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.' || c == '$');
        key && (after.starts_with(':') || after.starts_with('('))
    })
}
