//! `tenon compile`: checks a project and writes its bundles.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};

use crate::authoring::{
    COMPILE_FAILED, build, exit, report,
    terminal::{Terminal, say},
};

/// Flags of `tenon compile`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon compile                      the project in this folder
  tenon compile functions --check    findings only, nothing is written
  tenon compile --json | jq '.diagnostics[] | {code, file: .location.file, line: .location.line}'

Writes build/*.cjs (one bundle per function) and .nango/nango.json (the definitions; commit it).
Exit codes: 0 compiled, 10 the project has errors, 1 anything else.")]
pub struct CompileArgs {
    /// Folder of the project: the one with index.ts.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Report findings and write nothing.
    #[arg(long)]
    check: bool,
    /// Do not run the project's TypeScript, when it has one.
    #[arg(long)]
    no_typecheck: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: CompileArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let built = build::build(&args.dir, !args.no_typecheck).await?;
    if built.is_usable() && !args.check {
        tenon_compiler::write(&built.project).context("the compiled functions cannot be written")?;
    }
    if args.json {
        say(&report::as_json(&built).to_string());
    } else {
        report::findings(&built, terminal);
        if built.is_usable() {
            report::summary(&built, terminal);
        } else {
            report::failure(&built, terminal);
        }
    }
    Ok(if built.is_usable() {
        ExitCode::SUCCESS
    } else {
        exit(COMPILE_FAILED)
    })
}
