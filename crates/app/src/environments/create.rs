//! Making and removing environments; the first start.

use serde_json::Value;
use tenon_model::{AccountId, EnvironmentId};
use tenon_store::tables::environments::{self as table, NewEnvironment};
use tenon_store::tables::{accounts, api_keys as keys_table};

use super::api_keys::{DEFAULT_KEY, FULL_ACCESS, insert_key};
use super::{EnvironmentSettings, signing_key_place};
use crate::caller::Caller;
use crate::validate::{ENVIRONMENT_NAME, Fields, Text};
use crate::{App, Error, Result};

/// The environment that may not be removed and always counts as production.
const PRODUCTION: &str = "prod";

/// Body of `POST /environments`.
#[derive(Debug)]
pub struct NewEnvironmentInput {
    name: String,
    is_production: Option<bool>,
    settings: EnvironmentSettings,
}

impl NewEnvironmentInput {
    /// Reads the request body.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let name = fields.text("name", Text::any().pattern(&ENVIRONMENT_NAME).max(255));
        let is_production = fields.opt_boolean("is_production");
        let mut settings = EnvironmentSettings {
            callback_url: fields.opt_text("callback_url", Text::any().url()),
            hmac_key: fields.opt_text("hmac_key", Text::any().max(1000)),
            hmac_enabled: fields.opt_boolean("hmac_enabled").unwrap_or_default(),
            slack_notifications: fields.opt_boolean("slack_notifications").unwrap_or_default(),
            ..EnvironmentSettings::default()
        };
        if fields
            .raw("otlp_endpoint")
            .is_some_and(|value| value.as_str() != Some(""))
        {
            settings.otlp_endpoint = fields.opt_text("otlp_endpoint", Text::any().url());
        }
        settings.otlp_headers = read_otlp_headers(&mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self {
            name: name.unwrap_or_default(),
            is_production,
            settings,
        })
    }
}

fn read_otlp_headers(fields: &mut Fields<'_>) -> Vec<(String, String)> {
    let Some(value) = fields.raw("otlp_headers") else {
        return Vec::new();
    };
    let Value::Array(items) = value else {
        fields.complain(
            "invalid_type",
            crate::validate::wrong_type("array", Some(value)),
            "otlp_headers",
        );
        return Vec::new();
    };
    if items.len() > 100 {
        fields.complain("too_big", "Too big: expected array to have <=100 items", "otlp_headers");
    }
    let mut headers = Vec::new();
    for item in items.iter().filter_map(Value::as_object) {
        let text = |key: &str| item.get(key).and_then(Value::as_str).map(str::to_owned);
        match (text("name"), text("value")) {
            (Some(name), Some(value)) if !name.is_empty() && !value.is_empty() => headers.push((name, value)),
            _ => fields.complain(
                "invalid_type",
                "Invalid input: expected a name and a value",
                "otlp_headers",
            ),
        }
    }
    headers
}

/// What the first start made; the keys are shown once.
#[derive(Debug)]
pub struct FirstStart {
    /// Environment names with their full-access keys.
    pub keys: Vec<(String, String)>,
    /// The account key.
    pub account_key: String,
}

/// An environment just made.
#[derive(Debug)]
pub struct CreatedEnvironment {
    /// Row id.
    pub id: EnvironmentId,
    /// Its name.
    pub name: String,
    /// Its first key; the only time it is shown.
    pub key: String,
}

impl App {
    /// On an empty database: makes the account, `dev` and `prod`, and their keys.
    #[tenon_model::boxed]
    pub async fn ensure_account(&self) -> Result<Option<FirstStart>> {
        let mut tx = self.store().begin().await?;
        if accounts::find_first(&mut tx).await?.is_some() {
            return Ok(None);
        }
        let now = self.clock().now();
        let account = accounts::insert(&mut tx, self.rng().uuid_v4(), "Default", now).await?;
        let mut keys = Vec::new();
        for (name, is_production) in [("dev", false), (PRODUCTION, true)] {
            let settings = EnvironmentSettings::default();
            let (_, key) = self
                .insert_environment(&mut tx, account, name, is_production, &settings)
                .await?;
            keys.push((name.to_owned(), key));
        }
        let scopes = ["account:*".to_owned()];
        let created = insert_key(self, &mut tx, account, None, "Account key", &scopes).await?;
        tx.commit().await?;
        Ok(Some(FirstStart {
            keys,
            account_key: created.secret,
        }))
    }

