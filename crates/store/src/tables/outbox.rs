//! Events to be told to customers: written with what caused them, delivered by a sender that holds a lease.

use tenon_model::{EnvironmentId, Timestamp};

use crate::{Conn, Dialect, Result, Row, Tx, params};

/// One delivery of one event to one receiver.
#[derive(Debug, Clone)]
pub struct DeliveryRow {
    /// Row id; grows with creation.
    pub id: i64,
    /// Id of the event: the same for every receiver and attempt.
    pub event_id: String,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// `auth`, `sync`, `async_action` or `forward`.
    pub kind: String,
    /// The integration's key.
    pub integration: String,
    /// The connection's id as callers use it.
    pub connection: Option<String>,
    /// `primary`, `secondary` or `override`.
    pub target: String,
    /// Where it goes.
    pub url: String,
    /// Origin of the URL.
    pub endpoint: String,
    /// Sealed body.
    pub body: Vec<u8>,
    /// Sealed headers of a forward.
    pub headers: Option<Vec<u8>>,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// Attempts made.
    pub attempts: i64,
    /// When the next attempt is due.
    pub next_at: Timestamp,
    /// HTTP status of the last attempt.
    pub last_status: Option<i64>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The operation that tells the story.
    pub operation_id: Option<String>,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When it was delivered or given up.
    pub ended_at: Option<Timestamp>,
}

/// What a new delivery is made of.
#[derive(Debug)]
pub struct NewDelivery<'a> {
    /// Id of the event.
    pub event_id: &'a str,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// `auth`, `sync`, `async_action` or `forward`.
    pub kind: &'a str,
    /// The integration's key.
    pub integration: &'a str,
    /// The connection's id as callers use it.
    pub connection: Option<&'a str>,
    /// `primary`, `secondary` or `override`.
    pub target: &'a str,
    /// Where it goes.
    pub url: &'a str,
    /// Origin of the URL.
    pub endpoint: &'a str,
    /// Sealed body.
    pub body: &'a [u8],
    /// Sealed headers of a forward.
    pub headers: Option<&'a [u8]>,
    /// The current time.
    pub now: Timestamp,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The delivery.
    pub id: i64,
    /// `pending` to try again, `delivered` or `dead`.
    pub state: &'static str,
    /// When the next attempt is due.
    pub next_at: Timestamp,
    /// HTTP status, when there was an answer.
    pub status: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// The operation that tells the story.
    pub operation_id: String,
}

/// Which deliveries a list or a replay takes.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveryFilter<'a> {
    /// Only this environment; all of them for the operator's own command line.
    pub environment: Option<EnvironmentId>,
    /// Only this state.
    pub state: Option<&'a str>,
    /// Only this kind of event.
    pub kind: Option<&'a str>,
    /// Only events of this connection.
    pub connection: Option<&'a str>,
    /// Only this event.
    pub event_id: Option<&'a str>,
    /// Only events since.
    pub since: Option<Timestamp>,
    /// Only rows below this one: the next page.
    pub before: Option<i64>,
}

const COLUMNS: &str = "id, event_id, environment_id, kind, integration, connection, target, url, endpoint, body, \
                       headers, state, attempts, next_at, last_status, last_error, operation_id, created_at, ended_at";

fn decode(row: &Row) -> Result<DeliveryRow> {
    Ok(DeliveryRow {
        id: row.i64(0)?,
        event_id: row.text(1)?,
        environment_id: EnvironmentId(row.i64(2)?),
        kind: row.text(3)?,
        integration: row.text(4)?,
        connection: row.opt_text(5)?,
        target: row.text(6)?,
        url: row.text(7)?,
        endpoint: row.text(8)?,
        body: row.blob(9)?,
        headers: row.opt_blob(10)?,
        state: row.text(11)?,
        attempts: row.i64(12)?,
        next_at: row.timestamp(13)?,
        last_status: row.opt_i64(14)?,
        last_error: row.opt_text(15)?,
        operation_id: row.opt_text(16)?,
        created_at: row.timestamp(17)?,
        ended_at: row.opt_timestamp(18)?,
    })
}

/// Stores a delivery, due at once.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, new: &NewDelivery<'_>) -> Result<i64> {
    let sql = "INSERT INTO outbox (event_id, environment_id, kind, integration, connection, target, url, endpoint, \
               body, headers, state, attempts, next_at, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'pending', 0, $11, $11) RETURNING id";
    let row = tx
        .query_one(
            sql,
            params![
                new.event_id,
                new.environment_id,
                new.kind,
                new.integration,
                new.connection,
                new.target,
                new.url,
                new.endpoint,
                new.body,
                new.headers,
                new.now
            ],
        )
        .await?;
    row.i64(0)
}

/// Deliveries that are due and that nobody holds, as (row, receiver), the longest due first. Receivers in `busy` are
/// left out.
#[tenon_model::boxed]
pub async fn list_due(conn: &mut Conn, now: Timestamp, busy: &[String], limit: i64) -> Result<Vec<(i64, String)>> {
    let sql = format!(
        "SELECT id, endpoint FROM outbox WHERE state = 'pending' AND next_at <= $1 \
         AND (lease_until IS NULL OR lease_until < $1) AND NOT ({}) ORDER BY next_at, id LIMIT $3",
        conn.any("endpoint", 2)
    );
    let rows = conn.query(&sql, params![now, busy, limit]).await?;
    rows.iter().map(|row| Ok((row.i64(0)?, row.text(1)?))).collect()
}

