//! Joins the parts: configuration in, a running product out.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use tenon_app::{App, Parts, Settings};
use tenon_catalog::Catalog;
use tenon_credentials::vault::{MasterKey, Vault};
use tenon_egress::{Egress, EgressConfig, Policy};
use tenon_model::{Clock, Rng, SystemClock, SystemRng};
use tenon_runtime::{Runtime, RuntimeConfig};
use tenon_store::{Store, StoreConfig};

use crate::config::{Config, Isolation, Mode};

/// Name of the master key that a development server makes.
const MASTER_KEY_FILE: &str = "master.key";

/// Everything a command needs, built from the configuration.
pub async fn build(config: &Config, public_url: String) -> Result<App> {
    let data_dir = &config.storage.data_dir;
    make_data_dir(data_dir)?;
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let store = open_store(config).await?;
    let vault = open_vault(config, &rng)?;
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
    let runtime = start_runtime(config)?;
    let connect_url = match config.server.connect_url.trim_end_matches('/') {
        "" => format!("{public_url}/connect-ui"),
        url => url.to_owned(),
    };
    let settings = Settings {
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

fn open_vault(config: &Config, rng: &Arc<dyn Rng>) -> Result<Vault> {
    let master = master_key(config, &**rng)?;
    let previous = config
        .security
        .previous_master_keys
        .split(',')
        .map(str::trim)
        .filter(|text| !text.is_empty())
        .map(|text| parse_key(text).context("security.previous_master_keys"))
        .collect::<Result<Vec<_>>>()?;
    Ok(Vault::new(master, previous, Arc::clone(rng)))
}

fn master_key(config: &Config, rng: &dyn Rng) -> Result<MasterKey> {
    let security = &config.security;
    if !security.master_key.is_empty() {
        return parse_key(&security.master_key).context("security.master_key");
    }
    if !security.master_key_file.is_empty() {
        return read_key(Path::new(&security.master_key_file)).context("security.master_key_file");
    }
    let path = config.storage.data_dir.join(MASTER_KEY_FILE);
    match security.mode {
        Mode::Production => bail!(
            "security.master_key_file is not set. A production server needs a master key of its own: write 32 random \
             bytes as base64 to a file (head -c 32 /dev/urandom | base64), keep a copy in a safe place, and set \
             TENON_SECURITY_MASTER_KEY_FILE"
        ),
        Mode::Development if path.is_file() => read_key(&path),
        Mode::Development => {
            let mut bytes = [0; 32];
            rng.fill(&mut bytes);
            let text = base64::engine::general_purpose::STANDARD.encode(bytes);
            write_private(&path, &text)?;
            tracing::info!(path = %path.display(), "made a master key; keep a copy, nothing stored can be read without it");
            parse_key(&text)
        }
    }
}

fn write_private(path: &Path, text: &str) -> Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("{}", path.display()))
}

fn read_key(path: &Path) -> Result<MasterKey> {
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse_key(text.trim()).with_context(|| format!("in {}", path.display()))
}

fn parse_key(text: &str) -> Result<MasterKey> {
    let bytes = hex::decode(text)
        .ok()
        .filter(|bytes| bytes.len() == 32)
        .or_else(|| base64::engine::general_purpose::STANDARD.decode(text).ok())
        .context("a master key is 32 bytes written as base64 or hex")?;
    MasterKey::new(bytes).context("a master key is 32 bytes written as base64 or hex")
}

/// Folder of the user's own provider files, when there is one.
pub fn providers_dir(config: &Config) -> Option<PathBuf> {
    if !config.catalog.providers_dir.is_empty() {
        return Some(PathBuf::from(&config.catalog.providers_dir));
    }
    let implied = config.storage.data_dir.join("providers");
    implied.is_dir().then_some(implied)
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
