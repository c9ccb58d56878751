//! The one way in: storing credentials that were just obtained, as a new connection or over an old one.

use std::sync::Arc;

use serde_json::{Map, Value};
use tenon_catalog::Provider;
use tenon_credentials::Credentials;
use tenon_model::{ConnectionId, Timestamp};
use tenon_store::Tx;
use tenon_store::tables::connections::{self as table, ConnectionInput, ConnectionRow, errors, lease};

use super::events::AuthEvent;
use super::{AuthOperation, Connection, EndUser, Tags, WebhookUrl, config_place, credentials_place, metadata_secret};
use crate::environments::Environment;
use crate::integrations::Integration;
use crate::{App, Error, Result};

/// Name of the kind of error that an authorisation clears.
pub(super) const AUTH_ERROR: &str = "auth";
/// Code of a refusal by the product's own functions.
pub(crate) const VALIDATION_FAILED: &str = "connection_validation_failed";

/// Name of the connection value that marks a connection whose installation somebody still has to make or approve.
pub(crate) const PENDING: &str = "pending";

/// Who obtained the credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The product's back end: what it does not name is reset.
    Import,
    /// An end user: what the session does not name is kept.
    EndUser,
}

/// What to store.
#[derive(Debug)]
pub struct NewConnection<'a> {
    /// Owner.
    pub environment: &'a Arc<Environment>,
    /// The integration.
    pub integration: &'a Integration,
    /// Its provider.
    pub provider: &'a Provider,
    /// Id that callers will use.
    pub connection_id: String,
    /// The credentials.
    pub credentials: Credentials,
    /// Values of the connection.
    pub config: Map<String, Value>,
    /// Free values of the product.
    pub metadata: Option<Map<String, Value>>,
    /// Labels.
    pub tags: Tags,
    /// Whose account it is.
    pub end_user: Option<EndUser>,
    /// Replaces the environment's webhook URLs.
    pub webhook_url: Option<WebhookUrl>,
    /// Who obtained the credentials.
    pub origin: Origin,
}

/// What was stored.
#[derive(Debug)]
pub struct Saved {
    /// The row.
    pub id: ConnectionId,
    /// Whether it is new.
    pub operation: AuthOperation,
    /// The connection as stored.
    pub connection: Connection,
}

impl App {
    /// Stores a connection, tells who wants to know, and starts what follows from it.
    ///
    /// # Errors
    /// When the store fails; nothing is stored then.
    pub async fn save_connection(&self, new: NewConnection<'_>) -> Result<Saved> {
        let validated = self
            .has_validators(new.environment.id, &new.integration.unique_key)
            .await?;
        let mut tx = self.store().begin().await?;
        let (id, operation) = self.write_connection(&mut tx, &new).await?;
        let row = table::find_by_id(&mut tx, new.environment.id, id)
            .await?
            .ok_or_else(|| Error::Internal(format!("connection {id} is gone right after it was written")))?;
        if !validated {
            self.emit_saved(&mut tx, &new, &row, operation, None).await?;
        }
        tx.signal("connections", &id.to_string());
        tx.commit().await?;
        self.connections_state().forget(id);
        if validated {
            self.validate_saved(&new, &row, operation).await?;
        }
        let connection = self.open_connection(row).await?;
        self.after_connect(&connection, operation);
        Ok(Saved {
            id,
            operation,
            connection,
        })
    }

