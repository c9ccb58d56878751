//! Functions: what customers deploy and the platform runs.
//!
//! A function is known by integration, kind and name. Deploys replace its definition and code in one transaction
//! ([`deploy`]); whoever runs it takes it from a small cache ([`App::find_function`]) that a signal empties on every
//! node. Running is the business of [`crate::actions`], of the sync slice, and of [`on_events`](App::run_on_events).

pub mod builder;
mod bundle;
mod catalogue;
mod code;
pub(crate) mod declared;
mod definition;
pub mod deploy;
mod followers;
mod invoke;
pub mod limits;
mod manage;
mod on_events;
mod pass_through;
mod remote;
mod run;
mod switch;
mod versions;

#[cfg(test)]
mod tests;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tenon_model::{EnvironmentId, FunctionId, IntegrationId, Timestamp};
use tenon_runtime::Code;
use tenon_store::tables::functions::{self as table, FunctionRow};
use tokio::sync::OnceCell;

pub use declared::{Declared, Trigger};
pub use definition::{Definition, Endpoint};
pub use invoke::Invoked;
pub use manage::{DeleteQuery, ListQuery};
pub use on_events::ConnectionEvent;
pub use pass_through::PassThrough;
pub(crate) use run::conceal_failure;
pub use run::{RunFailure, RunSubject, log_failure, outcome_of, run_error, story};
pub use switch::SwitchInput;
pub use versions::RollbackInput;

use crate::tools::Checker;
use crate::{App, Cache, Error, Result};

/// How long a cached function may be stale when another node deployed and the signal was lost.
const FUNCTION_TTL: Duration = Duration::from_secs(10);
/// Functions held in memory with their code, some tens of kilobytes each.
const FUNCTIONS_MAX: usize = 2_000;

/// What a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FunctionKind {
    /// Fills the record store.
    Sync,
    /// Answers a call.
    Action,
    /// Follows the life of connections.
    OnEvent,
}

impl FunctionKind {
    /// Name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Action => "action",
            Self::OnEvent => "on-event",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "sync" => Some(Self::Sync),
            "action" => Some(Self::Action),
            "on-event" => Some(Self::OnEvent),
            _ => None,
        }
    }
}

/// Where a function came from; who may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Source {
    /// A repository, deployed by the command line.
    #[default]
    Repo,
    /// A single function, deployed through the API.
    Standalone,
    /// A template of the catalogue.
    Catalog,
}

impl Source {
    /// Name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Repo => "repo",
            Self::Standalone => "standalone",
            Self::Catalog => "catalog",
        }
    }

    /// Reads a name; unknown ones count as `repo`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "standalone" => Self::Standalone,
            "catalog" => Self::Catalog,
            _ => Self::Repo,
        }
    }
}

/// One deployed function. Its code is loaded when it first runs.
#[derive(Debug)]
pub struct Function {
    /// Row id, exposed on the wire.
    pub id: FunctionId,
    /// Owner.
    pub environment_id: EnvironmentId,
    /// The integration it belongs to.
    pub integration_id: IntegrationId,
    /// That integration's key.
    pub unique_key: String,
    /// That integration's provider.
    pub provider: String,
    /// What it is.
    pub kind: FunctionKind,
    /// Its name.
    pub name: String,
    /// The connection event that it follows; only for [`FunctionKind::OnEvent`].
    pub event: Option<ConnectionEvent>,
    /// Whether it may run.
    pub enabled: bool,
    /// Where it came from.
    pub source: Source,
    /// Deployed version.
    pub version: String,
    /// Names its code.
    pub hash: String,
    /// What its author declared.
    pub definition: Definition,
    /// When this version was deployed.
    pub deployed_at: Timestamp,
    code: OnceCell<Arc<Code>>,
    checker: OnceLock<Option<Checker>>,
}

impl Function {
    /// Reads a stored row.
    pub fn from_row(row: FunctionRow) -> Result<Self> {
        let broken = |what: &str| Error::Internal(format!("function {} has no readable {what}", row.id));
        Ok(Self {
            kind: FunctionKind::parse(&row.kind).ok_or_else(|| broken("kind"))?,
            event: ConnectionEvent::parse(&row.event),
            definition: serde_json::from_str(&row.definition).map_err(|_| broken("definition"))?,
            source: Source::from_name(&row.source),
            id: row.id,
            environment_id: row.environment_id,
            integration_id: row.integration_id,
            unique_key: row.unique_key,
            provider: row.provider,
            name: row.name,
            enabled: row.enabled,
            version: row.version,
            hash: row.hash,
            deployed_at: row.deployed_at,
            code: OnceCell::new(),
            checker: OnceLock::new(),
        })
    }

