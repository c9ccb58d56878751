//! Settings: one commented default file, laid over by the user's file, the environment and the flags.

pub mod env;
mod functions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::{Table, Value};

pub use functions::{Functions, Isolation};

/// Every setting with its default and its reason.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Listening and limits of requests.
    pub server: Server,
    /// Where data lives.
    pub storage: Storage,
    /// Master key.
    pub security: Security,
    /// Outgoing calls.
    pub egress: Egress,
    /// Providers.
    pub catalog: Catalog,
    /// Function runs.
    pub functions: Functions,
    /// Outgoing webhooks.
    pub webhooks: Webhooks,
    /// Logs.
    pub logs: Logs,
}

/// When a browser that comes back from a provider must be the one that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BrowserBinding {
    /// Always.
    Always,
    /// When the server is reached by https.
    Https,
    /// Never; a return without the cookie is only noted in the log.
    Never,
}

impl BrowserBinding {
    /// Whether it holds for a server that is reached under this URL.
    pub fn holds(self, public_url: &str) -> bool {
        match self {
            Self::Always => true,
            Self::Https => public_url.starts_with("https://"),
            Self::Never => false,
        }
    }
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on; 0 picks a free one.
    pub port: u16,
    /// URL under which the server is reached.
    pub public_url: String,
    /// URL of the Connect UI.
    pub connect_url: String,
    /// Who may embed the Connect UI.
    pub connect_frame_ancestors: Vec<String>,
    /// Whether the browser that comes back must be the one that left.
    pub browser_binding: BrowserBinding,
    /// Largest request body.
    pub body_bytes_max: usize,
    /// Seconds to drain at shutdown.
    pub drain_seconds: u64,
    /// Name of the node.
    pub node: String,
}

/// `[storage]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Storage {
    /// Data folder.
    pub data_dir: PathBuf,
    /// PostgreSQL, or empty for SQLite.
    pub database_url: String,
    /// Most connections to PostgreSQL.
    pub connections_max: usize,
}

/// Whether missing secrets may be made up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A master key is made when none is given.
    Development,
    /// The server refuses to start without a master key.
    Production,
}

/// `[security]`
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Security {
    /// Development or production.
    pub mode: Mode,
    /// Master key as base64 or hex.
    pub master_key: String,
    /// File with the master key.
    pub master_key_file: String,
    /// Command that prints the master key.
    pub master_key_command: String,
    /// File with the master key encrypted by a key management service.
    pub master_key_kms_file: String,
    /// Region of that service.
    pub kms_region: String,
    /// Address of that service.
    pub kms_endpoint: String,
    /// Access key id for that service.
    pub kms_access_key_id: String,
    /// Secret access key for that service.
    pub kms_secret_access_key: String,
    /// Session token that goes with temporary keys.
    pub kms_session_token: String,
    /// Earlier master keys.
    pub previous_master_keys: String,
}

impl std::fmt::Debug for Security {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Security")
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

/// `[egress]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Egress {
    /// Allow private networks.
    pub allow_private_addresses: bool,
    /// Always allowed.
    pub allow_hosts: Vec<String>,
    /// Always refused.
    pub deny_hosts: Vec<String>,
    /// Whether the proxy accepts other base URLs.
    pub base_url_override: bool,
}

/// `[catalog]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// Folder of own provider files.
    pub providers_dir: String,
}

/// `[webhooks]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhooks {
    /// Waits between later attempts.
    pub retry_wait_seconds: Vec<u64>,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// `[logs]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Look of the lines.
    pub format: LogFormat,
    /// Least severe level shown.
    pub level: String,
    /// Days that operations are kept.
    pub retention_days: u32,
}

impl Webhooks {
    /// The waits as durations.
    pub fn retry_waits(&self) -> Vec<Duration> {
        self.retry_wait_seconds
            .iter()
            .map(|seconds| Duration::from_secs(*seconds))
            .collect()
    }
}

/// One setting given on the command line: section, name and value.
pub type Flag = (&'static str, &'static str, Value);

