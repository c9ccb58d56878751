//! `tenon clone`: ready-made functions of this program, copied into a project by the path that they have there.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::json;
use tenon_catalog::library::{self, FunctionTemplate};

use crate::authoring::{
    scaffold,
    terminal::{Style, Terminal, say},
};
use crate::failure::Failure;

/// Flags of `tenon clone`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon clone hubspot                  every template of a provider
  tenon clone hubspot/syncs            those of a kind
  tenon clone hubspot/syncs/contacts   one, with its fixtures

The templates are part of this program; `tenon templates list` shows them. A file that you changed is not overwritten
without --force.")]
pub struct CloneArgs {
    /// Which ones: PROVIDER, PROVIDER/KIND or PROVIDER/KIND/NAME.
    template: String,
    /// Overwrite files that differ.
    #[arg(long, short)]
    force: bool,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &CloneArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let mut added = Vec::new();
    for template in find(&args.template)? {
        let written = scaffold::add(&args.dir, template, template.provider, args.force)?;
        if !args.json {
            let listed = if written.listed { ", listed in index.ts" } else { "" };
            say(&format!(
                "{} {}{listed}",
                terminal.paint(Style::Green, "+"),
                written.function
            ));
        }
        added.push(json!({ "created": written.function, "fixtures": written.fixtures, "listed": written.listed }));
    }
    if args.json {
        say(&json!({ "added": added }).to_string());
    }
    Ok(ExitCode::SUCCESS)
}

/// The templates at a path; a kind is the name of its folder.
fn find(path: &str) -> Result<Vec<&'static FunctionTemplate>> {
    let mut parts = path.trim_matches('/').splitn(3, '/');
    let provider = parts.next().unwrap_or_default();
    let (folder, name) = (parts.next(), parts.next().map(|name| name.trim_end_matches(".ts")));
    let found: Vec<_> = library::templates(Some(provider))
        .filter(|template| folder.is_none_or(|folder| template.folder == folder))
        .filter(|template| name.is_none_or(|name| template.name == name))
        .collect();
    if found.is_empty() {
        bail!(Failure::not_found(format!(
            "there is no template at {path}; `tenon templates list` shows those that there are"
        )));
    }
    Ok(found)
}
