//! Actions that run after their request was answered, and their results.

use tenon_model::{ConnectionId, EnvironmentId, FunctionId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Result, Row, Tx, params};

/// One asynchronous action.
#[derive(Debug, Clone)]
pub struct AsyncActionRow {
    /// Public identifier.
    pub id: Uuid,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The connection it runs on.
    pub connection_id: ConnectionId,
    /// The action.
    pub function_id: FunctionId,
    /// Sealed input.
    pub input: Option<Vec<u8>>,
    /// Failures that may be tried again.
    pub retries_max: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// `waiting`, `running`, `success` or `failed`.
    pub state: String,
    /// Sealed output or error.
    pub result: Option<Vec<u8>>,
    /// The operation that tells the story.
    pub operation_id: String,
    /// When it was accepted.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, environment_id, connection_id, function_id, input, retries_max, attempts, state, result, \
                       operation_id, created_at";

fn decode(row: &Row) -> Result<AsyncActionRow> {
    Ok(AsyncActionRow {
        id: Uuid::try_parse(row.str(0)?).map_err(|_| crate::Error::Decode {
            column: 0,
            expected: "a UUID",
        })?,
        environment_id: EnvironmentId(row.i64(1)?),
        connection_id: ConnectionId(row.i64(2)?),
        function_id: FunctionId(row.i64(3)?),
        input: row.opt_blob(4)?,
        retries_max: row.i64(5)?,
        attempts: row.i64(6)?,
        state: row.text(7)?,
        result: row.opt_blob(8)?,
        operation_id: row.text(9)?,
        created_at: row.timestamp(10)?,
    })
}

/// Stores an accepted action.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, row: &AsyncActionRow) -> Result<()> {
    let sql = "INSERT INTO async_actions (id, environment_id, connection_id, function_id, input, retries_max, \
               attempts, state, operation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, 0, 'waiting', $7, $8)";
    tx.execute(
        sql,
        params![
            row.id,
            row.environment_id,
            row.connection_id,
            row.function_id,
            row.input.as_deref(),
            row.retries_max,
            &row.operation_id,
            row.created_at
        ],
    )
    .await?;
    Ok(())
}

/// The action with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, id: Uuid) -> Result<Option<AsyncActionRow>> {
    let sql = format!("SELECT {COLUMNS} FROM async_actions WHERE environment_id = $1 AND id = $2");
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Counts an attempt; false when the action has ended already.
#[tenon_model::boxed]
pub async fn begin_attempt(tx: &mut Tx, environment: EnvironmentId, id: Uuid) -> Result<bool> {
    let sql = "UPDATE async_actions SET state = 'running', attempts = attempts + 1 \
               WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    Ok(tx.execute(sql, params![environment, id]).await? > 0)
}

/// Stores the outcome (`success` or `failed`) and forgets the input; false when it has ended already.
#[tenon_model::boxed]
pub async fn finish(
    tx: &mut Tx,
    environment: EnvironmentId,
    id: Uuid,
    state: &str,
    result: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE async_actions SET state = $3, result = $4, input = NULL, ended_at = $5 \
               WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    Ok(tx.execute(sql, params![environment, id, state, result, now]).await? > 0)
}

/// Removes at most `limit` actions that ended before `before`.
#[tenon_model::boxed]
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM async_actions WHERE id IN \
               (SELECT id FROM async_actions WHERE ended_at IS NOT NULL AND ended_at < $1 ORDER BY ended_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}
