//! The project that is deployed: `examples/hubspot-contacts`, built into the binary.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, Result, bail};
use tokio::process::Command;

use super::client::Client;
use super::prepare::ENVIRONMENT;

/// The integration that the project's functions belong to.
pub const INTEGRATION: &str = "hubspot";
/// Its sync.
pub const SYNC: &str = "contacts";
/// Its model.
pub const MODEL: &str = "Contact";
/// Its action.
pub const ACTION: &str = "create-contact";
/// The field of the model that says when the provider changed a contact.
pub const MODIFIED_FIELD: &str = "updated_at";

/// The files of the project by their path in it.
pub const FILES: [(&str, &str); 7] = [
    (
        "index.ts",
        include_str!("../../../../examples/hubspot-contacts/index.ts"),
    ),
    (
        "package.json",
        include_str!("../../../../examples/hubspot-contacts/package.json"),
    ),
    (
        "tsconfig.json",
        include_str!("../../../../examples/hubspot-contacts/tsconfig.json"),
    ),
    (
        "README.md",
        include_str!("../../../../examples/hubspot-contacts/README.md"),
    ),
    (
        "hubspot/helpers/contact.ts",
        include_str!("../../../../examples/hubspot-contacts/hubspot/helpers/contact.ts"),
    ),
    (
        "hubspot/syncs/contacts.ts",
        include_str!("../../../../examples/hubspot-contacts/hubspot/syncs/contacts.ts"),
    ),
    (
        "hubspot/actions/create-contact.ts",
        include_str!("../../../../examples/hubspot-contacts/hubspot/actions/create-contact.ts"),
    ),
];

/// Writes the project into the data folder.
pub fn write(data_dir: &Path) -> Result<PathBuf> {
    let project = data_dir.join("hubspot-contacts");
    for (name, text) in FILES {
        let path = project.join(name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        }
        std::fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(project)
}

/// Compiles and deploys the project with `tenon deploy`, as its author would.
pub async fn deploy(client: &Client, project: &Path) -> Result<()> {
    let program = std::env::current_exe().context("the path of this program")?;
    let output = Command::new(program)
        .arg("deploy")
        .arg(ENVIRONMENT)
        .arg("--dir")
        .arg(project)
        .args(["--yes", "--no-typecheck", "--host", client.base_url()])
        .env("TENON_SECRET_KEY_DEV", client.key().expose())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("`tenon deploy` cannot be started")?;
    if !output.status.success() {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        bail!(
            "`tenon deploy` failed ({}):\n{}\n{}",
            output.status,
            text(&output.stdout),
            text(&output.stderr)
        );
    }
    Ok(())
}
