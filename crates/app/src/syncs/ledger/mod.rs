//! The one place through which a run writes.
//!
//! Writes of a run are made one after another in the order in which the function asked for them, so a checkpoint is never
//! durable before the records that it speaks of. Each is one transaction with the counters of the run, and each names the
//! attempt: when somebody else has the run, nothing is written and the function is told to stop
//! ([`LedgerError::Fenced`]). Functions that are no syncs have a ledger without a run, for their checkpoints.

mod check;
mod error;

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use tenon_credentials::vault::EnvironmentVault;
use tenon_model::{ConnectionId, EnvironmentId};
use tenon_store::Tx;
use tenon_store::tables::checkpoints::{self, Stored};
use tenon_store::tables::records::sets;
use tenon_store::tables::runs::{self, Progress, RunRow};
use tokio::sync::Mutex;

use check::check;
pub(crate) use check::check as check_checkpoint;
pub use error::LedgerError;

use super::mark_key;
use crate::records::absence::Absence;
use crate::records::{Ceiling, Chunk, Counts, Operation, Report, Target, Write, write};
use crate::{App, Error};

/// Attempts at a write that the database refused.
const TRIES: u32 = 3;

/// The run that writes.
#[derive(Debug, Clone)]
pub(crate) struct RunRef {
    pub(crate) id: i64,
    pub(crate) attempt: i64,
    pub(crate) variant: String,
    pub(crate) models: Vec<String>,
}

/// First and last checkpoint that a run saw.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Span {
    pub(crate) from: Value,
    pub(crate) to: Value,
}

#[derive(Debug, Clone, Copy)]
enum Merging {
    Override,
    Below(Ceiling),
}

#[derive(Debug, Default)]
struct Page {
    results: BTreeMap<String, Counts>,
    span: Option<Span>,
    stored: Option<Stored>,
    merging: HashMap<String, Merging>,
}

/// See the module's description.
pub(crate) struct Ledger {
    app: App,
    environment: EnvironmentId,
    connection: ConnectionId,
    key: String,
    vault: EnvironmentVault,
    run: Option<RunRef>,
    page: Mutex<Page>,
}

/// What a batch did, for the log.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) report: Report,
    pub(crate) duplicates: Vec<String>,
}

impl Ledger {
    /// A ledger for the checkpoint under `key`, and for the records of `run`.
    #[tenon_model::boxed]
    pub(crate) async fn open(
        app: &App,
        environment: EnvironmentId,
        connection: ConnectionId,
        key: String,
        run: Option<(RunRef, &RunRow)>,
    ) -> crate::Result<Self> {
        let page = match &run {
            Some((_, row)) => Page {
                results: serde_json::from_str(&row.results).unwrap_or_default(),
                span: row
                    .checkpoints
                    .as_deref()
                    .and_then(|text| serde_json::from_str(text).ok()),
                ..Page::default()
            },
            None => Page::default(),
        };
        let vault = app.vault(environment).await?;
        let run = run.map(|(run, _)| run);
        Ok(Self {
            app: app.clone(),
            environment,
            connection,
            key,
            vault,
            run,
            page: Mutex::new(page),
        })
    }

    /// The stream of a model.
    pub(crate) fn target(&self, model: &str) -> Result<Target, LedgerError> {
        let run = self.run()?;
        Ok(Target::new(self.environment, self.connection, model, &run.variant))
    }

    fn run(&self) -> Result<&RunRef, LedgerError> {
        self.run.as_ref().ok_or(LedgerError::NoRecords)
    }

    fn declared(&self, model: &str) -> Result<Target, LedgerError> {
        if self.run()?.models.iter().any(|declared| declared == model) {
            return self.target(model);
        }
        Err(LedgerError::Undeclared(model.to_owned()))
    }

    /// Counters per model, and the checkpoints seen.
    #[tenon_model::boxed]
    pub(crate) async fn summary(&self) -> (BTreeMap<String, Counts>, Option<Span>) {
        let page = self.page.lock().await;
        (page.results.clone(), page.span.clone())
    }

    /// Writes a chunk of records.
    #[tenon_model::boxed]
    pub(crate) async fn batch(&self, operation: Operation, model: &str, records: &str) -> Result<Batch, LedgerError> {
        let target = self.declared(model)?;
        let run = self.run()?;
        let chunk = Chunk::parse(records).map_err(LedgerError::Chunk)?;
        let mut page = self.page.lock().await;
        let ceiling = match page.merging.get(model) {
            Some(Merging::Below(ceiling)) => Some(*ceiling),
            Some(Merging::Override) | None => None,
        };
        let one = Write {
            target: &target,
            operation,
            chunk: &chunk,
            generation: run.id,
            ceiling,
        };
        let mut results = page.results.clone();
        let mut tries = 0;
        let report = loop {
            match self.try_batch(&page, &one, model, &mut results).await {
                Err(LedgerError::App(Error::Store(error))) if tries + 1 < TRIES => {
                    tries += 1;
                    tracing::warn!(run.id, error = ?error, "a batch of records is tried again");
                    results.clone_from(&page.results);
                    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
                }
                done => break done?,
            }
        };
        page.results = results;
        if let (Some(Merging::Below(ceiling)), Some(last)) = (page.merging.get_mut(model), report.last_change) {
            ceiling.0 = ceiling.0.max(last);
        }
        Ok(Batch {
            report,
            duplicates: chunk.duplicates,
        })
    }

