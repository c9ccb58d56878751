//! Running a sync's `onWebhook` for a provider's message.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tenon_model::{EnvironmentId, FunctionId};
use tenon_queue::{Handler, Limits, NewTask, StopReason, Task, Verdict, enqueue};
use tenon_runtime::{ErrorKind, Kind as RunKind};
use tenon_store::Tx;
use tenon_store::tables::connections::{self, ConnectionRow};
use tenon_store::tables::runs::{self, RunInput};
use tenon_store::tables::{syncs, tasks};

use super::finish::{self, Ended, WEBHOOK_AGAIN_AFTER};
use super::ledger::Ledger;
use super::run::{Job, perform};
use super::turn::Try;
use super::{checkpoint_key, debounce, group};
use crate::environments::Environment;
use crate::functions::Function;
use crate::operations::{Kind, Level, Outcome as Logged, Subject};
use crate::records::BASE;
use crate::{App, Error, Result};

/// Kind of the queue's tasks.
pub const KIND: &str = "webhook-run";
/// A run that could not start for so long is dropped: the message is old by then.
const START_WITHIN: Duration = Duration::from_secs(3600);
/// Deaths of a worker or node over one message after which it is given up.
const RESCUES_MAX: i64 = 3;
/// Wait before a run looks for its turn again.
const TURN_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// Runs for one connection at the same time.
const PER_CONNECTION: usize = 8;

/// What is to be run.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Payload {
    pub(super) function: FunctionId,
    pub(super) connection: tenon_model::ConnectionId,
    /// The provider's message, sealed, in base 64.
    pub(super) sealed: String,
    /// It is a window of joined messages.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) window: bool,
}

/// A provider's message as it concerns a function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Incoming<'m> {
    /// Type of the event.
    pub(crate) event: Option<&'m str>,
    /// Headers that functions may see.
    pub(crate) headers: &'m [(String, String)],
    /// The body, or the part of it that is this event.
    pub(crate) body: &'m Value,
}

impl Incoming<'_> {
    /// `trigger.request` of functions made by `createFunction`.
    fn request(&self) -> Value {
        let headers: serde_json::Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), Value::String(value.clone())))
            .collect();
        serde_json::json!({ "event": self.event, "headers": headers, "body": self.body })
    }
}

/// Where a message waits.
pub(super) fn place(connection: tenon_model::ConnectionId, function: FunctionId) -> String {
    format!("tasks.payload/webhook/{connection}/{function}")
}

/// Enqueues a run inside the transaction that works a provider's message off.
pub(crate) async fn enqueue_run(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    connection: &ConnectionRow,
    sync: &Function,
    message: Incoming<'_>,
) -> Result<()> {
    let plain = match (sync.declared(), sync.debounce()) {
        (Some(_), Some(debounce)) => {
            let joined = (debounce, message.request());
            return debounce::join(app, tx, environment, connection, sync, joined).await;
        }
        (Some(_), None) => serde_json::json!({ "request": message.request() }).to_string(),
        (None, _) => message.body.to_string(),
    };
    let vault = app.vault_in(tx, environment.id).await?;
    let sealed = vault.seal(&place(connection.id, sync.id), plain.as_bytes());
    let payload = Payload {
        function: sync.id,
        connection: connection.id,
        sealed: STANDARD.encode(sealed),
        window: false,
    };
    let text = serde_json::to_string(&payload).map_err(|error| Error::Internal(error.to_string()))?;
    let task = NewTask::new(KIND, text).of(environment.id, group(connection.id));
    enqueue(tx, &task, app.clock().now()).await?;
    Ok(())
}

/// Runs `onWebhook`.
pub struct WebhookHandler(pub App);

#[async_trait::async_trait]
impl Handler for WebhookHandler {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn limits(&self) -> Limits {
        Limits {
            node: self.0.settings().runs_max,
            group: Some(PER_CONNECTION),
        }
    }

    async fn run(&self, task: &Task) -> Verdict {
        let (Some(environment), Ok(payload)) = (task.environment(), task.json::<Payload>()) else {
            return Verdict::GiveUp {
                error: "the payload cannot be read".to_owned(),
            };
        };
        if task.rescues() > RESCUES_MAX {
            let why = "The message was given up: the worker died each time onWebhook ran on it".to_owned();
            return give_up(&self.0, environment, &payload, why).await;
        }
        let waited = self.0.clock().now().since(task.created_at());
        if waited > START_WITHIN && task.rescues() == 0 && !payload.window {
            let why = format!(
                "The message was given up: its run could not start within {} minutes",
                START_WITHIN.as_secs() / 60
            );
            return give_up(&self.0, environment, &payload, why).await;
        }
        match run(&self.0, task, environment, &payload).await {
            Ok(verdict) => verdict,
            Err(error) => {
                tracing::error!(task.id = task.id(), error = ?error, "a webhook could not be run");
                Verdict::PutBack {
                    after: Duration::from_secs(10),
                }
            }
        }
    }
}

/// Drops a message, and says so where its run would have been logged.
async fn give_up(app: &App, environment: EnvironmentId, payload: &Payload, why: String) -> Verdict {
    if let Err(error) = log_given_up(app, environment, payload, &why).await {
        tracing::error!(error = ?error, why, "a webhook was given up and could not be logged");
    }
    Verdict::GiveUp { error: why }
}