    async fn insert_environment(
        &self,
        tx: &mut tenon_store::Tx,
        account: AccountId,
        name: &str,
        is_production: bool,
        settings: &EnvironmentSettings,
    ) -> Result<(EnvironmentId, String)> {
        let settings = settings.to_json()?;
        let public_key = self.rng().uuid_v4().to_string();
        let new = NewEnvironment {
            uuid: self.rng().uuid_v4(),
            account_id: account,
            name,
            is_production,
            public_key: &public_key,
            settings: &settings,
            now: self.clock().now(),
        };
        let id = table::insert(tx, &new).await?;
        let signing_key = self.rng().uuid_v4().to_string();
        let sealed = self
            .vault_in(tx, id)
            .await?
            .seal(&signing_key_place(id), signing_key.as_bytes());
        table::set_signing_key(tx, id, &sealed).await?;
        let key = insert_key(self, tx, account, Some(id), DEFAULT_KEY, &[FULL_ACCESS.to_owned()]).await?;
        Ok((id, key.secret))
    }

    /// Makes an environment with its first key.
    #[tenon_model::boxed]
    pub async fn create_environment(&self, caller: &Caller, input: NewEnvironmentInput) -> Result<CreatedEnvironment> {
        caller.require("account:environments:create")?;
        let production = input.is_production.unwrap_or(input.name == PRODUCTION);
        if input.name == PRODUCTION && !production {
            return Err(Error::refuse(400, "invalid_is_prod_flag")
                .message("The \"prod\" environment must be marked as production."));
        }
        if production {
            caller.require("account:environments:set_production")?;
        }
        let taken = || Error::refuse(409, "conflict").message("Environment already exists");
        let mut tx = self.store().begin().await?;
        if table::find_by_name(&mut tx, caller.account, &input.name)
            .await?
            .is_some()
        {
            return Err(taken());
        }
        let (id, key) = self
            .insert_environment(&mut tx, caller.account, &input.name, production, &input.settings)
            .await?;
        tx.commit()
            .await
            .map_err(|error| if error.is_duplicate() { taken() } else { error.into() })?;
        Ok(CreatedEnvironment {
            id,
            name: input.name,
            key,
        })
    }

    /// Removes an environment; its keys open nothing from then on.
    #[tenon_model::boxed]
    pub async fn delete_environment(&self, caller: &Caller, id: EnvironmentId) -> Result<()> {
        caller.require("account:environments:delete")?;
        let mut tx = self.store().begin().await?;
        let row = table::find(&mut tx, id)
            .await?
            .filter(|row| row.account_id == caller.account)
            .ok_or_else(|| Error::not_found("Environment not found"))?;
        if row.name == PRODUCTION {
            return Err(Error::refuse(400, "cannot_delete_prod_environment")
                .message("The \"prod\" environment cannot be deleted"));
        }
        table::delete(&mut tx, caller.account, id, self.clock().now()).await?;
        tx.signal("environments", &id.to_string());
        tx.commit().await?;
        self.forget("environments");
        Ok(())
    }

    /// Who acts on the command line: the operator of the first account.
    ///
    /// # Errors
    /// 404 when the database has no account yet.
    #[tenon_model::boxed]
    pub async fn operator(&self) -> Result<Caller> {
        let mut conn = self.store().read().await?;
        let account = accounts::find_first(&mut conn).await?;
        account
            .map(Caller::operator)
            .ok_or_else(|| Error::not_found("This database has no account yet; start the server once"))
    }

    /// All environments of the first account with their names, for the command line.
    #[tenon_model::boxed]
    pub async fn list_environments(&self) -> Result<Vec<super::Environment>> {
        let mut conn = self.store().read().await?;
        let Some(account) = accounts::find_first(&mut conn).await? else {
            return Ok(Vec::new());
        };
        table::list(&mut conn, account)
            .await?
            .into_iter()
            .map(super::Environment::from_row)
            .collect()
    }

    /// The live keys of an environment, or the account keys; for the command line.
    #[tenon_model::boxed]
    pub async fn list_keys(&self, environment: Option<EnvironmentId>) -> Result<Vec<super::KeyListing>> {
        let mut conn = self.store().read().await?;
        let Some(account) = accounts::find_first(&mut conn).await? else {
            return Ok(Vec::new());
        };
        Ok(keys_table::list(&mut conn, account, environment)
            .await?
            .into_iter()
            .map(Into::into)
            .collect())
    }
}
