//! Syncs: one deployed sync function on one connection, in one variant.

use tenon_model::{ConnectionId, EnvironmentId, FunctionId, IntegrationId, SyncId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Error, Result, Row, Tx, Value, params};

/// Key of the schedule and of the tasks of a sync.
pub fn schedule_key(id: SyncId) -> String {
    format!("sync/{id}")
}

/// One sync.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRow {
    /// Id, exposed on the wire.
    pub id: SyncId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// The function.
    pub function_id: FunctionId,
    /// The function's name.
    pub name: String,
    /// `base` or a name.
    pub variant: String,
    /// Replaces the function's own frequency.
    pub frequency: Option<String>,
    /// Start of the last run that succeeded.
    pub last_sync_at: Option<Timestamp>,
    /// The newest run.
    pub last_run_id: Option<i64>,
    /// Attempts in a row that ended without progress.
    pub idle_attempts: i64,
    /// Since when it is stalled.
    pub stalled_at: Option<Timestamp>,
}

const COLUMNS: &str = "s.id, s.environment_id, s.connection_id, s.function_id, s.name, s.variant, s.frequency, \
                       s.last_sync_at, s.last_run_id, s.idle_attempts, s.stalled_at";

fn decode(row: &Row) -> Result<SyncRow> {
    let id = Uuid::try_parse(row.str(0)?).map_err(|_| Error::Decode {
        column: 0,
        expected: "a UUID",
    })?;
    Ok(SyncRow {
        id: SyncId(id),
        environment_id: EnvironmentId(row.i64(1)?),
        connection_id: ConnectionId(row.i64(2)?),
        function_id: FunctionId(row.i64(3)?),
        name: row.text(4)?,
        variant: row.text(5)?,
        frequency: row.opt_text(6)?,
        last_sync_at: row.opt_timestamp(7)?,
        last_run_id: row.opt_i64(8)?,
        idle_attempts: row.i64(9)?,
        stalled_at: row.opt_timestamp(10)?,
    })
}

/// A sync with what the status shows of its connection and schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSync {
    /// The sync.
    pub sync: SyncRow,
    /// Id of the connection as callers use it.
    pub connection: String,
    /// Next tick and whether the schedule is paused; none when it has no schedule.
    pub schedule: Option<(Timestamp, bool)>,
}

/// Which syncs a list holds.
#[derive(Debug, Clone, Default)]
pub struct SyncFilter {
    /// Only those of this connection.
    pub connection: Option<ConnectionId>,
    /// Only these names.
    pub names: Option<Vec<String>>,
}

/// Makes a sync; false when the connection has it already.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, sync: &SyncRow, now: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO syncs (id, environment_id, connection_id, function_id, name, variant, idle_attempts, \
               created_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7) ON CONFLICT DO NOTHING";
    let params = params![
        sync.id,
        sync.environment_id,
        sync.connection_id,
        sync.function_id,
        &sync.name,
        &sync.variant,
        now
    ];
    Ok(tx.execute(sql, params).await? > 0)
}

/// The live sync with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, id: SyncId) -> Result<Option<SyncRow>> {
    let sql =
        format!("SELECT {COLUMNS} FROM syncs s WHERE s.environment_id = $1 AND s.id = $2 AND s.deleted_at IS NULL");
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The live sync of a function on a connection in this variant.
#[tenon_model::boxed]
pub async fn find_named(
    conn: &mut Conn,
    environment: EnvironmentId,
    connection: ConnectionId,
    function: FunctionId,
    variant: &str,
) -> Result<Option<SyncRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM syncs s WHERE s.environment_id = $1 AND s.connection_id = $2 AND s.function_id = $3 \
         AND s.variant = $4 AND s.deleted_at IS NULL"
    );
    conn.query_opt(&sql, params![environment, connection, function, variant])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Live syncs of an integration with connection and schedule, at most `limit`.
#[tenon_model::boxed]
pub async fn list(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
    filter: &SyncFilter,
    limit: i64,
) -> Result<Vec<ListedSync>> {
    let mut sql = format!(
        "SELECT {COLUMNS}, c.connection_id, d.next_at, d.paused FROM syncs s \
         JOIN connections c ON c.id = s.connection_id LEFT JOIN schedules d ON d.key = 'sync/' || s.id \
         WHERE s.environment_id = $1 AND c.integration_id = $2 AND s.deleted_at IS NULL AND c.deleted_at IS NULL"
    );
    let mut params = vec![Value::from(environment), Value::from(integration), Value::from(limit)];
    if let Some(connection) = filter.connection {
        params.push(Value::from(connection));
        sql.push_str(&format!(" AND s.connection_id = ${}", params.len()));
    }
    if let Some(names) = &filter.names {
        params.push(Value::from(names));
        sql.push_str(" AND ");
        sql.push_str(&conn.any("s.name", params.len()));
    }
    sql.push_str(" ORDER BY s.created_at, s.id LIMIT $3");
    let rows = conn.query(&sql, &params).await?;
    rows.iter()
        .map(|row| {
            let schedule = match row.opt_timestamp(12)? {
                Some(next_at) => Some((next_at, row.bool(13)?)),
                None => None,
            };
            Ok(ListedSync {
                sync: decode(row)?,
                connection: row.text(11)?,
                schedule,
            })
        })
        .collect()
}

