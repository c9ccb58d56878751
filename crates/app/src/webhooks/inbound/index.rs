//! Which connections carry which identifier, remembered between messages.
//!
//! Identifiers stand in sealed configurations, and opening a thousand of them for each message took a tenth of a second.
//! What was read is kept beside the version of its row; before each use the versions are compared with the database, so
//! a connection that was made, changed or removed by any node counts from the next message on, and only changed rows
//! are opened again.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tenon_catalog::provider::MatchIn;
use tenon_model::{ConnectionId, IntegrationId};
use tenon_store::tables::connections::{self as table, ConnectionRow};

use super::message::{at_path, scalar};
use crate::integrations::Integration;
use crate::{App, Result};

/// Connections looked at per step.
const STEP: i64 = 200;
/// Changed rows that are read one by one; more are found by walking over all.
const SINGLE_READS_MAX: usize = 20;
/// Connections that one message may concern.
const CONNECTIONS_MAX: usize = 10_000;
/// Places that are remembered; each holds a few dozen bytes per connection of its integration.
const PLACES_MAX: usize = 64;

/// An integration and where its connections keep the identifier.
type Place = (IntegrationId, bool, String);

/// The identifiers of one place.
#[derive(Default)]
struct Known {
    rows: HashMap<ConnectionId, (i64, Vec<String>)>,
    by_value: HashMap<String, BTreeSet<ConnectionId>>,
}

impl Known {
    fn forget(&mut self, id: ConnectionId) {
        let Some((_, values)) = self.rows.remove(&id) else {
            return;
        };
        for value in values {
            if let Some(ids) = self.by_value.get_mut(&value) {
                ids.remove(&id);
                if ids.is_empty() {
                    self.by_value.remove(&value);
                }
            }
        }
    }

    fn learn(&mut self, id: ConnectionId, version: i64, values: Vec<String>) {
        self.forget(id);
        for value in &values {
            self.by_value.entry(value.clone()).or_default().insert(id);
        }
        self.rows.insert(id, (version, values));
    }
}

/// What is remembered, by place. The inner lock lets one task at a time bring a place up to date.
#[derive(Default)]
pub(super) struct Index(Mutex<HashMap<Place, Arc<tokio::sync::Mutex<Known>>>>);

impl Index {
    fn place(&self, place: Place) -> Arc<tokio::sync::Mutex<Known>> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if places.len() >= PLACES_MAX && !places.contains_key(&place) {
            // Any will do: a place is read again when it is needed.
            let other = places.keys().next().cloned();
            other.and_then(|other| places.remove(&other));
        }
        Arc::clone(places.entry(place).or_default())
    }
}

/// The values at a place of a connection's metadata or configuration; a list counts as each of its members.
fn values(object: &Value, path: &str) -> Vec<String> {
    let mut found = Vec::new();
    // The name of a value may contain dots itself (`team.id`).
    for value in [object.get(path), at_path(object, path)].into_iter().flatten() {
        match value {
            Value::Array(items) => found.extend(items.iter().filter_map(scalar)),
            other => found.extend(scalar(other)),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

impl App {
    /// The connections of an integration that carry `wanted` in this part of their metadata or configuration.
    pub(super) async fn connections_with(
        &self,
        integration: &Integration,
        place: &MatchIn,
        wanted: &str,
    ) -> Result<Vec<ConnectionRow>> {
        let (in_config, path) = match place {
            MatchIn::ConnectionId => return Ok(Vec::new()),
            MatchIn::Metadata(path) => (false, path),
            MatchIn::Config(path) => (true, path),
        };
        let known = self
            .webhooks_state()
            .index
            .place((integration.id, in_config, path.clone()));
        let mut known = known.lock().await;
        self.bring_up_to_date(&mut known, integration, in_config, path).await?;
        let ids: Vec<ConnectionId> = known
            .by_value
            .get(wanted)
            .into_iter()
            .flatten()
            .take(CONNECTIONS_MAX)
            .copied()
            .collect();
        drop(known);
        let mut rows = Vec::with_capacity(ids.len());
        let mut conn = self.store().read().await?;
        for id in ids {
            rows.extend(table::find_by_id(&mut conn, integration.environment_id, id).await?);
        }
        Ok(rows)
    }

    async fn bring_up_to_date(
        &self,
        known: &mut Known,
        integration: &Integration,
        in_config: bool,
        path: &str,
    ) -> Result<()> {
        let environment = integration.environment_id;
        let mut conn = self.store().read().await?;
        let versions = table::versions_of_integration(&mut conn, environment, integration.id).await?;
        drop(conn);
        let live: HashMap<ConnectionId, i64> = versions.iter().copied().collect();
        let gone: Vec<ConnectionId> = known.rows.keys().filter(|id| !live.contains_key(id)).copied().collect();
        gone.into_iter().for_each(|id| known.forget(id));
        let changed: Vec<ConnectionId> = versions
            .iter()
            .filter(|(id, version)| known.rows.get(id).is_none_or(|(read, _)| read != version))
            .map(|(id, _)| *id)
            .collect();
        if changed.len() <= SINGLE_READS_MAX {
            for id in changed {
                let mut conn = self.store().read().await?;
                let row = table::find_by_id(&mut conn, environment, id).await?;
                drop(conn);
                if let Some(row) = row {
                    self.learn(known, row, in_config, path).await?;
                }
            }
            return Ok(());
        }
        let changed: BTreeSet<ConnectionId> = changed.into_iter().collect();
        let mut after = ConnectionId(0);
        loop {
            let mut conn = self.store().read().await?;
            let rows = table::list_of_integration(&mut conn, environment, integration.id, after, STEP).await?;
            drop(conn);
            let Some(last) = rows.last() else { return Ok(()) };
            after = last.id;
            for row in rows {
                if changed.contains(&row.id) {
                    self.learn(known, row, in_config, path).await?;
                }
            }
        }
    }

    async fn learn(&self, known: &mut Known, row: ConnectionRow, in_config: bool, path: &str) -> Result<()> {
        let (id, version) = (row.id, row.version);
        let object = if in_config {
            Value::Object(self.open_connection(row).await?.config)
        } else {
            serde_json::from_str(&row.metadata).unwrap_or_default()
        };
        known.learn(id, version, values(&object, path));
        Ok(())
    }
}
