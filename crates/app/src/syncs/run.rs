//! The queue task that runs a sync.

use std::sync::Arc;
use std::time::Duration;

use tenon_model::EnvironmentId;
use tenon_queue::{Handler, Limits, StopReason, Task, Verdict};
use tenon_runtime::{ErrorKind, Invocation, Kind as RunKind, Outcome, RunError, Taping};
use tenon_store::tables::connections::{self, ConnectionRow};
use tenon_store::tables::runs::{self, RunInput, RunRow};
use tenon_store::tables::syncs::{self, SyncRow, schedule_key};
use tenon_store::tables::{operations, schedules};

use super::finish::{self, Ended};
use super::ledger::{Ledger, RunRef};
use super::{KIND, SyncTask, checkpoint_key, title};
use crate::connections::LiveError;
use crate::environments::Environment;
use crate::functions::{Function, RunSubject, conceal_failure};
use crate::host::RunHost;
use crate::operations::{Kind, Level, OperationHandle, Outcome as Logged, Subject, parse_id};
use crate::records::{Target, shrink};
use crate::{App, Error, Result};

/// Attempts in a row without progress after which a run is given up as stalled.
pub(super) const IDLE_MAX: i64 = 10;
/// Wait before a run is taken up again whose worker died.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Runs syncs.
pub struct SyncHandler(pub App);

#[async_trait::async_trait]
impl Handler for SyncHandler {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn limits(&self) -> Limits {
        Limits {
            node: self.0.settings().runs_max,
            group: None,
        }
    }

    async fn run(&self, task: &Task) -> Verdict {
        let (Some(environment), Ok(payload)) = (task.environment(), task.json::<SyncTask>()) else {
            return Verdict::GiveUp {
                error: "the payload cannot be read".to_owned(),
            };
        };
        match run(&self.0, task, environment, &payload).await {
            Ok(verdict) => verdict,
            Err(error) => {
                // The run, if it began, stays open and is taken up by the next attempt.
                tracing::error!(sync.id = %payload.sync, error = ?error, "a sync could not be run");
                Verdict::PutBack {
                    after: Duration::from_secs(10),
                }
            }
        }
    }
}

/// Everything that a run is about.
pub(super) struct Job {
    pub(super) app: App,
    pub(super) environment: Arc<Environment>,
    pub(super) connection: ConnectionRow,
    pub(super) function: Arc<Function>,
    pub(super) sync: SyncRow,
    pub(super) row: RunRow,
    pub(super) operation: OperationHandle,
}

impl Job {
    pub(super) fn models(&self) -> &[String] {
        &self.function.definition.models
    }

    pub(super) fn run_ref(&self) -> RunRef {
        RunRef {
            id: self.row.id,
            attempt: self.row.attempt,
            variant: self.sync.variant.clone(),
            models: self.models().to_vec(),
        }
    }
}

async fn run(app: &App, task: &Task, environment: EnvironmentId, payload: &SyncTask) -> Result<Verdict> {
    let Some(job) = begin(app, environment, payload).await? else {
        return Ok(Verdict::Done);
    };
    if job.sync.idle_attempts >= IDLE_MAX {
        return finish::stalled(&job, task).await;
    }
    if job.row.empty_cache && !empty(&job).await? {
        job.operation.finish(Logged::Cancelled {
            message: "it was cancelled".to_owned(),
        });
        return Ok(Verdict::Done);
    }
    let key = checkpoint_key("sync", &job.sync.name, &job.sync.variant);
    let ledger = Ledger::open(
        app,
        environment,
        job.connection.id,
        key,
        Some((job.run_ref(), &job.row)),
    )
    .await?;
    let ledger = Arc::new(ledger);
    let outcome = perform(&job, RunKind::Sync, None, Arc::clone(&ledger), task).await?;
    match outcome.result {
        Ok(_) => finish::succeeded(&job, &ledger, Some(task), Ended::Complete).await,
        Err(error) if error.type_ == "execution_interrupted" => {
            finish::succeeded(&job, &ledger, Some(task), Ended::Interrupted).await
        }
        Err(error) => failed(&job, &ledger, task, &error).await,
    }
}

