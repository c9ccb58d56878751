//! The service that works received messages off: attribution, runs of `onWebhook`, forwards.

use std::collections::HashSet;
use std::time::Duration;

use tenon_store::tables::connections::ConnectionRow;
use tenon_store::tables::functions::{self as functions_table, FunctionFilter};
use tenon_store::tables::inbox::{self as table, InboxRow};

use super::installation::Installation;
use super::parts::{Part, forwarded, in_order};
use super::{Message, payload_place};
use crate::functions::{Function, FunctionKind};
use crate::operations::{Kind, Level, Outcome, Subject};
use crate::syncs::webhook::Incoming;
use crate::webhooks::outbound::{ForwardEvent, enqueue_forward};
use crate::{App, Error, Result};

/// Messages claimed at a time.
const CLAIM_MAX: i64 = 64;
/// How long claimed messages belong to us.
const LEASE: Duration = Duration::from_secs(60);
/// How often the inbox is looked at without a signal.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Attempts before a message is given up.
const ATTEMPTS_MAX: i64 = 8;
/// The most syncs of one integration.
const SYNCS_MAX: i64 = 5_000;

/// Works messages off.
pub(super) struct Worker {
    app: App,
    holder: String,
}

impl Worker {
    pub(super) fn new(app: App) -> Self {
        let holder = format!("{}/{}", app.settings().node, app.rng().hex(6));
        Self { app, holder }
    }

    /// Works until shutdown. A message that is under way is finished; others stay for the next start.
    #[tenon_model::boxed]
    pub(super) async fn run(&self) {
        let stop = self.app.shutdown_token().clone();
        let mut signals = self.app.store().signals();
        while !stop.is_cancelled() {
            match self.claim().await {
                Ok(rows) if rows.is_empty() => {}
                Ok(rows) => {
                    for row in rows {
                        if stop.is_cancelled() {
                            break;
                        }
                        self.work_off(&row).await;
                    }
                    continue;
                }
                Err(error) => tracing::error!(error = ?error, "the inbox could not be read"),
            }
            let wait = self.until_due().await;
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(wait) => {}
                () = until_signal(&mut signals) => {}
            }
        }
    }

    async fn claim(&self) -> Result<Vec<InboxRow>> {
        let now = self.app.clock().now();
        let mut conn = self.app.store().read().await?;
        // A look costs nothing; a claim takes the writer.
        if table::next_due(&mut conn).await?.is_none_or(|next| next > now) {
            return self.claim_expired(now).await;
        }
        drop(conn);
        let mut tx = self.app.store().begin().await?;
        let rows = table::claim(&mut tx, &self.holder, now, now.plus(LEASE), CLAIM_MAX).await?;
        tx.commit().await?;
        Ok(rows)
    }

    /// Messages whose holder died.
    async fn claim_expired(&self, now: tenon_model::Timestamp) -> Result<Vec<InboxRow>> {
        let mut conn = self.app.store().read().await?;
        if !table::any_expired(&mut conn, now).await? {
            return Ok(Vec::new());
        }
        drop(conn);
        let mut tx = self.app.store().begin().await?;
        let rows = table::claim(&mut tx, &self.holder, now, now.plus(LEASE), CLAIM_MAX).await?;
        tx.commit().await?;
        Ok(rows)
    }

    async fn until_due(&self) -> Duration {
        let now = self.app.clock().now();
        let next = match self.app.store().read().await {
            Ok(mut conn) => table::next_due(&mut conn).await.ok().flatten(),
            Err(_) => None,
        };
        next.map_or(LOOK_EVERY, |next| next.since(now))
            .clamp(Duration::from_millis(5), LOOK_EVERY)
    }

    async fn work_off(&self, row: &InboxRow) {
        let Err(error) = self.app.process_webhook(row, &self.holder).await else {
            return;
        };
        tracing::error!(error = ?error, webhook = row.id, "a received webhook could not be worked off");
        let now = self.app.clock().now();
        let doublings = u32::try_from(row.attempts).unwrap_or(0).min(10);
        let again = (row.attempts < ATTEMPTS_MAX).then(|| now.plus(Duration::from_secs(1 << doublings)));
        let noted = async {
            let mut tx = self.app.store().begin().await?;
            table::fail(&mut tx, row.id, &self.holder, &error.to_string(), again, now).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::error!(error = ?error, "the failure of a received webhook could not be noted; its lease runs out");
        }
    }
}

async fn until_signal(signals: &mut tokio::sync::broadcast::Receiver<tenon_store::Signal>) {
    use tokio::sync::broadcast::error::RecvError;
    loop {
        match signals.recv().await {
            Ok(signal) if signal.channel == "inbox" => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => std::future::pending::<()>().await,
        }
    }
}

