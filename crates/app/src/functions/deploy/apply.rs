//! Putting a deploy into force.

use std::collections::HashMap;

use serde_json::{Value, json};
use tenon_model::EnvironmentId;
use tenon_store::Tx;
use tenon_store::tables::deployments::{self, DeploymentRow};
use tenon_store::tables::functions::{self as table, FunctionInput};
use tenon_store::tables::integrations::{self, IntegrationRow};

use super::input::{DeployInput, FlowInput, OnEventInput};
use super::{Exclusive, bump, plan, scan};
use crate::caller::Caller;
use crate::environments::Environment;
use crate::functions::code::PackedCode;
use crate::functions::{Definition, Function, FunctionKind};
use crate::operations::{Kind, OperationHandle, Outcome, Subject};
use crate::{App, Error, Result};

fn unknown_integration(key: &str) -> Error {
    Error::refuse(400, "unknown_provider_config")
        .message(format!(
            "There is no integration with the key \"{key}\" in this environment; create it before deploying to it"
        ))
        .payload(json!({ "providerConfigKey": key }))
}

/// A function of a deploy with everything that is slow to compute, done before the transaction.
struct Prepared<'i> {
    kind: FunctionKind,
    name: &'i str,
    integration: &'i str,
    event: &'static str,
    version: Option<&'i str>,
    definition: String,
    code: PackedCode,
}

fn prepare_flow(flow: &FlowInput) -> Result<Prepared<'_>> {
    if scan::calls_constructor(&flow.js) {
        return Err(rejected(&flow.name, &flow.integration));
    }
    Ok(Prepared {
        kind: flow.kind,
        name: &flow.name,
        integration: &flow.integration,
        event: "",
        version: Some(flow.version.as_str()).filter(|version| !version.is_empty()),
        definition: definition_text(&flow.definition)?,
        code: PackedCode::pack(&flow.js, &flow.ts),
    })
}

fn prepare_on_event<'i>(script: &'i OnEventInput, sdk_version: Option<&str>) -> Result<Prepared<'i>> {
    if scan::calls_constructor(&script.js) {
        return Err(rejected(&script.name, &script.integration));
    }
    let definition = Definition {
        sdk_version: sdk_version.map(str::to_owned),
        ..Definition::default()
    };
    Ok(Prepared {
        kind: FunctionKind::OnEvent,
        name: &script.name,
        integration: &script.integration,
        event: script.event.as_str(),
        version: None,
        definition: definition_text(&definition)?,
        code: PackedCode::pack(&script.js, &script.ts),
    })
}

pub(in crate::functions) fn rejected(name: &str, integration: &str) -> Error {
    Error::refuse(400, "deploy_script_security_rejected")
        .message("The deployed script was rejected by a security policy.")
        .payload(json!({ "syncName": name, "providerConfigKey": integration }))
}

pub(in crate::functions) fn definition_text(definition: &Definition) -> Result<String> {
    serde_json::to_string(definition).map_err(|error| Error::Internal(format!("a function's definition: {error}")))
}

