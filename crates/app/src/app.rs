//! The parts that verbs work with, joined once at start.

use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tenon_catalog::Catalog;
use tenon_credentials::vault::{EnvironmentVault, Vault};
use tenon_egress::Egress;
use tenon_model::{Clock, EnvironmentId, Rng};
use tenon_runtime::Runtime;
use tenon_store::tables::environments;
use tenon_store::{Conn, Store, Tx};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::caller::Caller;
use crate::environments::Environment;
use crate::integrations::Integration;
use crate::operations::Operations;
use crate::{Cache, Error, Result};

/// How long a cached lookup may be stale when another node changed it and the signal was lost.
const LOOKUP_TTL: Duration = Duration::from_secs(5);
/// Entries per lookup cache; each is a few hundred bytes.
const LOOKUPS_MAX: usize = 20_000;

/// Settings that verbs need; read from the configuration by the command line.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Origin under which this server is reached from outside, without a trailing slash.
    pub public_url: String,
    /// Origin and path of the Connect UI, without a trailing slash.
    pub connect_url: String,
    /// Origins whose pages may embed the Connect UI, as in a `frame-ancestors` directive.
    pub connect_frame_ancestors: Vec<String>,
    /// Whether a browser that comes back from a provider must be the one that left.
    pub browser_binding: bool,
    /// Whether callers may send proxy requests to another base URL than the provider's.
    pub base_url_override_allowed: bool,
    /// Largest request body in bytes.
    pub body_bytes_max: usize,
    /// Name of this node, shown in logs and leases.
    pub node: String,
    /// Largest number of function runs at the same time on this node.
    pub runs_max: usize,
    /// Whether an isolate is kept for the next run of the same connection and version.
    pub warm_isolates: bool,
    /// JavaScript heap of one run in bytes.
    pub run_memory_bytes: usize,
    /// CPU time of one action run.
    pub action_cpu: Duration,
    /// A run of a sync that lasts longer pauses at its next checkpoint, and another run goes on from there.
    pub sync_interrupt_after: Duration,
    /// Longest time that a dry run or a deployment of the remote builder may take, from its acceptance.
    pub remote_job_within: Duration,
    /// Which runs are recorded.
    pub recordings: crate::recordings::Settings,
    /// Days that operations are kept.
    pub log_retention_days: u32,
    /// Waits before each new attempt to deliver an outgoing webhook.
    pub webhook_retry_waits: Vec<Duration>,
}

impl Default for Settings {
    /// A server on loopback: what tests start from.
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:3003".to_owned(),
            connect_url: "http://127.0.0.1:3003/connect-ui".to_owned(),
            connect_frame_ancestors: vec!["*".to_owned()],
            browser_binding: true,
            base_url_override_allowed: true,
            body_bytes_max: 75 << 20,
            node: "node".to_owned(),
            runs_max: 100,
            warm_isolates: true,
            run_memory_bytes: 256 << 20,
            action_cpu: Duration::from_secs(60),
            sync_interrupt_after: Duration::from_secs(19 * 3600),
            remote_job_within: Duration::from_secs(5 * 60),
            recordings: crate::recordings::Settings::default(),
            log_retention_days: 15,
            webhook_retry_waits: vec![Duration::from_secs(3), Duration::from_secs(6)],
        }
    }
}

/// What an [`App`] is built from.
pub struct Parts {
    /// The database.
    pub store: Store,
    /// The providers.
    pub catalog: Catalog,
    /// The way out.
    pub egress: Egress,
    /// The keys.
    pub vault: Vault,
    /// The function runtime.
    pub runtime: Runtime,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Compiles functions from their source; without one the remote builder's routes answer 503.
    pub builder: Option<Arc<dyn crate::functions::builder::Builder>>,
    /// Settings.
    pub settings: Settings,
}

/// Lookups that every request repeats.
pub(crate) struct Caches {
    pub(crate) callers: Cache<String, Caller>,
    pub(crate) integrations: Cache<(EnvironmentId, String), Integration>,
    pub(crate) environments: Cache<EnvironmentId, Environment>,
}

