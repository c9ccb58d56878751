//! `tenon create`: one new function in a project.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use serde_json::json;
use tenon_compiler::Kind;

use crate::authoring::{
    scaffold::{self, New},
    terminal::{Style, Terminal, say},
};
use crate::failure::Failure;

/// Flags of `tenon create`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon create --sync hubspot tickets
  tenon create --action slack post-message
  tenon create --on-event github greet")]
pub struct CreateArgs {
    /// Integration that the function belongs to (its unique key on the server).
    integration: String,
    /// Name of the function.
    name: String,
    /// A function that keeps a copy of the provider's data.
    #[arg(long, group = "kind")]
    sync: bool,
    /// A function that is called with an input and answers an output.
    #[arg(long, group = "kind")]
    action: bool,
    /// A function that runs when a connection is made, checked or deleted.
    #[arg(long, group = "kind")]
    on_event: bool,
    /// A function with a trigger of its own choice (experimental).
    #[arg(long = "function", group = "kind")]
    declared: bool,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: CreateArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let kind = match (args.sync, args.action, args.on_event, args.declared) {
        (true, ..) => Kind::Sync,
        (_, true, ..) => Kind::Action,
        (_, _, true, _) => Kind::OnEvent,
        (.., true) => Kind::Function,
        (false, false, false, false) => {
            anyhow::bail!(Failure::usage(
                "say what to make: --sync, --action, --on-event or --function"
            ))
        }
    };
    let made = scaffold::create(
        &args.dir,
        &New {
            kind,
            integration: &args.integration,
            name: &args.name,
        },
    )?;
    if args.json {
        say(&json!({ "created": made.path, "listed": made.listed }).to_string());
    } else {
        let rest = if made.listed { ", listed in index.ts" } else { "" };
        say(&format!("{} {}{rest}", terminal.paint(Style::Green, "+"), made.path));
    }
    Ok(ExitCode::SUCCESS)
}
