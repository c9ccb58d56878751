//! Versions of a function: what was deployed before, and going back to it.
//!
//! Every deploy leaves a version, fifty of a function are kept with their code. Going back deploys an old version again:
//! it becomes the newest one, so what happened stays readable, and going back twice is going forward.

use serde_json::{Value, json};
use tenon_model::Timestamp;
use tenon_store::Tx;
use tenon_store::tables::deployments::{self, DeploymentRow};
use tenon_store::tables::functions::{self as table, FunctionInput, VersionRow};

use super::deploy::Exclusive;
use super::manage::{ambiguous, no_function};
use super::{ConnectionEvent, Function, FunctionKind, ListQuery};
use crate::caller::Caller;
use crate::operations::{Kind, Outcome, Subject};
use crate::validate::{Fields, Text};
use crate::{App, Error, Result};

/// Body of a rollback.
#[derive(Debug, Clone, Default)]
pub struct RollbackInput {
    version: Option<String>,
    kind: Option<FunctionKind>,
}

impl RollbackInput {
    /// Reads `version` and `type`, both optional.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let empty = json!({});
        let mut fields = Fields::body(Some(body.unwrap_or(&empty)))?;
        let version = fields.opt_text("version", Text::any().min(1).max(255));
        let kind = ListQuery::kind_of(&mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self { version, kind })
    }
}

fn wire(row: &VersionRow, current: bool) -> Value {
    json!({
        "version": row.version,
        "hash": row.hash,
        "deployed_at": row.deployed_at.iso_millis(),
        "current": current,
    })
}

impl App {
    /// The one function with this name; several kinds or events of one name must be told apart.
    async fn one_function(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Function> {
        let rows = self.functions_named(caller.environment()?, key, name, kind).await?;
        if rows.len() > 1 {
            return Err(ambiguous(name, &rows));
        }
        Function::from_row(rows.into_iter().next().ok_or_else(|| no_function(key, name))?)
    }

    /// `GET /integrations/:key/functions/:name/versions`: newest first.
    pub async fn function_versions(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Value> {
        caller.require("environment:functions:read")?;
        let function = self.one_function(caller, key, name, kind).await?;
        let mut conn = self.store().read().await?;
        let rows = table::versions(&mut conn, function.environment_id, function.id).await?;
        drop(conn);
        let data: Vec<Value> = rows.iter().enumerate().map(|(at, row)| wire(row, at == 0)).collect();
        Ok(json!({ "data": data }))
    }

    /// The source of the newest deployment of a version.
    pub(super) async fn source_of_version(&self, function: &Function, version: &str) -> Result<Option<String>> {
        let mut conn = self.store().read().await?;
        let rows = table::versions(&mut conn, function.environment_id, function.id).await?;
        drop(conn);
        let found = rows.into_iter().find(|row| row.version == version);
        let row = found.ok_or_else(|| unknown_version(function, version))?;
        self.source_of_hash(function.environment_id, &row.hash).await
    }

    /// `POST /integrations/:key/functions/:name/rollback`: deploys an earlier version again, the one before the present
    /// code unless another is named.
    pub async fn roll_back_function(
        &self,
        caller: &Caller,
        key: &str,
        name: &str,
        input: &RollbackInput,
    ) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        let function = self.one_function(caller, key, name, input.kind).await?;
        let subject = Subject::titled(format!("Rollback of {name}"))
            .integration(key, &function.provider)
            .function(name)
            .meta(json!({ "from": function.version, "wanted": input.version }));
        let operation = self
            .operations()
            .start(environment.id, Kind::Deploy, "rollback", subject);
        let result = self
            .roll_back(&function, input.version.as_deref(), operation.id().0.clone())
            .await;
        operation.finish(Outcome::of(&result));
        let version = result?;
        let row = self
            .find_function_by_id(environment.id, function.id)
            .await?
            .ok_or_else(|| Error::not_found("Function does not exist"))?;
        Ok(json!({ "data": { "from": function.version, "version": version, "function": row.to_wire() } }))
    }

    async fn roll_back(&self, function: &Function, wanted: Option<&str>, operation: String) -> Result<String> {
        let mut deploy = Exclusive::begin(self, function.environment_id).await?;
        let outcome = self.deploy_again(&mut deploy.tx, function, wanted, operation).await;
        deploy.end(outcome).await
    }

    async fn deploy_again(
        &self,
        tx: &mut Tx,
        function: &Function,
        wanted: Option<&str>,
        operation: String,
    ) -> Result<String> {
        let environment = function.environment_id;
        let rows = table::versions(tx, environment, function.id).await?;
        let present = rows.first().map(|row| (row.hash.clone(), row.definition.clone()));
        let row = match wanted {
            Some(version) => rows
                .into_iter()
                .find(|row| row.version == version)
                .ok_or_else(|| unknown_version(function, version))?,
            None => rows
                .into_iter()
                .find(|row| {
                    present
                        .as_ref()
                        .is_none_or(|(hash, text)| *hash != row.hash || *text != row.definition)
                })
                .ok_or_else(|| {
                    Error::refuse(400, "invalid_request").message(format!(
                        "There is no earlier version of \"{}\" with other code to go back to",
                        function.name
                    ))
                })?,
        };
        let now = self.clock().now();
        let event = function.event.map_or("", ConnectionEvent::as_str);
        let again = FunctionInput {
            kind: function.kind.as_str(),
            name: &function.name,
            event,
            source: function.source.as_str(),
            version: &row.version,
            hash: &row.hash,
            definition: &row.definition,
            now,
        };
        table::upsert(tx, environment, function.integration_id, &again).await?;
        let stored = table::find_by_id(tx, environment, function.id).await?;
        let stored: Vec<Function> = stored.into_iter().map(Function::from_row).collect::<Result<_>>()?;
        let owner = self.environment(environment).await?;
        self.after_deploy(tx, &owner, &stored).await?;
        deployments::insert(tx, &self.rollback_row(function, &row, operation, now)).await?;
        Ok(row.version)
    }

    fn rollback_row(&self, function: &Function, row: &VersionRow, operation: String, now: Timestamp) -> DeploymentRow {
        let deployed = json!([{
            "integration": function.unique_key,
            "kind": function.kind.as_str(),
            "name": function.name,
            "version": row.version,
        }]);
        DeploymentRow {
            id: self.rng().uuid_v7(now),
            environment_id: function.environment_id,
            mode: "single".to_owned(),
            source: function.source.as_str().to_owned(),
            sdk_version: None,
            deployed: deployed.to_string(),
            removed: "[]".to_owned(),
            operation_id: Some(operation),
            created_at: now,
        }
    }
}

fn unknown_version(function: &Function, version: &str) -> Error {
    Error::refuse(404, "version_not_found").message(format!(
        "Version \"{version}\" of \"{}\" is not kept; its versions are listed at /integrations/{}/functions/{}/versions",
        function.name, function.unique_key, function.name
    ))
}
