//! Dry runs and deployments of single functions: accepted at once, worked off in the background, kept for a week.
//!
//! The source stays in the memory of the node that accepted it. When that node ends, the job is reported as failed; the
//! caller has the source and asks again.

use std::future::Future;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tenon_model::{EnvironmentId, Timestamp};
use tenon_store::tables::function_jobs::{self as table, FunctionJobRow};
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use crate::functions::FunctionKind;
use crate::functions::builder::sanitised;
use crate::{App, Error, Result};

/// Time between the end of a job and the moment at which it is given up: what ends by itself is told and logged.
const MARGIN: Duration = Duration::from_secs(10);
/// A job without an outcome so long after its time has lost its node.
const LOST: Duration = Duration::from_secs(60);

/// What kind of work a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobKind {
    DryRun,
    Deployment,
}

impl JobKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::DryRun => "dryrun",
            Self::Deployment => "deployment",
        }
    }

    fn missing(self) -> Error {
        match self {
            Self::DryRun => Error::refuse(404, "dryrun_not_found").message("There is no such dry run"),
            Self::Deployment => Error::refuse(404, "deployment_not_found").message("There is no such deployment"),
        }
    }

    /// Code of a failure that has none of the public ones.
    const fn failure(self) -> &'static str {
        match self {
            Self::DryRun => "dryrun_error",
            Self::Deployment => "deployment_error",
        }
    }
}

/// What a job is about.
#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) kind: JobKind,
    pub(super) environment: EnvironmentId,
    pub(super) integration: String,
    pub(super) function: String,
    pub(super) function_type: FunctionKind,
}

impl Job {
    /// The row of one that waits.
    fn row(&self, id: Uuid, now: Timestamp) -> FunctionJobRow {
        FunctionJobRow {
            id,
            environment_id: self.environment,
            kind: self.kind.as_str().to_owned(),
            integration: self.integration.clone(),
            function: self.function.clone(),
            function_type: self.function_type.as_str().to_owned(),
            state: "waiting".to_owned(),
            result: None,
            created_at: now,
            started_at: None,
            ended_at: None,
        }
    }
}

/// How a job ended: members of its answer.
#[derive(Debug, Default)]
pub(super) struct Ended {
    pub(super) failed: bool,
    pub(super) details: Map<String, Value>,
}

impl Ended {
    pub(super) fn success(details: Map<String, Value>) -> Self {
        Self { failed: false, details }
    }

    pub(super) fn failed(code: &str, message: &str, payload: Option<Value>, mut details: Map<String, Value>) -> Self {
        let mut error = Map::new();
        error.insert("code".to_owned(), json!(code));
        error.insert("message".to_owned(), json!(sanitised(message)));
        if let Some(payload) = payload {
            error.insert("payload".to_owned(), payload);
        }
        details.insert("error".to_owned(), Value::Object(error));
        Self { failed: true, details }
    }

    fn of_error(kind: JobKind, error: &Error) -> Self {
        let Some(refusal) = error.refusal() else {
            tracing::error!(error = ?error, "a {} failed inside the server", kind.as_str());
            let message = "The server failed; its log has the details";
            return Self::failed("server_error", message, None, Map::new());
        };
        let public = matches!(
            refusal.code.as_str(),
            "invalid_request"
                | "integration_not_found"
                | "compilation_error"
                | "connection_not_found"
                | "function_disabled"
                | "execution_environment_unavailable"
                | "timeout"
                | "validation_error"
        );
        let code = if public { refusal.code.as_str() } else { kind.failure() };
        Self::failed(code, &refusal.sentence(), refusal.payload.clone(), Map::new())
    }
}

fn place(environment: EnvironmentId, id: Uuid) -> String {
    format!("function_jobs/{environment}/{id}/result")
}

impl App {
    /// Stores the job and works it off in the background. `work` must end by itself soon after the shutdown token is
    /// cancelled. The answer is the one to the caller.
    pub(super) async fn start_job(
        &self,
        job: Job,
        permit: OwnedSemaphorePermit,
        work: impl Future<Output = Result<Ended>> + Send + 'static,
    ) -> Result<Value> {
        let now = self.clock().now();
        let row = job.row(self.rng().uuid_v4(), now);
        let mut tx = self.store().begin().await?;
        table::insert(&mut tx, &row).await?;
        tx.commit().await?;
        let (app, id) = (self.clone(), row.id);
        self.spawn("work off a job of the remote builder", async move {
            let _permit = permit;
            app.work_off_job(&job, id, work).await
        });
        Ok(json!({ "id": id.to_string(), "status": "waiting", "created_at": now.iso_millis() }))
    }

