//! Locks that functions take by name, inside one environment.

use tenon_model::{EnvironmentId, Timestamp};

use crate::{Result, Tx, params};

/// Takes or extends a lock until `until`; false while somebody else has it.
#[tenon_model::boxed]
pub async fn acquire(
    tx: &mut Tx,
    environment: EnvironmentId,
    key: &str,
    owner: &str,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool> {
    let sql = "INSERT INTO locks (environment_id, key, owner, expires_at) VALUES ($1, $2, $3, $4) \
               ON CONFLICT (environment_id, key) DO UPDATE SET owner = excluded.owner, \
               expires_at = excluded.expires_at WHERE locks.owner = excluded.owner OR locks.expires_at <= $5";
    Ok(tx.execute(sql, params![environment, key, owner, until, now]).await? > 0)
}

/// Gives a lock back; false when `owner` did not have it.
#[tenon_model::boxed]
pub async fn release(tx: &mut Tx, environment: EnvironmentId, key: &str, owner: &str) -> Result<bool> {
    let sql = "DELETE FROM locks WHERE environment_id = $1 AND key = $2 AND owner = $3";
    Ok(tx.execute(sql, params![environment, key, owner]).await? > 0)
}

/// Gives back all locks of an owner.
#[tenon_model::boxed]
pub async fn release_all(tx: &mut Tx, environment: EnvironmentId, owner: &str) -> Result<u64> {
    let sql = "DELETE FROM locks WHERE owner = $2 AND environment_id = $1";
    tx.execute(sql, params![environment, owner]).await
}

/// Removes locks that ran out, at most `limit`.
#[tenon_model::boxed]
pub async fn sweep(tx: &mut Tx, now: Timestamp, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM locks WHERE (environment_id, key) IN \
               (SELECT environment_id, key FROM locks WHERE expires_at <= $1 LIMIT $2)";
    tx.execute(sql, params![now, limit]).await
}
