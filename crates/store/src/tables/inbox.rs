//! Webhooks that providers sent, from the moment we answer for them until they are worked off.

use tenon_model::{EnvironmentId, IntegrationId, Timestamp};

use crate::{Conn, Dialect, Result, Row, Tx, params};

/// One received webhook.
#[derive(Debug, Clone)]
pub struct InboxRow {
    /// Row id; grows with arrival.
    pub id: i64,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration whose URL was called.
    pub integration_id: IntegrationId,
    /// The provider's own id of the delivery.
    pub delivery_id: Option<String>,
    /// Sealed headers, query and body.
    pub payload: Vec<u8>,
    /// How the signature was checked.
    pub verified_by: String,
    /// `received`, `done` or `failed`.
    pub state: String,
    /// How often working it off was tried.
    pub attempts: i64,
    /// When it arrived.
    pub received_at: Timestamp,
}

/// What a new row is made of.
#[derive(Debug, Clone)]
pub struct NewInbox {
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration whose URL was called.
    pub integration_id: IntegrationId,
    /// The provider's own id of the delivery.
    pub delivery_id: Option<String>,
    /// Sealed headers, query and body.
    pub payload: Vec<u8>,
    /// How the signature was checked: `none` or the name of the scheme.
    pub verified_by: &'static str,
    /// The current time.
    pub now: Timestamp,
}

const COLUMNS: &str =
    "id, environment_id, integration_id, delivery_id, payload, verified_by, state, attempts, received_at";

fn decode(row: &Row) -> Result<InboxRow> {
    Ok(InboxRow {
        id: row.i64(0)?,
        environment_id: EnvironmentId(row.i64(1)?),
        integration_id: IntegrationId(row.i64(2)?),
        delivery_id: row.opt_text(3)?,
        payload: row.blob(4)?,
        verified_by: row.text(5)?,
        state: row.text(6)?,
        attempts: row.i64(7)?,
        received_at: row.timestamp(8)?,
    })
}

/// Stores a webhook, due at once; `None` when the same delivery was taken before.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, new: &NewInbox) -> Result<Option<i64>> {
    let sql = "INSERT INTO inbox (environment_id, integration_id, delivery_id, payload, verified_by, state, attempts, \
               next_at, received_at) VALUES ($1, $2, $3, $4, $5, 'received', 0, $6, $6) \
               ON CONFLICT DO NOTHING RETURNING id";
    let row = tx
        .query_opt(
            sql,
            params![
                new.environment_id,
                new.integration_id,
                new.delivery_id.as_deref(),
                &new.payload,
                new.verified_by,
                new.now
            ],
        )
        .await?;
    row.map(|row| row.i64(0)).transpose()
}

/// Takes at most `limit` due webhooks until `until`, the longest due first.
#[tenon_model::boxed]
pub async fn claim(tx: &mut Tx, holder: &str, now: Timestamp, until: Timestamp, limit: i64) -> Result<Vec<InboxRow>> {
    let skip = match tx.dialect() {
        Dialect::Sqlite => "",
        Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
    };
    let sql = format!(
        "UPDATE inbox SET lease_holder = $1, lease_until = $3, attempts = attempts + 1 WHERE id IN \
         (SELECT id FROM inbox WHERE state = 'received' AND next_at <= $2 \
         AND (lease_until IS NULL OR lease_until < $2) ORDER BY next_at, id LIMIT $4{skip}) RETURNING {COLUMNS}"
    );
    let mut rows: Vec<InboxRow> = tx
        .query(&sql, params![holder, now, until, limit])
        .await?
        .iter()
        .map(decode)
        .collect::<Result<_>>()?;
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// Marks a webhook as worked off; false when the lease was lost meanwhile.
#[tenon_model::boxed]
pub async fn finish(
    tx: &mut Tx,
    id: i64,
    holder: &str,
    connections: i64,
    operation_id: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE inbox SET state = 'done', lease_holder = NULL, lease_until = NULL, connections = $3, \
               operation_id = $4, ended_at = $5 WHERE id = $1 AND lease_holder = $2 AND state = 'received'";
    Ok(tx
        .execute(sql, params![id, holder, connections, operation_id, now])
        .await?
        > 0)
}

/// Notes a failure: tried again at `next_at`, or given up when that is absent.
#[tenon_model::boxed]
pub async fn fail(
    tx: &mut Tx,
    id: i64,
    holder: &str,
    error: &str,
    next_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE inbox SET lease_holder = NULL, lease_until = NULL, last_error = $3, state = $4, \
               next_at = COALESCE($5, next_at), ended_at = $6 WHERE id = $1 AND lease_holder = $2";
    let (state, ended) = match next_at {
        Some(_) => ("received", None),
        None => ("failed", Some(now)),
    };
    tx.execute(sql, params![id, holder, error, state, next_at, ended])
        .await?;
    Ok(())
}

/// The webhook with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, id: i64) -> Result<Option<InboxRow>> {
    let sql = format!("SELECT {COLUMNS} FROM inbox WHERE environment_id = $1 AND id = $2");
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// When the next webhook that nobody holds is due. Those of a holder that died are found by looking on a timer.
#[tenon_model::boxed]
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let sql = "SELECT next_at FROM inbox WHERE state = 'received' AND lease_until IS NULL ORDER BY next_at, id LIMIT 1";
    conn.query_opt(sql, params![])
        .await?
        .map(|row| row.timestamp(0))
        .transpose()
}

/// Removes at most `limit` webhooks that ended before `before`.
#[tenon_model::boxed]
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM inbox WHERE id IN \
               (SELECT id FROM inbox WHERE state <> 'received' AND ended_at < $1 ORDER BY ended_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}

/// Whether a webhook is held by somebody whose lease has run out.
#[tenon_model::boxed]
pub async fn any_expired(conn: &mut Conn, now: Timestamp) -> Result<bool> {
    let sql = "SELECT id FROM inbox WHERE state = 'received' AND lease_until IS NOT NULL AND lease_until < $1 LIMIT 1";
    Ok(conn.query_opt(sql, params![now]).await?.is_some())
}
