//! Connections: authorised accounts at providers.
//!
//! [`save`](self) is the one way in, whatever obtained the credentials: an import, a form, a popup. [`live`] is the one
//! way to use them: opened, refreshed when due, cached until something changes. Everything that other parts hang on the
//! life of a connection (webhooks, functions, schedules) is called from `events`.

mod change;
mod complete;
mod end_user;
mod events;
mod hooks;
mod import;
mod import_old;
mod list;
pub mod live;
mod metadata;
pub(crate) mod metadata_secret;
mod migrate;
mod read;
mod refresh;
mod refresh_error;
mod save;
mod sweep;
mod tags;
mod verify;
pub(crate) mod webhook_url;
mod wire;

use std::sync::Arc;

use serde_json::{Map, Value};
use tenon_catalog::Provider;
use tenon_credentials::vault::EnvironmentVault;
use tenon_credentials::{ClientApp, Credentials};
use tenon_model::{ConnectionId, EnvironmentId, Secret, Timestamp};
use tenon_store::tables::connections::{ConnectionRow, RefreshState};

pub use end_user::{EndUser, Organization, read_end_user, read_organization};
pub use events::AuthOperation;
pub(crate) use live::State;
pub use live::{Live, LiveError};
pub use metadata::MetadataWrite;
pub use migrate::{Migrated, Moved};
pub use refresh_error::RefreshError;
pub use save::{NewConnection, Origin, Saved};
pub(crate) use save::{PENDING, VALIDATION_FAILED};
pub(crate) use sweep::start;
pub use tags::{Tags, read_tags};
pub use webhook_url::WebhookUrl;
pub use wire::Style;

use crate::environments::Environment;
use crate::integrations::Integration;
use crate::validate::{CONNECTION_ID, INTEGRATION_ID, Text};
use crate::{App, Error, Issue, Result};

/// One connection with its secrets opened.
#[derive(Debug, Clone)]
pub struct Connection {
    /// Row id, exposed on the wire.
    pub id: ConnectionId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration's row.
    pub integration_id: tenon_model::IntegrationId,
    /// The integration's key.
    pub unique_key: String,
    /// Provider id.
    pub provider: String,
    /// Id that callers use.
    pub connection_id: String,
    /// Opened credentials.
    pub credentials: Credentials,
    /// Values of the connection.
    pub config: Map<String, Value>,
    /// Free values of the product.
    pub metadata: Map<String, Value>,
    /// Labels.
    pub tags: Tags,
    /// Replaces the environment's webhook URLs.
    pub webhook_url_override: Option<String>,
    /// Grows with every write.
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
    pub end_user: Option<EndUser>,
}

pub(crate) fn credentials_place(environment: EnvironmentId, id: ConnectionId) -> String {
    format!("connections/{environment}/{id}/credentials")
}

pub(crate) fn config_place(environment: EnvironmentId, id: ConnectionId) -> String {
    format!("connections/{environment}/{id}/connection_config")
}

impl Connection {
    /// Opens the secrets of a stored row with the keys of its environment.
    ///
    /// # Errors
    /// When a sealed value does not belong to the row, or is not of the known shape.
    pub(crate) fn open(vault: &EnvironmentVault, row: ConnectionRow) -> Result<Self> {
        let unreadable = |what: &str| Error::Internal(format!("{what} of connection {} cannot be read", row.id));
        let credentials = vault.open(&credentials_place(row.environment_id, row.id), &row.credentials)?;
        let credentials = Credentials::from_sealable(&credentials).map_err(|_| unreadable("the credentials"))?;
        let config = vault.open(&config_place(row.environment_id, row.id), &row.connection_config)?;
        let config = serde_json::from_slice(&config).map_err(|_| unreadable("the configuration"))?;
        Ok(Self {
            id: row.id,
            environment_id: row.environment_id,
            integration_id: row.integration_id,
            unique_key: row.unique_key,
            provider: row.provider,
            connection_id: row.connection_id,
            credentials,
            config,
            metadata: metadata_secret::open(vault, row.environment_id, row.id, &row.metadata)?,
            tags: Tags::from_json(&row.tags),
            webhook_url_override: row.webhook_url_override,
            version: row.version,
            refresh: row.refresh,
            last_fetched_at: row.last_fetched_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
            end_user: row.end_user.as_ref().map(EndUser::from_row),
        })
    }
}

fn read_object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

impl App {
    /// Opens the secrets of a stored row.
    #[tenon_model::boxed]
    pub(crate) async fn open_connection(&self, row: ConnectionRow) -> Result<Connection> {
        let vault = self.vault(row.environment_id).await?;
        Connection::open(&vault, row)
    }

