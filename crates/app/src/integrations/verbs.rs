//! Create, read, change and remove integrations.

use serde_json::{Map, Value};
use tenon_catalog::{AuthMode, Provider};
use tenon_store::tables::connections;
use tenon_store::tables::integrations::{self as table, IntegrationRow};

use super::input::{CreateInput, CredentialsInput, UpdateInput};
use super::{Include, Integration, IntegrationSecrets, secrets_place};
use crate::caller::Caller;
use crate::environments::Environment;
use crate::{App, Error, Issue, Result};

const READ: &[&str] = &[
    "environment:integrations:read",
    "environment:integrations:read_credentials",
];
const LIST: &[&str] = &[
    "environment:integrations:list",
    "environment:integrations:list_credentials",
];

/// Whether an integration of this mode cannot work without a developer app.
fn needs_credentials(mode: AuthMode) -> bool {
    matches!(
        mode,
        AuthMode::OAuth1 | AuthMode::OAuth2 | AuthMode::App | AuthMode::Custom
    )
}

/// An absent secret keeps the stored one, an empty one removes it.
fn set_webhook_secret(secrets: &mut IntegrationSecrets, given: Option<String>) {
    if let Some(secret) = given {
        secrets.webhook_secret = (!secret.is_empty()).then(|| secret.into());
    }
}

fn apply_credentials(secrets: &mut IntegrationSecrets, input: CredentialsInput) {
    match input {
        CredentialsInput::Client {
            client_id,
            client_secret,
            scopes,
            webhook_secret,
            ..
        } => {
            secrets.client_id = Some(client_id);
            secrets.client_secret = Some(client_secret).filter(|secret| !secret.is_empty());
            if let Some(scopes) = scopes {
                secrets.scopes = Some(scopes);
            }
            set_webhook_secret(secrets, webhook_secret);
        }
        CredentialsInput::App {
            app_id,
            app_link,
            private_key,
        } => {
            secrets.app_id = Some(app_id);
            secrets.app_link = Some(app_link);
            secrets.private_key = Some(private_key);
        }
        CredentialsInput::Custom {
            client_id,
            client_secret,
            app_id,
            app_link,
            private_key,
        } => {
            secrets.client_id = Some(client_id);
            secrets.client_secret = Some(client_secret);
            secrets.app_id = Some(app_id);
            secrets.app_link = Some(app_link);
            secrets.private_key = Some(private_key);
        }
    }
}

/// The scopes that an integration made without any starts with, as the catalogue lists them.
fn default_scopes(provider: &Provider) -> Option<String> {
    let listed = provider.to_wire();
    let scopes: Vec<&str> = listed
        .get("default_scopes")?
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .collect();
    (!scopes.is_empty()).then(|| scopes.join(","))
}

fn check_mode(provider: &Provider, credentials: Option<&CredentialsInput>) -> Result<()> {
    match credentials {
        Some(credentials) if credentials.mode() != provider.auth.wire() => Err(Error::invalid_body(
            "incompatible credentials auth type and provider auth",
        )),
        _ => Ok(()),
    }
}

/// Validates the developer's values; all complaints come as one sentence.
fn set_integration_config(
    secrets: &mut IntegrationSecrets,
    provider: &Provider,
    given: Vec<(String, String)>,
) -> Result<()> {
    if provider.inputs.integration_config.is_empty() {
        return Err(Error::invalid_body(
            "This provider does not accept integration configuration",
        ));
    }
    let mut values: Map<String, Value> = secrets
        .integration_config
        .iter()
        .map(|(name, value)| (name.clone(), Value::String(value.clone())))
        .collect();
    values.extend(given.into_iter().map(|(name, value)| (name, Value::String(value))));
    let checked = tenon_catalog::check_fields(&provider.inputs.integration_config, &values)
        .map_err(|complaints| Error::invalid_body(complaints.join(", ")))?;
    secrets.integration_config = checked.into_iter().collect();
    Ok(())
}

