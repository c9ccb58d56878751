//! Taking over connections of another installation, credentials and all.
//!
//! A refresh token that rotates has room for one owner: two servers that renew it lock each other out. So a copy comes without it
//! and is *lent*: the source goes on renewing, and here the access token is used until it ends. The hand-over stores the
//! refresh token, lets the caller take it away at the source, and only then makes this server the owner. A process that dies
//! in between finds the connection *handing* and goes on from there.
//!
//! Nothing happens at the provider and no back end is told: the connection exists already, it only moves. Syncs of its
//! integration are scheduled.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_credentials::Credentials;
use tenon_store::tables::connections as table;

use super::{EndUser, NewConnection, Origin, ProviderRef, Tags, check_connection_id};
use crate::environments::Environment;
use crate::integrations::CreateInput;
use crate::{App, Caller, Error, Result};

/// What became of one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrated {
    /// It was made.
    Created,
    /// It is there already and stays as it is.
    Kept,
    /// Tokens that are renewed at the source were fetched anew.
    Renewed,
    /// Its tokens are renewed here from now on.
    HandedOver,
}

/// How far a connection has moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It is not here.
    Absent,
    /// It is here without its refresh token.
    Lent,
    /// It is here with its refresh token, and the source may have it, too.
    Handing,
    /// It is here and nowhere else, as far as this server knows.
    Owned,
}

impl App {
    /// Takes over an integration as `GET /integrations/:key?include=credentials` shows it. `custom` are its free values.
    ///
    /// # Errors
    /// The refusals of `POST /integrations`.
    #[tenon_model::boxed]
    pub async fn migrate_integration(
        &self,
        environment: &Arc<Environment>,
        shown: &Value,
        custom: Option<&Map<String, Value>>,
    ) -> Result<Migrated> {
        let key = text(shown, "unique_key")?;
        if self.find_integration(environment.id, key).await?.is_some() {
            return Ok(Migrated::Kept);
        }
        let mut body = json!({ "unique_key": key, "provider": text(shown, "provider")? });
        if let Value::Object(fields) = &mut body {
            for name in ["display_name", "forward_webhooks"] {
                if let Some(value) = shown.get(name).filter(|value| !value.is_null()) {
                    fields.insert(name.to_owned(), value.clone());
                }
            }
            if let Some(credentials) = shown.get("credentials").and_then(Value::as_object) {
                // Readers show what is missing as null; the way in wants it absent.
                let given: Map<String, Value> = credentials
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                if given.len() > 1 {
                    fields.insert("credentials".to_owned(), Value::Object(given));
                }
            }
            let declares = self
                .catalog()
                .get(text(shown, "provider")?)
                .is_some_and(|provider| !provider.inputs.integration_config.is_empty());
            let mut custom = custom.cloned().unwrap_or_default();
            // The one free value that has a place of its own, whatever the provider declares.
            if let Some(secret) = custom.shift_remove("webhookSecret") {
                fields.insert("webhook_secret".to_owned(), secret);
            }
            if !custom.is_empty() {
                let name = if declares { "integration_config" } else { "custom" };
                fields.insert(name.to_owned(), Value::Object(custom));
            }
        }
        let input = CreateInput::parse(Some(&body))?;
        let caller = Caller::platform(Arc::clone(environment));
        self.create_integration(&caller, input).await?;
        Ok(Migrated::Created)
    }

