//! Syncs come and go with connections and functions.
//!
//! Making a sync is safe to repeat, so each event does a bounded part at once and leaves the rest to a task that goes on
//! until nothing is missing.

use serde::{Deserialize, Serialize};
use tenon_model::{ConnectionId, EnvironmentId, FunctionId, IntegrationId, SyncId, Timestamp};
use tenon_queue::{Handler, Limits, NewTask, Task, Verdict, cancel_group, enqueue, schedules};
use tenon_store::Tx;
use tenon_store::tables::functions::{self as functions_table, FunctionFilter};
use tenon_store::tables::records::sets;
use tenon_store::tables::syncs::{self, SyncRow, schedule_key};
use tenon_store::tables::{checkpoints, connections, runs, tasks};

use super::control::CANCELLED;
use super::{Frequency, KIND, checkpoint_key, group, schedule, webhook};
use crate::environments::Environment;
use crate::functions::{Function, FunctionKind};
use crate::records::{BASE, Target, shrink};
use crate::{App, Error, Result};

/// Syncs made or removed in one transaction.
const STEP: i64 = 200;
/// Most functions of an integration that are looked at.
const FUNCTIONS_MAX: i64 = 5_000;

/// Work that is left to tasks of kind [`Upkeep::KIND`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "snake_case")]
enum Job {
    /// Make the syncs of a function that connections lack, and give them its frequency.
    Spread { function: FunctionId },
    /// Remove the syncs of a function that is gone, and show the records of models that nothing saves any more as deleted.
    Withdraw {
        integration: IntegrationId,
        function: FunctionId,
        models: Vec<String>,
    },
    /// Show the records of models that a sync no longer has as deleted.
    Drop { function: FunctionId, models: Vec<String> },
    /// Show the records of a removed sync as deleted.
    Retire {
        connection: ConnectionId,
        models: Vec<String>,
    },
    /// Remove everything that functions stored on a connection that is gone.
    Forget { connection: ConnectionId },
}

async fn leave(tx: &mut Tx, environment: EnvironmentId, job: &Job, now: Timestamp) -> Result<()> {
    let payload = serde_json::to_string(job).map_err(|error| Error::Internal(error.to_string()))?;
    enqueue(
        tx,
        &NewTask::new(Upkeep::KIND, payload).of(environment, "").attempts(20),
        now,
    )
    .await?;
    Ok(())
}

/// Does the [`Job`]s.
pub struct Upkeep(pub App);

impl Upkeep {
    /// Kind of these tasks.
    pub const KIND: &str = "sync-upkeep";

    async fn work(&self, environment: EnvironmentId, job: Job) -> Result<()> {
        let app = &self.0;
        match job {
            Job::Spread { function } => {
                while spread(app, environment, function).await? {}
                Ok(())
            }
            Job::Withdraw {
                integration,
                function,
                models,
            } => loop {
                let mut tx = app.store().begin().await?;
                let found = syncs::list_of_function(&mut tx, environment, function, STEP).await?;
                if found.is_empty() {
                    return Ok(());
                }
                let gone = orphaned(&mut tx, environment, integration, &models).await?;
                for sync in &found {
                    remove(&mut tx, sync, &gone, app.clock().now()).await?;
                }
                tx.commit().await?;
            },
            Job::Drop { function, models } => drop_models(app, environment, function, models).await,
            Job::Retire { connection, models } => {
                for model in models {
                    shrink::retire(
                        app,
                        &Target {
                            environment,
                            connection,
                            model,
                        },
                    )
                    .await?;
                }
                Ok(())
            }
            Job::Forget { connection } => {
                shrink::remove_connection(app, environment, connection).await?;
                let mut tx = app.store().begin().await?;
                checkpoints::remove_all(&mut tx, connection).await?;
                Ok(tx.commit().await?)
            }
        }
    }
}

#[async_trait::async_trait]
impl Handler for Upkeep {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn limits(&self) -> Limits {
        Limits { node: 4, group: None }
    }

    async fn run(&self, task: &Task) -> Verdict {
        let (Some(environment), Ok(job)) = (task.environment(), task.json::<Job>()) else {
            return Verdict::GiveUp {
                error: "the payload cannot be read".to_owned(),
            };
        };
        match self.work(environment, job).await {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::back_off(task, error.to_string()),
        }
    }
}

