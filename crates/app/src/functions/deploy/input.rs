//! The body of a deploy, read strictly.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use crate::functions::manage::complain_options;
use crate::functions::{ConnectionEvent, Definition, Endpoint, FunctionKind, Source};
use crate::validate::{Fields, INTEGRATION_ID, NAME, Text, wrong_type};
use crate::{Error, Result};

/// The schemas of older projects say that they are of this draft.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";
/// Verbs of deprecated endpoints.
const VERBS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// How much of what is deployed the request speaks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DeployMode {
    /// The whole environment.
    #[default]
    All,
    /// The integrations that it names.
    Integration,
    /// The functions that it names.
    Single,
}

impl DeployMode {
    /// Name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Integration => "integration",
            Self::Single => "single",
        }
    }
}

/// One sync or action to deploy.
#[derive(Debug, Clone)]
pub struct FlowInput {
    /// Sync or action.
    pub kind: FunctionKind,
    /// Its name.
    pub name: String,
    /// Key of its integration.
    pub integration: String,
    /// Version; empty means the next one.
    pub version: String,
    /// Compiled bundle.
    pub js: String,
    /// TypeScript source.
    pub ts: String,
    /// What its author declared.
    pub definition: Definition,
}

/// One on-event function to deploy.
#[derive(Debug, Clone)]
pub struct OnEventInput {
    /// Its name.
    pub name: String,
    /// Key of its integration.
    pub integration: String,
    /// The connection event that it follows.
    pub event: ConnectionEvent,
    /// Compiled bundle.
    pub js: String,
    /// TypeScript source.
    pub ts: String,
}

/// A whole deploy.
#[derive(Debug, Clone)]
pub struct DeployInput {
    /// Syncs and actions.
    pub flows: Vec<FlowInput>,
    /// On-event functions; `None` leaves those that are there alone.
    pub on_events: Option<Vec<OnEventInput>>,
    /// Remove what is not named.
    pub reconcile: bool,
    /// How much the request speaks about.
    pub mode: DeployMode,
    /// Where the functions came from.
    pub source: Source,
    /// Version of the toolkit that built them.
    pub sdk_version: Option<String>,
    /// Records of models that a sync no longer has go with them; whoever deploys was told so.
    pub drops_models: bool,
}

static FREQUENCY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"^(every )?((\d+)?\s?(s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)|(month|week|half day|half hour|quarter hour))$",
    )
    .ok()
});

static SDK_VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[0-9]+\.[0-9]+\.[0-9]+-(zero|yaml)").ok());

/// Whether the text is a frequency that deploys accept.
fn is_frequency(text: &str) -> bool {
    FREQUENCY.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// Reads each object of a list; complains about a missing list and about items that are no objects.
pub(in crate::functions) fn list_of_objects<'v, T>(
    fields: &mut Fields<'v>,
    key: &'static str,
    required: bool,
    mut read: impl FnMut(&mut Fields<'v>) -> Option<T>,
) -> Option<Vec<T>> {
    let value = fields.raw(key);
    if value.is_none() && !required {
        return None;
    }
    let Some(Value::Array(items)) = value else {
        fields.complain("invalid_type", wrong_type("array", value), key);
        return None;
    };
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let index = index.to_string();
        let Value::Object(map) = item else {
            fields.complain_at("invalid_type", wrong_type("object", Some(item)), &[key, &index]);
            continue;
        };
        all.extend(fields.inside(map, key, |list| list.inside(map, &index, &mut read)));
    }
    Some(all)
}

