//! Where commands read that can ask a server or look into its database.

use anyhow::{Result, bail};

use crate::authoring::settings::Settings;
use crate::commands::serve::CommonArgs;
use crate::config::Config;
use crate::failure::Failure;

/// A server, or a database that is there.
pub enum Place {
    /// The one that settings and flags name.
    Server,
    /// The one that the configuration names.
    Database(Box<Config>),
}

/// Chooses: `--host`; then a database that is named; then a server that is named; then the database in the usual folder. No
/// database is made: an empty one would hide the server from then on.
pub fn choose(common: &CommonArgs, settings: &Settings, host: Option<&str>) -> Result<Place> {
    let named = common.names_database();
    if host.is_some() || (!named && settings.insists_on_host()) {
        return Ok(Place::Server);
    }
    let config = common.load(Vec::new())?;
    if config.storage.database_url.is_empty() && !config.storage.data_dir.join("tenon.db").is_file() {
        if !named && settings.names_host() {
            return Ok(Place::Server);
        }
        bail!(Failure::new(
            "no_database",
            format!(
                "there is no database in {}; name the server's --data-dir, or its address with --host or TENON_HOST",
                config.storage.data_dir.display()
            )
        ));
    }
    Ok(Place::Database(Box::new(config)))
}
