//! Runs one fixture.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tenon_catalog::{Catalog, provider::Provider};
use tenon_compiler::{Bundler, Diagnostic, Entry, Folder};
use tenon_runtime::{Code, Invocation, Kind, Limits, Outcome, Replay, RunContext, RunError, Runtime, Unnamed};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    Status, Verdict,
    compare::{Difference, compare, shown},
    discover::{Case, Source},
    host::{ReplayHost, Seen},
    older::Older,
    recording::{Batches, Recording, Unified},
    staging::Staging,
    unknowns::Unknowns,
};

/// A function that loops for ever against recorded answers is stopped here.
const HOST_CALLS_MAX: u64 = 20_000;
const CPU_MAX: Duration = Duration::from_secs(20);
const WALL_MAX: Duration = Duration::from_secs(60);
/// There is no caller whose patience or memory bounds the output.
const OUTPUT_BYTES_MAX: usize = 64 << 20;

/// What the runs share.
pub struct Runner<'r> {
    handle: Handle,
    runtime: &'r Runtime,
    catalog: &'r Catalog,
    /// One per folder that holds integrations.
    bundlers: HashMap<&'r Path, Bundler<'r>>,
    paginate: Mutex<HashMap<String, Option<Value>>>,
}

/// A bundle that can be run.
struct Program {
    code: Arc<Code>,
    kind: Kind,
}

impl<'r> Runner<'r> {
    /// A runner for `cases`. Call [`Runner::run`] outside of asynchronous code.
    pub fn new(handle: Handle, runtime: &'r Runtime, catalog: &'r Catalog, cases: &'r [Case]) -> Self {
        let bundlers = cases
            .iter()
            .map(|case| (case.root.as_path(), Bundler::new(&case.root)))
            .collect();
        Self {
            handle,
            runtime,
            catalog,
            bundlers,
            paginate: Mutex::default(),
        }
    }

    /// Compiles the function and holds what it does against the fixture.
    pub fn run(&self, case: &Case) -> Verdict {
        let Some(entry) = &case.function else {
            return Verdict::skipped("no function has a name that fits this fixture");
        };
        let program = match self.compile(case, entry) {
            Ok(program) => program,
            Err(verdict) => return verdict,
        };
        let recording = match read(&case.source) {
            Ok(recording) => Arc::new(recording),
            Err(reason) => return Verdict::failed(reason),
        };
        let staging = case
            .test_file
            .as_deref()
            .map(|test| Staging::read(test, recording.whole()));
        let staging = Arc::new(staging.unwrap_or_default());
        let (outcome, seen) = self.perform(entry, &program, &recording, &staging, None);
        let verdict = judge(program.kind, &recording, &staging, &outcome, &seen);
        let lacks_connection = seen.lacking.iter().any(|name| name == "getConnection");
        if verdict.status != Status::Failed || !lacks_connection {
            return verdict;
        }
        // Once more with a connection whose values are found in the recorded requests.
        let unnamed = Unnamed {
            credential_type: self.auth_mode(&entry.integration),
        };
        let (outcome, seen) = self.perform(entry, &program, &recording, &staging, Some(unnamed));
        let second = judge(program.kind, &recording, &staging, &outcome, &seen);
        if second.status == Status::Passed {
            second
        } else {
            verdict
        }
    }

    /// How connections of the provider are authenticated, as the SDK names it.
    fn auth_mode(&self, integration: &str) -> String {
        let wire = self.catalog.get(integration).map(Provider::to_wire);
        let mode = wire.as_ref().and_then(|wire| wire["auth_mode"].as_str());
        mode.unwrap_or("OAUTH2").to_owned()
    }

