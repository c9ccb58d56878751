//! Connection, integration, metadata and variables.

use serde_json::{Value, json};
use tenon_runtime::protocol::{HostError, HostReply};

use super::{Answer, RunHost};
use crate::connections::{LiveError, MetadataWrite};
use crate::integrations::Include;
use crate::operations::Level;
use crate::operations::redact::{secret_texts, secret_variable};

/// Which connection is asked for, and how.
pub(super) struct Wanted<'a> {
    pub(super) unique_key: &'a str,
    pub(super) connection_id: &'a str,
    pub(super) force_refresh: bool,
    pub(super) refresh_token: bool,
    pub(super) app_token: bool,
}

impl RunHost {
    /// The public connection with its credentials. That a function asked for them is noted.
    #[tenon_model::boxed]
    pub(super) async fn get_connection(&self, wanted: &Wanted<'_>) -> Answer {
        let connection = self.read_connection(wanted).await?;
        Ok(HostReply::Json(connection.to_string()))
    }

    async fn read_connection(&self, wanted: &Wanted<'_>) -> Result<Value, HostError> {
        let message = format!(
            "The function read the credentials of connection '{}'",
            wanted.connection_id
        );
        self.log(Level::Info, message);
        let query = json!({
            "provider_config_key": wanted.unique_key,
            "force_refresh": wanted.force_refresh.to_string(),
            "refresh_token": wanted.refresh_token.to_string(),
            "refresh_github_app_jwt_token": wanted.app_token.to_string(),
        });
        let read = self
            .app
            .read_connection(&self.caller, wanted.connection_id, &query)
            .await;
        let connection = read.map_err(|error| self.refused(&error))?;
        self.subject.operation.keep_secret(|known| {
            for part in ["credentials", "connection_config"] {
                secret_texts(&connection[part], known);
            }
        });
        Ok(connection)
    }

    /// The metadata alone, as a connection without credentials; nothing is refreshed for it.
    #[tenon_model::boxed]
    pub(super) async fn metadata(&self, wanted: &Wanted<'_>) -> Answer {
        let environment = self.subject.environment.id;
        match self
            .app
            .find_live(environment, wanted.unique_key, wanted.connection_id)
            .await
        {
            Ok(live) => Ok(HostReply::Json(
                json!({
                    "connection_id": live.connection.connection_id,
                    "provider_config_key": live.connection.unique_key,
                    "provider": live.connection.provider,
                    "metadata": live.connection.metadata,
                })
                .to_string(),
            )),
            Err(LiveError::Internal(error)) => Err(self.internal(&error)),
            // The public answer knows the right words for what is missing.
            Err(_) => self.get_connection(wanted).await,
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn get_token(&self) -> Answer {
        let wanted = Wanted {
            unique_key: self.integration(),
            connection_id: self.connection(),
            force_refresh: false,
            refresh_token: false,
            app_token: false,
        };
        let mut connection = self.read_connection(&wanted).await?;
        let credentials = connection.get_mut("credentials").map(Value::take).unwrap_or_default();
        let token = match credentials.get("type").and_then(Value::as_str) {
            Some("OAUTH2") => credentials.get("access_token").cloned().unwrap_or_default(),
            Some("OAUTH1") => json!({
                "oAuthToken": credentials.get("oauth_token"),
                "oAuthTokenSecret": credentials.get("oauth_token_secret"),
            }),
            _ => credentials,
        };
        Ok(HostReply::Json(token.to_string()))
    }

    #[tenon_model::boxed]
    pub(super) async fn write_metadata(&self, text: &str, merge: bool) -> Answer {
        let Ok(Value::Object(metadata)) = serde_json::from_str(text) else {
            let refusal = crate::Error::refuse(400, "invalid_body").message("Metadata must be an object");
            return Err(self.refused(&refusal));
        };
        let how = if merge {
            MetadataWrite::Merge
        } else {
            MetadataWrite::Replace
        };
        let connection = &self.subject.live.connection;
        let environment = self.subject.environment.id;
        let written = self
            .app
            .write_connection_metadata(environment, connection.id, &metadata, how)
            .await;
        written.map_err(|error| self.refused(&error))?;
        let answer = json!({
            "connection_id": connection.connection_id,
            "provider_config_key": connection.unique_key,
            "metadata": metadata,
        });
        Ok(HostReply::Json(answer.to_string()))
    }

    #[tenon_model::boxed]
    pub(super) async fn get_integration(&self, include: &[String]) -> Answer {
        let has = |name: &str| include.iter().any(|wanted| wanted == name);
        let include = Include {
            webhook: has("webhook"),
            credentials: has("credentials"),
        };
        if include.credentials {
            self.log(Level::Info, "The function read the credentials of its integration");
        }
        let read = self
            .app
            .read_integration(&self.caller, self.integration(), include)
            .await;
        let integration = read.map_err(|error| self.refused(&error))?;
        self.subject
            .operation
            .keep_secret(|known| secret_texts(&integration["data"], known));
        Ok(HostReply::Json(integration.to_string()))
    }

    #[tenon_model::boxed]
    pub(super) async fn environment_variables(&self) -> Answer {
        let variables = self.app.environment_variables(self.subject.environment.id).await;
        let variables = variables.map_err(|error| self.refused(&error))?;
        self.subject.operation.keep_secret(|known| {
            variables
                .iter()
                .for_each(|(name, value)| secret_variable(name, value, known));
        });
        let list: Vec<Value> = variables
            .into_iter()
            .map(|(name, value)| json!({ "name": name, "value": value }))
            .collect();
        Ok(HostReply::Json(Value::Array(list).to_string()))
    }
}
