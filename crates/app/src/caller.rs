//! Who is asking, and what they may do.

use std::sync::Arc;

use ring::digest;
use tenon_model::{AccountId, KeyId};
use tenon_store::tables::{api_keys, environments};

use crate::environments::Environment;
use crate::{App, Error, Result};

/// How the caller proved who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// A key of one environment.
    EnvironmentKey(KeyId),
    /// A key of the account, without environment.
    AccountKey(KeyId),
    /// A connect session of an end user.
    ConnectSession,
    /// The platform itself: functions, schedules, the command line.
    Platform,
}

/// An authenticated caller. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account that owns the key.
    pub account: AccountId,
    /// How the caller proved it.
    pub proof: Proof,
    environment: Option<Arc<Environment>>,
    scopes: Arc<[String]>,
}

impl Caller {
    /// The platform acting inside one environment, with every environment scope.
    pub fn platform(environment: Arc<Environment>) -> Self {
        Self {
            account: environment.account_id,
            proof: Proof::Platform,
            environment: Some(environment),
            scopes: Arc::new(["environment:*".to_owned()]),
        }
    }

    /// Whoever runs the command line beside the database, with every account scope.
    pub fn operator(account: AccountId) -> Self {
        Self {
            account,
            proof: Proof::Platform,
            environment: None,
            scopes: Arc::new(["account:*".to_owned()]),
        }
    }

    /// An end user inside a connect session; may list integrations and nothing else.
    pub fn connect_session(environment: Arc<Environment>) -> Self {
        Self {
            account: environment.account_id,
            proof: Proof::ConnectSession,
            environment: Some(environment),
            scopes: Arc::new(["environment:integrations:list".to_owned()]),
        }
    }

    /// Whether a granted scope covers `scope`; a granted `a:b:*` covers everything that starts with `a:b:`.
    pub fn may(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| match granted.strip_suffix('*') {
            Some(prefix) => scope.starts_with(prefix),
            None => granted == scope,
        })
    }

    /// Refuses with 403 unless the scope is granted.
    pub fn require(&self, scope: &str) -> Result<()> {
        if self.may(scope) {
            Ok(())
        } else {
            Err(Error::forbidden(format!("Insufficient scope. Required: {scope}")))
        }
    }

    /// Refuses with 403 unless at least one of the scopes is granted.
    pub fn require_any(&self, scopes: &[&str]) -> Result<()> {
        if scopes.iter().any(|scope| self.may(scope)) {
            return Ok(());
        }
        Err(Error::forbidden(format!(
            "Insufficient scope. Required one of: {}",
            scopes.join(" or ")
        )))
    }

    /// The environment; 403 for account keys and for keys whose environment is gone.
    pub fn environment(&self) -> Result<&Arc<Environment>> {
        self.environment
            .as_ref()
            .ok_or_else(|| Error::forbidden("API key is not authorized for an environment"))
    }
}

/// How often the last use of a key is written down.
const TOUCH_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// SHA-256 of an API key in hex. The keys are 122 random bits, so a plain hash cannot be searched.
pub fn hash_key(key: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, key.to_ascii_lowercase().as_bytes()))
}

impl App {
    /// The caller behind an API key; 401 `unknown_account` when no live key matches.
    #[tenon_model::boxed]
    pub async fn authenticate_key(&self, key: &str) -> Result<Arc<Caller>> {
        let hash = hash_key(key);
        if let Some(caller) = self.caches().callers.get(&hash) {
            return Ok(caller);
        }
        let now = self.clock().now();
        let mut conn = self.store().read().await?;
        let row = api_keys::find_by_hash(&mut conn, &hash, now).await?.ok_or_else(|| {
            Error::refuse(401, "unknown_account")
                .message("Authentication failed. The provided authorization header does not match any account.")
                .payload(serde_json::json!({}))
        })?;
        let environment = match row.environment_id {
            Some(id) => environments::find(&mut conn, id).await?,
            None => None,
        };
        drop(conn);
        let environment = environment
            .map(|row| Environment::from_row(row).map(Arc::new))
            .transpose()?;
        // A key that outlived its environment opens nothing; it is still a known key.
        let orphan = row.environment_id.is_some() && environment.is_none();
        let proof = match row.environment_id {
            Some(_) => Proof::EnvironmentKey(row.id),
            None => Proof::AccountKey(row.id),
        };
        let scopes = if orphan { Vec::new() } else { row.scopes };
        if row.last_used_at.is_none_or(|last| now.since(last) >= TOUCH_EVERY) {
            let app = self.clone();
            self.spawn("note the use of an API key", async move {
                let mut tx = app.store().begin().await?;
                api_keys::touch(&mut tx, row.id, now).await?;
                Ok(tx.commit().await?)
            });
        }
        let caller = Caller {
            account: row.account_id,
            proof,
            environment,
            scopes: scopes.into(),
        };
        Ok(self.caches().callers.put(hash, caller))
    }
}
