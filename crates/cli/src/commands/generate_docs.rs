//! `tenon generate:docs`: a page of documentation beside every function.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use serde_json::json;
use tenon_compiler::Compiled;

use crate::authoring::{
    COMPILE_FAILED, build,
    docs::{self, Fate},
    exit, report,
    terminal::{Style, Terminal, note, say},
};
use crate::failure::Failure;

/// Flags of `tenon generate:docs`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon generate:docs                                    a page for every function
  tenon generate:docs -p hubspot/syncs                   for those below a folder
  tenon generate:docs -p hubspot/actions/create-contact  for one

Writes <integration>/<kind>/<name>.md from the compiled definition: what the function does, its schedule or event, scopes,
the fields of its models, input and output, and how to call it. What you write before and after the generated part stays; a
page without the marks around that part is yours and is left alone.
Exit codes: 0 written, 10 the project has errors, 1 anything else.")]
pub struct GenerateDocsArgs {
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Only functions at or below this path of the project.
    #[arg(long, short, value_name = "PATH")]
    path: Option<String>,
    /// The functions are templates, which are used for integrations with names of their own.
    #[arg(long)]
    integration_templates: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub async fn run(args: GenerateDocsArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let built = build::build(&args.dir, false).await?;
    if !built.is_usable() {
        if args.json {
            say(&report::as_json(&built).to_string());
        } else {
            report::findings(&built, terminal);
            report::failure(&built, terminal);
        }
        return Ok(exit(COMPILE_FAILED));
    }
    let functions = &built.project.functions;
    let wanted: Vec<&Compiled> = functions
        .iter()
        .filter(|one| is_below(one, args.path.as_deref()))
        .collect();
    if wanted.is_empty() {
        let place = args.path.as_deref().unwrap_or_default();
        bail!(Failure::not_found(format!("there is no function at {place}")));
    }
    let style = docs::Style {
        templates: args.integration_templates,
    };
    let mut pages = Vec::with_capacity(wanted.len());
    for function in wanted {
        let fate = docs::write(&built.project.root, function, style)?;
        pages.push((docs::path_of(function), fate));
    }
    if args.json {
        let pages = pages
            .iter()
            .map(|(path, fate)| json!({ "path": path, "state": fate.word() }));
        say(&json!({ "pages": pages.collect::<Vec<_>>() }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    for (path, fate) in &pages {
        match fate {
            Fate::Created => say(&format!("{} {path}", terminal.paint(Style::Green, "+"))),
            Fate::Updated => say(&format!("{} {path}", terminal.paint(Style::Yellow, "~"))),
            Fate::Same => say(&terminal.paint(Style::Dim, &format!("= {path}"))),
            Fate::Kept => note(&terminal.paint(
                Style::Yellow,
                &format!("{path} was written by hand and is left alone; remove it to have one generated"),
            )),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Whether a function is at a path, which may end before the file's suffix.
fn is_below(function: &Compiled, path: Option<&str>) -> bool {
    let Some(path) = path else { return true };
    let path = path.trim_start_matches("./").trim_end_matches('/');
    let file = function.entry.path.as_str();
    let stem = file.rsplit_once('.').map_or(file, |(stem, _)| stem);
    path.is_empty() || path == "." || path == file || path == stem || file.starts_with(&format!("{path}/"))
}
