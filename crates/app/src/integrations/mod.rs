//! Integrations: configured providers of an environment.

mod input;
mod verbs;
mod wire;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tenon_model::{EnvironmentId, IntegrationId, Secret, Timestamp};
use tenon_store::Conn;
use tenon_store::tables::integrations::{self as table, IntegrationRow};

pub use input::{CreateInput, CredentialsInput, UpdateInput, check_key, read_include};
pub use wire::{Include, logo_url};

use crate::{App, Error, Result};

/// What an integration keeps secret, sealed as one JSON value.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct IntegrationSecrets {
    /// OAuth client id (or consumer key).
    pub client_id: Option<String>,
    /// OAuth client secret.
    pub client_secret: Option<Secret>,
    /// Scopes, joined by commas.
    pub scopes: Option<String>,
    /// App id of installation providers.
    pub app_id: Option<String>,
    /// Installation page of the app.
    pub app_link: Option<String>,
    /// PEM key of the app.
    pub private_key: Option<Secret>,
    /// Key that signs the provider's webhooks.
    pub webhook_secret: Option<Secret>,
    /// Free values.
    pub custom: BTreeMap<String, String>,
    /// Values that the provider declares as the developer's.
    pub integration_config: BTreeMap<String, String>,
}

/// One configured provider, with its secrets opened.
#[derive(Debug, Clone)]
pub struct Integration {
    /// Row id.
    pub id: IntegrationId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// Key that callers use.
    pub unique_key: String,
    /// Provider id in the catalogue.
    pub provider: String,
    /// Own name; the provider's when absent.
    pub display_name: Option<String>,
    /// Client credentials and configuration.
    pub secrets: IntegrationSecrets,
    /// Whether incoming webhooks are passed on to the customer.
    pub forward_webhooks: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Integration {
    /// The logo that the developer gave it: the free value `logo_url`, an `https:` address.
    pub fn own_logo(&self) -> Option<&str> {
        self.secrets
            .custom
            .get("logo_url")
            .map(String::as_str)
            .filter(|url| url.starts_with("https://"))
    }
}

fn secrets_place(environment: EnvironmentId, id: IntegrationId) -> String {
    format!("integrations/{environment}/{id}/secrets")
}

impl App {
    /// The integration with this key, cached for a few seconds.
    #[tenon_model::boxed]
    pub async fn find_integration(&self, environment: EnvironmentId, key: &str) -> Result<Option<Arc<Integration>>> {
        let cached = (environment, key.to_owned());
        if let Some(integration) = self.caches().integrations.get(&cached) {
            return Ok(Some(integration));
        }
        let mut conn = self.store().read().await?;
        let Some(row) = table::find(&mut conn, environment, key).await? else {
            return Ok(None);
        };
        drop(conn);
        let integration = self.open_integration(row).await?;
        Ok(Some(self.caches().integrations.put(cached, integration)))
    }

    /// The integration with this row id.
    #[tenon_model::boxed]
    pub async fn find_integration_by_id(
        &self,
        environment: EnvironmentId,
        id: IntegrationId,
    ) -> Result<Option<Integration>> {
        let mut conn = self.store().read().await?;
        let Some(row) = table::find_by_id(&mut conn, environment, id).await? else {
            return Ok(None);
        };
        drop(conn);
        self.open_integration(row).await.map(Some)
    }

    /// Opens the secrets of a stored row.
    #[tenon_model::boxed]
    pub(crate) async fn open_integration(&self, row: IntegrationRow) -> Result<Integration> {
        let plain = self
            .vault(row.environment_id)
            .await?
            .open(&secrets_place(row.environment_id, row.id), &row.secrets)?;
        let secrets = serde_json::from_slice(&plain)
            .map_err(|_| Error::Internal(format!("the secrets of integration {} are not readable", row.id)))?;
        Ok(Integration {
            id: row.id,
            environment_id: row.environment_id,
            unique_key: row.unique_key,
            provider: row.provider,
            display_name: row.display_name,
            secrets,
            forward_webhooks: row.forward_webhooks,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }

    /// Stored rows of an environment, newest first.
    #[tenon_model::boxed]
    pub(crate) async fn integration_rows(conn: &mut Conn, environment: EnvironmentId) -> Result<Vec<IntegrationRow>> {
        Ok(table::list(conn, environment).await?)
    }
}
