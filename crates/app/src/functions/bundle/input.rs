//! The body of a bundle deployment, read strictly (http-api contract, 6.5).

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Scope;
use crate::Result;
use crate::functions::declared::{Capabilities, Debounce, Declared, Take, Trigger};
use crate::functions::deploy::{list_of_objects, read_file, texts};
use crate::functions::manage::complain_options;
use crate::functions::{ConnectionEvent, Definition, Function};
use crate::syncs::Frequency;
use crate::validate::{Fields, INTEGRATION_ID, NAME, Text, wrong_type};

/// Longest window of a debounced trigger.
const WINDOW_MS_MAX: i64 = 3_600_000;
/// Most messages that are joined in one run.
const ENTITIES_MAX: i64 = 1_000;
/// Marks the code as made of definitions.
const SDK_VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "-zero");

/// A whole bundle.
#[derive(Debug, Clone)]
pub struct BundleInput {
    pub(super) scope: Scope,
    pub(super) functions: Vec<BundleFunction>,
}

/// One function of a bundle.
#[derive(Debug, Clone)]
pub(super) struct BundleFunction {
    pub(super) name: String,
    pub(super) integration: String,
    pub(super) js: String,
    pub(super) ts: String,
    pub(super) definition: Definition,
}

impl BundleFunction {
    /// Its declaration.
    pub(super) fn trigger(&self) -> &Trigger {
        const NONE: &Trigger = &Trigger::None;
        self.definition
            .function
            .as_ref()
            .map_or(NONE, |declared| &declared.trigger)
    }

    /// Whether these rows are exactly this function.
    pub(super) fn is_stored(&self, hash: &str, rows: &[&Function]) -> bool {
        let places = self.trigger().places();
        rows.len() == places.len()
            && rows.iter().all(|row| {
                let event = row.event.map_or("", ConnectionEvent::as_str);
                row.hash == hash && row.definition == self.definition && places.contains(&(row.kind, event))
            })
    }
}

impl BundleInput {
    /// Reads the body.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let scope = read_scope(&mut fields).unwrap_or(Scope::Environment);
        let functions = list_of_objects(&mut fields, "functions", true, read_function).unwrap_or_default();
        let mut seen = HashSet::new();
        for (index, function) in functions.iter().enumerate() {
            let index = index.to_string();
            let at = ["functions", index.as_str()];
            if !seen.insert((function.integration.as_str(), function.name.as_str())) {
                let message = format!("The function {}:{} is named twice", function.integration, function.name);
                fields.complain_at("custom", message, &at);
            }
            if !scope.covers(&function.integration) {
                let message = format!(
                    "The function {}:{} is outside of the reconciliation scope",
                    function.integration, function.name
                );
                fields.complain_at("custom", message, &at);
            }
        }
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self { scope, functions })
    }
}

fn read_scope(fields: &mut Fields<'_>) -> Option<Scope> {
    fields
        .object("reconciliationScope", |scope| {
            let read = match scope.raw("kind").and_then(Value::as_str) {
                Some("environment") => Some(Scope::Environment),
                Some("integration") => scope
                    .text("integrationId", Text::any().min(1).max(255))
                    .map(Scope::Integration),
                _ => {
                    scope.complain("invalid_union", "Invalid input", "kind");
                    None
                }
            };
            scope.strict();
            read
        })
        .flatten()
}

