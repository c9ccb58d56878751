//! The platform as a dry run shows it to the function.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use async_trait::async_trait;
use http::{HeaderMap, Method};
use serde_json::Value;
use tenon_runtime::protocol::{
    FetchCall, Host, HostCall, HostError, HostReply, HttpCall, HttpReply, MemoryUse, RecordBatch, SyncRef,
};

use super::{
    Options, Target,
    collected::{Batches, Collected, LogLine, RequestLine, check_checkpoint, merge},
    nested::{Nested, told},
    platform::Platform,
    proxy::{Filling, prepare},
    render::log_line,
};
use crate::{
    authoring::{
        client::{Answer, Client, ClientError, put_header},
        terminal::{Terminal, note},
    },
    testing::record,
};

/// Answers the calls of one dry run.
pub struct DryHost {
    client: Arc<Client>,
    platform: Platform,
    integration: String,
    connection_id: String,
    /// What placeholders in an endpoint are filled from.
    filling: Filling,
    is_sync: bool,
    live: bool,
    save: bool,
    terminal: Terminal,
    nested: Nested,
    options: Options,
    collected: Mutex<Collected>,
}

impl DryHost {
    /// A host for one run of `target`.
    pub fn new(nested: Nested, target: &Target<'_>, options: &Options, label: &str) -> Self {
        let client = Arc::clone(&nested.client);
        let mut collected = Collected {
            checkpoint: options.checkpoint.clone(),
            ..Collected::default()
        };
        if options.save {
            collected.recorder.learn(&target.connection["credentials"]);
            collected.recorder.learn(&target.connection["connection_config"]);
        }
        Self {
            platform: Platform::new(Arc::clone(&client), target, options),
            client,
            integration: target.function.integration().to_owned(),
            connection_id: target.connection_id.clone(),
            filling: Filling::of(target, options),
            is_sync: label == "sync",
            live: options.live,
            save: options.save,
            terminal: nested.terminal,
            nested,
            options: options.clone(),
            collected: Mutex::new(collected),
        }
    }

    /// What was collected; the run must have ended.
    pub fn into_collected(self: Arc<Self>) -> Collected {
        let mut collected = std::mem::take(&mut *self.lock());
        collected.metadata = self.platform.changed_metadata();
        collected
    }

