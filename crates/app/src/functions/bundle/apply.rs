//! Putting a bundle into force, or saying what that would change.

use std::collections::HashMap;

use serde_json::{Value, json};
use tenon_model::{FunctionId, IntegrationId};
use tenon_store::tables::deployments::{self, DeploymentRow};
use tenon_store::tables::functions::{self as table, FunctionInput};
use tenon_store::tables::integrations;
use tenon_store::{Conn, Tx};

use super::input::BundleFunction;
use super::{BundleInput, Changes, is};
use crate::caller::Caller;
use crate::environments::Environment;
use crate::functions::code::PackedCode;
use crate::functions::deploy::{Exclusive, bump, calls_constructor, definition_text, deployed, rejected};
use crate::functions::{ConnectionEvent, Function};
use crate::operations::{Kind, OperationHandle, Outcome, Subject};
use crate::{App, Error, Result};

type Prepared<'b> = (&'b BundleFunction, PackedCode);

fn prepare(function: &BundleFunction) -> Result<Prepared<'_>> {
    if calls_constructor(&function.js) {
        return Err(rejected(&function.name, &function.integration));
    }
    Ok((function, PackedCode::pack(&function.js, &function.ts)))
}

/// The functions of the environment: those that bundles made, and the others.
async fn present(conn: &mut Conn, environment: &Environment) -> Result<(Vec<Function>, Vec<Function>)> {
    let all = deployed(conn, environment.id).await?;
    Ok(all.into_iter().partition(|function| function.declared().is_some()))
}

/// Keys and rows of the integrations that the bundle names.
async fn find_integrations(
    conn: &mut Conn,
    environment: &Environment,
    input: &BundleInput,
) -> Result<HashMap<String, IntegrationId>> {
    let mut found = HashMap::new();
    for function in &input.functions {
        let key = &function.integration;
        if !found.contains_key(key) {
            let row = integrations::find(conn, environment.id, key).await?.ok_or_else(|| {
                Error::refuse(400, "integration_not_found").message(format!(
                    "There is no integration with the key \"{key}\" in this environment; create it before deploying to it"
                ))
            })?;
            found.insert(key.clone(), row.id);
        }
    }
    Ok(found)
}

/// Refuses to write over functions that the other helpers made.
fn check_names(input: &BundleInput, others: &[Function]) -> Result<()> {
    for function in &input.functions {
        let name = (function.integration.clone(), function.name.clone());
        let places = function.trigger().places();
        let taken = others.iter().find(|other| {
            let event = other.event.map_or("", ConnectionEvent::as_str);
            is(other, &name) && places.contains(&(other.kind, event))
        });
        if let Some(other) = taken {
            return Err(Error::refuse(400, "invalid_request").message(format!(
                "{}:{} is deployed already, as a function of the kind {} that createFunction did not make; remove it \
                 or choose another name",
                name.0,
                name.1,
                other.kind.as_str()
            )));
        }
    }
    Ok(())
}