impl DeployInput {
    /// Reads the body of a deploy, or of its plan (`confirmation`), which has no `nangoYamlBody`.
    pub fn parse(body: Option<&Value>, confirmation: bool) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let flows = list_of_objects(&mut fields, "flowConfigs", true, read_flow);
        let on_events = list_of_objects(&mut fields, "onEventScriptsByProvider", false, |group| {
            read_scripts(group, None)
        });
        let legacy = list_of_objects(&mut fields, "postConnectionScriptsByProvider", false, |group| {
            read_scripts(group, Some(ConnectionEvent::PostConnectionCreation))
        });
        let schema = fields.opt_inner("jsonSchema", |schema| {
            if schema.raw("$schema").and_then(Value::as_str) != Some(DRAFT) {
                let message = format!("Invalid input: expected \"{DRAFT}\"");
                schema.complain("invalid_value", message, "$schema");
            }
            schema.text("$comment", Text::any());
            let definitions = schema.raw("definitions");
            if !definitions.is_some_and(Value::is_object) {
                schema.complain("invalid_type", wrong_type("record", definitions), "definitions");
            }
            let definitions = definitions.and_then(Value::as_object);
            for (name, definition) in definitions.into_iter().flatten() {
                if !definition.is_object() {
                    let message = wrong_type("object", Some(definition));
                    schema.complain_at("invalid_type", message, &["definitions", name]);
                }
            }
            schema.strict();
            definitions.cloned()
        });
        let reconcile = fields.boolean("reconcile");
        fields.boolean("debug");
        let single = fields.opt_boolean("singleDeployMode");
        let mode = read_mode(&mut fields);
        let source = read_source(&mut fields);
        if !confirmation {
            fields.text("nangoYamlBody", Text::any());
        }
        let sdk_version = fields.opt_text("sdkVersion", Text::any());
        if let Some(version) = &sdk_version
            && !SDK_VERSION.as_ref().is_some_and(|regex| regex.is_match(version))
        {
            let message = "Invalid string: must match pattern /[0-9]+\\.[0-9]+\\.[0-9]+-(zero|yaml)/";
            fields.complain("invalid_format", message, "sdkVersion");
        }
        fields.strict();
        fields.finish("invalid_body")?;
        let mut flows = flows.unwrap_or_default();
        for flow in &mut flows {
            flow.definition.sdk_version.clone_from(&sdk_version);
            if let Some(Some(definitions)) = &schema
                && flow.definition.json_schema.is_none()
            {
                flow.definition.json_schema = Some(schema_of(flow, definitions)?);
            }
        }
        let on_events = match (on_events, legacy) {
            (None, None) => None,
            (one, other) => Some(one.into_iter().chain(other).flatten().flatten().collect()),
        };
        let mode = if single == Some(true) {
            DeployMode::Single
        } else {
            mode.unwrap_or_default()
        };
        let reconcile = reconcile.unwrap_or(false);
        Ok(Self {
            flows,
            on_events,
            reconcile,
            mode,
            source: source.unwrap_or_default(),
            sdk_version,
            // The plan of the other modes does not speak about models.
            drops_models: reconcile && mode == DeployMode::All,
        })
    }
}

/// The part of a deprecated common schema that one function needs.
fn schema_of(flow: &FlowInput, definitions: &Map<String, Value>) -> Result<Value> {
    let wanted = flow.definition.models.iter().chain(&flow.definition.input);
    if let Some(missing) = wanted.into_iter().find(|name| !definitions.contains_key(*name)) {
        return Err(Error::refuse(400, "deploy_missing_json_schema_model")
            .message(format!("The JSON schema does not define the model \"{missing}\""))
            .payload(serde_json::json!({ "syncName": flow.name, "providerConfigKey": flow.integration })));
    }
    // Models refer to each other, so the whole map goes along.
    Ok(serde_json::json!({ "definitions": definitions }))
}

fn read_mode(fields: &mut Fields<'_>) -> Option<DeployMode> {
    let mode = match fields.raw("deployMode")?.as_str() {
        Some("all") => Some(DeployMode::All),
        Some("single") => Some(DeployMode::Single),
        Some("integration") => Some(DeployMode::Integration),
        _ => None,
    };
    if mode.is_none() {
        complain_options(fields, "deployMode", &["all", "single", "integration"]);
    }
    mode
}

fn read_source(fields: &mut Fields<'_>) -> Option<Source> {
    let source = match fields.raw("source")?.as_str() {
        Some("standalone") => Some(Source::Standalone),
        Some("repo") => Some(Source::Repo),
        _ => None,
    };
    if source.is_none() {
        complain_options(fields, "source", &["standalone", "repo"]);
    }
    source
}

