//! A claimed task as its handler sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use serde::de::DeserializeOwned;
use tenon_model::{EnvironmentId, Timestamp};
use tenon_store::tables::tasks::{TaskRow, lease};
use tenon_store::{Result, Tx};
use tokio_util::sync::CancellationToken;

/// Why a running task is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody cancelled it: whatever it does from now on is ignored.
    Cancelled,
    /// The node shuts down: return [`crate::Verdict::PutBack`] soon, another node or the next start goes on.
    Shutdown,
    /// Its lease was lost, another node may have it: write nothing more.
    Lost,
}

/// Asks a running task to stop. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stop {
    token: CancellationToken,
    reason: Arc<AtomicU8>,
}

impl Stop {
    pub(crate) fn ask(&self, reason: StopReason) {
        let code = match reason {
            StopReason::Cancelled => 1,
            StopReason::Shutdown => 2,
            StopReason::Lost => 3,
        };
        // The first reason stays, but for a loss: that forbids writes.
        let first = self
            .reason
            .compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
        if first.is_err() && reason == StopReason::Lost {
            self.reason.store(code, Ordering::SeqCst);
        }
        self.token.cancel();
    }

    fn reason(&self) -> Option<StopReason> {
        match self.reason.load(Ordering::SeqCst) {
            1 => Some(StopReason::Cancelled),
            2 => Some(StopReason::Shutdown),
            3 => Some(StopReason::Lost),
            _ => None,
        }
    }
}

/// A task in the hands of this node.
#[derive(Debug, Clone)]
pub struct Task {
    pub(crate) row: Arc<TaskRow>,
    pub(crate) holder: Arc<str>,
    pub(crate) stop: Stop,
}

impl Task {
    /// Row id; the same over all attempts.
    pub fn id(&self) -> i64 {
        self.row.id
    }

    /// Text of the one who enqueued it.
    pub fn payload(&self) -> &str {
        &self.row.payload
    }

    /// The payload read as JSON.
    ///
    /// # Errors
    /// When it has another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.row.payload)
    }

    /// Owner.
    pub fn environment(&self) -> Option<EnvironmentId> {
        (self.row.environment_id > 0).then_some(EnvironmentId(self.row.environment_id))
    }

    /// Group inside the environment.
    pub fn group(&self) -> &str {
        &self.row.group_key
    }

    /// Attempts that failed before this one.
    pub fn failures(&self) -> i64 {
        self.row.failures
    }

    /// Attempts that ended with the death of their node.
    pub fn rescues(&self) -> i64 {
        self.row.rescues
    }

    /// Whether a failure of this attempt is the last one allowed.
    pub fn is_last_attempt(&self) -> bool {
        self.row.failures + 1 >= self.row.failures_max
    }

    /// When it was enqueued.
    pub fn created_at(&self) -> Timestamp {
        self.row.created_at
    }

    /// Cancelled when the task shall stop; [`Task::stop_reason`] says why.
    pub fn stop_token(&self) -> &CancellationToken {
        &self.stop.token
    }

    /// Why the task shall stop; none while it may go on.
    pub fn stop_reason(&self) -> Option<StopReason> {
        self.stop.reason()
    }

    /// Ends the task in the handler's own transaction; answer [`crate::Verdict::Settled`] after the commit. False when
    /// this node no longer holds the task: then roll back.
    #[tenon_model::boxed]
    pub async fn finish(&self, tx: &mut Tx) -> Result<bool> {
        lease::finish(tx, self.row.id, &self.holder).await
    }
}
