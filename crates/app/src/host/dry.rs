//! The platform as a dry run shows it to the function: it reads what is there, and what it writes is collected and shown.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use tenon_runtime::Kind;
use tenon_runtime::protocol::{Host, HostCall, HostError, HostReply, MemoryUse, RecordBatch};
use tenon_store::tables::records::list::Filter;

use super::{Answer, RunHost};
use crate::App;
use crate::functions::RunSubject;
use crate::records::{BASE, Cursor, Target, list};
use crate::syncs::ledger::check_checkpoint;

/// Records that are shown, in bytes of JSON over all models. All are counted.
const SHOWN_BYTES_MAX: usize = 2 << 20;
/// Characters of the log that is shown.
const LOG_CHARS_MAX: usize = 100_000;

/// What stands in for the stored state.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Instead of the connection's metadata.
    pub(crate) metadata: Option<Value>,
    /// The checkpoint to begin with.
    pub(crate) checkpoint: Option<Value>,
}

#[derive(Debug, Default)]
struct Batches {
    counts: [u64; 3],
    shown: [Vec<Value>; 3],
}

#[derive(Debug, Default)]
struct State {
    given: Given,
    metadata_written: bool,
    models: BTreeMap<String, Batches>,
    shown_bytes: usize,
    log: String,
    requests: u64,
}

/// The host of a dry run.
pub(crate) struct DryHost {
    inner: RunHost,
    kind: Kind,
    state: Mutex<State>,
}

