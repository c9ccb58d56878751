//! Jobs of the remote builder: dry runs and deployments of single functions, and how they ended.

use tenon_model::{EnvironmentId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Result, Row, Tx, params};

/// One job.
#[derive(Debug, Clone)]
pub struct FunctionJobRow {
    /// Public identifier.
    pub id: Uuid,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// `dryrun` or `deployment`.
    pub kind: String,
    /// Key of the integration.
    pub integration: String,
    /// Name of the function; empty for dry runs.
    pub function: String,
    /// `action` or `sync`.
    pub function_type: String,
    /// `waiting`, `running`, `success` or `failed`.
    pub state: String,
    /// Sealed: how it ended.
    pub result: Option<Vec<u8>>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

const COLUMNS: &str = "id, environment_id, kind, integration, function, function_type, state, result, created_at, \
                       started_at, ended_at";

fn decode(row: &Row) -> Result<FunctionJobRow> {
    Ok(FunctionJobRow {
        id: Uuid::try_parse(row.str(0)?).map_err(|_| crate::Error::Decode {
            column: 0,
            expected: "a UUID",
        })?,
        environment_id: EnvironmentId(row.i64(1)?),
        kind: row.text(2)?,
        integration: row.text(3)?,
        function: row.text(4)?,
        function_type: row.text(5)?,
        state: row.text(6)?,
        result: row.opt_blob(7)?,
        created_at: row.timestamp(8)?,
        started_at: row.opt_timestamp(9)?,
        ended_at: row.opt_timestamp(10)?,
    })
}

/// Stores an accepted job; it waits.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, row: &FunctionJobRow) -> Result<()> {
    let sql = "INSERT INTO function_jobs (id, environment_id, kind, integration, function, function_type, state, \
               created_at) VALUES ($1, $2, $3, $4, $5, $6, 'waiting', $7)";
    tx.execute(
        sql,
        params![
            row.id,
            row.environment_id,
            &row.kind,
            &row.integration,
            &row.function,
            &row.function_type,
            row.created_at
        ],
    )
    .await?;
    Ok(())
}

/// The job of this kind with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, kind: &str, id: Uuid) -> Result<Option<FunctionJobRow>> {
    let sql = format!("SELECT {COLUMNS} FROM function_jobs WHERE environment_id = $1 AND kind = $2 AND id = $3");
    conn.query_opt(&sql, params![environment, kind, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Notes that a waiting job began.
#[tenon_model::boxed]
pub async fn begin(tx: &mut Tx, environment: EnvironmentId, id: Uuid, now: Timestamp) -> Result<()> {
    let sql = "UPDATE function_jobs SET state = 'running', started_at = $3 \
               WHERE environment_id = $1 AND id = $2 AND state = 'waiting'";
    tx.execute(sql, params![environment, id, now]).await?;
    Ok(())
}

/// Stores the outcome (`success` or `failed`); false when it has ended already.
#[tenon_model::boxed]
pub async fn finish(
    tx: &mut Tx,
    environment: EnvironmentId,
    id: Uuid,
    state: &str,
    result: &[u8],
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE function_jobs SET state = $3, result = $4, ended_at = $5 \
               WHERE environment_id = $1 AND id = $2 AND ended_at IS NULL";
    Ok(tx.execute(sql, params![environment, id, state, result, now]).await? > 0)
}

/// Removes at most `limit` jobs that were accepted before `before`.
#[tenon_model::boxed]
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM function_jobs WHERE id IN \
               (SELECT id FROM function_jobs WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}
