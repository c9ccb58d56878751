//! Running one function: what it is told, and what its failure looks like outside.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_runtime::{ErrorKind, Invocation, Kind, Limit, Outcome, RunContext, RunError, Taping};
use tokio_util::sync::CancellationToken;

use super::Function;
use crate::connections::Live;
use crate::environments::Environment;
use crate::operations::{self, OperationHandle};
use crate::syncs::apart::Apart;
use crate::tools::Guard;
use crate::{App, Error, Result};

/// Who runs what on whose behalf.
#[derive(Debug, Clone)]
pub struct RunSubject {
    /// The environment.
    pub environment: Arc<Environment>,
    /// The connection, opened.
    pub live: Arc<Live>,
    /// The function.
    pub function: Arc<Function>,
    /// Where the run is logged.
    pub operation: OperationHandle,
    /// What is wrong with its input, when it must not reach the provider.
    pub guard: Option<Arc<Guard>>,
    /// How many runs wait for this one: functions that call functions.
    pub depth: u32,
}

impl App {
    /// What every function is told about itself; syncs add their own facts.
    #[tenon_model::boxed]
    pub async fn run_context(&self, subject: &RunSubject) -> Result<RunContext> {
        let function = &subject.function;
        let connection = &subject.live.connection;
        let level = self.logger_level(subject.environment.id).await?;
        let paginate = self.provider_paginate(&function.provider);
        Ok(RunContext {
            connection_id: connection.connection_id.clone(),
            provider_config_key: function.unique_key.clone(),
            provider: function.provider.clone(),
            environment_id: subject.environment.id.0,
            environment_name: subject.environment.name.clone(),
            account_id: subject.environment.account_id.0,
            nango_connection_id: connection.id.0,
            activity_log_id: subject.operation.id().0.clone(),
            function_name: function.name.clone(),
            sync_config: function.sync_config(),
            logger_level: level.as_str().to_owned(),
            legacy_sdk: !function.definition.is_zero_yaml(),
            trigger: function.trigger_context(&subject.live),
            provider_unknown: paginate.is_none(),
            provider_paginate: paginate.and_then(|paginate| (*paginate).clone()),
            ..RunContext::default()
        })
    }

    /// How lists of this provider are paged, as the SDK reads it; `None` when the catalogue has no such provider.
    fn provider_paginate(&self, provider: &str) -> Option<Arc<Option<Value>>> {
        let key = provider.to_owned();
        if let Some(paginate) = self.functions().paginates.get(&key) {
            return Some(paginate);
        }
        let catalog = self.catalog();
        let wire = catalog.get(provider)?.to_wire();
        Some(
            self.functions()
                .paginates
                .put(key, wire.pointer("/proxy/paginate").cloned()),
        )
    }

    /// Names the warm isolate that a run may use again: never that of another connection or version.
    pub fn isolate_key(&self, subject: &RunSubject) -> Option<String> {
        self.settings().warm_isolates.then(|| {
            format!(
                "{}/{}/{}",
                subject.live.connection.id, subject.function.id, subject.function.hash
            )
        })
    }

    /// Runs an action or an on-event function to its end. The outcome's error is the function's own; the outer one is
    /// ours.
    #[tenon_model::boxed]
    pub(crate) async fn run_function(
        &self,
        subject: &RunSubject,
        kind: Kind,
        input_json: Option<String>,
        cancel: CancellationToken,
    ) -> Result<Outcome> {
        let code = self.function_code(&subject.function).await?;
        let _turn = self.take_turn(subject, &cancel).await?;
        let mut context = self.run_context(subject).await?;
        let apart = match subject.function.keeps_records() {
            true => Some(Apart::begin(self, subject, kind).await?),
            false => None,
        };
        let limits = self.settings().run_limits(subject.environment.settings.functions, kind);
        let host = match &apart {
            Some(apart) => apart.host(subject, kind, &mut context),
            None => crate::host::for_run(self, subject, kind),
        };
        let invocation = Invocation {
            tenant: subject.environment.id.to_string(),
            isolate_key: self.isolate_key(subject),
            code,
            kind,
            input_json,
            context_json: context.to_json(),
            limits,
            cancel,
            taping: Taping::Off,
        };
        let mut outcome = self.run_recorded(subject, invocation, host).await;
        conceal_failure(&subject.operation, &mut outcome);
        if let Some(apart) = apart {
            apart.end(&outcome.result).await?;
        }
        log_costs(subject, &outcome);
        Ok(outcome)
    }
}

