//! Which key a provider signs with, and what happens to messages that are not believed.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde_json::{Map, Value};
use subtle::ConstantTimeEq;
use tenon_catalog::provider::{Router, Secret as KeyKind, Signature, Webhook};
use tenon_model::{IntegrationId, Secret, Timestamp};

use super::verify::{Evidence, Fault, verify};
use super::{Delivery, Message};
use crate::connections::metadata_secret;
use crate::environments::Environment;
use crate::integrations::Integration;
use crate::operations::{Kind, Outcome, Subject};
use crate::{App, Error, Result};

/// How often refused messages of one integration are written into the log: anybody can send them.
const REFUSALS_LOGGED_EVERY: Duration = Duration::from_secs(10);
/// What messages count as that nobody could check.
const UNCHECKED: &str = "none";

/// When refusals were last logged.
pub(super) type Refusals = Mutex<HashMap<IntegrationId, Timestamp>>;

const fn key_kind(signature: &Signature) -> KeyKind {
    match signature {
        Signature::Hmac { secret, .. }
        | Signature::StandardWebhooks { secret }
        | Signature::Hash { secret, .. }
        | Signature::Equals { secret, .. }
        | Signature::HubspotV3 { secret }
        | Signature::SlackV0 { secret } => *secret,
    }
}

/// The secret of a GitHub App's webhooks: SHA-256 in hex of app id, private key and public link of the app, joined.
pub fn derived_secret(app_id: &str, private_key: &str, app_link: &str) -> Secret {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [app_id, private_key, app_link] {
        context.update(part.as_bytes());
    }
    Secret::new(hex::encode(context.finish()))
}

/// The secrets that the integration itself holds. A webhook secret that the developer stored always counts.
fn keys_of(kind: KeyKind, integration: &Integration) -> Vec<Secret> {
    let secrets = &integration.secrets;
    let stored = secrets.webhook_secret.iter().cloned();
    let own: Vec<Secret> = match kind {
        KeyKind::Webhook | KeyKind::Metadata => Vec::new(),
        KeyKind::Client => secrets.client_secret.iter().cloned().collect(),
        KeyKind::AppDerived => match (&secrets.app_id, &secrets.private_key, &secrets.app_link) {
            (Some(app_id), Some(key), Some(link)) => {
                // Integrations taken over from elsewhere derived it from the key's base64.
                let encoded = STANDARD.encode(key.expose());
                vec![
                    derived_secret(app_id, key.expose(), link),
                    derived_secret(app_id, &encoded, link),
                ]
            }
            _ => Vec::new(),
        },
    };
    own.into_iter()
        .chain(stored)
        .filter(|key| !key.expose().is_empty())
        .collect()
}

fn refusal(fault: &Fault) -> Error {
    match fault {
        Fault::Missing(_) => Error::refuse(401, "webhook_missing_signature"),
        Fault::Mismatch(_) | Fault::Stale(_) => Error::refuse(401, "webhook_invalid_signature"),
    }
    .message(format!("The webhook is not believed: {fault}"))
}

/// Of Microsoft's notifications those count that carry the secret of their subscription, when there is one. Answers how
/// they were checked.
fn keep_known_client_states(integration: &Integration, message: &mut Message) -> Result<&'static str> {
    let secret = integration.secrets.webhook_secret.as_ref();
    let Some(secret) = secret.filter(|secret| !secret.expose().is_empty()) else {
        return Ok(UNCHECKED);
    };
    let is_known = |item: &Value| {
        let state = item.get("clientState").and_then(Value::as_str).unwrap_or_default();
        bool::from(state.as_bytes().ct_eq(secret.expose().as_bytes()))
    };
    if let Some(Value::Array(items)) = message.body.get_mut("value") {
        let sent = items.len();
        items.retain(is_known);
        if items.is_empty() && sent > 0 {
            return Err(Error::refuse(401, "webhook_invalid_signature")
                .message("The webhook is not believed: no notification has the clientState of its subscription"));
        }
    }
    Ok("client_state")
}

/// The token of Streak names the connection, so a message without is nobody's.
fn check_token(webhook: &Webhook, signature: &Signature, delivery: &Delivery<'_>) -> Result<()> {
    match signature {
        Signature::Equals { header, .. }
            if webhook.router == Some(Router::Streak) && !delivery.headers.contains_key(header) =>
        {
            Err(Error::refuse(401, "webhook_missing_token")
                .message(format!("The webhook is not believed: the header {header} is missing")))
        }
        _ => Ok(()),
    }
}