pub(in crate::functions) fn read_file(fields: &mut Fields<'_>) -> Option<(String, String)> {
    fields
        .object("fileBody", |file| {
            let (js, ts) = (file.text("js", Text::any()), file.text("ts", Text::any()));
            file.strict();
            js.zip(ts)
        })
        .flatten()
}

fn read_scripts(group: &mut Fields<'_>, fixed: Option<ConnectionEvent>) -> Option<Vec<OnEventInput>> {
    let integration = group.text("providerConfigKey", Text::any().pattern(&INTEGRATION_ID).max(255));
    let scripts = list_of_objects(group, "scripts", true, |script| {
        let name = script.text("name", Text::any().min(1).max(255));
        let file = read_file(script);
        let event = fixed.or_else(|| {
            let event = script
                .raw("event")
                .and_then(Value::as_str)
                .and_then(ConnectionEvent::parse);
            if event.is_none() {
                complain_options(script, "event", &ConnectionEvent::NAMES);
            }
            event
        });
        script.strict();
        let (js, ts) = file?;
        Some(OnEventInput {
            name: name?,
            integration: String::new(),
            event: event?,
            js,
            ts,
        })
    });
    group.strict();
    let (integration, mut scripts) = (integration?, scripts?);
    for script in &mut scripts {
        script.integration.clone_from(&integration);
    }
    Some(scripts)
}

fn read_flow(flow: &mut Fields<'_>) -> Option<FlowInput> {
    let kind = match flow.raw("type").and_then(Value::as_str) {
        Some("action") => Some(FunctionKind::Action),
        Some("sync") => Some(FunctionKind::Sync),
        _ => {
            complain_options(flow, "type", &["action", "sync"]);
            None
        }
    };
    let models = texts(flow, "models", true).unwrap_or_default();
    let runs = read_runs(flow);
    let auto_start = flow.opt_boolean("auto_start").unwrap_or(false);
    let attributes = flow.opt_object("attributes").map(|map| Value::Object(map.clone()));
    let metadata = flow.opt_inner("metadata", |metadata| {
        let scopes = texts(metadata, "scopes", false);
        let description = metadata.opt_text("description", Text::any().max(2000));
        metadata.strict();
        (scopes.unwrap_or_default(), description)
    });
    // Legacy description of models, kept by nobody.
    flow.raw("model_schema");
    let input = flow.opt_text("input", Text::any().max(255));
    let endpoints = read_endpoints(flow);
    let name = flow.text("syncName", Text::any().pattern(&NAME).max(255));
    let integration = flow.text("providerConfigKey", Text::any().pattern(&INTEGRATION_ID).max(255));
    let file = read_file(flow);
    let version = flow.opt_text("version", Text::any().max(255)).unwrap_or_default();
    let track_deletes = flow.opt_boolean("track_deletes").unwrap_or(false);
    let sync_type = read_sync_type(flow);
    let webhook_subscriptions = texts(flow, "webhookSubscriptions", false).unwrap_or_default();
    let definitions = flow.opt_inner("models_json_schema", |schema| {
        let definitions = schema.object("definitions", |_| ());
        definitions
            .is_some()
            .then(|| schema.opt_object("definitions").cloned())
            .flatten()
    });
    let features = read_features(flow);
    flow.strict();
    if !flow.has_issues() {
        let known = definitions.as_ref().and_then(Option::as_ref);
        let complete = |known: &Map<String, Value>| models.iter().chain(&input).all(|name| known.contains_key(name));
        if known.is_some_and(|known| !complete(known)) {
            let message = "models_json_schema is missing definitions for some models or input";
            flow.complain("custom", message, "models_json_schema");
        }
        if track_deletes && sync_type.as_deref() == Some("incremental") {
            flow.complain(
                "custom",
                "Track deletes is not supported for incremental syncs",
                "track_deletes",
            );
        }
    }
    let (scopes, description) = metadata.unwrap_or_default();
    let (js, ts) = file?;
    let definition = Definition {
        models,
        input,
        json_schema: definitions
            .flatten()
            .map(|definitions| serde_json::json!({ "definitions": definitions })),
        runs,
        auto_start,
        track_deletes,
        sync_type,
        webhook_subscriptions,
        features,
        description,
        scopes,
        attributes,
        endpoints,
        sdk_version: None,
        function: None,
    };
    Some(FlowInput {
        kind: kind?,
        name: name?,
        integration: integration?,
        version,
        js,
        ts,
        definition,
    })
}

