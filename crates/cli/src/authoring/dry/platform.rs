//! Calls of the function that are answered by the server's API: connections, integrations, stored records.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderMap, Method};
use serde_json::{Value, json};
use tenon_runtime::protocol::{HostError, HostReply};

use super::{Options, Target, host::network};
use crate::authoring::client::{Client, encode, put_header};

type Reply = Result<HostReply, HostError>;

/// The server as seen from one connection.
pub struct Platform {
    client: Arc<Client>,
    integration: String,
    connection_id: String,
    variant: Option<String>,
    metadata: Mutex<Metadata>,
}

#[derive(Default)]
struct Metadata {
    value: Option<Value>,
    /// Given on the command line or written by the function: hides the stored one.
    replaced: bool,
    written: bool,
}

impl Platform {
    /// For the connection of `target`.
    pub fn new(client: Arc<Client>, target: &Target<'_>, options: &Options) -> Self {
        let stored = target
            .connection
            .get("metadata")
            .filter(|value| !value.is_null())
            .cloned();
        let metadata = Metadata {
            replaced: options.metadata.is_some(),
            value: options.metadata.clone().or(stored),
            written: false,
        };
        Self {
            client,
            integration: target.function.integration().to_owned(),
            connection_id: target.connection_id.clone(),
            variant: options.variant.clone(),
            metadata: Mutex::new(metadata),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Metadata> {
        self.metadata.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The metadata that the function sees.
    pub fn metadata(&self) -> Option<Value> {
        self.lock().value.clone()
    }

    /// Keeps metadata here instead of writing them to the connection.
    pub fn set_metadata(&self, value: Value) {
        *self.lock() = Metadata {
            value: Some(value),
            replaced: true,
            written: true,
        };
    }

    /// The metadata, when the function wrote them.
    pub fn changed_metadata(&self) -> Option<Value> {
        let metadata = self.lock();
        metadata.value.clone().filter(|_| metadata.written)
    }

    async fn get(&self, path: &str) -> Result<Value, HostError> {
        self.client.json(Method::GET, path, None).await.map_err(network)
    }

    /// A connection, credentials included where the key may read them.
    pub async fn connection(&self, integration: Option<&str>, id: Option<&str>, flags: &[(&str, bool)]) -> Reply {
        let own = integration.is_none_or(|key| key == self.integration) && id.is_none_or(|id| id == self.connection_id);
        let mut path = format!(
            "/connections/{}?provider_config_key={}",
            encode(id.unwrap_or(&self.connection_id)),
            encode(integration.unwrap_or(&self.integration))
        );
        for (name, _) in flags.iter().filter(|(_, set)| *set) {
            path.push_str(&format!("&{name}=true"));
        }
        let mut connection = self.get(&path).await?;
        let metadata = self.lock();
        if own && metadata.replaced {
            connection["metadata"] = metadata.value.clone().unwrap_or(Value::Null);
        }
        Ok(HostReply::Json(connection.to_string()))
    }

    /// The token of the connection: a text for OAuth 2, an object for what has no single token.
    pub async fn token(&self) -> Reply {
        let path = format!(
            "/connections/{}?provider_config_key={}",
            encode(&self.connection_id),
            encode(&self.integration)
        );
        let connection = self.get(&path).await?;
        let credentials = &connection["credentials"];
        if !credentials.get("type").is_some_and(Value::is_string) {
            return Err(HostError::plain(
                "nango.getToken has no token: the key of this dry run may not read credentials; it needs the scope environment:connections:read_credentials",
            ));
        }
        let token = match credentials["type"].as_str() {
            Some("OAUTH2" | "APP") => credentials["access_token"].clone(),
            Some("OAUTH1") => json!({
                "oAuthToken": credentials["oauth_token"],
                "oAuthTokenSecret": credentials["oauth_token_secret"],
            }),
            _ => credentials.clone(),
        };
        Ok(HostReply::Json(token.to_string()))
    }

    /// The integration.
    pub async fn integration(&self, include: &[String]) -> Reply {
        let mut path = format!("/integrations/{}", encode(&self.integration));
        for (index, part) in include.iter().enumerate() {
            path.push_str(if index == 0 { "?include=" } else { "&include=" });
            path.push_str(&encode(part));
        }
        let answer = self.get(&path).await?;
        Ok(HostReply::Json(answer.get("data").unwrap_or(&answer).to_string()))
    }

    /// Variables of the environment.
    pub async fn environment_variables(&self) -> Reply {
        Ok(HostReply::Json(self.get("/environment-variables").await?.to_string()))
    }

    /// Runs a deployed action, for real: what it does to the provider is done.
    pub async fn trigger_action(
        &self,
        integration: &str,
        connection: &str,
        action: &str,
        input: Option<String>,
    ) -> Reply {
        let mut body = json!({ "action_name": action });
        if let Some(input) = input.and_then(|text| serde_json::from_str::<Value>(&text).ok()) {
            body["input"] = input;
        }
        let headers = select(integration, connection);
        let answer = self
            .client
            .json_with(Method::POST, "/action/trigger", headers, Some(&body))
            .await
            .map_err(network)?;
        Ok(HostReply::Json(answer.to_string()))
    }

    /// Stored records by id.
    pub async fn records_by_ids(&self, model: &str, ids: &[String]) -> Reply {
        let mut query = self.records_query(model);
        for id in ids {
            query.push_str(&format!("&ids={}", encode(id)));
        }
        let answer = self.records(&query).await?;
        Ok(HostReply::Json(answer["records"].to_string()))
    }

    /// One page of stored records.
    pub async fn list_records(&self, model: &str, cursor: Option<&str>, limit: u32) -> Reply {
        let mut query = format!("{}&limit={limit}", self.records_query(model));
        if let Some(cursor) = cursor {
            query.push_str(&format!("&cursor={}", encode(cursor)));
        }
        Ok(HostReply::Json(self.records(&query).await?.to_string()))
    }

    fn records_query(&self, model: &str) -> String {
        let variant = self
            .variant
            .as_ref()
            .map(|variant| format!("&variant={}", encode(variant)));
        format!("model={}{}", encode(model), variant.unwrap_or_default())
    }

    async fn records(&self, query: &str) -> Result<Value, HostError> {
        let headers = select(&self.integration, &self.connection_id);
        self.client
            .json_with(Method::GET, &format!("/records?{query}"), headers, None)
            .await
            .map_err(network)
    }
}

fn select(integration: &str, connection: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put_header(&mut headers, "provider-config-key", integration);
    put_header(&mut headers, "connection-id", connection);
    headers
}