pub(crate) struct Inner {
    store: Store,
    catalog: RwLock<Arc<Catalog>>,
    egress: Egress,
    vault: Vault,
    runtime: Runtime,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    settings: Settings,
    caches: Caches,
    operations: Operations,
    functions: crate::functions::Registry,
    workshop: crate::functions::builder::Workshop,
    actions: crate::actions::Slots,
    webhooks: crate::webhooks::inbound::State,
    connections: crate::connections::State,
    proxy: crate::proxy::State,
    recordings: crate::recordings::Shelf,
    shutdown: CancellationToken,
    background: TaskTracker,
}

/// The product. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("node", &self.0.settings.node)
            .finish_non_exhaustive()
    }
}

impl App {
    /// Joins the parts. Background work starts with [`App::start`].
    pub fn new(parts: Parts) -> Self {
        let operations = Operations::new(parts.store.clone(), Arc::clone(&parts.clock), &parts.settings.node);
        Self(Arc::new(Inner {
            operations,
            functions: crate::functions::Registry::default(),
            workshop: crate::functions::builder::Workshop::new(parts.builder),
            actions: crate::actions::Slots::default(),
            webhooks: crate::webhooks::inbound::State::default(),
            connections: crate::connections::State::default(),
            proxy: crate::proxy::State::new(Arc::clone(&parts.clock)),
            recordings: crate::recordings::Shelf::default(),
            store: parts.store,
            catalog: RwLock::new(Arc::new(parts.catalog)),
            egress: parts.egress,
            vault: parts.vault,
            runtime: parts.runtime,
            clock: parts.clock,
            rng: parts.rng,
            settings: parts.settings,
            caches: Caches {
                callers: Cache::new(LOOKUP_TTL, LOOKUPS_MAX),
                integrations: Cache::new(LOOKUP_TTL, LOOKUPS_MAX),
                environments: Cache::new(LOOKUP_TTL, LOOKUPS_MAX),
            },
            shutdown: CancellationToken::new(),
            background: TaskTracker::new(),
        }))
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The providers as loaded now.
    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.0.catalog.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the providers (live reload of an overlay).
    pub fn replace_catalog(&self, catalog: Catalog) {
        *self.0.catalog.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalog);
        // Connections in memory hold on to the entry that they were opened with.
        self.connections_state().forget_all();
    }

    /// The way out.
    pub fn egress(&self) -> &Egress {
        &self.0.egress
    }

