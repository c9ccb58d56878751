//! Joins the parts: configuration in, a running product out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use tenon_app::{App, Parts, Settings};
use tenon_catalog::Catalog;
use tenon_egress::{Egress, EgressConfig, Policy};
use tenon_model::{Clock, Rng, SystemClock, SystemRng};
use tenon_runtime::{Runtime, RuntimeConfig};
use tenon_store::{Store, StoreConfig};

use crate::builder::ChildBuilder;
use crate::config::{Config, Isolation};
use crate::master_key;

/// Everything a command needs, built from the configuration.
pub async fn build(config: &Config, public_url: String) -> Result<App> {
    let data_dir = &config.storage.data_dir;
    make_data_dir(data_dir)?;
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = open_store(config).await?;
    let catalog = load_catalog(config)?;
    let policy = Policy {
        allow_private: config.egress.allow_private_addresses,
        allow_hosts: config.egress.allow_hosts.clone(),
        deny_hosts: config.egress.deny_hosts.clone(),
    };
    let egress = Egress::with_config(
        EgressConfig {
            policy,
            ..EgressConfig::default()
        },
        Arc::clone(&clock),
    )
    .context("the client for outgoing calls cannot be made")?;
    let vault = master_key::open_vault(config, &egress, &*clock, &rng).await?;
    let runtime = start_runtime(config)?;
    let builder = ChildBuilder::new(runtime.clone(), Duration::from_secs(config.functions.build_seconds))
        .context("the path of this program")?;
    let connect_url = match config.server.connect_url.trim_end_matches('/') {
        "" => format!("{public_url}/connect-ui"),
        url => url.to_owned(),
    };
    let settings = Settings {
        browser_binding: config.server.browser_binding.holds(&public_url),
        public_url,
        connect_url,
        connect_frame_ancestors: config.server.connect_frame_ancestors.clone(),
        base_url_override_allowed: config.egress.base_url_override,
        body_bytes_max: config.server.body_bytes_max,
        node: node_name(config, &*rng),
        runs_max: config.functions.runs_max,
        warm_isolates: config.functions.isolation == Isolation::Warm,
        run_memory_bytes: config.functions.memory_mb << 20,
        action_cpu: Duration::from_secs(config.functions.action_cpu_seconds),
        sync_interrupt_after: Duration::from_secs(config.functions.sync_interrupt_seconds),
        remote_job_within: Duration::from_secs(config.functions.remote_job_seconds),
        recordings: config.functions.recordings(),
        log_retention_days: config.logs.retention_days,
        webhook_retry_waits: config.webhooks.retry_waits(),
    };
    Ok(App::new(Parts {
        store,
        catalog,
        egress,
        vault,
        runtime,
        clock,
        rng,
        builder: Some(Arc::new(builder)),
        settings,
    }))
}

fn node_name(config: &Config, rng: &dyn Rng) -> String {
    if !config.server.node.is_empty() {
        return config.server.node.clone();
    }
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}-{}-{}", host.trim(), std::process::id(), rng.hex(3))
}

/// Makes the data folder, readable by its owner only.
fn make_data_dir(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).with_context(|| format!("storage.data_dir: {} cannot be made", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .with_context(|| format!("storage.data_dir: {} cannot be protected", path.display()))
}

/// Opens the database named by the configuration.
pub async fn open_store(config: &Config) -> Result<Store> {
    if config.storage.database_url.is_empty() {
        let path = config.storage.data_dir.join("tenon.db");
        return Store::open(StoreConfig::sqlite(&path))
            .await
            .with_context(|| format!("storage.data_dir: the database {} cannot be opened", path.display()));
    }
    let url = config.storage.database_url.clone();
    Store::open(StoreConfig::Postgres {
        url,
        connections: config.storage.connections_max,
    })
    .await
    .context("storage.database_url: the database cannot be opened")
}

/// Folder of the user's own provider files, whether it is there yet or not.
pub fn providers_place(config: &Config) -> PathBuf {
    match config.catalog.providers_dir.as_str() {
        "" => config.storage.data_dir.join("providers"),
        named => PathBuf::from(named),
    }
}

/// Folder of the user's own provider files, when there is one. A folder that the settings name must be there.
pub fn providers_dir(config: &Config) -> Option<PathBuf> {
    let place = providers_place(config);
    (place.is_dir() || !config.catalog.providers_dir.is_empty()).then_some(place)
}

/// The built-in providers with the user's own laid over them.
pub fn load_catalog(config: &Config) -> Result<Catalog> {
    match providers_dir(config) {
        None => Catalog::embedded().context("the built-in providers"),
        Some(dir) => Catalog::with_overlay(&dir).with_context(|| format!("catalog.providers_dir: {}", dir.display())),
    }
}

fn start_runtime(config: &Config) -> Result<Runtime> {
    let program = std::env::current_exe().context("the path of this program")?;
    let mut runtime = RuntimeConfig::new(program, ["worker"]);
    runtime.workers_max = config.functions.workers_max;
    Runtime::start(runtime).context("the function runtime cannot be started")
}

/// How long shutdown may take.
pub fn drain(config: &Config) -> Duration {
    Duration::from_secs(config.server.drain_seconds)
}

/// What the application says to people, instead of the code that it gives to programs.
pub fn explain(error: tenon_app::Error) -> anyhow::Error {
    let Some(refusal) = error.refusal() else {
        return error.into();
    };
    if let Some(message) = &refusal.message {
        return anyhow::anyhow!(message.clone());
    }
    let issues: Vec<String> = refusal
        .issues
        .iter()
        .map(|issue| format!("{}: {}", issue.path.join("."), issue.message))
        .collect();
    if issues.is_empty() {
        return error.into();
    }
    anyhow::anyhow!(issues.join("; "))
}
