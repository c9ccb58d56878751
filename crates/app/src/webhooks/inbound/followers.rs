//! What other nouns do when a provider's message concerns a connection.

use tenon_store::Tx;
use tenon_store::tables::connections::ConnectionRow;

use crate::environments::Environment;
use crate::functions::Function;
use crate::syncs::webhook::Incoming;
use crate::{App, Result};

impl App {
    /// Inside the transaction that works a message off: a run of the sync's `onWebhook`.
    pub(super) async fn enqueue_webhook_run(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        connection: &ConnectionRow,
        sync: &Function,
        message: Incoming<'_>,
    ) -> Result<()> {
        crate::syncs::webhook::enqueue_run(self, tx, environment, connection, sync, message).await
    }
}
