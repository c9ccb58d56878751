//! Upkeep of connections: tokens that nobody uses are kept alive, keys are tested, what is over is removed.

use std::time::Duration;

use tenon_credentials::refresh::Want;
use tenon_credentials::{Credentials, Failure};
use tenon_model::{ConnectionId, Timestamp};
use tenon_store::tables::{connect_sessions, connections as table, oauth_states};

use super::RefreshError;
use super::live::{Live, LiveError};
use super::verify::Tested;
use crate::{App, Result};

/// How often idle connections are looked at.
const SWEEP_EVERY: Duration = Duration::from_secs(600);
/// A connection is idle when nobody fetched it for this long.
const IDLE_AFTER: Duration = Duration::from_secs(86_400);
/// Rows per step.
const BATCH: i64 = 100;
/// OAuth states and sessions are removed this long after they began or ended.
const KEEP_STATES: Duration = Duration::from_secs(2 * 86_400);

/// Starts the listener for other nodes' changes, and the upkeep.
pub(crate) fn start(app: &App) {
    let listener = app.clone();
    app.spawn("follow changes of connections", async move {
        listener.follow_changes().await;
        Ok(())
    });
    let keeper = app.clone();
    app.spawn("keep connections alive", async move {
        loop {
            tokio::select! {
                () = keeper.shutdown_token().cancelled() => return Ok(()),
                () = tokio::time::sleep(SWEEP_EVERY) => {}
            }
            if let Err(error) = keeper.sweep_connections().await {
                tracing::error!(?error, "the upkeep of connections failed");
            }
        }
    });
}

impl App {
    async fn follow_changes(&self) {
        use tokio::sync::broadcast::error::RecvError;
        let mut signals = self.store().signals();
        loop {
            let signal = tokio::select! {
                () = self.shutdown_token().cancelled() => return,
                signal = signals.recv() => signal,
            };
            match signal {
                Ok(signal) => match signal.channel.as_str() {
                    "connections" => match signal.payload.parse() {
                        Ok(id) => self.connections_state().forget(ConnectionId(id)),
                        Err(_) => self.connections_state().forget_all(),
                    },
                    "integrations" | "environments" => self.connections_state().forget_all(),
                    crate::auth::POPUP_CHANNEL => self.connections_state().popups.deliver_signal(&signal.payload),
                    _ => {}
                },
                Err(RecvError::Lagged(_)) => self.connections_state().forget_all(),
                Err(RecvError::Closed) => return,
            }
        }
    }

    /// One round of upkeep. Two nodes that do it at once do no harm: leases keep refreshes apart.
    #[tenon_model::boxed]
    pub async fn sweep_connections(&self) -> Result<()> {
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        connect_sessions::purge(&mut tx, now.minus(KEEP_STATES)).await?;
        oauth_states::purge(&mut tx, now.minus(KEEP_STATES)).await?;
        tx.commit().await?;
        let mut after = ConnectionId(0);
        loop {
            let mut conn = self.store().read().await?;
            let rows = table::list_idle(&mut conn, now.minus(IDLE_AFTER), after, BATCH).await?;
            drop(conn);
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in &rows {
                if self.shutdown_token().is_cancelled() {
                    return Ok(());
                }
                if let Err(error) = self.keep_alive(row, now).await {
                    tracing::error!(connection.id = %row.id, ?error, "an idle connection could not be looked after");
                }
            }
        }
    }

    async fn keep_alive(&self, row: &table::ConnectionRow, now: Timestamp) -> Result<()> {
        let found = self
            .find_live(row.environment_id, &row.unique_key, &row.connection_id)
            .await;
        let live = match found {
            Ok(live) => live,
            Err(LiveError::Internal(error)) => return Err(error),
            // Removed meanwhile, or of a provider that is no longer in the catalogue.
            Err(_) => return Ok(()),
        };
        match live.credentials() {
            Credentials::ApiKey(_) | Credentials::Basic(_) | Credentials::Tba(_) => self.test_idle(&live).await?,
            _ => match self.refreshed(live, Want::Good).await {
                Ok(_) | Err(LiveError::Refresh(_)) => {}
                Err(LiveError::Internal(error)) => return Err(error),
                Err(_) => return Ok(()),
            },
        }
        let mut tx = self.store().begin().await?;
        table::touch_fetched(&mut tx, row.environment_id, row.id, now).await?;
        Ok(tx.commit().await?)
    }

    /// Tests a key or password, and notes what came of it. An outage of the provider says nothing about the key.
    async fn test_idle(&self, live: &Live) -> Result<()> {
        let tested = self
            .test_credentials(live.provider()?, &live.integration, live.config(), live.credentials())
            .await;
        match tested {
            Tested::Good if live.connection.refresh.failed_at.is_some() => self.store_test_passed(live).await,
            Tested::Good | Tested::NoAnswer(_) => Ok(()),
            Tested::Refused(error) => {
                let Some(refusal) = error.refusal() else {
                    return Err(error);
                };
                let failed = RefreshError {
                    code: "connection_test_failed",
                    status: refusal.status,
                    message: refusal.message.clone().unwrap_or_default(),
                    payload: serde_json::json!({}),
                };
                self.store_failure(live, None, Failure::Misconfigured, &failed).await
            }
        }
    }
}
