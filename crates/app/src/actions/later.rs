//! Actions that run after their call was answered.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenon_model::{EnvironmentId, OperationId};
use tenon_queue::{Handler, Limits, NewTask, StopReason, Task, Verdict};
use tenon_runtime::{ErrorKind, Kind as RunKind};
use tenon_store::tables::async_actions::{self as table, AsyncActionRow};
use uuid::Uuid;

use super::now::Target;
use super::{TriggerInput, answered};
use crate::caller::Caller;
use crate::functions::{RunSubject, log_failure, outcome_of, run_error, story};
use crate::operations::{Kind, Level, OperationHandle, Outcome, Subject};
use crate::webhooks::outbound;
use crate::{App, Error, Refusal, Result};

/// Kind of the tasks.
pub const KIND: &str = "async-action";
/// The one group of an environment: its actions run one after another.
const GROUP: &str = "actions";
/// Accepted actions that did not start in time are given up.
const START_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// Numbers of log messages that one attempt may use.
const MESSAGES_PER_ATTEMPT: i64 = 100_000;
/// Environments that this node serves at the same time.
const NODE_MAX: usize = 32;

/// What is kept of an ended action, sealed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Output(String),
    Failure(KeptFailure),
}

/// A refusal that survives in the store.
#[derive(Debug, Serialize, Deserialize)]
struct KeptFailure {
    status: u16,
    code: String,
    message: Option<String>,
    payload: Option<Value>,
    upstream: Option<Value>,
}

impl KeptFailure {
    fn of(error: &Error) -> Self {
        match error.refusal() {
            Some(Refusal {
                status,
                code,
                message,
                payload,
                extra,
                ..
            }) => Self {
                status: *status,
                code: code.clone(),
                message: message.clone(),
                payload: payload.clone(),
                upstream: extra
                    .iter()
                    .find(|(name, _)| *name == "upstream")
                    .map(|(_, value)| value.clone()),
            },
            None => Self {
                status: 500,
                code: "internal_server_error".to_owned(),
                message: Some("The server failed while the action ran; its log has the details".to_owned()),
                payload: None,
                upstream: None,
            },
        }
    }

    fn into_error(self) -> Error {
        let mut error = Error::refuse(self.status, self.code);
        if let Some(message) = self.message {
            error = error.message(message);
        }
        if let Some(payload) = self.payload {
            error = error.payload(payload);
        }
        match self.upstream {
            Some(upstream) => error.extra("upstream", upstream),
            None => error,
        }
    }
}

fn input_place(environment: EnvironmentId, id: Uuid) -> String {
    format!("async_actions/{environment}/{id}/input")
}

fn result_place(environment: EnvironmentId, id: Uuid) -> String {
    format!("async_actions/{environment}/{id}/result")
}

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    id: Uuid,
    integration: String,
    connection: String,
    action: String,
}

/// How one attempt ended.
enum Ended {
    Done(Box<Kept>),
    TryAgain(String),
    PutBack,
}

impl App {
    /// Stores an action that runs later; its id is what the caller gets.
    #[tenon_model::boxed]
    pub(super) async fn accept_action(&self, target: Target, input: &TriggerInput) -> Result<Uuid> {
        let now = self.clock().now();
        let id = self.rng().uuid_v4();
        let environment = target.environment.id;
        let operation = self
            .operations()
            .start(environment, Kind::Action, "run", target.subject());
        let row = AsyncActionRow {
            id,
            environment_id: environment,
            connection_id: target.live.connection.id,
            function_id: target.function.id,
            input: match &input.input {
                Some(text) => Some(
                    self.vault(environment)
                        .await?
                        .seal(&input_place(environment, id), text.as_bytes()),
                ),
                None => None,
            },
            retries_max: i64::from(input.retries_max),
            attempts: 0,
            state: "waiting".to_owned(),
            result: None,
            operation_id: operation.id().0.clone(),
            created_at: now,
        };
        let payload = Payload {
            id,
            integration: input.integration.clone(),
            connection: input.connection.clone(),
            action: input.action.clone(),
        };
        let payload = serde_json::to_string(&payload)
            .map_err(|error| Error::Internal(format!("payload of an asynchronous action: {error}")))?;
        let task = NewTask::new(KIND, payload)
            .of(environment, GROUP)
            .attempts(input.retries_max + 1);
        let mut tx = self.store().begin().await?;
        table::insert(&mut tx, &row).await?;
        tenon_queue::enqueue(&mut tx, &task, now).await?;
        tx.commit().await?;
        operation.finish(Outcome::Waiting {
            message: "it waits for its turn".to_owned(),
        });
        Ok(id)
    }

