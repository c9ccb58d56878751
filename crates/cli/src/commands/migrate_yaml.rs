//! `tenon migrate-to-zero-yaml`: a project described by `nango.yaml`, written anew as TypeScript definitions.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tenon_compiler::older::{Migration, migrate};

use crate::authoring::{
    COMPILE_FAILED, exit, report, scaffold,
    terminal::{Style, Terminal, count, note, say},
};
use crate::common::CommonArgs;

/// Flags of `tenon migrate-to-zero-yaml`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon migrate-to-zero-yaml                   says what would be written over, and writes when nothing would be
  tenon migrate-to-zero-yaml --out ../new      makes a new project beside this one
  tenon migrate-to-zero-yaml --force           in place; commit your work first

Models become Zod schemas in models.ts, each script a file with createSync, createAction or createOnEvent, and index.ts lists
them. What cannot be translated is named with its file and line, and then nothing is written. Tests stay as they are; make new
ones with `tenon dryrun --save`. In place, nango.yaml is kept as nango.yaml.migrated.
Exit codes: 0 written, 10 something cannot be translated, 1 anything else.")]
pub struct MigrateYamlArgs {
    /// Folder of the project: the one with nango.yaml.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Folder to write to, instead of the project's own.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write over files that are there.
    #[arg(long, short)]
    force: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub fn run(args: &MigrateYamlArgs, common: CommonArgs) -> Result<ExitCode> {
    let terminal = common.terminal();
    let migration = migrate(&args.dir);
    if migration.diagnostics.iter().any(tenon_compiler::Diagnostic::is_error) {
        return Ok(refused(args, &migration, terminal));
    }
    let target = args.out.as_deref().unwrap_or(&args.dir);
    let in_the_way: Vec<&str> = migration
        .files
        .iter()
        .filter(|(path, text)| fs::read_to_string(target.join(path)).is_ok_and(|present| present != *text))
        .map(|(path, _)| path.as_str())
        .collect();
    if !in_the_way.is_empty() && !args.force {
        let question = format!("Write over {}?", count(in_the_way.len(), "file"));
        let agreed = terminal.is_interactive() && !args.json && {
            note(&format!("These files are written anew: {}", in_the_way.join(", ")));
            terminal.confirm(&question, false)
        };
        if !agreed {
            bail!(
                "nothing was written: {} would be written over; commit your work and pass --force, or --out for another folder",
                in_the_way.join(", ")
            );
        }
    }
    for (path, text) in &migration.files {
        scaffold::write(&target.join(path), text)?;
    }
    let kept = scaffold::around(target)?;
    if args.out.is_none() {
        set_aside(&args.dir, &migration.obsolete)?;
    }
    if args.json {
        let written: Vec<&str> = migration.files.iter().map(|(path, _)| path.as_str()).collect();
        say(&json!({ "path": target, "written": written, "added": kept.created }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    for (path, _) in &migration.files {
        say(&format!("{} {path}", terminal.paint(Style::Green, "+")));
    }
    for path in &kept.created {
        say(&format!("{} {path}", terminal.paint(Style::Green, "+")));
    }
    say(
        "\nNext: `tenon compile`. Every function needs a description, records an `id` that is a text, and tests new fixtures.",
    );
    if kept.kept.iter().any(|path| path == "package.json") {
        say(
            "Your package.json was not changed; it needs \"type\": \"module\" and the development dependency zod 4.3.6.",
        );
    }
    Ok(ExitCode::SUCCESS)
}

fn refused(args: &MigrateYamlArgs, migration: &Migration, terminal: Terminal) -> ExitCode {
    let places = count(migration.diagnostics.len(), "place");
    let message = format!("Nothing was written: {places} to mend.");
    if args.json {
        let error = json!({ "code": "migration_failed", "message": message });
        say(&json!({ "ok": false, "diagnostics": migration.diagnostics, "error": error }).to_string());
    } else {
        for finding in &migration.diagnostics {
            note(&report::finding(finding, terminal));
        }
        note(&terminal.paint(Style::Red, &message));
    }
    exit(COMPILE_FAILED)
}

/// Moves what the new project does not have out of its way: the description is kept, scripts that moved are not.
fn set_aside(dir: &Path, obsolete: &[String]) -> Result<()> {
    for path in obsolete {
        let old = dir.join(path);
        if path == "nango.yaml" {
            fs::rename(&old, dir.join("nango.yaml.migrated")).context("nango.yaml cannot be renamed")?;
        } else {
            fs::remove_file(&old).with_context(|| format!("{} cannot be removed", old.display()))?;
        }
    }
    Ok(())
}
