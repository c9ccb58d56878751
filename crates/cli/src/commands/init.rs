//! `tenon init`: a project for functions, ready for an editor.

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use serde_json::json;

use crate::authoring::{
    scaffold,
    terminal::{Style, Terminal, say},
};

/// Flags of `tenon init`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon init                 in this folder
  tenon init functions       in a new folder
  tenon init --types         only the types, in a project that exists (after an update, or after cloning)

Writes package.json, tsconfig.json, index.ts, .env, one example of each kind of function for GitHub, and the types
of the SDK, so that an editor knows them without any package being published. Files that exist are kept. In a folder
that has functions already, index.ts lists those, and there are no examples.")]
pub struct InitArgs {
    /// Folder of the project; made when it does not exist.
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Only write the types of the SDK.
    #[arg(long)]
    types: bool,
    /// Only write files. That is what happens anyway: nothing is installed, and the examples need no compiling.
    #[arg(long, hide = true)]
    copy: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: InitArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let written = if args.types {
        scaffold::types(&args.path)?
    } else {
        scaffold::init(&args.path)?
    };
    if args.json {
        say(&json!({ "path": args.path, "created": written.created, "kept": written.kept }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    for path in &written.created {
        say(&format!("  {} {path}", terminal.paint(Style::Green, "+")));
    }
    for path in &written.kept {
        say(&terminal.paint(Style::Dim, &format!("  = {path} (kept)")));
    }
    if args.types {
        return Ok(ExitCode::SUCCESS);
    }
    let here = if args.path.as_os_str() == "." {
        String::new()
    } else {
        format!("cd {} && ", args.path.display())
    };
    let has_examples = written.created.iter().any(|path| path.ends_with("/create-issue.ts"));
    let try_out = if has_examples {
        "create-issue CONNECTION_ID --input '{\"repository\": \"me/test\", \"title\": \"Hello\"}'"
    } else {
        "NAME CONNECTION_ID"
    };
    say(&format!(
        "\nNext:\n  {here}npm install                        zod and TypeScript, for your editor (not needed to compile)\n  tenon compile\n  tenon dryrun {try_out}\n  tenon deploy dev",
    ));
    Ok(ExitCode::SUCCESS)
}