/// Notion sends the key that it will sign with once, in a message that holds nothing else.
fn asks_for_verification(webhook: &Webhook, message: &Message) -> bool {
    let alone =
        |body: &Map<String, Value>| body.len() == 1 && body.get("verification_token").is_some_and(Value::is_string);
    webhook.router == Some(Router::Notion) && message.body.as_object().is_some_and(alone)
}

/// GitLab signs by Standard Webhooks where it was told to, and sends the secret itself elsewhere.
fn signature_in_use(webhook: &Webhook, declared: &Signature, delivery: &Delivery<'_>) -> Signature {
    let signs = webhook.router == Some(Router::Gitlab) && delivery.headers.contains_key("webhook-signature");
    if signs {
        Signature::StandardWebhooks {
            secret: key_kind(declared),
        }
    } else {
        declared.clone()
    }
}

impl App {
    /// Checks a message by its provider's scheme. Answers how it was checked: the scheme, or `none` when the provider
    /// does not sign or the developer has stored no secret for a scheme that leaves it to them.
    #[tenon_model::boxed]
    pub(super) async fn verify_webhook(
        &self,
        integration: &Integration,
        webhook: &Webhook,
        message: &mut Message,
        delivery: &Delivery<'_>,
    ) -> Result<&'static str> {
        if webhook.router == Some(Router::MicrosoftClientCredentials) {
            return keep_known_client_states(integration, message);
        }
        let Some(signature) = &webhook.signature else {
            return Ok(UNCHECKED);
        };
        check_token(webhook, signature, delivery)?;
        if asks_for_verification(webhook, message) {
            return Ok(UNCHECKED);
        }
        let kind = key_kind(signature);
        let signature = &signature_in_use(webhook, signature, delivery);
        let mut keys = keys_of(kind, integration);
        if kind == KeyKind::Metadata {
            keys.extend(self.metadata_secrets(integration, webhook, message).await?);
        }
        if keys.is_empty() {
            if webhook.signature_required {
                return Err(Error::refuse(401, "webhook_invalid_signature").message(format!(
                    "The webhook cannot be checked: the integration {} has no {}; store it first",
                    integration.unique_key,
                    match kind {
                        KeyKind::Client => "client secret",
                        KeyKind::AppDerived => "app id, private key and app link",
                        KeyKind::Webhook | KeyKind::Metadata => "webhook secret",
                    }
                )));
            }
            return Ok(UNCHECKED);
        }
        let url = format!("{}{}", self.settings().public_url, delivery.target);
        let evidence = Evidence {
            headers: delivery.headers,
            raw: delivery.raw,
            url: &url,
            now: self.clock().now(),
        };
        verify(signature, &keys, &evidence).map_err(|fault| refusal(&fault))
    }

    /// Secrets that the connections of a message keep in their metadata.
    async fn metadata_secrets(
        &self,
        integration: &Integration,
        webhook: &Webhook,
        message: &Message,
    ) -> Result<Vec<Secret>> {
        let connections = self.attribute(integration, webhook, message).await?;
        let vault = self.vault(integration.environment_id).await?;
        let mut secrets = Vec::new();
        for row in &connections {
            let metadata = metadata_secret::open(&vault, row.environment_id, row.id, &row.metadata)?;
            let secret = metadata.get(metadata_secret::NAME).and_then(Value::as_str);
            secrets.extend(secret.filter(|secret| !secret.is_empty()).map(Secret::new));
        }
        Ok(secrets)
    }

    /// Writes a refused message into the log, at most once in a while per integration.
    pub(super) fn log_refused_webhook(&self, environment: &Environment, integration: &Integration, error: &Error) {
        let Some(refusal) = error.refusal().filter(|refusal| refusal.status == 401) else {
            return;
        };
        let now = self.clock().now();
        if let Ok(mut last) = self.webhooks_state().refusals.lock() {
            let recent = last
                .get(&integration.id)
                .is_some_and(|at| now.since(*at) < REFUSALS_LOGGED_EVERY);
            if recent {
                return;
            }
            last.insert(integration.id, now);
        }
        let subject = Subject::titled(format!("Refused webhook from {}", integration.provider))
            .integration(&integration.unique_key, &integration.provider);
        let operation = self
            .operations()
            .start(environment.id, Kind::Webhook, "incoming", subject);
        let message = refusal.message.clone().unwrap_or_default();
        operation.finish(Outcome::failed(refusal.code.as_str(), message));
    }
}