    fn compile(&self, case: &Case, entry: &Entry) -> Result<Program, Verdict> {
        let bundler = self.bundlers.get(case.root.as_path());
        let bundled = bundler.map(|bundler| bundler.bundle(&entry.path));
        let bundle = match bundled {
            Some(Ok(bundle)) => bundle,
            Some(Err(diagnostics)) => return Err(Verdict::failed(compile_error(&diagnostics))),
            None => return Err(Verdict::failed("the function's folder is gone")),
        };
        let kind = kind_of(entry, &bundle.ts)?;
        let js = match bundle.js.rfind("//# sourceMappingURL=") {
            Some(at) => bundle.js[..at].to_owned(),
            None => bundle.js,
        };
        Ok(Program {
            code: Arc::new(Code {
                hash: tenon_compiler::hash(&js),
                js,
                filename: format!("{}-{}.cjs", entry.name, entry.integration),
            }),
            kind,
        })
    }

    fn perform(
        &self,
        entry: &Entry,
        program: &Program,
        recording: &Arc<Recording>,
        staging: &Arc<Staging>,
        unnamed: Option<Unnamed>,
    ) -> (Outcome, Seen) {
        let looks_inside = program.code.js.contains("fixtureProvider");
        let context = RunContext {
            connection_id: "test-connection".to_owned(),
            provider_config_key: entry.integration.clone(),
            provider: entry.integration.clone(),
            environment_name: "test".to_owned(),
            function_name: entry.name.clone(),
            is_cli: true,
            logger_level: "off".to_owned(),
            provider_paginate: self.provider_paginate(&entry.integration),
            replay: Some(Replay {
                older_pages: matches!(**recording, Recording::Older(_)),
                now: staging.now,
                begin: recording.began_at(),
                unnamed,
                fixture: looks_inside.then(|| recording.whole().clone()),
            }),
            ..RunContext::default()
        };
        let limits = Limits {
            cpu: CPU_MAX,
            wall: WALL_MAX,
            output_bytes: OUTPUT_BYTES_MAX,
            host_calls_max: HOST_CALLS_MAX,
            ..Limits::for_kind(program.kind)
        };
        let host = Arc::new(ReplayHost::new(Arc::clone(recording), Arc::clone(staging)));
        let invocation = Invocation {
            tenant: "tests".to_owned(),
            isolate_key: None,
            code: Arc::clone(&program.code),
            kind: program.kind,
            input_json: recording.input().map(|input| input.to_string()),
            context_json: context.to_json(),
            limits,
            cancel: CancellationToken::new(),
        };
        let run = self.runtime.run(invocation, Arc::clone(&host) as _);
        let outcome = self.handle.block_on(run);
        (outcome, host.into_seen())
    }

    /// How the catalogue says that the provider is paged. The integration has the provider's name in a bare folder;
    /// elsewhere it often begins with it: `hubspot-eu`.
    fn provider_paginate(&self, integration: &str) -> Option<Value> {
        let mut known = self.paginate.lock().unwrap_or_else(PoisonError::into_inner);
        let load = || {
            let mut name = integration;
            let provider = loop {
                match self.catalog.get(name) {
                    Some(provider) => break provider,
                    None => name = name.rsplit_once('-')?.0,
                }
            };
            provider.to_wire().pointer("/proxy/paginate").cloned()
        };
        known.entry(integration.to_owned()).or_insert_with(load).clone()
    }
}

fn read(source: &Source) -> Result<Recording, String> {
    match source {
        Source::File(path) => Unified::read(path).map(Recording::Unified),
        Source::Mocks(mocks, function) => Older::find(mocks, function)
            .map(Recording::Older)
            .ok_or_else(|| "the recording is gone".to_owned()),
    }
}

fn compile_error(diagnostics: &[Diagnostic]) -> String {
    let error = diagnostics.iter().find(|diagnostic| diagnostic.is_error());
    error.map_or_else(
        || "the function does not compile".to_owned(),
        |error| {
            let place = error
                .location
                .as_ref()
                .map_or_else(String::new, |place| format!(" ({}:{})", place.file, place.line));
            format!("the function does not compile: {}{place}", error.message)
        },
    )
}

