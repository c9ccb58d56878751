//! `tenon pull`: the source of a deployed function, into the project.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Value, json};
use tenon_catalog::library::{self, FunctionTemplate};

use crate::authoring::client::Client;
use crate::authoring::function_name::FunctionName;
use crate::authoring::scaffold;
use crate::authoring::settings::{ServerArgs, Settings};
use crate::authoring::terminal::{Style, Terminal, note, say};
use crate::failure::Failure;

/// Flags of `tenon pull`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon pull hubspot contacts
  tenon pull hubspot/contacts -e prod --force       over the file that is there
  tenon pull hubspot contacts --function-version 3  as it was; `tenon functions show` lists versions
  tenon pull hubspot contacts --catalog             the template of that name, with its fixtures

Brings the entry file back, as it was deployed. Files that it imported are not stored on the server; those that the
project lacks are named.
Exit codes: 0 written, 1 anything else.")]
pub struct PullArgs {
    /// Integration that the function belongs to; or INTEGRATION/NAME in one word.
    integration: String,
    /// Its name.
    name: Option<String>,
    /// Environment that it is deployed in.
    #[arg(short, long, visible_alias = "env", default_value = "dev")]
    environment: String,
    /// Take the template of this name instead, from this program; the integration is the provider's name.
    #[arg(short, long, conflicts_with_all = ["environment", "version"])]
    catalog: bool,
    /// What it is, when several have the name.
    #[arg(long = "type", value_name = "TYPE", value_parser = ["sync", "action", "on-event"], group = "what")]
    kind: Option<String>,
    /// The same as --type sync.
    #[arg(long, short, group = "what")]
    sync: bool,
    /// The same as --type action.
    #[arg(long, short, group = "what")]
    action: bool,
    /// The same as --type on-event.
    #[arg(long, group = "what")]
    on_event: bool,
    /// An earlier version, by its name or its hash (7 digits are enough).
    #[arg(long = "function-version", value_name = "VERSION")]
    version: Option<String>,
    /// Write over a file that is there.
    #[arg(short, long)]
    force: bool,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: PullArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    let function = FunctionName::parse(&args.integration, args.name.as_deref())?;
    if args.catalog {
        return take_template(&args, &function, terminal);
    }
    let settings = Settings::load(&args.dir);
    let client = Client::new(
        &settings.host(&args.server),
        settings.key(&args.server, &args.environment)?,
    )?;
    let path = function.path("/code", &[("type", args.kind()), ("version", args.version.as_deref())])?;
    let answer = client.json(Method::GET, &path, None).await;
    let answer = answer.map_err(|error| function.explain(error))?;
    let code = answer.get("code").and_then(Value::as_str).unwrap_or_default();
    let folder = match answer.get("type").and_then(Value::as_str) {
        _ if code.contains("createFunction") => "functions",
        Some("sync") => "syncs",
        Some("on-event") => "on-events",
        _ => "actions",
    };
    let stem = format!("{}/{folder}/{}", function.integration, function.name);
    let file = args.dir.join(format!("{stem}.ts"));
    let present = std::fs::read_to_string(&file).ok();
    let same = present.as_deref() == Some(code);
    if present.is_some() && !same && !args.force {
        bail!(Failure::new(
            "file_exists",
            format!("{stem}.ts exists and differs; `tenon functions diff` shows how, --force writes over it")
        ));
    }
    if !same {
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).with_context(|| format!("{} cannot be made", parent.display()))?;
        }
        std::fs::write(&file, code).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    let listed = scaffold::list_function(&args.dir, &stem)? == scaffold::Listed::Now;
    let missing = tenon_compiler::missing_imports(&args.dir, &format!("{stem}.ts"));
    if args.json {
        let said =
            json!({ "path": format!("{stem}.ts"), "changed": !same, "listed": listed, "missing_imports": missing });
        say(&said.to_string());
    } else {
        let (sign, style) = if same { ("=", Style::Dim) } else { ("+", Style::Green) };
        let rest = if listed { ", listed in index.ts" } else { "" };
        say(&format!("{} {stem}.ts{rest}", terminal.paint(style, sign)));
        for import in &missing {
            let sentence = format!(
                "{stem}.ts imports `{import}`, which this project does not have; it cannot be compiled before."
            );
            note(&terminal.paint(Style::Yellow, &sentence));
        }
        if !missing.is_empty() {
            note("The server keeps the entry file only: take those files from where the function was deployed.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl PullArgs {
    fn kind(&self) -> Option<&str> {
        match (self.sync, self.action, self.on_event) {
            (true, ..) => Some("sync"),
            (_, true, _) => Some("action"),
            (.., true) => Some("on-event"),
            (false, false, false) => self.kind.as_deref(),
        }
    }
}

fn take_template(args: &PullArgs, function: &FunctionName, terminal: Terminal) -> Result<ExitCode> {
    let fits = |template: &&FunctionTemplate| {
        template.name == function.name && args.kind().is_none_or(|kind| template.kind() == kind)
    };
    let Some(template) = library::templates(Some(&function.integration)).find(fits) else {
        bail!(Failure::not_found(format!(
            "there is no template {}; `tenon templates list` shows those that there are",
            function.title()
        )));
    };
    let added = scaffold::add(&args.dir, template, &function.integration, args.force)?;
    if args.json {
        let shown = json!({ "path": added.function, "fixtures": added.fixtures, "listed": added.listed });
        say(&shown.to_string());
    } else {
        let rest = if added.listed { ", listed in index.ts" } else { "" };
        say(&format!(
            "{} {}{rest}",
            terminal.paint(Style::Green, "+"),
            added.function
        ));
    }
    Ok(ExitCode::SUCCESS)
}
