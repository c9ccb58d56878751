//! What other nouns do when a connection comes, changes or goes.
//!
//! Connections know nobody who follows them; this page lists the followers.

use serde_json::Value;
use tenon_model::{ConnectionId, EnvironmentId};
use tenon_store::Tx;

use super::AuthOperation;
use super::events::AuthEvent;
use crate::environments::Environment;
use crate::{App, Result};

impl App {
    /// Puts the webhook of an `auth` event into the outbox.
    pub(super) async fn enqueue_auth(
        &self,
        _tx: &mut Tx,
        environment: &Environment,
        event: &AuthEvent<'_>,
        _payload: Value,
    ) -> Result<()> {
        tracing::debug!(environment.id = %environment.id, connection = event.connection_id, operation = event.operation.as_str(), "an auth event happened");
        Ok(())
    }

    /// After a connection was stored, in the background.
    pub(super) async fn on_connection_saved(
        &self,
        _environment: EnvironmentId,
        _connection: ConnectionId,
        _operation: AuthOperation,
    ) -> Result<()> {
        Ok(())
    }

    /// Before a connection is removed, while its credentials still work.
    pub(super) async fn before_connection_deleted(
        &self,
        _environment: EnvironmentId,
        _connection: ConnectionId,
    ) -> Result<()> {
        Ok(())
    }

    /// While a connection is removed, in the same transaction.
    pub(super) async fn on_connection_deleted(
        &self,
        _tx: &mut Tx,
        _environment: EnvironmentId,
        _connection: ConnectionId,
    ) -> Result<()> {
        Ok(())
    }
}
