//! Variants: further instances of a sync on one connection.

use serde_json::{Value, json};
use tenon_queue::schedules;
use tenon_store::tables::connections::{self, ConnectionRow};
use tenon_store::tables::syncs;

use super::{Frequency, life, schedule};
use crate::functions::FunctionKind;
use crate::records::BASE;
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, NAME, Text};
use crate::{App, Caller, Error, Result};

/// Most instances of a sync on one connection, the base included.
const VARIANTS_MAX: i64 = 100;

/// Which variant of which sync on which connection.
#[derive(Debug, Clone)]
pub struct VariantRequest {
    name: String,
    variant: String,
    unique_key: String,
    connection_id: String,
}

impl VariantRequest {
    /// Reads body and path.
    pub fn parse(name: &str, variant: &str, body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let unique_key = fields.text("provider_config_key", Text::any().max(255).pattern(&INTEGRATION_ID));
        let connection_id = fields.text("connection_id", Text::any().max(255).pattern(&CONNECTION_ID));
        fields.strict();
        fields.finish("invalid_body")?;
        let params = json!({ "name": name, "variant": variant });
        let bad = "invalid_uri_params";
        let mut path = Fields::root(Some(&params)).map_err(|issues| Error::invalid(bad, issues))?;
        path.text("name", Text::any().max(255).pattern(&NAME));
        path.text("variant", Text::any().max(255).pattern(&NAME));
        path.finish(bad)?;
        Ok(Self {
            name: name.to_owned(),
            variant: variant.to_owned(),
            unique_key: unique_key.unwrap_or_default(),
            connection_id: connection_id.unwrap_or_default(),
        })
    }
}

impl App {
    async fn variant_connection(&self, caller: &Caller, request: &VariantRequest) -> Result<ConnectionRow> {
        let environment = caller.environment()?.id;
        if request.variant == BASE {
            return Err(Error::refuse(400, "invalid_variant").message("The base variant always exists; name another"));
        }
        self.find_integration(environment, &request.unique_key)
            .await?
            .ok_or_else(|| Error::refuse(400, "unknown_connection").message("Failed to find connection"))?;
        let mut conn = self.store().read().await?;
        let row = connections::find(&mut conn, environment, &request.unique_key, &request.connection_id).await?;
        row.ok_or_else(|| Error::refuse(400, "unknown_connection").message("Failed to find connection"))
    }

    /// Makes a variant with a schedule of its own.
    #[tenon_model::boxed]
    pub async fn create_sync_variant(&self, caller: &Caller, request: VariantRequest) -> Result<Value> {
        caller.require("environment:syncs:variant:create")?;
        let connection = self.variant_connection(caller, &request).await?;
        let environment = connection.environment_id;
        let function = self
            .find_function(
                environment,
                connection.integration_id,
                FunctionKind::Sync,
                &request.name,
            )
            .await?;
        let function = function.ok_or_else(|| Error::refuse(400, "unknown_sync").message("Failed to find sync"))?;
        let mut tx = self.store().begin().await?;
        if syncs::count_variants(&mut tx, connection.id, function.id).await? >= VARIANTS_MAX {
            return Err(Error::refuse(400, "resource_capped")
                .message(format!("A sync has at most {VARIANTS_MAX} variants on one connection")));
        }
        let now = self.clock().now();
        let sync = life::fresh_row(self, &function, connection.id, &request.variant);
        if !syncs::insert(&mut tx, &sync, now).await? {
            return Err(Error::refuse(400, "sync_variant_already_exists")
                .message(format!("The sync has a variant '{}' already", request.variant)));
        }
        let frequency = Frequency::of_function(function.definition.runs.as_deref());
        let paused = !function.definition.auto_start;
        let row = schedule(environment, connection.id, sync.id, &frequency, paused, now);
        schedules::upsert(&mut tx, &row, now).await?;
        tx.commit().await?;
        Ok(json!({ "id": sync.id.to_string(), "name": sync.name, "variant": sync.variant }))
    }

    /// Removes a variant; its records become deleted ones.
    #[tenon_model::boxed]
    pub async fn delete_sync_variant(&self, caller: &Caller, request: VariantRequest) -> Result<()> {
        caller.require("environment:syncs:variant:delete")?;
        let connection = self.variant_connection(caller, &request).await?;
        let environment = connection.environment_id;
        let missing = || Error::not_found("Sync variant not found");
        let function = self
            .find_function(
                environment,
                connection.integration_id,
                FunctionKind::Sync,
                &request.name,
            )
            .await?;
        let function = function.ok_or_else(missing)?;
        let mut tx = self.store().begin().await?;
        let sync = syncs::find_named(&mut tx, environment, connection.id, function.id, &request.variant).await?;
        let sync = sync.ok_or_else(missing)?;
        life::remove(&mut tx, &sync, &function.definition.models, self.clock().now()).await?;
        tx.commit().await?;
        Ok(())
    }
}
