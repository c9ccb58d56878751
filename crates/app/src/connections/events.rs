//! What the rest of the product hears about a connection's life.
//!
//! Inside the transaction that changes a connection: the `auth` webhook goes to the outbox. After the commit: functions
//! and schedules that follow connections. Both are called from here only, so a reader finds every consequence of a
//! connection's life on one page.

use serde_json::{Map, Value, json};
use tenon_model::{ConnectionId, IntegrationId};
use tenon_store::Tx;
use tenon_store::tables::connections as table;
use tenon_store::tables::integrations::IntegrationRow;

use super::live::Live;
use super::{Connection, EndUser, RefreshError, Tags};
use crate::environments::Environment;
use crate::{App, Result};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuthOperation {
    /// A connection was made, or could not be made.
    Creation,
    /// A connection was authorised again.
    Override,
    /// A refresh or a credential test failed or, without an error, works again after it failed.
    Refresh,
    /// A connection was removed.
    Deletion,
}

impl AuthOperation {
    /// Name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Creation => "creation",
            Self::Override => "override",
            Self::Refresh => "refresh",
            Self::Deletion => "deletion",
        }
    }
}

/// An `auth` event.
#[derive(Debug, Clone)]
pub struct AuthEvent<'a> {
    /// Id that callers use.
    pub connection_id: &'a str,
    /// The integration's key.
    pub unique_key: &'a str,
    /// Provider id.
    pub provider: &'a str,
    /// Wire name of the provider's mode.
    pub auth_mode: &'a str,
    /// What happened.
    pub operation: AuthOperation,
    /// Tags; only of stored connections.
    pub tags: Option<&'a Tags>,
    /// The end user of the session that made the connection.
    pub end_user: Option<&'a EndUser>,
    /// Type and description of a failure.
    pub error: Option<(&'a str, &'a str)>,
    /// The connection's own receiver.
    pub webhook_url_override: Option<&'a str>,
}

impl AuthEvent<'_> {
    /// The body of the webhook.
    pub fn payload(&self, environment: &Environment) -> Value {
        let mut payload = Map::new();
        let mut set = |name: &str, value: Value| payload.insert(name.to_owned(), value);
        set("from", json!("nango"));
        set("type", json!("auth"));
        set("connectionId", json!(self.connection_id));
        set("providerConfigKey", json!(self.unique_key));
        set("provider", json!(self.provider));
        set("authMode", json!(self.auth_mode));
        set("environment", json!(environment.name));
        set("operation", json!(self.operation.as_str()));
        set("success", json!(self.error.is_none()));
        if let Some(tags) = self.tags {
            set("tags", tags.to_wire());
        }
        if let Some(end_user) = self.end_user {
            set("endUser", end_user.to_event());
        }
        if let Some((kind, description)) = self.error {
            set("error", json!({ "type": kind, "description": description }));
        }
        Value::Object(payload)
    }

    /// Whether the environment wants to hear of it.
    fn wanted(&self, environment: &Environment) -> bool {
        let settings = &environment.settings;
        match self.operation {
            AuthOperation::Creation => settings.on_auth_creation,
            AuthOperation::Override => true,
            AuthOperation::Refresh if self.error.is_some() => settings.on_auth_refresh_error,
            AuthOperation::Refresh => settings.on_auth_recovery,
            AuthOperation::Deletion => settings.on_auth_deletion,
        }
    }
}

impl App {
    /// Puts an `auth` webhook into the outbox, inside the transaction of its cause.
    #[tenon_model::boxed]
    pub(crate) async fn emit_auth(&self, tx: &mut Tx, environment: &Environment, event: &AuthEvent<'_>) -> Result<()> {
        if !event.wanted(environment) {
            return Ok(());
        }
        let payload = event.payload(environment);
        self.enqueue_auth(tx, environment, event, payload).await
    }

    /// Tells, inside the transaction of the cause, that a connection's credentials failed or work again.
    #[tenon_model::boxed]
    pub(super) async fn emit_refresh(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        live: &Live,
        error: Option<&RefreshError>,
    ) -> Result<()> {
        let connection = &live.connection;
        let event = AuthEvent {
            connection_id: &connection.connection_id,
            unique_key: &connection.unique_key,
            provider: &connection.provider,
            auth_mode: live.provider()?.auth.wire(),
            operation: AuthOperation::Refresh,
            tags: Some(&connection.tags),
            end_user: None,
            error: error.map(|error| (error.code, error.message.as_str())),
            webhook_url_override: connection.webhook_url_override.as_deref(),
        };
        self.emit_auth(tx, environment, &event).await
    }

    /// Tells, inside the transaction that removes it, that a connection is gone.
    #[tenon_model::boxed]
    pub(super) async fn emit_deleted(&self, tx: &mut Tx, environment: &Environment, id: ConnectionId) -> Result<()> {
        if !environment.settings.on_auth_deletion {
            return Ok(());
        }
        let Some(row) = table::find_by_id(tx, environment.id, id).await? else {
            return Ok(());
        };
        let catalog = self.catalog();
        let event = AuthEvent {
            connection_id: &row.connection_id,
            unique_key: &row.unique_key,
            provider: &row.provider,
            auth_mode: catalog
                .get(&row.provider)
                .map_or("unknown", |provider| provider.auth.wire()),
            operation: AuthOperation::Deletion,
            tags: Some(&Tags::from_json(&row.tags)),
            end_user: None,
            error: None,
            webhook_url_override: row.webhook_url_override.as_deref(),
        };
        self.emit_auth(tx, environment, &event).await
    }

    /// After a connection was stored and the commit is done: what follows in the background.
    pub(crate) fn after_connect(&self, connection: &Connection, operation: AuthOperation) {
        let app = self.clone();
        let (environment, id) = (connection.environment_id, connection.id);
        let (key, name) = (connection.unique_key.clone(), connection.connection_id.clone());
        self.spawn("follow up on a new connection", async move {
            // What follows a connection must not wait for values that only some calls need.
            if let Err(error) = app.complete_connection(environment, id).await {
                tracing::error!(connection.id = %id, ?error, "values of the connected account could not be stored");
            }
            app.on_connection_saved(environment, &key, &name, id, operation).await
        });
    }

    /// Removes what hangs on an integration's connections, inside the transaction that removes the integration.
    #[tenon_model::boxed]
    pub(crate) async fn delete_connections_of(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        integration: IntegrationId,
    ) -> Result<()> {
        const BATCH: i64 = 500;
        let mut after = ConnectionId(0);
        loop {
            let rows = table::list_of_integration(tx, environment.id, integration, after, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in &rows {
                self.delete_connection_in(tx, environment, row.id).await?;
            }
        }
    }

    /// Removes what hangs on an integration, inside the transaction that removes it.
    #[tenon_model::boxed]
    pub(crate) async fn on_integration_deleted(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        integration: &IntegrationRow,
    ) -> Result<()> {
        self.delete_connections_of(tx, environment, integration.id).await?;
        self.delete_functions_of(tx, environment.id, integration.id).await
    }
}
