//! Connect sessions: what a product's back end allows one end user's browser to connect, for half an hour.

mod create;
mod read;

use std::sync::Arc;
use std::time::Duration;

use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenon_model::{ConnectionId, EnvironmentId, Timestamp};
use tenon_store::tables::connect_sessions as table;

pub use read::check_telemetry;

use crate::connections::{EndUser, Tags};
use crate::environments::Environment;
use crate::{App, Error, Result};

/// How long a session lives.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// Prefix of session tokens; part of the public contract.
pub(crate) const TOKEN_PREFIX: &str = "nango_connect_session_";

/// What a session allows and presets; sealed at rest, because defaults may hold client secrets.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Details {
    /// The end user as sent.
    pub end_user: Option<EndUser>,
    /// Keys of integrations; empty allows all.
    #[serde(default)]
    pub allowed_integrations: Vec<String>,
    /// Presets per integration.
    #[serde(default)]
    pub defaults: Vec<(String, Defaults)>,
    /// Overrides per integration, as sent.
    pub overrides: Option<Map<String, Value>>,
    /// Webhook URL of resulting connections; empty clears.
    pub webhook_url_override: Option<String>,
    /// Tags of resulting connections.
    #[serde(default)]
    pub tags: Tags,
    /// Its token was the token of a link and has been exchanged for another; nothing else is kept.
    #[serde(default)]
    pub claimed: bool,
}

/// Presets of a session for one integration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Defaults {
    /// Value of the second scope parameter.
    pub user_scopes: Option<String>,
    /// Parameters of the authorize URL.
    pub authorization_params: Option<Map<String, Value>>,
    /// Connection values.
    pub connection_config: Option<Map<String, Value>>,
}

/// A session that has not ended.
#[derive(Debug, Clone)]
pub struct LiveSession {
    /// Row id.
    pub id: i64,
    /// Where its connections go.
    pub environment: Arc<Environment>,
    /// The connection that it re-authorises.
    pub reconnects: Option<ConnectionId>,
    /// What it allows and presets.
    pub details: Details,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The details as stored.
    pub(crate) sealed: Vec<u8>,
}

impl LiveSession {
    /// The integrations that the session is limited to.
    pub fn allowed_integrations(&self) -> Option<&[String]> {
        (!self.details.allowed_integrations.is_empty()).then_some(self.details.allowed_integrations.as_slice())
    }

    /// Refuses an integration that the session does not allow.
    ///
    /// # Errors
    /// 400 `integration_not_allowed`.
    pub fn require_integration(&self, key: &str) -> Result<()> {
        match self.allowed_integrations() {
            Some(allowed) if !allowed.iter().any(|one| one == key) => {
                Err(Error::refuse(400, "integration_not_allowed"))
            }
            _ => Ok(()),
        }
    }

    /// The presets for an integration.
    pub fn defaults(&self, key: &str) -> Option<&Defaults> {
        self.details
            .defaults
            .iter()
            .find(|(one, _)| one == key)
            .map(|(_, defaults)| defaults)
    }
}

pub(crate) fn hash_token(token: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, token.as_bytes()))
}

pub(crate) fn place(environment: EnvironmentId, token_hash: &str) -> String {
    format!("connect_sessions/{environment}/{token_hash}/details")
}

impl App {
    /// The session behind a token; `None` when it is unknown or has ended.
    #[tenon_model::boxed]
    pub async fn find_live_session(&self, token: &str) -> Result<Option<LiveSession>> {
        let session = self.find_session(token).await?;
        Ok(session.filter(|session| !session.details.claimed))
    }

    /// As [`App::find_live_session`], with links that have been claimed.
    #[tenon_model::boxed]
    pub(crate) async fn find_session(&self, token: &str) -> Result<Option<LiveSession>> {
        let hash = hash_token(token);
        let mut conn = self.store().read().await?;
        let Some(row) = table::find(&mut conn, &hash, self.clock().now()).await? else {
            return Ok(None);
        };
        drop(conn);
        let plain = self
            .vault(row.environment_id)
            .await?
            .open(&place(row.environment_id, &hash), &row.details)?;
        let details = serde_json::from_slice(&plain)
            .map_err(|_| Error::Internal(format!("connect session {} is not readable", row.id)))?;
        let Ok(environment) = self.environment(row.environment_id).await else {
            return Ok(None);
        };
        Ok(Some(LiveSession {
            id: row.id,
            environment,
            reconnects: row.connection_id,
            details,
            expires_at: row.expires_at,
            sealed: row.details,
        }))
    }

    /// `DELETE /connect/session`.
    #[tenon_model::boxed]
    pub async fn delete_session(&self, session: &LiveSession) -> Result<()> {
        let mut tx = self.store().begin().await?;
        table::delete(&mut tx, session.environment.id, session.id).await?;
        Ok(tx.commit().await?)
    }
}
