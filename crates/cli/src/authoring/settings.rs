//! Where the server is and which key to use: flags, the environment, the project's `.env`, in this order.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use tenon_model::Secret;

use super::client::{Client, is_on_this_machine};
use crate::config::env;
use crate::failure::Failure;

/// Flags of every command that talks to a server.
#[derive(Debug, Clone, clap::Args)]
pub struct ServerArgs {
    /// Address of the server [default: TENON_HOST, NANGO_HOSTPORT, else http://localhost:3003]
    #[arg(long, value_name = "URL")]
    pub host: Option<String>,
    /// API key [default: TENON_SECRET_KEY_<ENVIRONMENT>, NANGO_SECRET_KEY_<ENVIRONMENT>, the same without environment]
    #[arg(long, value_name = "KEY")]
    pub api_key: Option<String>,
}

/// Flags of commands that look after one environment of a server.
#[derive(Debug, Clone, clap::Args)]
pub struct EnvironmentArgs {
    /// Environment that the command is about.
    #[arg(short, long, default_value = "dev")]
    pub environment: String,
    /// Folder of the project, for its .env and its sources.
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub server: ServerArgs,
}

impl EnvironmentArgs {
    /// A client with the key of the environment.
    pub fn client(&self) -> Result<Client> {
        let settings = Settings::load(&self.dir);
        Client::new(
            &settings.host(&self.server),
            settings.key(&self.server, &self.environment)?,
        )
    }
}

/// Where a server listens unless somebody says otherwise.
const DEFAULT_HOST: &str = "http://localhost:3003";
/// Variables that say where it is.
const HOST_NAMES: [&str; 2] = ["TENON_HOST", "NANGO_HOSTPORT"];

/// Variables of the process and of the project.
#[derive(Debug, Default)]
pub struct Settings {
    dotenv: HashMap<String, String>,
}

impl Settings {
    /// Reads the `.env` of the project, when there is one.
    pub fn load(project: &Path) -> Self {
        let text = std::fs::read_to_string(project.join(".env")).unwrap_or_default();
        Self {
            dotenv: parse_dotenv(&text),
        }
    }

    /// A variable: the process's own, else the project's.
    pub fn var(&self, name: &str) -> Option<String> {
        self.first([name])
    }

    /// The first variable with one of these names: all of the process come before those of the project, so that what is set
    /// for one call is not hidden by the file.
    fn first<N: AsRef<str>>(&self, names: impl IntoIterator<Item = N> + Clone) -> Option<String> {
        let of_process = names.clone().into_iter().find_map(|name| env::var(name.as_ref()));
        of_process.or_else(|| {
            names.into_iter().find_map(|name| {
                self.dotenv
                    .get(name.as_ref())
                    .filter(|value| !value.is_empty())
                    .cloned()
            })
        })
    }

    /// Whether deploys that lose nothing are made without a question (`NANGO_DEPLOY_AUTO_CONFIRM`).
    pub fn confirms_deploys(&self) -> bool {
        self.says("NANGO_DEPLOY_AUTO_CONFIRM", "true")
    }

    /// Whether what is deployed does not come from a repository (`NANGO_DEPLOY_SOURCE`), so that deploys of one leave it alone.
    pub fn deploys_standalone(&self) -> bool {
        self.says("NANGO_DEPLOY_SOURCE", "standalone")
    }

    fn says(&self, name: &str, text: &str) -> bool {
        self.var(name).is_some_and(|value| value == text)
    }

    /// Whether a variable says where the server is.
    pub fn names_host(&self) -> bool {
        self.first(HOST_NAMES).is_some()
    }

    /// Whether the server is meant even where its database could be in this folder: a variable of the process names it, or
    /// the project's `.env` names one elsewhere. (The `.env` of a new project names the server on this machine.)
    pub fn insists_on_host(&self) -> bool {
        let of_process = HOST_NAMES.iter().any(|name| env::var(name).is_some());
        of_process || self.first(HOST_NAMES).is_some_and(|host| !is_on_this_machine(&host))
    }

    /// The server's address, without a slash at the end.
    pub fn host(&self, flags: &ServerArgs) -> String {
        let host = flags.host.clone().or_else(|| self.first(HOST_NAMES));
        host.unwrap_or_else(|| DEFAULT_HOST.to_owned())
            .trim_end_matches('/')
            .to_owned()
    }

    /// The key for an environment.
    pub fn key(&self, flags: &ServerArgs, environment: &str) -> Result<Secret> {
        let suffix: String = environment
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect();
        const NAMES: [&str; 3] = ["TENON_SECRET_KEY", "TENON_API_KEY", "NANGO_SECRET_KEY"];
        // A `.env` may also have the name as it is in capitals, with the hyphen that shells do not allow.
        let as_is = environment.to_uppercase();
        let own: Vec<String> = NAMES
            .iter()
            .flat_map(|name| [format!("{name}_{suffix}"), format!("{name}_{as_is}")])
            .collect();
        let found = flags
            .api_key
            .clone()
            .or_else(|| self.first(&own))
            .or_else(|| self.first(NAMES));
        match found {
            Some(key) => Ok(Secret::new(key)),
            None => bail!(Failure::new(
                "no_api_key",
                format!(
                    "no API key for the environment {environment}: put TENON_SECRET_KEY_{suffix}=… into .env, or pass --api-key (`tenon keys list` shows the keys of a server on this machine)"
                )
            )),
        }
    }
}

/// `NAME=value` lines; `export`, quotes and comments are understood.
fn parse_dotenv(text: &str) -> HashMap<String, String> {
    text.lines()
        .filter_map(|line| {
            let line = line.trim();
            let line = line.strip_prefix("export ").unwrap_or(line);
            let (name, value) = line.split_once('=')?;
            let name = name.trim();
            if name.is_empty() || name.starts_with('#') {
                return None;
            }
            Some((name.to_owned(), unquote(value.trim())))
        })
        .collect()
}

fn unquote(value: &str) -> String {
    for quote in ['"', '\'', '`'] {
        if let Some(inner) = value.strip_prefix(quote).and_then(|rest| rest.split(quote).next()) {
            return inner.to_owned();
        }
    }
    value.split(" #").next().unwrap_or(value).trim_end().to_owned()
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
