//! `GET /sync/status`.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use tenon_model::ConnectionId;
use tenon_store::tables::records::sets;
use tenon_store::tables::runs::{self, RunRow};
use tenon_store::tables::syncs::ListedSync;
use tenon_store::tables::{checkpoints, connections};

use super::checkpoint_key;
use super::select::{Place, SyncName};
use crate::functions::Function;
use crate::records::Counts;
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, Text};
use crate::{App, Caller, Error, Result};

/// Query of the status route.
#[derive(Debug, Clone)]
pub struct StatusRequest {
    syncs: Vec<SyncName>,
    unique_key: String,
    connection_id: Option<String>,
}

impl StatusRequest {
    /// Reads the query.
    pub fn parse(query: &Value) -> Result<Self> {
        let bad = "invalid_query_params";
        let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid(bad, issues))?;
        let syncs = fields.text("syncs", Text::any()).unwrap_or_default();
        let unique_key = fields.text("provider_config_key", Text::any().max(255).pattern(&INTEGRATION_ID));
        let connection_id = fields.opt_text("connection_id", Text::any().max(255).pattern(&CONNECTION_ID));
        fields.strict();
        fields.finish(bad)?;
        let syncs = match syncs.as_str() {
            "*" => Vec::new(),
            list => {
                let names: Option<Vec<SyncName>> = list.split(',').map(|text| SyncName::parse(text.trim())).collect();
                names
                    .filter(|names| !names.is_empty())
                    .ok_or_else(|| Error::invalid_body("Malformed list of syncs"))?
            }
        };
        Ok(Self {
            syncs,
            unique_key: unique_key.unwrap_or_default(),
            connection_id,
        })
    }
}

impl App {
    /// How syncs are. Unknown names are left out.
    #[tenon_model::boxed]
    pub async fn sync_status(&self, caller: &Caller, request: StatusRequest) -> Result<Value> {
        caller.require("environment:syncs:read")?;
        let environment = caller.environment()?.id;
        let missing = || Error::invalid_body("Connection not found");
        let integration = self
            .find_integration(environment, &request.unique_key)
            .await?
            .ok_or_else(missing)?;
        let connection = match &request.connection_id {
            None => None,
            Some(id) => {
                let mut conn = self.store().read().await?;
                let row = connections::find(&mut conn, environment, &request.unique_key, id).await?;
                Some(row.ok_or_else(missing)?.id)
            }
        };
        let place = Place {
            environment,
            integration: integration.id,
            connection,
        };
        let found = self.select_syncs(&place, &request.syncs).await?;
        let mut conn = self.store().read().await?;
        let ids: Vec<i64> = found.iter().filter_map(|row| row.sync.last_run_id).collect();
        let runs: HashMap<i64, RunRow> = runs::list(&mut conn, &ids)
            .await?
            .into_iter()
            .map(|run| (run.id, run))
            .collect();
        let mut live: HashMap<ConnectionId, HashMap<String, i64>> = HashMap::new();
        let mut shown = Vec::with_capacity(found.len());
        for row in found {
            let id = row.sync.connection_id;
            if let std::collections::hash_map::Entry::Vacant(entry) = live.entry(id) {
                let sets = sets::list(&mut conn, environment, id).await?;
                entry.insert(sets.into_iter().map(|set| (set.model, set.live)).collect());
            }
            let key = checkpoint_key("sync", &row.sync.name, &row.sync.variant);
            let checkpoint = checkpoints::find(&mut conn, id, &key).await?.value;
            let Some(function) = self.find_function_by_id(environment, row.sync.function_id).await? else {
                continue;
            };
            let run = row.sync.last_run_id.and_then(|id| runs.get(&id));
            let counts = live.get(&id);
            shown.push(one(&row, &function, run, counts, checkpoint.as_deref()));
        }
        Ok(json!({ "syncs": shown }))
    }
}

fn one(
    row: &ListedSync,
    function: &Function,
    run: Option<&RunRow>,
    live: Option<&HashMap<String, i64>>,
    checkpoint: Option<&str>,
) -> Value {
    let sync = &row.sync;
    let models = &function.definition.models;
    let paused = row.schedule.is_some_and(|(_, paused)| paused);
    let job = run.map(|run| run.status.as_str());
    let status = match (job, row.schedule) {
        (Some("RUNNING"), _) => "RUNNING",
        (_, None) => "STOPPED",
        _ if paused => "PAUSED",
        (Some("STOPPED"), _) => "ERROR",
        (Some(job), _) => job,
        (None, _) => "SUCCESS",
    };
    let incremental = run.is_some_and(|run| run.r#type == "INCREMENTAL");
    let mut shown = Map::new();
    let mut put = |key: &str, value: Value| shown.insert(key.to_owned(), value);
    put("id", json!(sync.id.to_string()));
    put("connection_id", json!(row.connection));
    put("name", json!(sync.name));
    put("variant", json!(sync.variant));
    put("type", json!(if incremental { "INCREMENTAL" } else { "INITIAL" }));
    put("status", json!(status));
    put(
        "frequency",
        json!(sync.frequency.as_ref().or(function.definition.runs.as_ref())),
    );
    let next = row
        .schedule
        .filter(|(_, paused)| !paused)
        .map(|(next, _)| next.iso_millis());
    put("nextScheduledSyncAt", json!(next));
    if let Some(run) = run {
        if run.status != "RUNNING" {
            put("finishedAt", json!(run.updated_at.iso_millis()));
        }
        put("latestResult", latest_result(run, models));
        put("latestExecutionStatus", json!(run.status));
    }
    let count = |model: &String| live.and_then(|live| live.get(model)).copied().unwrap_or(0);
    let counts: Map<String, Value> = models
        .iter()
        .map(|model| (model.clone(), json!(count(model))))
        .collect();
    put("recordCount", Value::Object(counts));
    put(
        "checkpoint",
        checkpoint
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or(Value::Null),
    );
    if sync.stalled_at.is_some() {
        put("stalled", json!(true));
    }
    Value::Object(shown)
}

/// After a success every declared model, before that only what was written to.
fn latest_result(run: &RunRow, models: &[String]) -> Value {
    let mut results: BTreeMap<String, Counts> = serde_json::from_str(&run.results).unwrap_or_default();
    if run.status == "SUCCESS" {
        for model in models {
            results.entry(model.clone()).or_default();
        }
    }
    json!(results)
}
