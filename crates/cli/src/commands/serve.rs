//! `tenon serve`: the API, the scheduler and the sandbox workers in one process.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use tokio::net::TcpListener;
use toml::Value;

use crate::config::{Config, Flag, env};
use crate::stop::stop_signal;
use crate::{logging, overlay, wiring};

/// Flags of `tenon serve`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon serve
  tenon serve --data-dir /var/lib/tenon --port 8080
  tenon serve --database-url postgres://tenon@db/tenon
  TENON_SECURITY_MODE=production TENON_SECURITY_MASTER_KEY_FILE=/etc/tenon/key tenon serve

Every setting is explained by `tenon config`.")]
pub struct ServeArgs {
    /// Settings, and where data lives.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Address to listen on [default: 127.0.0.1].
    #[arg(long)]
    pub host: Option<String>,
    /// Port to listen on; 0 picks a free one [default: 3003].
    #[arg(long)]
    pub port: Option<u16>,
    /// URL under which browsers and providers reach this server.
    #[arg(long)]
    pub public_url: Option<String>,
    /// Allow calls to loopback and private networks.
    #[arg(long)]
    pub allow_private_addresses: bool,
    /// Folder with your own provider files.
    #[arg(long)]
    pub providers_dir: Option<PathBuf>,
}

/// Flags that every command with a database takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct CommonArgs {
    /// Folder of the database and the development master key [default: ./tenon-data].
    #[arg(long, global = true)]
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL to use instead of SQLite: postgres://user:password@host/database.
    #[arg(long, global = true)]
    pub database_url: Option<String>,
    /// Configuration file [default: tenon.toml in the data directory, when there is one].
    #[arg(long, global = true)]
    pub config: Option<PathBuf>,
}

impl CommonArgs {
    /// Whether a flag, or a variable of the process, says which database is meant.
    pub fn names_database(&self) -> bool {
        let by_flag = self.data_dir.is_some() || self.database_url.is_some() || self.config.is_some();
        let variables = ["TENON_STORAGE_DATA_DIR", "TENON_STORAGE_DATABASE_URL"];
        by_flag || variables.iter().any(|name| env::var(name).is_some())
    }

    /// Loads the settings with these and further flags on top.
    pub fn load(&self, mut flags: Vec<Flag>) -> Result<Config> {
        if let Some(dir) = &self.data_dir {
            flags.push(("storage", "data_dir", Value::String(dir.to_string_lossy().into_owned())));
        }
        if let Some(url) = &self.database_url {
            flags.push(("storage", "database_url", Value::String(url.clone())));
        }
        Config::load(self.config.as_deref(), flags)
    }
}

impl ServeArgs {
    fn load(&self) -> Result<Config> {
        let mut flags: Vec<Flag> = Vec::new();
        if let Some(host) = &self.host {
            flags.push(("server", "host", Value::String(host.clone())));
        }
        if let Some(port) = self.port {
            flags.push(("server", "port", Value::Integer(port.into())));
        }
        if let Some(url) = &self.public_url {
            flags.push(("server", "public_url", Value::String(url.clone())));
        }
        if self.allow_private_addresses {
            flags.push(("egress", "allow_private_addresses", Value::Boolean(true)));
        }
        if let Some(dir) = &self.providers_dir {
            flags.push((
                "catalog",
                "providers_dir",
                Value::String(dir.to_string_lossy().into_owned()),
            ));
        }
        self.common.load(flags)
    }
}

/// Serves until the process is asked to stop.
pub async fn run(args: ServeArgs) -> Result<ExitCode> {
    let config = args.load()?;
    logging::start(&config.logs);
    let address = format!("{}:{}", config.server.host, config.server.port);
    let listener = TcpListener::bind(&address)
        .await
        .with_context(|| format!("server.port: cannot listen on {address}"))?;
    let bound = listener.local_addr().context("the address listened on")?;
    let public_url = match config.server.public_url.trim_end_matches('/') {
        "" => format!("http://{bound}"),
        url => url.to_owned(),
    };
    if let Err(error) = tenon_runtime::forbid_core_dumps() {
        tracing::warn!(%error, "core dumps of this process cannot be forbidden; a crash may write secrets to disk");
    }
    let app = wiring::build(&config, public_url.clone()).await?;
    app.require_master_keys().await.map_err(wiring::explain)?;
    if let Some(first) = app.ensure_account().await? {
        announce(&first);
    }
    app.end_dead_refreshes().await?;
    let stop = stop_signal()?;
    app.start();
    let providers = wiring::providers_place(&config);
    let loaded = tenon_catalog::overlay_stamp(&providers);
    overlay::follow(&app, providers, loaded);
    tracing::info!(url = %public_url, data = %config.storage.data_dir.display(), "tenon is ready");
    let router = tenon_api::router(app.clone());
    tenon_api::serve(listener, router, stop)
        .await
        .context("the server stopped")?;
    tracing::info!("stopping; waiting for work in flight");
    if tokio::time::timeout(wiring::drain(&config), app.shut_down())
        .await
        .is_err()
    {
        tracing::warn!("work in flight did not end in time; it is resumed at the next start");
    }
    Ok(ExitCode::SUCCESS)
}

/// The only time the keys are shown.
#[expect(clippy::print_stdout, reason = "the keys are the output of the first start")]
fn announce(first: &tenon_app::environments::FirstStart) {
    println!("First start: these API keys are shown once. `tenon keys` makes more.");
    for (environment, key) in &first.keys {
        println!("  {environment:<8} {key}");
    }
    println!("  {:<8} {}", "account", first.account_key);
}
