//! The platform as a recording shows it to the function: nothing leaves the machine, everything is remembered.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use tenon_model::SystemRng;
use tenon_runtime::protocol::{
    Body, FetchCall, Host, HostCall, HostError, HostReply, HttpCall, HttpReply, RecordBatch,
};
use tokio_util::sync::CancellationToken;

use super::{
    identity::Identity,
    recording::{Batches, Recording, answer_text},
    staging::Staging,
    torture::{Disturbance, Watch},
    unknowns::Unknowns,
    world::World,
};

/// Answers the calls of one run.
pub struct ReplayHost {
    recording: Arc<Recording>,
    staging: Arc<Staging>,
    rng: SystemRng,
    disturbance: Disturbance,
    cancel: CancellationToken,
    seen: Mutex<Seen>,
}

/// What the function did.
#[derive(Debug, Default)]
pub struct Seen {
    /// Saved records by model, all batches together, in the order of the calls.
    pub saved: Batches,
    /// Deleted records, likewise.
    pub deleted: Batches,
    /// Requests without a recorded answer, and why.
    pub unanswered: Vec<String>,
    /// `nango` methods whose answer the fixture lacks.
    pub lacking: Vec<String>,
    /// What names of the connection stand for.
    pub unknowns: Unknowns,
    /// What is stored.
    pub world: World,
    /// What happened, for disturbances to be derived from it.
    pub watch: Watch,
}

type Answer = Result<HostReply, HostError>;

impl ReplayHost {
    /// A host for one run in `world`. A disturbance that kills the run does it by `cancel`.
    pub fn new(
        recording: Arc<Recording>,
        staging: Arc<Staging>,
        mut world: World,
        disturbance: Disturbance,
        cancel: CancellationToken,
    ) -> Self {
        world.begin();
        Self {
            recording,
            staging,
            rng: SystemRng::default(),
            disturbance,
            cancel,
            seen: Mutex::new(Seen {
                world,
                ..Seen::default()
            }),
        }
    }

