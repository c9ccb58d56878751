//! Environments, their variables and the vault's data keys.

use tenon_model::{AccountId, EnvironmentId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Result, Row, params};

/// One environment.
#[derive(Debug, Clone)]
pub struct EnvironmentRow {
    /// Row id, exposed on the wire.
    pub id: EnvironmentId,
    /// Public identifier, part of incoming webhook URLs.
    pub uuid: Uuid,
    /// Owner.
    pub account_id: AccountId,
    /// Name, unique in the account.
    pub name: String,
    /// Whether it serves real customers.
    pub is_production: bool,
    /// Legacy public key of front ends.
    pub public_key: String,
    /// Settings as JSON text.
    pub settings: String,
    /// Sealed webhook signing key.
    pub signing_key: Vec<u8>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What a new environment is made of.
#[derive(Debug)]
pub struct NewEnvironment<'a> {
    /// Public identifier.
    pub uuid: Uuid,
    /// Owner.
    pub account_id: AccountId,
    /// Name, unique in the account.
    pub name: &'a str,
    /// Whether it serves real customers.
    pub is_production: bool,
    /// Legacy public key of front ends.
    pub public_key: &'a str,
    /// Settings as JSON text.
    pub settings: &'a str,
    /// Creation time.
    pub now: Timestamp,
}

const COLUMNS: &str = "id, uuid, account_id, name, is_production, public_key, settings, signing_key, created_at";

fn decode(row: &Row) -> Result<EnvironmentRow> {
    Ok(EnvironmentRow {
        id: EnvironmentId(row.i64(0)?),
        uuid: Uuid::try_parse(row.str(1)?).map_err(|_| crate::Error::Decode {
            column: 1,
            expected: "a UUID",
        })?,
        account_id: AccountId(row.i64(2)?),
        name: row.text(3)?,
        is_production: row.bool(4)?,
        public_key: row.text(5)?,
        settings: row.text(6)?,
        signing_key: row.blob(7)?,
        created_at: row.timestamp(8)?,
    })
}

/// Makes an environment; its signing key is set afterwards, because sealing it needs the id.
#[tenon_model::boxed]
pub async fn insert(conn: &mut Conn, new: &NewEnvironment<'_>) -> Result<EnvironmentId> {
    let sql = "INSERT INTO environments \
               (uuid, account_id, name, is_production, public_key, settings, signing_key, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id";
    let empty: &[u8] = &[];
    let row = conn
        .query_one(
            sql,
            params![
                new.uuid,
                new.account_id,
                new.name,
                new.is_production,
                new.public_key,
                new.settings,
                empty,
                new.now
            ],
        )
        .await?;
    Ok(EnvironmentId(row.i64(0)?))
}

/// Stores the sealed signing key.
#[tenon_model::boxed]
pub async fn set_signing_key(conn: &mut Conn, id: EnvironmentId, sealed: &[u8]) -> Result<()> {
    conn.execute(
        "UPDATE environments SET signing_key = $2 WHERE id = $1",
        params![id, sealed],
    )
    .await?;
    Ok(())
}

/// Stores the settings (JSON text).
#[tenon_model::boxed]
pub async fn set_settings(conn: &mut Conn, id: EnvironmentId, settings: &str) -> Result<()> {
    conn.execute(
        "UPDATE environments SET settings = $2 WHERE id = $1",
        params![id, settings],
    )
    .await?;
    Ok(())
}

