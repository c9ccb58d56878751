//! Deployed functions, their versions and their code.

use tenon_model::{EnvironmentId, FunctionId, IntegrationId, Timestamp};

use crate::{Conn, Result, Row, Tx, params};

/// Versions of a function that are kept; older ones are forgotten at the next deploy.
const VERSIONS_KEPT: i64 = 50;

/// One deployed function as it is in force now.
#[derive(Debug, Clone)]
pub struct FunctionRow {
    /// Row id, exposed on the wire.
    pub id: FunctionId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration it belongs to.
    pub integration_id: IntegrationId,
    /// That integration's key.
    pub unique_key: String,
    /// That integration's provider.
    pub provider: String,
    /// `sync`, `action` or `on-event`.
    pub kind: String,
    /// Name, unique per integration, kind and event.
    pub name: String,
    /// The connection event of an on-event function; empty for the other kinds.
    pub event: String,
    /// Whether it may run.
    pub enabled: bool,
    /// `repo`, `standalone` or `catalog`.
    pub source: String,
    /// Deployed version.
    pub version: String,
    /// Names its code.
    pub hash: String,
    /// JSON of the definition.
    pub definition: String,
    /// When this version was deployed.
    pub deployed_at: Timestamp,
}

/// What a deploy says about one function.
#[derive(Debug, Clone)]
pub struct FunctionInput<'a> {
    /// `sync`, `action` or `on-event`.
    pub kind: &'a str,
    /// Name.
    pub name: &'a str,
    /// Connection event; empty for other kinds than on-event.
    pub event: &'a str,
    /// `repo`, `standalone` or `catalog`.
    pub source: &'a str,
    /// Version to store.
    pub version: &'a str,
    /// Names its code, see [`put_bundle`].
    pub hash: &'a str,
    /// JSON of the definition.
    pub definition: &'a str,
    /// The current time.
    pub now: Timestamp,
}

/// Which functions a list holds.
#[derive(Debug, Clone, Copy, Default)]
pub struct FunctionFilter<'a> {
    /// Only this integration.
    pub integration: Option<IntegrationId>,
    /// Only this kind.
    pub kind: Option<&'a str>,
    /// Part of the name, in any case.
    pub search: Option<&'a str>,
}

const COLUMNS: &str = "f.id, f.environment_id, f.integration_id, i.unique_key, i.provider, f.kind, f.name, f.event, \
                       f.enabled, f.source, f.version, f.hash, f.definition, f.deployed_at";

const TABLES: &str = "functions f JOIN integrations i ON i.id = f.integration_id";

const FILTER: &str = "f.environment_id = $1 AND f.deleted_at IS NULL AND i.deleted_at IS NULL \
                      AND (CAST($2 AS BIGINT) = 0 OR f.integration_id = $2) AND (CAST($3 AS TEXT) = '' OR f.kind = $3) \
                      AND (CAST($4 AS TEXT) = '' OR LOWER(f.name) LIKE $4 ESCAPE '\\')";

fn decode(row: &Row) -> Result<FunctionRow> {
    Ok(FunctionRow {
        id: FunctionId(row.i64(0)?),
        environment_id: EnvironmentId(row.i64(1)?),
        integration_id: IntegrationId(row.i64(2)?),
        unique_key: row.text(3)?,
        provider: row.text(4)?,
        kind: row.text(5)?,
        name: row.text(6)?,
        event: row.text(7)?,
        enabled: row.bool(8)?,
        source: row.text(9)?,
        version: row.text(10)?,
        hash: row.text(11)?,
        definition: row.text(12)?,
        deployed_at: row.timestamp(13)?,
    })
}

