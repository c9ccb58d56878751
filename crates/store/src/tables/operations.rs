//! The operations log: operations, their messages, search and retention.
//!
//! Ids are made by the writer ([`id_at`]) so that they sort by creation without asking the database.

use tenon_model::{EnvironmentId, Timestamp};

use super::functions::escape_like;
use crate::{Conn, Dialect, Result, Row, Tx, Value, params};

/// Start of the id's time, 2024-01-01T00:00:00Z in microseconds.
const EPOCH_MICROS: i64 = 1_704_067_200_000_000;
/// Low bits of an id that tell nodes apart.
pub const NODE_BITS: u32 = 12;

/// The id of an operation made at `now` on the node with these bits.
pub const fn id_at(now: Timestamp, node: u16) -> i64 {
    let micros = now.0.saturating_sub(EPOCH_MICROS);
    let micros = if micros < 0 { 0 } else { micros };
    (micros << NODE_BITS) | (node as i64 & ((1 << NODE_BITS) - 1))
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperationRow {
    /// Sorts by creation, see [`id_at`].
    pub id: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// `auth`, `proxy`, `sync`, `action`, `on-event`, `webhook`, `deploy`.
    pub kind: String,
    /// What of it, for example `run` or `refresh`.
    pub action: String,
    /// `running`, `waiting`, `success`, `failed`, `timeout` or `cancelled`.
    pub state: String,
    /// One line for people.
    pub title: String,
    /// The integration's key.
    pub integration: Option<String>,
    /// The integration's provider.
    pub provider: Option<String>,
    /// The connection's id as callers use it.
    pub connection: Option<String>,
    /// Function name, with `::variant` when it is not the base.
    pub function: Option<String>,
    /// Stable code of the failure.
    pub error_code: Option<String>,
    /// Sentence about the failure.
    pub error_message: Option<String>,
    /// JSON object of further facts.
    pub meta: Option<String>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Messages that were not kept.
    pub messages_dropped: i64,
}

/// One message of an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    /// The operation.
    pub operation_id: i64,
    /// Position in the operation.
    pub sequence: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// When it was said.
    pub at: Timestamp,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// `log` or `http`.
    pub kind: String,
    /// The text.
    pub message: String,
    /// JSON object: details, or request and response.
    pub meta: Option<String>,
}

/// Which operations a list holds.
#[derive(Debug, Clone, Default)]
pub struct OperationFilter<'a> {
    /// Only this environment; all of them for the operator's own command line.
    pub environment: Option<EnvironmentId>,
    /// Only this kind.
    pub kind: Option<&'a str>,
    /// Only operations of this connection.
    pub connection: Option<&'a str>,
    /// Only operations of this integration.
    pub integration: Option<&'a str>,
    /// Only failed, timed out and cancelled ones.
    pub failed: bool,
    /// Text in the operation or in one of its messages, in any case (ASCII).
    pub search: Option<&'a str>,
    /// Only ids below this one: the next page of a list that starts with the newest.
    pub before: Option<i64>,
    /// Only ids above this one: what is new since the last look.
    pub after: Option<i64>,
}

const COLUMNS: &str = "id, environment_id, kind, action, state, title, integration, provider, connection, function, \
                       error_code, error_message, meta, created_at, ended_at, messages_dropped";

fn decode(row: &Row) -> Result<OperationRow> {
    Ok(OperationRow {
        id: row.i64(0)?,
        environment_id: EnvironmentId(row.i64(1)?),
        kind: row.text(2)?,
        action: row.text(3)?,
        state: row.text(4)?,
        title: row.text(5)?,
        integration: row.opt_text(6)?,
        provider: row.opt_text(7)?,
        connection: row.opt_text(8)?,
        function: row.opt_text(9)?,
        error_code: row.opt_text(10)?,
        error_message: row.opt_text(11)?,
        meta: row.opt_text(12)?,
        created_at: row.timestamp(13)?,
        ended_at: row.opt_timestamp(14)?,
        messages_dropped: row.i64(15)?,
    })
}

/// Rows per statement on PostgreSQL, where every statement is a round trip.
const ROWS_PER_STATEMENT: usize = 32;

