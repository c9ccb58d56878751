//! Runs of syncs: what the SDK and the wire call jobs.
//!
//! A run has one writer at a time. Who takes it over (after a crash, a lost lease) raises its attempt, and every write
//! names the attempt: a former holder that is still alive changes no row any more.

use tenon_model::{ConnectionId, EnvironmentId, OperationId, SyncId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Error, Result, Row, Tx, Value, params};

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// Job id of the SDK, also the generation of seen records.
    pub id: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The sync.
    pub sync_id: SyncId,
    /// `sync` or `webhook`.
    pub kind: String,
    /// `INITIAL` or `INCREMENTAL`.
    pub r#type: String,
    /// `RUNNING`, `SUCCESS` or `STOPPED`.
    pub status: String,
    /// Grows with every holder.
    pub attempt: i64,
    /// Records are still to be deleted before the function starts.
    pub empty_cache: bool,
    /// JSON: model to counts.
    pub results: String,
    /// JSON `{from, to}`; none until the function looked at its checkpoint.
    pub checkpoints: Option<String>,
    /// Changes so far.
    pub progress: i64,
    /// Changes when the present attempt started.
    pub attempt_progress: i64,
    /// Log operation.
    pub operation_id: OperationId,
    /// JSON of what ended it.
    pub error: Option<String>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
}

/// What a new run is made of.
#[derive(Debug, Clone)]
pub struct RunInput<'a> {
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The sync.
    pub sync_id: SyncId,
    /// `sync` or `webhook`.
    pub kind: &'a str,
    /// `INITIAL` or `INCREMENTAL`.
    pub r#type: &'a str,
    /// Records are to be deleted first.
    pub empty_cache: bool,
    /// Log operation.
    pub operation_id: &'a OperationId,
}

const COLUMNS: &str = "id, environment_id, connection_id, sync_id, kind, type, status, attempt, empty_cache, results, \
                       checkpoints, progress, attempt_progress, operation_id, error, started_at, updated_at";

fn decode(row: &Row) -> Result<RunRow> {
    let sync = Uuid::try_parse(row.str(3)?).map_err(|_| Error::Decode {
        column: 3,
        expected: "a UUID",
    })?;
    Ok(RunRow {
        id: row.i64(0)?,
        environment_id: EnvironmentId(row.i64(1)?),
        connection_id: ConnectionId(row.i64(2)?),
        sync_id: SyncId(sync),
        kind: row.text(4)?,
        r#type: row.text(5)?,
        status: row.text(6)?,
        attempt: row.i64(7)?,
        empty_cache: row.bool(8)?,
        results: row.text(9)?,
        checkpoints: row.opt_text(10)?,
        progress: row.i64(11)?,
        attempt_progress: row.i64(12)?,
        operation_id: OperationId(row.text(13)?),
        error: row.opt_text(14)?,
        started_at: row.timestamp(15)?,
        updated_at: row.timestamp(16)?,
    })
}

/// Starts a run.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, run: &RunInput<'_>, now: Timestamp) -> Result<RunRow> {
    let sql = format!(
        "INSERT INTO runs (environment_id, connection_id, sync_id, kind, type, status, attempt, empty_cache, results, \
         progress, attempt_progress, operation_id, started_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, 'RUNNING', 1, $6, '{{}}', 0, 0, $7, $8, $8) RETURNING {COLUMNS}"
    );
    let params = params![
        run.environment_id,
        run.connection_id,
        run.sync_id,
        run.kind,
        run.r#type,
        run.empty_cache,
        run.operation_id,
        now
    ];
    decode(&tx.query_one(&sql, params).await?)
}