impl App {
    /// `POST /integrations`.
    #[tenon_model::boxed]
    pub async fn create_integration(&self, caller: &Caller, input: CreateInput) -> Result<Value> {
        caller.require("environment:integrations:create")?;
        let environment = caller.environment()?;
        let catalog = self.catalog();
        let provider = catalog.get(&input.provider).ok_or_else(|| {
            Error::invalid(
                "invalid_body",
                vec![Issue::new("invalid_string", "Invalid provider", &["provider"])],
            )
        })?;
        check_mode(provider, input.credentials.as_ref())?;
        if input.credentials.is_none() && needs_credentials(provider.auth) {
            return Err(Error::invalid_body("Missing credentials"));
        }
        let mut secrets = IntegrationSecrets::default();
        if let Some(credentials) = input.credentials {
            apply_credentials(&mut secrets, credentials);
        }
        set_webhook_secret(&mut secrets, input.webhook_secret);
        if secrets.scopes.is_none() {
            secrets.scopes = default_scopes(provider);
        }
        if let Some(custom) = input.custom {
            if !provider.inputs.integration_config.is_empty() {
                return Err(custom_refused());
            }
            secrets.custom = custom.into_iter().collect();
        }
        if let Some(config) = input.integration_config.filter(|config| !config.is_empty()) {
            set_integration_config(&mut secrets, provider, config)?;
        }
        let taken = || {
            let issue = Issue::new("invalid_string", "Unique key already exists", &["uniqueKey"]);
            Error::invalid("invalid_body", vec![issue])
        };
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        if table::find(&mut tx, environment.id, &input.unique_key).await?.is_some() {
            return Err(taken());
        }
        let id = table::insert(&mut tx, environment.id, &input.unique_key, &input.provider, now)
            .await
            .map_err(|error| if error.is_duplicate() { taken() } else { error.into() })?;
        let integration = Integration {
            id,
            environment_id: environment.id,
            unique_key: input.unique_key,
            provider: input.provider,
            display_name: input.display_name,
            secrets,
            forward_webhooks: input.forward_webhooks.unwrap_or(true),
            created_at: now,
            updated_at: now,
        };
        self.write_integration(&mut tx, &integration).await?;
        tx.commit().await?;
        self.forget("integrations");
        Ok(self.integration_json(&integration, environment, Include::default(), true))
    }

    /// `POST /integrations/quickstart`: would use a developer app of the platform; a self-hosted one has none.
    pub fn create_quickstart_integration(&self, caller: &Caller, input: &CreateInput) -> Result<Value> {
        caller.require("environment:integrations:create")?;
        caller.environment()?;
        let catalog = self.catalog();
        let provider = catalog.get(&input.provider).ok_or_else(|| {
            Error::invalid(
                "invalid_body",
                vec![Issue::new("invalid_string", "Invalid provider", &["provider"])],
            )
        })?;
        let message = match provider.auth {
            AuthMode::OAuth1 | AuthMode::OAuth2 | AuthMode::App => {
                "No Nango-provided developer app is configured for this provider"
            }
            _ => "This provider does not support quickstart integrations",
        };
        Err(Error::invalid_body(message))
    }

    async fn write_integration(&self, tx: &mut tenon_store::Tx, integration: &Integration) -> Result<()> {
        let plain = serde_json::to_vec(&integration.secrets)
            .map_err(|_| Error::Internal("integration secrets cannot be written".to_owned()))?;
        let place = secrets_place(integration.environment_id, integration.id);
        let row = IntegrationRow {
            id: integration.id,
            environment_id: integration.environment_id,
            unique_key: integration.unique_key.clone(),
            provider: integration.provider.clone(),
            display_name: integration.display_name.clone(),
            secrets: self
                .vault_in(tx, integration.environment_id)
                .await?
                .seal(&place, &plain),
            forward_webhooks: integration.forward_webhooks,
            created_at: integration.created_at,
            updated_at: integration.updated_at,
        };
        table::update(tx, &row).await?;
        tx.signal("integrations", &integration.id.to_string());
        Ok(())
    }

