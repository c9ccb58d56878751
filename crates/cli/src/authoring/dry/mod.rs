//! Runs one function on this machine, against a real connection, and stores nothing.
//!
//! The function runs in the production sandbox. Its requests go through the server's proxy, which adds the
//! credentials; records, checkpoints and metadata stay here and are shown.

mod collected;
mod host;
mod nested;
mod platform;
mod proxy;
mod render;
mod save;
mod target;
mod validate;
mod values;

use std::{sync::Arc, time::Instant};

use anyhow::Result;
pub use collected::{Collected, check_checkpoint};
pub use nested::Nested;
pub use render::{as_json, diagnostics, problem_sentence, render};
pub use save::{Saved, save};
use serde_json::{Value, json};
pub use target::{Target, Wanted, find, find_connection};
use tenon_compiler::{Compiled, Kind};
use tenon_runtime::{Code, Invocation, Limits, Outcome, RunContext, Taping};
use tenon_runtime::{
    cassette::{Cassette, Recorder},
    protocol::Host,
};
pub use validate::{input_violations, violations};
pub use values::{instant, json_argument};

/// Bytes of a saved run before it is cut off.
const RECORDING_BYTES_MAX: usize = 64 << 20;

/// What the author asked for.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Input of an action.
    pub input: Option<Value>,
    /// Replaces the connection's metadata.
    pub metadata: Option<Value>,
    /// Checkpoint to begin with.
    pub checkpoint: Option<Value>,
    /// Variant of a sync.
    pub variant: Option<String>,
    /// Value of `nango.lastSyncDate`, ISO.
    pub last_sync_date: Option<String>,
    /// Name of the environment, for display.
    pub environment: String,
    /// Print log lines while the function runs.
    pub live: bool,
    /// Record answers, so that the run can be saved as a fixture.
    pub save: bool,
}

/// A finished dry run.
pub struct Finished {
    /// How the function ended.
    pub outcome: Outcome,
    /// What it did.
    pub collected: Collected,
    /// Milliseconds from the call to the end.
    pub duration_ms: u128,
    /// The run as it can be replayed, when it is to be saved.
    pub recording: Option<Cassette>,
}

/// Runs `target` to its end; when `nested.cancel` is cancelled, it stops.
pub async fn run(nested: Nested, target: &Target<'_>, options: &Options) -> Result<Finished> {
    let function = target.function;
    let (kind, label) = match function.definition.kind() {
        Kind::Sync => (tenon_runtime::Kind::Sync, "sync"),
        Kind::Action => (tenon_runtime::Kind::Action, "action"),
        Kind::OnEvent => (tenon_runtime::Kind::OnEvent, "on-event"),
        // The trigger says what it resembles; in a dry run that is only visible in `nango.scriptType`.
        Kind::Function => match trigger_kind(function) {
            "schedule" => (tenon_runtime::Kind::Sync, "sync"),
            "http" => (tenon_runtime::Kind::Webhook, "webhook"),
            "event" => (tenon_runtime::Kind::OnEvent, "on-event"),
            _ => (tenon_runtime::Kind::Action, "action"),
        },
    };
    let (runtime, cancel) = (nested.runtime.clone(), nested.cancel.clone());
    let host = Arc::new(host::DryHost::new(nested, target, options, label));
    let recorder = options.save.then(|| Arc::new(Recorder::new(RECORDING_BYTES_MAX)));
    let invocation = Invocation {
        tenant: "dryrun".to_owned(),
        isolate_key: None,
        code: Arc::new(Code {
            hash: function.hash.clone(),
            js: function.js.clone(),
            filename: function.trace_name(),
        }),
        kind,
        input_json: input_of(function, options).map(|input| input.to_string()),
        context_json: context(function, target, options, label).to_json(),
        limits: Limits::for_kind(kind),
        cancel,
        taping: match &recorder {
            Some(recorder) => Taping::Record(Arc::clone(recorder) as _),
            None => Taping::Off,
        },
    };
    let ran = invocation.clone();
    let start = Instant::now();
    let outcome = runtime.run(invocation, Arc::clone(&host) as Arc<dyn Host>).await;
    let recording = recorder.map(|recorder| save::cassette(&ran, &outcome, &recorder, target, options));
    Ok(Finished {
        recording,
        outcome,
        collected: host.into_collected(),
        duration_ms: start.elapsed().as_millis(),
    })
}

fn context(function: &Compiled, target: &Target<'_>, options: &Options, label: &str) -> RunContext {
    let is_sync = matches!(label, "sync" | "webhook");
    let models: Vec<&String> = match &function.definition.detail {
        tenon_compiler::Detail::Sync(sync) => sync.outputs.iter().collect(),
        tenon_compiler::Detail::Function(_) => function.definition.common.models.keys().collect(),
        _ => Vec::new(),
    };
    RunContext {
        connection_id: target.connection_id.clone(),
        provider_config_key: function.integration().to_owned(),
        provider: target.provider.clone(),
        environment_id: 0,
        environment_name: options.environment.clone(),
        nango_connection_id: target.connection["id"].as_i64().unwrap_or(0),
        activity_log_id: "dry-run".to_owned(),
        function_name: function.name().to_owned(),
        sync_config: json!({
            "sync_name": function.name(),
            "type": label,
            "version": function.definition.common.version,
            "models": models,
            "active": true,
        }),
        sync_id: is_sync.then(|| "dry-run".to_owned()),
        sync_job_id: is_sync.then_some(-1),
        variant: is_sync.then(|| options.variant.clone().unwrap_or_else(|| "base".to_owned())),
        last_sync_date: options.last_sync_date.clone(),
        track_deletes: is_sync.then_some(false),
        is_cli: true,
        logger_level: "debug".to_owned(),
        trigger: trigger_context(function, target),
        provider_unknown: target.provider_paginate.is_none() && target.provider_missing,
        provider_paginate: target.provider_paginate.clone(),
        ..RunContext::default()
    }
}

/// The declaration of a function made by `createFunction`, as evaluated.
fn declaration(function: &Compiled) -> Option<&Value> {
    match &function.definition.detail {
        tenon_compiler::Detail::Function(whole) => Some(whole),
        _ => None,
    }
}

fn trigger_kind(function: &Compiled) -> &str {
    declaration(function)
        .and_then(|whole| whole.pointer("/trigger/kind"))
        .and_then(Value::as_str)
        .unwrap_or("none")
}

/// What such a function is told about its start.
fn trigger_context(function: &Compiled, target: &Target<'_>) -> Option<Value> {
    declaration(function)?;
    let member = tenon_compiler::definition::bundle_function(&function.definition, "", "")?;
    Some(json!({
        "kind": trigger_kind(function),
        "capabilities": member["capabilities"],
        "connection": {
            "connectionId": target.connection_id,
            "integrationId": function.integration(),
            "provider": target.provider,
        },
        "event": member.pointer("/trigger/events/0"),
    }))
}

/// The input; for a function that messages start, the message with the input as its body.
fn input_of(function: &Compiled, options: &Options) -> Option<Value> {
    if trigger_kind(function) == "http" {
        let body = options.input.clone().unwrap_or(Value::Null);
        return Some(json!({ "request": { "event": null, "headers": {}, "body": body } }));
    }
    options.input.clone()
}