    /// Stores a job that has ended already. The answer is the one to the caller.
    pub(super) async fn record_job(&self, job: &Job, ended: Ended) -> Result<Value> {
        let now = self.clock().now();
        let id = self.rng().uuid_v4();
        let state = if ended.failed { "failed" } else { "success" };
        let plain = Value::Object(ended.details).to_string();
        let sealed = self
            .vault(job.environment)
            .await?
            .seal(&place(job.environment, id), plain.as_bytes());
        let row = job.row(id, now);
        let mut tx = self.store().begin().await?;
        table::insert(&mut tx, &row).await?;
        table::begin(&mut tx, job.environment, id, now).await?;
        table::finish(&mut tx, job.environment, id, state, &sealed, self.clock().now()).await?;
        tx.commit().await?;
        Ok(json!({ "id": id.to_string(), "status": state, "created_at": now.iso_millis() }))
    }

    async fn work_off_job(&self, job: &Job, id: Uuid, work: impl Future<Output = Result<Ended>>) -> Result<()> {
        let mut tx = self.store().begin().await?;
        table::begin(&mut tx, job.environment, id, self.clock().now()).await?;
        tx.commit().await?;
        let within = self.settings().remote_job_within;
        let ended = match tokio::time::timeout(within + MARGIN, work).await {
            Ok(Ok(ended)) => ended,
            Ok(Err(error)) => Ended::of_error(job.kind, &error),
            Err(_) => {
                let message = format!("It did not end within {} seconds", within.as_secs());
                Ended::failed("timeout", &message, None, Map::new())
            }
        };
        let plain = Value::Object(ended.details).to_string();
        let sealed = self
            .vault(job.environment)
            .await?
            .seal(&place(job.environment, id), plain.as_bytes());
        let state = if ended.failed { "failed" } else { "success" };
        let mut tx = self.store().begin().await?;
        table::finish(&mut tx, job.environment, id, state, &sealed, self.clock().now()).await?;
        Ok(tx.commit().await?)
    }

    /// A job as its owner sees it.
    #[tenon_model::boxed]
    pub(super) async fn read_job(&self, environment: EnvironmentId, kind: JobKind, id: &str) -> Result<Value> {
        let id = Uuid::try_parse(id).map_err(|_| kind.missing())?;
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, environment, kind.as_str(), id).await?;
        drop(conn);
        let row = row.ok_or_else(|| kind.missing())?;
        let mut shown = Map::new();
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        let lost = row.ended_at.is_none()
            && self.clock().now().since(row.created_at) > self.settings().remote_job_within + LOST;
        let state = if lost { "failed" } else { row.state.as_str() };
        set("id", json!(row.id.to_string()));
        set("status", json!(state));
        set("integration_id", json!(row.integration));
        if kind == JobKind::Deployment {
            set("function_name", json!(row.function));
        }
        set("function_type", json!(row.function_type));
        set("created_at", json!(row.created_at.iso_millis()));
        let updated = row.ended_at.or(row.started_at).unwrap_or(row.created_at);
        set("updated_at", json!(updated.iso_millis()));
        if let Some(started) = row.started_at {
            set("started_at", json!(started.iso_millis()));
        }
        if let Some(ended) = row.ended_at {
            set("completed_at", json!(ended.iso_millis()));
            let took = ended.since(row.started_at.unwrap_or(row.created_at));
            set(
                "duration_ms",
                json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
            );
        }
        if lost {
            let message = "The server that worked on it has stopped; start it again";
            shown.extend(Ended::failed("server_error", message, None, Map::new()).details);
        }
        if let Some(sealed) = &row.result {
            let plain = self.vault(environment).await?.open(&place(environment, id), sealed)?;
            let details: Map<String, Value> = serde_json::from_slice(&plain)
                .map_err(|_| Error::Internal(format!("the result of job {id} is not readable")))?;
            shown.extend(details);
        }
        Ok(Value::Object(shown))
    }
}