    /// What the function did; the run must have ended.
    pub fn into_seen(self: Arc<Self>) -> Seen {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn http(&self, call: HttpCall) -> Answer {
        let own_token = call
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        let mut request = Identity::of(call, &self.rng).map_err(HostError::plain)?;
        self.lock().unknowns.resolve(&mut request, &self.recording);
        if let Some(status) = self.disturbance.refusal(&mut self.lock().watch, &request, own_token) {
            let status = Value::from(status);
            return Ok(HostReply::Json(answer_text(Some(&json!({})), Some(&status), None)));
        }
        let answer = match self.disturbance.replaced(&request) {
            Some(text) => Ok(text),
            None => self.recording.answer(&request),
        };
        match answer {
            Ok(text) => {
                if self.disturbance.is_watched() {
                    self.lock().watch.answered(&request, &text);
                }
                Ok(HostReply::Json(text))
            }
            Err(reason) => {
                self.lock().unanswered.push(reason.clone());
                Err(HostError::plain(reason))
            }
        }
    }

    /// A request without credentials is answered like any other, also where only its path and body were recorded.
    fn fetch(&self, call: FetchCall) -> Answer {
        let text = call.body.unwrap_or_default();
        let body = match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(_) | Value::Array(_)) => Body::Json { text },
            _ => Body::Text { text },
        };
        let whole = HttpCall {
            method: call.method,
            endpoint: call.url.clone(),
            headers: call.headers,
            body,
            ..HttpCall::default()
        };
        let bare = HttpCall {
            endpoint: call.url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            headers: Vec::new(),
            ..whole.clone()
        };
        let answered = self.http(whole).or_else(|_| self.http(bare))?;
        let HostReply::Json(text) = answered else {
            return Ok(answered);
        };
        let recorded: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let headers = recorded.get("headers").and_then(Value::as_object);
        let headers = headers.into_iter().flatten();
        let body = match recorded.get("data") {
            Some(Value::String(text)) => text.clone(),
            Some(data) => data.to_string(),
            None => String::new(),
        };
        Ok(HostReply::Http(HttpReply {
            status: recorded["status"]
                .as_u64()
                .and_then(|status| u16::try_from(status).ok())
                .unwrap_or(200),
            headers: headers
                .filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
                .collect(),
            url: Some(call.url),
            body: body.into(),
            ..HttpReply::default()
        }))
    }

    fn batch(&self, batch: &RecordBatch, write: Write) -> Answer {
        let records: Vec<Value> = serde_json::from_str(&batch.records_json)
            .map_err(|error| HostError::plain(format!("the records are no list: {error}")))?;
        let mut seen = self.lock();
        let seen = &mut *seen;
        let (list, name, done) = match write {
            Write::Save => (
                Some(&mut seen.saved),
                "batchSave",
                seen.world.save(&batch.model, records.clone()),
            ),
            Write::Update => (None, "batchUpdate", seen.world.update(&batch.model, records.clone())),
            Write::Delete => (
                Some(&mut seen.deleted),
                "batchDelete",
                seen.world.delete(&batch.model, records.clone()),
            ),
        };
        if let Some(batches) = list {
            match batches.iter_mut().find(|(model, _)| *model == batch.model) {
                Some((_, known)) => known.extend(records),
                None => batches.push((batch.model.clone(), records)),
            }
        }
        self.written(seen, name, done)
    }

    /// The end of a write. What production refuses is refused only where production is what is tested: expectations of
    /// the public kit were recorded without such checks.
    fn written(&self, seen: &mut Seen, name: &'static str, done: Result<(), String>) -> Answer {
        if let Err(reason) = done
            && self.disturbance.is_watched()
        {
            return Err(HostError::plain(reason));
        }
        if self.disturbance.kills(&mut seen.watch, name) {
            self.cancel.cancel();
            return Err(HostError::plain("the run was killed"));
        }
        Ok(HostReply::Unit)
    }

    fn track_deletes_end(&self, model: &str) -> Answer {
        let mut seen = self.lock();
        let deleted = seen.world.delete_unseen(model);
        let keys = deleted.clone().unwrap_or_default();
        self.written(&mut seen, "trackDeletesEnd", deleted.map(drop))?;
        drop(seen);
        match self.optional("trackDeletesEnd") {
            HostReply::Unit if self.disturbance.is_watched() => json_reply(json!({ "deletedKeys": keys })),
            canned => Ok(canned),
        }
    }

    /// What `nango.<name>` answers: the test's own value, else the recorded one.
    fn canned(&self, name: &str) -> Option<Value> {
        self.staging.canned(name).or_else(|| self.recording.canned(name))
    }

    /// A canned value that a function cannot do without.
    fn required(&self, name: &str) -> Result<Value, HostError> {
        self.canned(name).ok_or_else(|| {
            self.lock().lacking.push(name.to_owned());
            if self.staging.unread.contains(&name) {
                return HostError::plain(format!(
                    "the test beside the fixture gives nango.{name} in a way that is not understood; put it into the fixture"
                ));
            }
            HostError::plain(format!("the fixture has no nango.{name}"))
        })
    }

    /// A canned value, or nothing.
    fn optional(&self, name: &str) -> HostReply {
        match self.canned(name) {
            Some(value) => HostReply::Json(value.to_string()),
            None => HostReply::Unit,
        }
    }

    fn connection(&self, metadata_only: bool) -> Answer {
        let answer = if metadata_only {
            json!({ "metadata": self.required("getMetadata")? })
        } else {
            self.required("getConnection")?
        };
        Ok(HostReply::Json(answer.to_string()))
    }

    fn checkpoint(&self, text: Option<String>) -> Answer {
        let mut seen = self.lock();
        let (name, done) = match text {
            Some(text) => ("saveCheckpoint", seen.world.save_checkpoint(text)),
            None => ("clearCheckpoint", seen.world.clear_checkpoint()),
        };
        self.written(&mut seen, name, done)
    }
}

