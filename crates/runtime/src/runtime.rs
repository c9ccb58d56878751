//! The public face: start the pool, run functions, evaluate definitions.

use std::io;
use std::sync::Arc;

use crate::config::RuntimeConfig;
use crate::invocation::{Code, Invocation, Limits};
use crate::outcome::{ErrorKind, Outcome, RunError};
use crate::pool::{Pool, Request};
use crate::protocol::{Host, HostCall, HostError, HostReply};
use crate::tape::Taping;
use crate::wire::Task;

/// Runs customer code in sandboxed worker processes. Cheap to clone; the workers end with the last clone.
#[derive(Clone)]
pub struct Runtime {
    pool: Arc<Pool>,
}

/// Numbers for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Census {
    /// Worker processes.
    pub workers: usize,
    /// Runs that have a worker.
    pub runs: usize,
    /// Runs waiting for a worker.
    pub waiting: usize,
}

impl Runtime {
    /// Starts the pool. Returns at once; workers start behind it. Call it inside a Tokio runtime.
    pub fn start(config: RuntimeConfig) -> io::Result<Self> {
        Ok(Self {
            pool: Pool::start(config)?,
        })
    }

    /// Runs a function to its end. Dropping the future cancels the run.
    pub async fn run(&self, invocation: Invocation, host: Arc<dyn Host>) -> Outcome {
        let Invocation {
            tenant,
            isolate_key,
            code,
            kind,
            input_json,
            context_json,
            limits,
            cancel,
            taping,
        } = invocation;
        let task = Task::Call(kind);
        let cancel = cancel.child_token();
        self.perform(
            Request {
                tenant,
                isolate_key,
                code,
                task,
                input_json,
                context_json,
                limits,
                cancel,
                taping,
            },
            host,
        )
        .await
    }

    /// Evaluates a bundle without calling it and returns its definition as JSON text: `type`, `description`,
    /// `version`, `scopes`, for syncs `frequency`, `models`, `autoStart`, `syncType`, `trackDeletes`, `endpoints`,
    /// `webhookSubscriptions`, `hasWebhook`, `input`; for actions `endpoint`, `input`, `output`; for on-event
    /// functions `event`; always `json_schema: {definitions}` (functions.md §2.2 and §2.4 say how models are named
    /// and converted). A bundle in the older style gives `{"type": "legacy", ...}`.
    pub async fn evaluate_definition(
        &self,
        tenant: &str,
        code: Arc<Code>,
        integration: &str,
        name: &str,
    ) -> Result<String, RunError> {
        let limits = Limits {
            cpu: std::time::Duration::from_secs(10),
            wall: std::time::Duration::from_secs(30),
            output_bytes: 16 << 20,
            ..Limits::default()
        };
        let request = Request {
            tenant: tenant.to_owned(),
            isolate_key: None,
            code,
            task: Task::Define,
            input_json: None,
            context_json: serde_json::json!({ "integration": integration, "name": name }).to_string(),
            limits,
            cancel: tokio_util::sync::CancellationToken::new(),
            taping: Taping::Off,
        };
        self.perform(request, Arc::new(NoHost)).await.result
    }

    /// How busy the pool is.
    pub fn census(&self) -> Census {
        let (workers, runs, waiting) = self.pool.census();
        Census { workers, runs, waiting }
    }

    /// Ends all workers; runs that are still in them fail.
    pub fn shutdown(&self) {
        self.pool.shutdown();
    }

    async fn perform(&self, request: Request, host: Arc<dyn Host>) -> Outcome {
        // In a task of its own, so that a caller who walks away does not leave a run behind that nobody stops.
        let _cancel_on_drop = request.cancel.clone().drop_guard();
        let task = tokio::spawn(Arc::clone(&self.pool).perform(request, host));
        task.await.unwrap_or_else(|error| Outcome {
            result: Err(RunError {
                kind: ErrorKind::Internal,
                type_: "script_internal_error".to_owned(),
                status: 500,
                payload_json: "{}".to_owned(),
                message: format!("the run's driver failed: {error}"),
                stack: None,
                upstream: None,
            }),
            cpu: std::time::Duration::ZERO,
            wall: std::time::Duration::ZERO,
            queued: std::time::Duration::ZERO,
            memory_bytes: 0,
            host_calls: 0,
            logs_dropped: 0,
            warm: false,
            tape: None,
        })
    }
}

/// A definition is data; its bundle has nobody to talk to.
struct NoHost;

#[async_trait::async_trait]
impl Host for NoHost {
    async fn call(&self, _call: HostCall) -> Result<HostReply, HostError> {
        Err(HostError::plain(
            "Nothing can be called while a definition is evaluated",
        ))
    }
}
