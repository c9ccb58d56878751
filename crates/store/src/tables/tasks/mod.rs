//! Durable work: rows that a node claims, keeps alive by a lease, and settles.
//!
//! A task that succeeded leaves no row. One that waits for its moment is `delayed` and becomes `ready` by [`promote`],
//! so that [`claim::claim`] only ever looks at work that is due. [`lease`] holds what a running task needs.

pub mod claim;
pub mod lease;

use tenon_model::Timestamp;

use crate::{Conn, Result, Row, Tx, params};

/// Channel of the signals that wake nodes; the payload is the kind.
pub const CHANNEL: &str = "queue";
/// Channel of the signals that stop running tasks; the payload is the task's id.
pub const CANCEL_CHANNEL: &str = "queue-cancel";

/// A task to be done.
#[derive(Debug, Clone)]
pub struct TaskInput<'a> {
    /// Which handler does it.
    pub kind: &'a str,
    /// Owner; 0 is the installation itself.
    pub environment_id: i64,
    /// Groups of an environment take turns, and have their own concurrency.
    pub group_key: &'a str,
    /// At most one unfinished task of a kind has it.
    pub unique_key: Option<&'a str>,
    /// Smaller goes first.
    pub priority: i64,
    /// JSON.
    pub payload: &'a str,
    /// Not before.
    pub run_at: Timestamp,
    /// Failures after which it is given up.
    pub failures_max: i64,
}

/// A task as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// Row id.
    pub id: i64,
    /// Which handler does it.
    pub kind: String,
    /// Owner; 0 is the installation itself.
    pub environment_id: i64,
    /// Group inside the environment.
    pub group_key: String,
    /// See [`TaskInput::unique_key`].
    pub unique_key: Option<String>,
    /// Smaller goes first.
    pub priority: i64,
    /// JSON.
    pub payload: String,
    /// `ready`, `delayed`, `running` or `failed`.
    pub state: String,
    /// Not before.
    pub run_at: Timestamp,
    /// Attempts that failed.
    pub failures: i64,
    /// Failures after which it is given up.
    pub failures_max: i64,
    /// Attempts whose holder died.
    pub rescues: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
}

pub(crate) const COLUMNS: &str = "id, kind, environment_id, group_key, unique_key, priority, payload, state, run_at, \
     failures, failures_max, rescues, error, created_at";

pub(crate) fn decode(row: &Row) -> Result<TaskRow> {
    Ok(TaskRow {
        id: row.i64(0)?,
        kind: row.text(1)?,
        environment_id: row.i64(2)?,
        group_key: row.text(3)?,
        unique_key: row.opt_text(4)?,
        priority: row.i64(5)?,
        payload: row.text(6)?,
        state: row.text(7)?,
        run_at: row.timestamp(8)?,
        failures: row.i64(9)?,
        failures_max: row.i64(10)?,
        rescues: row.i64(11)?,
        error: row.opt_text(12)?,
        created_at: row.timestamp(13)?,
    })
}

/// Adds a task and wakes the nodes when the transaction commits. `None` when an unfinished task has the same unique key.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, task: &TaskInput<'_>, now: Timestamp) -> Result<Option<i64>> {
    let sql = "INSERT INTO tasks (kind, environment_id, group_key, unique_key, priority, payload, state, run_at, \
               failures, failures_max, rescues, cancelled, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0, 0, $10, $10) ON CONFLICT DO NOTHING RETURNING id";
    let state = if task.run_at <= now { "ready" } else { "delayed" };
    let row = tx
        .query_opt(
            sql,
            params![
                task.kind,
                task.environment_id,
                task.group_key,
                task.unique_key,
                task.priority,
                task.payload,
                state,
                task.run_at,
                task.failures_max,
                now
            ],
        )
        .await?;
    tx.signal(CHANNEL, task.kind);
    row.map(|row| row.i64(0)).transpose()
}

