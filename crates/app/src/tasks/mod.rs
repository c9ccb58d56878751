//! Background work of the queue: which handlers there are, and what happens regularly.

mod upkeep;

use std::time::Duration;

use tenon_queue::schedules::{ScheduleRow, upsert};
use tenon_queue::{Queue, QueueConfig};

pub use upkeep::StorageUpkeep;

use crate::actions::AsyncActions;
use crate::syncs::life::Upkeep;
use crate::syncs::run::SyncHandler;
use crate::syncs::webhook::WebhookHandler;
use crate::{App, Result};

/// How often storage is tidied.
const TIDY_EVERY: Duration = Duration::from_secs(6 * 3600);

/// Starts the queue of this node. It ends with the server: tasks under way get a moment to finish, the others go back.
pub(crate) fn start(app: &App) {
    let holder = format!("{}/{}", app.settings().node, app.rng().hex(6));
    let queue = Queue::new(app.store().clone(), app.clock_shared(), QueueConfig::new(holder))
        .handle(SyncHandler(app.clone()))
        .handle(WebhookHandler(app.clone()))
        .handle(AsyncActions::new(app.clone()))
        .handle(Upkeep(app.clone()))
        .handle(StorageUpkeep(app.clone()))
        .start();
    let (stop, scheduler) = (app.shutdown_token().clone(), app.clone());
    app.spawn("run the queue", async move {
        if let Err(error) = schedule_upkeep(&scheduler).await {
            tracing::error!(error = ?error, "regular work could not be scheduled");
        }
        stop.cancelled().await;
        queue.stop().await;
        Ok(())
    });
}

/// Regular work is a schedule like any other; every node makes sure that it exists.
async fn schedule_upkeep(app: &App) -> Result<()> {
    let now = app.clock().now();
    let schedule = ScheduleRow {
        key: StorageUpkeep::KIND.to_owned(),
        environment_id: 0,
        kind: StorageUpkeep::KIND.to_owned(),
        group_key: String::new(),
        payload: "{}".to_owned(),
        interval: TIDY_EVERY,
        starts_at: now,
        next_at: now.plus(TIDY_EVERY),
        paused: false,
    };
    let mut tx = app.store().begin().await?;
    upsert(&mut tx, &schedule, now).await?;
    Ok(tx.commit().await?)
}
