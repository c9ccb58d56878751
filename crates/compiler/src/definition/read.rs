//! From the evaluated export of a bundle to a definition.

use serde_json::Value;

use super::{Action, Common, Definition, Detail, Endpoint, Kind, Sync, frequency::frequency_ms, places};
use crate::{diagnostic::Diagnostic, evaluate::Described, project::Entry, source::SourceFile};

/// The events that on-event functions can be bound to, in the order in which they are listed.
pub const EVENTS: [&str; 3] = [
    "post-connection-creation",
    "pre-connection-deletion",
    "validate-connection",
];

const DESCRIPTION_MAX: usize = 2000;
const SCOPE_MAX: usize = 255;

/// Reads and checks one definition. Errors in `diagnostics` mean that the definition must not be used.
/// `whole` is the complete answer of the sandbox.
pub(crate) fn read(
    entry: &Entry,
    source: &SourceFile,
    described: &Described,
    whole: Value,
    uses_checkpoints: bool,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Definition> {
    let reader = Reader {
        entry,
        source,
        described,
    };
    let before = diagnostics.len();
    let definition = reader.read(whole, uses_checkpoints, diagnostics);
    let failed = diagnostics.iter().skip(before).any(Diagnostic::is_error);
    definition.filter(|_| !failed)
}

struct Reader<'r> {
    entry: &'r Entry,
    source: &'r SourceFile,
    described: &'r Described,
}

impl Reader<'_> {
    fn read(&self, whole: Value, uses_checkpoints: bool, diagnostics: &mut Vec<Diagnostic>) -> Option<Definition> {
        let Some(kind) = Kind::from_tag(&self.described.kind) else {
            diagnostics.push(self.error(
                "nango_unsupported_export",
                "the default export is not a function definition",
                "type",
            ));
            return None;
        };
        if !self.described.has_exec {
            diagnostics.push(
                self.error("missing_exec", "the function has no `exec`", "exec")
                    .hint("add `exec: async (nango) => { … }`"),
            );
        }
        let common = self.common(uses_checkpoints, diagnostics);
        self.check_folder(kind, diagnostics);
        let detail = match kind {
            Kind::Sync => Detail::Sync(self.sync(diagnostics)),
            Kind::Action => Detail::Action(self.action(diagnostics)),
            Kind::OnEvent => Detail::OnEvent {
                event: self.event(diagnostics),
            },
            Kind::Function => {
                self.function(&whole, diagnostics);
                Detail::Function(whole)
            }
        };
        Some(Definition { common, detail })
    }

    fn common(&self, uses_checkpoints: bool, diagnostics: &mut Vec<Diagnostic>) -> Common {
        let description = Some(self.described.description.clone()).filter(|text| !text.is_empty());
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
        if self
            .described
            .scopes
            .iter()
            .any(|scope| scope.chars().count() > SCOPE_MAX)
        {
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
            version: self.described.version.clone(),
            scopes: self.described.scopes.clone(),
            features: if uses_checkpoints {
                vec!["checkpoints".to_owned()]
            } else {
                Vec::new()
            },
            models: self.described.json_schema.definitions.clone(),
        }
    }

    fn sync(&self, diagnostics: &mut Vec<Diagnostic>) -> Sync {
        self.check_frequency(&self.described.frequency, diagnostics);
        for name in &self.described.models {
            let schema = self.described.json_schema.definitions.get(name).unwrap_or(&Value::Null);
            self.check_model(name, schema, diagnostics);
        }
        let sync = Sync {
            frequency: self.described.frequency.clone(),
            auto_start: self.described.auto_start,
            sync_type: self.described.sync_type.clone(),
            track_deletes: self.described.track_deletes,
            outputs: self.described.models.clone(),
            metadata_model: self.described.input.clone(),
            endpoints: self
                .described
                .endpoints
                .iter()
                .filter_map(|e| self.endpoint(e, "endpoints", diagnostics))
                .collect(),
            webhook_subscriptions: self.described.webhook_subscriptions.clone(),
            has_on_webhook: self.described.has_webhook,
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
                self.error_at_model(
                    "invalid_model_name",
                    format!("`{name}` cannot be the name of a model"),
                    name,
                )
                .hint(
                    "begin with a capital letter and go on with letters, digits and `_`, two characters at the least, for example `GithubIssue`",
                ),
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
                self.error_at_model(
                    "model_without_id",
                    format!("records of `{name}` have no `id` that is a text"),
                    name,
                )
                .hint("add `id: z.string()` to the schema; convert numbers with String(…)"),
            );
        }
    }

    fn action(&self, diagnostics: &mut Vec<Diagnostic>) -> Action {
        let endpoint = self.described.endpoint.as_ref();
        Action {
            input_model: self.described.input.clone().unwrap_or_default(),
            output_model: self.described.output.clone().unwrap_or_default(),
            endpoint: endpoint.and_then(|endpoint| self.endpoint(endpoint, "endpoint", diagnostics)),
        }
    }

    fn function(&self, whole: &Value, diagnostics: &mut Vec<Diagnostic>) {
        for name in &self.described.models {
            let schema = self.described.json_schema.definitions.get(name).unwrap_or(&Value::Null);
            self.check_model(name, schema, diagnostics);
        }
        for fault in super::function::faults(whole) {
            let diagnostic = Diagnostic::error(fault.code, fault.message);
            diagnostics.push(places::point(diagnostic, self.source, fault.field).hint(fault.hint));
        }
    }

    fn event(&self, diagnostics: &mut Vec<Diagnostic>) -> String {
        let event = self.described.event.clone();
        if !EVENTS.contains(&event.as_str()) {
            diagnostics.push(
                self.error("invalid_event", format!("`{event}` is not an event"), "event")
                    .hint(format!("use one of {}", EVENTS.join(", "))),
            );
        }
        event
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
        places::point(Diagnostic::error(code, message), self.source, &[field])
    }

    /// An error at the place where a model is named.
    fn error_at_model(&self, code: &'static str, message: impl Into<String>, model: &str) -> Diagnostic {
        let path: &[&str] = match Kind::from_tag(&self.described.kind) {
            Some(Kind::Function) => &["data", "models", model],
            Some(Kind::Sync | Kind::Action | Kind::OnEvent) | None => &["models", model],
        };
        places::point(Diagnostic::error(code, message), self.source, path)
    }
}
