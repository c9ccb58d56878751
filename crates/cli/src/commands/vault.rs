//! `tenon vault`: the master key and what it seals.

use std::process::ExitCode;

use anyhow::Result;
use serde_json::json;

use crate::commands::serve::CommonArgs;
use crate::{logging, wiring};

/// Flags of `tenon vault`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "To rotate the master key while the server works:
  1. Add the new key to security.previous_master_keys on every node and restart them one by one: now all can read
     what either key seals.
  2. Make the new key the master key and the old one a previous key, again node by node.
  3. Run `tenon vault rotate` once, with the same settings. It may be interrupted and run again.
  4. When `tenon vault status` names only the new key, remove the old one from the settings.")]
pub struct VaultArgs {
    /// What to do.
    #[command(subcommand)]
    command: VaultCommand,
    /// Machine-readable output.
    #[arg(long, global = true)]
    json: bool,
    /// Settings, and where data lives.
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, Copy, clap::Subcommand)]
enum VaultCommand {
    /// Show which master keys seal data keys.
    Status,
    /// Seal every data key with the current master key.
    Rotate,
}

/// Runs the command.
pub async fn run(args: VaultArgs) -> Result<ExitCode> {
    let config = args.common.load(Vec::new())?;
    logging::quiet();
    let app = wiring::build(&config, String::new()).await?;
    match args.command {
        VaultCommand::Status => {
            let keys = app.master_keys().await?;
            if args.json {
                print(&json!({ "current": keys.current, "data_keys": keys.data_keys }).to_string());
                return Ok(ExitCode::SUCCESS);
            }
            print(&format!("current master key  {}", keys.current));
            for (tag, count) in &keys.data_keys {
                let note = if *tag == keys.current {
                    ""
                } else {
                    "  (not yet rotated)"
                };
                print(&format!("{count:>5} data keys sealed by {tag}{note}"));
            }
        }
        VaultCommand::Rotate => {
            let done = app.rotate_master_key().await.map_err(wiring::explain)?;
            print(&if args.json {
                json!({ "resealed": done.resealed, "unchanged": done.unchanged }).to_string()
            } else {
                format!(
                    "{} data keys sealed again, {} were sealed by the current master key already",
                    done.resealed, done.unchanged
                )
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print(text: &str) {
    println!("{text}");
}
