//! Authorisations under way: what we must remember while a browser is at the provider.

use tenon_model::{EnvironmentId, IntegrationId, Timestamp};

use crate::{Conn, Result, params};

/// One authorisation under way.
#[derive(Debug, Clone)]
pub struct OAuthStateRow {
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration that is being authorised.
    pub integration_id: IntegrationId,
    /// Sealed JSON: code verifier, connection id, values, session.
    pub details: Vec<u8>,
    /// When the browser left.
    pub created_at: Timestamp,
}

/// Remembers an authorisation. `state_hash` is the SHA-256 of the state parameter in hex.
#[tenon_model::boxed]
pub async fn insert(
    conn: &mut Conn,
    environment: EnvironmentId,
    integration: IntegrationId,
    state_hash: &str,
    details: &[u8],
    now: Timestamp,
) -> Result<()> {
    let sql = "INSERT INTO oauth_states (state_hash, environment_id, integration_id, details, created_at) \
               VALUES ($1, $2, $3, $4, $5)";
    conn.execute(sql, params![state_hash, environment, integration, details, now])
        .await?;
    Ok(())
}

/// Takes the authorisation out: a second callback with the same state finds nothing. The state is the credential, so
/// no environment is asked for.
#[tenon_model::boxed]
pub async fn take(conn: &mut Conn, state_hash: &str) -> Result<Option<OAuthStateRow>> {
    let sql = "DELETE FROM oauth_states WHERE state_hash = $1 \
               RETURNING environment_id, integration_id, details, created_at";
    let Some(row) = conn.query_opt(sql, params![state_hash]).await? else {
        return Ok(None);
    };
    Ok(Some(OAuthStateRow {
        environment_id: EnvironmentId(row.i64(0)?),
        integration_id: IntegrationId(row.i64(1)?),
        details: row.blob(2)?,
        created_at: row.timestamp(3)?,
    }))
}

/// Removes what began before `before`, in every environment; returns how many.
#[tenon_model::boxed]
pub async fn purge(conn: &mut Conn, before: Timestamp) -> Result<u64> {
    conn.execute("DELETE FROM oauth_states WHERE created_at < $1", params![before])
        .await
}
