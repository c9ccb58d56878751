//! Runs one fixture.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde_json::Value;
use tenon_catalog::{Catalog, provider::Provider};
use tenon_compiler::{Bundler, Diagnostic, Entry};
use tenon_runtime::{Code, Invocation, Kind, Limits, Outcome, Replay, RunContext, Runtime, Unnamed};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::{
    Status, Verdict,
    declared::{Declared, kind_of},
    discover::Case,
    host::{ReplayHost, Seen},
    judge::{Wanted, judge},
    recording::Recording,
    staging::Staging,
    torture::{self, Disturbance, Torture},
    world::World,
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
    /// What a function made by `createFunction` declares.
    declared: Option<Declared>,
}

/// A judgement on a fixture, or on what a kind of disturbance makes of it.
pub struct Judged {
    /// The disturbance and the number of places.
    pub torture: Option<(&'static str, usize)>,
    /// The judgement.
    pub verdict: Verdict,
}

/// What one function is tested with.
struct Bench<'b> {
    entry: &'b Entry,
    program: &'b Program,
    recording: &'b Arc<Recording>,
    staging: &'b Arc<Staging>,
    /// When the run begins for the function; none for now.
    begin: Option<i64>,
    /// Strictly as in the public test kit.
    strict: bool,
}

impl Bench<'_> {
    /// The checkpoint to start from.
    fn checkpoint(&self) -> Option<String> {
        let staged = self.staging.checkpoint.clone();
        let checkpoint = staged.or_else(|| self.recording.canned("getCheckpoint").filter(Value::is_object));
        checkpoint.map(|checkpoint| checkpoint.to_string())
    }

    fn world(&self) -> World {
        World::with(self.recording.records(), self.checkpoint())
    }

    fn judge(&self, outcome: &Outcome, seen: &Seen) -> Verdict {
        let wanted = Wanted {
            kind: self.program.kind,
            batches: self.program.kind == Kind::Sync || self.program.declared.is_some(),
        };
        judge(wanted, self.recording, self.staging, outcome, seen)
    }
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

    /// Compiles the function and holds what it does against the fixture; then disturbs it, if that is wanted.
    pub fn run(&self, case: &Case, torture: bool) -> Vec<Judged> {
        let only = |verdict| vec![Judged { torture: None, verdict }];
        let Some(entry) = &case.function else {
            return only(Verdict::skipped("no function has a name that fits this fixture"));
        };
        let program = match self.compile(case, entry) {
            Ok(program) => program,
            Err(verdict) => return only(verdict),
        };
        let recording = match Recording::read(&case.source) {
            Ok(recording) => Arc::new(recording),
            Err(reason) => return only(Verdict::failed(reason)),
        };
        let staging = case
            .test_file
            .as_deref()
            .map(|test| Staging::read(test, recording.whole()));
        let staging = Arc::new(staging.unwrap_or_default());
        let bench = Bench {
            entry,
            program: &program,
            recording: &recording,
            staging: &staging,
            begin: recording.began_at(),
            strict: false,
        };
        let verdict = self.replay(&bench);
        let tortured =
            torture && verdict.status == Status::Passed && !staging.fails && recording.expected_error().is_none();
        let mut judged = only(verdict);
        if tortured {
            let verdicts = self.torture(&bench);
            judged.extend(verdicts.into_iter().map(|(kind, verdict, places)| Judged {
                torture: Some((kind.name(), places)),
                verdict,
            }));
        }
        judged
    }

    /// The fixture, undisturbed, in the way in which it passes: as in production at the time of the recording or now, or
    /// strictly as in the public test kit, whose quirks some fixtures rely on.
    fn replay(&self, bench: &Bench<'_>) -> Verdict {
        let verdict = self.replay_at(bench);
        if verdict.status != Status::Failed {
            return verdict;
        }
        let tells_time = bench.begin.is_some() && bench.program.code.js.contains("Date");
        let now = tells_time.then_some(Bench { begin: None, ..*bench });
        let strict = bench.recording.expected_error().is_none().then_some(Bench {
            begin: None,
            strict: true,
            ..*bench
        });
        let others = [now, strict].into_iter().flatten();
        let passed = others
            .map(|bench| self.replay_at(&bench))
            .find(|verdict| verdict.status == Status::Passed);
        passed.unwrap_or(verdict)
    }

    fn replay_at(&self, bench: &Bench<'_>) -> Verdict {
        if bench.recording.has_refusals() && !bench.strict {
            // Production throws refusals. Fixtures of the public kit may rely on its not doing so.
            let (outcome, seen) = self.perform(bench, None, bench.world(), Disturbance::None);
            let verdict = bench.judge(&outcome, &seen);
            let own = bench.recording.expected_error().is_some() || bench.recording.canned("getCheckpoint").is_some();
            if verdict.status == Status::Passed || own {
                return verdict;
            }
        }
        let (outcome, seen) = self.perform(bench, None, bench.world(), Disturbance::Kit);
        let verdict = bench.judge(&outcome, &seen);
        let lacks_connection = seen.lacking.iter().any(|name| name == "getConnection");
        if verdict.status != Status::Failed || !lacks_connection || bench.strict {
            return verdict;
        }
        // Once more with a connection whose values are found in the recorded requests.
        let unnamed = Unnamed {
            credential_type: self.auth_mode(&bench.entry.integration),
        };
        let (outcome, seen) = self.perform(bench, Some(unnamed), bench.world(), Disturbance::Kit);
        let second = bench.judge(&outcome, &seen);
        if second.status == Status::Passed {
            second
        } else {
            verdict
        }
    }

    fn torture(&self, bench: &Bench<'_>) -> Vec<(Torture, Verdict, usize)> {
        torture::torture(&torture::Inputs {
            kind: bench.program.kind,
            recording: bench.recording,
            checkpoint: bench.checkpoint(),
            run: |world, disturbance| self.perform(bench, None, world, disturbance),
        })
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
        let js = bundle.js;
        let code = Arc::new(Code {
            hash: tenon_compiler::hash(&js),
            js,
            filename: format!("{}-{}.cjs", entry.name, entry.integration),
        });
        let declared = match kind_of(entry, &bundle.ts) {
            Some(kind) => {
                return Ok(Program {
                    code,
                    kind,
                    declared: None,
                });
            }
            None => self.declared(entry, &code)?,
        };
        Ok(Program {
            code,
            kind: declared.kind(),
            declared: Some(declared),
        })
    }

    /// What a function made by `createFunction` declares, which only running its file tells.
    fn declared(&self, entry: &Entry, code: &Arc<Code>) -> Result<Declared, Verdict> {
        let answer = self
            .runtime
            .evaluate_definition("tests", Arc::clone(code), &entry.integration, &entry.name);
        let failed = |reason: String| Verdict::failed(format!("the function cannot be loaded: {reason}"));
        let text = self
            .handle
            .block_on(answer)
            .map_err(|error| failed(tenon_compiler::thrown(error).message))?;
        let whole: Value = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        Ok(Declared::read(&whole))
    }

    fn perform(
        &self,
        bench: &Bench<'_>,
        unnamed: Option<Unnamed>,
        world: World,
        disturbance: Disturbance,
    ) -> (Outcome, Seen) {
        let Bench {
            entry,
            program,
            recording,
            staging,
            begin,
            strict,
        } = bench;
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
            trigger: program
                .declared
                .as_ref()
                .map(|declared| declared.context(entry, recording.input().as_ref())),
            last_sync_date: staging.last_sync.clone(),
            replay: Some(Replay {
                older_pages: matches!(***recording, Recording::Older(_)),
                now: staging.now,
                begin: *begin,
                unnamed,
                kit: strict.then(|| staging.given().map(str::to_owned).collect()),
                fixture: looks_inside.then(|| recording.whole().clone()),
                refusals_throw: disturbance.is_watched(),
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
        let cancel = CancellationToken::new();
        let host = Arc::new(ReplayHost::new(
            Arc::clone(recording),
            Arc::clone(staging),
            world,
            disturbance,
            cancel.clone(),
        ));
        let invocation = Invocation {
            tenant: "tests".to_owned(),
            isolate_key: None,
            code: Arc::clone(&program.code),
            kind: program.kind,
            input_json: match &program.declared {
                Some(declared) => declared.input(recording.input()),
                None => recording.input(),
            }
            .map(|input| input.to_string()),
            context_json: context.to_json(),
            limits,
            cancel,
            taping: tenon_runtime::Taping::Off,
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
