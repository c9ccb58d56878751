//! Connections: authorised accounts at providers, with sealed credentials.
//!
//! [`list`] finds many, [`lease`] holds the refresh lease that keeps two nodes from using one refresh token twice,
//! [`errors`] what is wrong with a connection right now.

pub mod errors;
pub mod lease;
pub mod list;

use tenon_model::{ConnectionId, EnvironmentId, IntegrationId, Timestamp};

use super::end_users::{self, EndUserRow};
use crate::{Conn, Result, Row, params};

/// One connection with its integration's key and its end user.
#[derive(Debug, Clone)]
pub struct ConnectionRow {
    /// Row id, exposed on the wire.
    pub id: ConnectionId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration it belongs to.
    pub integration_id: IntegrationId,
    /// The integration's key.
    pub unique_key: String,
    /// Provider id in the catalogue.
    pub provider: String,
    /// Id that callers use, unique in the integration.
    pub connection_id: String,
    /// Sealed credentials.
    pub credentials: Vec<u8>,
    /// Kind of the credentials, as on the wire.
    pub credentials_type: String,
    /// When the token ends.
    pub expires_at: Option<Timestamp>,
    /// Sealed connection configuration.
    pub connection_config: Vec<u8>,
    /// JSON object.
    pub metadata: String,
    /// JSON object of texts.
    pub tags: String,
    /// Replaces the environment's webhook URLs.
    pub webhook_url_override: Option<String>,
    /// Grows with every write but the bookkeeping of reads.
    pub version: i64,
    /// How refreshing goes.
    pub refresh: RefreshState,
    /// When credentials were last handed out.
    pub last_fetched_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Whose account it is.
    pub end_user: Option<EndUserRow>,
}

/// How refreshing a connection goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RefreshState {
    /// Distinct days with a failure since the last success.
    pub failures: i64,
    /// The last failure.
    pub failed_at: Option<Timestamp>,
    /// Code of the last failure.
    pub error: Option<String>,
    /// Whether only a re-authorisation or a forced refresh is tried again.
    pub exhausted: bool,
    /// Who refreshes now.
    pub lease_holder: Option<String>,
    /// Until when nobody else may refresh.
    pub lease_until: Option<Timestamp>,
    /// The last success.
    pub refreshed_at: Option<Timestamp>,
    /// Address of the server that renews the tokens while the connection moves here; this one does not.
    pub owner: Option<String>,
}

/// What a new or overwritten connection is made of.
#[derive(Debug, Clone)]
pub struct ConnectionInput<'a> {
    /// Kind of the credentials, as on the wire.
    pub credentials_type: &'a str,
    /// When the token ends.
    pub expires_at: Option<Timestamp>,
    /// JSON object.
    pub metadata: &'a str,
    /// JSON object of texts.
    pub tags: &'a str,
    /// Replaces the environment's webhook URLs.
    pub webhook_url_override: Option<&'a str>,
    /// Row of the end user.
    pub end_user: Option<i64>,
    /// When credentials were last handed out.
    pub last_fetched_at: Option<Timestamp>,
    /// The current time.
    pub now: Timestamp,
}

const COLUMNS: &str = "c.id, c.environment_id, c.integration_id, i.unique_key, i.provider, c.connection_id, \
     c.credentials, c.credentials_type, c.expires_at, c.connection_config, c.metadata, c.tags, \
     c.webhook_url_override, c.version, c.refresh_failures, c.refresh_failed_at, c.refresh_error, \
     c.refresh_exhausted, c.lease_holder, c.lease_until, c.last_refreshed_at, c.last_fetched_at, c.created_at, \
     c.updated_at, u.id, u.end_user_id, u.email, u.display_name, u.tags, u.organization_id, \
     u.organization_display_name, c.refresh_owner";

const TABLES: &str =
    "connections c JOIN integrations i ON i.id = c.integration_id LEFT JOIN end_users u ON u.id = c.end_user_id";

fn decode(row: &Row) -> Result<ConnectionRow> {
    Ok(ConnectionRow {
        id: ConnectionId(row.i64(0)?),
        environment_id: EnvironmentId(row.i64(1)?),
        integration_id: IntegrationId(row.i64(2)?),
        unique_key: row.text(3)?,
        provider: row.text(4)?,
        connection_id: row.text(5)?,
        credentials: row.blob(6)?,
        credentials_type: row.text(7)?,
        expires_at: row.opt_timestamp(8)?,
        connection_config: row.blob(9)?,
        metadata: row.text(10)?,
        tags: row.text(11)?,
        webhook_url_override: row.opt_text(12)?,
        version: row.i64(13)?,
        refresh: RefreshState {
            failures: row.i64(14)?,
            failed_at: row.opt_timestamp(15)?,
            error: row.opt_text(16)?,
            exhausted: row.bool(17)?,
            lease_holder: row.opt_text(18)?,
            lease_until: row.opt_timestamp(19)?,
            refreshed_at: row.opt_timestamp(20)?,
            owner: row.opt_text(31)?,
        },
        last_fetched_at: row.opt_timestamp(21)?,
        created_at: row.timestamp(22)?,
        updated_at: row.timestamp(23)?,
        end_user: end_users::decode_at(row, 24)?,
    })
}