/// Takes the deliveries that are still free and due, until `until`; others may have been quicker.
#[tenon_model::boxed]
pub async fn claim(
    tx: &mut Tx,
    ids: &[i64],
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Vec<DeliveryRow>> {
    let free = "state = 'pending' AND next_at <= $2 AND (lease_until IS NULL OR lease_until < $2)";
    let any = tx.any("id", 1);
    let chosen = match tx.dialect() {
        Dialect::Sqlite => format!("{any} AND {free}"),
        // Another node that claims the same rows must not make us wait for its commit.
        Dialect::Postgres => {
            format!("id IN (SELECT id FROM outbox WHERE {any} AND {free} FOR UPDATE SKIP LOCKED)")
        }
    };
    let sql = format!("UPDATE outbox SET lease_holder = $3, lease_until = $4 WHERE {chosen} RETURNING {COLUMNS}");
    let mut rows: Vec<DeliveryRow> = tx
        .query(&sql, params![ids, now, holder, until])
        .await?
        .iter()
        .map(decode)
        .collect::<Result<_>>()?;
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// Notes how attempts ended; those whose lease was lost meanwhile are left to the new holder.
#[tenon_model::boxed]
pub async fn finish(tx: &mut Tx, holder: &str, attempts: &[Attempt], now: Timestamp) -> Result<()> {
    let sql = "UPDATE outbox SET state = $3, attempts = attempts + 1, next_at = $4, last_status = $5, \
               last_error = $6, operation_id = $7, lease_holder = NULL, lease_until = NULL, \
               ended_at = CASE WHEN CAST($3 AS TEXT) = 'pending' THEN NULL ELSE CAST($8 AS BIGINT) END \
               WHERE id = $1 AND lease_holder = $2";
    for attempt in attempts {
        tx.execute(
            sql,
            params![
                attempt.id,
                holder,
                attempt.state,
                attempt.next_at,
                attempt.status,
                attempt.error.as_deref(),
                &attempt.operation_id,
                now
            ],
        )
        .await?;
    }
    Ok(())
}

/// Gives back deliveries that were taken and not tried.
#[tenon_model::boxed]
pub async fn release(tx: &mut Tx, holder: &str) -> Result<u64> {
    let sql = "UPDATE outbox SET lease_holder = NULL, lease_until = NULL WHERE lease_holder = $1 AND state = 'pending'";
    tx.execute(sql, params![holder]).await
}

/// When the next delivery that nobody holds is due. Those of a holder that died are found by looking on a timer.
#[tenon_model::boxed]
pub async fn next_due(conn: &mut Conn) -> Result<Option<Timestamp>> {
    let sql = "SELECT next_at FROM outbox WHERE state = 'pending' AND lease_until IS NULL ORDER BY next_at, id LIMIT 1";
    conn.query_opt(sql, params![])
        .await?
        .map(|row| row.timestamp(0))
        .transpose()
}

/// Deliveries that the filter lets through, newest first, at most `limit`.
pub async fn list(conn: &mut Conn, filter: DeliveryFilter<'_>, limit: i64) -> Result<Vec<DeliveryRow>> {
    let sql = format!("SELECT {COLUMNS} FROM outbox WHERE {FILTER} ORDER BY id DESC LIMIT $8");
    let rows = conn
        .query(
            &sql,
            params![
                filter.environment.map_or(0, |id| id.0),
                filter.state.unwrap_or_default(),
                filter.kind.unwrap_or_default(),
                filter.connection.unwrap_or_default(),
                filter.event_id.unwrap_or_default(),
                filter.since.unwrap_or_default(),
                filter.before.unwrap_or(i64::MAX),
                limit
            ],
        )
        .await?;
    rows.iter().map(decode).collect()
}

const FILTER: &str = "(CAST($1 AS BIGINT) = 0 OR environment_id = $1) AND (CAST($2 AS TEXT) = '' OR state = $2) \
                      AND (CAST($3 AS TEXT) = '' OR kind = $3) AND (CAST($4 AS TEXT) = '' OR connection = $4) \
                      AND (CAST($5 AS TEXT) = '' OR event_id = $5) AND created_at >= $6 AND id < $7";

/// Makes the given deliveries due again with a fresh count of attempts; returns how many were not pending.
#[tenon_model::boxed]
pub async fn replay(tx: &mut Tx, ids: &[i64], now: Timestamp) -> Result<u64> {
    let sql = format!(
        "UPDATE outbox SET state = 'pending', attempts = 0, next_at = $2, ended_at = NULL, operation_id = NULL \
         WHERE {} AND state <> 'pending'",
        tx.any("id", 1)
    );
    let touched = tx.execute(&sql, params![ids, now]).await?;
    tx.signal("outbox", "");
    Ok(touched)
}

/// How many deliveries are in each state.
#[tenon_model::boxed]
pub async fn count_states(conn: &mut Conn) -> Result<Vec<(String, i64)>> {
    let rows = conn
        .query(
            "SELECT state, COUNT(*) FROM outbox GROUP BY state ORDER BY state",
            params![],
        )
        .await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.i64(1)?))).collect()
}

/// Removes at most `limit` deliveries that ended before `before`.
#[tenon_model::boxed]
pub async fn prune(tx: &mut Tx, before: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM outbox WHERE id IN \
               (SELECT id FROM outbox WHERE state <> 'pending' AND ended_at < $1 ORDER BY ended_at LIMIT $2)";
    tx.execute(sql, params![before, limit]).await
}
