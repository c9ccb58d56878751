//! Looking at deliveries and sending them again; for the command line and the dashboard.

use serde_json::{Value, json};
use tenon_model::{EnvironmentId, Timestamp};
use tenon_store::tables::outbox::{self, DeliveryFilter, DeliveryRow};

use crate::{App, Result};

/// Deliveries made due again per transaction.
const STEP: i64 = 500;

/// Which deliveries are wanted.
#[derive(Debug, Clone, Default)]
pub struct ReplayWish {
    /// Only this environment.
    pub environment: Option<EnvironmentId>,
    /// Only this state: `pending`, `delivered` or `dead`.
    pub state: Option<String>,
    /// Only this kind of event.
    pub kind: Option<String>,
    /// Only events of this connection.
    pub connection: Option<String>,
    /// Only this event.
    pub event_id: Option<String>,
    /// Only events since.
    pub since: Option<Timestamp>,
}

impl ReplayWish {
    fn filter(&self, before: Option<i64>) -> DeliveryFilter<'_> {
        DeliveryFilter {
            environment: self.environment,
            state: self.state.as_deref(),
            kind: self.kind.as_deref(),
            connection: self.connection.as_deref(),
            event_id: self.event_id.as_deref(),
            since: self.since,
            before,
        }
    }
}

/// A delivery as it is shown; its body stays sealed.
#[derive(Debug, Clone)]
pub struct DeliveryView(DeliveryRow);

impl DeliveryView {
    /// The stored row.
    pub fn row(&self) -> &DeliveryRow {
        &self.0
    }

    /// The delivery as JSON.
    pub fn to_json(&self) -> Value {
        let row = &self.0;
        json!({
            "event_id": row.event_id,
            "environment_id": row.environment_id.0,
            "kind": row.kind,
            "integration_id": row.integration,
            "connection_id": row.connection,
            "url": row.url,
            "target": row.target,
            "state": row.state,
            "attempts": row.attempts,
            "next_attempt_at": (row.state == "pending").then(|| row.next_at.iso_millis()),
            "last_status": row.last_status,
            "last_error": row.last_error,
            "operation_id": row.operation_id,
            "created_at": row.created_at.iso_millis(),
            "ended_at": row.ended_at.map(|at| at.iso_millis()),
        })
    }
}

impl App {
    /// Deliveries, newest first.
    #[tenon_model::boxed]
    pub async fn list_deliveries(&self, wish: &ReplayWish, limit: i64) -> Result<Vec<DeliveryView>> {
        let mut conn = self.store().read().await?;
        let rows = outbox::list(&mut conn, wish.filter(None), limit).await?;
        Ok(rows.into_iter().map(DeliveryView).collect())
    }

    /// Makes delivered and dead events due again, under their old ids; answers how many.
    #[tenon_model::boxed]
    pub async fn replay_deliveries(&self, wish: &ReplayWish) -> Result<u64> {
        let now = self.clock().now();
        let (mut replayed, mut before) = (0, None);
        loop {
            let mut tx = self.store().begin().await?;
            let rows = outbox::list(&mut tx, wish.filter(before), STEP).await?;
            let Some(last) = rows.last() else { return Ok(replayed) };
            before = Some(last.id);
            let ids: Vec<i64> = rows
                .iter()
                .filter(|row| row.state != "pending")
                .map(|row| row.id)
                .collect();
            replayed += outbox::replay(&mut tx, &ids, now).await?;
            tx.commit().await?;
        }
    }
}
