//! How an integration is shown.

use serde_json::{Map, Value, json};
use tenon_catalog::provider::ClientRegistration;
use tenon_catalog::{AuthMode, Provider};

use super::Integration;
use crate::environments::Environment;
use crate::{App, Settings};

/// Optional parts of an answer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Include {
    /// The URL for the provider's webhooks.
    pub webhook: bool,
    /// The client credentials.
    pub credentials: bool,
}

/// Where the logo of a provider is served.
pub fn logo_url(settings: &Settings, provider: &str) -> String {
    format!("{}/images/template-logos/{provider}.svg", settings.public_url)
}

impl App {
    /// The integration as the public contract shows it. `label`: whether a label for the key form is part of it.
    pub fn integration_json(
        &self,
        integration: &Integration,
        environment: &Environment,
        include: Include,
        label: bool,
    ) -> Value {
        let catalog = self.catalog();
        let provider = catalog.get(&integration.provider);
        let display_name = integration
            .display_name
            .as_deref()
            .or(provider.map(|provider| provider.display_name.as_str()))
            .unwrap_or(&integration.provider);
        let mut object = Map::new();
        object.insert("unique_key".into(), json!(integration.unique_key));
        object.insert("provider".into(), json!(integration.provider));
        object.insert("display_name".into(), json!(display_name));
        let logo = integration.own_logo().map(str::to_owned);
        let logo = logo.unwrap_or_else(|| logo_url(self.settings(), &integration.provider));
        object.insert("logo".into(), json!(logo));
        if label && let Some(label) = integration.secrets.integration_config.get("keyLabel") {
            object.insert("credentials_label".into(), json!({ "apiKey": label }));
        }
        let preset = provider
            .map(|provider| preconfigured(integration, provider))
            .unwrap_or_default();
        if !preset.is_empty() {
            object.insert("preconfigured_credentials".into(), json!(preset));
        }
        if include.webhook {
            let url = provider.and_then(|provider| webhook_url(self.settings(), environment, integration, provider));
            object.insert("webhook_url".into(), json!(url));
        }
        if include.credentials {
            object.insert(
                "credentials".into(),
                provider.map_or(Value::Null, |provider| credentials_json(integration, provider)),
            );
        }
        object.insert("forward_webhooks".into(), json!(integration.forward_webhooks));
        object.insert("created_at".into(), json!(integration.created_at.iso_millis()));
        object.insert("updated_at".into(), json!(integration.updated_at.iso_millis()));
        Value::Object(object)
    }

    /// The answer of the deprecated `GET /config/:key`.
    pub fn old_config_json(&self, integration: &Integration, with_credentials: bool) -> Value {
        let base = json!({ "unique_key": integration.unique_key, "provider": integration.provider });
        if !with_credentials {
            let mut config = base;
            config["syncs"] = json!([]);
            config["actions"] = json!([]);
            return json!({ "config": config });
        }
        let catalog = self.catalog();
        let provider = catalog.get(&integration.provider);
        let secrets = &integration.secrets;
        let mut custom: Map<String, Value> = secrets
            .custom
            .iter()
            .map(|(name, value)| (name.clone(), json!(value)))
            .collect();
        if let Some(secret) = &secrets.webhook_secret {
            custom.insert("webhookSecret".into(), json!(secret.expose()));
        }
        json!({ "config": {
            "unique_key": integration.unique_key,
            "provider": integration.provider,
            "client_id": secrets.client_id,
            "client_secret": secrets.client_secret.as_ref().map(|secret| secret.expose()),
            "custom": custom,
            "scopes": secrets.scopes,
            "app_link": secrets.app_link,
            "auth_mode": provider.map(|provider| provider.auth.wire()),
            "created_at": integration.created_at.iso_millis(),
            "syncs": [],
            "actions": [],
            "has_webhook": provider.is_some_and(|provider| provider.webhook.is_some()) ,
            "webhook_secret": Value::Null,
            "connections": [],
            "docs": provider.and_then(|provider| provider.docs.clone()),
            "connection_count": 0,
            "has_webhook_user_defined_secret":
                provider.and_then(|provider| provider.webhook.as_ref()).is_some_and(|webhook| webhook.developer_secret),
            "webhook_url": Value::Null,
        }})
    }
}

fn preconfigured(integration: &Integration, provider: &Provider) -> Vec<String> {
    provider
        .inputs
        .credentials
        .iter()
        .filter(|field| integration.secrets.integration_config.contains_key(&field.name))
        .map(|field| field.name.clone())
        .collect()
}

fn webhook_url(
    settings: &Settings,
    environment: &Environment,
    integration: &Integration,
    provider: &Provider,
) -> Option<String> {
    provider.routes_webhooks().then(|| {
        format!(
            "{}/webhook/{}/{}",
            settings.public_url, environment.uuid, integration.unique_key
        )
    })
}

/// Whether the developer may set the client of this MCP provider: those that register clients themselves show none.
fn has_own_client(provider: &Provider) -> bool {
    let registration = provider.mcp.as_ref().and_then(|mcp| mcp.registration);
    provider.auth == AuthMode::McpOAuth2Generic || matches!(registration, Some(ClientRegistration::Static) | None)
}

fn credentials_json(integration: &Integration, provider: &Provider) -> Value {
    let mode = provider.auth;
    let secrets = &integration.secrets;
    let client_secret = secrets.client_secret.as_ref().map(|secret| secret.expose());
    let private_key = secrets.private_key.as_ref().map(|secret| secret.expose());
    match mode {
        AuthMode::OAuth1 | AuthMode::OAuth2 | AuthMode::Tba => json!({
            "type": mode.wire(),
            "client_id": secrets.client_id,
            "client_secret": client_secret,
            "scopes": secrets.scopes.as_ref().filter(|scopes| !scopes.is_empty()),
            "webhook_secret": secrets.webhook_secret.as_ref().map(|secret| secret.expose()),
        }),
        AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic if secrets.client_id.is_some() && has_own_client(provider) => {
            json!({
                "type": mode.wire(),
                "client_id": secrets.client_id,
                "client_secret": client_secret,
                "scopes": secrets.scopes.as_ref().filter(|scopes| !scopes.is_empty()),
            })
        }
        AuthMode::App => json!({
            "type": mode.wire(),
            "app_id": secrets.app_id,
            "private_key": private_key,
            "app_link": secrets.app_link,
        }),
        AuthMode::Custom => json!({
            "type": mode.wire(),
            "client_id": secrets.client_id,
            "client_secret": client_secret,
            "app_id": secrets.app_id,
            "app_link": secrets.app_link,
            "private_key": private_key,
        }),
        _ => Value::Null,
    }
}