    /// The integration behind a key, and its provider.
    #[tenon_model::boxed]
    pub(crate) async fn integration_and_provider(
        &self,
        environment: EnvironmentId,
        key: &str,
    ) -> Result<Option<(Arc<Integration>, ProviderRef)>> {
        let Some(integration) = self.find_integration(environment, key).await? else {
            return Ok(None);
        };
        Ok(ProviderRef::find(self, &integration.provider).map(|provider| (integration, provider)))
    }
}

/// A provider that stays what it was while somebody works with it, whatever is reloaded meanwhile.
#[derive(Clone)]
pub struct ProviderRef {
    catalog: Arc<tenon_catalog::Catalog>,
    id: String,
}

impl ProviderRef {
    /// The provider with this id.
    pub fn find(app: &App, id: &str) -> Option<Self> {
        let catalog = app.catalog();
        catalog.get(id).is_some().then(|| Self {
            catalog,
            id: id.to_owned(),
        })
    }

    /// The catalogue entry.
    ///
    /// # Errors
    /// Never in practice: the catalogue held here does not change.
    pub fn get(&self) -> Result<&Provider> {
        self.catalog
            .get(&self.id)
            .ok_or_else(|| Error::Internal(format!("provider {} vanished", self.id)))
    }
}

impl std::fmt::Debug for ProviderRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderRef({})", self.id)
    }
}

/// The developer app of an integration, as templates and token requests see it.
pub fn client_app(integration: &Integration) -> ClientApp {
    let secrets = &integration.secrets;
    let mut values: Map<String, Value> = Map::new();
    for (name, value) in secrets.custom.iter().chain(&secrets.integration_config) {
        values.insert(name.clone(), Value::String(value.clone()));
    }
    let mut set = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            values.insert(name.to_owned(), Value::String(value.to_owned()));
        }
    };
    set("app_id", secrets.app_id.as_deref());
    set("app_link", secrets.app_link.as_deref());
    set("private_key", secrets.private_key.as_ref().map(Secret::expose));
    let scopes = secrets.scopes.as_deref().unwrap_or_default();
    let scopes = scopes
        .split(',')
        .map(str::trim)
        .filter(|scope| !scope.is_empty())
        .map(str::to_owned)
        .collect();
    let client_id = secrets.client_id.as_deref().unwrap_or_default();
    ClientApp::new(
        client_id,
        secrets.client_secret.clone().unwrap_or_default(),
        scopes,
        &values,
    )
}

impl App {
    /// The same with what depends on the environment: `app.redirect_host`, the host of its callback.
    pub(crate) fn client_app_in(&self, environment: &Environment, integration: &Integration) -> ClientApp {
        let mut app = client_app(integration);
        let callback = url::Url::parse(&self.callback_url(environment)).ok();
        if let Some(host) = callback.as_ref().and_then(url::Url::host_str) {
            app.values.set("redirect_host", Value::String(host.to_owned()));
        }
        app
    }
}

/// Fills connection values that nobody types and nothing finds (an API version, a developer's token) with the values of
/// the same names that the developer stored on the integration.
pub(crate) fn fill_from_integration(provider: &Provider, integration: &Integration, config: &mut Map<String, Value>) {
    let automatic = provider
        .inputs
        .connection_config
        .iter()
        .filter(|field| field.filled_by_platform);
    for field in automatic {
        let known = config
            .get(&field.name)
            .is_some_and(|value| !value.is_null() && value != "");
        if let Some(value) = integration.secrets.custom.get(&field.name).filter(|_| !known) {
            config.insert(field.name.clone(), Value::String(value.clone()));
        }
    }
}

/// Checks the path parameter `:connectionId`.
///
/// # Errors
/// 400 `invalid_uri_params`.
pub fn check_connection_id(id: &str) -> Result<()> {
    check_param("connectionId", id, Text::any().pattern(&CONNECTION_ID).max(255))
}

/// Checks the path parameter `:providerConfigKey`.
///
/// # Errors
/// 400 `invalid_uri_params`.
pub fn check_provider_config_key(key: &str) -> Result<()> {
    check_param("providerConfigKey", key, Text::any().pattern(&INTEGRATION_ID).max(255))
}

fn check_param(name: &str, value: &str, rule: Text) -> Result<()> {
    let issues: Vec<Issue> = rule
        .complaints(value)
        .into_iter()
        .map(|(code, message)| Issue {
            code,
            message,
            path: vec![name.to_owned()],
        })
        .collect();
    if issues.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid("invalid_uri_params", issues))
    }
}