    async fn try_batch(
        &self,
        page: &Page,
        one: &Write<'_>,
        model: &str,
        results: &mut BTreeMap<String, Counts>,
    ) -> Result<Report, LedgerError> {
        let mut tx = self.app.store().begin().await?;
        let report = write(&mut tx, self.app.clock(), &self.vault, one).await?;
        *results.entry(model.to_owned()).or_default() += report.counts;
        self.advance(&mut tx, results, page.span.as_ref(), report.changed)
            .await?;
        tx.commit().await?;
        Ok(report)
    }

    /// Notes progress in the run's row; refuses when this attempt is over.
    async fn advance(
        &self,
        tx: &mut Tx,
        results: &BTreeMap<String, Counts>,
        span: Option<&Span>,
        changes: i64,
    ) -> Result<(), LedgerError> {
        let Some(run) = &self.run else { return Ok(()) };
        let text = |error: serde_json::Error| LedgerError::App(Error::Internal(error.to_string()));
        let results = serde_json::to_string(results).map_err(text)?;
        let span = span.map(serde_json::to_string).transpose().map_err(text)?;
        let progress = Progress {
            results: &results,
            checkpoints: span.as_deref(),
            changes,
        };
        let now = self.app.clock().now();
        if runs::advance(tx, run.id, run.attempt, progress, now).await? {
            Ok(())
        } else {
            Err(LedgerError::Fenced)
        }
    }

    /// Reads the checkpoint unless it is known; the first look decides what the run reports as its start.
    async fn look(&self, page: &mut Page) -> Result<Stored, LedgerError> {
        if let Some(stored) = &page.stored {
            return Ok(stored.clone());
        }
        let mut conn = self.app.store().read().await?;
        let stored = checkpoints::find(&mut conn, self.connection, &self.key).await?;
        drop(conn);
        let value = parsed(stored.value.as_deref());
        match &mut page.span {
            // Taken over from a former attempt: the run began where that one did.
            Some(span) => span.to = value,
            None => {
                page.span = Some(Span {
                    from: value.clone(),
                    to: value,
                })
            }
        }
        page.stored = Some(stored.clone());
        Ok(stored)
    }

    /// The checkpoint as JSON text, `null` when there is none.
    #[tenon_model::boxed]
    pub(crate) async fn checkpoint(&self) -> Result<String, LedgerError> {
        let mut page = self.page.lock().await;
        let first = page.span.is_none();
        // Read again each time: the function may ask because it knows that somebody else wrote.
        page.stored = None;
        let stored = self.look(&mut page).await?;
        if first && self.run.is_some() {
            let mut tx = self.app.store().begin().await?;
            self.advance(&mut tx, &page.results, page.span.as_ref(), 0).await?;
            tx.commit().await?;
        }
        Ok(stored.value.unwrap_or_else(|| "null".to_owned()))
    }

    /// Saves the checkpoint.
    #[tenon_model::boxed]
    pub(crate) async fn save_checkpoint(&self, text: &str) -> Result<(), LedgerError> {
        let mut page = self.page.lock().await;
        // A look comes first even when the value is refused: what the run began with is reported.
        let stored = self.look(&mut page).await?;
        let value = check(text).map_err(LedgerError::Checkpoint)?;
        self.put(&mut page, stored, Some((text, value))).await
    }

    /// Clears the checkpoint.
    #[tenon_model::boxed]
    pub(crate) async fn clear_checkpoint(&self) -> Result<(), LedgerError> {
        let mut page = self.page.lock().await;
        let stored = self.look(&mut page).await?;
        if stored.value.is_none() {
            return Err(LedgerError::Conflict);
        }
        self.put(&mut page, stored, None).await
    }

