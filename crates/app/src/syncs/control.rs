//! Starting, pausing and triggering.

use serde_json::{Map, Value, json};
use tenon_model::Timestamp;
use tenon_queue::{Enqueued, enqueue};
use tenon_store::Tx;
use tenon_store::tables::syncs::{self, ListedSync, SyncRow, schedule_key};
use tenon_store::tables::{checkpoints, runs, schedules, tasks};

use super::select::{SyncName, read_names};
use super::{KIND, checkpoint_key, task};
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, Text};
use crate::{App, Caller, Error, Result};

/// Syncs changed in one transaction.
const STEP: usize = 200;
/// Most syncs named in one request.
const NAMES_MAX: usize = 256;

/// How a run is to begin.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Begin {
    /// Cancel what runs, forget date and checkpoints.
    pub reset: bool,
    /// Delete all records first; only together with `reset`.
    pub empty_cache: bool,
}

/// Body of `POST /sync/trigger`, with its headers as fallback.
#[derive(Debug, Clone)]
pub struct TriggerRequest {
    syncs: Vec<SyncName>,
    unique_key: String,
    connection_id: Option<String>,
    begin: Begin,
}

impl TriggerRequest {
    /// Reads the body.
    pub fn parse(body: Option<&Value>, connection_id: Option<&str>, unique_key: Option<&str>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let syncs = read_names(&mut fields, usize::MAX);
        let own_key = fields.opt_text("provider_config_key", Text::any().max(255).pattern(&INTEGRATION_ID));
        let own_connection = fields.opt_text("connection_id", Text::any().max(255).pattern(&CONNECTION_ID));
        let opts = fields.opt_inner("opts", |opts| Begin {
            reset: opts.opt_boolean("reset").unwrap_or_default(),
            empty_cache: opts.opt_boolean("emptyCache").unwrap_or_default(),
        });
        let mode = match fields.raw("sync_mode") {
            None => None,
            Some(Value::String(mode)) if mode == "incremental" => Some(Begin::default()),
            Some(Value::String(mode)) if mode == "full_refresh" => Some(Begin {
                reset: true,
                empty_cache: false,
            }),
            Some(Value::String(mode)) if mode == "full_refresh_and_clear_cache" => Some(Begin {
                reset: true,
                empty_cache: true,
            }),
            Some(_) => {
                let options = "\"incremental\"|\"full_refresh\"|\"full_refresh_and_clear_cache\"";
                fields.complain(
                    "invalid_value",
                    format!("Invalid option: expected one of {options}"),
                    "sync_mode",
                );
                None
            }
        };
        let full = fields.opt_boolean("full_resync");
        fields.strict();
        fields.finish("invalid_body")?;
        check_headers(connection_id, unique_key)?;
        if opts.is_some() && (mode.is_some() || full.is_some()) {
            return Err(Error::invalid_body(
                "Cannot use opts with deprecated sync_mode/full_resync parameters",
            ));
        }
        let unique_key = own_key.or_else(|| unique_key.map(str::to_owned)).ok_or_else(|| {
            Error::refuse(400, "missing_provider_config_key")
                .message("Missing provider_config_key. Provide it in the body or headers.")
        })?;
        let connection_id = own_connection.or_else(|| connection_id.map(str::to_owned));
        let full = full.map(|full| Begin {
            reset: full,
            empty_cache: false,
        });
        Ok(Self {
            syncs,
            unique_key,
            connection_id,
            begin: opts.or(mode).or(full).unwrap_or_default(),
        })
    }

    /// A trigger by a function.
    pub(crate) fn new(syncs: Vec<SyncName>, unique_key: String, connection_id: String, begin: Begin) -> Self {
        Self {
            syncs,
            unique_key,
            connection_id: Some(connection_id),
            begin,
        }
    }
}

/// Refuses headers that name nothing, whether they are needed or not.
fn check_headers(connection_id: Option<&str>, unique_key: Option<&str>) -> Result<()> {
    let given = [("provider-config-key", unique_key), ("connection-id", connection_id)];
    let headers: Map<String, Value> = given
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?))))
        .collect();
    let headers = Value::Object(headers);
    let mut fields = Fields::root(Some(&headers)).map_err(|issues| Error::invalid("invalid_headers", issues))?;
    fields.opt_text("provider-config-key", Text::any().pattern(&INTEGRATION_ID).max(255));
    fields.opt_text("connection-id", Text::any().pattern(&CONNECTION_ID).max(255));
    fields.finish("invalid_headers")
}

