//! What functions may ask: the answers to [`HostCall`]s of hosted runs.
//!
//! Everything goes through the verbs that the public routes use, on behalf of the run's environment, so a function can do
//! what its author's API key can do and nothing else. Credentials reach a function only when it asks for them by name
//! (`getConnection`, `getToken`), and that is written into the run's log.

mod calls;
mod connection;
pub(crate) mod dry;
mod http;
mod records;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use serde_json::Value;
use tenon_credentials::SecretJson;
use tenon_runtime::Kind;
use tenon_runtime::protocol::{Host, HostCall, HostError, HostReply, MemoryUse};
use tenon_store::tables::locks;
use tokio::sync::OnceCell;

use crate::functions::RunSubject;
use crate::operations::Level;
use crate::operations::redact::secret_texts;
use crate::syncs::checkpoint_key;
use crate::syncs::ledger::Ledger;
use crate::{App, Caller, Result};

/// What a call of the function ends with.
type Answer = Result<HostReply, HostError>;

/// The host of a run that is no sync: an action or an on-event function.
pub(crate) fn for_run(app: &App, subject: &RunSubject, kind: Kind) -> Arc<dyn Host> {
    Arc::new(RunHost::without_records(app.clone(), subject.clone(), kind))
}

/// The host of one run.
pub(crate) struct RunHost {
    app: App,
    subject: RunSubject,
    caller: Caller,
    kind: Kind,
    ledger: OnceCell<Arc<Ledger>>,
    locked: AtomicBool,
    begun: Instant,
}

impl RunHost {
    /// The host of a run with records.
    pub(crate) fn new(app: App, subject: RunSubject, kind: Kind, ledger: Arc<Ledger>) -> Self {
        let host = Self::without_records(app, subject, kind);
        // The cell is new, so it takes the value.
        let _ = host.ledger.set(ledger);
        host
    }

    fn without_records(app: App, subject: RunSubject, kind: Kind) -> Self {
        let caller = Caller::platform(Arc::clone(&subject.environment));
        // Whatever the function or its provider does, what it holds does not get into logs and errors.
        let credentials = serde_json::to_value(&subject.live.opened.credentials).unwrap_or_default();
        let config = Value::Object(subject.live.connection.config.clone());
        subject.operation.keep_secret(|known| {
            secret_texts(SecretJson::new(credentials).expose(), known);
            secret_texts(SecretJson::new(config).expose(), known);
        });
        Self {
            app,
            subject,
            caller,
            kind,
            ledger: OnceCell::new(),
            locked: AtomicBool::new(false),
            begun: Instant::now(),
        }
    }

    /// The run's ledger; for functions that are no syncs it is opened when they first use a checkpoint.
    async fn ledger(&self) -> Result<&Arc<Ledger>, HostError> {
        let open = || async {
            let script_type = match self.kind {
                Kind::Sync => "sync",
                Kind::Action => "action",
                Kind::OnEvent => "on-event",
                Kind::Webhook => "webhook",
            };
            let name = &self.subject.function.name;
            let key = match self.kind {
                Kind::Sync | Kind::Webhook => checkpoint_key(script_type, name, crate::records::BASE),
                Kind::Action | Kind::OnEvent => format!("{script_type}:{name}"),
            };
            let (environment, connection) = (self.subject.environment.id, self.subject.live.connection.id);
            Ledger::open(&self.app, environment, connection, key, None)
                .await
                .map(Arc::new)
        };
        self.ledger
            .get_or_try_init(open)
            .await
            .map_err(|error| self.internal(&error))
    }

    /// The run's integration.
    fn integration(&self) -> &str {
        &self.subject.live.connection.unique_key
    }

    /// The run's connection.
    fn connection(&self) -> &str {
        &self.subject.live.connection.connection_id
    }

    /// Our own failure: the operator's log has the details, the function a sentence.
    fn internal(&self, error: &crate::Error) -> HostError {
        tracing::error!(operation.id = %self.subject.operation.id(), error = ?error, "a host call failed inside the server");
        HostError::plain("The platform failed to answer this call; its log has the details")
    }

    /// Our own failure, or the refusal that the public API gives in the same case.
    fn refused(&self, error: &crate::Error) -> HostError {
        match error.refusal() {
            Some(refusal) => HostError::platform(refusal.status, refusal.envelope().to_string()),
            None => self.internal(error),
        }
    }

