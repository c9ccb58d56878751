//! Live reload of the user's own provider files.
//!
//! The folder is looked at every two seconds. A file that was added, changed or removed takes effect at once; files with
//! faults change nothing, and the log says which key of which file is wrong and what to write instead.

use std::path::PathBuf;
use std::time::Duration;

use tenon_app::App;
use tenon_catalog::{Catalog, overlay_stamp};

const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Follows the folder until the server stops. `loaded` is the stamp of what is in use.
pub fn follow(app: &App, directory: PathBuf, mut loaded: u64) {
    let follower = app.clone();
    app.spawn("follow the provider files", async move {
        loop {
            tokio::select! {
                () = follower.shutdown_token().cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let stamp = overlay_stamp(&directory);
            if stamp == loaded {
                continue;
            }
            // Whatever comes of it: the same files are not read again.
            loaded = stamp;
            match Catalog::with_overlay(&directory) {
                Ok(catalog) => {
                    let providers = catalog.iter().count();
                    follower.replace_catalog(catalog);
                    tracing::info!(folder = %directory.display(), providers, "loaded the provider files again");
                }
                Err(error) => {
                    for fault in &error.faults {
                        tracing::error!(folder = %directory.display(), %fault, "a provider file was not loaded; the providers stay as they were");
                    }
                }
            }
        }
    });
}