/// What a batch does.
#[derive(Clone, Copy)]
enum Write {
    Save,
    Update,
    Delete,
}

fn json_reply(value: Value) -> Answer {
    Ok(HostReply::Json(value.to_string()))
}

fn not_recorded(what: &str) -> Answer {
    Err(HostError::plain(format!("{what} has no place in a recording")))
}

#[async_trait]
impl Host for ReplayHost {
    async fn call(&self, call: HostCall) -> Answer {
        if self.cancel.is_cancelled() {
            return Err(HostError::plain("the run was killed"));
        }
        match call {
            HostCall::Http(call) => self.http(call),
            HostCall::Fetch(call) => self.fetch(call),
            HostCall::BatchSave(batch) => self.batch(&batch, Write::Save),
            HostCall::BatchUpdate(batch) => self.batch(&batch, Write::Update),
            HostCall::BatchDelete(batch) => self.batch(&batch, Write::Delete),
            HostCall::SetMergingStrategy { .. } | HostCall::Log { .. } => Ok(HostReply::Unit),
            HostCall::GetRecordsByIds { model, ids } => json_reply(self.lock().world.by_ids(&model, &ids).into()),
            // The kit lists nothing; here, what the fixture says was there before.
            HostCall::ListRecords { model, .. } => {
                let lists = self.disturbance.is_watched() || self.recording.knows_records();
                let records = if lists {
                    self.lock().world.list(&model)
                } else {
                    Vec::new()
                };
                json_reply(json!({ "records": records, "next_cursor": null }))
            }
            HostCall::TrackDeletesStart { model } => {
                let mut seen = self.lock();
                seen.world.track(&model);
                self.written(&mut seen, "trackDeletesStart", Ok(()))?;
                Ok(self.optional("trackDeletesStart"))
            }
            HostCall::TrackDeletesEnd { model } => self.track_deletes_end(&model),
            HostCall::DeletePrevious { model } => {
                let mut seen = self.lock();
                seen.world.delete_previous(&model);
                self.written(&mut seen, "deleteRecordsFromPreviousExecutions", Ok(()))?;
                Ok(self.optional("deleteRecordsFromPreviousExecutions"))
            }
            HostCall::GetCheckpoint => {
                let text = self.lock().world.checkpoint.clone();
                Ok(HostReply::Json(text.unwrap_or_else(|| "null".to_owned())))
            }
            HostCall::SaveCheckpoint { checkpoint_json } => self.checkpoint(Some(checkpoint_json)),
            HostCall::ClearCheckpoint => self.checkpoint(None),
            HostCall::GetConnection { metadata_only, .. } => self.connection(metadata_only),
            HostCall::GetToken => json_reply(self.required("getToken")?),
            HostCall::SetMetadata { .. } => Ok(self.optional("setMetadata")),
            HostCall::UpdateMetadata { .. } => Ok(self.optional("updateMetadata")),
            HostCall::GetIntegration { include } if include.iter().any(|part| part == "webhook") => {
                json_reply(json!({ "webhook_url": "https://example.com/webhook" }))
            }
            HostCall::GetIntegration { .. } => json_reply(self.required("getIntegration")?),
            HostCall::GetEnvironmentVariables => json_reply(self.required("getEnvironmentVariables")?),
            HostCall::TriggerAction { .. } => not_recorded("triggerAction"),
            HostCall::TriggerSync { .. } | HostCall::StartSync { .. } => Ok(HostReply::Unit),
            HostCall::TryAcquireLock { .. } | HostCall::ReleaseLock { .. } => Ok(HostReply::Bool(true)),
            HostCall::ReleaseAllLocks => Ok(HostReply::Unit),
        }
    }
}