/// Makes delayed tasks whose moment has come ready, at most `limit`; returns their kinds.
#[tenon_model::boxed]
pub async fn promote(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<Vec<String>> {
    let sql = tx.fork(
        "UPDATE tasks SET state = 'ready', updated_at = $1 WHERE state = 'delayed' AND id IN \
         (SELECT id FROM tasks WHERE state = 'delayed' AND run_at <= $1 ORDER BY run_at LIMIT $2) RETURNING kind",
        "UPDATE tasks SET state = 'ready', updated_at = $1 WHERE state = 'delayed' AND id IN \
         (SELECT id FROM tasks WHERE state = 'delayed' AND run_at <= $1 ORDER BY run_at LIMIT $2 \
         FOR UPDATE SKIP LOCKED) RETURNING kind",
    );
    let mut kinds: Vec<String> = tx
        .query(sql, params![now, limit])
        .await?
        .iter()
        .map(|row| row.text(0))
        .collect::<Result<_>>()?;
    kinds.sort_unstable();
    kinds.dedup();
    Ok(kinds)
}

/// When the next delayed task is due.
#[tenon_model::boxed]
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let sql = "SELECT MIN(run_at) FROM tasks WHERE state = 'delayed'";
    conn.query_one(sql, params![]).await?.opt_timestamp(0)
}

/// Kinds that have ready tasks.
#[tenon_model::boxed]
pub async fn ready_kinds(conn: &mut Conn) -> Result<Vec<String>> {
    // A walk from kind to kind along the index instead of a scan over all waiting work.
    let sql = "WITH RECURSIVE kinds(kind) AS (\
               SELECT MIN(kind) FROM tasks WHERE state = 'ready' \
               UNION ALL \
               SELECT (SELECT MIN(t.kind) FROM tasks t WHERE t.state = 'ready' AND t.kind > kinds.kind) \
               FROM kinds WHERE kinds.kind IS NOT NULL) \
               SELECT kind FROM kinds WHERE kind IS NOT NULL";
    conn.query(sql, params![])
        .await?
        .iter()
        .map(|row| row.text(0))
        .collect()
}

/// The unfinished task with this unique key.
#[tenon_model::boxed]
pub async fn find_unfinished(conn: &mut Conn, kind: &str, unique_key: &str) -> Result<Option<TaskRow>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE kind = $1 AND unique_key = $2 AND state <> 'failed'");
    conn.query_opt(&sql, params![kind, unique_key])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The task with this unique key, if it has not started; it cannot start before the transaction ends.
