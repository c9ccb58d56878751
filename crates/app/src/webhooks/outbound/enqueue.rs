//! Putting events into the outbox, inside the transaction of their cause.

use serde_json::{Map, Value, json};
use tenon_model::Timestamp;
use tenon_store::Tx;
use tenon_store::tables::outbox::{self, NewDelivery};
use url::Url;
use uuid::Uuid;

use super::{body_place, headers_place, sorted_json};
use crate::environments::{Environment, EnvironmentSettings};
use crate::{App, Error, Result};

/// One event before it is addressed.
struct Event<'a> {
    kind: &'static str,
    integration: &'a str,
    connection: Option<&'a str>,
    webhook_url_override: Option<&'a str>,
    body: Value,
    headers: Option<&'a [(String, String)]>,
}

/// Who gets an event: the connection's own receiver, or those of the environment.
fn receivers<'a>(settings: &'a EnvironmentSettings, own: Option<&'a str>) -> Vec<(&'static str, &'a str)> {
    if let Some(url) = own.filter(|url| !url.is_empty()) {
        return vec![("override", url)];
    }
    let environment = [
        ("primary", &settings.webhook_url),
        ("secondary", &settings.webhook_url_secondary),
    ];
    environment
        .into_iter()
        .filter_map(|(target, url)| url.as_deref().filter(|url| !url.is_empty()).map(|url| (target, url)))
        .collect()
}

/// Longest name of a receiver.
const ENDPOINT_BYTES_MAX: usize = 255;

/// What names a receiver: origin and path of its URL. Deliveries to one receiver share a limit; several of them on one host
/// do not wait for each other.
pub(super) fn endpoint_of(url: &str) -> String {
    let mut name = match Url::parse(url) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Err(_) => url.to_owned(),
    };
    name.truncate(name.floor_char_boundary(ENDPOINT_BYTES_MAX));
    name
}

async fn enqueue(app: &App, tx: &mut Tx, environment: &Environment, event: Event<'_>) -> Result<()> {
    let receivers = receivers(&environment.settings, event.webhook_url_override);
    if receivers.is_empty() {
        return Ok(());
    }
    let now = app.clock().now();
    let event_id = format!("msg_{}", app.rng().uuid_v7(now).simple());
    let vault = app.vault_in(tx, environment.id).await?;
    let body = sorted_json(event.body);
    let body = vault.seal(&body_place(environment.id, &event_id), body.as_bytes());
    let headers = match event.headers.filter(|headers| !headers.is_empty()) {
        Some(headers) => {
            let text = serde_json::to_vec(headers)
                .map_err(|error| Error::Internal(format!("headers of an outgoing webhook: {error}")))?;
            Some(vault.seal(&headers_place(environment.id, &event_id), &text))
        }
        None => None,
    };
    for (target, url) in receivers {
        let new = NewDelivery {
            event_id: &event_id,
            environment_id: environment.id,
            kind: event.kind,
            integration: event.integration,
            connection: event.connection,
            target,
            url,
            endpoint: &endpoint_of(url),
            body: &body,
            headers: headers.as_deref(),
            now,
        };
        outbox::insert(tx, &new).await?;
    }
    tx.signal("outbox", "");
    Ok(())
}

/// Enqueues an `auth` event whose body the connection slice wrote. Whether the environment wants it is decided there.
#[tenon_model::boxed]
pub async fn enqueue_auth(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    webhook_url_override: Option<&str>,
    payload: Value,
) -> Result<()> {
    let text = |name: &str| payload.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (integration, connection) = (text("providerConfigKey"), text("connectionId"));
    let event = Event {
        kind: "auth",
        integration: &integration,
        connection: Some(&connection).filter(|id| !id.is_empty()).map(String::as_str),
        webhook_url_override,
        body: payload,
        headers: None,
    };
    enqueue(app, tx, environment, event).await
}

/// The end of a sync run.
#[derive(Debug, Clone)]
pub struct SyncEvent<'a> {
    /// The integration's key.
    pub integration: &'a str,
    /// The connection's id.
    pub connection: &'a str,
    /// The connection's own receiver.
    pub webhook_url_override: Option<&'a str>,
    /// Name of the sync.
    pub sync: &'a str,
    /// Its variant; `base` without one.
    pub variant: &'a str,
    /// `INITIAL`, `INCREMENTAL` or `WEBHOOK`.
    pub sync_type: &'a str,
    /// How it ended.
    pub outcome: Result<SyncSuccess<'a>, SyncFailure<'a>>,
}

/// A run that succeeded, as told about one model.
#[derive(Debug, Clone)]
pub struct SyncSuccess<'a> {
    /// The model.
    pub model: &'a str,
    /// Records that are new.
    pub added: u64,
    /// Records that changed.
    pub updated: u64,
    /// Records that are gone.
    pub deleted: u64,
    /// Records changed after this moment are this run's.
    pub modified_after: Timestamp,
    /// First and last checkpoint, when the run touched any.
    pub checkpoints: Option<Value>,
}

/// A run that failed, as told once for all models.
#[derive(Debug, Clone)]
pub struct SyncFailure<'a> {
    /// All models of the sync.
    pub models: &'a [String],
    /// Sentence for people.
    pub description: &'a str,
    /// Details for programs; absent for webhook runs.
    pub payload: Option<Value>,
    /// Further members of the error object.
    pub additional_properties: Option<Value>,
    /// Start of the last run that succeeded, or the moment of failure.
    pub started_at: Timestamp,
    /// The moment of failure.
    pub failed_at: Timestamp,
    /// First and last checkpoint, when the run touched any.
    pub checkpoints: Option<Value>,
}