    fn lock(&self) -> MutexGuard<'_, Collected> {
        self.collected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self, level: &str, message: String, meta: Option<Value>) {
        let line = LogLine {
            level: level.to_owned(),
            message,
            meta,
        };
        if self.live {
            note(&log_line(&line, self.terminal));
        }
        self.lock().logs.push(line);
    }

    async fn http(&self, mut call: HttpCall) -> Result<HostReply, HostError> {
        self.filling.fill(&mut call.endpoint);
        let prepared =
            prepare(&call, &self.integration, &self.connection_id, self.is_sync).map_err(HostError::plain)?;
        let start = Instant::now();
        let shown = prepared.path.trim_start_matches("/proxy").to_owned();
        let answer = self
            .client
            .send(prepared.method, &prepared.path, prepared.headers, prepared.body)
            .await;
        let line = RequestLine {
            method: call.method.clone(),
            path: shown,
            status: answer.as_ref().ok().map(|answer| answer.status.as_u16()),
            duration_ms: start.elapsed().as_millis(),
        };
        if self.live {
            note(&super::render::request_line(&line, self.terminal));
        }
        self.lock().requests.push(line);
        let reply = reply(answer.map_err(network)?);
        if let Some(failure) = without_answer(&reply) {
            return Err(failure);
        }
        if self.save {
            self.lock().recorder.add(&call, &reply);
        }
        Ok(HostReply::Http(reply))
    }

    /// Notes an answer of the platform for a fixture.
    fn noted(
        &self,
        name: &str,
        answer: Result<HostReply, HostError>,
        shown: fn(&Value) -> Value,
    ) -> Result<HostReply, HostError> {
        let answer = answer?;
        if let (true, HostReply::Json(text)) = (self.save, &answer) {
            let value = serde_json::from_str(text).unwrap_or(Value::Null);
            let mut collected = self.lock();
            match &value {
                Value::String(token) if name == "getToken" => collected.recorder.learn_token(token),
                given => collected.recorder.learn(given),
            }
            collected.recorder.note(name, shown(&value));
        }
        Ok(answer)
    }

    async fn fetch(&self, call: FetchCall) -> Result<HostReply, HostError> {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| HostError::plain("not a method"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &call.headers {
            put_header(&mut headers, name, value);
        }
        let answer = self
            .client
            .fetch(method, &call.url, headers, call.body.map(Into::into))
            .await;
        Ok(HostReply::Http(reply(answer.map_err(network)?)))
    }

    fn batch(
        &self,
        batch: &RecordBatch,
        list: impl Fn(&mut Batches) -> &mut Vec<Value>,
    ) -> Result<HostReply, HostError> {
        let records: Vec<Value> = serde_json::from_str(&batch.records_json)
            .map_err(|error| HostError::plain(format!("Failed to save records: {error}")))?;
        let has_id = |record: &Value| match &record["id"] {
            Value::String(id) => !id.is_empty(),
            Value::Number(id) => id.as_f64() != Some(0.0),
            _ => false,
        };
        if !records.iter().all(has_id) {
            return Err(HostError::plain("Failed to save records: Missing id field in record"));
        }
        let mut collected = self.lock();
        let stored = list(collected.models.entry(batch.model.clone()).or_default());
        stored.extend(records);
        Ok(HostReply::Unit)
    }

    fn skipped(&self, what: &str) -> HostReply {
        self.log("info", format!("{what} does nothing in a dry run"), None);
        HostReply::Unit
    }

    /// Runs a sync of the project here. How it ends does not concern the function, which does not wait for it on a server.
    async fn trigger(&self, integration: &str, connection: &str, sync: &SyncRef) -> HostReply {
        let name = &sync.name;
        match self.nested.sync(&self.options, integration, connection, sync).await {
            Ok(finished) => {
                {
                    let mut collected = self.lock();
                    collected.logs.extend(finished.collected.logs.iter().cloned());
                    collected.requests.extend(finished.collected.requests.iter().cloned());
                }
                let (level, how) = match &finished.outcome.result {
                    Ok(_) => ("info", "ran here and stored nothing".to_owned()),
                    Err(error) => ("error", format!("failed here: {} {}", error.type_, error.message)),
                };
                self.log(level, format!("triggerSync('{name}') {how}"), Some(told(&finished)));
            }
            Err(reason) => self.log(
                "warn",
                format!("triggerSync('{name}') does nothing in a dry run: {reason}"),
                None,
            ),
        }
        HostReply::Unit
    }

    fn checkpoint(&self, value: Option<Value>) -> HostReply {
        self.lock().checkpoint = value;
        HostReply::Unit
    }
}