/// Takes credentials and variables that the run held out of the error that it ended with: the error is shown to callers,
/// logged and sent on.
pub(crate) fn conceal_failure(operation: &OperationHandle, outcome: &mut Outcome) {
    let Err(error) = &mut outcome.result else { return };
    let secrets = operation.secrets();
    if secrets.is_empty() {
        return;
    }
    error.message = secrets.conceal(std::mem::take(&mut error.message));
    error.stack = error.stack.take().map(|stack| secrets.conceal(stack));
    if let Ok(mut payload) = serde_json::from_str::<Value>(&error.payload_json) {
        secrets.conceal_json(&mut payload);
        error.payload_json = payload.to_string();
    }
    if let Some(upstream) = &mut error.upstream {
        secrets.conceal_json(&mut upstream.body);
        upstream
            .headers
            .values_mut()
            .for_each(|value| secrets.conceal_json(value));
    }
}

/// Notes what the run cost, so that a slow or greedy function is seen before it hits a limit.
fn log_costs(subject: &RunSubject, outcome: &Outcome) {
    let mut facts = serde_json::Map::new();
    facts.insert("version".to_owned(), json!(subject.function.version));
    facts.insert("cpu_ms".to_owned(), json!(millis(outcome.cpu)));
    facts.insert("wall_ms".to_owned(), json!(millis(outcome.wall)));
    facts.insert("queued_ms".to_owned(), json!(millis(outcome.queued)));
    facts.insert("memory_bytes".to_owned(), json!(outcome.memory_bytes));
    facts.insert("host_calls".to_owned(), json!(outcome.host_calls));
    facts.insert("warm".to_owned(), json!(outcome.warm));
    if outcome.logs_dropped > 0 {
        facts.insert("logs_dropped".to_owned(), json!(outcome.logs_dropped));
    }
    subject.operation.annotate(facts);
}

fn millis(duration: std::time::Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

/// Public code, HTTP status and sentence of a failed run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunFailure {
    /// Stable code for programs.
    pub code: String,
    /// HTTP status when an action failed with it.
    pub status: u16,
    /// Sentence for people.
    pub message: String,
}

impl RunFailure {
    /// What the world outside is told about the failure.
    pub fn of(error: &RunError) -> Self {
        let (code, status, message) = match (error.kind, error.type_.as_str()) {
            (ErrorKind::Aborted, _) | (_, "script_aborted") => ("script_aborted", 410, "The run was cancelled"),
            (ErrorKind::Limit(Limit::Memory), _) => (
                "function_runtime_out_of_memory",
                500,
                "The function used more memory than it may; process less at a time or raise the limit",
            ),
            (ErrorKind::Limit(Limit::Cpu), _) => (
                "function_runtime_timed_out",
                500,
                "The function computed for longer than it may without waiting for anything",
            ),
            (ErrorKind::Limit(Limit::Wall), _) | (_, "execution_timeout") => {
                ("execution_timeout", 500, "The function ran for longer than it may")
            }
            (ErrorKind::Limit(Limit::Output), _) | (_, "script_output_too_large") => (
                "script_output_too_large",
                400,
                "The function's output is larger than 2 MB; return less",
            ),
            (ErrorKind::Limit(Limit::HostCalls), _) => (
                "function_runtime_other",
                500,
                "The function asked the platform for more than it may in one run",
            ),
            (ErrorKind::Limit(Limit::NeverSettles), _) => (
                "function_runtime_other",
                500,
                "The function waits for something that can never happen",
            ),
            (ErrorKind::WorkerLost | ErrorKind::Internal, _) => {
                ("action_script_failure", 500, "The function could not be run; try again")
            }
            (_, "action_script_runtime_error") => (
                "action_script_runtime_error",
                500,
                "The action script failed with a runtime error",
            ),
            (_, "script_http_error") => (
                "script_http_error",
                424,
                "The provider refused a request of the function",
            ),
            (_, "script_api_rate_limit_error") => (
                "script_api_rate_limit_error",
                424,
                "The function asked the platform's API more often than it may",
            ),
            (_, "script_network_error") => (
                "script_network_error",
                500,
                "A network error occurred during the script execution",
            ),
            (_, "script_internal_error") => (
                "script_internal_error",
                500,
                "An internal error occurred during the script execution",
            ),
            (_, code @ ("invalid_action_input" | "invalid_action_output" | "invalid_sync_record")) => {
                (code, 400, "What the function got or gave does not match its schema")
            }
            (_, _) => ("action_script_failure", 500, "The function failed"),
        };
        Self {
            code: code.to_owned(),
            status,
            message: message.to_owned(),
        }
    }
}

