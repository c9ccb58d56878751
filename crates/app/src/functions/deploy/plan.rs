//! What a deploy would change.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::{Value, json};
use tenon_model::{EnvironmentId, FunctionId, IntegrationId};
use tenon_store::Conn;
use tenon_store::tables::functions::{self as table, FunctionFilter};
use tenon_store::tables::{connections, integrations};

use super::input::{DeployInput, DeployMode};
use crate::caller::Caller;
use crate::functions::{Function, FunctionKind};
use crate::{App, Result};

/// The most functions of one environment.
const FUNCTIONS_MAX: i64 = 20_000;

/// Everything that is deployed in an environment.
#[tenon_model::boxed]
pub(in crate::functions) async fn deployed(conn: &mut Conn, environment: EnvironmentId) -> Result<Vec<Function>> {
    let rows = table::list(conn, environment, FunctionFilter::default(), 0, FUNCTIONS_MAX).await?;
    rows.into_iter().map(Function::from_row).collect()
}

/// The functions that this deploy removes.
///
/// Nothing without a sync or action in the request, and nothing in mode `single`. Only functions of the same source: a
/// repository does not remove what was made through the API. On-event functions go only when the request speaks about
/// them at all; in mode `integration` only those of the integrations that it names.
pub(super) fn removed(input: &DeployInput, deployed: Vec<Function>) -> Vec<Function> {
    if input.flows.is_empty() || input.mode == DeployMode::Single {
        return Vec::new();
    }
    let named: HashSet<&str> = input
        .flows
        .iter()
        .map(|flow| flow.integration.as_str())
        .chain(
            input
                .on_events
                .iter()
                .flatten()
                .map(|script| script.integration.as_str()),
        )
        .collect();
    deployed
        .into_iter()
        .filter(|function| input.mode == DeployMode::All || named.contains(function.unique_key.as_str()))
        .filter(|function| function.source == input.source)
        // Bundles look after their own functions.
        .filter(|function| function.declared().is_none())
        .filter(|function| match function.kind {
            FunctionKind::OnEvent => input.on_events.as_ref().is_some_and(|scripts| {
                !scripts.iter().any(|script| {
                    script.integration == function.unique_key
                        && script.name == function.name
                        && Some(script.event) == function.event
                })
            }),
            FunctionKind::Sync | FunctionKind::Action => !input.flows.iter().any(|flow| {
                flow.integration == function.unique_key && flow.name == function.name && flow.kind == function.kind
            }),
        })
        .collect()
}

/// Syncs that are deployed again without some of their models, which no other function of this deploy has either.
pub(super) fn dropped(input: &DeployInput, deployed: &[Function]) -> Vec<(FunctionId, Vec<String>)> {
    if !input.drops_models {
        return Vec::new();
    }
    let kept: HashSet<&String> = input.flows.iter().flat_map(|flow| &flow.definition.models).collect();
    let again = deployed.iter().filter(|function| {
        function.kind == FunctionKind::Sync
            && input.flows.iter().any(|flow| {
                flow.kind == function.kind && flow.integration == function.unique_key && flow.name == function.name
            })
    });
    again
        .map(|function| {
            let models = function.definition.models.iter().filter(|model| !kept.contains(model));
            (function.id, models.cloned().collect::<Vec<_>>())
        })
        .filter(|(_, models)| !models.is_empty())
        .collect()
}

/// Models that no function has any more, in mode `all` only.
fn removed_models(input: &DeployInput, deployed: &[Function], removed: &[Function]) -> Vec<String> {
    if input.mode != DeployMode::All || input.flows.is_empty() {
        return Vec::new();
    }
    let kept: HashSet<&String> = input.flows.iter().flat_map(|flow| &flow.definition.models).collect();
    let redeployed = deployed.iter().filter(|function| {
        input.flows.iter().any(|flow| {
            flow.kind == function.kind && flow.integration == function.unique_key && flow.name == function.name
        })
    });
    redeployed
        .chain(removed)
        .filter(|function| function.kind == FunctionKind::Sync)
        .flat_map(|function| &function.definition.models)
        .filter(|model| !kept.contains(model))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .cloned()
        .collect()
}

