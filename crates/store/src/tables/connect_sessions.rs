//! Connect sessions: short-lived permissions of a front end to connect accounts.

use tenon_model::{ConnectionId, EnvironmentId, Timestamp};

use crate::{Conn, Result, params};

/// One connect session.
#[derive(Debug, Clone)]
pub struct ConnectSessionRow {
    /// Row id.
    pub id: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The connection that the session re-authorises.
    pub connection_id: Option<ConnectionId>,
    /// Sealed JSON of what the session allows and presets.
    pub details: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes a session. `token_hash` is the SHA-256 of the token in hex.
#[tenon_model::boxed]
pub async fn insert(
    conn: &mut Conn,
    environment: EnvironmentId,
    token_hash: &str,
    connection: Option<ConnectionId>,
    details: &[u8],
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO connect_sessions (environment_id, token_hash, connection_id, details, created_at, \
               expires_at) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id";
    conn.query_one(
        sql,
        params![environment, token_hash, connection, details, now, expires_at],
    )
    .await?
    .i64(0)
}

/// The session with this token that has not ended. The token is the credential, so no environment is asked for.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, token_hash: &str, now: Timestamp) -> Result<Option<ConnectSessionRow>> {
    let sql = "SELECT id, environment_id, connection_id, details, created_at, expires_at FROM connect_sessions \
               WHERE token_hash = $1 AND expires_at > $2";
    let Some(row) = conn.query_opt(sql, params![token_hash, now]).await? else {
        return Ok(None);
    };
    Ok(Some(ConnectSessionRow {
        id: row.i64(0)?,
        environment_id: EnvironmentId(row.i64(1)?),
        connection_id: row.opt_i64(2)?.map(ConnectionId),
        details: row.blob(3)?,
        created_at: row.timestamp(4)?,
        expires_at: row.timestamp(5)?,
    }))
}

/// Replaces the details of a session that are still `old`; false when somebody else was faster or it is gone.
#[tenon_model::boxed]
pub async fn replace_details(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: i64,
    old: &[u8],
    new: &[u8],
) -> Result<bool> {
    let sql = "UPDATE connect_sessions SET details = $4 WHERE environment_id = $1 AND id = $2 AND details = $3";
    Ok(conn.execute(sql, params![environment, id, old, new]).await? > 0)
}

/// Ends a session; false when there was none.
#[tenon_model::boxed]
pub async fn delete(conn: &mut Conn, environment: EnvironmentId, id: i64) -> Result<bool> {
    let sql = "DELETE FROM connect_sessions WHERE environment_id = $1 AND id = $2";
    Ok(conn.execute(sql, params![environment, id]).await? > 0)
}

/// Removes sessions that ended before `before`, in every environment; returns how many.
#[tenon_model::boxed]
pub async fn purge(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.execute("DELETE FROM connect_sessions WHERE expires_at < $1", params![before])
        .await
}
