//! `PUT /sync/update-connection-frequency`: one connection's own frequency.

use serde_json::Value;
use tenon_store::tables::{connections, schedules, syncs};

use super::Frequency;
use super::interval::{PATTERN, SHORTEST};
use crate::functions::FunctionKind;
use crate::records::BASE;
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, NAME, Text, wrong_type};
use crate::{App, Caller, Error, Result};

/// What is to be changed.
#[derive(Debug, Clone)]
pub struct FrequencyRequest {
    sync: String,
    variant: String,
    unique_key: String,
    connection_id: String,
    frequency: Option<String>,
}

impl FrequencyRequest {
    /// Reads the body.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let name = Text::any().max(255).pattern(&NAME);
        let sync = fields.text("sync_name", name).unwrap_or_default();
        let variant = fields.opt_text("sync_variant", name).unwrap_or_else(|| BASE.to_owned());
        let unique_key = fields.text("provider_config_key", Text::any().max(255).pattern(&INTEGRATION_ID));
        let connection_id = fields.text("connection_id", Text::any().max(255).pattern(&CONNECTION_ID));
        let frequency = match fields.raw("frequency") {
            Some(Value::Null) => None,
            Some(Value::String(text)) => {
                if !Frequency::is_route_text(text) {
                    let message = format!("Invalid string: must match pattern /{PATTERN}/");
                    fields.complain("invalid_format", message, "frequency");
                }
                Some(text.clone())
            }
            other => {
                fields.complain("invalid_type", wrong_type("string", other), "frequency");
                None
            }
        };
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self {
            sync,
            variant,
            unique_key: unique_key.unwrap_or_default(),
            connection_id: connection_id.unwrap_or_default(),
            frequency,
        })
    }
}

impl App {
    /// Sets or clears the frequency of a sync on one connection; answers the one that is in force.
    #[tenon_model::boxed]
    pub async fn update_sync_frequency(&self, caller: &Caller, request: FrequencyRequest) -> Result<String> {
        caller.require("environment:syncs:update")?;
        let environment = caller.environment()?.id;
        let mut conn = self.store().read().await?;
        let connection = connections::find(&mut conn, environment, &request.unique_key, &request.connection_id).await?;
        drop(conn);
        let connection = connection.ok_or_else(|| Error::refuse(400, "unknown_connection"))?;
        let function = self
            .find_function(
                environment,
                connection.integration_id,
                FunctionKind::Sync,
                &request.sync,
            )
            .await?;
        let function = function.ok_or_else(|| Error::refuse(400, "unknown_sync"))?;
        let wanted = match &request.frequency {
            None => None,
            Some(text) => {
                let frequency = Frequency::parse(text).filter(|frequency| frequency.interval >= SHORTEST);
                Some(frequency.ok_or_else(|| Error::invalid_body("Sync interval is invalid"))?)
            }
        };
        let own = function.definition.runs.clone();
        let interval = match &wanted {
            Some(frequency) => frequency.interval,
            None => Frequency::of_function(own.as_deref()).interval,
        };
        let mut tx = self.store().begin().await?;
        let sync = syncs::find_named(&mut tx, environment, connection.id, function.id, &request.variant).await?;
        let sync = sync.ok_or_else(|| Error::refuse(400, "unknown_sync"))?;
        syncs::set_frequency(&mut tx, sync.id, request.frequency.as_deref()).await?;
        schedules::set_interval(&mut tx, &syncs::schedule_key(sync.id), interval, self.clock().now()).await?;
        tx.commit().await?;
        Ok(match wanted {
            Some(frequency) => frequency.short,
            None => own.unwrap_or_else(|| "every day".to_owned()),
        })
    }
}