/// Makes a connection without credentials and configuration: sealing those needs the row id, so they are set with
/// [`set_sealed`] in the same transaction.
#[tenon_model::boxed]
pub async fn insert(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
    connection_id: &str,
    input: &ConnectionInput<'_>,
) -> Result<ConnectionId> {
    let sql = "INSERT INTO connections (environment_id, integration_id, connection_id, end_user_id, credentials, \
               credentials_type, expires_at, connection_config, metadata, tags, webhook_url_override, version, \
               refresh_failures, refresh_exhausted, last_fetched_at, last_refreshed_at, created_at, updated_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $8, $9, $10, 1, 0, 0, $11, $12, $12, $12) RETURNING id";
    let empty: &[u8] = &[];
    let row = conn
        .query_one(
            sql,
            params![
                environment,
                integration,
                connection_id,
                input.end_user,
                empty,
                input.credentials_type,
                input.expires_at,
                input.metadata,
                input.tags,
                input.webhook_url_override,
                input.last_fetched_at,
                input.now
            ],
        )
        .await?;
    Ok(ConnectionId(row.i64(0)?))
}

/// Overwrites everything but the sealed values (see [`set_sealed`]), and forgets failures and a refresh under way. An
/// absent end user keeps the linked one.
#[tenon_model::boxed]
pub async fn overwrite(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    input: &ConnectionInput<'_>,
) -> Result<()> {
    let sql = "UPDATE connections SET end_user_id = COALESCE($3, end_user_id), credentials_type = $4, \
               expires_at = $5, metadata = $6, tags = $7, webhook_url_override = $8, version = version + 1, \
               refresh_failures = 0, refresh_failed_at = NULL, refresh_error = NULL, refresh_exhausted = 0, \
               lease_holder = NULL, lease_until = NULL, last_fetched_at = $9, last_refreshed_at = $10, \
               refresh_owner = NULL, updated_at = $10 WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(
        sql,
        params![
            environment,
            id,
            input.end_user,
            input.credentials_type,
            input.expires_at,
            input.metadata,
            input.tags,
            input.webhook_url_override,
            input.last_fetched_at,
            input.now
        ],
    )
    .await?;
    Ok(())
}

/// Says who renews the tokens: a server elsewhere, by its address, or this one.
#[tenon_model::boxed]
pub async fn set_refresh_owner(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    owner: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE connections SET refresh_owner = $3, version = version + 1 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, owner]).await?;
    Ok(())
}

/// Stores sealed credentials and connection configuration.
#[tenon_model::boxed]
pub async fn set_sealed(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    credentials: &[u8],
    connection_config: &[u8],
) -> Result<()> {
    let sql = "UPDATE connections SET credentials = $3, connection_config = $4 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, credentials, connection_config])
        .await?;
    Ok(())
}

/// Stores a sealed connection configuration alone.
#[tenon_model::boxed]
pub async fn set_connection_config(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    connection_config: &[u8],
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE connections SET connection_config = $3, version = version + 1, updated_at = $4 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, connection_config, now])
        .await?;
    Ok(())
}