/// A list of texts.
pub(in crate::functions) fn texts(fields: &mut Fields<'_>, key: &'static str, required: bool) -> Option<Vec<String>> {
    let value = fields.raw(key);
    if value.is_none() && !required {
        return None;
    }
    let Some(Value::Array(items)) = value else {
        fields.complain("invalid_type", wrong_type("array", value), key);
        return None;
    };
    let mut all = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item {
            Value::String(text) if text.encode_utf16().count() <= 255 => all.push(text.clone()),
            Value::String(_) => fields.complain_at(
                "too_big",
                "Too big: expected string to have <=255 characters",
                &[key, &index.to_string()],
            ),
            other => {
                fields.complain_at(
                    "invalid_type",
                    wrong_type("string", Some(other)),
                    &[key, &index.to_string()],
                );
            }
        }
    }
    Some(all)
}

fn read_runs(flow: &mut Fields<'_>) -> Option<String> {
    match flow.raw("runs") {
        Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) if is_frequency(text) => Some(text.clone()),
        _ => {
            flow.complain("invalid_union", "Invalid input", "runs");
            None
        }
    }
}

fn read_sync_type(flow: &mut Fields<'_>) -> Option<String> {
    match flow.raw("sync_type")?.as_str() {
        Some(name @ ("incremental" | "full")) => Some(name.to_owned()),
        _ => {
            complain_options(flow, "sync_type", &["incremental", "full"]);
            None
        }
    }
}

fn read_features(flow: &mut Fields<'_>) -> Vec<String> {
    let given = match flow.raw("features") {
        None => return Vec::new(),
        Some(Value::Array(items)) => items,
        Some(other) => {
            flow.complain("invalid_type", wrong_type("array", Some(other)), "features");
            return Vec::new();
        }
    };
    for (index, feature) in given.iter().enumerate() {
        if feature != "checkpoints" {
            let message = "Invalid input: expected \"checkpoints\"";
            flow.complain_at("invalid_value", message, &["features", &index.to_string()]);
        }
    }
    given.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn read_endpoints(flow: &mut Fields<'_>) -> Vec<Endpoint> {
    let Some(value) = flow.raw("endpoints") else {
        return Vec::new();
    };
    let Value::Array(items) = value else {
        flow.complain("invalid_type", wrong_type("array", Some(value)), "endpoints");
        return Vec::new();
    };
    let mut endpoints = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        match item.as_object().and_then(read_endpoint) {
            Some(endpoint) => endpoints.push(endpoint),
            None => flow.complain_at("invalid_union", "Invalid input", &["endpoints", &index.to_string()]),
        }
    }
    endpoints
}

/// `{method, path, group?}`, or the older `{GET: path}`.
fn read_endpoint(item: &Map<String, Value>) -> Option<Endpoint> {
    let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
    if let Some(method) = text("method") {
        let known = item
            .keys()
            .all(|key| matches!(key.as_str(), "method" | "path" | "group"));
        let group = match item.get("group") {
            None | Some(Value::Null) => None,
            Some(value) => Some(value.as_str()?.to_owned()),
        };
        return (known && VERBS.contains(&method.as_str()))
            .then_some(())
            .and_then(|()| text("path"))
            .map(|path| Endpoint { method, path, group });
    }
    match (item.len(), item.iter().next()) {
        (1, Some((method, Value::String(path)))) if VERBS.contains(&method.as_str()) => Some(Endpoint {
            method: method.clone(),
            path: path.clone(),
            group: None,
        }),
        _ => None,
    }
}