    /// How far a connection has moved here.
    ///
    /// # Errors
    /// When the store fails.
    #[tenon_model::boxed]
    pub async fn moved(&self, environment: &Environment, key: &str, connection_id: &str) -> Result<Moved> {
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, environment.id, key, connection_id).await?;
        drop(conn);
        let Some(row) = row else { return Ok(Moved::Absent) };
        if row.refresh.owner.is_none() {
            return Ok(Moved::Owned);
        }
        let held = self.open_connection(row).await?.credentials;
        Ok(if has_refresh_token(&held) {
            Moved::Handing
        } else {
            Moved::Lent
        })
    }

    /// Makes this server the owner of a connection's tokens, after the source has forgotten the refresh token.
    ///
    /// # Errors
    /// 404 when the connection is gone.
    #[tenon_model::boxed]
    pub async fn end_hand_over(&self, environment: &Environment, key: &str, connection_id: &str) -> Result<()> {
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, environment.id, key, connection_id)
            .await?
            .ok_or_else(|| Error::not_found("The connection was removed meanwhile"))?;
        table::set_refresh_owner(&mut tx, environment.id, row.id, None).await?;
        tx.signal("connections", &row.id.to_string());
        Ok(tx.commit().await?)
    }

    /// Takes over a connection as `GET /connections/:id` shows it with its refresh token. One that has such a token stays in
    /// the care of `source`; its refresh token is stored only when it is to be handed over next.
    ///
    /// # Errors
    /// 404 without its integration, 400 `unsupported_credentials` for credentials that nobody here can use.
    #[tenon_model::boxed]
    pub async fn migrate_connection(
        &self,
        environment: &Arc<Environment>,
        shown: &Value,
        source: &str,
        hand_over: bool,
    ) -> Result<Migrated> {
        let key = text(shown, "provider_config_key")?;
        let connection_id = text(shown, "connection_id")?;
        check_connection_id(connection_id)?;
        let before = self.moved(environment, key, connection_id).await?;
        if before == Moved::Owned {
            return Ok(Migrated::Kept);
        }
        let mut credentials = credentials(shown.get("credentials"))?;
        let owner = has_refresh_token(&credentials).then_some(source);
        if let (Credentials::OAuth2(held), false) = (&mut credentials, hand_over) {
            held.refresh_token = None;
            let mut raw = held.raw.expose().clone();
            if let Value::Object(reply) = &mut raw {
                reply.shift_remove("refresh_token");
            }
            held.raw = raw.into();
        }
        let integration = self
            .find_integration(environment.id, key)
            .await?
            .ok_or_else(|| Error::not_found(format!("Integration \"{key}\" does not exist")))?;
        let provider = ProviderRef::find(self, &integration.provider)
            .ok_or_else(|| Error::refuse(404, "unknown_provider_template"))?;
        let object = |name: &str| shown.get(name).and_then(Value::as_object).cloned();
        let mut tags = Tags::default();
        for (name, value) in object("tags").into_iter().flatten() {
            if let Some(value) = value.as_str() {
                tags.set(&name, value);
            }
        }
        let new = NewConnection {
            environment,
            integration: &integration,
            provider: provider.get()?,
            connection_id: connection_id.to_owned(),
            credentials,
            config: object("connection_config").unwrap_or_default(),
            metadata: object("metadata"),
            tags,
            end_user: end_user(shown.get("end_user")),
            webhook_url: None,
            origin: Origin::Import,
        };
        let mut tx = self.store().begin().await?;
        let (id, _) = self.write_connection(&mut tx, &new).await?;
        table::set_refresh_owner(&mut tx, environment.id, id, owner).await?;
        tx.signal("connections", &id.to_string());
        tx.commit().await?;
        if before != Moved::Absent {
            return Ok(Migrated::Renewed);
        }
        crate::syncs::life::on_connection_created(self, environment.id, id).await?;
        Ok(Migrated::Created)
    }
}

/// Whether two servers could lock each other out of the account.
fn has_refresh_token(held: &Credentials) -> bool {
    matches!(held, Credentials::OAuth2(held) if held.refresh_token.as_ref().is_some_and(|token| !token.is_empty()))
}

fn text<'a>(shown: &'a Value, name: &str) -> Result<&'a str> {
    shown
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
        .ok_or_else(|| Error::refuse(400, "unreadable_source").message(format!("The source shows no {name}")))
}

/// What is shown is what is stored; a moment may be missing or null.
fn credentials(shown: Option<&Value>) -> Result<Credentials> {
    let Some(Value::Object(fields)) = shown.filter(|shown| **shown != json!({})) else {
        return Ok(Credentials::None);
    };
    let fields: Map<String, Value> = fields
        .iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let kind = fields.get("type").and_then(Value::as_str).unwrap_or("none").to_owned();
    let text = serde_json::to_vec(&fields).unwrap_or_default();
    Credentials::from_sealable(&text).map_err(|_| {
        Error::refuse(400, "unsupported_credentials").message(format!(
            "Credentials of the kind {kind} cannot be taken over; connect the account again"
        ))
    })
}

fn end_user(shown: Option<&Value>) -> Option<EndUser> {
    let shown = shown?;
    let field = |of: &Value, name: &str| of.get(name).and_then(Value::as_str).map(str::to_owned);
    Some(EndUser {
        id: field(shown, "id")?,
        email: field(shown, "email"),
        display_name: field(shown, "display_name").or_else(|| field(shown, "displayName")),
        tags: shown.get("tags").and_then(Value::as_object).cloned(),
        organization: shown.get("organization").and_then(|organization| {
            Some(super::Organization {
                id: field(organization, "id")?,
                display_name: field(organization, "display_name").or_else(|| field(organization, "displayName")),
            })
        }),
    })
}
