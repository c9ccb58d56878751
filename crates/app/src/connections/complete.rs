//! Completing a connection: values that only the provider knows, looked up once it is there.

use serde_json::Value;
use tenon_credentials::capture;
use tenon_credentials::hooks::after_connect;
use tenon_model::{ConnectionId, EnvironmentId};
use tenon_store::tables::connections as table;

use super::{ProviderRef, client_app, config_place};
use crate::{App, Error, Result};

impl App {
    /// Runs the catalogue's recipes for a connection that was just authorised. A recipe that fails is logged and the
    /// others go on: the connection works without it, apart from calls that need the value.
    #[tenon_model::boxed]
    pub(super) async fn complete_connection(&self, environment: EnvironmentId, id: ConnectionId) -> Result<()> {
        let mut conn = self.store().read().await?;
        let Some(row) = table::find_by_id(&mut conn, environment, id).await? else {
            return Ok(());
        };
        drop(conn);
        let Some(provider) = ProviderRef::find(self, &row.provider) else {
            return Ok(());
        };
        let provider = provider.get()?;
        if provider.captures.fetch.is_empty() && provider.hooks.after_connect.is_none() {
            return Ok(());
        }
        let Some(integration) = self.find_integration(environment, &row.unique_key).await? else {
            return Ok(());
        };
        let connection = self.open_connection(row).await?;
        let app = client_app(&integration);
        let opened = tenon_credentials::Opened::new(connection.credentials.clone());
        let uuid = self.rng().uuid_v4().to_string();
        let mut config = connection.config.clone();
        let mut changed = false;
        for recipe in &provider.captures.fetch {
            let subject = tenon_credentials::Subject {
                provider,
                app: &app,
                config: &config,
                metadata: Some(&connection.metadata),
                now: self.clock().now(),
                uuid: &uuid,
            };
            match capture::run(self.egress(), &subject, &opened, recipe, self.rng()).await {
                Ok(found) => changed |= capture::merge(&mut config, found.into_iter().collect()),
                Err(error) => {
                    tracing::warn!(connection.id = %id, provider = %provider.id, value = %recipe.save_as, %error, "a value of the connected account could not be looked up");
                }
            }
        }
        let subject = tenon_credentials::Subject {
            provider,
            app: &app,
            config: &config,
            metadata: Some(&connection.metadata),
            now: self.clock().now(),
            uuid: &uuid,
        };
        match after_connect::run(self.egress(), &subject, &opened, self.rng()).await {
            Ok(changes) => changed |= changes.apply(&mut config),
            Err(error) => {
                tracing::warn!(connection.id = %id, provider = %provider.id, %error, "what follows a new connection at this provider was not done");
            }
        }
        if changed {
            self.write_connection_config(environment, id, Value::Object(config))
                .await
        } else {
            Ok(())
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn write_connection_config(
        &self,
        environment: EnvironmentId,
        id: ConnectionId,
        config: Value,
    ) -> Result<()> {
        let plain =
            serde_json::to_vec(&config).map_err(|_| Error::Internal("a configuration cannot be written".to_owned()))?;
        let mut tx = self.store().begin().await?;
        let sealed = self
            .vault_in(&mut tx, environment)
            .await?
            .seal(&config_place(environment, id), &plain);
        table::set_connection_config(&mut tx, environment, id, &sealed, self.clock().now()).await?;
        tx.signal("connections", &id.to_string());
        tx.commit().await?;
        self.connections_state().forget(id);
        Ok(())
    }
}
