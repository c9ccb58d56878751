//! Reading one connection, with credentials that are good for use.

use serde_json::{Value, json};
use tenon_credentials::Credentials;
use tenon_credentials::credentials::RefreshTokens;
use tenon_credentials::modes::github_app;
use tenon_credentials::refresh::{Want, app_key};
use tenon_store::tables::connections::errors;

use super::live::{Live, LiveError};
use super::{Connection, Style, check_connection_id};
use crate::caller::Caller;
use crate::validate::{Fields, INTEGRATION_ID, Text};
use crate::{App, Error, Result};

const READ: &str = "environment:connections:read";
const READ_CREDENTIALS: &str = "environment:connections:read_credentials";

struct Query {
    provider_config_key: String,
    force_refresh: bool,
    refresh_token: bool,
    app_token: bool,
}

fn read_query(query: &Value) -> Result<Query> {
    let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let read = Query {
        provider_config_key: fields
            .text("provider_config_key", Text::any().pattern(&INTEGRATION_ID).max(255))
            .unwrap_or_default(),
        refresh_token: fields.opt_text_boolean("refresh_token").unwrap_or_default(),
        force_refresh: fields.opt_text_boolean("force_refresh").unwrap_or_default(),
        app_token: fields
            .opt_text_boolean("refresh_github_app_jwt_token")
            .unwrap_or_default(),
    };
    fields.strict();
    fields.finish("invalid_query_params")?;
    Ok(read)
}

/// Reads the query of routes that name only the integration.
pub(super) fn read_integration_query(query: &Value) -> Result<String> {
    let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let key = fields.text("provider_config_key", Text::any().pattern(&INTEGRATION_ID).max(255));
    fields.strict();
    fields.finish("invalid_query_params")?;
    Ok(key.unwrap_or_default())
}

pub(super) fn unknown_integration(status: u16) -> Error {
    Error::refuse(status, "unknown_provider_config").message("Integration does not exist")
}

pub(super) fn connection_not_found() -> Error {
    Error::not_found("Failed to find connection")
}

impl App {
    /// `GET /connections/:connectionId`.
    #[tenon_model::boxed]
    pub async fn read_connection(&self, caller: &Caller, connection_id: &str, query: &Value) -> Result<Value> {
        caller.require_any(&[READ, READ_CREDENTIALS])?;
        let environment = caller.environment()?;
        let query = read_query(query)?;
        check_connection_id(connection_id)?;
        let with_credentials = caller.may(READ_CREDENTIALS);
        if !with_credentials && (query.force_refresh || query.refresh_token || query.app_token) {
            return Err(Error::forbidden(format!(
                "Credential and refresh options require the {READ_CREDENTIALS} scope"
            )));
        }
        // From the store, not from memory: what another node wrote a moment ago must show, and a forced refresh must not
        // be satisfied by one that was over before it was asked for.
        let name = (
            environment.id,
            query.provider_config_key.clone(),
            connection_id.to_owned(),
        );
        let live = self.load_live(name.clone()).await.map_err(refuse_unknown)?;
        if !with_credentials {
            let errors = self.connection_errors(&live.connection).await?;
            return Ok(live.connection.to_wire(Style::Read, &errors, json!({})));
        }
        let refresh_tokens = if query.refresh_token {
            RefreshTokens::Shown
        } else {
            RefreshTokens::Hidden
        };
        let want = if query.force_refresh { Want::New } else { Want::Good };
        let fresh = match self.refreshed(std::sync::Arc::clone(&live), want).await {
            Ok(fresh) => fresh,
            Err(LiveError::Refresh(error)) => {
                let stale = self.load_live(name).await.map_err(refuse_unknown)?;
                let errors = self.connection_errors(&stale.connection).await?;
                let shown =
                    stale
                        .connection
                        .to_wire(Style::Read, &errors, stale.connection.credentials_json(refresh_tokens));
                let mut payload = error.payload.clone();
                if let Value::Object(payload) = &mut payload {
                    payload.insert("code".to_owned(), json!(error.code));
                    payload.insert("connection".to_owned(), shown);
                }
                return Err(Error::refuse(error.status, "invalid_credentials")
                    .message(error.message.clone())
                    .payload(payload));
            }
            Err(other) => return Err(refuse_unknown(other)),
        };
        self.note_fetched(&fresh);
        let mut credentials = fresh.connection.credentials_json(refresh_tokens);
        if query.app_token {
            self.add_app_token(&fresh, &mut credentials)?;
        }
        let errors = self.connection_errors(&fresh.connection).await?;
        let mut connection = fresh.connection.clone();
        connection.last_fetched_at = Some(self.clock().now());
        Ok(connection.to_wire(Style::Read, &errors, credentials))
    }

    async fn connection_errors(&self, connection: &Connection) -> Result<Vec<errors::ConnectionErrorRow>> {
        let mut conn = self.store().read().await?;
        let mut found = errors::list(&mut conn, connection.environment_id, &[connection.id]).await?;
        Ok(found.remove(&connection.id).unwrap_or_default())
    }

    /// The token of the app itself, for callers that manage its installations.
    fn add_app_token(&self, live: &Live, credentials: &mut Value) -> Result<()> {
        if !matches!(live.credentials(), Credentials::App(_)) {
            return Ok(());
        }
        let subject = live.subject(self.clock().now(), "")?;
        match github_app::app_token(&subject, app_key(&subject)) {
            Ok(token) => credentials["jwtToken"] = json!(token.expose()),
            Err(error) => {
                tracing::warn!(connection.id = %live.connection.id, %error, "the app's own token could not be signed")
            }
        }
        Ok(())
    }
}

fn refuse_unknown(error: LiveError) -> Error {
    match error {
        LiveError::UnknownIntegration | LiveError::UnknownProvider => unknown_integration(400),
        LiveError::UnknownConnection => connection_not_found(),
        LiveError::Refresh(error) => error.to_refusal(),
        LiveError::Internal(error) => error,
    }
}
