//! How a run ends: counters, events, schedule and task in one transaction.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_model::Timestamp;
use tenon_queue::{Task, Verdict, enqueue};
use tenon_runtime::RunError;
use tenon_store::Tx;
use tenon_store::tables::connections::errors;
use tenon_store::tables::records::{sets, sightings};
use tenon_store::tables::syncs::{self, schedule_key};
use tenon_store::tables::{checkpoints, locks, runs, schedules};

use super::ledger::{Ledger, LedgerError, Span, generation};
use super::run::{IDLE_MAX, Job};
use super::{mark_suffix, task as next_task, title};
use crate::functions::story;
use crate::operations::{Level, Outcome as Logged};
use crate::records::{Counts, full_model};
use crate::webhooks::outbound::{SyncEvent, SyncFailure, SyncSuccess, enqueue_sync};
use crate::{Error, Result};

/// Parts of notes about unchanged records from which it is worth to join them, while a pass stays open over many runs.
const PARTS_MAX: i64 = 64;
/// Type of the failure of a run whose attempts get nowhere.
const STALLED: &str = "sync_stalled";

/// How far a successful run got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// To its end.
    Complete,
    /// It was asked to pause at a checkpoint: the next run goes on at once.
    Interrupted,
}

/// Ends a run that succeeded.
#[tenon_model::boxed]
pub(super) async fn succeeded(job: &Job, ledger: &Ledger, task: Option<&Task>, ended: Ended) -> Result<Verdict> {
    let is_sync = job.row.kind == "sync";
    if is_sync && ended == Ended::Complete && job.function.definition.track_deletes {
        for model in job.models() {
            match ledger.delete_previous(model).await {
                Ok(deleted) => {
                    let message = format!("Deleted {} records of model {model} that are gone", deleted.len());
                    job.operation.log(Level::Info, message, None);
                }
                Err(LedgerError::Fenced) => return Ok(over(job)),
                Err(LedgerError::App(error)) => return Err(error),
                Err(other) => return Err(Error::Internal(other.to_string())),
            }
        }
    }
    let app = &job.app;
    let (mut results, span) = ledger.summary().await;
    for model in job.models() {
        results.entry(model.clone()).or_default();
    }
    let text = serde_json::to_string(&results).map_err(|error| Error::Internal(error.to_string()))?;
    let now = app.clock().now();
    let mut tx = app.store().begin().await?;
    let (id, attempt) = (job.row.id, job.row.attempt);
    if !runs::finish(&mut tx, id, Some(attempt), "SUCCESS", Some(&text), None, now).await? {
        return Ok(over(job));
    }
    if is_sync {
        syncs::set_last_sync(&mut tx, job.sync.id, Some(job.row.started_at)).await?;
        syncs::set_idle(&mut tx, job.sync.id, 0, None).await?;
        let subject = title(&job.sync.name, &job.sync.variant);
        errors::clear(&mut tx, job.environment.id, job.connection.id, "sync", &subject).await?;
    }
    for model in job.models() {
        let counts = results.get(model).copied().unwrap_or_default();
        let success = success(model, counts, job.row.started_at, span.as_ref());
        enqueue_sync(app, &mut tx, &job.environment, &event(job, Ok(success))).await?;
    }
    tidy(job, &mut tx, now).await?;
    if !settle(job, &mut tx, task, now).await? {
        return Ok(over(job));
    }
    if ended == Ended::Interrupted {
        enqueue(&mut tx, &next_task(&job.sync, false), now).await?;
    }
    tx.commit().await?;
    let meta = json!({ "results": results, "checkpoints": span });
    job.operation.log(Level::Info, "The run succeeded", Some(&meta));
    job.operation.finish(Logged::Success);
    Ok(Verdict::Settled)
}

/// Ends a run that failed by its own fault.
#[tenon_model::boxed]
pub(super) async fn failed(job: &Job, ledger: &Ledger, task: Option<&Task>, error: &RunError) -> Result<Verdict> {
    let (results, span) = ledger.summary().await;
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_else(|_| json!({}));
    let failure = Failure {
        kind: error.type_.clone(),
        description: describe(&error.type_).map_or_else(|| story(error), str::to_owned),
        payload: Some(payload),
        upstream: error.upstream.as_ref().map(|upstream| {
            json!({ "upstream_response":
                { "status": upstream.status, "headers": upstream.headers, "body": upstream.body } })
        }),
        story: story(error),
    };
    let text = serde_json::to_string(&results).map_err(|error| Error::Internal(error.to_string()))?;
    fail(job, task, &failure, Some(&text), span).await
}

/// Ends a run whose attempts get nowhere.
#[tenon_model::boxed]
pub(super) async fn stalled(job: &Job, task: &Task) -> Result<Verdict> {
    let message = format!(
        "The sync is stalled: {IDLE_MAX} attempts in a row ended without a new record or checkpoint. See the messages \
         of its runs for what ends them."
    );
    let failure = Failure {
        kind: STALLED.to_owned(),
        description: message.clone(),
        payload: Some(json!({ "attempts": job.sync.idle_attempts, "run": job.row.id })),
        upstream: None,
        story: message,
    };
    tracing::warn!(sync.id = %job.sync.id, run.id = job.row.id, "a sync is stalled");
    fail(job, Some(task), &failure, None, None).await
}

struct Failure {
    kind: String,
    description: String,
    payload: Option<Value>,
    upstream: Option<Value>,
    story: String,
}