    /// What its input is held against, built when it is first needed; `None` when it declares no input.
    pub(crate) fn input_checker(&self) -> Option<&Checker> {
        self.checker.get_or_init(|| Checker::of(&self.definition)).as_ref()
    }
}

/// What is kept in memory about functions.
#[derive(Debug)]
pub(crate) struct Registry {
    by_name: Cache<(IntegrationId, FunctionKind, String), Function>,
    by_id: Cache<FunctionId, Function>,
    logger_levels: Cache<EnvironmentId, String>,
    paginates: Cache<String, Option<serde_json::Value>>,
    deploying: std::sync::Mutex<std::collections::HashSet<EnvironmentId>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self {
            by_name: Cache::new(FUNCTION_TTL, FUNCTIONS_MAX),
            by_id: Cache::new(FUNCTION_TTL, FUNCTIONS_MAX),
            logger_levels: Cache::new(FUNCTION_TTL, FUNCTIONS_MAX),
            paginates: Cache::new(FUNCTION_TTL, FUNCTIONS_MAX),
            deploying: std::sync::Mutex::default(),
        }
    }
}

impl Registry {
    /// Forgets everything, after a deploy on this or another node.
    pub(crate) fn clear(&self) {
        self.by_name.clear();
        self.by_id.clear();
        self.logger_levels.clear();
        self.paginates.clear();
    }
}

impl App {
    /// The live function of an integration with this kind and name, cached.
    #[tenon_model::boxed]
    pub async fn find_function(
        &self,
        environment: EnvironmentId,
        integration: IntegrationId,
        kind: FunctionKind,
        name: &str,
    ) -> Result<Option<Arc<Function>>> {
        let key = (integration, kind, name.to_owned());
        if let Some(function) = self.functions().by_name.get(&key) {
            return Ok((function.environment_id == environment).then_some(function));
        }
        let mut conn = self.store().read().await?;
        let rows = table::list_named(&mut conn, environment, integration, name).await?;
        drop(conn);
        let Some(row) = rows.into_iter().find(|row| row.kind == kind.as_str()) else {
            return Ok(None);
        };
        let function = Function::from_row(row)?;
        Ok(Some(self.functions().by_name.put(key, function)))
    }

    /// The live function with this id, cached.
    #[tenon_model::boxed]
    pub async fn find_function_by_id(
        &self,
        environment: EnvironmentId,
        id: FunctionId,
    ) -> Result<Option<Arc<Function>>> {
        if let Some(function) = self.functions().by_id.get(&id) {
            return Ok((function.environment_id == environment).then_some(function));
        }
        let mut conn = self.store().read().await?;
        let Some(row) = table::find_by_id(&mut conn, environment, id).await? else {
            return Ok(None);
        };
        drop(conn);
        Ok(Some(self.functions().by_id.put(id, Function::from_row(row)?)))
    }

    /// The lowest level that `nango.log` keeps in this environment: the variable `NANGO_LOGGER_LEVEL` (or
    /// `TENON_LOGGER_LEVEL`), `warn` without it.
    #[tenon_model::boxed]
    pub async fn logger_level(&self, environment: EnvironmentId) -> Result<Arc<String>> {
        if let Some(level) = self.functions().logger_levels.get(&environment) {
            return Ok(level);
        }
        let variables = self.environment_variables(environment).await?;
        let named = ["TENON_LOGGER_LEVEL", "NANGO_LOGGER_LEVEL"]
            .iter()
            .find_map(|name| variables.iter().find(|(known, _)| known == name))
            .map(|(_, value)| value.to_ascii_lowercase())
            .filter(|value| matches!(value.as_str(), "debug" | "info" | "warn" | "error" | "off"));
        let level = named.unwrap_or_else(|| "warn".to_owned());
        Ok(self.functions().logger_levels.put(environment, level))
    }

    /// Removes the functions of an integration, inside the transaction that removes the integration. Its syncs are the
    /// business of the sync slice.
    #[tenon_model::boxed]
    pub(crate) async fn delete_functions_of(
        &self,
        tx: &mut tenon_store::Tx,
        environment: EnvironmentId,
        integration: IntegrationId,
    ) -> Result<()> {
        table::delete_of_integration(tx, environment, integration, self.clock().now()).await?;
        tx.signal("functions", &integration.to_string());
        Ok(())
    }
}