fn read_function(function: &mut Fields<'_>) -> Option<BundleFunction> {
    let name = function.text("name", Text::any().pattern(&NAME).max(255));
    let integration = function.text("integrationId", Text::any().pattern(&INTEGRATION_ID).max(255));
    let description = function.text("description", Text::any().max(2000));
    let trigger = function.object("trigger", read_trigger).flatten();
    let requires = function.object("requires", |requires| {
        let connection = requires.opt_boolean("connection");
        let outbound = requires.opt_boolean("outbound");
        let invoke = requires.opt_boolean("invoke");
        requires.strict();
        if connection == Some(false) {
            let message = "Functions without a connection are not offered; leave `connection` out or set it to true";
            requires.complain("custom", message, "connection");
        }
        (outbound, invoke)
    });
    let capabilities = function.object("capabilities", read_capabilities);
    let concurrency = read_concurrency(function);
    let definitions = function.object("json_schema", |schema| {
        let definitions = schema.opt_object("definitions").cloned();
        schema.raw("$schema");
        schema.raw("$comment");
        schema.strict();
        definitions.unwrap_or_default()
    });
    let definitions = definitions.unwrap_or_default();
    let input = read_ref(function, "input_schema_ref", &definitions);
    let output = read_ref(function, "output_schema_ref", &definitions);
    let metadata = read_ref(function, "metadata_schema_ref", &definitions);
    let checkpoint = read_ref(function, "checkpoint_schema_ref", &definitions);
    let refs = texts(function, "model_schema_refs", true).unwrap_or_default();
    let mut models = Vec::with_capacity(refs.len());
    for text in &refs {
        models.extend(model_of(function, "model_schema_refs", text, &definitions));
    }
    let file = read_file(function);
    function.strict();
    let (trigger, (outbound, invoke), capabilities) = (trigger?, requires?, capabilities?);
    let agree = [
        ("usesRecords", capabilities.uses_records, Some(!models.is_empty())),
        (
            "usesCheckpoints",
            capabilities.uses_checkpoints,
            Some(checkpoint.is_some()),
        ),
        ("usesMetadata", capabilities.uses_metadata, Some(metadata.is_some())),
        ("usesOutbound", capabilities.uses_outbound, outbound),
        ("usesInvoke", capabilities.uses_invoke, invoke),
    ];
    for (key, stated, declared) in agree {
        if declared.is_some_and(|declared| declared != stated) {
            let message = format!("{key} does not agree with what the function declares");
            function.complain_at("custom", message, &["capabilities", key]);
        }
    }
    if input.is_some() && matches!(trigger, Trigger::Schedule { .. } | Trigger::Event { .. }) {
        let message = format!("A function with the trigger {} has no input", trigger.name());
        function.complain("custom", message, "input_schema_ref");
    }
    let (js, ts) = file?;
    let one_at_a_time = concurrency == Some(true) || matches!(trigger, Trigger::Schedule { .. });
    let definition = Definition {
        models,
        input,
        json_schema: Some(serde_json::json!({ "definitions": definitions })),
        runs: match &trigger {
            Trigger::Schedule { frequency, .. } => Some(frequency.clone()),
            Trigger::None | Trigger::Http { .. } | Trigger::Event { .. } => None,
        },
        auto_start: matches!(trigger, Trigger::Schedule { auto_start: true, .. }),
        webhook_subscriptions: match &trigger {
            Trigger::Http { subscriptions, .. } => subscriptions.clone().unwrap_or_else(|| vec!["*".to_owned()]),
            Trigger::None | Trigger::Schedule { .. } | Trigger::Event { .. } => Vec::new(),
        },
        features: if capabilities.uses_checkpoints {
            vec!["checkpoints".to_owned()]
        } else {
            Vec::new()
        },
        description,
        sdk_version: Some(SDK_VERSION.to_owned()),
        function: Some(Declared {
            trigger,
            capabilities,
            one_at_a_time,
            output,
            metadata,
            checkpoint,
        }),
        ..Definition::default()
    };
    Some(BundleFunction {
        name: name?,
        integration: integration?,
        js,
        ts,
        definition,
    })
}