    /// `GET /integrations`; `allowed` limits a connect session to its integrations.
    #[tenon_model::boxed]
    pub async fn list_integrations(&self, caller: &Caller, allowed: Option<&[String]>) -> Result<Vec<Value>> {
        caller.require_any(LIST)?;
        let environment = caller.environment()?;
        let mut conn = self.store().read().await?;
        let rows = Self::integration_rows(&mut conn, environment.id).await?;
        drop(conn);
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            if allowed.is_some_and(|allowed| !allowed.contains(&row.unique_key)) {
                continue;
            }
            let integration = self.open_integration(row).await?;
            shown.push(self.integration_json(&integration, environment, Include::default(), true));
        }
        Ok(shown)
    }

    /// `GET /integrations/:key`.
    #[tenon_model::boxed]
    pub async fn read_integration(&self, caller: &Caller, key: &str, mut include: Include) -> Result<Value> {
        caller.require_any(READ)?;
        let environment = caller.environment()?;
        let integration = self
            .find_integration(environment.id, key)
            .await?
            .ok_or_else(|| Error::not_found(format!("Integration \"{key}\" does not exist")))?;
        include.credentials &= caller.may("environment:integrations:read_credentials");
        Ok(self.integration_json(&integration, environment, include, true))
    }

    /// The deprecated `GET /config/:key`.
    #[tenon_model::boxed]
    pub async fn read_old_config(&self, caller: &Caller, key: &str, with_credentials: bool) -> Result<Value> {
        caller.require_any(READ)?;
        let environment = caller.environment()?;
        if with_credentials {
            caller.require("environment:integrations:read_credentials")?;
        }
        let integration = self.find_integration(environment.id, key).await?.ok_or_else(|| {
            Error::refuse(400, "unknown_provider_config")
                .message(format!("There is no provider configuration matching this key: {key}"))
                .payload(serde_json::json!({}))
        })?;
        Ok(self.old_config_json(&integration, with_credentials))
    }

    /// `PATCH /integrations/:key`.
    #[tenon_model::boxed]
    pub async fn update_integration(&self, caller: &Caller, key: &str, input: UpdateInput) -> Result<Value> {
        caller.require("environment:integrations:update")?;
        let environment = caller.environment()?;
        let missing = || Error::not_found(format!("Integration \"{key}\" does not exist"));
        let integration = self.find_integration(environment.id, key).await?.ok_or_else(missing)?;
        let mut integration = (*integration).clone();
        let catalog = self.catalog();
        let provider = catalog.get(&integration.provider).ok_or_else(missing)?;
        check_mode(provider, input.credentials.as_ref())?;
        if input.custom.is_some() && !provider.inputs.integration_config.is_empty() {
            return Err(custom_refused());
        }
        if let Some(config) = input.integration_config {
            set_integration_config(&mut integration.secrets, provider, config)?;
        }
        if let Some(credentials) = input.credentials {
            apply_credentials(&mut integration.secrets, credentials);
        }
        set_webhook_secret(&mut integration.secrets, input.webhook_secret);
        if let Some(custom) = input.custom {
            integration.secrets.custom = custom.into_iter().collect();
        }
        if input.display_name.is_some() {
            integration.display_name = input.display_name;
        }
        if let Some(forward) = input.forward_webhooks {
            integration.forward_webhooks = forward;
        }
        integration.updated_at = self.clock().now();
        let mut tx = self.store().begin().await?;
        if let Some(new_key) = input.unique_key.filter(|new_key| *new_key != integration.unique_key) {
            if table::find(&mut tx, environment.id, &new_key).await?.is_some() {
                return Err(Error::invalid_body(
                    "An integration with this unique key already exists",
                ));
            }
            if connections::count_of_integration(&mut tx, environment.id, integration.id).await? > 0 {
                return Err(Error::invalid_body(
                    "The unique key cannot be changed while connections exist",
                ));
            }
            integration.unique_key = new_key;
        }
        self.write_integration(&mut tx, &integration).await?;
        tx.commit().await?;
        self.forget("integrations");
        Ok(self.integration_json(&integration, environment, Include::default(), false))
    }

    /// Gives an integration the client that a server registered for it, unless it has one by now.
    #[tenon_model::boxed]
    pub(crate) async fn set_integration_client(
        &self,
        environment: tenon_model::EnvironmentId,
        id: tenon_model::IntegrationId,
        client_id: &str,
        client_secret: Option<tenon_model::Secret>,
    ) -> Result<()> {
        let Some(mut integration) = self.find_integration_by_id(environment, id).await? else {
            return Ok(());
        };
        if integration
            .secrets
            .client_id
            .as_deref()
            .is_some_and(|id| !id.is_empty())
        {
            return Ok(());
        }
        integration.secrets.client_id = Some(client_id.to_owned());
        integration.secrets.client_secret = client_secret;
        let mut tx = self.store().begin().await?;
        self.write_integration(&mut tx, &integration).await?;
        tx.commit().await?;
        self.forget("integrations");
        Ok(())
    }

    /// `DELETE /integrations/:key`: with its connections, syncs and functions.
    #[tenon_model::boxed]
    pub async fn delete_integration(&self, caller: &Caller, key: &str) -> Result<()> {
        caller.require("environment:integrations:delete")?;
        let environment = caller.environment()?;
        self.despite_conflicts(|| self.delete_integration_at_once(environment, key))
            .await?;
        self.forget("integrations");
        Ok(())
    }

    async fn delete_integration_at_once(&self, environment: &Environment, key: &str) -> Result<()> {
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, environment.id, key)
            .await?
            .ok_or_else(|| Error::not_found("Integration does not exist"))?;
        self.on_integration_deleted(&mut tx, environment, &row).await?;
        table::delete(&mut tx, environment.id, row.id, self.clock().now()).await?;
        tx.signal("integrations", &row.id.to_string());
        Ok(tx.commit().await?)
    }
}

fn custom_refused() -> Error {
    Error::invalid_body("This provider uses integration_config; set its values there instead of custom")
}
