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

/// The bodies of a message's events, in the order in which they are to be worked off.
pub(super) fn bodies(webhook: &Webhook, message: &Message) -> Vec<Value> {
    let Some(path) = &webhook.items else {
        return vec![message.body.clone()];
    };
    let list = if path == WHOLE {
        Some(&message.body)
    } else {
        at_path(&message.body, path)
    };
    let mut bodies = match list {
        Some(Value::Array(items)) => items.clone(),
        // A single event in place of the list.
        Some(_) | None => vec![message.body.clone()],
    };
    if webhook.router == Some(Router::Hubspot) {
        sort_hubspot(&mut bodies);
    }
    bodies
}

/// HubSpot promises no order inside a batch: an object's creation comes first, the rest by time. What an import changed
/// is left out, as clients of the public contract expect; the next sync run picks it up.
fn sort_hubspot(bodies: &mut Vec<Value>) {
    bodies.retain(|body| body.get("changeSource").and_then(Value::as_str) != Some("IMPORT"));
    bodies.sort_by_key(|body| {
        let creates = body
            .get("subscriptionType")
            .and_then(Value::as_str)
            .is_some_and(|kind| kind.ends_with(".creation"));
        (Reverse(creates), body.get("occurredAt").and_then(Value::as_i64))
    });
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
