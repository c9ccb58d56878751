//! Runs that write records and are no syncs: functions made by `createFunction` that a call or an event starts.
//!
//! Records belong to a run, and runs to a sync, so such a function gets a sync without a schedule on each connection that
//! it first runs on. What it writes is counted, followed and announced like the records of any other run.

use std::sync::Arc;

use serde_json::json;
use tenon_runtime::protocol::Host;
use tenon_runtime::{Kind as RunKind, RunContext, RunError};
use tenon_store::tables::connections;
use tenon_store::tables::runs::{self, RunInput};
use tenon_store::tables::syncs;

use super::finish::{self, Ended};
use super::ledger::Ledger;
use super::life::fresh_row;
use super::run::Job;
use crate::functions::{RunSubject, story};
use crate::host::RunHost;
use crate::records::BASE;
use crate::{App, Error, Result};

/// A run under way.
pub(crate) struct Apart {
    job: Job,
    ledger: Arc<Ledger>,
}

impl Apart {
    /// Opens the run's row and ledger.
    pub(crate) async fn begin(app: &App, subject: &RunSubject, kind: RunKind) -> Result<Self> {
        let (environment, function) = (&subject.environment, &subject.function);
        let now = app.clock().now();
        let mut tx = app.store().begin().await?;
        let id = subject.live.connection.id;
        let connection = connections::find_by_id(&mut tx, environment.id, id)
            .await?
            .ok_or_else(|| Error::Internal("the connection of a run is gone".to_owned()))?;
        let made = fresh_row(app, function, id, BASE);
        syncs::insert(&mut tx, &made, now).await?;
        let sync = syncs::find_named(&mut tx, environment.id, id, function.id, BASE)
            .await?
            .ok_or_else(|| {
                Error::refuse(400, "invalid_request").message(format!(
                    "A sync of the integration is called \"{}\" as well; rename the function",
                    function.name
                ))
            })?;
        let input = RunInput {
            environment_id: environment.id,
            connection_id: id,
            sync_id: sync.id,
            kind: "webhook",
            r#type: "INCREMENTAL",
            empty_cache: false,
            operation_id: subject.operation.id(),
        };
        let row = runs::insert(&mut tx, &input, now).await?;
        syncs::set_last_run(&mut tx, sync.id, row.id).await?;
        tx.commit().await?;
        let job = Job {
            app: app.clone(),
            environment: Arc::clone(environment),
            connection,
            function: Arc::clone(function),
            sync,
            row,
            operation: subject.operation.clone(),
        };
        let script_type = if kind == RunKind::OnEvent { "on-event" } else { "action" };
        let key = format!("{script_type}:{}", function.name);
        let run = Some((job.run_ref(), &job.row));
        let ledger = Arc::new(Ledger::open(app, environment.id, id, key, run).await?);
        Ok(Self { job, ledger })
    }

    /// The host of the run; what it is told about itself is added to `context`.
    pub(crate) fn host(&self, subject: &RunSubject, kind: RunKind, context: &mut RunContext) -> Arc<dyn Host> {
        context.sync_id = Some(self.job.sync.id.to_string());
        context.sync_job_id = Some(self.job.row.id);
        context.variant = Some(self.job.sync.variant.clone());
        let (app, ledger) = (self.job.app.clone(), Arc::clone(&self.ledger));
        Arc::new(RunHost::new(app, subject.clone(), kind, ledger))
    }

    /// Ends the run. How the operation ends is the caller's business when the function failed.
    pub(crate) async fn end(self, result: &Result<String, RunError>) -> Result<()> {
        let Err(error) = result else {
            finish::succeeded(&self.job, &self.ledger, None, Ended::Complete).await?;
            return Ok(());
        };
        let (results, _) = self.ledger.summary().await;
        let results = serde_json::to_string(&results).map_err(|error| Error::Internal(error.to_string()))?;
        let stored = json!({ "type": error.type_, "message": story(error) }).to_string();
        let (id, attempt) = (self.job.row.id, Some(self.job.row.attempt));
        let mut tx = self.job.app.store().begin().await?;
        let now = self.job.app.clock().now();
        runs::finish(&mut tx, id, attempt, "STOPPED", Some(&results), Some(&stored), now).await?;
        Ok(tx.commit().await?)
    }
}
