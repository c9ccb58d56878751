//! What is remembered while a browser is at the provider.

use std::sync::Arc;

use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tenon_credentials::credentials::ConfigOverride;
use tenon_model::{EnvironmentId, IntegrationId, Secret, Timestamp};
use tenon_store::tables::oauth_states as table;

use crate::connect_ui::ThemeName;
use crate::connections::{EndUser, Tags};
use crate::{App, Error, Result};

/// An authorisation under way. Sealed at rest: it holds the verifier and, sometimes, a client secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// The integration's key at the time.
    pub unique_key: String,
    /// The id that the connection gets or has.
    pub connection_id: String,
    /// Values of the connection.
    pub config: Map<String, Value>,
    /// PKCE verifier.
    pub verifier: String,
    /// Redirect URI of the authorize URL.
    pub redirect_uri: String,
    /// A developer app of the connection's own.
    pub config_override: Option<ConfigOverride>,
    /// Token and secret of temporary credentials (OAuth 1.0a).
    #[serde(default)]
    pub temporary: Option<(Secret, Secret)>,
    /// The page that opened the popup.
    pub page: Option<String>,
    /// The end user of the session.
    pub end_user: Option<EndUser>,
    /// Tags of the session.
    pub tags: Tags,
    /// Webhook URL of the session; empty clears.
    pub webhook_url_override: Option<String>,
    /// The operation that the whole flow is logged under.
    pub operation: String,
    /// Language of the page that opened the popup.
    #[serde(default)]
    pub lang: Option<String>,
    /// Theme of that page, where it is not the environment's.
    #[serde(default)]
    pub theme: Option<ThemeName>,
}

/// An authorisation that came back.
#[derive(Debug)]
pub(super) struct Returned {
    /// Owner.
    pub environment: Arc<crate::environments::Environment>,
    /// The integration's row.
    pub integration: IntegrationId,
    /// What was remembered.
    pub remembered: Remembered,
    /// When the browser left.
    pub left_at: Timestamp,
}

fn hash_state(state: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, state.as_bytes()))
}

fn place(environment: EnvironmentId, state_hash: &str) -> String {
    format!("oauth_states/{environment}/{state_hash}/details")
}

impl App {
    /// Remembers an authorisation under `state`.
    #[tenon_model::boxed]
    pub(super) async fn remember_state(
        &self,
        environment: EnvironmentId,
        integration: IntegrationId,
        state: &str,
        remembered: &Remembered,
    ) -> Result<()> {
        let hash = hash_state(state);
        let plain = serde_json::to_vec(remembered)
            .map_err(|_| Error::Internal("an authorisation cannot be written".to_owned()))?;
        let mut tx = self.store().begin().await?;
        let sealed = self
            .vault_in(&mut tx, environment)
            .await?
            .seal(&place(environment, &hash), &plain);
        table::insert(&mut tx, environment, integration, &hash, &sealed, self.clock().now()).await?;
        Ok(tx.commit().await?)
    }

    /// Takes an authorisation out; a second callback with the same state finds nothing.
    #[tenon_model::boxed]
    pub(super) async fn take_state(&self, state: &str) -> Result<Option<Returned>> {
        let hash = hash_state(state);
        let mut tx = self.store().begin().await?;
        let row = table::take(&mut tx, &hash).await?;
        tx.commit().await?;
        let Some(row) = row else { return Ok(None) };
        let plain = self
            .vault(row.environment_id)
            .await?
            .open(&place(row.environment_id, &hash), &row.details)?;
        let remembered = serde_json::from_slice(&plain)
            .map_err(|_| Error::Internal("a remembered authorisation is not readable".to_owned()))?;
        let Ok(environment) = self.environment(row.environment_id).await else {
            return Ok(None);
        };
        Ok(Some(Returned {
            environment,
            integration: row.integration_id,
            remembered,
            left_at: row.created_at,
        }))
    }
}