/// Takes an unfinished run over: from now on only this attempt may write.
#[tenon_model::boxed]
pub async fn take_over(tx: &mut Tx, id: i64, now: Timestamp) -> Result<Option<RunRow>> {
    let sql = format!(
        "UPDATE runs SET attempt = attempt + 1, attempt_progress = progress, updated_at = $2 WHERE id = $1 AND status = 'RUNNING' RETURNING {COLUMNS}"
    );
    tx.query_opt(&sql, params![id, now])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The run with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, id: i64) -> Result<Option<RunRow>> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE id = $1");
    conn.query_opt(&sql, params![id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Runs with these ids.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, ids: &[i64]) -> Result<Vec<RunRow>> {
    let sql = format!("SELECT {COLUMNS} FROM runs WHERE {}", conn.any("id", 1));
    conn.query(&sql, &[Value::from(ids)])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// The unfinished run of a sync's own function.
#[tenon_model::boxed]
pub async fn find_open(conn: &mut Conn, sync: SyncId) -> Result<Option<RunRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM runs WHERE sync_id = $1 AND status = 'RUNNING' AND kind = 'sync' ORDER BY id DESC LIMIT 1"
    );
    conn.query_opt(&sql, params![sync])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The smallest id of the unfinished runs of a connection: what earlier runs met is only of interest to open passes.
#[tenon_model::boxed]
pub async fn oldest_open(conn: &mut Conn, connection: ConnectionId) -> Result<Option<i64>> {
    let sql = "SELECT MIN(id) FROM runs WHERE connection_id = $1 AND status = 'RUNNING'";
    conn.query_one(sql, params![connection]).await?.opt_i64(0)
}

/// What a write of a run leaves in its row.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// JSON: model to counts.
    pub results: &'a str,
    /// JSON `{from, to}`.
    pub checkpoints: Option<&'a str>,
    /// Changes made by this write.
    pub changes: i64,
}

/// Notes progress; false when somebody else has the run, or it has ended: then roll back.
pub async fn advance(tx: &mut Tx, id: i64, attempt: i64, progress: Progress<'_>, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE runs SET results = $3, checkpoints = $4, progress = progress + $5, updated_at = $6 \
               WHERE id = $1 AND attempt = $2 AND status = 'RUNNING'";
    let params = params![
        id,
        attempt,
        progress.results,
        progress.checkpoints,
        progress.changes,
        now
    ];
    Ok(tx.execute(sql, params).await? > 0)
}

/// An attempt that ends because the node shuts down says nothing about progress.
#[tenon_model::boxed]
pub async fn excuse(tx: &mut Tx, id: i64, attempt: i64) -> Result<()> {
    let sql = "UPDATE runs SET attempt_progress = -1 WHERE id = $1 AND attempt = $2 AND status = 'RUNNING'";
    tx.execute(sql, params![id, attempt]).await?;
    Ok(())
}

/// Whether this attempt may still write.
#[tenon_model::boxed]
pub async fn is_current(conn: &mut Conn, id: i64, attempt: i64) -> Result<bool> {
    let sql = "SELECT id FROM runs WHERE id = $1 AND attempt = $2 AND status = 'RUNNING'";
    Ok(conn.query_opt(sql, params![id, attempt]).await?.is_some())
}

/// Notes that the records are gone that had to be deleted first; false as for [`advance`].
#[tenon_model::boxed]
pub async fn emptied(tx: &mut Tx, id: i64, attempt: i64) -> Result<bool> {
    let sql = "UPDATE runs SET empty_cache = 0 WHERE id = $1 AND attempt = $2 AND status = 'RUNNING'";
    Ok(tx.execute(sql, params![id, attempt]).await? > 0)
}

/// Ends a run; false as for [`advance`]. An attempt of `None` ends it whoever holds it.
#[tenon_model::boxed]
pub async fn finish(
    tx: &mut Tx,
    id: i64,
    attempt: Option<i64>,
    status: &str,
    results: Option<&str>,
    error: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE runs SET status = $3, results = COALESCE($4, results), error = $5, updated_at = $6 \
               WHERE id = $1 AND status = 'RUNNING' AND (attempt = $2 OR $2 = 0)";
    let params = params![id, attempt.unwrap_or(0), status, results, error, now];
    Ok(tx.execute(sql, params).await? > 0)
}

/// Ends every unfinished run of a connection, whoever holds it.
#[tenon_model::boxed]
pub async fn stop_all(tx: &mut Tx, connection: ConnectionId, error: &str, now: Timestamp) -> Result<()> {
    let sql = "UPDATE runs SET status = 'STOPPED', error = $2, updated_at = $3 \
               WHERE connection_id = $1 AND status = 'RUNNING'";
    tx.execute(sql, params![connection, error, now]).await?;
    Ok(())
}

/// Forgets runs that ended before `before` and are not the newest of their sync, at most `limit`.
#[tenon_model::boxed]
pub async fn forget(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM runs WHERE id IN (SELECT r.id FROM runs r WHERE r.updated_at < $1 AND r.status <> 'RUNNING' \
               AND NOT EXISTS (SELECT 1 FROM syncs s WHERE s.id = r.sync_id AND s.last_run_id = r.id) \
               ORDER BY r.updated_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}