/// Live syncs of a connection.
#[tenon_model::boxed]
pub async fn list_of_connection(
    conn: &mut Conn,
    environment: EnvironmentId,
    connection: ConnectionId,
) -> Result<Vec<SyncRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM syncs s WHERE s.environment_id = $1 AND s.connection_id = $2 AND s.deleted_at IS NULL \
         ORDER BY s.created_at, s.id"
    );
    conn.query(&sql, params![environment, connection])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Live syncs of a function, at most `limit`.
#[tenon_model::boxed]
pub async fn list_of_function(
    conn: &mut Conn,
    environment: EnvironmentId,
    function: FunctionId,
    limit: i64,
) -> Result<Vec<SyncRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM syncs s WHERE s.environment_id = $1 AND s.function_id = $2 AND s.deleted_at IS NULL \
         LIMIT $3"
    );
    conn.query(&sql, params![environment, function, limit])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Live syncs of a function whose id is after `after`, by id, at most `limit`.
#[tenon_model::boxed]
pub async fn page_of_function(
    conn: &mut Conn,
    environment: EnvironmentId,
    function: FunctionId,
    after: SyncId,
    limit: i64,
) -> Result<Vec<SyncRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM syncs s WHERE s.environment_id = $1 AND s.function_id = $2 AND s.deleted_at IS NULL \
         AND s.id > $3 ORDER BY s.id LIMIT $4"
    );
    conn.query(&sql, params![environment, function, after, limit])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Live connections of an integration that lack this function in its base variant, at most `limit`.
#[tenon_model::boxed]
pub async fn list_lacking(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
    function: FunctionId,
    limit: i64,
) -> Result<Vec<ConnectionId>> {
    let sql = "SELECT c.id FROM connections c WHERE c.environment_id = $1 AND c.integration_id = $2 \
               AND c.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM syncs s WHERE s.connection_id = c.id \
               AND s.function_id = $3 AND s.variant = 'base' AND s.deleted_at IS NULL) ORDER BY c.id LIMIT $4";
    conn.query(sql, params![environment, integration, function, limit])
        .await?
        .iter()
        .map(|row| row.i64(0).map(ConnectionId))
        .collect()
}

/// Keys of schedules of a function that follow its own frequency and have another interval, at most `limit`.
#[tenon_model::boxed]
pub async fn list_other_interval(
    conn: &mut Conn,
    environment: EnvironmentId,
    function: FunctionId,
    interval_us: i64,
    limit: i64,
) -> Result<Vec<String>> {
    let sql = "SELECT d.key FROM syncs s JOIN schedules d ON d.key = 'sync/' || s.id WHERE s.environment_id = $1 \
               AND s.function_id = $2 AND s.deleted_at IS NULL AND s.frequency IS NULL AND d.interval_us <> $3 LIMIT $4";
    conn.query(sql, params![environment, function, interval_us, limit])
        .await?
        .iter()
        .map(|row| row.text(0))
        .collect()
}

/// Variants of a function on a connection, the base included.
#[tenon_model::boxed]
pub async fn count_variants(conn: &mut Conn, connection: ConnectionId, function: FunctionId) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM syncs WHERE connection_id = $1 AND function_id = $2 AND deleted_at IS NULL";
    conn.query_one(sql, params![connection, function]).await?.i64(0)
}

/// Sets or clears the connection's own frequency.
#[tenon_model::boxed]
pub async fn set_frequency(tx: &mut Tx, id: SyncId, frequency: Option<&str>) -> Result<()> {
    tx.execute("UPDATE syncs SET frequency = $2 WHERE id = $1", params![id, frequency])
        .await?;
    Ok(())
}

/// Sets or clears the start of the last run that succeeded.
#[tenon_model::boxed]
pub async fn set_last_sync(tx: &mut Tx, id: SyncId, at: Option<Timestamp>) -> Result<()> {
    tx.execute("UPDATE syncs SET last_sync_at = $2 WHERE id = $1", params![id, at])
        .await?;
    Ok(())
}

/// Notes the newest run.
#[tenon_model::boxed]
pub async fn set_last_run(tx: &mut Tx, id: SyncId, run: i64) -> Result<()> {
    tx.execute("UPDATE syncs SET last_run_id = $2 WHERE id = $1", params![id, run])
        .await?;
    Ok(())
}

/// Notes attempts without progress, and since when the sync counts as stalled.
#[tenon_model::boxed]
pub async fn set_idle(tx: &mut Tx, id: SyncId, attempts: i64, stalled_at: Option<Timestamp>) -> Result<()> {
    let sql = "UPDATE syncs SET idle_attempts = $2, stalled_at = $3 WHERE id = $1";
    tx.execute(sql, params![id, attempts, stalled_at]).await?;
    Ok(())
}

/// Marks a sync as deleted.
#[tenon_model::boxed]
pub async fn delete(tx: &mut Tx, id: SyncId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE syncs SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";
    Ok(tx.execute(sql, params![id, now]).await? > 0)
}