impl App {
    /// Everything that follows from a received message, in one transaction.
    async fn process_webhook(&self, row: &InboxRow, holder: &str) -> Result<()> {
        let environment = self.environment(row.environment_id).await?;
        let Some(integration) = self.find_integration_by_id(environment.id, row.integration_id).await? else {
            return self.drop_webhook(row, holder).await;
        };
        let catalog = self.catalog();
        let described = catalog
            .get(&integration.provider)
            .and_then(|provider| Some((provider, provider.webhook.as_ref()?)));
        let Some((provider, webhook)) = described else {
            return self.drop_webhook(row, holder).await;
        };
        let plain = self
            .vault(environment.id)
            .await?
            .open(&payload_place(environment.id), &row.payload)?;
        let message: Message = serde_json::from_slice(&plain)
            .map_err(|_| Error::Internal(format!("received webhook {} is not readable", row.id)))?;
        let installation = self
            .finish_installation(&environment, &integration, provider, webhook, &message)
            .await?;
        let parts = self.webhook_parts(&integration, webhook, &message).await?;
        let connections = distinct(&parts);
        let syncs = self.webhook_syncs(&integration).await?;

        let mut events: Vec<&str> = parts.iter().filter_map(|part| part.event.as_deref()).collect();
        events.dedup();
        let mut functions: Vec<&str> = in_order(webhook, &parts, |part| &part.body)
            .into_iter()
            .flat_map(|part| subscribed(&syncs, part))
            .map(|sync| sync.name.as_str())
            .collect();
        functions.sort_unstable();
        functions.dedup();
        let mut subject = Subject::titled(match events.as_slice() {
            [event] => format!("Webhook {event} from {}", integration.provider),
            _ => format!("Webhook from {}", integration.provider),
        })
        .integration(&integration.unique_key, &integration.provider);
        if let [only] = connections.as_slice() {
            subject.connection = Some(only.connection_id.clone());
        }
        subject.meta = Some(serde_json::json!({
            "event": events.first(),
            "events": parts.len(),
            "connections": connections.len(),
            "functions": functions,
            "verified_by": row.verified_by,
        }));
        let operation = self
            .operations()
            .start(environment.id, Kind::Webhook, "incoming", subject);
        operation.log(
            Level::Info,
            "received",
            Some(&serde_json::json!({ "body": message.body })),
        );
        match &installation {
            Installation::None => {}
            Installation::Finished(id) => {
                operation.log(
                    Level::Info,
                    format!("the installation that connection {id} waited for is made"),
                    None,
                );
            }
            Installation::Refused(id, reason) => {
                operation.log(Level::Error, format!("connection {id} still waits: {reason}"), None);
            }
        }
        let strays = parts.iter().filter(|part| part.connections.is_empty()).count();
        if connections.is_empty() {
            operation.log(Level::Info, "no connection matches this webhook", None);
        } else if strays > 0 {
            let text = format!("no connection matches {strays} of the {} events", parts.len());
            operation.log(Level::Info, text, None);
        }

        let result = async {
            let headers = message.forwarded_headers(webhook);
            let mut tx = self.store().begin().await?;
            for part in in_order(webhook, &parts, |part| &part.body) {
                let incoming = Incoming {
                    event: part.event.as_deref(),
                    headers: &headers,
                    body: &part.body,
                };
                for connection in &part.connections {
                    for sync in subscribed(&syncs, part) {
                        self.enqueue_webhook_run(&mut tx, &environment, connection, sync, incoming)
                            .await?;
                    }
                }
            }
            if integration.forward_webhooks {
                for connection in &connections {
                    let event = ForwardEvent {
                        provider: &integration.provider,
                        integration: &integration.unique_key,
                        connection: Some((&connection.connection_id, connection.webhook_url_override.as_deref())),
                        payload: &forwarded(webhook, &message, &parts, connection),
                        headers: &message.forwarded_headers(webhook),
                    };
                    enqueue_forward(self, &mut tx, &environment, &event).await?;
                }
            }
            if connections.is_empty() && !parts.is_empty() && integration.forward_webhooks {
                let event = ForwardEvent {
                    provider: &integration.provider,
                    integration: &integration.unique_key,
                    connection: None,
                    payload: &message.body,
                    headers: &message.forwarded_headers(webhook),
                };
                enqueue_forward(self, &mut tx, &environment, &event).await?;
            }
            let count = i64::try_from(connections.len()).unwrap_or(i64::MAX);
            let id = &operation.id().0;
            if !table::finish(&mut tx, row.id, holder, count, Some(id), self.clock().now()).await? {
                // Another node has it by now; what we prepared is rolled back.
                return Err(Error::Internal("the lease of a received webhook was lost".to_owned()));
            }
            Ok(tx.commit().await?)
        }
        .await;
        operation.finish(Outcome::of(&result));
        result
    }

    /// Ends a message whose integration or provider is gone.
    async fn drop_webhook(&self, row: &InboxRow, holder: &str) -> Result<()> {
        let mut tx = self.store().begin().await?;
        table::finish(&mut tx, row.id, holder, 0, None, self.clock().now()).await?;
        Ok(tx.commit().await?)
    }

    /// The enabled syncs of an integration that want to hear of webhooks.
    async fn webhook_syncs(&self, integration: &crate::integrations::Integration) -> Result<Vec<Function>> {
        let filter = FunctionFilter {
            integration: Some(integration.id),
            kind: Some(FunctionKind::Sync.as_str()),
            search: None,
        };
        let mut conn = self.store().read().await?;
        let rows = functions_table::list(&mut conn, integration.environment_id, filter, 0, SYNCS_MAX).await?;
        drop(conn);
        let mut syncs = Vec::new();
        for row in rows.into_iter().filter(|row| row.enabled) {
            let function = Function::from_row(row)?;
            if !function.definition.webhook_subscriptions.is_empty() {
                syncs.push(function);
            }
        }
        Ok(syncs)
    }
}

/// The syncs that an event concerns.
fn subscribed<'s>(syncs: &'s [Function], part: &'s Part) -> impl Iterator<Item = &'s Function> {
    let event = part.event.as_deref();
    syncs.iter().filter(move |sync| sync.definition.subscribes_to(event))
}

/// Every connection that some event names, once.
fn distinct(parts: &[Part]) -> Vec<ConnectionRow> {
    let mut seen = HashSet::new();
    let all = parts.iter().flat_map(|part| &part.connections);
    all.filter(|row| seen.insert(row.id)).cloned().collect()
}