async fn failed(job: &Job, ledger: &Ledger, task: &Task, error: &RunError) -> Result<Verdict> {
    match (task.stop_reason(), error.kind) {
        // The row says so already; whatever the function did after that was refused.
        (Some(StopReason::Cancelled | StopReason::Lost), _) => {
            job.operation.finish(Logged::Cancelled {
                message: "it was cancelled".to_owned(),
            });
            Ok(Verdict::Done)
        }
        (Some(StopReason::Shutdown), _) => {
            let mut tx = job.app.store().begin().await?;
            runs::excuse(&mut tx, job.row.id, job.row.attempt).await?;
            tx.commit().await?;
            job.operation.finish(Logged::Waiting {
                message: "for the server to start again".to_owned(),
            });
            Ok(Verdict::PutBack { after: Duration::ZERO })
        }
        (None, ErrorKind::WorkerLost | ErrorKind::Internal) => {
            let message = format!("The run is taken up again from its checkpoint: {}", error.message);
            job.operation.log(Level::Warn, message, None);
            job.operation.finish(Logged::Waiting {
                message: "for another worker".to_owned(),
            });
            Ok(Verdict::PutBack { after: AGAIN_AFTER })
        }
        (None, _) => finish::failed(job, ledger, Some(task), error).await,
    }
}

