//! What other nouns do when a connection comes, changes or goes.
//!
//! Connections know nobody who follows them; this page lists the followers.

use serde_json::Value;
use tenon_model::{ConnectionId, EnvironmentId};
use tenon_store::Tx;

use super::AuthOperation;
use super::events::AuthEvent;
use crate::environments::Environment;
use crate::functions::ConnectionEvent;
use crate::{App, Result};

impl App {
    /// Puts the webhook of an `auth` event into the outbox.
    #[tenon_model::boxed]
    pub(super) async fn enqueue_auth(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        event: &AuthEvent<'_>,
        payload: Value,
    ) -> Result<()> {
        crate::webhooks::outbound::enqueue_auth(self, tx, environment, event.webhook_url_override, payload).await
    }

    /// Whether functions decide if a connection of the integration counts.
    #[tenon_model::boxed]
    pub(super) async fn has_validators(&self, environment: EnvironmentId, unique_key: &str) -> Result<bool> {
        self.has_on_events(environment, unique_key, ConnectionEvent::ValidateConnection)
            .await
    }

    /// Asks the functions that decide whether a connection counts; the sentence of the first that refuses it.
    #[tenon_model::boxed]
    pub(super) async fn validate_connection(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: &str,
    ) -> Result<Option<String>> {
        self.run_on_events(
            environment,
            unique_key,
            connection_id,
            ConnectionEvent::ValidateConnection,
        )
        .await
    }

    /// After a connection was stored, in the background.
    #[tenon_model::boxed]
    pub(super) async fn on_connection_saved(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: &str,
        connection: ConnectionId,
        _operation: AuthOperation,
    ) -> Result<()> {
        crate::syncs::life::on_connection_created(self, environment, connection).await?;
        self.run_on_events(
            environment,
            unique_key,
            connection_id,
            ConnectionEvent::PostConnectionCreation,
        )
        .await?;
        Ok(())
    }

    /// Before a connection is removed, while its credentials still work. Removal goes on whatever happens here.
    #[tenon_model::boxed]
    pub(super) async fn before_connection_deleted(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: &str,
    ) -> Result<()> {
        let event = ConnectionEvent::PreConnectionDeletion;
        if let Err(error) = self.run_on_events(environment, unique_key, connection_id, event).await {
            tracing::error!(
                ?error,
                "functions that follow the removal of a connection could not run"
            );
        }
        Ok(())
    }

    /// While a connection is removed, in the same transaction.
    #[tenon_model::boxed]
    pub(super) async fn on_connection_deleted(
        &self,
        tx: &mut Tx,
        environment: EnvironmentId,
        connection: ConnectionId,
    ) -> Result<()> {
        crate::syncs::life::on_connection_deleted(self, tx, environment, connection).await
    }
}
