//! Metadata: free values that the product attaches to a connection.

use serde_json::{Map, Value, json};
use tenon_model::{ConnectionId, EnvironmentId};
use tenon_store::tables::connections::{self as table, ConnectionRow};

use super::{check_connection_id, metadata_secret, read_object};
use crate::caller::Caller;
use crate::validate::{Fields, Text, wrong_type};
use crate::{App, Error, Result};

/// What happens to metadata that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataWrite {
    /// It goes.
    Replace,
    /// It stays unless a key of the same name is given.
    Merge,
}

impl App {
    /// `POST` and `PATCH /connections/metadata`: nothing is written when one of the connections is unknown.
    #[tenon_model::boxed]
    pub async fn write_metadata(&self, caller: &Caller, body: Option<&Value>, write: MetadataWrite) -> Result<Value> {
        caller.require("environment:connections:update")?;
        let environment = caller.environment()?;
        let mut fields = Fields::body(body)?;
        let ids = read_ids(&mut fields);
        let key = fields.text("provider_config_key", Text::any()).unwrap_or_default();
        let metadata = match fields.raw("metadata") {
            Some(Value::Object(metadata)) => metadata.clone(),
            other => {
                fields.complain("invalid_type", wrong_type("record", other), "metadata");
                Map::new()
            }
        };
        fields.strict();
        fields.finish("invalid_body")?;

        let several = ids.len() > 1;
        let mut tx = self.store().begin().await?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in &ids {
            let row = table::find(&mut tx, environment.id, &key, id).await?;
            rows.push(row.ok_or_else(|| unknown(id, &key, several))?);
        }
        for row in &rows {
            self.write_metadata_of(&mut tx, row, &metadata, write).await?;
        }
        tx.commit().await?;
        for row in &rows {
            self.connections_state().forget(row.id);
        }
        Ok(body.cloned().unwrap_or_default())
    }

    /// The deprecated `POST` and `PATCH /connection/:connectionId/metadata`, whose body is the metadata itself.
    #[tenon_model::boxed]
    pub async fn write_metadata_old(
        &self,
        caller: &Caller,
        connection_id: &str,
        unique_key: Option<&str>,
        body: Option<&Value>,
        write: MetadataWrite,
    ) -> Result<Value> {
        caller.require("environment:connections:update")?;
        let environment = caller.environment()?;
        check_connection_id(connection_id)?;
        let key = unique_key.filter(|key| !key.is_empty()).ok_or_else(|| {
            Error::refuse(400, "missing_provider_config")
                .message("Missing param 'provider_config_key'.")
                .payload(json!({}))
        })?;
        let Some(Value::Object(metadata)) = body else {
            return Err(Error::refuse(400, "missing_body")
                .message("Missing request body.")
                .payload(json!({})));
        };
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, environment.id, key, connection_id)
            .await?
            .ok_or_else(|| {
                Error::refuse(404, "unknown_connection")
                .message(
                    "No connection matching the provided params of 'connection_id' and 'provider_config_key'. Please \
                     make sure these values exist",
                )
                .payload(json!({ "connectionId": connection_id, "providerConfigKey": key }))
            })?;
        self.write_metadata_of(&mut tx, &row, metadata, write).await?;
        tx.commit().await?;
        self.connections_state().forget(row.id);
        Ok(Value::Object(metadata.clone()))
    }

    /// Writes the metadata of one connection, for functions.
    #[tenon_model::boxed]
    pub async fn write_connection_metadata(
        &self,
        environment: EnvironmentId,
        id: ConnectionId,
        metadata: &Map<String, Value>,
        write: MetadataWrite,
    ) -> Result<()> {
        let mut tx = self.store().begin().await?;
        let row = table::find_by_id(&mut tx, environment, id)
            .await?
            .ok_or_else(|| Error::refuse(404, "unknown_connection").message("The connection no longer exists"))?;
        self.write_metadata_of(&mut tx, &row, metadata, write).await?;
        tx.commit().await?;
        self.connections_state().forget(id);
        Ok(())
    }

    async fn write_metadata_of(
        &self,
        tx: &mut tenon_store::Tx,
        row: &ConnectionRow,
        metadata: &Map<String, Value>,
        write: MetadataWrite,
    ) -> Result<()> {
        let mut result = match write {
            MetadataWrite::Replace => Map::new(),
            MetadataWrite::Merge => read_object(&row.metadata),
        };
        result.extend(metadata.clone());
        if metadata.contains_key(metadata_secret::NAME) {
            let vault = self.vault_in(tx, row.environment_id).await?;
            metadata_secret::seal(&vault, row.environment_id, row.id, &mut result);
        }
        let text = Value::Object(result).to_string();
        table::set_metadata(tx, row.environment_id, row.id, &text, self.clock().now()).await?;
        tx.signal("connections", &row.id.to_string());
        Ok(())
    }
}

fn read_ids(fields: &mut Fields<'_>) -> Vec<String> {
    let ids = match fields.raw("connection_id") {
        Some(Value::String(id)) => Some(vec![id.clone()]),
        Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    ids.unwrap_or_else(|| {
        fields.complain("invalid_union", "Invalid input", "connection_id");
        Vec::new()
    })
}

fn unknown(id: &str, key: &str, several: bool) -> Error {
    let mut message = format!(
        "Connection with connection id {id} and provider config key {key} not found. Please make sure the connection exists"
    );
    if several {
        message.push_str(". Nothing was written to any of the connections.");
    }
    Error::refuse(404, "unknown_connection").message(message)
}