/// What the file defines. The folder says it as a rule, the helper that is called says it for certain.
fn kind_of(entry: &Entry, ts: &str) -> Result<Kind, Verdict> {
    let called = |helper: &str| {
        ts.match_indices(helper)
            .filter_map(|(at, _)| ts.get(at + helper.len()..))
            .any(|rest| rest.trim_start().starts_with(['(', '<']))
    };
    let kinds = [
        ("createSync", Kind::Sync),
        ("createAction", Kind::Action),
        ("createOnEvent", Kind::OnEvent),
    ];
    if let Some((_, kind)) = kinds.into_iter().find(|(helper, _)| called(helper)) {
        return Ok(kind);
    }
    match entry.folder {
        Some(Folder::Syncs) => Ok(Kind::Sync),
        Some(Folder::Actions) => Ok(Kind::Action),
        Some(Folder::OnEvents) => Ok(Kind::OnEvent),
        Some(Folder::Functions) | None => Err(Verdict::skipped("functions made by createFunction are not run yet")),
    }
}

/// Whether what happened is what was recorded.
fn judge(kind: Kind, recording: &Recording, staging: &Staging, outcome: &Outcome, seen: &Seen) -> Verdict {
    let result = match &outcome.result {
        Ok(_) if staging.fails => {
            return Verdict::failed("the function succeeded although its test expects it to fail");
        }
        Ok(text) => text,
        Err(_) if staging.fails => return Verdict::passed(),
        Err(error) => return Verdict::failed(run_error(error, seen)),
    };
    let difference = match kind {
        Kind::Action => {
            let actual: Value = serde_json::from_str(&seen.unknowns.filled(result)).unwrap_or(Value::Null);
            match recording.output() {
                Some(expected) => compare("output", &expected, &actual),
                None if actual.is_null() => None,
                None => {
                    return Verdict::failed(format!(
                        "the fixture has no output; the function gave {}",
                        shown(&actual)
                    ));
                }
            }
        }
        Kind::Sync => batches_difference(recording, seen),
        Kind::OnEvent | Kind::Webhook => None,
    };
    match difference {
        None => Verdict::passed(),
        Some(difference) => {
            let hint = seen.unanswered.first();
            let hint = hint.map_or_else(String::new, |reason| format!(" ({reason})"));
            Verdict {
                status: Status::Failed,
                reason: Some(format!("{}{hint}", difference.summary)),
                lines: difference.lines,
            }
        }
    }
}

/// Saved records must be those recorded, per model and in order; deleted ones only where some were recorded.
fn batches_difference(recording: &Recording, seen: &Seen) -> Option<Difference> {
    let saved = recording.batches("batchSave");
    let deleted = recording.batches("batchDelete");
    let deleted = deleted.into_iter().filter(|(_, records)| !records.is_empty());
    saved
        .iter()
        .find_map(|(model, expected)| models_difference("batchSave", model, expected, &seen.saved, &seen.unknowns))
        .or_else(|| {
            deleted.into_iter().find_map(|(model, expected)| {
                models_difference("batchDelete", &model, &expected, &seen.deleted, &seen.unknowns)
            })
        })
}

fn models_difference(
    call: &str,
    model: &str,
    expected: &[Value],
    batches: &Batches,
    unknowns: &Unknowns,
) -> Option<Difference> {
    let actual = batches.iter().find(|(known, _)| known == model);
    let actual = Value::from(actual.map_or(&[][..], |(_, records)| records.as_slice()));
    let actual = unknowns.apply(actual);
    compare(&format!("{call}({model})"), &Value::from(expected), &actual)
}

fn run_error(error: &RunError, seen: &Seen) -> String {
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or(Value::Null);
    let said = payload
        .get("message")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    let message = match (error.type_.as_str(), said) {
        ("action_script_runtime_error", _) => format!("ActionError {}", shown(&payload)),
        (_, Some(said)) => said.to_owned(),
        (kind, None) if error.message.is_empty() => kind.to_owned(),
        (_, None) => error.message.clone(),
    };
    let first = seen.unanswered.iter().find(|reason| !message.contains(reason.as_str()));
    let hint = first.map_or_else(String::new, |reason| format!(" ({reason})"));
    format!("the function failed: {message}{hint}")
}