/// Has the records of models retired on every connection, unless a later deploy has brought them back.
async fn drop_models(app: &App, environment: EnvironmentId, function: FunctionId, models: Vec<String>) -> Result<()> {
    let mut tx = app.store().begin().await?;
    let Some(row) = functions_table::find_by_id(&mut tx, environment, function).await? else {
        return Ok(());
    };
    let gone = orphaned(&mut tx, environment, Function::from_row(row)?.integration_id, &models).await?;
    drop(tx);
    let mut after = SyncId(Default::default());
    loop {
        let mut tx = app.store().begin().await?;
        let page = syncs::page_of_function(&mut tx, environment, function, after, STEP).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for sync in &page {
            retire_later(&mut tx, sync, &gone, app.clock().now()).await?;
        }
        tx.commit().await?;
    }
}

/// Those of the models that no function of the integration saves any more.
async fn orphaned(
    tx: &mut Tx,
    environment: EnvironmentId,
    integration: IntegrationId,
    models: &[String],
) -> Result<Vec<String>> {
    let present = functions_of(tx, environment, integration, None).await?;
    let is_saved = |model: &String| {
        let mut saving = present
            .iter()
            .filter(|one| one.kind == FunctionKind::Sync || one.keeps_records());
        saving.any(|one| one.definition.models.contains(model))
    };
    Ok(models.iter().filter(|model| !is_saved(model)).cloned().collect())
}

/// Leaves it to a task to show the records of models of a sync as deleted.
async fn retire_later(tx: &mut Tx, sync: &SyncRow, models: &[String], now: Timestamp) -> Result<()> {
    let models = models
        .iter()
        .map(|model| crate::records::full_model(model, &sync.variant))
        .collect();
    let job = Job::Retire {
        connection: sync.connection_id,
        models,
    };
    leave(tx, sync.environment_id, &job, now).await
}

/// Makes some of the syncs that connections lack; whether there may be more to do.
async fn spread(app: &App, environment: EnvironmentId, function: FunctionId) -> Result<bool> {
    let mut tx = app.store().begin().await?;
    let Some(row) = functions_table::find_by_id(&mut tx, environment, function).await? else {
        return Ok(false);
    };
    let function = Function::from_row(row)?;
    let more = spread_in(app, &mut tx, &function).await?;
    tx.commit().await?;
    Ok(more)
}

async fn spread_in(app: &App, tx: &mut Tx, function: &Function) -> Result<bool> {
    let (environment, integration) = (function.environment_id, function.integration_id);
    let lacking = syncs::list_lacking(tx, environment, integration, function.id, STEP).await?;
    for connection in &lacking {
        make(app, tx, function, *connection).await?;
    }
    let interval = Frequency::of_function(function.definition.runs.as_deref()).interval;
    let interval_us = i64::try_from(interval.as_micros()).unwrap_or(i64::MAX);
    let other = syncs::list_other_interval(tx, environment, function.id, interval_us, STEP).await?;
    for key in &other {
        schedules::set_interval(tx, key, interval, app.clock().now()).await?;
    }
    Ok(lacking.len().max(other.len()) as i64 >= STEP)
}

/// The row of a sync that has not run yet.
pub(super) fn fresh_row(app: &App, function: &Function, connection: ConnectionId, variant: &str) -> SyncRow {
    SyncRow {
        id: SyncId(app.rng().uuid_v4()),
        environment_id: function.environment_id,
        connection_id: connection,
        function_id: function.id,
        name: function.name.clone(),
        variant: variant.to_owned(),
        frequency: None,
        last_sync_at: None,
        last_run_id: None,
        idle_attempts: 0,
        stalled_at: None,
    }
}

/// Makes the base variant of a sync on a connection, with its schedule.
async fn make(app: &App, tx: &mut Tx, function: &Function, connection: ConnectionId) -> Result<()> {
    let now = app.clock().now();
    let sync = fresh_row(app, function, connection, BASE);
    if syncs::insert(tx, &sync, now).await? {
        if !function.is_scheduled() {
            return Ok(());
        }
        let frequency = Frequency::of_function(function.definition.runs.as_deref());
        let paused = !function.definition.auto_start;
        let row = schedule(function.environment_id, connection, sync.id, &frequency, paused, now);
        schedules::upsert(tx, &row, now).await?;
    }
    Ok(())
}

