//! What a running task needs: heartbeats, rescue of what a dead node held, and the four ways to settle.

use tenon_model::Timestamp;

use super::{CHANNEL, TaskRow};
use crate::{Conn, Result, Tx, Value, params};

/// What the holder of a lease learns from a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    /// Task that is still held.
    pub id: i64,
    /// Whether somebody wants it to stop.
    pub cancelled: bool,
}

/// Extends every lease of `holder`. A task that is missing from the answer is no longer held.
#[tenon_model::boxed]
pub async fn beat(tx: &mut Tx, holder: &str, until: Timestamp) -> Result<Vec<Beat>> {
    let sql = "UPDATE tasks SET lease_until = $2 WHERE state = 'running' AND holder = $1 RETURNING id, cancelled";
    tx.query(sql, params![holder, until])
        .await?
        .iter()
        .map(|row| {
            Ok(Beat {
                id: row.i64(0)?,
                cancelled: row.bool(1)?,
            })
        })
        .collect()
}

/// Whether any lease has run out, and when the next one will.
#[tenon_model::boxed]
pub async fn next_expiry(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let sql = "SELECT MIN(lease_until) FROM tasks WHERE state = 'running'";
    conn.query_one(sql, params![]).await?.opt_timestamp(0)
}

/// Makes tasks ready again whose holder died: those with a lease that ran out, or all that are not held by `only_but`
/// when this process is the only one there can be. Tasks somebody wanted to stop are removed. Returns the kinds.
#[tenon_model::boxed]
pub async fn rescue(tx: &mut Tx, now: Timestamp, only_but: Option<&str>) -> Result<Vec<String>> {
    let gone = "DELETE FROM tasks WHERE state = 'running' AND cancelled = 1 AND (lease_until < $1 OR holder <> $2)";
    // Nobody is called the empty text; the second condition then never decides.
    let back = "UPDATE tasks SET state = 'ready', holder = NULL, lease_until = NULL, rescues = rescues + 1, \
                updated_at = $1 WHERE state = 'running' AND (lease_until < $1 OR holder <> $2) RETURNING kind";
    let (gone, back) = match only_but {
        Some(_) => (gone.to_owned(), back.to_owned()),
        None => (
            gone.replace(" OR holder <> $2", " AND $2 = ''"),
            back.replace(" OR holder <> $2", " AND $2 = ''"),
        ),
    };
    let holder = only_but.unwrap_or("");
    tx.execute(&gone, params![now, holder]).await?;
    let mut kinds: Vec<String> = tx
        .query(&back, params![now, holder])
        .await?
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<_>>()?;
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

/// Removes a task that succeeded; false when `holder` no longer has it, and whatever it did must be undone.
#[tenon_model::boxed]
pub async fn finish(tx: &mut Tx, id: i64, holder: &str) -> Result<bool> {
    let sql = "DELETE FROM tasks WHERE id = $1 AND holder = $2 AND state = 'running'";
    Ok(tx.execute(sql, params![id, holder]).await? > 0)
}

/// Removes many tasks that succeeded.
#[tenon_model::boxed]
pub async fn finish_many(tx: &mut Tx, ids: &[i64], holder: &str) -> Result<u64> {
    let sql = format!(
        "DELETE FROM tasks WHERE {} AND holder = $2 AND state = 'running'",
        tx.any("id", 1)
    );
    tx.execute(&sql, &[Value::from(ids), Value::from(holder)]).await
}

/// Puts a task back. `failed` counts the attempt.
#[tenon_model::boxed]
pub async fn put_back(
    tx: &mut Tx,
    task: &TaskRow,
    holder: &str,
    run_at: Timestamp,
    failed: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE tasks SET state = $3, holder = NULL, lease_until = NULL, run_at = $4, failures = failures + $5, \
               error = COALESCE($6, error), updated_at = $7 WHERE id = $1 AND holder = $2 AND state = 'running' \
               AND cancelled = 0";
    let state = if run_at <= now { "ready" } else { "delayed" };
    let counted = i64::from(failed.is_some());
    let put = tx
        .execute(sql, params![task.id, holder, state, run_at, counted, failed, now])
        .await?
        > 0;
    if put {
        tx.signal(CHANNEL, &task.kind);
    } else {
        // Stopped by somebody while it ran: nothing is left to do.
        finish(tx, task.id, holder).await?;
    }
    Ok(put)
}

/// Gives a task up; its row stays as `failed`.
#[tenon_model::boxed]
pub async fn give_up(tx: &mut Tx, id: i64, holder: &str, error: &str, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'failed', holder = NULL, lease_until = NULL, failures = failures + 1, \
               error = $3, updated_at = $4 WHERE id = $1 AND holder = $2 AND state = 'running'";
    Ok(tx.execute(sql, params![id, holder, error, now]).await? > 0)
}
