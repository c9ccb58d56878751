//! Changing and removing connections.

use serde_json::Value;
use tenon_catalog::AuthMode;
use tenon_credentials::hooks::before_delete;
use tenon_credentials::modes::mcp;
use tenon_credentials::{Credentials, oauth2};
use tenon_model::ConnectionId;
use tenon_store::Tx;
use tenon_store::tables::connections::{self as table, errors};

use super::read::{connection_not_found, read_integration_query, unknown_integration};
use super::webhook_url::read_webhook_url;
use super::{EndUser, Live, Tags, check_connection_id, read_end_user, read_tags};
use crate::caller::Caller;
use crate::environments::Environment;
use crate::validate::Fields;
use crate::{App, Error, Issue, Result};

/// Tags that follow from an end user, which go when the end user changes.
const DERIVED: [&str; 5] = [
    "end_user_id",
    "end_user_email",
    "end_user_display_name",
    "organization_id",
    "organization_display_name",
];

impl App {
    /// `PATCH /connections/:connectionId`.
    #[tenon_model::boxed]
    pub async fn update_connection(
        &self,
        caller: &Caller,
        connection_id: &str,
        query: &Value,
        body: Option<&Value>,
    ) -> Result<()> {
        caller.require("environment:connections:update")?;
        let environment = caller.environment()?;
        let key = read_integration_query(query)?;
        check_connection_id(connection_id)?;
        let mut fields = Fields::body(body)?;
        let end_user = fields.opt_inner("end_user", read_end_user);
        let tags = read_tags(&mut fields);
        let webhook_url = read_webhook_url(self, &mut fields);
        fields.strict();
        fields.finish("invalid_body")?;

        if self.find_integration(environment.id, &key).await?.is_none() {
            return Err(unknown_integration(400));
        }
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, environment.id, &key, connection_id)
            .await?
            .ok_or_else(connection_not_found)?;
        if let Some(end_user) = &end_user {
            let user = end_user.upsert(&mut tx, environment.id, now).await?;
            table::set_end_user(&mut tx, environment.id, row.id, user).await?;
        }
        if let Some(tags) = new_tags(&Tags::from_json(&row.tags), tags, end_user.as_ref())? {
            table::set_tags(&mut tx, environment.id, row.id, &tags.to_json()).await?;
        }
        if let Some(url) = webhook_url {
            table::set_webhook_url(&mut tx, environment.id, row.id, url.as_deref()).await?;
        }
        tx.signal("connections", &row.id.to_string());
        tx.commit().await?;
        self.connections_state().forget(row.id);
        Ok(())
    }

    /// `DELETE /connections/:connectionId`.
    #[tenon_model::boxed]
    pub async fn delete_connection(&self, caller: &Caller, connection_id: &str, query: &Value) -> Result<()> {
        caller.require("environment:connections:delete")?;
        // As it is now: the caller was remembered with the settings of a moment ago.
        let environment = self.environment(caller.environment()?.id).await?;
        let key = read_integration_query(query)?;
        check_connection_id(connection_id)?;
        let unknown = || Error::refuse(400, "unknown_connection");
        let live = self.find_live(environment.id, &key, connection_id).await.ok();
        let id = match &live {
            Some(live) => live.connection.id,
            None => {
                let mut conn = self.store().read().await?;
                table::find(&mut conn, environment.id, &key, connection_id)
                    .await?
                    .ok_or_else(unknown)?
                    .id
            }
        };
        self.before_connection_deleted(environment.id, &key, connection_id)
            .await?;
        let environment = &*environment;
        self.despite_conflicts(|| async move {
            let mut tx = self.store().begin().await?;
            if !self.delete_connection_in(&mut tx, environment, id).await? {
                return Err(unknown());
            }
            Ok(tx.commit().await?)
        })
        .await?;
        self.connections_state().forget(id);
        if let Some(live) = live {
            self.tell_provider_of_removal(live);
        }
        Ok(())
    }

    /// Removes a connection and what hangs on it, inside a transaction.
    #[tenon_model::boxed]
    pub(crate) async fn delete_connection_in(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<bool> {
        self.emit_deleted(tx, environment, id).await?;
        if !table::delete(tx, environment.id, id, self.clock().now()).await? {
            return Ok(false);
        }
        errors::clear_all(tx, environment.id, id).await?;
        self.on_connection_deleted(tx, environment.id, id).await?;
        tx.signal("connections", &id.to_string());
        Ok(true)
    }

    /// Tells the provider that a connection is gone, where the catalogue says how: its hook, or the revocation of its
    /// tokens. The connection is gone already; a provider that cannot be reached does not bring it back.
    fn tell_provider_of_removal(&self, live: std::sync::Arc<Live>) {
        let app = self.clone();
        self.spawn("tell the provider of a removed connection", async move {
            let uuid = app.rng().uuid_v4().to_string();
            let subject = live.subject(app.clock().now(), &uuid)?;
            let told = before_delete::run(app.egress(), &subject, &live.opened, app.rng()).await;
            let told = match (told, live.credentials()) {
                (Ok(true), _) => Ok(()),
                (Ok(false), Credentials::OAuth2(held)) if subject.provider.auth == AuthMode::McpOAuth2Generic => {
                    mcp::revoke(app.egress(), &subject, held).await
                }
                (Ok(false), Credentials::OAuth2(held)) => oauth2::revoke(app.egress(), &subject, held).await,
                (Ok(false), _) => Ok(()),
                (Err(error), _) => Err(error),
            };
            if let Err(error) = told {
                tracing::warn!(connection.id = %live.connection.id, %error, "the provider was not told of a removed connection");
            }
            Ok(())
        });
    }
}

/// The tags after a change, or nothing when they stay as they are.
fn new_tags(stored: &Tags, sent: Option<Tags>, end_user: Option<&EndUser>) -> Result<Option<Tags>> {
    let tags = match (sent, end_user) {
        (None, None) => return Ok(None),
        (Some(tags), None) => tags,
        (Some(tags), Some(end_user)) => end_user.derived_tags().overlaid_with(&tags),
        (None, Some(end_user)) => stored.without(&DERIVED).overlaid_with(&end_user.derived_tags()),
    };
    if tags.is_too_large() {
        let issue = Issue::new("custom", "Tags cannot contain more than 10 keys", &["tags"]);
        return Err(Error::invalid("invalid_body", vec![issue]));
    }
    Ok(Some(tags))
}