async fn log_given_up(app: &App, environment: EnvironmentId, payload: &Payload, why: &str) -> Result<()> {
    let mut conn = app.store().read().await?;
    let connection = connections::find_by_id(&mut conn, environment, payload.connection).await?;
    drop(conn);
    let function = app.find_function_by_id(environment, payload.function).await?;
    let (Some(connection), Some(function)) = (connection, function) else {
        return Ok(());
    };
    app.operations()
        .start(environment, Kind::Webhook, "run", subject(&connection, &function.name))
        .finish(Logged::failed("webhook_given_up", why));
    Ok(())
}

fn subject(connection: &ConnectionRow, sync: &str) -> Subject {
    Subject::titled(format!("Webhook for sync {sync}"))
        .integration(&connection.unique_key, &connection.provider)
        .connection(&connection.connection_id)
        .function(sync)
}

async fn run(app: &App, task: &Task, environment: EnvironmentId, payload: &Payload) -> Result<Verdict> {
    let sealed = STANDARD
        .decode(&payload.sealed)
        .map_err(|error| Error::Internal(error.to_string()))?;
    let vault = app.vault(environment).await?;
    let message = vault.open(&place(payload.connection, payload.function), &sealed)?;
    let mut message = String::from_utf8(message.to_vec()).map_err(|error| Error::Internal(error.to_string()))?;
    if payload.window {
        let mut tx = app.store().begin().await?;
        tasks::release_key(&mut tx, task.id(), app.clock().now()).await?;
        tx.commit().await?;
        let window: debounce::Window =
            serde_json::from_str(&message).map_err(|error| Error::Internal(error.to_string()))?;
        message = window.input().to_string();
    }
    let _turn = match app.find_function_by_id(environment, payload.function).await? {
        Some(function) => match app.try_turn(&function, payload.connection).await? {
            Try::Busy => {
                return Ok(Verdict::PutBack {
                    after: TURN_AGAIN_AFTER,
                });
            }
            turn @ (Try::Free | Try::Taken(_)) => Some(turn),
        },
        None => None,
    };
    let Some(job) = begin(app, environment, payload).await? else {
        return Ok(Verdict::Done);
    };
    let key = checkpoint_key("webhook", &job.sync.name, BASE);
    let run = Some((job.run_ref(), &job.row));
    let ledger = Arc::new(Ledger::open(app, environment, job.connection.id, key, run).await?);
    let outcome = perform(&job, RunKind::Webhook, Some(message), Arc::clone(&ledger), task).await?;
    match outcome.result {
        Ok(_) => finish::succeeded(&job, &ledger, Some(task), Ended::Complete).await,
        Err(error) => match (task.stop_reason(), error.kind) {
            (Some(StopReason::Cancelled | StopReason::Lost), _) => {
                job.operation.finish(Logged::Cancelled {
                    message: "it was cancelled".to_owned(),
                });
                Ok(Verdict::Done)
            }
            (Some(StopReason::Shutdown), _) | (None, ErrorKind::WorkerLost | ErrorKind::Internal) => {
                give_back(&job).await?;
                Ok(Verdict::PutBack {
                    after: WEBHOOK_AGAIN_AFTER,
                })
            }
            (None, _) => finish::failed(&job, &ledger, Some(task), &error).await,
        },
    }
}

/// The message is run again from its start, as another run.
async fn give_back(job: &Job) -> Result<()> {
    let mut tx = job.app.store().begin().await?;
    let error = Some(r#"{"type":"worker_lost","message":"the run starts again"}"#);
    let (id, attempt, now) = (job.row.id, Some(job.row.attempt), job.app.clock().now());
    runs::finish(&mut tx, id, attempt, "STOPPED", None, error, now).await?;
    tx.commit().await?;
    job.operation.finish(Logged::Cancelled {
        message: "the run starts again".to_owned(),
    });
    Ok(())
}

async fn begin(app: &App, environment: EnvironmentId, payload: &Payload) -> Result<Option<Job>> {
    let environment = app.environment(environment).await?;
    let Some(function) = app.find_function_by_id(environment.id, payload.function).await? else {
        return Ok(None);
    };
    if !function.enabled {
        return Ok(None);
    }
    let mut tx = app.store().begin().await?;
    let Some(connection) = connections::find_by_id(&mut tx, environment.id, payload.connection).await? else {
        return Ok(None);
    };
    let found = syncs::find_named(&mut tx, environment.id, connection.id, function.id, BASE).await?;
    let Some(sync) = found else { return Ok(None) };
    let operation = app
        .operations()
        .start(environment.id, Kind::Webhook, "run", subject(&connection, &sync.name));
    let input = RunInput {
        environment_id: environment.id,
        connection_id: connection.id,
        sync_id: sync.id,
        kind: "webhook",
        r#type: "INCREMENTAL",
        empty_cache: false,
        operation_id: operation.id(),
    };
    let row = runs::insert(&mut tx, &input, app.clock().now()).await?;
    // The status shows the newest run, but not in place of a sync that is under way.
    if runs::find_open(&mut tx, sync.id).await?.is_none() {
        syncs::set_last_run(&mut tx, sync.id, row.id).await?;
    }
    tx.commit().await?;
    operation.log(Level::Debug, format!("Running onWebhook of sync '{}'", sync.name), None);
    Ok(Some(Job {
        app: app.clone(),
        environment,
        connection,
        function,
        sync,
        row,
        operation,
    }))
}