fn read_trigger(trigger: &mut Fields<'_>) -> Option<Trigger> {
    let read = match trigger.raw("kind").and_then(Value::as_str) {
        Some("none") => Some(Trigger::None),
        Some("schedule") => {
            let frequency = trigger.text("frequency", Text::any().min(1).max(255));
            let auto_start = trigger.opt_boolean("autoStart").unwrap_or(false);
            if frequency
                .as_deref()
                .is_some_and(|text| Frequency::parse(text).is_none())
            {
                let message =
                    "Invalid frequency: write `every 5 minutes`, `every 2 hours`, `every day` or `every week`";
                trigger.complain("custom", message, "frequency");
            }
            frequency.map(|frequency| Trigger::Schedule { frequency, auto_start })
        }
        Some("http") => {
            let subscriptions = texts(trigger, "subscriptions", false);
            let debounce = trigger.opt_inner("debounce", read_debounce).flatten();
            Some(Trigger::Http {
                subscriptions,
                debounce,
            })
        }
        Some("event") => {
            let events = texts(trigger, "events", true).unwrap_or_default();
            if events.is_empty() || events.iter().any(|event| ConnectionEvent::parse(event).is_none()) {
                complain_options(trigger, "events", &ConnectionEvent::NAMES);
            }
            let mut known: Vec<String> = Vec::with_capacity(events.len());
            for event in events {
                if !known.contains(&event) {
                    known.push(event);
                }
            }
            Some(Trigger::Event { events: known })
        }
        _ => {
            complain_options(trigger, "kind", &["none", "schedule", "http", "event"]);
            None
        }
    };
    trigger.strict();
    read
}

fn read_debounce(debounce: &mut Fields<'_>) -> Option<Debounce> {
    let key_by = debounce.opt_text("keyBy", Text::any().min(1).max(255));
    let window_ms = debounce.integer("windowMs", 1, WINDOW_MS_MAX, false);
    let max_entities = debounce.opt_integer("maxEntities", 1, ENTITIES_MAX, false);
    let take = match debounce.raw("take").map(Value::as_str) {
        None | Some(Some("latest")) => Take::Latest,
        Some(Some("first")) => Take::First,
        Some(Some("all")) => Take::All,
        Some(_) => {
            complain_options(debounce, "take", &["latest", "first", "all"]);
            Take::Latest
        }
    };
    debounce.strict();
    Some(Debounce {
        key_by,
        window_ms: u64::try_from(window_ms?).unwrap_or(1),
        max_entities: max_entities.and_then(|max| u64::try_from(max).ok()),
        take,
    })
}

fn read_capabilities(fields: &mut Fields<'_>) -> Capabilities {
    let read = Capabilities {
        uses_records: fields.boolean("usesRecords").unwrap_or(false),
        uses_outbound: fields.boolean("usesOutbound").unwrap_or(false),
        uses_checkpoints: fields.boolean("usesCheckpoints").unwrap_or(false),
        uses_metadata: fields.boolean("usesMetadata").unwrap_or(false),
        uses_invoke: fields.boolean("usesInvoke").unwrap_or(false),
    };
    fields.strict();
    read
}

/// Whether runs of a connection come one after another.
fn read_concurrency(function: &mut Fields<'_>) -> Option<bool> {
    let limits = function.opt_inner("limits", |limits| {
        let concurrency = limits.opt_inner("concurrency", |concurrency| {
            let one = match concurrency.raw("perConnection") {
                Some(Value::Number(number)) if number.as_u64() == Some(1) => Some(true),
                Some(Value::String(text)) if text == "max" => Some(false),
                _ => {
                    concurrency.complain("invalid_union", "Invalid input: expected 1 or \"max\"", "perConnection");
                    None
                }
            };
            concurrency.strict();
            one
        });
        limits.strict();
        concurrency.flatten()
    });
    limits.flatten()
}

/// A reference `#/definitions/<name>` or null.
fn read_ref(function: &mut Fields<'_>, key: &'static str, definitions: &Map<String, Value>) -> Option<String> {
    match function.raw(key) {
        Some(Value::Null) => None,
        Some(Value::String(text)) => model_of(function, key, text, definitions),
        other => {
            function.complain("invalid_type", wrong_type("string", other), key);
            None
        }
    }
}

fn model_of(function: &mut Fields<'_>, key: &str, text: &str, definitions: &Map<String, Value>) -> Option<String> {
    let name = text
        .strip_prefix("#/definitions/")
        .filter(|name| definitions.contains_key(*name));
    if name.is_none() {
        let message = format!("\"{text}\" is not \"#/definitions/<name>\" with a name that json_schema defines");
        function.complain("custom", message, key);
    }
    name.map(str::to_owned)
}
