//! To which connections a message belongs.

use serde_json::{Map, Value};
use tenon_catalog::provider::{Match, MatchIn, Webhook};
use tenon_model::ConnectionId;
use tenon_store::tables::connections::{self as table, ConnectionRow};

use super::Message;
use super::message::{at_path, scalar};
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
            return self.connections_where(integration, |_, _| true, false).await;
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
            MatchIn::Metadata(key) => {
                let matches = |metadata: &Map<String, Value>, _: &Map<String, Value>| {
                    at_path(&Value::Object(metadata.clone()), key).is_some_and(|value| holds(value, wanted))
                };
                self.connections_where(integration, matches, false).await
            }
            MatchIn::Config(key) => {
                let matches = |_: &Map<String, Value>, config: &Map<String, Value>| {
                    let direct = config.get(key);
                    direct.is_some_and(|value| holds(value, wanted))
                        || at_path(&Value::Object(config.clone()), key).is_some_and(|value| holds(value, wanted))
                };
                self.connections_where(integration, matches, true).await
            }
        }
    }

    /// Walks over the integration's connections; `with_config` opens the sealed configuration of each.
    pub(super) async fn connections_where(
        &self,
        integration: &Integration,
        matches: impl Fn(&Map<String, Value>, &Map<String, Value>) -> bool,
        with_config: bool,
    ) -> Result<Vec<ConnectionRow>> {
        let environment = integration.environment_id;
        let mut found = Vec::new();
        let mut after = ConnectionId(0);
        loop {
            let mut conn = self.store().read().await?;
            let rows = table::list_of_integration(&mut conn, environment, integration.id, after, STEP).await?;
            drop(conn);
            let Some(last) = rows.last() else { return Ok(found) };
            after = last.id;
            for row in rows {
                let (metadata, config) = if with_config {
                    let opened = self.open_connection(row.clone()).await?;
                    (opened.metadata, opened.config)
                } else {
                    (serde_json::from_str(&row.metadata).unwrap_or_default(), Map::new())
                };
                if matches(&metadata, &config) {
                    found.push(row);
                }
                if found.len() >= CONNECTIONS_MAX {
                    return Ok(found);
                }
            }
        }
    }
}

/// Whether a value is the wanted one, or a list that contains it.
fn holds(value: &Value, wanted: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().filter_map(scalar).any(|item| item == wanted),
        other => scalar(other).is_some_and(|text| text == wanted),
    }
}