/// Removes a sync: what runs is cancelled, its schedule goes, its records become deleted ones.
#[tenon_model::boxed]
pub(super) async fn remove(tx: &mut Tx, sync: &SyncRow, models: &[String], now: Timestamp) -> Result<()> {
    tasks::cancel(tx, KIND, &schedule_key(sync.id), now).await?;
    if let Some(run) = runs::find_open(tx, sync.id).await? {
        runs::finish(tx, run.id, None, "STOPPED", None, Some(CANCELLED), now).await?;
    }
    schedules::delete(tx, &schedule_key(sync.id)).await?;
    syncs::delete(tx, sync.id, now).await?;
    for script_type in ["sync", "webhook"] {
        let key = checkpoint_key(script_type, &sync.name, &sync.variant);
        checkpoints::clear(tx, sync.connection_id, &key, now).await?;
    }
    let subject = super::title(&sync.name, &sync.variant);
    connections::errors::clear(tx, sync.environment_id, sync.connection_id, "sync", &subject).await?;
    retire_later(tx, sync, models, now).await
}

/// After a connection was made or authorised again: it gets the syncs of its integration that it lacks.
#[tenon_model::boxed]
pub(crate) async fn on_connection_created(
    app: &App,
    environment: EnvironmentId,
    connection: ConnectionId,
) -> Result<()> {
    let mut tx = app.store().begin().await?;
    let Some(row) = connections::find_by_id(&mut tx, environment, connection).await? else {
        return Ok(());
    };
    let kind = Some(FunctionKind::Sync);
    for function in functions_of(&mut tx, environment, row.integration_id, kind).await? {
        make(app, &mut tx, &function, connection).await?;
    }
    Ok(tx.commit().await?)
}

/// The functions of an integration, of one kind or of all.
async fn functions_of(
    tx: &mut Tx,
    environment: EnvironmentId,
    integration: IntegrationId,
    kind: Option<FunctionKind>,
) -> Result<Vec<Function>> {
    let filter = FunctionFilter {
        integration: Some(integration),
        kind: kind.map(FunctionKind::as_str),
        search: None,
    };
    let rows = functions_table::list(tx, environment, filter, 0, FUNCTIONS_MAX).await?;
    rows.into_iter().map(Function::from_row).collect()
}

/// While a connection is removed: nothing of it runs any more, and what was stored goes.
#[tenon_model::boxed]
pub(crate) async fn on_connection_deleted(
    app: &App,
    tx: &mut Tx,
    environment: EnvironmentId,
    connection: ConnectionId,
) -> Result<()> {
    let now = app.clock().now();
    for kind in [KIND, webhook::KIND] {
        cancel_group(tx, kind, environment, &group(connection), now).await?;
    }
    runs::stop_all(tx, connection, CANCELLED, now).await?;
    for sync in syncs::list_of_connection(tx, environment, connection).await? {
        schedules::delete(tx, &schedule_key(sync.id)).await?;
        syncs::delete(tx, sync.id, now).await?;
    }
    let stored = !sets::list(tx, environment, connection).await?.is_empty();
    if stored {
        leave(tx, environment, &Job::Forget { connection }, now).await?;
    } else {
        checkpoints::remove_all(tx, connection).await?;
    }
    Ok(())
}

/// While functions are deployed: connections get what they lack, schedules the new frequency.
#[tenon_model::boxed]
pub(crate) async fn on_deployed(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    functions: &[&Function],
) -> Result<()> {
    for function in functions.iter().filter(|function| function.kind == FunctionKind::Sync) {
        if spread_in(app, tx, function).await? {
            leave(
                tx,
                environment.id,
                &Job::Spread { function: function.id },
                app.clock().now(),
            )
            .await?;
        }
    }
    Ok(())
}

/// While functions are deployed again without some of their models.
#[tenon_model::boxed]
pub(crate) async fn on_models_dropped(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    dropped: Vec<(FunctionId, Vec<String>)>,
) -> Result<()> {
    for (function, models) in dropped {
        leave(tx, environment.id, &Job::Drop { function, models }, app.clock().now()).await?;
    }
    Ok(())
}

/// While functions are removed.
#[tenon_model::boxed]
pub(crate) async fn on_removed(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    functions: &[&Function],
) -> Result<()> {
    for function in functions {
        let job = Job::Withdraw {
            integration: function.integration_id,
            function: function.id,
            models: function.definition.models.clone(),
        };
        leave(tx, environment.id, &job, app.clock().now()).await?;
    }
    Ok(())
}
