//! The sets themselves.

use tenon_model::{ConnectionId, EnvironmentId, Timestamp};

use crate::{Conn, Result, Row, Tx, params};

/// One change stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetRow {
    /// Row id.
    pub id: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The connection.
    pub connection_id: ConnectionId,
    /// Full model name.
    pub model: String,
    /// Number of the newest change.
    pub last_seq: i64,
    /// Moment of the newest change.
    pub last_change_at: Timestamp,
    /// Records that are not deleted.
    pub live: i64,
    /// Every payload up to this moment is pruned.
    pub pruned_until: Timestamp,
    /// When a function last wrote or passed over it.
    pub touched_at: Timestamp,
}

impl SetRow {
    /// Number and moment for the next change; `now` must be read after [`lock`].
    pub fn next_change(&mut self, now: Timestamp) -> (i64, Timestamp) {
        self.last_seq += 1;
        self.last_change_at = now.max(Timestamp(self.last_change_at.0 + 1));
        (self.last_seq, self.last_change_at)
    }
}

const COLUMNS: &str =
    "id, environment_id, connection_id, model, last_seq, last_change_at, live, pruned_until, touched_at";

fn decode(row: &Row) -> Result<SetRow> {
    Ok(SetRow {
        id: row.i64(0)?,
        environment_id: EnvironmentId(row.i64(1)?),
        connection_id: ConnectionId(row.i64(2)?),
        model: row.text(3)?,
        last_seq: row.i64(4)?,
        last_change_at: row.timestamp(5)?,
        live: row.i64(6)?,
        pruned_until: row.timestamp(7)?,
        touched_at: row.timestamp(8)?,
    })
}

/// Locks a set until the end of the transaction, making it when there is none. Read the clock after this returned.
#[tenon_model::boxed]
pub async fn lock(
    tx: &mut Tx,
    environment: EnvironmentId,
    connection: ConnectionId,
    model: &str,
    now: Timestamp,
) -> Result<SetRow> {
    // The update of a conflicting row takes its lock, and waits for whoever holds it.
    let sql = format!(
        "INSERT INTO record_sets (environment_id, connection_id, model, last_seq, last_change_at, live, pruned_until, \
         touched_at) VALUES ($1, $2, $3, 0, 0, 0, 0, $4) \
         ON CONFLICT (connection_id, model) DO UPDATE SET touched_at = excluded.touched_at RETURNING {COLUMNS}"
    );
    decode(&tx.query_one(&sql, params![environment, connection, model, now]).await?)
}

/// Locks an existing set without touching it.
#[tenon_model::boxed]
pub async fn lock_existing(
    tx: &mut Tx,
    environment: EnvironmentId,
    connection: ConnectionId,
    model: &str,
) -> Result<Option<SetRow>> {
    let tail = tx.fork("", " FOR UPDATE");
    let sql = format!(
        "SELECT {COLUMNS} FROM record_sets WHERE environment_id = $1 AND connection_id = $2 AND model = $3{tail}"
    );
    tx.query_opt(&sql, params![environment, connection, model])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Locks the set with this row id.
#[tenon_model::boxed]
pub async fn lock_by_id(tx: &mut Tx, id: i64) -> Result<Option<SetRow>> {
    let tail = tx.fork("", " FOR UPDATE");
    let sql = format!("SELECT {COLUMNS} FROM record_sets WHERE id = $1{tail}");
    tx.query_opt(&sql, params![id]).await?.as_ref().map(decode).transpose()
}

/// Stores what changed in a locked set.
#[tenon_model::boxed]
pub async fn save(tx: &mut Tx, set: &SetRow) -> Result<()> {
    let sql = "UPDATE record_sets SET last_seq = $2, last_change_at = $3, live = $4, pruned_until = $5 WHERE id = $1";
    tx.execute(
        sql,
        params![set.id, set.last_seq, set.last_change_at, set.live, set.pruned_until],
    )
    .await?;
    Ok(())
}

/// The set of this model.
#[tenon_model::boxed]
pub async fn find(
    conn: &mut Conn,
    environment: EnvironmentId,
    connection: ConnectionId,
    model: &str,
) -> Result<Option<SetRow>> {
    let sql =
        format!("SELECT {COLUMNS} FROM record_sets WHERE environment_id = $1 AND connection_id = $2 AND model = $3");
    conn.query_opt(&sql, params![environment, connection, model])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// All sets of a connection.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, environment: EnvironmentId, connection: ConnectionId) -> Result<Vec<SetRow>> {
    let sql =
        format!("SELECT {COLUMNS} FROM record_sets WHERE environment_id = $1 AND connection_id = $2 ORDER BY model");
    conn.query(&sql, params![environment, connection])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Sets of every environment by row id after `after`, at most `limit`: the work list of the retention sweep.
#[tenon_model::boxed]
pub async fn list_all(conn: &mut Conn, after: i64, limit: i64) -> Result<Vec<SetRow>> {
    let sql = format!("SELECT {COLUMNS} FROM record_sets WHERE id > $1 ORDER BY id LIMIT $2");
    conn.query(&sql, params![after, limit])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Notes that a function passed over sets of a connection, so that retention leaves them alone.
#[tenon_model::boxed]
pub async fn touch(
    tx: &mut Tx,
    environment: EnvironmentId,
    connection: ConnectionId,
    models: &[String],
    now: Timestamp,
) -> Result<()> {
    let sql = format!(
        "UPDATE record_sets SET touched_at = $4 WHERE environment_id = $1 AND connection_id = $2 AND {}",
        tx.any("model", 3)
    );
    tx.execute(&sql, params![environment, connection, models, now]).await?;
    Ok(())
}

/// Removes an empty set.
#[tenon_model::boxed]
pub async fn remove(tx: &mut Tx, id: i64) -> Result<()> {
    tx.execute("DELETE FROM record_sets WHERE id = $1", params![id]).await?;
    Ok(())
}