/// The live connection with this id under the integration with this key.
#[tenon_model::boxed]
pub async fn find(
    conn: &mut Conn,
    environment: EnvironmentId,
    unique_key: &str,
    connection_id: &str,
) -> Result<Option<ConnectionRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE i.environment_id = $1 AND i.unique_key = $2 \
         AND i.deleted_at IS NULL AND c.environment_id = $1 AND c.connection_id = $3 AND c.deleted_at IS NULL"
    );
    conn.query_opt(&sql, params![environment, unique_key, connection_id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The live connection with this row id.
#[tenon_model::boxed]
pub async fn find_by_id(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
) -> Result<Option<ConnectionRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE c.environment_id = $1 AND c.id = $2 \
         AND c.deleted_at IS NULL AND i.deleted_at IS NULL"
    );
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// How many live connections the integration has.
#[tenon_model::boxed]
pub async fn count_of_integration(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM connections WHERE environment_id = $1 AND integration_id = $2 \
               AND deleted_at IS NULL";
    conn.query_one(sql, params![environment, integration]).await?.i64(0)
}

/// Row id and version of each live connection of an integration: what a cache of their contents compares.
pub async fn versions_of_integration(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
) -> Result<Vec<(ConnectionId, i64)>> {
    let sql = "SELECT id, version FROM connections WHERE environment_id = $1 AND integration_id = $2 \
               AND deleted_at IS NULL";
    conn.query(sql, params![environment, integration])
        .await?
        .iter()
        .map(|row| Ok((ConnectionId(row.i64(0)?), row.i64(1)?)))
        .collect()
}

/// Live connections of an integration by row id, from the one after `after`, at most `limit`.
#[tenon_model::boxed]
pub async fn list_of_integration(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
    after: ConnectionId,
    limit: i64,
) -> Result<Vec<ConnectionRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE c.environment_id = $1 AND c.integration_id = $2 AND c.id > $3 \
         AND c.deleted_at IS NULL AND i.deleted_at IS NULL ORDER BY c.id LIMIT $4"
    );
    conn.query(&sql, params![environment, integration, after, limit])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Replaces the metadata (JSON object).
#[tenon_model::boxed]
pub async fn set_metadata(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    metadata: &str,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE connections SET metadata = $3, version = version + 1, updated_at = $4 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, metadata, now]).await?;
    Ok(())
}

/// Replaces the tags (JSON object of texts).
#[tenon_model::boxed]
pub async fn set_tags(conn: &mut Conn, environment: EnvironmentId, id: ConnectionId, tags: &str) -> Result<()> {
    let sql = "UPDATE connections SET tags = $3, version = version + 1 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, tags]).await?;
    Ok(())
}

/// Sets or clears the webhook URL.
#[tenon_model::boxed]
pub async fn set_webhook_url(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    url: Option<&str>,
) -> Result<()> {
    let sql = "UPDATE connections SET webhook_url_override = $3, version = version + 1 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, url]).await?;
    Ok(())
}

/// Links an end user.
#[tenon_model::boxed]
pub async fn set_end_user(conn: &mut Conn, environment: EnvironmentId, id: ConnectionId, end_user: i64) -> Result<()> {
    let sql = "UPDATE connections SET end_user_id = $3, version = version + 1 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    conn.execute(sql, params![environment, id, end_user]).await?;
    Ok(())
}

/// Notes that credentials were handed out.
#[tenon_model::boxed]
pub async fn touch_fetched(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: ConnectionId,
    now: Timestamp,
) -> Result<()> {
    let sql = "UPDATE connections SET last_fetched_at = $3 WHERE environment_id = $1 AND id = $2";
    conn.execute(sql, params![environment, id, now]).await?;
    Ok(())
}

/// Marks the connection as deleted and wipes what it held; false when there was none.
#[tenon_model::boxed]
pub async fn delete(conn: &mut Conn, environment: EnvironmentId, id: ConnectionId, now: Timestamp) -> Result<bool> {
    let sql = "UPDATE connections SET deleted_at = $3, version = version + 1, credentials = $4, \
               connection_config = $4, lease_holder = NULL, lease_until = NULL \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    let empty: &[u8] = &[];
    Ok(conn.execute(sql, params![environment, id, now, empty]).await? > 0)
}

/// Removes a connection that must leave no trace: one that was refused right after it was made.
#[tenon_model::boxed]
pub async fn erase(conn: &mut Conn, environment: EnvironmentId, id: ConnectionId) -> Result<()> {
    errors::clear_all(conn, environment, id).await?;
    conn.execute(
        "DELETE FROM connections WHERE environment_id = $1 AND id = $2",
        params![environment, id],
    )
    .await?;
    Ok(())
}

/// Live connections of every environment that nobody fetched since `before` and that are worth a refresh or a test,
/// by row id after `after`: the work list of the sweep that keeps idle refresh tokens alive.
#[tenon_model::boxed]
pub async fn list_idle(
    conn: &mut Conn,
    before: Timestamp,
    after: ConnectionId,
    limit: i64,
) -> Result<Vec<ConnectionRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE c.id > $2 AND (c.last_fetched_at IS NULL OR c.last_fetched_at < $1) \
         AND c.refresh_exhausted = 0 AND c.refresh_owner IS NULL AND c.deleted_at IS NULL AND i.deleted_at IS NULL ORDER BY c.id LIMIT $3"
    );
    conn.query(&sql, params![before, after, limit])
        .await?
        .iter()
        .map(decode)
        .collect()
}
