//! Deploys: what each brought and removed, and the lock that keeps them apart.

use tenon_model::{EnvironmentId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Dialect, Result, Tx, params};

/// One deploy.
#[derive(Debug, Clone)]
pub struct DeploymentRow {
    /// Public identifier.
    pub id: Uuid,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// `all`, `integration`, `single` or `bundle`.
    pub mode: String,
    /// `repo`, `standalone` or `catalog`.
    pub source: String,
    /// Version of the toolkit that built the functions.
    pub sdk_version: Option<String>,
    /// JSON list of what was deployed.
    pub deployed: String,
    /// JSON list of what was removed.
    pub removed: String,
    /// The operation that tells the story.
    pub operation_id: Option<String>,
    /// When it happened.
    pub created_at: Timestamp,
}

const COLUMNS: &str = "id, environment_id, mode, source, sdk_version, deployed, removed, operation_id, created_at";

/// Whether this transaction may deploy to the environment; on PostgreSQL no other can until it ends.
///
/// On SQLite transactions come one after another anyway, and the lock ends with the transaction in both: a crash leaves
/// nothing behind.
#[tenon_model::boxed]
pub async fn try_lock(tx: &mut Tx, environment: EnvironmentId) -> Result<bool> {
    match tx.dialect() {
        Dialect::Sqlite => Ok(true),
        Dialect::Postgres => {
            // Advisory locks are shared by the whole database; other schemas may hold other installations.
            let sql =
                "SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' deploy ' || $1::bigint, 0))";
            tx.query_one(sql, params![environment]).await?.bool(0)
        }
    }
}

/// Notes a deploy.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, row: &DeploymentRow) -> Result<()> {
    let sql = "INSERT INTO deployments (id, environment_id, mode, source, sdk_version, deployed, removed, \
               operation_id, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    tx.execute(
        sql,
        params![
            row.id,
            row.environment_id,
            &row.mode,
            &row.source,
            row.sdk_version.as_deref(),
            &row.deployed,
            &row.removed,
            row.operation_id.as_deref(),
            row.created_at
        ],
    )
    .await?;
    Ok(())
}

/// Deploys of an environment, newest first.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, environment: EnvironmentId, limit: i64) -> Result<Vec<DeploymentRow>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM deployments WHERE environment_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"
    );
    let rows = conn.query(&sql, params![environment, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(DeploymentRow {
                id: Uuid::try_parse(row.str(0)?).map_err(|_| crate::Error::Decode {
                    column: 0,
                    expected: "a UUID",
                })?,
                environment_id: EnvironmentId(row.i64(1)?),
                mode: row.text(2)?,
                source: row.text(3)?,
                sdk_version: row.opt_text(4)?,
                deployed: row.text(5)?,
                removed: row.text(6)?,
                operation_id: row.opt_text(7)?,
                created_at: row.timestamp(8)?,
            })
        })
        .collect()
}