    fn log(&self, level: Level, message: impl Into<String>) {
        self.subject.operation.log(level, message, None);
    }
}

#[async_trait::async_trait]
impl Host for RunHost {
    async fn call(&self, call: HostCall) -> Answer {
        if let Some(guard) = &self.subject.guard {
            guard.check(&call)?;
        }
        match call {
            HostCall::Http(call) => self.http(call).await,
            HostCall::Fetch(call) => self.fetch(call).await,
            HostCall::BatchSave(batch) => self.batch(crate::records::Operation::Save, batch).await,
            HostCall::BatchUpdate(batch) => self.batch(crate::records::Operation::Update, batch).await,
            HostCall::BatchDelete(batch) => self.batch(crate::records::Operation::Delete, batch).await,
            HostCall::GetRecordsByIds { model, ids } => self.records_by_ids(&model, ids).await,
            HostCall::ListRecords { model, cursor, limit } => self.list_records(&model, cursor, limit).await,
            HostCall::TrackDeletesStart { model } => self.track_deletes_start(&model).await,
            HostCall::TrackDeletesEnd { model } => self.track_deletes_end(&model).await,
            HostCall::DeletePrevious { model } => self.delete_previous(&model).await,
            HostCall::SetMergingStrategy { model, strategy } => self.set_merging(&model, &strategy).await,
            HostCall::GetCheckpoint => self.get_checkpoint().await,
            HostCall::SaveCheckpoint { checkpoint_json } => self.save_checkpoint(&checkpoint_json).await,
            HostCall::ClearCheckpoint => self.clear_checkpoint().await,
            HostCall::GetConnection {
                provider_config_key,
                connection_id,
                force_refresh,
                refresh_token,
                refresh_github_app_jwt_token,
                metadata_only,
            } => {
                let wanted = connection::Wanted {
                    unique_key: provider_config_key.as_deref().unwrap_or(self.integration()),
                    connection_id: connection_id.as_deref().unwrap_or(self.connection()),
                    force_refresh,
                    refresh_token,
                    app_token: refresh_github_app_jwt_token,
                };
                if metadata_only {
                    self.metadata(&wanted).await
                } else {
                    self.get_connection(&wanted).await
                }
            }
            HostCall::GetToken => self.get_token().await,
            HostCall::SetMetadata { metadata_json } => self.write_metadata(&metadata_json, false).await,
            HostCall::UpdateMetadata { metadata_json } => self.write_metadata(&metadata_json, true).await,
            HostCall::GetIntegration { include } => self.get_integration(&include).await,
            HostCall::GetEnvironmentVariables => self.environment_variables().await,
            HostCall::Log {
                level,
                message,
                meta_json,
            } => {
                self.subject
                    .operation
                    .log_json(Level::from_name(&level), message, meta_json.as_deref());
                Ok(HostReply::Unit)
            }
            HostCall::TriggerAction {
                provider_config_key,
                connection_id,
                action,
                input_json,
            } => {
                self.trigger_action(provider_config_key, connection_id, action, input_json)
                    .await
            }
            HostCall::TriggerSync {
                provider_config_key,
                connection_id,
                sync,
                reset,
                empty_cache,
            } => {
                self.trigger_sync(provider_config_key, connection_id, sync, reset, empty_cache)
                    .await
            }
            HostCall::StartSync {
                provider_config_key,
                syncs,
                connection_id,
            } => self.start_sync(provider_config_key, syncs, connection_id).await,
            HostCall::TryAcquireLock { key, ttl_ms } => self.acquire_lock(&key, ttl_ms).await,
            HostCall::ReleaseLock { key } => self.release_lock(&key).await,
            HostCall::ReleaseAllLocks => self.release_all_locks().await,
        }
    }

    fn memory_is_short(&self, memory: MemoryUse) {
        self.log(Level::Warn, memory.to_string());
    }
}

impl Drop for RunHost {
    /// Locks end with the run, whatever its outcome.
    fn drop(&mut self) {
        if self.locked.load(Ordering::SeqCst) {
            let app = self.app.clone();
            let (environment, owner) = (self.subject.environment.id, self.subject.operation.id().clone());
            self.app.spawn("release the locks of a run", async move {
                let mut tx = app.store().begin().await?;
                locks::release_all(&mut tx, environment, &owner.0).await?;
                Ok(tx.commit().await?)
            });
        }
    }
}