/// Body of `POST /sync/start` and `/sync/pause`.
#[derive(Debug, Clone)]
pub struct SwitchRequest {
    syncs: Vec<SyncName>,
    unique_key: String,
    connection_id: Option<String>,
}

impl SwitchRequest {
    /// Reads the body.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let syncs = read_names(&mut fields, NAMES_MAX);
        let unique_key = fields.text("provider_config_key", Text::any().max(255).pattern(&INTEGRATION_ID));
        let connection_id = fields.opt_text("connection_id", Text::any().max(255).pattern(&CONNECTION_ID));
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Self {
            syncs,
            unique_key: unique_key.unwrap_or_default(),
            connection_id,
        })
    }

    /// A start by a function.
    pub(crate) fn new(syncs: Vec<SyncName>, unique_key: String, connection_id: Option<String>) -> Self {
        Self {
            syncs,
            unique_key,
            connection_id,
        }
    }
}

impl App {
    /// Runs syncs now, also paused ones. One that runs already is left alone unless it is reset.
    #[tenon_model::boxed]
    pub async fn trigger_syncs(&self, caller: &Caller, request: TriggerRequest) -> Result<()> {
        caller.require("environment:syncs:execute")?;
        let environment = caller.environment()?.id;
        let place = self
            .sync_place(environment, &request.unique_key, request.connection_id.as_deref())
            .await?;
        let found = found(self.select_syncs(&place, &request.syncs).await?)?;
        for chunk in found.chunks(STEP) {
            let mut tx = self.store().begin().await?;
            let now = self.clock().now();
            for row in chunk {
                trigger(&mut tx, &row.sync, request.begin, now).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Starts or pauses the schedules of syncs. A run under way goes on.
    #[tenon_model::boxed]
    pub async fn switch_syncs(&self, caller: &Caller, request: SwitchRequest, paused: bool) -> Result<()> {
        caller.require("environment:syncs:execute")?;
        let environment = caller.environment()?.id;
        let place = self
            .sync_place(environment, &request.unique_key, request.connection_id.as_deref())
            .await?;
        let found = found(self.select_syncs(&place, &request.syncs).await?)?;
        for chunk in found.chunks(STEP) {
            let mut tx = self.store().begin().await?;
            let now = self.clock().now();
            for row in chunk {
                schedules::set_paused(&mut tx, &schedule_key(row.sync.id), paused, now).await?;
            }
            tx.commit().await?;
        }
        Ok(())
    }
}

fn found(syncs: Vec<ListedSync>) -> Result<Vec<ListedSync>> {
    if syncs.is_empty() {
        return Err(Error::refuse(400, "no_syncs_found")
            .message("No syncs found given the inputs.")
            .payload(json!({})));
    }
    Ok(syncs)
}

/// Enqueues a run of a sync.
#[tenon_model::boxed]
pub(crate) async fn trigger(tx: &mut Tx, sync: &SyncRow, begin: Begin, now: Timestamp) -> Result<()> {
    if begin.reset {
        reset(tx, sync, now).await?;
    }
    let enqueued = enqueue(tx, &task(sync, begin.reset && begin.empty_cache), now).await?;
    if enqueued == Enqueued::Existing {
        tracing::debug!(sync.id = %sync.id, "a sync was triggered that waits or runs already");
    }
    Ok(())
}

/// Cancels what runs or waits, and forgets date and checkpoints.
async fn reset(tx: &mut Tx, sync: &SyncRow, now: Timestamp) -> Result<()> {
    tasks::cancel(tx, KIND, &schedule_key(sync.id), now).await?;
    if let Some(run) = runs::find_open(tx, sync.id).await? {
        runs::finish(tx, run.id, None, "STOPPED", None, Some(CANCELLED), now).await?;
    }
    syncs::set_last_sync(tx, sync.id, None).await?;
    syncs::set_idle(tx, sync.id, 0, None).await?;
    let key = checkpoint_key("sync", &sync.name, &sync.variant);
    checkpoints::clear(tx, sync.connection_id, &key, now).await?;
    Ok(())
}

/// What is stored about a run that somebody stopped.
pub(crate) const CANCELLED: &str = r#"{"type":"script_cancelled","message":"the run was cancelled"}"#;
