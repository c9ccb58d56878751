//! Tidying what grows: old payloads, finished runs, dead locks, tasks that were given up.

use std::time::Duration;

use tenon_model::Timestamp;
use tenon_queue::{Handler, Limits, Task, Verdict};
use tenon_store::tables::{locks, runs, tasks};

use crate::records::shrink;
use crate::{App, Result};

/// Rows removed in one transaction.
const STEP: i64 = 1_000;
/// Runs are kept so long after they ended; the newest of each sync stays.
const RUNS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Tasks that were given up are kept so long.
const FAILED_KEPT: Duration = Duration::from_secs(14 * 24 * 3600);

/// The regular task that tidies.
pub struct StorageUpkeep(pub App);

impl StorageUpkeep {
    /// Kind and schedule of the task.
    pub const KIND: &str = "storage-upkeep";

    async fn tidy(&self) -> Result<()> {
        let app = &self.0;
        shrink::sweep(app).await?;
        let now = app.clock().now();
        for what in [Old::Runs, Old::FailedTasks, Old::Locks] {
            while self.forget(what, now).await? >= STEP.unsigned_abs() && !app.shutdown_token().is_cancelled() {}
        }
        Ok(())
    }

    async fn forget(&self, what: Old, now: Timestamp) -> Result<u64> {
        let mut tx = self.0.store().begin().await?;
        let removed = match what {
            Old::Runs => runs::forget(&mut tx, now.minus(RUNS_KEPT), STEP).await?,
            Old::FailedTasks => tasks::forget_failed(&mut tx, now.minus(FAILED_KEPT), STEP).await?,
            Old::Locks => locks::sweep(&mut tx, dead(now), STEP).await?,
        };
        tx.commit().await?;
        Ok(removed)
    }
}

#[derive(Debug, Clone, Copy)]
enum Old {
    Runs,
    FailedTasks,
    Locks,
}

/// Locks that ran out a while ago: one that just did may be extended by its owner.
fn dead(now: Timestamp) -> Timestamp {
    now.minus(Duration::from_secs(60))
}

#[async_trait::async_trait]
impl Handler for StorageUpkeep {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn limits(&self) -> Limits {
        Limits {
            node: 1,
            group: Some(1),
        }
    }

    async fn run(&self, task: &Task) -> Verdict {
        match self.tidy().await {
            Ok(()) => Verdict::Done,
            Err(error) => Verdict::back_off(task, error.to_string()),
        }
    }
}