impl DryHost {
    pub(crate) fn new(app: &App, subject: &RunSubject, kind: Kind, given: Given) -> Self {
        let state = State {
            given,
            ..State::default()
        };
        Self {
            inner: RunHost::without_records(app.clone(), subject.clone(), kind),
            kind,
            state: Mutex::new(state),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `output`, and for syncs `result`: what the run would have stored.
    pub(crate) fn report(&self) -> Map<String, Value> {
        let state = self.lock();
        let mut output = self.inner.subject.operation.secrets().conceal(state.log.clone());
        let mut records = Map::new();
        for (model, batches) in &state.models {
            let [saved, updated, deleted] = batches.counts;
            output.push_str(&format!(
                "{model}: {saved} saved, {updated} updated, {deleted} deleted\n"
            ));
            let [s, u, d] = &batches.shown;
            let counts = json!({ "saved": saved, "updated": updated, "deleted": deleted });
            records.insert(
                model.clone(),
                json!({ "counts": counts, "saved": s, "updated": u, "deleted": d }),
            );
        }
        output.push_str(&format!("{} requests to the provider\n", state.requests));
        let mut report = Map::new();
        report.insert("output".to_owned(), json!(output));
        if self.kind == Kind::Sync {
            let mut result = Map::new();
            result.insert("records".to_owned(), Value::Object(records));
            result.insert("checkpoint".to_owned(), json!(state.given.checkpoint));
            if state.metadata_written {
                result.insert("metadata".to_owned(), json!(state.given.metadata));
            }
            report.insert("result".to_owned(), Value::Object(result));
        }
        report
    }

    fn note(&self, level: &str, message: &str) {
        let mut state = self.lock();
        if state.log.len() < LOG_CHARS_MAX {
            let line: String = message.chars().take(2_000).collect();
            state.log.push_str(&format!("{level:<5} {line}\n"));
        }
    }

    fn skipped(&self, what: &str, reply: HostReply) -> Answer {
        self.note("info", &format!("{what} does nothing in a dry run"));
        Ok(reply)
    }

    fn batch(&self, place: usize, batch: &RecordBatch) -> Answer {
        let refuse = |why: String| HostError::plain(format!("Failed to save records: {why}"));
        let model = &batch.model;
        if !self.inner.subject.function.definition.models.contains(model) {
            return Err(refuse(format!("the sync does not declare the model {model}")));
        }
        let records: Vec<Value> =
            serde_json::from_str(&batch.records_json).map_err(|error| refuse(error.to_string()))?;
        let has_id = |record: &Value| match record.get("id") {
            Some(Value::String(id)) => !id.is_empty(),
            Some(Value::Number(id)) => id.as_f64() != Some(0.0),
            _ => false,
        };
        if !records.iter().all(has_id) {
            return Err(refuse("Missing id field in record".to_owned()));
        }
        let mut state = self.lock();
        let room = state.shown_bytes < SHOWN_BYTES_MAX;
        if room {
            state.shown_bytes += batch.records_json.len();
        }
        let batches = state.models.entry(model.clone()).or_default();
        if let Some(count) = batches.counts.get_mut(place) {
            *count += u64::try_from(records.len()).unwrap_or(u64::MAX);
        }
        if room && let Some(shown) = batches.shown.get_mut(place) {
            shown.extend(records);
        }
        Ok(HostReply::Unit)
    }

    async fn records(&self, model: &str, filter: Filter, limit: i64) -> Result<Value, HostError> {
        let subject = &self.inner.subject;
        let target = Target::new(subject.environment.id, subject.live.connection.id, model, BASE);
        let page = list::page(&self.inner.app, target, filter, limit).await;
        let page = page.map_err(|error| self.inner.internal(&error))?;
        serde_json::from_str(&page).map_err(|error| HostError::plain(error.to_string()))
    }

    /// The connection with the metadata that this run sees.
    async fn connection(&self, call: HostCall, own: bool) -> Answer {
        let reply = self.inner.call(call).await?;
        let given = self.lock().given.metadata.clone();
        match (reply, given) {
            (HostReply::Json(text), Some(metadata)) if own => {
                let mut connection: Value = serde_json::from_str(&text).unwrap_or_default();
                if let Some(fields) = connection.as_object_mut() {
                    fields.insert("metadata".to_owned(), metadata);
                }
                Ok(HostReply::Json(connection.to_string()))
            }
            (reply, _) => Ok(reply),
        }
    }

    fn write_metadata(&self, text: &str, merge: bool) -> Answer {
        let Ok(Value::Object(written)) = serde_json::from_str(text) else {
            return Err(HostError::plain("Metadata must be an object"));
        };
        let mut state = self.lock();
        let stored = || Value::Object(self.inner.subject.live.connection.metadata.clone());
        let before = state.given.metadata.clone().unwrap_or_else(stored);
        let mut metadata = match before {
            Value::Object(map) if merge => map,
            _ => Map::new(),
        };
        metadata.extend(written);
        let metadata = Value::Object(metadata);
        let answer = json!({
            "connection_id": self.inner.connection(),
            "provider_config_key": self.inner.integration(),
            "metadata": metadata,
        });
        state.given.metadata = Some(metadata);
        state.metadata_written = true;
        Ok(HostReply::Json(answer.to_string()))
    }
}

#[async_trait::async_trait]
impl Host for DryHost {
    async fn call(&self, call: HostCall) -> Answer {
        let no_keys = || HostReply::Json(r#"{"deletedKeys":[]}"#.to_owned());
        match call {
            HostCall::BatchSave(batch) => self.batch(0, &batch),
            HostCall::BatchUpdate(batch) => self.batch(1, &batch),
            HostCall::BatchDelete(batch) => self.batch(2, &batch),
            HostCall::GetRecordsByIds { model, ids } => {
                let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX).max(1);
                let filter = Filter {
                    ids: Some(ids),
                    ..Filter::default()
                };
                let page = self.records(&model, filter, limit).await?;
                let records = page.get("records").cloned().unwrap_or_else(|| json!([]));
                Ok(HostReply::Json(records.to_string()))
            }
            HostCall::ListRecords { model, cursor, limit } => {
                let after = match cursor.as_deref().map(Cursor::parse) {
                    None => None,
                    Some(Some(cursor)) => Some(cursor.0),
                    Some(None) => return Err(HostError::plain("Failed to list records: the cursor is malformed")),
                };
                let filter = Filter {
                    after,
                    ..Filter::default()
                };
                let page = self.records(&model, filter, i64::from(limit.clamp(1, 1_000))).await?;
                Ok(HostReply::Json(page.to_string()))
            }
            HostCall::TrackDeletesStart { .. } => self.skipped("trackDeletesStart()", HostReply::Unit),
            HostCall::TrackDeletesEnd { .. } => self.skipped("trackDeletesEnd()", no_keys()),
            HostCall::DeletePrevious { .. } => self.skipped("deleteRecordsFromPreviousExecutions()", no_keys()),
            HostCall::SetMergingStrategy { .. } => self.skipped("setMergingStrategy()", HostReply::Unit),
            HostCall::TriggerSync { .. } => self.skipped("triggerSync()", HostReply::Unit),
            HostCall::StartSync { .. } => self.skipped("startSync()", HostReply::Unit),
            HostCall::TryAcquireLock { .. } | HostCall::ReleaseLock { .. } => Ok(HostReply::Bool(true)),
            HostCall::ReleaseAllLocks => Ok(HostReply::Unit),
            HostCall::GetCheckpoint => {
                let checkpoint = self.lock().given.checkpoint.clone().unwrap_or(Value::Null);
                Ok(HostReply::Json(checkpoint.to_string()))
            }
            HostCall::SaveCheckpoint { checkpoint_json } => {
                let checkpoint = check_checkpoint(&checkpoint_json).map_err(|issues| {
                    HostError::plain(format!(
                        "Error saving checkpoint: Failed to save checkpoint: {}",
                        Value::Array(issues)
                    ))
                })?;
                self.lock().given.checkpoint = Some(checkpoint);
                Ok(HostReply::Unit)
            }
            HostCall::ClearCheckpoint => {
                self.lock().given.checkpoint = None;
                Ok(HostReply::Unit)
            }
            HostCall::SetMetadata { metadata_json } => self.write_metadata(&metadata_json, false),
            HostCall::UpdateMetadata { metadata_json } => self.write_metadata(&metadata_json, true),
            HostCall::GetConnection {
                ref provider_config_key,
                ref connection_id,
                ..
            } => {
                let own = provider_config_key
                    .as_deref()
                    .is_none_or(|key| key == self.inner.integration())
                    && connection_id.as_deref().is_none_or(|id| id == self.inner.connection());
                self.connection(call, own).await
            }
            HostCall::Log {
                ref level, ref message, ..
            } => {
                self.note(level, message);
                self.inner.call(call).await
            }
            HostCall::Http(_) | HostCall::Fetch(_) => {
                self.lock().requests += 1;
                self.inner.call(call).await
            }
            HostCall::GetToken
            | HostCall::GetIntegration { .. }
            | HostCall::GetEnvironmentVariables
            | HostCall::TriggerAction { .. } => self.inner.call(call).await,
        }
    }

    fn memory_is_short(&self, memory: MemoryUse) {
        self.note("warn", &memory.to_string());
        self.inner.memory_is_short(memory);
    }
}
