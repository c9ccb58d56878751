//! Recorded runs. What is in one is sealed; this table knows when it was made and whose it is.

use tenon_model::{EnvironmentId, Timestamp};

use crate::{Conn, Result, Tx, params};

/// One recorded run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecordingRow {
    /// The run's operation.
    pub operation_id: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// `failure` or `rate`.
    pub kept_for: String,
    /// Sealed and compressed.
    pub payload: Vec<u8>,
    /// When the run ended.
    pub created_at: Timestamp,
}

/// Stores a recording; of several of one operation the last counts.
#[tenon_model::boxed]
pub async fn put(tx: &mut Tx, row: &RunRecordingRow) -> Result<()> {
    let sql = "INSERT INTO run_recordings (operation_id, environment_id, kept_for, payload, created_at) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (operation_id) DO UPDATE SET \
               kept_for = excluded.kept_for, payload = excluded.payload, created_at = excluded.created_at \
               WHERE run_recordings.environment_id = excluded.environment_id";
    let values = params![
        row.operation_id,
        row.environment_id,
        &row.kept_for,
        &row.payload,
        row.created_at
    ];
    tx.execute(sql, values).await?;
    Ok(())
}

/// The recording of an operation.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, operation: i64) -> Result<Option<RunRecordingRow>> {
    let sql = "SELECT operation_id, environment_id, kept_for, payload, created_at FROM run_recordings \
               WHERE environment_id = $1 AND operation_id = $2";
    let Some(row) = conn.query_opt(sql, params![environment, operation]).await? else {
        return Ok(None);
    };
    Ok(Some(RunRecordingRow {
        operation_id: row.i64(0)?,
        environment_id: EnvironmentId(row.i64(1)?),
        kept_for: row.text(2)?,
        payload: row.blob(3)?.to_vec(),
        created_at: row.timestamp(4)?,
    }))
}

/// Removes the oldest recordings of an environment beyond the newest `kept`.
#[tenon_model::boxed]
pub async fn keep_newest(tx: &mut Tx, environment: EnvironmentId, kept: i64) -> Result<u64> {
    let sql = "DELETE FROM run_recordings WHERE environment_id = $1 AND operation_id NOT IN \
               (SELECT operation_id FROM run_recordings WHERE environment_id = $1 \
                ORDER BY created_at DESC, operation_id DESC LIMIT $2)";
    tx.execute(sql, params![environment, kept]).await
}

/// Removes the oldest recordings of all environments until the rest has at most `bytes_max` bytes.
#[tenon_model::boxed]
pub async fn keep_within(tx: &mut Tx, bytes_max: i64) -> Result<u64> {
    // The sizes come from a query of their own: SQLite would carry whole payloads through the window otherwise.
    let sql = "DELETE FROM run_recordings WHERE operation_id IN (SELECT operation_id FROM \
               (SELECT operation_id, SUM(bytes) OVER (ORDER BY created_at DESC, operation_id DESC) AS total FROM \
               (SELECT operation_id, created_at, LENGTH(payload) AS bytes FROM run_recordings) AS sizes) AS totals \
               WHERE total > $1)";
    tx.execute(sql, params![bytes_max]).await
}

/// Removes at most `limit` recordings that were made before `before`.
#[tenon_model::boxed]
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM run_recordings WHERE operation_id IN \
               (SELECT operation_id FROM run_recordings WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}