/// The live environment with this id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, id: EnvironmentId) -> Result<Option<EnvironmentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM environments WHERE id = $1 AND deleted_at IS NULL");
    conn.query_opt(&sql, params![id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The live environment with this public identifier.
#[tenon_model::boxed]
pub async fn find_by_uuid(conn: &mut Conn, uuid: Uuid) -> Result<Option<EnvironmentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM environments WHERE uuid = $1 AND deleted_at IS NULL");
    conn.query_opt(&sql, params![uuid])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The live environment with this legacy public key.
#[tenon_model::boxed]
pub async fn find_by_public_key(conn: &mut Conn, public_key: &str) -> Result<Option<EnvironmentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM environments WHERE public_key = $1 AND deleted_at IS NULL");
    conn.query_opt(&sql, params![public_key])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The account's live environment with this name.
#[tenon_model::boxed]
pub async fn find_by_name(conn: &mut Conn, account: AccountId, name: &str) -> Result<Option<EnvironmentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM environments WHERE account_id = $1 AND name = $2 AND deleted_at IS NULL");
    conn.query_opt(&sql, params![account, name])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// All live environments of the account, oldest first.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, account: AccountId) -> Result<Vec<EnvironmentRow>> {
    let sql = format!("SELECT {COLUMNS} FROM environments WHERE account_id = $1 AND deleted_at IS NULL ORDER BY id");
    conn.query(&sql, params![account]).await?.iter().map(decode).collect()
}

/// Marks the environment as deleted; false when there was none.
#[tenon_model::boxed]
pub async fn delete(conn: &mut Conn, account: AccountId, id: EnvironmentId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE environments SET deleted_at = $3 WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL";
    Ok(conn.execute(sql, params![account, id, now]).await? > 0)
}

/// Names and sealed values of the environment's variables, by name.
#[tenon_model::boxed]
pub async fn list_variables(conn: &mut Conn, id: EnvironmentId) -> Result<Vec<(String, Vec<u8>)>> {
    let sql = "SELECT name, value FROM environment_variables WHERE environment_id = $1 ORDER BY name";
    let rows = conn.query(sql, params![id]).await?;
    rows.iter().map(|row| Ok((row.text(0)?, row.blob(1)?))).collect()
}

/// Sets a variable to a sealed value.
#[tenon_model::boxed]
pub async fn set_variable(conn: &mut Conn, id: EnvironmentId, name: &str, sealed: &[u8]) -> Result<()> {
    let sql = "INSERT INTO environment_variables (environment_id, name, value) VALUES ($1, $2, $3) \
               ON CONFLICT (environment_id, name) DO UPDATE SET value = excluded.value";
    conn.execute(sql, params![id, name, sealed]).await?;
    Ok(())
}

/// Removes a variable; false when there was none.
#[tenon_model::boxed]
pub async fn delete_variable(conn: &mut Conn, id: EnvironmentId, name: &str) -> Result<bool> {
    let sql = "DELETE FROM environment_variables WHERE environment_id = $1 AND name = $2";
    Ok(conn.execute(sql, params![id, name]).await? > 0)
}

/// A data key of the vault, sealed by the master key named beside it.
#[derive(Debug, Clone)]
pub struct DataKeyRow {
    /// Row id; the key id that sealed values carry.
    pub id: i64,
    /// Owner; `None` for the key of the installation.
    pub environment_id: Option<EnvironmentId>,
    /// Identifier of the master key that seals it.
    pub master_key: String,
    /// The sealed key.
    pub sealed: Vec<u8>,
}

/// All data keys, oldest first.
#[tenon_model::boxed]
pub async fn list_data_keys(conn: &mut Conn) -> Result<Vec<DataKeyRow>> {
    let rows = conn
        .query(
            "SELECT id, environment_id, master_key, sealed FROM data_keys ORDER BY id",
            params![],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(DataKeyRow {
                id: row.i64(0)?,
                environment_id: row.opt_i64(1)?.map(EnvironmentId),
                master_key: row.text(2)?,
                sealed: row.blob(3)?,
            })
        })
        .collect()
}

/// Stores a data key and returns its id.
#[tenon_model::boxed]
pub async fn insert_data_key(
    conn: &mut Conn,
    environment: Option<EnvironmentId>,
    master_key: &str,
    sealed: &[u8],
    now: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO data_keys (environment_id, master_key, sealed, created_at) \
               VALUES ($1, $2, $3, $4) RETURNING id";
    conn.query_one(sql, params![environment, master_key, sealed, now])
        .await?
        .i64(0)
}

/// Replaces the sealed form of a data key (rotation of the master key).
#[tenon_model::boxed]
pub async fn reseal_data_key(conn: &mut Conn, id: i64, master_key: &str, sealed: &[u8]) -> Result<()> {
    let sql = "UPDATE data_keys SET master_key = $2, sealed = $3 WHERE id = $1";
    conn.execute(sql, params![id, master_key, sealed]).await?;
    Ok(())
}
