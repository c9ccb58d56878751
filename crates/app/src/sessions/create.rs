//! Making sessions.

use serde_json::{Map, Value, json};
use tenon_model::ConnectionId;
use tenon_store::tables::{connect_sessions as table, connections, integrations};

use super::{Defaults, Details, LIFETIME, TOKEN_PREFIX, hash_token, place};
use crate::caller::Caller;
use crate::connections::webhook_url::{complaint, read_webhook_url};
use crate::connections::{read_end_user, read_organization, read_tags};
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, Text, wrong_type};
use crate::{App, Error, Issue, Result};

const SCOPE: &str = "environment:connect_sessions:write";

impl App {
    /// `POST /connect/sessions`.
    #[tenon_model::boxed]
    pub async fn create_session(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require(SCOPE)?;
        let environment = caller.environment()?;
        let mut fields = Fields::body(body)?;
        let tags_alone = body.is_some_and(|body| body.get("tags").is_some() && body.get("end_user").is_none());
        let mut details = Details::default();
        if tags_alone {
            fields.raw("end_user");
        } else {
            details.end_user = fields.object("end_user", read_end_user);
        }
        let organization = fields.opt_inner("organization", read_organization);
        details.allowed_integrations = read_allowed(&mut fields);
        self.read_common(&mut fields, &mut details);
        fields.strict();
        fields.finish("invalid_body")?;
        if let Some(end_user) = &mut details.end_user {
            end_user.organization = organization;
        }
        self.check_integrations(caller, &details).await?;
        if let Some(end_user) = &details.end_user {
            details.tags = end_user.derived_tags().overlaid_with(&details.tags);
        }
        self.store_session(environment.id, None, &details).await
    }

    /// `POST /connect/sessions/reconnect`.
    #[tenon_model::boxed]
    pub async fn create_reconnect_session(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require(SCOPE)?;
        let environment = caller.environment()?;
        let mut fields = Fields::body(body)?;
        let mut details = Details::default();
        let connection_id = fields
            .text("connection_id", Text::any().pattern(&CONNECTION_ID).max(255))
            .unwrap_or_default();
        let integration = fields
            .text("integration_id", Text::any().pattern(&INTEGRATION_ID).max(255))
            .unwrap_or_default();
        details.end_user = fields.opt_inner("end_user", read_end_user);
        let organization = fields.opt_inner("organization", read_organization);
        self.read_common(&mut fields, &mut details);
        fields.strict();
        fields.finish("invalid_body")?;
        if let Some(end_user) = &mut details.end_user {
            end_user.organization = organization;
        }
        let mut conn = self.store().read().await?;
        let connection = connections::find(&mut conn, environment.id, &integration, &connection_id).await?;
        drop(conn);
        let connection =
            connection.ok_or_else(|| Error::invalid_body("ConnectionID or IntegrationId does not exists"))?;
        self.check_integrations(caller, &details).await?;
        if let Some(end_user) = &details.end_user {
            details.tags = end_user.derived_tags().overlaid_with(&details.tags);
        }
        details.allowed_integrations = vec![integration];
        self.store_session(environment.id, Some(connection.id), &details).await
    }

    fn read_common(&self, fields: &mut Fields<'_>, details: &mut Details) {
        let mut nested_url = None;
        if let Some(map) = fields.opt_object("integrations_config_defaults") {
            for (key, value) in map {
                let Value::Object(inner) = value else {
                    let message = wrong_type("object", Some(value));
                    fields.complain_at("invalid_type", message, &["integrations_config_defaults", key]);
                    continue;
                };
                let (defaults, url) = self.read_defaults(fields, key, inner);
                nested_url = nested_url.or(url);
                details.defaults.push((key.clone(), defaults));
            }
        }
        if let Some(map) = fields.opt_object("overrides") {
            for (key, value) in map {
                let sound = value.as_object().is_some_and(|inner| {
                    inner
                        .iter()
                        .all(|(name, value)| name == "docs_connect" && value.is_string())
                });
                if !sound {
                    fields.complain_at("invalid_type", "Invalid input", &["overrides", key]);
                }
            }
            details.overrides = Some(map.clone());
        }
        let url = read_webhook_url(self, fields);
        details.webhook_url_override = match url {
            Some(url) => Some(url.as_deref().unwrap_or_default().to_owned()),
            None => nested_url,
        };
        details.tags = read_tags(fields).unwrap_or_default();
    }