impl App {
    /// `POST /sync/deploy`: deploys, and removes what is not named when asked to.
    #[tenon_model::boxed]
    pub async fn deploy(&self, caller: &Caller, input: DeployInput) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        if input.flows.is_empty() {
            return Ok(json!([]));
        }
        let title = format!(
            "Deploy of {} functions",
            input.flows.len() + input.on_events.as_ref().map_or(0, Vec::len)
        );
        let meta =
            json!({ "mode": input.mode.as_str(), "source": input.source.as_str(), "sdk_version": input.sdk_version });
        let subject = Subject::titled(title).meta(meta);
        let operation = self
            .operations()
            .start(environment.id, Kind::Deploy, input.mode.as_str(), subject);
        let result = self.deploy_logged(environment, &input, &operation).await;
        operation.finish(Outcome::of(&result));
        result
    }

    async fn deploy_logged(
        &self,
        environment: &Environment,
        input: &DeployInput,
        operation: &OperationHandle,
    ) -> Result<Value> {
        let flows = input.flows.iter().map(prepare_flow).collect::<Result<Vec<_>>>()?;
        let scripts = input.on_events.iter().flatten();
        let scripts = scripts
            .map(|script| prepare_on_event(script, input.sdk_version.as_deref()))
            .collect::<Result<Vec<_>>>()?;
        let mut deploy = Exclusive::begin(self, environment.id).await?;
        let prepared: Vec<Prepared<'_>> = flows.into_iter().chain(scripts).collect();
        let outcome = self
            .apply(&mut deploy.tx, environment, input, &prepared, operation)
            .await;
        let (answer, row) = deploy.end(outcome).await?;
        operation.annotate(deployment_facts(&row));
        Ok(answer)
    }

    /// Writes what was prepared; the answer and the note of the deployment.
    async fn apply(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        input: &DeployInput,
        wanted: &[Prepared<'_>],
        operation: &OperationHandle,
    ) -> Result<(Value, DeploymentRow)> {
        let present = plan::deployed(tx, environment.id).await?;
        let mut answer = Vec::with_capacity(wanted.len());
        let mut deployed = Vec::with_capacity(wanted.len());
        let mut versions: HashMap<(FunctionKind, String, String, &str), String> = present
            .iter()
            .map(|f| {
                let event = f.event.map_or("", super::super::ConnectionEvent::as_str);
                ((f.kind, f.unique_key.clone(), f.name.clone(), event), f.version.clone())
            })
            .collect();
        let mut integrations: HashMap<&str, IntegrationRow> = HashMap::new();
        for prepared in wanted {
            if !integrations.contains_key(prepared.integration) {
                let row = integrations::find(tx, environment.id, prepared.integration)
                    .await?
                    .ok_or_else(|| unknown_integration(prepared.integration))?;
                integrations.insert(prepared.integration, row);
            }
            let Some(integration) = integrations.get(prepared.integration) else {
                continue;
            };
            let key = (
                prepared.kind,
                prepared.integration.to_owned(),
                prepared.name.to_owned(),
                prepared.event,
            );
            let version = match (prepared.version, prepared.kind) {
                (Some(version), _) => version.to_owned(),
                (None, FunctionKind::OnEvent) => bump(Some(versions.get(&key).map_or("0.0.0", String::as_str))),
                (None, _) => bump(versions.get(&key).map(String::as_str)),
            };
            versions.insert(key, version.clone());
            let id = self
                .store_function(tx, environment.id, integration, input, prepared, &version)
                .await?;
            deployed.push(id);
            answer.push(answer_of(prepared, &version)?);
        }
        let dropped = plan::dropped(input, &present);
        let gone = if input.reconcile {
            plan::removed(input, present)
        } else {
            Vec::new()
        };
        self.remove_functions(tx, environment, &gone).await?;
        self.on_models_dropped(tx, environment, dropped).await?;
        let stored = plan::deployed(tx, environment.id).await?;
        let stored: Vec<Function> = stored
            .into_iter()
            .filter(|function| deployed.contains(&function.id))
            .collect();
        self.after_deploy(tx, environment, &stored).await?;
        table::sweep_bundles(tx, environment.id).await?;
        let row = self.deployment_row(environment.id, input, &stored, &gone, operation);
        deployments::insert(tx, &row).await?;
        Ok((Value::Array(answer), row))
    }

    async fn store_function(
        &self,
        tx: &mut Tx,
        environment: EnvironmentId,
        integration: &IntegrationRow,
        input: &DeployInput,
        prepared: &Prepared<'_>,
        version: &str,
    ) -> Result<tenon_model::FunctionId> {
        let now = self.clock().now();
        prepared.code.store(tx, environment, now).await?;
        let function = FunctionInput {
            kind: prepared.kind.as_str(),
            name: prepared.name,
            event: prepared.event,
            source: input.source.as_str(),
            version,
            hash: &prepared.code.hash,
            definition: &prepared.definition,
            now,
        };
        Ok(table::upsert(tx, environment, integration.id, &function).await?)
    }

    /// Marks functions as deleted and lets the sync slice take down what they did.
    pub(in crate::functions) async fn remove_functions(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        gone: &[Function],
    ) -> Result<()> {
        if gone.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = gone.iter().map(|function| function.id).collect();
        table::delete(tx, environment.id, &ids, self.clock().now()).await?;
        let syncs: Vec<&Function> = gone
            .iter()
            .filter(|function| function.kind == FunctionKind::Sync || function.keeps_records())
            .collect();
        self.on_functions_removed(tx, environment, &syncs).await?;
        tx.signal("functions", "");
        Ok(())
    }

    /// Lets the sync slice follow: new syncs for connections that exist, changed frequencies.
    pub(in crate::functions) async fn after_deploy(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        stored: &[Function],
    ) -> Result<()> {
        let syncs: Vec<&Function> = stored
            .iter()
            .filter(|function| function.kind == FunctionKind::Sync)
            .collect();
        self.on_functions_deployed(tx, environment, &syncs).await
    }

    fn deployment_row(
        &self,
        environment: EnvironmentId,
        input: &DeployInput,
        stored: &[Function],
        gone: &[Function],
        operation: &OperationHandle,
    ) -> DeploymentRow {
        let list = |functions: &[Function]| {
            let slim = functions.iter().map(|function| {
                json!({
                    "integration": function.unique_key,
                    "kind": function.kind.as_str(),
                    "name": function.name,
                    "version": function.version,
                })
            });
            Value::Array(slim.collect()).to_string()
        };
        DeploymentRow {
            id: self.rng().uuid_v7(self.clock().now()),
            environment_id: environment,
            mode: input.mode.as_str().to_owned(),
            source: input.source.as_str().to_owned(),
            sdk_version: input.sdk_version.clone(),
            deployed: list(stored),
            removed: list(gone),
            operation_id: Some(operation.id().0.clone()),
            created_at: self.clock().now(),
        }
    }
}

fn deployment_facts(row: &DeploymentRow) -> serde_json::Map<String, Value> {
    let mut facts = serde_json::Map::new();
    facts.insert("deployment".to_owned(), json!(row.id.to_string()));
    for (name, text) in [("deployed", &row.deployed), ("removed", &row.removed)] {
        facts.insert(name.to_owned(), serde_json::from_str(text).unwrap_or_default());
    }
    facts
}

fn answer_of(prepared: &Prepared<'_>, version: &str) -> Result<Value> {
    let definition: Definition = serde_json::from_str(&prepared.definition)
        .map_err(|error| Error::Internal(format!("a function's definition: {error}")))?;
    Ok(json!({
        "name": prepared.name,
        "models": definition.models,
        "version": version,
        "providerConfigKey": prepared.integration,
        "type": prepared.kind.as_str(),
    }))
}