pub async fn lock_waiting(tx: &mut Tx, kind: &str, unique_key: &str, now: Timestamp) -> Result<Option<TaskRow>> {
    let sql = format!(
        "UPDATE tasks SET updated_at = $3 WHERE kind = $1 AND unique_key = $2 AND state IN ('ready', 'delayed') \
         RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, params![kind, unique_key, now])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Changes payload and moment of a task that has not started; false when there is none with this key.
pub async fn amend(
    tx: &mut Tx,
    kind: &str,
    unique_key: &str,
    payload: &str,
    run_at: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE tasks SET payload = $3, run_at = $4, state = $5, updated_at = $6 \
               WHERE kind = $1 AND unique_key = $2 AND state IN ('ready', 'delayed')";
    let state = if run_at <= now { "ready" } else { "delayed" };
    let changed = tx
        .execute(sql, params![kind, unique_key, payload, run_at, state, now])
        .await?;
    if changed > 0 {
        tx.signal(CHANNEL, kind);
    }
    Ok(changed > 0)
}

/// Takes its unique key from a task, so that a successor may be enqueued while it runs.
pub async fn release_key(tx: &mut Tx, id: i64, now: Timestamp) -> Result<()> {
    tx.execute(
        "UPDATE tasks SET unique_key = NULL, updated_at = $2 WHERE id = $1",
        params![id, now],
    )
    .await?;
    Ok(())
}

/// The task with this id, while it has a row.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, id: i64) -> Result<Option<TaskRow>> {
    let sql = format!("SELECT {COLUMNS} FROM tasks WHERE id = $1");
    conn.query_opt(&sql, params![id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// What became of a request to cancel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// It had not started; its row is gone.
    Removed,
    /// It runs; its holder is told when the transaction commits.
    Told,
    /// There was no such unfinished task.
    Absent,
}

/// Cancels the unfinished task with this unique key. A running one gives up the key at once, so that a successor can be
/// enqueued in the same transaction.
#[tenon_model::boxed]
pub async fn cancel(tx: &mut Tx, kind: &str, unique_key: &str, now: Timestamp) -> Result<Cancelled> {
    let removed = "DELETE FROM tasks WHERE kind = $1 AND unique_key = $2 AND state IN ('ready', 'delayed')";
    if tx.execute(removed, params![kind, unique_key]).await? > 0 {
        return Ok(Cancelled::Removed);
    }
    let told = "UPDATE tasks SET cancelled = 1, unique_key = NULL, updated_at = $3 \
                WHERE kind = $1 AND unique_key = $2 AND state = 'running' RETURNING id";
    let Some(row) = tx.query_opt(told, params![kind, unique_key, now]).await? else {
        return Ok(Cancelled::Absent);
    };
    let id = row.i64(0)?.to_string();
    tx.signal(CANCEL_CHANNEL, &id);
    Ok(Cancelled::Told)
}

/// Cancels every unfinished task of a group; running ones are told when the transaction commits.
#[tenon_model::boxed]
pub async fn cancel_group(tx: &mut Tx, kind: &str, environment_id: i64, group_key: &str, now: Timestamp) -> Result<()> {
    let removed = "DELETE FROM tasks WHERE kind = $1 AND environment_id = $2 AND group_key = $3 AND state <> 'running'";
    tx.execute(removed, params![kind, environment_id, group_key]).await?;
    let told = "UPDATE tasks SET cancelled = 1, unique_key = NULL, updated_at = $4 \
                WHERE kind = $1 AND environment_id = $2 AND group_key = $3 AND state = 'running' RETURNING id";
    for row in tx.query(told, params![kind, environment_id, group_key, now]).await? {
        let id = row.i64(0)?.to_string();
        tx.signal(CANCEL_CHANNEL, &id);
    }
    Ok(())
}

/// Tasks that were given up, newest first, at most `limit`.
#[tenon_model::boxed]
pub async fn list_failed(conn: &mut Conn, environment_id: i64, limit: i64) -> Result<Vec<TaskRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM tasks WHERE state = 'failed' AND environment_id = $1 ORDER BY updated_at DESC LIMIT $2"
    );
    conn.query(&sql, params![environment_id, limit])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Gives a task that was given up another chance; false when there is none.
#[tenon_model::boxed]
pub async fn revive(tx: &mut Tx, environment_id: i64, id: i64, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE tasks SET state = 'ready', failures = 0, rescues = 0, run_at = $3, updated_at = $3 \
               WHERE id = $1 AND environment_id = $2 AND state = 'failed' RETURNING kind";
    let Some(row) = tx.query_opt(sql, params![id, environment_id, now]).await? else {
        return Ok(false);
    };
    let kind = row.text(0)?;
    tx.signal(CHANNEL, &kind);
    Ok(true)
}

/// Forgets tasks that were given up before `before`, at most `limit`.
#[tenon_model::boxed]
pub async fn forget_failed(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM tasks WHERE state = 'failed' AND id IN \
               (SELECT id FROM tasks WHERE state = 'failed' AND updated_at < $1 ORDER BY updated_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}

/// Unfinished tasks by kind and state, for metrics.
#[tenon_model::boxed]
pub async fn count(conn: &mut Conn) -> Result<Vec<(String, String, i64)>> {
    let sql = "SELECT kind, state, COUNT(*) FROM tasks GROUP BY kind, state ORDER BY kind, state";
    conn.query(sql, params![])
        .await?
        .iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?, row.i64(2)?)))
        .collect()
}

/// Unfinished tasks of a kind in an environment, counted up to `limit`.
#[tenon_model::boxed]
pub async fn count_waiting(conn: &mut Conn, kind: &str, environment_id: i64, limit: i64) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM tasks WHERE state = 'ready' AND kind = $1 \
               AND environment_id = $2 LIMIT $3) AS waiting";
    conn.query_one(sql, params![kind, environment_id, limit]).await?.i64(0)
}
