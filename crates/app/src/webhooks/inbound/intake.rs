//! Taking messages in: checked, sealed and durable before the provider is answered.
//!
//! Commits wait for the disk, so messages that arrive together are written together.

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Map, Value};
use tenon_catalog::provider::{Router, Webhook};
use tenon_store::tables::inbox::{self, NewInbox};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::{Message, payload_place};
use crate::environments::Environment;
use crate::validate::{INTEGRATION_ID, Text};
use crate::{App, Error, Issue, Result};

/// Messages that wait to be written; more callers wait with their connection open.
const WAITING_MAX: usize = 1_024;
/// Messages per transaction.
const BATCH_MAX: usize = 256;

struct Waiting {
    row: NewInbox,
    done: oneshot::Sender<Result<bool, ()>>,
}

/// The way to the writer.
pub(super) struct Intake(mpsc::Sender<Waiting>);

/// A request of a provider.
#[derive(Debug)]
pub struct Delivery<'a> {
    /// Public identifier of the environment, as in the path.
    pub environment: &'a str,
    /// The integration's key.
    pub integration: &'a str,
    /// Headers.
    pub headers: &'a HeaderMap,
    /// Path and query, as they were called.
    pub target: &'a str,
    /// Query as an object.
    pub query: &'a Value,
    /// The body as it came.
    pub raw: &'a [u8],
}

/// What the provider is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// The message is durable.
    Taken,
    /// The provider's messages are not routed: nothing to do.
    NotRouted,
    /// The message is durable, and the provider shows what it is answered: nothing.
    TakenSilently,
    /// The text that a handshake wants to see again.
    Echo(String),
}

/// Starts the writer.
pub(super) fn start(app: &App) {
    let (sender, receiver) = mpsc::channel(WAITING_MAX);
    if app.webhooks_state().intake.set(Intake(sender)).is_err() {
        return;
    }
    let writer = app.clone();
    app.spawn("write received webhooks", async move {
        write_batches(writer, receiver).await;
        Ok(())
    });
}

async fn write_batches(app: App, mut receiver: mpsc::Receiver<Waiting>) {
    let stop = app.shutdown_token().clone();
    let mut batch = Vec::with_capacity(BATCH_MAX);
    loop {
        tokio::select! {
            count = receiver.recv_many(&mut batch, BATCH_MAX) => if count == 0 { return },
            () = stop.cancelled() => {
                receiver.close();
                if receiver.recv_many(&mut batch, BATCH_MAX).await == 0 {
                    return;
                }
            }
        }
        let written = write(&app, &batch).await;
        if let Err(error) = &written {
            tracing::error!(error = ?error, "received webhooks could not be written; their providers are told to send again");
        }
        for (index, waiting) in batch.drain(..).enumerate() {
            let answer = written
                .as_ref()
                .map(|fresh| fresh.get(index).copied().unwrap_or(true))
                .map_err(|_| ());
            // A caller that went away will send again; the message is durable all the same.
            let _ = waiting.done.send(answer);
        }
    }
}

/// Writes all or nothing; answers for each whether it was new.
async fn write(app: &App, batch: &[Waiting]) -> Result<Vec<bool>> {
    let mut tx = app.store().begin().await?;
    let mut fresh = Vec::with_capacity(batch.len());
    for waiting in batch {
        fresh.push(inbox::insert(&mut tx, &waiting.row).await?.is_some());
    }
    tx.signal("inbox", "");
    tx.commit().await?;
    Ok(fresh)
}

/// The text that the provider wants to see again before it sends anything.
fn handshake(webhook: &Webhook, message: &Message) -> Option<String> {
    let text = message.value(webhook.challenge.as_ref()?)?;
    // An ordinary event of Slack may have a member of this name too.
    let asked = webhook.router != Some(Router::Slack) || message.event(webhook).as_deref() == Some("url_verification");
    asked.then_some(text)
}

/// Slack shows the answer to a submitted dialogue to its user; an empty one closes it.
fn shows_answers(webhook: &Webhook, message: &Message) -> bool {
    webhook.router == Some(Router::Slack) && message.event(webhook).as_deref() == Some("view_submission")
}

fn unknown(code: &str) -> Error {
    Error::refuse(404, code)
}