/// Inserts rows: one prepared statement on SQLite, several rows per statement on PostgreSQL.
async fn insert_rows(
    tx: &mut Tx,
    into: &str,
    columns: usize,
    conflict: &str,
    mut sets: Vec<Vec<Value<'_>>>,
) -> Result<()> {
    if tx.dialect() == Dialect::Postgres {
        let many = format!(
            "INSERT INTO {into} VALUES {} {conflict}",
            tuples(columns, ROWS_PER_STATEMENT)
        );
        while sets.len() >= ROWS_PER_STATEMENT {
            let values: Vec<Value<'_>> = sets.drain(..ROWS_PER_STATEMENT).flatten().collect();
            tx.execute(&many, &values).await?;
        }
    }
    let one = format!("INSERT INTO {into} VALUES {} {conflict}", tuples(columns, 1));
    tx.execute_many(&one, &sets).await?;
    Ok(())
}

/// `($1, $2), ($3, $4)` for two columns and two rows.
fn tuples(columns: usize, rows: usize) -> String {
    let tuple = |row: usize| {
        let values: Vec<String> = (1..=columns)
            .map(|column| format!("${}", row * columns + column))
            .collect();
        format!("({})", values.join(", "))
    };
    (0..rows).map(tuple).collect::<Vec<_>>().join(", ")
}

/// Stores operations; one that is there already takes the new state. No two may have the same id.
#[tenon_model::boxed]
pub async fn upsert_all(tx: &mut Tx, rows: &[OperationRow]) -> Result<()> {
    let sets: Vec<Vec<Value<'_>>> = rows
        .iter()
        .map(|row| {
            vec![
                Value::from(row.id),
                Value::from(row.environment_id),
                Value::from(&row.kind),
                Value::from(&row.action),
                Value::from(&row.state),
                Value::from(&row.title),
                Value::from(row.integration.as_deref()),
                Value::from(row.provider.as_deref()),
                Value::from(row.connection.as_deref()),
                Value::from(row.function.as_deref()),
                Value::from(row.error_code.as_deref()),
                Value::from(row.error_message.as_deref()),
                Value::from(row.meta.as_deref()),
                Value::from(row.created_at),
                Value::from(row.ended_at),
                Value::from(row.messages_dropped),
            ]
        })
        .collect();
    let conflict = "ON CONFLICT (id) DO UPDATE SET state = excluded.state, title = excluded.title, \
                    error_code = excluded.error_code, error_message = excluded.error_message, \
                    meta = excluded.meta, ended_at = excluded.ended_at, \
                    messages_dropped = excluded.messages_dropped";
    insert_rows(tx, &format!("operations ({COLUMNS})"), 16, conflict, sets).await
}

/// Stores messages; one that is there already stays as it is.
#[tenon_model::boxed]
pub async fn insert_messages(tx: &mut Tx, rows: &[MessageRow]) -> Result<()> {
    let sets: Vec<Vec<Value<'_>>> = rows
        .iter()
        .map(|row| {
            vec![
                Value::from(row.operation_id),
                Value::from(row.sequence),
                Value::from(row.environment_id),
                Value::from(row.at),
                Value::from(&row.level),
                Value::from(&row.kind),
                Value::from(&row.message),
                Value::from(row.meta.as_deref()),
            ]
        })
        .collect();
    let into = "operation_messages (operation_id, sequence, environment_id, at, level, kind, message, meta)";
    insert_rows(tx, into, 8, "ON CONFLICT (operation_id, sequence) DO NOTHING", sets).await
}

/// The operation with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, id: i64) -> Result<Option<OperationRow>> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE environment_id = $1 AND id = $2");
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Operations that the filter lets through: the newest first, or the oldest first when only new ones are asked for
/// (`after`); at most `limit`.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, filter: &OperationFilter<'_>, limit: i64) -> Result<Vec<OperationRow>> {
    let mut values: Vec<Value<'_>> = Vec::new();
    let mut conditions: Vec<String> = Vec::new();
    let mut condition = |values: &mut Vec<Value<'_>>, text: &str| {
        conditions.push(text.replace("$n", &format!("${}", values.len())));
    };
    if let Some(environment) = filter.environment {
        values.push(environment.into());
        condition(&mut values, "o.environment_id = $n");
    }
    if let Some(kind) = filter.kind {
        values.push(kind.into());
        condition(&mut values, "o.kind = $n");
    }
    if let Some(connection) = filter.connection {
        values.push(connection.into());
        condition(&mut values, "o.connection = $n");
    }
    if let Some(integration) = filter.integration {
        values.push(integration.into());
        condition(&mut values, "o.integration = $n");
    }
    if filter.failed {
        condition(&mut values, "o.state IN ('failed', 'timeout', 'cancelled')");
    }
    if let Some(before) = filter.before {
        values.push(before.into());
        condition(&mut values, "o.id < $n");
    }
    if let Some(after) = filter.after {
        values.push(after.into());
        condition(&mut values, "o.id > $n");
    }
    if let Some(search) = filter.search {
        values.push(format!("%{}%", escape_like(search)).into());
        // SQLite's LIKE ignores the case of ASCII letters; PostgreSQL calls that ILIKE.
        let like = conn.fork("LIKE", "ILIKE");
        let columns = [
            "o.title",
            "o.connection",
            "o.function",
            "o.integration",
            "o.error_code",
            "o.error_message",
            "o.meta",
        ];
        let own: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} {like} $n ESCAPE '\\'"))
            .collect();
        condition(
            &mut values,
            &format!(
                "({} OR EXISTS (SELECT 1 FROM operation_messages m WHERE m.operation_id = o.id \
                 AND (m.message {like} $n ESCAPE '\\' OR m.meta {like} $n ESCAPE '\\')))",
                own.join(" OR ")
            ),
        );
    }
    values.push(limit.into());
    let conditions = if conditions.is_empty() {
        "1 = 1".to_owned()
    } else {
        conditions.join(" AND ")
    };
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT {COLUMNS} FROM operations o WHERE {conditions} ORDER BY o.id {order} LIMIT ${}",
        values.len()
    );
    conn.query(&sql, &values).await?.iter().map(decode).collect()
}