    /// `GET /action/:id`: the output of an ended action as JSON text.
    #[tenon_model::boxed]
    pub async fn async_action_result(&self, caller: &Caller, id: Uuid) -> Result<String> {
        caller.require("environment:actions:execute")?;
        let environment = caller.environment()?.id;
        // A null output looks like an action that is not done: clients of the contract poll until something comes.
        let missing = || Error::not_found(format!("No action '{id}' found"));
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, environment, id).await?.ok_or_else(missing)?;
        drop(conn);
        let sealed = row.result.ok_or_else(missing)?;
        let plain = self
            .vault(environment)
            .await?
            .open(&result_place(environment, id), &sealed)?;
        let kept: Kept = serde_json::from_slice(&plain)
            .map_err(|_| Error::Internal(format!("the result of action {id} is not readable")))?;
        match kept {
            Kept::Output(text) if text == "null" => Err(missing()),
            Kept::Output(text) => Ok(text),
            Kept::Failure(failure) => Err(failure.into_error()),
        }
    }

    /// The operation that was announced when the action was accepted.
    fn resumed(&self, row: &AsyncActionRow, subject: Subject) -> OperationHandle {
        self.operations().resume(
            &OperationId(row.operation_id.clone()),
            row.created_at,
            row.attempts * MESSAGES_PER_ATTEMPT,
            row.environment_id,
            Kind::Action,
            "run",
            subject,
        )
    }

    async fn attempt_action(&self, task: &Task, payload: &Payload, row: &AsyncActionRow) -> Result<Ended> {
        let environment = self.environment(row.environment_id).await?;
        let caller = Caller::platform(environment);
        let lost = self.clock().now().since(row.created_at) > START_WITHIN && row.attempts == 0;
        let input = TriggerInput {
            action: payload.action.clone(),
            input: None,
            integration: payload.integration.clone(),
            connection: payload.connection.clone(),
            later: true,
            retries_max: 0,
            depth: 0,
        };
        let target = if lost {
            Err(Error::refuse(400, "action_failure").message("The action did not start within 24 hours"))
        } else {
            self.action_target(&caller, &input).await
        };
        let target = match target {
            Ok(target) => target,
            Err(error) if error.refusal().is_none() => return Err(error),
            Err(error) => {
                let failure = KeptFailure::of(&error);
                let subject = Subject::titled(format!("Action {}", payload.action))
                    .connection(&payload.connection)
                    .function(&payload.action);
                let message = failure.message.clone().unwrap_or_default();
                self.resumed(row, subject)
                    .finish(Outcome::failed(&failure.code, message));
                return Ok(Ended::Done(Box::new(Kept::Failure(failure))));
            }
        };
        let vault = self.vault(row.environment_id).await?;
        let input = match &row.input {
            Some(sealed) => {
                let plain = vault.open(&input_place(row.environment_id, row.id), sealed)?;
                Some(String::from_utf8_lossy(&plain).into_owned())
            }
            None => None,
        };
        let operation = self.resumed(row, target.subject());
        let run: RunSubject = target.run(operation.clone());
        let result = self
            .run_function(&run, RunKind::Action, input, task.stop_token().child_token())
            .await;
        let result = result.map(|outcome| outcome.result);
        let ended = match &result {
            Ok(Ok(output)) => Ended::Done(Box::new(Kept::Output(answered(output.clone())))),
            Ok(Err(error)) => match (error.kind, task.stop_reason()) {
                (ErrorKind::Aborted | ErrorKind::WorkerLost, Some(StopReason::Shutdown | StopReason::Lost)) => {
                    Ended::PutBack
                }
                _ if !task.is_last_attempt() => Ended::TryAgain(story(error)),
                _ => Ended::Done(Box::new(Kept::Failure(KeptFailure::of(&run_error(error))))),
            },
            Err(_) => Ended::TryAgain("the server failed".to_owned()),
        };
        if let Ok(Err(error)) = &result {
            log_failure(&operation, error);
        }
        match &ended {
            Ended::Done(_) => operation.finish(outcome_of(&result)),
            Ended::TryAgain(error) => {
                operation.log(
                    Level::Warn,
                    format!("attempt {} failed: {error}", row.attempts + 1),
                    None,
                );
                operation.finish(Outcome::Waiting {
                    message: "it is tried again".to_owned(),
                });
            }
            Ended::PutBack => operation.finish(Outcome::Waiting {
                message: "the server is stopping".to_owned(),
            }),
        }
        result.map(|_| ended)
    }

    async fn work_off_action(&self, task: &Task) -> Result<Verdict> {
        let payload: Payload = task
            .json()
            .map_err(|error| Error::Internal(format!("payload of an asynchronous action: {error}")))?;
        let environment = task
            .environment()
            .ok_or_else(|| Error::Internal("an asynchronous action without environment".to_owned()))?;
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, environment, payload.id).await?;
        let open = table::begin_attempt(&mut tx, environment, payload.id).await?;
        tx.commit().await?;
        let Some(row) = row.filter(|_| open) else {
            return Ok(Verdict::Done);
        };
        let ended = match self.attempt_action(task, &payload, &row).await {
            // Nobody would ever learn of an action that is given up silently.
            Err(error) if task.is_last_attempt() => {
                tracing::error!(error = ?error, task.id = task.id(), "an asynchronous action could not be run");
                let failure = KeptFailure::of(&error);
                return self
                    .settle_action(task, &payload, environment, Kept::Failure(failure))
                    .await;
            }
            ended => ended?,
        };
        match ended {
            Ended::PutBack => Ok(Verdict::PutBack { after: Duration::ZERO }),
            Ended::TryAgain(error) => Ok(Verdict::Retry {
                after: Duration::ZERO,
                error,
            }),
            Ended::Done(kept) => self.settle_action(task, &payload, environment, *kept).await,
        }
    }

    /// Result, webhook and the end of the task in one transaction.
    async fn settle_action(
        &self,
        task: &Task,
        payload: &Payload,
        environment: EnvironmentId,
        kept: Kept,
    ) -> Result<Verdict> {
        let plain = serde_json::to_vec(&kept)
            .map_err(|error| Error::Internal(format!("result of an asynchronous action: {error}")))?;
        let vault = self.vault(environment).await?;
        let sealed = vault.seal(&result_place(environment, payload.id), &plain);
        let state = if matches!(kept, Kept::Output(_)) {
            "success"
        } else {
            "failed"
        };
        let settings = self.environment(environment).await?;
        let live = self
            .find_live(environment, &payload.integration, &payload.connection)
            .await
            .ok();
        let url = live
            .as_ref()
            .and_then(|live| live.connection.webhook_url_override.clone());
        let mut tx = self.store().begin().await?;
        if !table::finish(&mut tx, environment, payload.id, state, &sealed, self.clock().now()).await? {
            return Ok(Verdict::Done);
        }
        let event = outbound::AsyncActionEvent {
            id: payload.id,
            integration: &payload.integration,
            connection: &payload.connection,
            webhook_url_override: url.as_deref(),
        };
        outbound::enqueue_async_action(self, &mut tx, &settings, &event).await?;
        if !task.finish(&mut tx).await? {
            return Ok(Verdict::Done);
        }
        tx.commit().await?;
        Ok(Verdict::Settled)
    }
}

/// Works off asynchronous actions.
pub struct AsyncActions(App);

impl AsyncActions {
    /// The handler for a queue.
    pub fn new(app: App) -> Self {
        Self(app)
    }
}

#[async_trait::async_trait]
impl Handler for AsyncActions {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn limits(&self) -> Limits {
        Limits {
            node: NODE_MAX,
            group: Some(1),
        }
    }

    async fn run(&self, task: &Task) -> Verdict {
        match self.0.work_off_action(task).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::error!(error = ?error, task.id = task.id(), "an asynchronous action could not be worked off");
                Verdict::back_off(task, "the server failed; its log has the details")
            }
        }
    }
}
