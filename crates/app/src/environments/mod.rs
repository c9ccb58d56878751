//! Environments and API keys.

mod api_keys;
mod create;
mod master_key;
mod settings;
mod variables;

use tenon_model::{AccountId, EnvironmentId, Secret, Timestamp};
use tenon_store::tables::environments::{self as table, EnvironmentRow};
use uuid::Uuid;

pub use api_keys::{CreatedKey, KeyListing};
pub use create::{CreatedEnvironment, FirstStart, NewEnvironmentInput};
pub use master_key::{MasterKeys, Rotation};
pub use settings::EnvironmentSettings;

use crate::caller::Caller;
use crate::{App, Error, Result};

/// One isolated stage of an account. Its secrets stay sealed in the store.
#[derive(Debug, Clone)]
pub struct Environment {
    /// Row id, exposed on the wire.
    pub id: EnvironmentId,
    /// Public identifier, part of webhook URLs.
    pub uuid: Uuid,
    /// Owner.
    pub account_id: AccountId,
    /// Name, unique in the account.
    pub name: String,
    /// Whether it serves real customers.
    pub is_production: bool,
    /// Legacy public key of front ends.
    pub public_key: String,
    /// What people may change.
    pub settings: EnvironmentSettings,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Environment {
    /// Reads a stored row.
    pub fn from_row(row: EnvironmentRow) -> Result<Self> {
        let settings = serde_json::from_str(&row.settings)
            .map_err(|error| Error::Internal(format!("settings of environment {}: {error}", row.id)))?;
        Ok(Self {
            id: row.id,
            uuid: row.uuid,
            account_id: row.account_id,
            name: row.name,
            is_production: row.is_production,
            public_key: row.public_key,
            settings,
            created_at: row.created_at,
        })
    }
}

/// Where the sealed webhook signing key belongs.
fn signing_key_place(id: EnvironmentId) -> String {
    format!("environments/{id}/signing_key")
}

impl App {
    /// The live environment with this id, cached for a few seconds.
    #[tenon_model::boxed]
    pub async fn environment(&self, id: EnvironmentId) -> Result<std::sync::Arc<Environment>> {
        if let Some(environment) = self.caches().environments.get(&id) {
            return Ok(environment);
        }
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, id)
            .await?
            .ok_or_else(|| Error::refuse(404, "unknown_environment").message("This environment does not exist"))?;
        drop(conn);
        Ok(self.caches().environments.put(id, Environment::from_row(row)?))
    }

    /// The live environment with this public identifier.
    #[tenon_model::boxed]
    pub async fn find_environment_by_uuid(&self, uuid: Uuid) -> Result<Option<Environment>> {
        let mut conn = self.store().read().await?;
        table::find_by_uuid(&mut conn, uuid)
            .await?
            .map(Environment::from_row)
            .transpose()
    }

    /// The live environment with this legacy public key.
    #[tenon_model::boxed]
    pub async fn find_environment_by_public_key(&self, key: &str) -> Result<Option<Environment>> {
        let mut conn = self.store().read().await?;
        table::find_by_public_key(&mut conn, key)
            .await?
            .map(Environment::from_row)
            .transpose()
    }

    /// The key that signs the environment's outgoing webhooks.
    #[tenon_model::boxed]
    pub async fn signing_key(&self, id: EnvironmentId) -> Result<Secret> {
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, id).await?.ok_or(tenon_store::Error::Missing)?;
        drop(conn);
        let vault = self.vault(id).await?;
        let plain = vault.open(&signing_key_place(id), &row.signing_key)?;
        Ok(Secret::new(String::from_utf8_lossy(&plain).into_owned()))
    }

    /// Replaces the webhook signing key and returns the new one.
    #[tenon_model::boxed]
    pub async fn rotate_signing_key(&self, caller: &Caller) -> Result<String> {
        caller.require("environment:webhook_signing_key:rotate")?;
        let id = caller.environment()?.id;
        let key = self.rng().uuid_v4().to_string();
        let mut tx = self.store().begin().await?;
        let sealed = self
            .vault_in(&mut tx, id)
            .await?
            .seal(&signing_key_place(id), key.as_bytes());
        table::set_signing_key(&mut tx, id, &sealed).await?;
        tx.signal("environments", &id.to_string());
        tx.commit().await?;
        Ok(key)
    }

    /// Changes settings of an environment.
    pub async fn update_environment_settings(
        &self,
        id: EnvironmentId,
        change: impl FnOnce(&mut EnvironmentSettings),
    ) -> Result<EnvironmentSettings> {
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, id).await?.ok_or(tenon_store::Error::Missing)?;
        let mut settings = Environment::from_row(row)?.settings;
        change(&mut settings);
        table::set_settings(&mut tx, id, &settings.to_json()?).await?;
        tx.signal("environments", &id.to_string());
        tx.commit().await?;
        self.forget("environments");
        Ok(settings)
    }
}