    fn read_defaults<'v>(
        &self,
        fields: &mut Fields<'v>,
        key: &'v str,
        map: &'v Map<String, Value>,
    ) -> (Defaults, Option<String>) {
        let mut defaults = Defaults::default();
        let mut nested_url = None;
        let at = ["integrations_config_defaults", key];
        for (name, value) in map {
            let mut wrong = |expected: &str, rest: &[&str]| {
                let path: Vec<&str> = at
                    .iter()
                    .chain(std::iter::once(&name.as_str()))
                    .chain(rest)
                    .copied()
                    .collect();
                fields.complain_at("invalid_type", wrong_type(expected, Some(value)), &path);
            };
            match (name.as_str(), value) {
                ("user_scopes", Value::String(text)) => defaults.user_scopes = Some(text.clone()),
                ("user_scopes", _) => wrong("string", &[]),
                ("authorization_params", Value::Object(params)) => {
                    for (param, value) in params {
                        if !value.is_string() {
                            let path = [at[0], at[1], "authorization_params", param.as_str()];
                            fields.complain_at("invalid_type", wrong_type("string", Some(value)), &path);
                        }
                    }
                    defaults.authorization_params = Some(params.clone());
                }
                ("authorization_params", _) => wrong("record", &[]),
                ("connection_config", Value::Object(config)) => {
                    let mut config = config.clone();
                    if config
                        .get("oauth_scopes_override")
                        .is_some_and(|value| !value.is_string())
                    {
                        let path = [at[0], at[1], "connection_config", "oauth_scopes_override"];
                        let message = wrong_type("string", config.get("oauth_scopes_override"));
                        fields.complain_at("invalid_type", message, &path);
                    }
                    // The older place of the override; moved up, never stored as a connection value.
                    if let Some(url) = config.shift_remove("webhook_url") {
                        if let Some((code, message)) = complaint(self, &url) {
                            let path = [at[0], at[1], "connection_config", "webhook_url"];
                            let hint = "connection_config.webhook_url is deprecated; use top-level \
                                        webhook_url_override instead.";
                            let end = if message.ends_with('.') { "" } else { "." };
                            fields.complain_at(code, format!("{message}{end} Note: {hint}"), &path);
                        }
                        nested_url = url.as_str().map(str::to_owned);
                    }
                    defaults.connection_config = Some(config);
                }
                ("connection_config", _) => wrong("object", &[]),
                (other, _) => {
                    fields.complain_at("unrecognized_keys", format!("Unrecognized key: \"{other}\""), &at);
                }
            }
        }
        (defaults, nested_url)
    }

    async fn check_integrations(&self, caller: &Caller, details: &Details) -> Result<()> {
        let environment = caller.environment()?.id;
        let mut named: Vec<(&str, Vec<String>)> = Vec::new();
        for (index, key) in details.allowed_integrations.iter().enumerate() {
            named.push((key, vec!["allowed_integrations".to_owned(), index.to_string()]));
        }
        for (key, _) in &details.defaults {
            named.push((key, vec!["integrations_config_defaults".to_owned(), key.clone()]));
        }
        for key in details.overrides.iter().flat_map(Map::keys) {
            named.push((key, vec!["overrides".to_owned(), key.clone()]));
        }
        if named.is_empty() {
            return Ok(());
        }
        let mut conn = self.store().read().await?;
        let known = integrations::list(&mut conn, environment).await?;
        drop(conn);
        let issues: Vec<Issue> = named
            .into_iter()
            .filter(|(key, _)| !known.iter().any(|row| row.unique_key == *key))
            .map(|(_, path)| Issue {
                code: "custom",
                message: "Integration does not exist".to_owned(),
                path,
            })
            .collect();
        if issues.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid("invalid_body", issues))
        }
    }

    async fn store_session(
        &self,
        environment: tenon_model::EnvironmentId,
        reconnects: Option<ConnectionId>,
        details: &Details,
    ) -> Result<Value> {
        let token = format!("{TOKEN_PREFIX}{}", self.rng().hex(32));
        let hash = hash_token(&token);
        let plain = serde_json::to_vec(details)
            .map_err(|_| Error::Internal("a connect session cannot be written".to_owned()))?;
        let now = self.clock().now();
        let expires_at = now.plus(LIFETIME);
        let mut tx = self.store().begin().await?;
        let sealed = self
            .vault_in(&mut tx, environment)
            .await?
            .seal(&place(environment, &hash), &plain);
        table::insert(&mut tx, environment, &hash, reconnects, &sealed, now, expires_at).await?;
        tx.commit().await?;
        let connect_link = format!("{}/?session_token={token}", self.settings().connect_url);
        Ok(json!({ "data": { "token": token, "connect_link": connect_link, "expires_at": expires_at.iso_millis() } }))
    }
}

fn read_allowed(fields: &mut Fields<'_>) -> Vec<String> {
    let Some(value) = fields.raw("allowed_integrations") else {
        return Vec::new();
    };
    let Value::Array(items) = value else {
        fields.complain("invalid_type", wrong_type("array", Some(value)), "allowed_integrations");
        return Vec::new();
    };
    let mut keys = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let at = index.to_string();
        match item.as_str() {
            Some(key) => {
                for (code, message) in Text::any().pattern(&INTEGRATION_ID).max(255).complaints(key) {
                    fields.complain_at(code, message, &["allowed_integrations", &at]);
                }
                keys.push(key.to_owned());
            }
            None => {
                fields.complain_at(
                    "invalid_type",
                    wrong_type("string", Some(item)),
                    &["allowed_integrations", &at],
                );
            }
        }
    }
    keys
}
