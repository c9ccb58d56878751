//! Forgetting what is old, in small steps.

use std::time::Duration;

use tenon_model::Timestamp;
use tenon_store::tables::{async_actions, function_jobs, inbox, operations, outbox, run_recordings};

use crate::{App, Result};

/// Rows per step: on SQLite other writers wait meanwhile.
const STEP: i64 = 500;
/// How often old rows are looked for.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// How long ended deliveries, received webhooks and results of actions are kept.
const ENDED_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

impl App {
    /// Removes what has been kept long enough; returns how many rows of all kinds.
    #[tenon_model::boxed]
    pub async fn forget_old_operations(&self) -> Result<u64> {
        let now = self.clock().now();
        let days = u64::from(self.settings().log_retention_days.max(1));
        let logged = now.minus(Duration::from_secs(days * 24 * 3600));
        let ended = now.minus(ENDED_KEPT);
        let record_days = u64::from(self.settings().recordings.days.max(1));
        let recorded = now.minus(Duration::from_secs(record_days * 24 * 3600));
        let mut removed = 0;
        loop {
            let mut tx = self.store().begin().await?;
            let step = operations::prune(&mut tx, logged, STEP).await?
                + outbox::prune(&mut tx, ended, STEP).await?
                + inbox::prune(&mut tx, ended, STEP).await?
                + async_actions::prune(&mut tx, ended, STEP).await?
                + function_jobs::prune(&mut tx, ended, STEP).await?
                + run_recordings::prune(&mut tx, recorded, STEP).await?;
            tx.commit().await?;
            removed += step;
            if step == 0 {
                return Ok(removed);
            }
            // Others get their turn at the database between two steps.
            tokio::task::yield_now().await;
        }
    }

    /// Ends operations that a process of this node, which stopped before `started`, left running.
    #[tenon_model::boxed]
    pub async fn end_abandoned_operations(&self, started: Timestamp) -> Result<u64> {
        let mut tx = self.store().begin().await?;
        let ended = operations::fail_abandoned(&mut tx, started, self.operations().node(), self.clock().now()).await?;
        tx.commit().await?;
        Ok(ended)
    }

    /// Retention as a service: runs until shutdown.
    #[tenon_model::boxed]
    pub(crate) async fn retain_operations(&self) {
        loop {
            tokio::select! {
                () = self.shutdown_token().cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.forget_old_operations().await {
                tracing::error!(error = ?error, "old operations could not be removed");
            }
        }
    }
}
