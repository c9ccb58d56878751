//! What the caller hands to the runtime.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::tape::Taping;

/// One run to perform.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Whose code this is (the environment). A worker process never serves two tenants at a time.
    pub tenant: String,
    /// Names the warm isolate that may be used again: connection and deployed version. None = always fresh.
    pub isolate_key: Option<String>,
    /// The bundle.
    pub code: Arc<Code>,
    /// What to call in it.
    pub kind: Kind,
    /// Action input or webhook payload as JSON text.
    pub input_json: Option<String>,
    /// Readable properties of `nango` and settings of the prelude; [`RunContext::to_json`] writes it.
    pub context_json: String,
    /// Limits of this run.
    pub limits: Limits,
    /// Ends the run early with `script_aborted`.
    pub cancel: CancellationToken,
    /// Whether the run leaves a tape or follows one.
    pub taping: Taping,
}

/// A compiled function: CommonJS text as the compiler or the official CLI produced it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Content hash (any collision-free text, e.g. SHA-256 in hex): key of the bytecode caches.
    pub hash: String,
    /// CommonJS source.
    pub js: String,
    /// `<function>-<integration>.cjs`; stack traces keep only lines that mention it, and name the author's file instead
    /// where the bundle has an inline source map.
    pub filename: String,
}

/// What is called in the bundle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `exec(nango)` of a sync; result always `true`.
    Sync,
    /// `exec(nango, input)` of an action; the result is the output.
    Action,
    /// `exec(nango)` of an on-event function; result ignored.
    OnEvent,
    /// `onWebhook(nango, payload)` of a sync; result ignored.
    Webhook,
}

/// Bounds of one run. Every field has a reason in its description; exceeding one ends the run with a
/// [`Limit`](crate::Limit) error and never harms other runs.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// CPU time of customer code, all slices together. Waiting for the host does not count.
    pub cpu: Duration,
    /// From the start to the end, waiting included.
    pub wall: Duration,
    /// JavaScript heap, prelude and Zod included (about 1.5 MB).
    pub memory_bytes: usize,
    /// Native stack for JavaScript frames.
    pub stack_bytes: usize,
    /// Result text.
    pub output_bytes: usize,
    /// Host calls not yet answered; one more fails with a plain error.
    pub host_calls_in_flight_max: u32,
    /// Host calls in all, logs not counted.
    pub host_calls_max: u64,
    /// Bytes of all sections of one host call or reply.
    pub parcel_bytes: usize,
    /// Log lines; further ones are dropped and counted.
    pub log_lines_max: u32,
    /// Bytes of all log lines.
    pub log_bytes_max: usize,
    /// Timers pending.
    pub timers_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            cpu: Duration::from_secs(30),
            wall: Duration::from_secs(15 * 60),
            memory_bytes: 256 << 20,
            stack_bytes: 3 << 20,
            output_bytes: 2 << 20,
            host_calls_in_flight_max: 256,
            host_calls_max: 1_000_000,
            parcel_bytes: 100 << 20,
            log_lines_max: 10_000,
            log_bytes_max: 16 << 20,
            timers_max: 10_000,
        }
    }
}

impl Limits {
    /// Defaults of a kind: syncs may run a day, webhooks an hour, on-event functions five minutes.
    pub fn for_kind(kind: Kind) -> Self {
        let (cpu_secs, wall_secs) = match kind {
            Kind::Sync => (60 * 60, 24 * 60 * 60),
            Kind::Action => (60, 15 * 60),
            Kind::Webhook => (5 * 60, 60 * 60),
            Kind::OnEvent => (30, 5 * 60),
        };
        Self {
            cpu: Duration::from_secs(cpu_secs),
            wall: Duration::from_secs(wall_secs),
            ..Self::default()
        }
    }
}

/// Readable properties of the `nango` object (functions.md §3.1) and the prelude's settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RunContext {
    /// Connection's external id.
    pub connection_id: String,
    /// Integration's unique key.
    pub provider_config_key: String,
    /// Provider name.
    pub provider: String,
    /// Environment row id.
    pub environment_id: i64,
    /// Environment name.
    pub environment_name: String,
    /// Account row id.
    pub account_id: i64,
    /// Connection row id.
    pub nango_connection_id: i64,
    /// Log operation id.
    pub activity_log_id: String,
    /// Function name (`syncConfig.sync_name`), for messages.
    pub function_name: String,
    /// Stored function row as the SDK shows it.
    pub sync_config: serde_json::Value,
    /// Sync id, syncs and webhooks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_id: Option<String>,
    /// Job id, syncs and webhooks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_job_id: Option<i64>,
    /// `base` or the variant, syncs and webhooks only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// Start of the last successful run, ISO text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_date: Option<String>,
    /// Deprecated deletion tracking, syncs only.
    #[serde(rename = "track_deletes", skip_serializing_if = "Option::is_none")]
    pub track_deletes: Option<bool>,
    /// Set when the run was triggered with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub empty_cache: Option<bool>,
    /// True in a dry run: `console` then prints as log lines.
    #[serde(rename = "isCLI")]
    pub is_cli: bool,
    /// `debug`, `info`, `warn`, `error` or `off`; empty means `warn`.
    pub logger_level: String,
    /// True when the stored `sdk_version` lacks `-zero`: such deployments must export a plain function.
    pub legacy_sdk: bool,
    /// True when the provider is not in the catalogue: `paginate` then fails.
    pub provider_unknown: bool,
    /// `proxy.paginate` of the provider, functions.md §3.4 names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_paginate: Option<serde_json::Value>,
    /// Only for functions made by `createFunction`: `{kind, capabilities, connection, event?}`. They are called with the
    /// nango object narrowed to the capabilities, and with what started them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<serde_json::Value>,
    /// The host answers from a recording, see [`Replay`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replay>,
}

/// A run against recorded answers (functions.md §6). The host replies `Json` to HTTP calls: `{data, status, headers}`,
/// which the function gets as it is, whatever the status, unless [`Replay::refusals_throw`] is set. Input is not
/// validated, and pauses take no time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Replay {
    /// Page as the older recordings were made, which have one file per request.
    pub older_pages: bool,
    /// Milliseconds since 1970 at which the clock stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub now: Option<i64>,
    /// Milliseconds since 1970 from which the clock runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub begin: Option<i64>,
    /// The recording has no connection: whatever is read of it is a name (`unknown--realmId--`) and not a value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unnamed: Option<Unnamed>,
    /// The recording itself, for functions that look into it (`nango.fixtureProvider` of the public test kit).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixture: Option<serde_json::Value>,
    /// Strictly as the public test kit runs functions, with these members of `nango` besides the kit's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kit: Option<Vec<String>>,
    /// Answers outside of 200 to 299 are thrown, as in production; otherwise they are returned like any other, as the
    /// public test kit does.
    pub refusals_throw: bool,
}

/// What is known of a connection that was not recorded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Unnamed {
    /// `credentials.type`.
    pub credential_type: String,
}

impl RunContext {
    /// The text for [`Invocation::context_json`].
    pub fn to_json(&self) -> String {
        // A struct of plain fields and JSON values always serialises.
        serde_json::to_string(self).unwrap_or_else(|_| "{}".to_owned())
    }
}
