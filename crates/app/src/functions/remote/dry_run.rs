//! Running a function from its source, against a real connection, and storing nothing.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_model::{FunctionId, Timestamp};
use tenon_runtime::protocol::Host;
use tenon_runtime::{Code, Invocation, Kind as RunKind, RunError};
use tokio::sync::OnceCell;

use super::fit::{sentence, violations};
use super::jobs::{Ended, Job, JobKind};
use super::{code, flow_of, function_type, integration_not_found, require_customer};
use crate::caller::Caller;
use crate::connections::{Live, LiveError};
use crate::functions::builder::BuildRequest;
use crate::functions::deploy::FlowInput;
use crate::functions::{Function, FunctionKind, RunFailure, RunSubject, Source, log_failure, outcome_of, story};
use crate::host::dry::{DryHost, Given};
use crate::operations::{Kind, Subject};
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, Text};
use crate::{App, Error, Result};

/// Name of the function, which has none of its own.
const NAME: &str = "dry-run";
/// Largest result that is kept, in bytes of JSON.
const RESULT_BYTES_MAX: usize = 4 << 20;

/// What the body asks for.
struct Wanted {
    integration: String,
    connection: String,
    kind: FunctionKind,
    code: String,
    input: Option<Value>,
    last_sync_date: Option<String>,
    given: Given,
}

fn parse(body: Option<&Value>) -> Result<Wanted> {
    let mut fields = Fields::body(body)?;
    let integration = fields.text("integration_id", Text::any().min(1).max(255).pattern(&INTEGRATION_ID));
    let kind = function_type(&mut fields, true);
    let code = code(&mut fields);
    let connection = fields.text("connection_id", Text::any().min(1).max(255).pattern(&CONNECTION_ID));
    let input = fields.raw("input").cloned();
    let metadata = fields.opt_object("metadata").map(|map| Value::Object(map.clone()));
    let checkpoint = fields.opt_object("checkpoint").map(|map| Value::Object(map.clone()));
    let last_sync_date = fields.opt_text("last_sync_date", Text::any());
    if let Some(text) = &last_sync_date
        && Timestamp::parse_iso(text).is_none()
    {
        fields.complain("invalid_format", "Invalid ISO datetime", "last_sync_date");
    }
    fields.strict();
    fields.finish("invalid_body")?;
    Ok(Wanted {
        integration: integration.unwrap_or_default(),
        connection: connection.unwrap_or_default(),
        kind: kind.unwrap_or(FunctionKind::Action),
        code: code.unwrap_or_default(),
        input,
        last_sync_date,
        given: Given { metadata, checkpoint },
    })
}

/// The function as if it were deployed; no row has its id.
fn function_of(flow: FlowInput, live: &Live, now: Timestamp, environment: tenon_model::EnvironmentId) -> Function {
    let filename = format!("{}-{}.cjs", flow.name, flow.integration);
    let hash = crate::functions::code::PackedCode::pack(&flow.js, &flow.ts).hash;
    let code = Code {
        hash: format!("{hash}/{filename}"),
        js: flow.js,
        filename,
    };
    Function {
        id: FunctionId(0),
        environment_id: environment,
        integration_id: live.connection.integration_id,
        unique_key: live.connection.unique_key.clone(),
        provider: live.connection.provider.clone(),
        kind: flow.kind,
        name: flow.name,
        event: None,
        enabled: true,
        source: Source::Standalone,
        version: flow.version,
        hash,
        definition: flow.definition,
        deployed_at: now,
        code: OnceCell::new_with(Some(Arc::new(code))),
        checker: std::sync::OnceLock::new(),
    }
}