/// The answer to a caller whose action failed.
pub fn run_error(error: &RunError) -> Error {
    let failure = RunFailure::of(error);
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_else(|_| json!({}));
    let refusal = Error::refuse(failure.status, failure.code.as_str()).payload(payload);
    if failure.code == "script_http_error" {
        return match &error.upstream {
            Some(upstream) => refusal.extra(
                "upstream",
                json!({ "status": upstream.status, "headers": upstream.headers, "body": upstream.body }),
            ),
            None => refusal,
        };
    }
    refusal.message(failure.message)
}

/// How the run's operation ends.
pub fn outcome_of(result: &Result<Result<String, RunError>>) -> operations::Outcome {
    match result {
        Ok(Ok(_)) => operations::Outcome::Success,
        Ok(Err(error)) => match error.kind {
            ErrorKind::Limit(Limit::Wall) => operations::Outcome::Timeout {
                message: RunFailure::of(error).message,
            },
            ErrorKind::Aborted => operations::Outcome::Cancelled {
                message: "it was cancelled".to_owned(),
            },
            _ => operations::Outcome::failed(RunFailure::of(error).code, story(error)),
        },
        Err(error) => match error.refusal() {
            Some(refusal) => {
                let message = refusal.message.clone().unwrap_or_else(|| refusal.code.clone());
                operations::Outcome::failed(refusal.code.clone(), message)
            }
            None => operations::Outcome::failed("internal_error", error.to_string()),
        },
    }
}

/// Adds what the author of a function needs to repair it: payload, stack trace and the provider's answer.
pub fn log_failure(operation: &OperationHandle, error: &RunError) {
    let mut facts = serde_json::Map::new();
    facts.insert("type".to_owned(), json!(error.type_));
    if let Ok(payload) = serde_json::from_str::<Value>(&error.payload_json) {
        facts.insert("payload".to_owned(), payload);
    }
    if let Some(stack) = &error.stack {
        facts.insert("stack".to_owned(), json!(stack));
    }
    if let Some(upstream) = &error.upstream {
        let answer = json!({ "status": upstream.status, "headers": upstream.headers, "body": upstream.body });
        facts.insert("upstream".to_owned(), answer);
    }
    operation.log(operations::Level::Error, story(error), Some(&Value::Object(facts)));
}

/// One sentence that names what went wrong inside the function, for its author.
pub fn story(error: &RunError) -> String {
    let failure = RunFailure::of(error);
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_default();
    let own = payload
        .get("message")
        .and_then(Value::as_str)
        .or(Some(error.message.as_str()));
    let mut text = match own.filter(|own| !own.is_empty()) {
        Some(own) => format!("{}: {own}", failure.message),
        None => failure.message,
    };
    if let Some(upstream) = &error.upstream {
        text.push_str(&format!(" (the provider answered {})", upstream.status));
    }
    text
}
