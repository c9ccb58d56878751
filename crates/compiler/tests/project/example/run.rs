//! Runs the compiled example in the sandbox, with a host that stands for the platform.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_compiler::{Compiled, Kind as FunctionKind};
use tenon_runtime::{
    Code, Invocation, Kind, Limits, RunContext, RunError,
    protocol::{Body, Host, HostCall, HostError, HostReply, HttpReply, Params, RecordBatch},
};
use tokio_util::sync::CancellationToken;

use super::hubspot::Hubspot;
use crate::sandbox;

/// A connection: HubSpot on one side, the stored copy on the other.
pub struct Run(Arc<Platform>);

struct Platform {
    hubspot: Mutex<Hubspot>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Records by id; deleted ones stay.
    records: BTreeMap<String, (Value, bool)>,
    checkpoint: Option<Value>,
    deletions: usize,
    calls: usize,
    fail_at: Option<usize>,
}

impl Run {
    pub fn new(hubspot: Hubspot) -> Self {
        Self(Arc::new(Platform {
            hubspot: Mutex::new(hubspot),
            state: Mutex::default(),
        }))
    }

    pub fn hubspot<T>(&self, f: impl FnOnce(&mut Hubspot) -> T) -> T {
        f(&mut self.0.hubspot.lock().unwrap())
    }

    /// Id and version (kept in `company`) of every live record.
    pub fn copy(&self) -> BTreeMap<String, String> {
        let state = self.0.state.lock().unwrap();
        let live = state.records.iter().filter(|(_, (_, deleted))| !deleted);
        live.map(|(id, (record, _))| (id.clone(), record["company"].as_str().unwrap().to_owned()))
            .collect()
    }

    pub fn checkpoint(&self) -> Option<Value> {
        self.0.state.lock().unwrap().checkpoint.clone()
    }

    pub fn deletions(&self) -> usize {
        self.0.state.lock().unwrap().deletions
    }

    /// The next run fails at this host call, as if the process had been killed.
    pub fn fail_at(&self, call: usize) {
        let mut state = self.0.state.lock().unwrap();
        state.fail_at = Some(state.calls + call);
    }

    pub fn sync(&self) -> Result<String, RunError> {
        let outcome = self.run(FunctionKind::Sync, Kind::Sync, None);
        self.0.state.lock().unwrap().fail_at = None;
        outcome
    }

    pub fn action(&self, input: &str) -> Result<String, RunError> {
        self.run(FunctionKind::Action, Kind::Action, Some(input.to_owned()))
    }

    fn run(&self, which: FunctionKind, kind: Kind, input_json: Option<String>) -> Result<String, RunError> {
        let function = example()
            .iter()
            .find(|function| function.definition.kind() == which)
            .unwrap();
        let invocation = Invocation {
            tenant: "tests".to_owned(),
            isolate_key: None,
            code: Arc::new(Code {
                hash: function.hash.clone(),
                js: function.js.clone(),
                filename: function.trace_name(),
            }),
            kind,
            input_json,
            context_json: RunContext {
                connection_id: "c".to_owned(),
                provider_config_key: "hubspot".to_owned(),
                provider: "hubspot".to_owned(),
                function_name: function.name().to_owned(),
                ..RunContext::default()
            }
            .to_json(),
            limits: Limits {
                wall: Duration::from_secs(60),
                ..Limits::default()
            },
            cancel: CancellationToken::new(),
            taping: tenon_runtime::Taping::Off,
        };
        let host: Arc<dyn Host> = self.0.clone();
        sandbox::tokio()
            .block_on(sandbox::runtime().run(invocation, host))
            .result
    }
}

fn example() -> &'static [Compiled] {
    static EXAMPLE: OnceLock<Vec<Compiled>> = OnceLock::new();
    EXAMPLE.get_or_init(|| {
        let project = sandbox::compile(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hubspot-contacts"));
        assert_eq!(sandbox::render(&project.diagnostics), "");
        project.functions
    })
}

#[async_trait]
impl Host for Platform {
    async fn call(&self, call: HostCall) -> Result<HostReply, HostError> {
        if !matches!(call, HostCall::Log { .. }) {
            let mut state = self.state.lock().unwrap();
            state.calls += 1;
            if state.fail_at.is_some_and(|at| state.calls >= at) {
                return Err(HostError::sdk("script_aborted", "killed"));
            }
        }
        match call {
            HostCall::Http(request) => {
                let params = match request.params {
                    Params::Pairs(pairs) => pairs.into_iter().collect(),
                    Params::Text(_) => BTreeMap::new(),
                };
                let body = match request.body {
                    Body::Json { text } => text,
                    _ => String::new(),
                };
                let mut hubspot = self.hubspot.lock().unwrap();
                let (status, answer) = hubspot.answer(&request.method, &request.endpoint, &params, &body);
                Ok(HostReply::Http(HttpReply {
                    status,
                    headers: vec![
                        ("content-type".to_owned(), "application/json".to_owned()),
                        ("date".to_owned(), hubspot.date()),
                    ],
                    body: answer.to_string().into(),
                    ..HttpReply::default()
                }))
            }
            HostCall::BatchSave(batch) => {
                let mut state = self.state.lock().unwrap();
                for record in records(&batch) {
                    state
                        .records
                        .insert(record["id"].as_str().unwrap().to_owned(), (record, false));
                }
                Ok(HostReply::Unit)
            }
            HostCall::BatchDelete(batch) => {
                let mut state = self.state.lock().unwrap();
                for record in records(&batch) {
                    state.deletions += 1;
                    if let Some(stored) = state.records.get_mut(record["id"].as_str().unwrap()) {
                        stored.1 = true;
                    }
                }
                Ok(HostReply::Unit)
            }
            HostCall::GetRecordsByIds { ids, .. } => {
                let state = self.state.lock().unwrap();
                let found: Vec<Value> = ids
                    .iter()
                    .filter_map(|id| state.records.get(id))
                    .map(|(record, deleted)| {
                        let mut record = record.clone();
                        record["_nango_metadata"] =
                            json!({ "last_action": if *deleted { "DELETED" } else { "ADDED" } });
                        record
                    })
                    .collect();
                Ok(HostReply::Json(json!(found).to_string()))
            }
            HostCall::GetCheckpoint => {
                let state = self.state.lock().unwrap();
                Ok(HostReply::Json(
                    state.checkpoint.clone().unwrap_or(Value::Null).to_string(),
                ))
            }
            HostCall::SaveCheckpoint { checkpoint_json } => {
                self.state.lock().unwrap().checkpoint = Some(serde_json::from_str(&checkpoint_json).unwrap());
                Ok(HostReply::Unit)
            }
            HostCall::Log { .. } => Ok(HostReply::Unit),
            other => Err(HostError::plain(format!("not expected: {other:?}"))),
        }
    }
}

fn records(batch: &RecordBatch) -> Vec<Value> {
    assert_eq!(batch.model, "Contact");
    serde_json::from_str(&batch.records_json).unwrap()
}
