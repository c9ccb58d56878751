//! `tenon generate:tests`: test files for Vitest beside recorded fixtures.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use serde_json::json;

use crate::{authoring::terminal::say, testing::generate};

/// Flags of `tenon generate:tests`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon dryrun contacts 3f9a… --save && tenon generate:tests && npx vitest run

Writes <integration>/tests/<integration>-<function>.test.ts for every fixture that no test reads, and vitest.setup.ts and
vite.config.ts where they are missing. Files that exist are left alone. `tenon test` runs fixtures without any of them.")]
pub struct GenerateTestsArgs {
    /// Folder to search for fixtures.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &GenerateTestsArgs) -> Result<ExitCode> {
    let written = generate(&args.path)?;
    let paths: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
    if args.json {
        say(&json!({ "written": paths }).to_string());
    } else if paths.is_empty() {
        say("Every fixture has a test.");
    } else {
        say(&paths.join("\n"));
    }
    Ok(ExitCode::SUCCESS)
}