async fn fail(
    job: &Job,
    task: Option<&Task>,
    failure: &Failure,
    results: Option<&str>,
    span: Option<Span>,
) -> Result<Verdict> {
    let app = &job.app;
    let now = app.clock().now();
    let mut tx = app.store().begin().await?;
    let stored = json!({ "type": failure.kind, "message": failure.story, "payload": failure.payload }).to_string();
    let (id, attempt) = (job.row.id, job.row.attempt);
    if !runs::finish(&mut tx, id, Some(attempt), "STOPPED", results, Some(&stored), now).await? {
        return Ok(over(job));
    }
    if job.row.kind == "sync" {
        let since = match runs::find(&mut tx, id).await? {
            _ if failure.kind == STALLED => job.sync.stalled_at.or(Some(now)),
            // It failed, but it got somewhere.
            Some(row) if row.progress > 0 => None,
            _ => job.sync.stalled_at,
        };
        syncs::set_idle(&mut tx, job.sync.id, 0, since).await?;
        let subject = title(&job.sync.name, &job.sync.variant);
        let log = job.operation.id().0.as_str();
        errors::set(
            &mut tx,
            job.environment.id,
            job.connection.id,
            "sync",
            &subject,
            log,
            now,
        )
        .await?;
    }
    let event_failure = SyncFailure {
        models: job.models(),
        description: &failure.description,
        payload: failure.payload.clone(),
        additional_properties: failure.upstream.clone(),
        started_at: job.sync.last_sync_at.unwrap_or(now),
        failed_at: now,
        checkpoints: span.map(|span| json!(span)),
    };
    enqueue_sync(app, &mut tx, &job.environment, &event(job, Err(event_failure))).await?;
    tidy(job, &mut tx, now).await?;
    if !settle(job, &mut tx, task, now).await? {
        return Ok(over(job));
    }
    tx.commit().await?;
    job.operation
        .log(Level::Error, failure.story.clone(), failure.payload.as_ref());
    job.operation
        .finish(Logged::failed(failure.kind.clone(), failure.story.clone()));
    Ok(Verdict::Settled)
}

/// Somebody else has the run, or ended it: what this attempt did not write yet is dropped.
fn over(job: &Job) -> Verdict {
    job.operation.finish(Logged::Cancelled {
        message: "it was cancelled".to_owned(),
    });
    Verdict::Done
}

/// Schedule, locks and task; false when the task is no longer ours.
async fn settle(job: &Job, tx: &mut Tx, task: Option<&Task>, now: Timestamp) -> Result<bool> {
    if job.row.kind == "sync" {
        let key = schedule_key(job.sync.id);
        if let Some(schedule) = schedules::find(tx, &key).await?
            && schedule.next_at <= now
        {
            schedules::set_next(tx, &key, schedule.tick_after(now), now).await?;
        }
    }
    locks::release_all(tx, job.environment.id, &job.operation.id().0).await?;
    match task {
        Some(task) => Ok(task.finish(tx).await?),
        None => Ok(true),
    }
}

/// Drops notes about unchanged records that no pass can ask for any more.
async fn tidy(job: &Job, tx: &mut Tx, now: Timestamp) -> Result<()> {
    let (environment, connection) = (job.environment.id, job.connection.id);
    let open = runs::oldest_open(tx, connection).await?;
    let full: Vec<String> = job
        .models()
        .iter()
        .map(|model| full_model(model, &job.sync.variant))
        .collect();
    sets::touch(tx, environment, connection, &full, now).await?;
    for (model, full) in job.models().iter().zip(&full) {
        let Some(set) = sets::lock_existing(tx, environment, connection, full).await? else {
            continue;
        };
        let marks = checkpoints::list_marks(tx, connection, &mark_suffix(model)).await?;
        let marks: Vec<i64> = marks.iter().filter_map(|mark| generation(mark)).collect();
        let keep = marks.iter().copied().chain(open).min().unwrap_or(i64::MAX);
        sightings::forget_before(tx, set.id, keep).await?;
        if let ([began], None) = (marks.as_slice(), open)
            && sightings::count(tx, set.id).await? > PARTS_MAX
        {
            sightings::compact(tx, set.id, *began, job.row.id).await?;
        }
    }
    Ok(())
}

fn success<'a>(model: &'a str, counts: Counts, started_at: Timestamp, span: Option<&Span>) -> SyncSuccess<'a> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    SyncSuccess {
        model,
        added: count(counts.added),
        updated: count(counts.updated),
        deleted: count(counts.deleted),
        modified_after: started_at,
        checkpoints: span.map(|span| json!(span)),
    }
}

fn event<'a>(job: &'a Job, outcome: Result<SyncSuccess<'a>, SyncFailure<'a>>) -> SyncEvent<'a> {
    SyncEvent {
        integration: &job.connection.unique_key,
        connection: &job.connection.connection_id,
        webhook_url_override: job.connection.webhook_url_override.as_deref(),
        sync: &job.sync.name,
        variant: &job.sync.variant,
        sync_type: match (job.row.kind.as_str(), job.sync.last_sync_at) {
            ("webhook", _) => "WEBHOOK",
            (_, None) => "INITIAL",
            (_, Some(_)) => "INCREMENTAL",
        },
        outcome,
    }
}

/// The sentence of the public contract for a kind of failure.
fn describe(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "action_script_runtime_error" => "The action script failed with a runtime error",
        "script_http_error" => "An error occurred during an HTTP call",
        "script_api_rate_limit_error" => "The function called the platform's API too often",
        "script_network_error" => "A network error occurred during an HTTP call",
        "script_internal_error" => "An internal error occurred during the script execution",
        _ => return None,
    })
}

/// How long webhook runs wait before they are tried again after a lost worker.
pub(super) const WEBHOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
