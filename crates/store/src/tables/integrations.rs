//! Integrations: configured providers.

use tenon_model::{EnvironmentId, IntegrationId, Timestamp};

use crate::{Conn, Result, Row, params};

/// One integration.
#[derive(Debug, Clone)]
pub struct IntegrationRow {
    /// Row id.
    pub id: IntegrationId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// Key that callers use, unique in the environment.
    pub unique_key: String,
    /// Provider id in the catalogue.
    pub provider: String,
    /// Own name; `None` shows the provider's.
    pub display_name: Option<String>,
    /// Sealed JSON of client credentials and configuration.
    pub secrets: Vec<u8>,
    /// Whether incoming webhooks are passed on to the customer.
    pub forward_webhooks: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

const COLUMNS: &str =
    "id, environment_id, unique_key, provider, display_name, secrets, forward_webhooks, created_at, updated_at";

fn decode(row: &Row) -> Result<IntegrationRow> {
    Ok(IntegrationRow {
        id: IntegrationId(row.i64(0)?),
        environment_id: EnvironmentId(row.i64(1)?),
        unique_key: row.text(2)?,
        provider: row.text(3)?,
        display_name: row.opt_text(4)?,
        secrets: row.blob(5)?,
        forward_webhooks: row.bool(6)?,
        created_at: row.timestamp(7)?,
        updated_at: row.timestamp(8)?,
    })
}

/// Makes an integration whose secrets are set afterwards with [`update`], because sealing them needs the id.
#[tenon_model::boxed]
pub async fn insert(
    conn: &mut Conn,
    environment: EnvironmentId,
    unique_key: &str,
    provider: &str,
    now: Timestamp,
) -> Result<IntegrationId> {
    let sql = "INSERT INTO integrations \
               (environment_id, unique_key, provider, secrets, forward_webhooks, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, 1, $5, $5) RETURNING id";
    let empty: &[u8] = &[];
    let row = conn
        .query_one(sql, params![environment, unique_key, provider, empty, now])
        .await?;
    Ok(IntegrationId(row.i64(0)?))
}

/// Writes everything that can change.
#[tenon_model::boxed]
pub async fn update(conn: &mut Conn, row: &IntegrationRow) -> Result<()> {
    let sql = "UPDATE integrations SET unique_key = $3, display_name = $4, secrets = $5, forward_webhooks = $6, \
               updated_at = $7 WHERE environment_id = $1 AND id = $2";
    conn.execute(
        sql,
        params![
            row.environment_id,
            row.id,
            &row.unique_key,
            row.display_name.as_deref(),
            &row.secrets,
            row.forward_webhooks,
            row.updated_at
        ],
    )
    .await?;
    Ok(())
}

/// The live integration with this key.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, unique_key: &str) -> Result<Option<IntegrationRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM integrations WHERE environment_id = $1 AND unique_key = $2 AND deleted_at IS NULL"
    );
    conn.query_opt(&sql, params![environment, unique_key])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The live integration with this id.
#[tenon_model::boxed]
pub async fn find_by_id(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: IntegrationId,
) -> Result<Option<IntegrationRow>> {
    let sql =
        format!("SELECT {COLUMNS} FROM integrations WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL");
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// Live integrations of the environment, newest first.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, environment: EnvironmentId) -> Result<Vec<IntegrationRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM integrations WHERE environment_id = $1 AND deleted_at IS NULL \
         ORDER BY created_at DESC, id DESC LIMIT 10000"
    );
    conn.query(&sql, params![environment])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Marks an integration as deleted; false when there was none.
#[tenon_model::boxed]
pub async fn delete(conn: &mut Conn, environment: EnvironmentId, id: IntegrationId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE integrations SET deleted_at = $3 WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    Ok(conn.execute(sql, params![environment, id, now]).await? > 0)
}