fn compare(input: &BundleInput, prepared: &[Prepared<'_>], ours: &[Function]) -> Changes {
    let wanted: Vec<(&BundleFunction, String)> = prepared
        .iter()
        .map(|(function, code)| (*function, code.hash.clone()))
        .collect();
    Changes::of(input, &wanted, ours)
}

impl App {
    /// `POST /functions/deployments/bundle/preview`: what the bundle would change.
    pub async fn plan_bundle(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        let input = BundleInput::parse(body)?;
        let prepared = input.functions.iter().map(prepare).collect::<Result<Vec<_>>>()?;
        let mut conn = self.store().read().await?;
        find_integrations(&mut conn, environment, &input).await?;
        let (ours, others) = present(&mut conn, environment).await?;
        check_names(&input, &others)?;
        Ok(compare(&input, &prepared, &ours).wire())
    }

    /// `POST /functions/deployments/bundle`.
    pub async fn deploy_bundle(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        let input = BundleInput::parse(body)?;
        let title = format!("Deploy of {} functions", input.functions.len());
        let subject = Subject::titled(title).meta(json!({ "mode": "bundle", "source": "repo" }));
        let operation = self.operations().start(environment.id, Kind::Deploy, "bundle", subject);
        let result = self.deploy_bundle_logged(environment, &input, &operation).await;
        operation.finish(Outcome::of(&result));
        result
    }

    async fn deploy_bundle_logged(
        &self,
        environment: &Environment,
        input: &BundleInput,
        operation: &OperationHandle,
    ) -> Result<Value> {
        let prepared = input.functions.iter().map(prepare).collect::<Result<Vec<_>>>()?;
        let mut deploy = Exclusive::begin(self, environment.id).await?;
        let outcome = self
            .apply_bundle(&mut deploy.tx, environment, input, &prepared, operation)
            .await;
        let wire = deploy.end(outcome).await?.wire();
        if let Value::Object(facts) = &wire {
            operation.annotate(facts.clone());
        }
        Ok(wire)
    }

    /// Writes what was prepared; what it changed.
    async fn apply_bundle(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        input: &BundleInput,
        prepared: &[Prepared<'_>],
        operation: &OperationHandle,
    ) -> Result<Changes> {
        let integrations = find_integrations(tx, environment, input).await?;
        let (ours, others) = present(tx, environment).await?;
        check_names(input, &others)?;
        let changes = compare(input, prepared, &ours);
        let mut stored = Vec::new();
        for (function, code) in prepared {
            let name = (function.integration.clone(), function.name.clone());
            let Some(integration) = integrations.get(&function.integration) else {
                continue;
            };
            if !changes.unchanged.contains(&name) {
                let rows: Vec<&Function> = ours.iter().filter(|row| is(row, &name)).collect();
                let ids = self
                    .store_bundled(tx, environment, *integration, (*function, code), &rows)
                    .await?;
                stored.extend(ids);
            }
        }
        // Functions that the bundle does not name, and the former places of those whose trigger changed.
        let gone: Vec<Function> = ours
            .into_iter()
            .filter(|row| {
                let name = (row.unique_key.clone(), row.name.clone());
                changes.deleted.contains(&name) || (changes.updated.contains(&name) && !stored.contains(&row.id))
            })
            .collect();
        self.remove_functions(tx, environment, &gone).await?;
        let mut stored = deployed(tx, environment.id)
            .await?
            .into_iter()
            .filter(|row| stored.contains(&row.id))
            .collect::<Vec<Function>>();
        stored.sort_by(|a, b| (&a.unique_key, &a.name).cmp(&(&b.unique_key, &b.name)));
        self.after_deploy(tx, environment, &stored).await?;
        table::sweep_bundles(tx, environment.id).await?;
        let row = DeploymentRow {
            id: self.rng().uuid_v7(self.clock().now()),
            environment_id: environment.id,
            mode: "bundle".to_owned(),
            source: "repo".to_owned(),
            sdk_version: None,
            deployed: listed(&stored),
            removed: listed(&gone),
            operation_id: Some(operation.id().0.clone()),
            created_at: self.clock().now(),
        };
        deployments::insert(tx, &row).await?;
        Ok(changes)
    }

    /// Stores one function under each of its places, with the version after the newest that it had.
    async fn store_bundled(
        &self,
        tx: &mut Tx,
        environment: &Environment,
        integration: IntegrationId,
        (function, code): (&BundleFunction, &PackedCode),
        rows: &[&Function],
    ) -> Result<Vec<FunctionId>> {
        let now = self.clock().now();
        code.store(tx, environment.id, now).await?;
        let definition = definition_text(&function.definition)?;
        let newest = rows.iter().max_by_key(|row| row.deployed_at);
        let version = bump(newest.map(|row| row.version.as_str()));
        let mut ids = Vec::new();
        for (kind, event) in function.trigger().places() {
            let input = FunctionInput {
                kind: kind.as_str(),
                name: &function.name,
                event,
                source: "repo",
                version: &version,
                hash: &code.hash,
                definition: &definition,
                now,
            };
            ids.push(table::upsert(tx, environment.id, integration, &input).await?);
        }
        Ok(ids)
    }
}

fn listed(functions: &[Function]) -> String {
    let slim = functions.iter().map(|function| {
        json!({
            "integration": function.unique_key,
            "kind": function.kind.as_str(),
            "name": function.name,
            "version": function.version,
        })
    });
    Value::Array(slim.collect()).to_string()
}