/// Operations of the given ids, in no order: to look again at those that were still running.
#[tenon_model::boxed]
pub async fn list_by_ids(conn: &mut Conn, ids: &[i64]) -> Result<Vec<OperationRow>> {
    let sql = format!("SELECT {COLUMNS} FROM operations WHERE {}", conn.any("id", 1));
    conn.query(&sql, params![ids]).await?.iter().map(decode).collect()
}

/// Messages of an operation in order, from the one after `after`, at most `limit`.
#[tenon_model::boxed]
pub async fn list_messages(
    conn: &mut Conn,
    environment: EnvironmentId,
    operation: i64,
    after: i64,
    limit: i64,
) -> Result<Vec<MessageRow>> {
    let sql = "SELECT operation_id, sequence, environment_id, at, level, kind, message, meta FROM operation_messages \
               WHERE environment_id = $1 AND operation_id = $2 AND sequence > $3 ORDER BY sequence LIMIT $4";
    let rows = conn.query(sql, params![environment, operation, after, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(MessageRow {
                operation_id: row.i64(0)?,
                sequence: row.i64(1)?,
                environment_id: EnvironmentId(row.i64(2)?),
                at: row.timestamp(3)?,
                level: row.text(4)?,
                kind: row.text(5)?,
                message: row.text(6)?,
                meta: row.opt_text(7)?,
            })
        })
        .collect()
}

/// Marks operations as failed whose process died: those that are still running although they began before `started`.
///
/// On SQLite there is only one process, so that is all of them. On PostgreSQL other nodes may be at work: only what was
/// this node's own, and what nobody can still be doing.
#[tenon_model::boxed]
pub async fn fail_abandoned(tx: &mut Tx, started: Timestamp, node: u16, now: Timestamp) -> Result<u64> {
    const LONGEST_RUN: std::time::Duration = std::time::Duration::from_secs(25 * 3600);
    let sql = "UPDATE operations SET state = 'failed', ended_at = $3, error_code = 'server_stopped', \
               error_message = 'the server stopped while this was running' \
               WHERE state = 'running' AND id < $1 AND (CAST($4 AS BIGINT) = 1 OR (id & 4095) = $2 OR id < $5)";
    let alone = tx.dialect() == Dialect::Sqlite;
    let impossible = id_at(started.minus(LONGEST_RUN), 0);
    tx.execute(sql, params![id_at(started, 0), i64::from(node), now, alone, impossible])
        .await
}

/// Removes at most `limit` operations that began before `before`, with their messages; returns how many.
#[tenon_model::boxed]
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let ids = "SELECT id FROM operations WHERE id < $1 ORDER BY id LIMIT $2";
    let rows = tx.query(ids, params![id_at(before, 0), limit]).await?;
    let Some(last) = rows.last() else { return Ok(0) };
    let last = last.i64(0)?;
    tx.execute("DELETE FROM operation_messages WHERE operation_id <= $1", params![last])
        .await?;
    tx.execute("DELETE FROM operations WHERE id <= $1", params![last]).await
}

/// Where the messages of an operation go on that somebody takes over.
#[tenon_model::boxed]
pub async fn next_sequence(conn: &mut Conn, id: i64) -> Result<i64> {
    let sql = "SELECT COALESCE(MAX(sequence) + 1, 0) FROM operation_messages WHERE operation_id = $1";
    conn.query_one(sql, params![id]).await?.i64(0)
}
