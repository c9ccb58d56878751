//! API keys of environments and of the account.

use std::time::Duration;

use serde_json::Value;
use tenon_model::{AccountId, EnvironmentId, KeyId, Timestamp};
use tenon_store::tables::api_keys::{self as table, ApiKeyRow, NewApiKey};
use tenon_store::tables::{accounts, environments};
use tenon_store::{Conn, Tx};

use crate::caller::{Caller, hash_key};
use crate::validate::{Fields, Text};
use crate::{App, Error, Result};

/// Name of the key that every environment starts with.
pub(super) const DEFAULT_KEY: &str = "Default - Full access";
/// Scope of that key.
pub(super) const FULL_ACCESS: &str = "environment:*";
/// The most live keys of one environment.
const KEYS_MAX: usize = 50;

/// A key just made: the only time its secret is shown.
#[derive(Debug)]
pub struct CreatedKey {
    /// Row id.
    pub id: KeyId,
    /// Name shown to people.
    pub display_name: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// The key.
    pub secret: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A key as lists show it.
#[derive(Debug)]
pub struct KeyListing {
    /// Row id.
    pub id: KeyId,
    /// Name shown to people.
    pub display_name: String,
    /// Last characters of the key.
    pub hint: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it stops working, once it was replaced.
    pub ends_at: Option<Timestamp>,
}

impl From<ApiKeyRow> for KeyListing {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            display_name: row.display_name,
            hint: row.hint,
            scopes: row.scopes,
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            ends_at: row.ends_at,
        }
    }
}

#[tenon_model::boxed]
pub(super) async fn insert_key(
    app: &App,
    tx: &mut Tx,
    account: AccountId,
    environment: Option<EnvironmentId>,
    display_name: &str,
    scopes: &[String],
) -> Result<CreatedKey> {
    let secret = app.rng().uuid_v4().to_string();
    let now = app.clock().now();
    let hint = secret
        .get(secret.len().saturating_sub(4)..)
        .unwrap_or_default()
        .to_owned();
    let new = NewApiKey {
        account_id: account,
        environment_id: environment,
        display_name,
        hash: &hash_key(&secret),
        hint: &hint,
        scopes,
        now,
    };
    let id = table::insert(tx, &new).await?;
    Ok(CreatedKey {
        id,
        display_name: display_name.to_owned(),
        scopes: scopes.to_vec(),
        secret,
        created_at: now,
    })
}

async fn own_environment(conn: &mut Conn, caller: &Caller, id: EnvironmentId) -> Result<()> {
    environments::find(conn, id)
        .await?
        .filter(|row| row.account_id == caller.account)
        .map(drop)
        .ok_or_else(|| Error::not_found("Environment not found"))
}

impl App {
    /// `POST /environment/api-keys`: a full-access key of an environment.
    #[tenon_model::boxed]
    pub async fn create_api_key(&self, caller: &Caller, body: Option<&Value>) -> Result<CreatedKey> {
        caller.require("account:environments:api_keys:create")?;
        let mut fields = Fields::body(body)?;
        let environment = fields.row_id("environment_id");
        let name = fields.text("display_name", Text::any().min(1).max(255));
        fields.strict();
        fields.finish("invalid_body")?;
        let environment = EnvironmentId(environment.unwrap_or_default());
        let mut tx = self.store().begin().await?;
        own_environment(&mut tx, caller, environment).await?;
        let created = self
            .add_key(
                &mut tx,
                caller.account,
                Some(environment),
                &name.unwrap_or_default(),
                &[FULL_ACCESS.to_owned()],
            )
            .await?;
        tx.commit().await?;
        Ok(created)
    }

    async fn add_key(
        &self,
        tx: &mut Tx,
        account: AccountId,
        environment: Option<EnvironmentId>,
        name: &str,
        scopes: &[String],
    ) -> Result<CreatedKey> {
        table::delete_ended(tx, self.clock().now()).await?;
        let existing = table::list(tx, account, environment).await?;
        if existing.len() >= KEYS_MAX {
            return Err(Error::refuse(400, "resource_capped").message(format!(
                "An environment can have at most {KEYS_MAX} API keys; delete one first"
            )));
        }
        if existing.iter().any(|key| key.display_name == name) {
            return Err(Error::refuse(409, "conflict").message("An API key with this name already exists"));
        }
        insert_key(self, tx, account, environment, name, scopes).await
    }