/// Loads what the run needs and opens its row: a new one, or the one that a former holder left.
async fn begin(app: &App, environment: EnvironmentId, payload: &SyncTask) -> Result<Option<Job>> {
    let mut conn = app.store().read().await?;
    let Some(mut sync) = syncs::find(&mut conn, environment, payload.sync).await? else {
        return Ok(None);
    };
    let Some(connection) = connections::find_by_id(&mut conn, environment, sync.connection_id).await? else {
        return Ok(None);
    };
    let open = runs::find_open(&mut conn, sync.id).await?;
    drop(conn);
    let environment = app.environment(environment).await?;
    let Some(function) = app.find_function_by_id(environment.id, sync.function_id).await? else {
        return Ok(None);
    };
    // A function that only messages or calls start has a sync for its records, and nothing to run by itself.
    if !function.enabled || !function.is_scheduled() {
        return Ok(None);
    }
    let subject = Subject::titled(format!("Sync {}", title(&sync.name, &sync.variant)))
        .integration(&connection.unique_key, &connection.provider)
        .connection(&connection.connection_id)
        .function(title(&sync.name, &sync.variant));
    let now = app.clock().now();
    let mut tx = app.store().begin().await?;
    let taken = match open {
        Some(open) => runs::take_over(&mut tx, open.id, now).await?.map(|row| (open, row)),
        None => None,
    };
    let (row, operation) = match taken {
        Some((former, row)) => {
            // Nothing was written since the former attempt began: one more that got nowhere.
            sync.idle_attempts = if former.progress == former.attempt_progress {
                sync.idle_attempts + 1
            } else {
                0
            };
            syncs::set_idle(&mut tx, sync.id, sync.idle_attempts, sync.stalled_at).await?;
            let number = parse_id(&row.operation_id.0).unwrap_or_default();
            let sequence = operations::next_sequence(&mut tx, number).await?;
            let operation = app.operations().resume(
                &row.operation_id,
                row.started_at,
                sequence,
                environment.id,
                Kind::Sync,
                "run",
                subject,
            );
            operation.log(
                Level::Info,
                format!("Going on with the run, attempt {}", row.attempt),
                None,
            );
            (row, operation)
        }
        None => {
            let operation = app.operations().start(environment.id, Kind::Sync, "run", subject);
            let incremental =
                function.definition.sync_type.as_deref() == Some("incremental") && sync.last_sync_at.is_some();
            let input = RunInput {
                environment_id: environment.id,
                connection_id: connection.id,
                sync_id: sync.id,
                kind: "sync",
                r#type: if incremental { "INCREMENTAL" } else { "INITIAL" },
                empty_cache: payload.empty_cache,
                operation_id: operation.id(),
            };
            let row = runs::insert(&mut tx, &input, now).await?;
            syncs::set_last_run(&mut tx, sync.id, row.id).await?;
            if sync.idle_attempts > 0 {
                sync.idle_attempts = 0;
                syncs::set_idle(&mut tx, sync.id, 0, sync.stalled_at).await?;
            }
            (row, operation)
        }
    };
    let key = schedule_key(sync.id);
    if let Some(schedule) = schedules::find(&mut tx, &key).await? {
        schedules::set_next(&mut tx, &key, schedule.tick_after(now), now).await?;
    }
    tx.commit().await?;
    let meta = serde_json::json!({
        "run": row.id, "attempt": row.attempt, "type": row.r#type, "sync": sync.id, "variant": sync.variant,
    });
    let message = format!("Starting sync '{}'", title(&sync.name, &sync.variant));
    operation.log(Level::Info, message, Some(&meta));
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

/// Deletes all records of the sync's models before the function starts; false when the run was cancelled meanwhile.
async fn empty(job: &Job) -> Result<bool> {
    let run = job.run_ref();
    for model in job.models() {
        let target = Target::new(job.environment.id, job.connection.id, model, &job.sync.variant);
        job.operation
            .log(Level::Info, format!("Emptying the records of model {model}"), None);
        let mut removed = 0;
        loop {
            let mut tx = job.app.store().begin().await?;
            let (count, more) = shrink::empty_some(&mut tx, &target).await?;
            if !runs::is_current(&mut tx, run.id, run.attempt).await? {
                return Ok(false);
            }
            tx.commit().await?;
            removed += count;
            if !more {
                break;
            }
        }
        job.operation
            .log(Level::Info, format!("Removed {removed} records of model {model}"), None);
    }
    let mut tx = job.app.store().begin().await?;
    let current = runs::emptied(&mut tx, run.id, run.attempt).await?;
    tx.commit().await?;
    Ok(current)
}

/// Runs the function. Its own failure is in the outcome; ours is the error.
#[tenon_model::boxed]
pub(super) async fn perform(
    job: &Job,
    kind: RunKind,
    input_json: Option<String>,
    ledger: Arc<Ledger>,
    task: &Task,
) -> Result<Outcome> {
    let app = &job.app;
    let live = app
        .find_live(
            job.environment.id,
            &job.connection.unique_key,
            &job.connection.connection_id,
        )
        .await
        .map_err(|error| match error {
            LiveError::Internal(error) => error,
            other => Error::Internal(format!("the connection of a run cannot be used: {other:?}")),
        })?;
    let subject = RunSubject {
        environment: Arc::clone(&job.environment),
        live,
        function: Arc::clone(&job.function),
        operation: job.operation.clone(),
        guard: None,
        depth: 0,
    };
    let mut context = app.run_context(&subject).await?;
    context.sync_id = Some(job.sync.id.to_string());
    context.sync_job_id = Some(job.row.id);
    context.variant = Some(job.sync.variant.clone());
    if kind == RunKind::Sync {
        context.last_sync_date = job.sync.last_sync_at.map(|at| at.iso_millis());
        context.track_deletes = Some(job.function.definition.track_deletes);
        context.empty_cache = Some(job.row.empty_cache);
    }
    let limits = app.settings().run_limits(job.environment.settings.functions, kind);
    let invocation = Invocation {
        tenant: job.environment.id.to_string(),
        isolate_key: app.isolate_key(&subject),
        code: app.function_code(&job.function).await?,
        kind,
        input_json,
        context_json: context.to_json(),
        limits,
        cancel: task.stop_token().clone(),
        taping: Taping::Off,
    };
    let host = Arc::new(RunHost::new(app.clone(), subject.clone(), kind, ledger));
    let mut outcome = app.run_recorded(&subject, invocation, host).await;
    conceal_failure(&job.operation, &mut outcome);
    tracing::debug!(
        run.id = job.row.id,
        cpu_ms = outcome.cpu.as_millis() as u64,
        wall_ms = outcome.wall.as_millis() as u64,
        host_calls = outcome.host_calls,
        "a run ended"
    );
    Ok(outcome)
}
