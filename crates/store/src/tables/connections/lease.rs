//! The refresh lease of a connection.
//!
//! A refresh token may be good for one use only, so at most one node may use it. [`acquire`] hands the lease to one
//! holder; [`store_refreshed`] and [`store_failure`] write the outcome and end the lease in one statement, and only if
//! the holder still has it. A lease that ran out while somebody held it means that the holder died after it may have
//! used the token: the next holder is told.

use std::time::Duration;

use tenon_model::{ConnectionId, EnvironmentId, Timestamp};

use crate::{Conn, Result, params};

/// What came of asking for the lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acquired {
    /// It is ours.
    Fresh,
    /// It is ours; the holder before us never reported back.
    AfterLost,
    /// Somebody else has it, or the connection changed or is gone.
    No,
}

/// Asks for the lease of a connection that is still at `version`.
#[tenon_model::boxed]
pub async fn acquire(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    version: i64,
    holder: &str,
    now: Timestamp,
    until: Timestamp,
) -> Result<Acquired> {
    let free = "UPDATE connections SET lease_holder = $4, lease_until = $5 WHERE environment_id = $1 AND id = $2 \
                AND version = $3 AND deleted_at IS NULL AND lease_holder IS NULL";
    if conn
        .execute(free, params![environment, id, version, holder, until])
        .await?
        > 0
    {
        return Ok(Acquired::Fresh);
    }
    let lost = "UPDATE connections SET lease_holder = $4, lease_until = $5 WHERE environment_id = $1 AND id = $2 \
                AND version = $3 AND deleted_at IS NULL AND lease_holder IS NOT NULL AND lease_until < $6";
    if conn
        .execute(lost, params![environment, id, version, holder, until, now])
        .await?
        > 0
    {
        return Ok(Acquired::AfterLost);
    }
    Ok(Acquired::No)
}

/// Keeps a lease alive; false when the holder has lost it.
#[tenon_model::boxed]
pub async fn extend(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    holder: &str,
    until: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE connections SET lease_until = $4 WHERE environment_id = $1 AND id = $2 AND lease_holder = $3";
    let touched = conn.execute(sql, params![environment, id, holder, until]).await?;
    Ok(touched > 0)
}

/// Ends every lease, of whoever. For the start of the only process that can have the database: the holders are dead.
#[tenon_model::boxed]
pub async fn end_all(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE connections SET lease_until = $1 WHERE lease_holder IS NOT NULL AND lease_until > $1";
    conn.execute(sql, params![now.minus(Duration::from_micros(1))]).await
}

/// What a successful refresh writes.
#[derive(Debug, Clone, Copy)]
pub struct Refreshed<'a> {
    /// Sealed credentials.
    pub credentials: &'a [u8],
    /// Sealed connection configuration, when it changed.
    pub connection_config: Option<&'a [u8]>,
    /// When the new token ends.
    pub expires_at: Option<Timestamp>,
    /// The current time.
    pub now: Timestamp,
}

/// Writes new credentials and ends the lease; false when the holder has lost it (the connection was re-authorised or
/// deleted meanwhile), in which case nothing is written.
#[tenon_model::boxed]
pub async fn store_refreshed(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    holder: &str,
    refreshed: &Refreshed<'_>,
) -> Result<bool> {
    let sql = "UPDATE connections SET credentials = $4, connection_config = COALESCE($5, connection_config), \
               expires_at = $6, version = version + 1, refresh_failures = 0, refresh_failed_at = NULL, \
               refresh_error = NULL, refresh_exhausted = 0, lease_holder = NULL, lease_until = NULL, \
               last_refreshed_at = $7, updated_at = $7 \
               WHERE environment_id = $1 AND id = $2 AND lease_holder = $3 AND deleted_at IS NULL";
    let touched = conn
        .execute(
            sql,
            params![
                environment,
                id,
                holder,
                refreshed.credentials,
                refreshed.connection_config,
                refreshed.expires_at,
                refreshed.now
            ],
        )
        .await?;
    Ok(touched > 0)
}

/// Writes a failure and ends the lease; false when the holder has lost it.
#[expect(clippy::too_many_arguments, reason = "one statement with the columns that it writes")]
#[tenon_model::boxed]
pub async fn store_failure(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    holder: &str,
    failures: i64,
    exhausted: bool,
    error: &str,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE connections SET version = version + 1, refresh_failures = $4, refresh_exhausted = $5, \
               refresh_error = $6, refresh_failed_at = $7, lease_holder = NULL, lease_until = NULL \
               WHERE environment_id = $1 AND id = $2 AND lease_holder = $3 AND deleted_at IS NULL";
    let touched = conn
        .execute(sql, params![environment, id, holder, failures, exhausted, error, now])
        .await?;
    Ok(touched > 0)
}

/// Writes a failure that no lease stands for: a refused credential test of a key or password.
#[tenon_model::boxed]
pub async fn store_test_failure(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    failures: i64,
    exhausted: bool,
    error: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE connections SET version = version + 1, refresh_failures = $3, refresh_exhausted = $4, \
               refresh_error = $5, refresh_failed_at = $6 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, failures, exhausted, error, now])
        .await?;
    Ok(())
}

/// Writes that a credential test which had failed is passed again.
#[tenon_model::boxed]
pub async fn store_test_passed(conn: &mut Conn, environment: EnvironmentId, id: ConnectionId) -> Result<()> {
    let sql = "UPDATE connections SET version = version + 1, refresh_failures = 0, refresh_failed_at = NULL, \
               refresh_error = NULL, refresh_exhausted = 0 WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id]).await?;
    Ok(())
}

/// Gives the lease back without an outcome.
#[tenon_model::boxed]
pub async fn release(conn: &mut Conn, environment: EnvironmentId, id: ConnectionId, holder: &str) -> Result<()> {
    let sql = "UPDATE connections SET lease_holder = NULL, lease_until = NULL \
               WHERE environment_id = $1 AND id = $2 AND lease_holder = $3";
    conn.execute(sql, params![environment, id, holder]).await?;
    Ok(())
}