impl SyncEvent<'_> {
    fn wanted(&self, settings: &EnvironmentSettings) -> bool {
        match &self.outcome {
            Ok(success) => settings.on_sync_completion_always || success.added + success.updated + success.deleted > 0,
            Err(_) => settings.on_sync_error,
        }
    }

    fn body(&self) -> Value {
        let mut body = Map::new();
        let mut set = |name: &str, value: Value| body.insert(name.to_owned(), value);
        set("from", json!("nango"));
        set("type", json!("sync"));
        set("connectionId", json!(self.connection));
        set("providerConfigKey", json!(self.integration));
        set("syncName", json!(self.sync));
        set("syncType", json!(self.sync_type));
        match &self.outcome {
            Ok(success) => {
                let modified_after = success.modified_after.iso_millis();
                set("syncVariant", json!(self.variant));
                set("model", json!(success.model));
                set("success", json!(true));
                set("modifiedAfter", json!(modified_after));
                set("queryTimeStamp", json!(modified_after));
                set(
                    "responseResults",
                    json!({ "added": success.added, "updated": success.updated, "deleted": success.deleted }),
                );
                if let Some(checkpoints) = &success.checkpoints {
                    set("checkpoints", checkpoints.clone());
                }
            }
            Err(failure) => {
                let webhook = self.sync_type == "WEBHOOK";
                if !webhook {
                    set("syncVariant", json!(self.variant));
                }
                let mut error = Map::new();
                error.insert("type".to_owned(), json!("script_error"));
                error.insert("description".to_owned(), json!(failure.description));
                if let Some(payload) = failure.payload.as_ref().filter(|_| !webhook) {
                    error.insert("payload".to_owned(), payload.clone());
                }
                if let Some(more) = &failure.additional_properties {
                    error.insert("additional_properties".to_owned(), more.clone());
                }
                set("model", json!(failure.models.join(",")));
                set("success", json!(false));
                set("error", Value::Object(error));
                set("startedAt", json!(failure.started_at.iso_millis()));
                set("failedAt", json!(failure.failed_at.iso_millis()));
                if let Some(checkpoints) = &failure.checkpoints {
                    set("checkpoints", checkpoints.clone());
                }
            }
        }
        Value::Object(body)
    }
}

/// Enqueues the end of a sync run, unless the environment does not want to hear of it. Call it once per declared model
/// for a success, once in all for a failure.
#[tenon_model::boxed]
pub async fn enqueue_sync(app: &App, tx: &mut Tx, environment: &Environment, event: &SyncEvent<'_>) -> Result<()> {
    if !event.wanted(&environment.settings) {
        return Ok(());
    }
    let event = Event {
        kind: "sync",
        integration: event.integration,
        connection: Some(event.connection),
        webhook_url_override: event.webhook_url_override,
        body: event.body(),
        headers: None,
    };
    enqueue(app, tx, environment, event).await
}

/// The end of an asynchronous action.
#[derive(Debug, Clone)]
pub struct AsyncActionEvent<'a> {
    /// Under which the result is found.
    pub id: Uuid,
    /// The integration's key.
    pub integration: &'a str,
    /// The connection's id.
    pub connection: &'a str,
    /// The connection's own receiver.
    pub webhook_url_override: Option<&'a str>,
}

/// Enqueues the end of an asynchronous action, unless the environment does not want to hear of it.
#[tenon_model::boxed]
pub async fn enqueue_async_action(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    event: &AsyncActionEvent<'_>,
) -> Result<()> {
    if !environment.settings.on_async_action_completion {
        return Ok(());
    }
    let body = json!({
        "from": "nango",
        "type": "async_action",
        "connectionId": event.connection,
        "providerConfigKey": event.integration,
        "payload": { "id": event.id, "statusUrl": format!("/action/{}", event.id) },
    });
    let event = Event {
        kind: "async_action",
        integration: event.integration,
        connection: Some(event.connection),
        webhook_url_override: event.webhook_url_override,
        body,
        headers: None,
    };
    enqueue(app, tx, environment, event).await
}

/// A provider's webhook on its way to the customer.
#[derive(Debug, Clone)]
pub struct ForwardEvent<'a> {
    /// The provider's id.
    pub provider: &'a str,
    /// The integration's key.
    pub integration: &'a str,
    /// The connection that it belongs to, with its own receiver; without one the payload goes out as it came.
    pub connection: Option<(&'a str, Option<&'a str>)>,
    /// What the provider sent.
    pub payload: &'a Value,
    /// The provider's headers that go along.
    pub headers: &'a [(String, String)],
}

/// Enqueues a provider's webhook for the customer.
#[tenon_model::boxed]
pub async fn enqueue_forward(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    event: &ForwardEvent<'_>,
) -> Result<()> {
    let body = match event.connection {
        Some((connection, _)) => json!({
            "from": event.provider,
            "type": "forward",
            "providerConfigKey": event.integration,
            "connectionId": connection,
            "payload": event.payload,
        }),
        None => event.payload.clone(),
    };
    let event = Event {
        kind: "forward",
        integration: event.integration,
        connection: event.connection.map(|(id, _)| id),
        webhook_url_override: event.connection.and_then(|(_, url)| url),
        body,
        headers: Some(event.headers),
    };
    enqueue(app, tx, environment, event).await
}