/// Both members of the path, or what is wrong with either.
fn check_path(delivery: &Delivery<'_>) -> Result<Uuid> {
    let mut issues = Vec::new();
    let rules = [
        ("environmentUuid", Text::any().uuid(), delivery.environment),
        (
            "providerConfigKey",
            Text::any().pattern(&INTEGRATION_ID).max(255),
            delivery.integration,
        ),
    ];
    for (name, rule, given) in rules {
        let complaints = rule.complaints(given).into_iter();
        issues.extend(complaints.map(|(code, message)| Issue::new(code, message, &[name])));
    }
    match Uuid::try_parse(delivery.environment) {
        Ok(uuid) if issues.is_empty() => Ok(uuid),
        _ => Err(Error::invalid("invalid_uri_params", issues)),
    }
}

impl App {
    async fn environment_of_path(&self, uuid: Uuid) -> Result<Arc<Environment>> {
        let id = self
            .find_environment_by_uuid(uuid)
            .await?
            .ok_or_else(|| unknown("unknown_environment"))?
            .id;
        self.environment(id).await
    }

    /// Takes a provider's message in. When this returns, it survives a crash.
    #[tenon_model::boxed]
    pub async fn receive_webhook(&self, delivery: &Delivery<'_>) -> Result<Accepted> {
        let environment = self.environment_of_path(check_path(delivery)?).await?;
        let integration = self
            .find_integration(environment.id, delivery.integration)
            .await?
            .ok_or_else(|| unknown("unknown_provider_config"))?;
        let catalog = self.catalog();
        let Some(provider) = catalog
            .get(&integration.provider)
            .filter(|provider| provider.routes_webhooks())
        else {
            return Ok(Accepted::NotRouted);
        };
        let Some(webhook) = &provider.webhook else {
            return Ok(Accepted::NotRouted);
        };
        let mut query = Map::new();
        for (name, value) in delivery.query.as_object().into_iter().flatten() {
            if webhook.query.contains(name) {
                query.insert(name.clone(), value.clone());
            }
        }
        let mut message = Message::read(delivery.headers, query, delivery.raw)?;
        if webhook.router == Some(Router::Slack) {
            message.unwrap_form_payload();
        }
        message.take_headers_for_body(webhook);
        if webhook.signature.is_none() && webhook.recipe().is_none() {
            return Err(Error::refuse(501, "not_implemented").message(format!(
                "This server does not read the webhooks of {} yet; it takes none rather than unchecked ones",
                provider.display_name
            )));
        }
        // GitLab's messages are checked with the secret of their connection: one that names none is nobody's.
        if webhook.router == Some(Router::Gitlab) && self.attribute(&integration, webhook, &message).await?.is_empty() {
            return Ok(Accepted::Taken);
        }
        let verified_by = self
            .verify_webhook(&integration, webhook, &mut message, delivery)
            .await
            .inspect_err(|error| self.log_refused_webhook(&environment, &integration, error))?;
        if let Some(text) = handshake(webhook, &message) {
            return Ok(Accepted::Echo(text));
        }
        let plain = serde_json::to_vec(&message)
            .map_err(|error| Error::Internal(format!("a received webhook cannot be stored: {error}")))?;
        let row = NewInbox {
            environment_id: environment.id,
            integration_id: integration.id,
            delivery_id: webhook.delivery_id.as_ref().and_then(|place| message.value(place)),
            payload: self
                .vault(environment.id)
                .await?
                .seal(&payload_place(environment.id), &plain),
            verified_by,
            now: self.clock().now(),
        };
        self.store_webhook(row).await?;
        Ok(if shows_answers(webhook, &message) {
            Accepted::TakenSilently
        } else {
            Accepted::Taken
        })
    }

    async fn store_webhook(&self, row: NewInbox) -> Result<()> {
        let stopped = || Error::Internal("the writer of received webhooks has stopped".to_owned());
        let Some(intake) = self.webhooks_state().intake.get() else {
            // No services in this process: write it alone.
            let mut tx = self.store().begin().await?;
            inbox::insert(&mut tx, &row).await?;
            tx.signal("inbox", "");
            return Ok(tx.commit().await?);
        };
        let (done, answer) = oneshot::channel();
        intake.0.send(Waiting { row, done }).await.map_err(|_| stopped())?;
        match answer.await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(())) => Err(Error::Internal("a received webhook could not be written".to_owned())),
            Err(_) => Err(stopped()),
        }
    }
}
