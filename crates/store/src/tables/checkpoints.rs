//! Checkpoints: small objects that functions keep between runs.
//!
//! Writes name the version they saw. A cleared checkpoint keeps its row, so a version never comes back and a writer that
//! slept through a reset is refused.

use tenon_model::{ConnectionId, EnvironmentId, Timestamp};

use crate::{Conn, Result, Tx, params};

/// A checkpoint as stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stored {
    /// JSON object; none when it was cleared or never saved.
    pub value: Option<String>,
    /// 0 when it was never saved.
    pub version: i64,
}

/// The checkpoint under this key.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, connection: ConnectionId, key: &str) -> Result<Stored> {
    let sql = "SELECT value, version FROM checkpoints WHERE connection_id = $1 AND key = $2";
    Ok(match conn.query_opt(sql, params![connection, key]).await? {
        Some(row) => Stored {
            value: row.opt_text(0)?,
            version: row.i64(1)?,
        },
        None => Stored::default(),
    })
}

/// Saves (`Some`) or clears (`None`) what was at `version`; returns the new version, none when it has changed since.
#[tenon_model::boxed]
pub async fn write(
    tx: &mut Tx,
    environment: EnvironmentId,
    connection: ConnectionId,
    key: &str,
    version: i64,
    value: Option<&str>,
    now: Timestamp,
) -> Result<Option<i64>> {
    let touched = if version == 0 {
        let sql = "INSERT INTO checkpoints (connection_id, environment_id, key, value, version, updated_at) \
                   VALUES ($1, $2, $3, $4, 1, $5) ON CONFLICT DO NOTHING";
        tx.execute(sql, params![connection, environment, key, value, now])
            .await?
    } else {
        let sql = "UPDATE checkpoints SET value = $4, version = version + 1, updated_at = $5 \
                   WHERE connection_id = $1 AND key = $2 AND version = $3";
        tx.execute(sql, params![connection, key, version, value, now]).await?
    };
    Ok((touched > 0).then_some(version + 1))
}

/// Clears the checkpoint under `key` and all that hang on it (`key:…`).
#[tenon_model::boxed]
pub async fn clear(tx: &mut Tx, connection: ConnectionId, key: &str, now: Timestamp) -> Result<()> {
    // A range instead of a pattern: names may hold what patterns treat as wild.
    let sql = "UPDATE checkpoints SET value = NULL, version = version + 1, updated_at = $5 \
               WHERE connection_id = $1 AND value IS NOT NULL AND (key = $2 OR (key >= $3 AND key < $4))";
    tx.execute(sql, params![connection, key, format!("{key}:"), format!("{key};"), now])
        .await?;
    Ok(())
}

/// Values of the checkpoints of a connection whose key ends with `suffix`: marks of open passes over one model.
#[tenon_model::boxed]
pub async fn list_marks(conn: &mut Conn, connection: ConnectionId, suffix: &str) -> Result<Vec<String>> {
    let sql = "SELECT key, value FROM checkpoints WHERE connection_id = $1 AND value IS NOT NULL";
    let mut found = Vec::new();
    for row in conn.query(sql, params![connection]).await? {
        if row.str(0)?.ends_with(suffix) {
            found.push(row.text(1)?);
        }
    }
    Ok(found)
}

/// Removes every checkpoint of a connection that is gone.
#[tenon_model::boxed]
pub async fn remove_all(tx: &mut Tx, connection: ConnectionId) -> Result<()> {
    tx.execute("DELETE FROM checkpoints WHERE connection_id = $1", params![connection])
        .await?;
    Ok(())
}