impl App {
    /// `POST /functions/dryruns`.
    #[tenon_model::boxed]
    pub async fn dry_run_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:functions:dryrun")?;
        require_customer(caller)?;
        let environment = caller.environment()?;
        let wanted = parse(body)?;
        let live = self.live_of(caller, &wanted).await?;
        let permit = self.workshop().accept()?;
        let job = Job {
            kind: JobKind::DryRun,
            environment: environment.id,
            integration: wanted.integration.clone(),
            function: String::new(),
            function_type: wanted.kind,
        };
        let (app, caller) = (self.clone(), caller.clone());
        let work = async move { app.build_and_dry_run(&caller, live, wanted).await };
        self.start_job(job, permit, work).await
    }

    /// `GET /functions/dryruns/:id`.
    #[tenon_model::boxed]
    pub async fn read_dry_run(&self, caller: &Caller, id: &str) -> Result<Value> {
        caller.require("environment:functions:dryrun")?;
        self.read_job(caller.environment()?.id, JobKind::DryRun, id).await
    }

    async fn live_of(&self, caller: &Caller, wanted: &Wanted) -> Result<Arc<Live>> {
        let environment = caller.environment()?.id;
        let live = self
            .find_live(environment, &wanted.integration, &wanted.connection)
            .await;
        live.map_err(|error| match error {
            LiveError::UnknownIntegration => integration_not_found(&wanted.integration),
            LiveError::UnknownConnection => Error::refuse(404, "connection_not_found").message(format!(
                "The integration \"{}\" has no connection \"{}\"",
                wanted.integration, wanted.connection
            )),
            LiveError::UnknownProvider => {
                Error::refuse(400, "invalid_request").message("The integration's provider is not in the catalogue")
            }
            LiveError::Refresh(_) => Error::Internal("looking up a connection does not refresh it".to_owned()),
            LiveError::Internal(error) => error,
        })
    }

    async fn build_and_dry_run(&self, caller: &Caller, live: Arc<Live>, wanted: Wanted) -> Result<Ended> {
        let accepted = tokio::time::Instant::now();
        let environment = Arc::clone(caller.environment()?);
        let request = BuildRequest {
            tenant: environment.id.to_string(),
            integration: wanted.integration.clone(),
            name: NAME.to_owned(),
            code: wanted.code,
        };
        let built = self.build(&request).await?;
        let (flow, _) = flow_of(&built, wanted.kind, None)?;
        // Its turn comes after the build: sources that do not compile take no place among the runs.
        let _turn = self
            .workshop()
            .runs
            .acquire()
            .await
            .map_err(|_| Error::Internal("the dry runs of this server are closed".to_owned()))?;
        let function = Arc::new(function_of(flow, &live, self.clock().now(), environment.id));
        let (run_kind, kind, word) = match wanted.kind {
            FunctionKind::Sync => (RunKind::Sync, Kind::Sync, "Sync"),
            FunctionKind::Action | FunctionKind::OnEvent => (RunKind::Action, Kind::Action, "Action"),
        };
        let subject = Subject::titled(format!("{word} from its source, dry run"))
            .integration(&function.unique_key, &function.provider)
            .connection(&live.connection.connection_id)
            .function(NAME);
        let operation = self.operations().start(environment.id, kind, "dryrun", subject);
        let subject = RunSubject {
            environment: Arc::clone(&environment),
            live,
            function: Arc::clone(&function),
            operation: operation.clone(),
            guard: None,
            depth: 0,
        };
        let mut context = self.run_context(&subject).await?;
        context.is_cli = true;
        context.logger_level = "debug".to_owned();
        if wanted.kind == FunctionKind::Sync {
            context.sync_id = Some(NAME.to_owned());
            context.sync_job_id = Some(-1);
            context.variant = Some(crate::records::BASE.to_owned());
            context.last_sync_date = wanted.last_sync_date;
            context.track_deletes = Some(function.definition.track_deletes);
        }
        let own = environment.settings.functions;
        let mut limits = self.settings().run_limits(own, run_kind);
        // Somebody waits for a dry run of a sync, as for an action.
        limits.cpu = self.settings().run_limits(own, RunKind::Action).cpu;
        let left = self.settings().remote_job_within.saturating_sub(accepted.elapsed());
        limits.wall = limits.wall.min(left);
        let input = wanted
            .input
            .filter(|input| !input.is_null())
            .map(|input| input.to_string());
        let given = input.clone();
        let host = Arc::new(DryHost::new(self, &subject, run_kind, wanted.given));
        let invocation = Invocation {
            tenant: environment.id.to_string(),
            isolate_key: None,
            code: self.function_code(&function).await?,
            kind: run_kind,
            input_json: input,
            context_json: context.to_json(),
            limits,
            cancel: self.shutdown_token().child_token(),
            taping: tenon_runtime::Taping::Off,
        };
        let outcome = self.runtime().run(invocation, Arc::clone(&host) as Arc<dyn Host>).await;
        let result = Ok(outcome.result);
        if let Ok(Err(error)) = &result {
            log_failure(&operation, error);
        }
        operation.finish(outcome_of(&result));
        let mut details = host.report();
        let unfit = match &result {
            Ok(result) => violations(&function, given.as_deref(), result.as_deref().ok(), &details),
            Err(_) => Vec::new(),
        };
        let mut warnings = built.warnings.clone();
        warnings.extend(unfit.iter().map(|one| format!("\nwarn  {}", sentence(one))));
        if !warnings.is_empty() {
            let text = details.get("output").and_then(Value::as_str).unwrap_or_default();
            let text = format!("{}\n{text}", warnings.trim_start());
            details.insert("output".to_owned(), json!(text));
        }
        if !unfit.is_empty() {
            details.insert("validation".to_owned(), json!(unfit));
        }
        Ok(match result {
            Ok(Ok(output)) => succeeded(wanted.kind, &output, details),
            Ok(Err(error)) => failed(&error, details),
            Err(error) => return Err(error),
        })
    }
}

fn succeeded(kind: FunctionKind, output: &str, mut details: Map<String, Value>) -> Ended {
    if kind == FunctionKind::Action {
        let output: Value = serde_json::from_str(output).unwrap_or_default();
        details.insert("result".to_owned(), output);
    }
    let size = details.get("result").map_or(0, |result| result.to_string().len());
    if size > RESULT_BYTES_MAX {
        details.remove("result");
        let message = "The result is larger than 4 MB and was not kept; return or save less";
        return Ended::failed("dryrun_error", message, None, details);
    }
    Ended::success(details)
}

fn failed(error: &RunError, mut details: Map<String, Value>) -> Ended {
    details.remove("result");
    let failure = RunFailure::of(error);
    let code = match failure.code.as_str() {
        "execution_timeout" | "function_runtime_timed_out" => "timeout",
        _ => "dryrun_error",
    };
    let mut payload = Map::new();
    payload.insert("type".to_owned(), json!(failure.code));
    payload.insert(
        "payload".to_owned(),
        serde_json::from_str(&error.payload_json).unwrap_or_default(),
    );
    Ended::failed(code, &story(error), Some(Value::Object(payload)), details)
}