    /// Makes a key with the given scopes, for the command line. `environment` none: an account key.
    #[tenon_model::boxed]
    pub async fn create_key_with_scopes(
        &self,
        environment: Option<EnvironmentId>,
        name: &str,
        scopes: &[String],
    ) -> Result<CreatedKey> {
        let mut tx = self.store().begin().await?;
        let account = accounts::find_first(&mut tx)
            .await?
            .ok_or_else(|| Error::not_found("This database has no account yet; start the server once"))?;
        let created = self.add_key(&mut tx, account, environment, name, scopes).await?;
        tx.commit().await?;
        Ok(created)
    }

    /// Replaces a key by a new one with the same name and scopes, for the command line. The old one is renamed and works for
    /// `grace` longer, so that callers can change over one after the other.
    ///
    /// # Errors
    /// 404 for an unknown key, 409 `conflict` for one that was replaced before.
    #[tenon_model::boxed]
    pub async fn rotate_key(
        &self,
        environment: Option<EnvironmentId>,
        id: KeyId,
        grace: Duration,
    ) -> Result<CreatedKey> {
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        let unknown = || Error::not_found("API key not found");
        let account = accounts::find_first(&mut tx).await?.ok_or_else(unknown)?;
        table::delete_ended(&mut tx, now).await?;
        let keys = table::list(&mut tx, account, environment).await?;
        let old = keys.iter().find(|key| key.id == id).ok_or_else(unknown)?;
        if old.ends_at.is_some() {
            return Err(Error::refuse(409, "conflict").message("This key was replaced already; rotate the new one"));
        }
        let name = format!("{} (replaced, …{})", old.display_name, old.hint);
        table::retire(&mut tx, id, &name, now.plus(grace)).await?;
        let created = insert_key(self, &mut tx, account, environment, &old.display_name, &old.scopes).await?;
        tx.signal("api_keys", &id.to_string());
        tx.commit().await?;
        self.forget("api_keys");
        Ok(created)
    }

    /// Revokes a key, for the command line; false when there was none.
    #[tenon_model::boxed]
    pub async fn revoke_key(&self, environment: Option<EnvironmentId>, id: KeyId) -> Result<bool> {
        let now = self.clock().now();
        let mut tx = self.store().begin().await?;
        let Some(account) = accounts::find_first(&mut tx).await? else {
            return Ok(false);
        };
        let found = match environment {
            Some(environment) => table::delete(&mut tx, account, environment, id, now).await?,
            None => table::delete_account_key(&mut tx, account, id, now).await?,
        };
        tx.signal("api_keys", &id.to_string());
        tx.commit().await?;
        self.forget("api_keys");
        Ok(found)
    }

    /// `DELETE /environment/api-keys`.
    #[tenon_model::boxed]
    pub async fn delete_api_key(&self, caller: &Caller, body: Option<&Value>) -> Result<()> {
        caller.require("account:environments:api_keys:delete")?;
        let mut fields = Fields::body(body)?;
        let environment = fields.row_id("environment_id");
        let key = fields.row_id("key_id");
        fields.strict();
        fields.finish("invalid_body")?;
        let (environment, key) = (
            EnvironmentId(environment.unwrap_or_default()),
            KeyId(key.unwrap_or_default()),
        );
        let mut tx = self.store().begin().await?;
        own_environment(&mut tx, caller, environment).await?;
        if !table::delete(&mut tx, caller.account, environment, key, self.clock().now()).await? {
            return Err(Error::not_found("API key not found"));
        }
        tx.signal("api_keys", &key.to_string());
        tx.commit().await?;
        self.forget("api_keys");
        Ok(())
    }
}