    /// The function runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.0.runtime
    }

    /// The time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The time, shared.
    pub fn clock_shared(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.0.clock)
    }

    /// Randomness.
    pub fn rng(&self) -> &dyn Rng {
        &*self.0.rng
    }

    /// The operations log.
    pub fn operations(&self) -> &Operations {
        &self.0.operations
    }

    pub(crate) fn functions(&self) -> &crate::functions::Registry {
        &self.0.functions
    }

    pub(crate) fn workshop(&self) -> &crate::functions::builder::Workshop {
        &self.0.workshop
    }

    pub(crate) fn action_slots(&self) -> &crate::actions::Slots {
        &self.0.actions
    }

    pub(crate) fn webhooks_state(&self) -> &crate::webhooks::inbound::State {
        &self.0.webhooks
    }

    /// Settings.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The master keys.
    pub fn master_vault(&self) -> &Vault {
        &self.0.vault
    }

    pub(crate) fn proxy_state(&self) -> &crate::proxy::State {
        &self.0.proxy
    }

    /// What this node remembers about storing recordings.
    pub(crate) fn recordings_shelf(&self) -> &crate::recordings::Shelf {
        &self.0.recordings
    }

    pub(crate) fn connections_state(&self) -> &crate::connections::State {
        &self.0.connections
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.0.caches
    }

    /// Cancelled when the server shuts down.
    pub fn shutdown_token(&self) -> &CancellationToken {
        &self.0.shutdown
    }

    /// The keys of one environment, for values that exist already.
    #[tenon_model::boxed]
    pub async fn vault(&self, environment: EnvironmentId) -> Result<EnvironmentVault> {
        if let Some(vault) = self.0.vault.unlocked(environment) {
            return Ok(vault);
        }
        let mut conn = self.store().read().await?;
        self.unlock(&mut conn, environment)
            .await?
            .ok_or_else(|| Error::Internal(format!("environment {environment} has no data key")))
    }

    /// The keys of one environment inside a transaction; made when it has none yet.
    ///
    /// Nothing is kept in memory here: a data key whose transaction is rolled back must never seal anything.
    #[tenon_model::boxed]
    pub async fn vault_in(&self, tx: &mut Tx, environment: EnvironmentId) -> Result<EnvironmentVault> {
        if let Some(vault) = self.0.vault.unlocked(environment) {
            return Ok(vault);
        }
        let vault = match self.sealed_keys(tx, environment).await? {
            sealed if !sealed.is_empty() => self.0.vault.unlock_uncommitted(environment, &sealed)?,
            _ => {
                let key = self.0.vault.create_data_key(environment);
                let now = self.clock().now();
                environments::insert_data_key(tx, Some(environment), &key.master, &key.bytes, now).await?;
                self.0.vault.unlock_uncommitted(environment, &[key.bytes])?
            }
        };
        Ok(vault)
    }

    async fn sealed_keys(&self, conn: &mut Conn, environment: EnvironmentId) -> Result<Vec<Vec<u8>>> {
        let rows = environments::list_data_keys(conn).await?;
        Ok(rows
            .into_iter()
            .filter(|row| row.environment_id == Some(environment))
            .map(|row| row.sealed)
            .collect())
    }

    async fn unlock(&self, conn: &mut Conn, environment: EnvironmentId) -> Result<Option<EnvironmentVault>> {
        let sealed = self.sealed_keys(conn, environment).await?;
        if sealed.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.0.vault.unlock(environment, &sealed)?))
    }

    /// Runs small work beside the request; its failure is logged with `what`. Shutdown waits for it.
    pub fn spawn(&self, what: &'static str, work: impl Future<Output = Result<()>> + Send + 'static) {
        self.0.background.spawn(async move {
            if let Err(error) = work.await {
                tracing::error!(error = ?error, "background work failed: {what}");
            }
        });
    }

    /// Asks all background work to end and waits for it.
    #[tenon_model::boxed]
    pub async fn shut_down(&self) {
        self.0.shutdown.cancel();
        self.0.background.close();
        self.0.background.wait().await;
        // What the last work logged while it ended.
        if let Err(error) = self.operations().flush().await {
            tracing::error!(error = ?error, "the last operations could not be written");
        }
    }

    /// Starts background work: invalidation of caches by other nodes' signals.
    pub fn start(&self) {
        crate::operations::start(self);
        crate::webhooks::start(self);
        crate::connections::start(self);
        crate::proxy::start(self);
        crate::tasks::start(self);
        let app = self.clone();
        let mut signals = self.store().signals();
        self.0.background.spawn(async move {
            loop {
                let signal = tokio::select! {
                    () = app.0.shutdown.cancelled() => return,
                    signal = signals.recv() => signal,
                };
                match signal {
                    Ok(signal) => app.forget(&signal.channel),
                    Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => app.forget_all(),
                    Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
                }
            }
        });
    }

    /// Forgets the cached lookups that a change on `channel` touches.
    pub(crate) fn forget(&self, channel: &str) {
        match channel {
            "api_keys" => self.0.caches.callers.clear(),
            "environments" => {
                self.0.caches.environments.clear();
                self.0.caches.callers.clear();
            }
            "functions" => self.0.functions.clear(),
            "integrations" => {
                self.0.caches.integrations.clear();
                self.0.connections.forget_all();
            }
            _ => {}
        }
    }

    fn forget_all(&self) {
        for channel in ["api_keys", "environments", "functions", "integrations"] {
            self.forget(channel);
        }
    }
}