/// Stores a function and the version that this deploy brings; a live one of the same name is changed in place.
///
/// A disabled function stays disabled.
#[tenon_model::boxed]
pub async fn upsert(
    tx: &mut Tx,
    environment: EnvironmentId,
    integration: IntegrationId,
    input: &FunctionInput<'_>,
) -> Result<FunctionId> {
    let update = "UPDATE functions SET source = $5, version = $6, hash = $7, definition = $8, deployed_at = $9, \
                  updated_at = $9 WHERE integration_id = $1 AND kind = $2 AND name = $3 AND event = $4 \
                  AND environment_id = $10 AND deleted_at IS NULL RETURNING id";
    let values = params![
        integration,
        input.kind,
        input.name,
        input.event,
        input.source,
        input.version,
        input.hash,
        input.definition,
        input.now,
        environment
    ];
    let id = match tx.query_opt(update, values).await? {
        Some(row) => row.i64(0)?,
        None => {
            let insert = "INSERT INTO functions (integration_id, kind, name, event, source, version, hash, definition, \
                          deployed_at, environment_id, enabled, created_at, updated_at) \
                          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $9, $9) RETURNING id";
            tx.query_one(insert, values).await?.i64(0)?
        }
    };
    let version = "INSERT INTO function_versions (environment_id, function_id, version, hash, definition, deployed_at) \
                   VALUES ($1, $2, $3, $4, $5, $6)";
    tx.execute(
        version,
        params![environment, id, input.version, input.hash, input.definition, input.now],
    )
    .await?;
    let prune = "DELETE FROM function_versions WHERE function_id = $1 AND id < (SELECT MIN(kept.id) FROM \
                 (SELECT id FROM function_versions WHERE function_id = $1 ORDER BY id DESC LIMIT $2) kept)";
    tx.execute(prune, params![id, VERSIONS_KEPT]).await?;
    Ok(FunctionId(id))
}

/// Stores code under its hash unless it is there already.
#[tenon_model::boxed]
pub async fn put_bundle(
    conn: &mut Conn,
    environment: EnvironmentId,
    hash: &str,
    js: &[u8],
    ts: &[u8],
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO function_bundles (environment_id, hash, js, ts, created_at) VALUES ($1, $2, $3, $4, $5) \
               ON CONFLICT (environment_id, hash) DO NOTHING";
    conn.execute(sql, params![environment, hash, js, ts, now]).await?;
    Ok(())
}

/// Removes code that no kept version uses.
#[tenon_model::boxed]
pub async fn sweep_bundles(conn: &mut Conn, environment: EnvironmentId) -> Result<u64> {
    let sql = "DELETE FROM function_bundles WHERE environment_id = $1 AND NOT EXISTS \
               (SELECT 1 FROM function_versions v WHERE v.environment_id = function_bundles.environment_id \
               AND v.hash = function_bundles.hash)";
    conn.execute(sql, params![environment]).await
}

/// The compressed bundle with this hash.
#[tenon_model::boxed]
pub async fn find_js(conn: &mut Conn, environment: EnvironmentId, hash: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT js FROM function_bundles WHERE environment_id = $1 AND hash = $2";
    conn.query_opt(sql, params![environment, hash])
        .await?
        .map(|mut row| row.take_blob(0))
        .transpose()
}

/// The compressed source with this hash.
#[tenon_model::boxed]
pub async fn find_ts(conn: &mut Conn, environment: EnvironmentId, hash: &str) -> Result<Option<Vec<u8>>> {
    let sql = "SELECT ts FROM function_bundles WHERE environment_id = $1 AND hash = $2";
    conn.query_opt(sql, params![environment, hash])
        .await?
        .map(|mut row| row.take_blob(0))
        .transpose()
}

/// The live function with this id.
#[tenon_model::boxed]
pub async fn find_by_id(conn: &mut Conn, environment: EnvironmentId, id: FunctionId) -> Result<Option<FunctionRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE f.environment_id = $1 AND f.id = $2 AND f.deleted_at IS NULL \
         AND i.deleted_at IS NULL"
    );
    conn.query_opt(&sql, params![environment, id])
        .await?
        .as_ref()
        .map(decode)
        .transpose()
}

/// The live functions of an integration with this name, of any kind, ordered by kind and event.
#[tenon_model::boxed]
pub async fn list_named(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
    name: &str,
) -> Result<Vec<FunctionRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE f.environment_id = $1 AND f.integration_id = $2 AND f.name = $3 \
         AND f.deleted_at IS NULL AND i.deleted_at IS NULL ORDER BY f.kind, f.event"
    );
    conn.query(&sql, params![environment, integration, name])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// Live functions of an environment by kind, name and row, from `offset`, at most `limit`.
