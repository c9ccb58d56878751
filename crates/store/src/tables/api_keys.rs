//! API keys, stored as hashes.

use tenon_model::{AccountId, EnvironmentId, KeyId, Timestamp};

use crate::{Conn, Result, Row, params};

/// One API key.
#[derive(Debug, Clone)]
pub struct ApiKeyRow {
    /// Row id, exposed on the wire.
    pub id: KeyId,
    /// Owner.
    pub account_id: AccountId,
    /// The one environment it opens; `None` for an account key.
    pub environment_id: Option<EnvironmentId>,
    /// Name shown to people.
    pub display_name: String,
    /// Last characters of the key.
    pub hint: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working, once it was replaced.
    pub ends_at: Option<Timestamp>,
}

/// What a new key is made of.
#[derive(Debug)]
pub struct NewApiKey<'a> {
    /// Owner.
    pub account_id: AccountId,
    /// The one environment it opens; `None` for an account key.
    pub environment_id: Option<EnvironmentId>,
    /// Name shown to people, unique in the environment.
    pub display_name: &'a str,
    /// SHA-256 of the key in hex.
    pub hash: &'a str,
    /// Last characters of the key.
    pub hint: &'a str,
    /// Granted scopes.
    pub scopes: &'a [String],
    /// Creation time.
    pub now: Timestamp,
}

const COLUMNS: &str = "id, account_id, environment_id, display_name, hint, scopes, created_at, last_used_at, ends_at";

fn decode(row: &Row) -> Result<ApiKeyRow> {
    Ok(ApiKeyRow {
        id: KeyId(row.i64(0)?),
        account_id: AccountId(row.i64(1)?),
        environment_id: row.opt_i64(2)?.map(EnvironmentId),
        display_name: row.text(3)?,
        hint: row.text(4)?,
        scopes: row.json(5)?,
        created_at: row.timestamp(6)?,
        last_used_at: row.opt_timestamp(7)?,
        ends_at: row.opt_timestamp(8)?,
    })
}

/// Stores a key.
#[tenon_model::boxed]
pub async fn insert(conn: &mut Conn, new: &NewApiKey<'_>) -> Result<KeyId> {
    let scopes = serde_json::to_string(new.scopes).map_err(|error| crate::Error::Database(Box::new(error)))?;
    let sql = "INSERT INTO api_keys (account_id, environment_id, display_name, hash, hint, scopes, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id";
    let row = conn
        .query_one(
            sql,
            params![
                new.account_id,
                new.environment_id,
                new.display_name,
                new.hash,
                new.hint,
                scopes,
                new.now
            ],
        )
        .await?;
    Ok(KeyId(row.i64(0)?))
}

/// The live key with this hash.
#[tenon_model::boxed]
pub async fn find_by_hash(conn: &mut Conn, hash: &str, now: Timestamp) -> Result<Option<ApiKeyRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys WHERE hash = $1 AND deleted_at IS NULL AND (ends_at IS NULL OR ends_at > $2)"
    );
    conn.query_opt(&sql, params![hash, now])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Live keys of one environment, or the account keys, oldest first.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, account: AccountId, environment: Option<EnvironmentId>) -> Result<Vec<ApiKeyRow>> {
    let sql = match environment {
        Some(_) => format!(
            "SELECT {COLUMNS} FROM api_keys WHERE account_id = $1 AND environment_id = $2 AND deleted_at IS NULL \
             ORDER BY id LIMIT 1000"
        ),
        None => format!(
            "SELECT {COLUMNS} FROM api_keys WHERE account_id = $1 AND environment_id IS NULL \
             AND deleted_at IS NULL AND CAST($2 AS BIGINT) IS NULL ORDER BY id LIMIT 1000"
        ),
    };
    conn.query(&sql, params![account, environment])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Notes that the key was used.
#[tenon_model::boxed]
pub async fn touch(conn: &mut Conn, id: KeyId, now: Timestamp) -> Result<()> {
    conn.execute("UPDATE api_keys SET last_used_at = $2 WHERE id = $1", params![id, now])
        .await?;
    Ok(())
}

/// Gives a replaced key another name and an end.
#[tenon_model::boxed]
pub async fn retire(conn: &mut Conn, id: KeyId, display_name: &str, ends_at: Timestamp) -> Result<()> {
    let sql = "UPDATE api_keys SET display_name = $2, ends_at = $3 WHERE id = $1";
    conn.execute(sql, params![id, display_name, ends_at]).await?;
    Ok(())
}

/// Revokes keys whose end has come.
#[tenon_model::boxed]
pub async fn delete_ended(conn: &mut Conn, now: Timestamp) -> Result<u64> {
    let sql = "UPDATE api_keys SET deleted_at = ends_at WHERE ends_at <= $1 AND deleted_at IS NULL";
    conn.execute(sql, params![now]).await
}

/// Revokes a key of the environment; false when there was none.
#[tenon_model::boxed]
pub async fn delete(
    conn: &mut Conn,
    account: AccountId,
    environment: EnvironmentId,
    id: KeyId,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE api_keys SET deleted_at = $4 \
               WHERE account_id = $1 AND environment_id = $2 AND id = $3 AND deleted_at IS NULL";
    Ok(conn.execute(sql, params![account, environment, id, now]).await? > 0)
}

/// Revokes an account key; false when there was none.
#[tenon_model::boxed]
pub async fn delete_account_key(conn: &mut Conn, account: AccountId, id: KeyId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE api_keys SET deleted_at = $3 \
               WHERE account_id = $1 AND environment_id IS NULL AND id = $2 AND deleted_at IS NULL";
    Ok(conn.execute(sql, params![account, id, now]).await? > 0)
}
