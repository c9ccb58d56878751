//! What is wrong with a connection right now.

use std::collections::HashMap;

use tenon_model::{ConnectionId, EnvironmentId, Timestamp};

use crate::{Conn, Result, params};

/// One active error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionErrorRow {
    /// `auth` or `sync`.
    pub kind: String,
    /// The operation that tells the story.
    pub log_id: String,
}

/// Notes an error, replacing one of the same kind and subject.
#[tenon_model::boxed]
pub async fn set(
    conn: &mut Conn,
    environment: EnvironmentId,
    connection: ConnectionId,
    kind: &str,
    subject: &str,
    log_id: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO connection_errors (environment_id, connection_id, kind, subject, log_id, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (connection_id, kind, subject) \
               DO UPDATE SET log_id = excluded.log_id, created_at = excluded.created_at";
    conn.execute(sql, params![environment, connection, kind, subject, log_id, now])
        .await?;
    Ok(())
}

/// Removes an error; false when there was none.
#[tenon_model::boxed]
pub async fn clear(
    conn: &mut Conn,
    environment: EnvironmentId,
    connection: ConnectionId,
    kind: &str,
    subject: &str,
) -> Result<bool> {
    let sql = "DELETE FROM connection_errors \
               WHERE environment_id = $1 AND connection_id = $2 AND kind = $3 AND subject = $4";
    Ok(conn
        .execute(sql, params![environment, connection, kind, subject])
        .await?
        > 0)
}

/// Removes all errors of a connection.
#[tenon_model::boxed]
pub async fn clear_all(conn: &mut Conn, environment: EnvironmentId, connection: ConnectionId) -> Result<()> {
    let sql = "DELETE FROM connection_errors WHERE environment_id = $1 AND connection_id = $2";
    conn.execute(sql, params![environment, connection]).await?;
    Ok(())
}

/// The active errors of the given connections, oldest first.
#[tenon_model::boxed]
pub async fn list(
    conn: &mut Conn,
    environment: EnvironmentId,
    connections: &[ConnectionId],
) -> Result<HashMap<ConnectionId, Vec<ConnectionErrorRow>>> {
    let mut found: HashMap<ConnectionId, Vec<ConnectionErrorRow>> = HashMap::new();
    if connections.is_empty() {
        return Ok(found);
    }
    let ids: Vec<i64> = connections.iter().map(|id| id.0).collect();
    let sql = format!(
        "SELECT connection_id, kind, log_id FROM connection_errors WHERE environment_id = $1 AND {} \
         ORDER BY created_at, kind, subject",
        conn.any("connection_id", 2)
    );
    for row in conn.query(&sql, params![environment, ids]).await? {
        found
            .entry(ConnectionId(row.i64(0)?))
            .or_default()
            .push(ConnectionErrorRow {
                kind: row.text(1)?,
                log_id: row.text(2)?,
            });
    }
    Ok(found)
}