/// Connections per integration key, looked up once each.
struct Connections<'c> {
    conn: &'c mut Conn,
    environment: EnvironmentId,
    known: HashMap<String, i64>,
}

impl Connections<'_> {
    async fn of(&mut self, key: &str) -> Result<i64> {
        if let Some(count) = self.known.get(key) {
            return Ok(*count);
        }
        let id: Option<IntegrationId> = integrations::find(self.conn, self.environment, key)
            .await?
            .map(|row| row.id);
        let count = match id {
            Some(id) => connections::count_of_integration(self.conn, self.environment, id).await?,
            None => 0,
        };
        self.known.insert(key.to_owned(), count);
        Ok(count)
    }
}

impl App {
    /// `POST /sync/deploy/confirmation`: what would be new, changed and removed. Changes nothing.
    #[tenon_model::boxed]
    pub async fn plan_deploy(&self, caller: &Caller, input: DeployInput) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?.id;
        let mut conn = self.store().read().await?;
        let present = deployed(&mut conn, environment).await?;
        let exists = |kind: FunctionKind, key: &str, name: &str| {
            present
                .iter()
                .any(|f| f.kind == kind && f.unique_key == key && f.name == name)
        };
        let (mut new_syncs, mut updated_syncs) = (Vec::new(), Vec::new());
        let (mut new_actions, mut updated_actions) = (Vec::new(), Vec::new());
        let mut counts = Connections {
            conn: &mut conn,
            environment,
            known: HashMap::new(),
        };
        for flow in &input.flows {
            let known = exists(flow.kind, &flow.integration, &flow.name);
            if flow.kind == FunctionKind::Sync {
                let slim = json!({
                    "name": flow.name,
                    "providerConfigKey": flow.integration,
                    "connections": counts.of(&flow.integration).await?,
                    "auto_start": flow.definition.auto_start,
                });
                if known {
                    updated_syncs.push(slim)
                } else {
                    new_syncs.push(slim)
                }
            } else {
                let slim = json!({ "name": flow.name, "providerConfigKey": flow.integration });
                if known {
                    updated_actions.push(slim)
                } else {
                    new_actions.push(slim)
                }
            }
        }
        let (mut new_events, mut updated_events) = (Vec::new(), Vec::new());
        for script in input.on_events.iter().flatten() {
            let slim = json!({
                "name": script.name,
                "providerConfigKey": script.integration,
                "event": script.event.as_str(),
            });
            if exists(FunctionKind::OnEvent, &script.integration, &script.name) {
                updated_events.push(slim);
            } else {
                new_events.push(slim);
            }
        }
        let going = removed(&input, deployed(counts.conn, environment).await?);
        let (mut deleted_syncs, mut deleted_actions, mut deleted_events) = (Vec::new(), Vec::new(), Vec::new());
        for function in &going {
            let (name, key) = (&function.name, &function.unique_key);
            match function.kind {
                FunctionKind::Sync => deleted_syncs.push(json!({
                    "name": name,
                    "providerConfigKey": key,
                    "connections": counts.of(key).await?,
                    "auto_start": false,
                })),
                FunctionKind::Action => deleted_actions.push(json!({ "name": name, "providerConfigKey": key })),
                FunctionKind::OnEvent => deleted_events.push(json!({
                    "name": name,
                    "providerConfigKey": key,
                    "event": function.event.map(super::super::ConnectionEvent::as_str),
                })),
            }
        }
        Ok(json!({
            "newSyncs": new_syncs,
            "updatedSyncs": updated_syncs,
            "newActions": new_actions,
            "updatedActions": updated_actions,
            "deletedSyncs": deleted_syncs,
            "deletedActions": deleted_actions,
            "deletedModels": removed_models(&input, &present, &going),
            "newOnEventScripts": new_events,
            "updatedOnEventScripts": updated_events,
            "deletedOnEventScripts": deleted_events,
        }))
    }
}
