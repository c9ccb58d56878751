//! What must be there before the server starts: a provider entry that points at the simulator, keys, a webhook URL.

use std::path::Path;

use anyhow::{Context, Result};
use tenon_model::Secret;
use tenon_sim::Running;
use toml::Value;

use crate::config::Config;
use crate::{logging, wiring};

/// Name of the environment that the demonstration uses.
pub const ENVIRONMENT: &str = "dev";

/// Keys of the fresh account.
pub struct Prepared {
    /// Full-access key of the environment.
    pub api_key: Secret,
    /// Key that signs its webhooks.
    pub signing_key: Secret,
}

/// Refines the built-in `hubspot` entry with the simulator's hosts; quotas, paging and hooks stay the vendor's.
pub fn write_provider(data_dir: &Path, sim: &Running) -> Result<()> {
    let dir = data_dir.join("providers");
    std::fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let path = dir.join("hubspot.toml");
    std::fs::write(&path, provider_file(&sim.base_url()))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// The overlay file.
pub fn provider_file(url: &str) -> String {
    format!(
        "# Points the provider at the simulator of this demonstration.
[vendor]
name = \"HubSpot\"

[hubspot]
extends = \"hubspot\"
authorize = \"{url}/oauth/authorize\"
token = \"{url}/oauth/2026-03/token\"
api = \"{url}\"
example = {{ request = \"GET /crm/v3/objects/contacts\", sends = \"{url}/crm/v3/objects/contacts\" }}
"
    )
}

/// Makes the account and its keys, as the first start does, and sets where webhooks go.
pub async fn prepare(data_dir: &Path, webhook_url: &str) -> Result<Prepared> {
    let data_dir = Value::String(data_dir.to_string_lossy().into_owned());
    let text = |text: &str| Value::String(text.to_owned());
    // Settings of a real server in the environment must not lead the demonstration to its database.
    let config = Config::load(
        None,
        vec![
            ("storage", "data_dir", data_dir),
            ("storage", "database_url", text("")),
            ("security", "mode", text("development")),
        ],
    )?;
    logging::quiet();
    let app = wiring::build(&config, String::new()).await?;
    let first = app
        .ensure_account()
        .await?
        .context("the data folder holds an account already")?;
    let key = first
        .keys
        .into_iter()
        .find(|(name, _)| name == ENVIRONMENT)
        .map(|(_, key)| key);
    let environments = app.list_environments().await?;
    let environment = environments
        .iter()
        .find(|environment| environment.name == ENVIRONMENT)
        .context("there is no dev environment")?;
    app.update_environment_settings(environment.id, |settings| {
        settings.webhook_url = Some(webhook_url.to_owned())
    })
    .await?;
    let signing_key = app.signing_key(environment.id).await?;
    app.shut_down().await;
    Ok(Prepared {
        api_key: Secret::new(key.context("there is no key of the dev environment")?),
        signing_key,
    })
}