impl Config {
    /// Joins the default file, the user's file, the environment and the flags, and checks the result.
    pub fn load(file: Option<&Path>, flags: Vec<Flag>) -> Result<Self> {
        let mut merged: Table = DEFAULT_FILE.parse().context("the built-in default settings")?;
        let data_dir = data_dir_of(&flags);
        let implied = data_dir.join("tenon.toml");
        let file = file
            .map(Path::to_owned)
            .or_else(|| implied.is_file().then_some(implied));
        if let Some(path) = &file {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("the configuration file {} cannot be read", path.display()))?;
            let user: Table = text.parse().with_context(|| format!("in {}", path.display()))?;
            overlay_file(&mut merged, user, path)?;
        }
        overlay_environment(&mut merged)?;
        for (section, name, value) in flags {
            set(&mut merged, section, name, value);
        }
        let text = toml::to_string(&merged).context("settings")?;
        let config: Self = toml::from_str(&text).context("a setting has a value that it cannot have")?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<()> {
        for (name, url) in [
            ("server.public_url", &self.server.public_url),
            ("server.connect_url", &self.server.connect_url),
        ] {
            if !url.is_empty() && url::Url::parse(url).is_err() {
                bail!("{name} is {url:?}; give an absolute URL such as https://tenon.example.com");
            }
        }
        for origin in &self.server.connect_frame_ancestors {
            // The value becomes part of a header: one stray separator would change the whole policy.
            let plain = |c: char| c.is_ascii_alphanumeric() || "*.:/-[]".contains(c);
            if origin.is_empty() || !origin.chars().all(plain) {
                bail!(
                    "server.connect_frame_ancestors has {origin:?}; write origins such as https://app.example.com, or *"
                );
            }
        }
        self.functions.check()?;
        if !["error", "warn", "info", "debug", "trace"].contains(&self.logs.level.as_str()) {
            bail!(
                "logs.level is {:?}; use error, warn, info, debug or trace",
                self.logs.level
            );
        }
        if !self.storage.database_url.is_empty() && !self.storage.database_url.starts_with("postgres") {
            bail!("storage.database_url must begin with postgres://; leave it empty for SQLite");
        }
        Ok(())
    }
}

fn data_dir_of(flags: &[Flag]) -> PathBuf {
    let flag = flags
        .iter()
        .find(|(section, name, _)| (*section, *name) == ("storage", "data_dir"));
    let text = flag.and_then(|(_, _, value)| value.as_str().map(str::to_owned));
    PathBuf::from(
        text.or_else(|| env::var("TENON_STORAGE_DATA_DIR"))
            .unwrap_or_else(|| "./tenon-data".to_owned()),
    )
}

fn set(merged: &mut Table, section: &str, name: &str, value: Value) {
    if let Some(Value::Table(table)) = merged.get_mut(section) {
        table.insert(name.to_owned(), value);
    }
}

fn overlay_file(merged: &mut Table, user: Table, path: &Path) -> Result<()> {
    for (section, content) in user {
        let Some(Value::Table(known)) = merged.get_mut(&section) else {
            bail!("{}: there is no section [{section}]", path.display());
        };
        let Value::Table(content) = content else {
            bail!("{}: [{section}] must be a section", path.display());
        };
        for (name, value) in content {
            if !known.contains_key(&name) {
                bail!("{}: there is no setting {section}.{name}", path.display());
            }
            known.insert(name, value);
        }
    }
    Ok(())
}

fn overlay_environment(merged: &mut Table) -> Result<()> {
    for (section, content) in merged.iter_mut() {
        let Value::Table(settings) = content else { continue };
        for (name, value) in settings.iter_mut() {
            let variable = format!("TENON_{}_{}", section.to_uppercase(), name.to_uppercase());
            let Some(text) = env::var(&variable) else { continue };
            *value = read_as(value, &text)
                .with_context(|| format!("{variable} is {text:?}, which {section}.{name} cannot be"))?;
        }
    }
    Ok(())
}

/// Reads a text as the type that the setting has.
fn read_as(like: &Value, text: &str) -> Result<Value> {
    Ok(match like {
        Value::Integer(_) => Value::Integer(text.trim().parse().context("a whole number is needed")?),
        Value::Boolean(_) => match text.trim() {
            "true" | "1" | "yes" => Value::Boolean(true),
            "false" | "0" | "no" => Value::Boolean(false),
            _ => bail!("true or false is needed"),
        },
        Value::Array(items) => {
            let numbers = items.first().is_some_and(Value::is_integer);
            let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
            let read = parts.map(|part| {
                if numbers {
                    read_as(&Value::Integer(0), part)
                } else {
                    Ok(Value::String(part.to_owned()))
                }
            });
            Value::Array(read.collect::<Result<_>>()?)
        }
        _ => Value::String(text.to_owned()),
    })
}

#[cfg(test)]
mod tests;
