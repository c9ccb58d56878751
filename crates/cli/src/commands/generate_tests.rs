//! `tenon generate:tests`: test files for Vitest beside recorded fixtures.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use serde_json::json;

use crate::{
    authoring::terminal::say,
    testing::{Wanted, generate},
};

/// Flags of `tenon generate:tests`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon dryrun contacts 3f9a… --save && tenon generate:tests && npm install && npx vitest run
  tenon generate:tests -i hubspot -s contacts    for one sync

Writes <integration>/tests/<integration>-<function>.test.ts for every fixture that no test reads, and vitest.setup.ts and
vite.config.ts where they are missing. Files that exist are left alone, except that package.json gets vitest when it has none.
The kit that the tests use is in .tenon/sdk, as `nango/test`; projects made earlier get it with `tenon init --types`. `paginate`
needs its rules in the call there. `tenon test` runs fixtures without any of them.")]
pub struct GenerateTestsArgs {
    /// Folder to search for fixtures.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only for functions of this integration.
    #[arg(long, short, value_name = "ID")]
    integration: Option<String>,
    /// Only for this sync.
    #[arg(long, short, value_name = "NAME", conflicts_with = "action")]
    sync: Option<String>,
    /// Only for this action.
    #[arg(long, short, value_name = "NAME")]
    action: Option<String>,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &GenerateTestsArgs) -> Result<ExitCode> {
    let wanted = Wanted {
        integration: args.integration.as_deref(),
        sync: args.sync.as_deref(),
        action: args.action.as_deref(),
    };
    let generated = generate(&args.path, wanted)?;
    let shown = |paths: &[PathBuf]| -> Vec<String> { paths.iter().map(|path| path.display().to_string()).collect() };
    let paths = shown(&generated.written);
    let extended = shown(&generated.extended);
    if args.json {
        say(&json!({ "written": paths, "extended": extended }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    if paths.is_empty() {
        say("Every fixture has a test.");
    } else {
        say(&paths.join("\n"));
    }
    for path in extended {
        say(&format!("{path}: vitest was added; run npm install"));
    }
    Ok(ExitCode::SUCCESS)
}
