//! The events of one message: some providers send several at a time.

use std::cmp::Reverse;
use std::collections::HashMap;

use serde_json::Value;
use tenon_catalog::provider::{Router, Webhook};
use tenon_store::tables::connections::ConnectionRow;

use super::Message;
use super::message::at_path;
use crate::integrations::Integration;
use crate::{App, Result};

/// The whole body is the list.
const WHOLE: &str = "$";

/// One event, and whom it concerns.
#[derive(Debug)]
pub(super) struct Part {
    /// Its type.
    pub event: Option<String>,
    /// What functions get.
    pub body: Value,
    /// The connections that it names.
    pub connections: Vec<ConnectionRow>,
}

/// The bodies of a message's events, as they were sent.
pub(super) fn bodies(webhook: &Webhook, message: &Message) -> Vec<Value> {
    let Some(path) = &webhook.items else {
        return vec![message.body.clone()];
    };
    let list = if path == WHOLE {
        Some(&message.body)
    } else {
        at_path(&message.body, path)
    };
    match list {
        Some(Value::Array(items)) => items.clone(),
        // A single event in place of the list.
        Some(_) | None => vec![message.body.clone()],
    }
}

/// The events in the order in which functions are to see them.
///
/// HubSpot promises no order inside a batch: an object's creation comes first, the rest by time. What an import changed
/// starts nothing, as clients of the public contract expect; the next sync run picks it up. Receivers get all as it came.
pub(super) fn in_order<'p, T>(webhook: &Webhook, parts: &'p [T], body: impl Fn(&T) -> &Value) -> Vec<&'p T> {
    let mut ordered: Vec<&T> = parts.iter().collect();
    if webhook.router == Some(Router::Hubspot) {
        let text = |part: &T, name: &str| body(part).get(name).and_then(Value::as_str).map(str::to_owned);
        ordered.retain(|part| text(part, "changeSource").as_deref() != Some("IMPORT"));
        ordered.sort_by_key(|part| {
            let creates = text(part, "subscriptionType").is_some_and(|kind| kind.ends_with(".creation"));
            (Reverse(creates), body(part).get("occurredAt").and_then(Value::as_i64))
        });
    }
    ordered
}

/// What a connection's receiver gets: the message, without the events of other connections where the message is a list.
pub(super) fn forwarded(webhook: &Webhook, message: &Message, parts: &[Part], connection: &ConnectionRow) -> Value {
    if webhook.items.as_deref() != Some(WHOLE) || !message.body.is_array() {
        return message.body.clone();
    }
    let concerns = |part: &&Part| part.connections.iter().any(|row| row.id == connection.id);
    parts.iter().filter(concerns).map(|part| part.body.clone()).collect()
}

impl App {
    /// The events of a message with their connections. Events of one batch mostly name the same one, so it is looked for
    /// once.
    #[tenon_model::boxed]
    pub(super) async fn webhook_parts(
        &self,
        integration: &Integration,
        webhook: &Webhook,
        message: &Message,
    ) -> Result<Vec<Part>> {
        let mut found: HashMap<Vec<Option<String>>, Vec<ConnectionRow>> = HashMap::new();
        let mut parts = Vec::new();
        for body in bodies(webhook, message) {
            let one = Message {
                body,
                headers: message.headers.clone(),
                query: message.query.clone(),
            };
            let names: Vec<Option<String>> = webhook.matches.iter().map(|place| one.value(&place.value)).collect();
            let connections = match found.get(&names) {
                Some(connections) => connections.clone(),
                None => {
                    let connections = self.attribute(integration, webhook, &one).await?;
                    found.insert(names, connections.clone());
                    connections
                }
            };
            parts.push(Part {
                event: one.event(webhook),
                body: one.body,
                connections,
            });
        }
        Ok(parts)
    }
}