    /// Asks the product's own functions whether the connection counts. A new one that does not is removed; one that was
    /// there before stays and is marked. An import is told of as such, whatever becomes of it.
    async fn validate_saved(
        &self,
        new: &NewConnection<'_>,
        row: &ConnectionRow,
        operation: AuthOperation,
    ) -> Result<()> {
        let environment = new.environment.id;
        let refused = self
            .validate_connection(environment, &row.unique_key, &row.connection_id)
            .await?;
        let mut tx = self.store().begin().await?;
        if refused.is_none() || new.origin == Origin::Import {
            self.emit_saved(&mut tx, new, row, operation, None).await?;
        }
        match (&refused, operation) {
            (None, _) => {}
            (Some(_), AuthOperation::Creation) => table::erase(&mut tx, environment, row.id).await?,
            (Some(reason), _) => {
                let now = self.clock().now();
                let log_id = self.operations().reserve().to_string();
                errors::set(&mut tx, environment, row.id, AUTH_ERROR, "", &log_id, now).await?;
                lease::store_test_failure(&mut tx, environment, row.id, 1, true, VALIDATION_FAILED, now).await?;
                let error = Some((VALIDATION_FAILED, reason.as_str()));
                self.emit_saved(&mut tx, new, row, AuthOperation::Override, error)
                    .await?;
            }
        }
        tx.signal("connections", &row.id.to_string());
        tx.commit().await?;
        self.connections_state().forget(row.id);
        match refused {
            None => Ok(()),
            Some(reason) => Err(Error::refuse(400, VALIDATION_FAILED).message(reason)),
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn write_connection(
        &self,
        tx: &mut Tx,
        new: &NewConnection<'_>,
    ) -> Result<(ConnectionId, AuthOperation)> {
        let now = self.clock().now();
        let environment = new.environment.id;
        let end_user = match &new.end_user {
            Some(end_user) => Some(end_user.upsert(tx, environment, now).await?),
            None => None,
        };
        let existing = table::find(tx, environment, &new.integration.unique_key, &new.connection_id).await?;
        let existing = match existing {
            Some(row) => Some(Connection::open(&self.vault_in(tx, environment).await?, row)?),
            None => None,
        };
        let merged = merged(new, existing.as_ref());
        let mut metadata = merged.metadata;
        // Sealing binds to the row, which a new connection does not have yet.
        let secret = metadata.shift_remove(metadata_secret::NAME);
        let metadata_text = Value::Object(metadata.clone()).to_string();
        let tags = merged.tags.to_json();
        let input = ConnectionInput {
            credentials_type: new.credentials.kind(),
            expires_at: new.credentials.expires_at(),
            metadata: &metadata_text,
            tags: &tags,
            webhook_url_override: merged.webhook_url.as_deref(),
            end_user,
            last_fetched_at: fetched(&new.credentials, now),
            now,
        };
        let (id, operation) = match &existing {
            Some(connection) => {
                table::overwrite(tx, environment, connection.id, &input).await?;
                errors::clear(tx, environment, connection.id, AUTH_ERROR, "").await?;
                (connection.id, AuthOperation::Override)
            }
            None => {
                let integration = new.integration.id;
                let id = table::insert(tx, environment, integration, &new.connection_id, &input).await?;
                (id, AuthOperation::Creation)
            }
        };
        self.seal_connection(tx, environment, id, &new.credentials, &merged.config)
            .await?;
        if let Some(secret) = secret {
            metadata.insert(metadata_secret::NAME.to_owned(), secret);
            let vault = self.vault_in(tx, environment).await?;
            metadata_secret::seal(&vault, environment, id, &mut metadata);
            let text = Value::Object(metadata).to_string();
            table::set_metadata(tx, environment, id, &text, now).await?;
        }
        Ok((id, operation))
    }

    /// Seals and stores credentials and values.
    #[tenon_model::boxed]
    pub(super) async fn seal_connection(
        &self,
        tx: &mut Tx,
        environment: tenon_model::EnvironmentId,
        id: ConnectionId,
        credentials: &Credentials,
        config: &Map<String, Value>,
    ) -> Result<()> {
        let vault = self.vault_in(tx, environment).await?;
        let unwritable = |_| Error::Internal("credentials cannot be written".to_owned());
        let plain = credentials.to_sealable().map_err(unwritable)?;
        let sealed = vault.seal(&credentials_place(environment, id), &plain);
        let config = serde_json::to_vec(config).map_err(unwritable)?;
        let config = vault.seal(&config_place(environment, id), &config);
        Ok(table::set_sealed(tx, environment, id, &sealed, &config).await?)
    }

    async fn emit_saved(
        &self,
        tx: &mut Tx,
        new: &NewConnection<'_>,
        row: &ConnectionRow,
        operation: AuthOperation,
        error: Option<(&str, &str)>,
    ) -> Result<()> {
        let tags = Tags::from_json(&row.tags);
        let event = AuthEvent {
            connection_id: &row.connection_id,
            unique_key: &row.unique_key,
            provider: &row.provider,
            auth_mode: new.provider.auth.wire(),
            operation,
            tags: Some(&tags),
            end_user: new
                .end_user
                .as_ref()
                .filter(|_| new.origin == Origin::EndUser && error.is_none()),
            error,
            webhook_url_override: row.webhook_url_override.as_deref(),
        };
        self.emit_auth(tx, new.environment, &event).await
    }

    /// Tells that somebody tried to connect and failed.
    #[expect(clippy::too_many_arguments, reason = "the parts of one event")]
    #[tenon_model::boxed]
    pub(crate) async fn emit_connect_failure(
        &self,
        environment: &Environment,
        integration: &Integration,
        auth_mode: &str,
        connection_id: &str,
        kind: &str,
        description: &str,
        webhook_url_override: Option<&str>,
    ) -> Result<()> {
        let event = AuthEvent {
            connection_id,
            unique_key: &integration.unique_key,
            provider: &integration.provider,
            auth_mode,
            operation: AuthOperation::Creation,
            tags: None,
            end_user: None,
            error: Some((kind, description)),
            webhook_url_override,
        };
        let mut tx = self.store().begin().await?;
        self.emit_auth(&mut tx, environment, &event).await?;
        Ok(tx.commit().await?)
    }
}

/// The parts of a connection that an older one under the same id takes part in.
struct Merged {
    config: Map<String, Value>,
    metadata: Map<String, Value>,
    tags: Tags,
    webhook_url: Option<String>,
}

fn merged(new: &NewConnection<'_>, existing: Option<&Connection>) -> Merged {
    let wished = new.webhook_url.as_ref().map(|url| url.as_deref().map(str::to_owned));
    match (existing, new.origin) {
        (Some(old), Origin::EndUser) => {
            // What was captured before stays until the follow-up captures it again.
            let mut config = old.config.clone();
            // It says something about one authorisation, not about the account.
            config.shift_remove(PENDING);
            config.extend(new.config.clone());
            Merged {
                config,
                metadata: new.metadata.clone().unwrap_or_else(|| old.metadata.clone()),
                tags: new.tags.clone(),
                webhook_url: wished.unwrap_or_else(|| old.webhook_url_override.clone()),
            }
        }
        (None, _) | (Some(_), Origin::Import) => Merged {
            config: new.config.clone(),
            metadata: new.metadata.clone().unwrap_or_default(),
            tags: new.tags.clone(),
            webhook_url: wished.flatten(),
        },
    }
}

/// Storing credentials counts as having them at hand; there is nothing to fetch without any.
fn fetched(credentials: &Credentials, now: Timestamp) -> Option<Timestamp> {
    (!matches!(credentials, Credentials::None)).then_some(now)
}
