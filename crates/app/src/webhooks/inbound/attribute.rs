//! To which connections a message belongs. [`super::index`] knows where their identifiers are.

use tenon_catalog::provider::{Match, MatchIn, Webhook};
use tenon_model::ConnectionId;
use tenon_store::tables::connections::{self as table, ConnectionRow};

use super::Message;
use crate::integrations::Integration;
use crate::{App, Result};

/// Connections looked at per step.
const STEP: i64 = 200;
/// Connections that one message may concern.
const CONNECTIONS_MAX: usize = 10_000;

impl App {
    /// The connections of an integration that a message names; all of them when its provider declares no identifier,
    /// none when the declared one is missing.
    #[tenon_model::boxed]
    pub(super) async fn attribute(
        &self,
        integration: &Integration,
        webhook: &Webhook,
        message: &Message,
    ) -> Result<Vec<ConnectionRow>> {
        if webhook.matches.is_empty() {
            return self.all_connections(integration).await;
        }
        for Match { value, found_in } in &webhook.matches {
            let Some(wanted) = message.value(value) else { continue };
            let found = self.connections_matching(integration, found_in, &wanted).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    async fn connections_matching(
        &self,
        integration: &Integration,
        place: &MatchIn,
        wanted: &str,
    ) -> Result<Vec<ConnectionRow>> {
        match place {
            MatchIn::ConnectionId => {
                let mut conn = self.store().read().await?;
                let row = table::find(&mut conn, integration.environment_id, &integration.unique_key, wanted).await?;
                Ok(row.into_iter().collect())
            }
            MatchIn::Metadata(_) | MatchIn::Config(_) => self.connections_with(integration, place, wanted).await,
        }
    }

    /// All of the integration's connections.
    async fn all_connections(&self, integration: &Integration) -> Result<Vec<ConnectionRow>> {
        let environment = integration.environment_id;
        let mut found = Vec::new();
        let mut after = ConnectionId(0);
        while found.len() < CONNECTIONS_MAX {
            let mut conn = self.store().read().await?;
            let rows = table::list_of_integration(&mut conn, environment, integration.id, after, STEP).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            found.extend(rows);
        }
        found.truncate(CONNECTIONS_MAX);
        Ok(found)
    }
}