pub async fn list(
    conn: &mut Conn,
    environment: EnvironmentId,
    filter: FunctionFilter<'_>,
    offset: i64,
    limit: i64,
) -> Result<Vec<FunctionRow>> {
    // SQLite compares bytes; PostgreSQL would follow the language of the database.
    let name = conn.fork("f.name", "f.name COLLATE \"C\"");
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE {FILTER} ORDER BY f.kind, {name}, f.id LIMIT $5 OFFSET $6");
    let (integration, kind, search) = filter_values(filter);
    conn.query(&sql, params![environment, integration, kind, search, limit, offset])
        .await?
        .iter()
        .map(decode)
        .collect()
}

/// How many live functions the filter lets through.
pub async fn count(conn: &mut Conn, environment: EnvironmentId, filter: FunctionFilter<'_>) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) FROM {TABLES} WHERE {FILTER}");
    let (integration, kind, search) = filter_values(filter);
    conn.query_one(&sql, params![environment, integration, kind, search])
        .await?
        .i64(0)
}

fn filter_values(filter: FunctionFilter<'_>) -> (i64, String, String) {
    let search = filter
        .search
        .map(|text| format!("%{}%", escape_like(&text.to_lowercase())))
        .unwrap_or_default();
    (
        filter.integration.map_or(0, |id| id.0),
        filter.kind.unwrap_or_default().to_owned(),
        search,
    )
}

/// Takes the special meaning from `%`, `_` and `\` in a `LIKE` pattern.
pub(crate) fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// Marks functions as deleted; returns how many were live.
#[tenon_model::boxed]
pub async fn delete(tx: &mut Tx, environment: EnvironmentId, ids: &[FunctionId], now: Timestamp) -> Result<u64> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = format!(
        "UPDATE functions SET deleted_at = $2, updated_at = $2 WHERE environment_id = $1 AND {} AND deleted_at IS NULL",
        tx.any("id", 3)
    );
    tx.execute(&sql, params![environment, now, ids]).await
}

/// Marks all functions of an integration as deleted.
#[tenon_model::boxed]
pub async fn delete_of_integration(
    tx: &mut Tx,
    environment: EnvironmentId,
    integration: IntegrationId,
    now: Timestamp,
) -> Result<u64> {
    let sql = "UPDATE functions SET deleted_at = $3, updated_at = $3 \
               WHERE environment_id = $1 AND integration_id = $2 AND deleted_at IS NULL";
    tx.execute(sql, params![environment, integration, now]).await
}

/// Allows or forbids a function to run; false when there is none.
#[tenon_model::boxed]
pub async fn set_enabled(
    tx: &mut Tx,
    environment: EnvironmentId,
    id: FunctionId,
    enabled: bool,
    now: Timestamp,
) -> Result<bool> {
    let sql = "UPDATE functions SET enabled = $3, updated_at = $4 \
               WHERE environment_id = $1 AND id = $2 AND deleted_at IS NULL";
    Ok(tx.execute(sql, params![environment, id, enabled, now]).await? > 0)
}

/// One deployment of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// Deployed version.
    pub version: String,
    /// Names its code.
    pub hash: String,
    /// JSON of the definition.
    pub definition: String,
    /// When it was deployed.
    pub deployed_at: Timestamp,
}

/// The deployments of a function that are kept, newest first.
pub async fn versions(conn: &mut Conn, environment: EnvironmentId, id: FunctionId) -> Result<Vec<VersionRow>> {
    let sql = "SELECT version, hash, definition, deployed_at FROM function_versions \
               WHERE environment_id = $1 AND function_id = $2 ORDER BY id DESC";
    let rows = conn.query(sql, params![environment, id]).await?;
    rows.iter()
        .map(|row| {
            Ok(VersionRow {
                version: row.text(0)?,
                hash: row.text(1)?,
                definition: row.text(2)?,
                deployed_at: row.timestamp(3)?,
            })
        })
        .collect()
}

/// The versions of a function that are kept, newest first: version, hash and time of deployment.
#[tenon_model::boxed]
pub async fn list_versions(
    conn: &mut Conn,
    environment: EnvironmentId,
    id: FunctionId,
) -> Result<Vec<(String, String, Timestamp)>> {
    let sql = "SELECT version, hash, deployed_at FROM function_versions \
               WHERE environment_id = $1 AND function_id = $2 ORDER BY id DESC";
    let rows = conn.query(sql, params![environment, id]).await?;
    rows.iter()
        .map(|row| Ok((row.text(0)?, row.text(1)?, row.timestamp(2)?)))
        .collect()
}