#[async_trait]
impl Host for DryHost {
    async fn call(&self, call: HostCall) -> Result<HostReply, HostError> {
        match call {
            HostCall::Http(call) => self.http(call).await,
            HostCall::Fetch(call) => self.fetch(call).await,
            HostCall::BatchSave(batch) => self.batch(&batch, |batches| &mut batches.saved),
            HostCall::BatchUpdate(batch) => self.batch(&batch, |batches| &mut batches.updated),
            HostCall::BatchDelete(batch) => self.batch(&batch, |batches| &mut batches.deleted),
            HostCall::GetRecordsByIds { model, ids } => self.platform.records_by_ids(&model, &ids).await,
            HostCall::ListRecords { model, cursor, limit } => {
                self.platform.list_records(&model, cursor.as_deref(), limit).await
            }
            HostCall::TrackDeletesStart { model } => Ok(self.skipped(&format!("trackDeletesStart('{model}')"))),
            HostCall::TrackDeletesEnd { model } => {
                self.skipped(&format!("trackDeletesEnd('{model}')"));
                Ok(HostReply::Json(r#"{"deletedKeys":[]}"#.to_owned()))
            }
            HostCall::DeletePrevious { model } => {
                self.skipped(&format!("deleteRecordsFromPreviousExecutions('{model}')"));
                Ok(HostReply::Json(r#"{"deletedKeys":[]}"#.to_owned()))
            }
            HostCall::SetMergingStrategy { model, .. } => Ok(self.skipped(&format!("setMergingStrategy('{model}')"))),
            HostCall::GetCheckpoint => {
                let checkpoint = self.lock().checkpoint.clone().unwrap_or(Value::Null);
                Ok(HostReply::Json(checkpoint.to_string()))
            }
            HostCall::SaveCheckpoint { checkpoint_json } => {
                let value: Value = serde_json::from_str(&checkpoint_json).unwrap_or(Value::Null);
                check_checkpoint(&value)
                    .map_err(|reason| HostError::plain(format!("Error saving checkpoint: {reason}")))?;
                Ok(self.checkpoint(Some(value)))
            }
            HostCall::ClearCheckpoint => Ok(self.checkpoint(None)),
            HostCall::GetConnection {
                provider_config_key,
                connection_id,
                force_refresh,
                refresh_token,
                refresh_github_app_jwt_token,
                metadata_only,
            } => {
                let flags = [
                    ("force_refresh", force_refresh),
                    ("refresh_token", refresh_token),
                    ("refresh_github_app_jwt_token", refresh_github_app_jwt_token),
                ];
                let answer = self
                    .platform
                    .connection(provider_config_key.as_deref(), connection_id.as_deref(), &flags)
                    .await;
                if metadata_only {
                    self.noted("getMetadata", answer, |connection| connection["metadata"].clone())
                } else {
                    self.noted("getConnection", answer, record::connection)
                }
            }
            HostCall::GetToken => self.noted("getToken", self.platform.token().await, record::redacted),
            HostCall::SetMetadata { metadata_json } => {
                self.platform
                    .set_metadata(serde_json::from_str(&metadata_json).unwrap_or(Value::Null));
                Ok(HostReply::Unit)
            }
            HostCall::UpdateMetadata { metadata_json } => {
                let patch: Value = serde_json::from_str(&metadata_json).unwrap_or(Value::Null);
                self.platform
                    .set_metadata(merge(self.platform.metadata().as_ref(), &patch));
                Ok(HostReply::Unit)
            }
            HostCall::GetIntegration { include } => self.platform.integration(&include).await,
            HostCall::GetEnvironmentVariables => {
                let answer = self.platform.environment_variables().await?;
                if let (true, HostReply::Json(text)) = (self.save, &answer) {
                    let variables = serde_json::from_str(text).unwrap_or(Value::Null);
                    self.lock().recorder.learn_variables(&variables);
                }
                Ok(answer)
            }
            HostCall::Log {
                level,
                message,
                meta_json,
            } => {
                let meta = meta_json.and_then(|text| serde_json::from_str(&text).ok());
                self.log(&level, message, meta);
                Ok(HostReply::Unit)
            }
            HostCall::TriggerAction {
                provider_config_key,
                connection_id,
                action,
                input_json,
            } => {
                self.platform
                    .trigger_action(&provider_config_key, &connection_id, &action, input_json)
                    .await
            }
            HostCall::TriggerSync {
                provider_config_key,
                connection_id,
                sync,
                ..
            } => Ok(self.trigger(&provider_config_key, &connection_id, &sync).await),
            HostCall::StartSync { .. } => Ok(self.skipped("startSync()")),
            HostCall::TryAcquireLock { .. } | HostCall::ReleaseLock { .. } => Ok(HostReply::Bool(true)),
            HostCall::ReleaseAllLocks => Ok(HostReply::Unit),
        }
    }

    fn memory_is_short(&self, memory: MemoryUse) {
        self.log("warn", memory.to_string(), None);
    }
}

/// A failed exchange as the function sees it.
pub fn network(error: ClientError) -> HostError {
    match error {
        ClientError::Unreachable { ref reason, code, .. } => HostError::network(code, reason.clone()),
        ClientError::Refused { status, body, .. } => HostError::platform(status, body.to_string()),
    }
}

/// What the server's proxy answers when the provider does not (HTTP contract, 5.1) is a failure without an answer to a function, as
/// it is on the server.
fn without_answer(reply: &HttpReply) -> Option<HostError> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Failed {
        code: String,
        message: String,
        #[serde(rename = "method")]
        _method: String,
    }
    let Failed { code, message, .. } = serde_json::from_slice(&reply.body).ok()?;
    (reply.status == 500 && code.starts_with('E')).then(|| HostError::network(code, message))
}

fn reply(answer: Answer) -> HttpReply {
    HttpReply {
        status: answer.status.as_u16(),
        status_text: answer.status.canonical_reason().unwrap_or("").to_owned(),
        headers: answer
            .headers
            .iter()
            .filter_map(|(name, value)| Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned())))
            .collect(),
        url: Some(answer.url),
        body: answer.body,
    }
}
