//! Emptying, retiring and keeping streams small, in steps that never hold the writer for long.

use std::time::Duration;

use tenon_model::{ConnectionId, EnvironmentId};
use tenon_store::tables::records::{sets, shrink};
use tenon_store::{Store, Tx};

use super::Target;
use super::absence::{self, Absence};
use crate::{App, Result};

/// Records removed or pruned in one transaction.
const STEP: i64 = 2_000;
/// Payloads go when a record did not change for so long.
const PRUNE_AFTER: Duration = Duration::from_secs(30 * 24 * 3600);
/// Records of a model go when no function passed over it for so long.
const REMOVE_AFTER: Duration = Duration::from_secs(60 * 24 * 3600);

/// Removes some records of a stream without a trace; its numbers go on, so no cursor gets ahead of it. Returns how many
/// went and whether there are more.
#[tenon_model::boxed]
pub async fn empty_some(tx: &mut Tx, target: &Target) -> Result<(u64, bool)> {
    let found = sets::lock_existing(tx, target.environment, target.connection, &target.model).await?;
    let Some(mut set) = found else { return Ok((0, false)) };
    let count = shrink::remove_some(tx, &mut set, STEP).await?;
    sets::save(tx, &set).await?;
    Ok((count, count >= STEP.unsigned_abs()))
}

/// Removes all records of a stream without a trace.
#[tenon_model::boxed]
pub async fn empty(store: &Store, target: &Target) -> Result<()> {
    loop {
        let mut tx = store.begin().await?;
        let (_, more) = empty_some(&mut tx, target).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
    }
}

/// Deletes all records of a stream the visible way: readers see them go.
#[tenon_model::boxed]
pub async fn retire(app: &App, target: &Target) -> Result<()> {
    absence::delete_unmet(app.store(), app.clock(), Absence::new(target, i64::MAX, 0)).await?;
    Ok(())
}

/// Removes every stream of a connection that is gone.
#[tenon_model::boxed]
pub async fn remove_connection(app: &App, environment: EnvironmentId, connection: ConnectionId) -> Result<()> {
    let mut conn = app.store().read().await?;
    let all = sets::list(&mut conn, environment, connection).await?;
    drop(conn);
    for set in all {
        let target = Target {
            environment,
            connection,
            model: set.model,
        };
        empty(app.store(), &target).await?;
        let mut tx = app.store().begin().await?;
        sets::remove(&mut tx, set.id).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// One pass of the retention sweep over all streams: prunes payloads that did not change for a month, and removes
/// records of models that no function passed over for two.
#[tenon_model::boxed]
pub async fn sweep(app: &App) -> Result<()> {
    let mut after = 0;
    loop {
        let mut conn = app.store().read().await?;
        let page = sets::list_all(&mut conn, after, 200).await?;
        drop(conn);
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for set in page {
            if app.shutdown_token().is_cancelled() {
                return Ok(());
            }
            let now = app.clock().now();
            let target = Target {
                environment: set.environment_id,
                connection: set.connection_id,
                model: set.model,
            };
            if set.touched_at < now.minus(REMOVE_AFTER) {
                empty(app.store(), &target).await?;
                continue;
            }
            if set.last_seq > 0 && set.pruned_until < now.minus(PRUNE_AFTER) {
                prune_old(app, set.id).await?;
            }
        }
    }
}

async fn prune_old(app: &App, set: i64) -> Result<()> {
    loop {
        let mut tx = app.store().begin().await?;
        let Some(mut set) = sets::lock_by_id(&mut tx, set).await? else {
            return Ok(());
        };
        let now = app.clock().now();
        let (count, more) = shrink::prune(&mut tx, &mut set, now.minus(PRUNE_AFTER), STEP, now).await?;
        if count == 0 {
            return Ok(());
        }
        sets::save(&mut tx, &set).await?;
        tx.commit().await?;
        if !more {
            return Ok(());
        }
    }
}