    async fn put(&self, page: &mut Page, stored: Stored, new: Option<(&str, Value)>) -> Result<(), LedgerError> {
        let (text, value) = match new {
            Some((text, value)) => (Some(text), value),
            None => (None, Value::Null),
        };
        let span = Span {
            from: page.span.as_ref().map_or(Value::Null, |span| span.from.clone()),
            to: value,
        };
        // The same checkpoint again is no progress.
        let changes = i64::from(page.span.as_ref().is_none_or(|old| old.to != span.to));
        let mut tx = self.app.store().begin().await?;
        self.advance(&mut tx, &page.results, Some(&span), changes).await?;
        let now = self.app.clock().now();
        let key = self.key.as_str();
        let version = checkpoints::write(
            &mut tx,
            self.environment,
            self.connection,
            key,
            stored.version,
            text,
            now,
        )
        .await?;
        let version = version.ok_or(LedgerError::Conflict)?;
        tx.commit().await?;
        page.span = Some(span);
        page.stored = Some(Stored {
            value: text.map(str::to_owned),
            version,
        });
        Ok(())
    }

    /// Begins a pass over a model, unless one is open.
    #[tenon_model::boxed]
    pub(crate) async fn start_pass(&self, model: &str) -> Result<(), LedgerError> {
        self.declared(model)?;
        let run = self.run()?;
        let page = self.page.lock().await;
        let key = mark_key(&self.key, model);
        let mut tx = self.app.store().begin().await?;
        let mark = checkpoints::find(&mut tx, self.connection, &key).await?;
        if mark.value.is_some() {
            return Ok(());
        }
        let value = json!({ "job": run.id }).to_string();
        let now = self.app.clock().now();
        let (connection, version) = (self.connection, mark.version);
        checkpoints::write(&mut tx, self.environment, connection, &key, version, Some(&value), now)
            .await?
            .ok_or(LedgerError::Conflict)?;
        self.advance(&mut tx, &page.results, page.span.as_ref(), 0).await?;
        Ok(tx.commit().await?)
    }

    /// Ends the open pass over a model: what it did not meet is deleted. Answers the ids.
    #[tenon_model::boxed]
    pub(crate) async fn end_pass(&self, model: &str) -> Result<Vec<String>, LedgerError> {
        self.declared(model)?;
        let key = mark_key(&self.key, model);
        let mut conn = self.app.store().read().await?;
        let mark = checkpoints::find(&mut conn, self.connection, &key).await?;
        drop(conn);
        let began = mark.value.as_deref().and_then(generation);
        let began = began.ok_or_else(|| LedgerError::NoPass(model.to_owned()))?;
        let deleted = self.delete_unmet(model, began).await?;
        let mut tx = self.app.store().begin().await?;
        let now = self.app.clock().now();
        checkpoints::write(
            &mut tx,
            self.environment,
            self.connection,
            &key,
            mark.version,
            None,
            now,
        )
        .await?
        .ok_or(LedgerError::Conflict)?;
        tx.commit().await?;
        Ok(deleted)
    }

    /// Deletes what this run did not meet.
    #[tenon_model::boxed]
    pub(crate) async fn delete_previous(&self, model: &str) -> Result<Vec<String>, LedgerError> {
        self.declared(model)?;
        let began = self.run()?.id;
        self.delete_unmet(model, began).await
    }

    async fn delete_unmet(&self, model: &str, began: i64) -> Result<Vec<String>, LedgerError> {
        let target = self.target(model)?;
        let run = self.run()?;
        let mut page = self.page.lock().await;
        let mut walk = Absence::new(&target, began, run.id);
        let mut deleted = Vec::new();
        loop {
            let mut tx = self.app.store().begin().await?;
            let Some(ids) = walk.step(&mut tx, self.app.clock()).await? else {
                return Ok(deleted);
            };
            let count = i64::try_from(ids.len()).unwrap_or(i64::MAX);
            let mut results = page.results.clone();
            results.entry(model.to_owned()).or_default().deleted += count;
            self.advance(&mut tx, &results, page.span.as_ref(), count).await?;
            tx.commit().await?;
            page.results = results;
            deleted.extend(ids);
        }
    }

    /// Sets how writes meet records that changed meanwhile; false when it was set before.
    #[tenon_model::boxed]
    pub(crate) async fn set_merging(&self, model: &str, ignore_newer: bool) -> Result<bool, LedgerError> {
        let target = self.declared(model)?;
        let mut page = self.page.lock().await;
        if page.merging.contains_key(model) {
            return Ok(false);
        }
        let mut merging = Merging::Override;
        if ignore_newer {
            let mut conn = self.app.store().read().await?;
            let set = sets::find(&mut conn, target.environment, target.connection, &target.model).await?;
            if let Some(set) = set.filter(|set| set.last_seq > 0) {
                merging = Merging::Below(Ceiling(set.last_change_at));
            }
        }
        page.merging.insert(model.to_owned(), merging);
        Ok(true)
    }
}

/// The run with which an open pass began.
pub(crate) fn generation(mark: &str) -> Option<i64> {
    serde_json::from_str::<Value>(mark).ok()?.get("job")?.as_i64()
}

fn parsed(text: Option<&str>) -> Value {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or(Value::Null)
}
