//! `tenon dev`: every save is checked, compiled and deployed to a server on this machine, and runs are shown live.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};

use crate::authoring::client::{Client, is_on_this_machine};
use crate::authoring::deploy::{self, Consent, Decision, Selection, Sent};
use crate::authoring::settings::{ServerArgs, Settings};
use crate::authoring::terminal::{Style, Terminal, count, note, plain, say};
use crate::authoring::{build, report};
use crate::failure::{Failure, code_of, error_json};
use crate::stop::stop_signal;

/// How often files and runs are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(400);
/// Folders that are not sources.
const NOT_SOURCES: [&str; 5] = ["node_modules", "build", "dist", "target", "tests"];
/// Files that are watched; a folder with more is no project.
const FILES_MAX: usize = 20_000;
/// Runs asked for at a time.
const RUNS_MAX: usize = 50;

/// Flags of `tenon dev`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon dev                       watch, check, compile, deploy to http://localhost:3003, show runs
  tenon dev --dir functions
  tenon dev --no-deploy           only check and compile
  tenon dev --host https://tenon.example.com --remote

What a save removes from the project is removed from the server, unless data would be lost by it: then nothing is deployed until
you run `tenon deploy --allow-destructive`. Ends with Ctrl-C.")]
pub struct DevArgs {
    /// Environment to deploy to.
    #[arg(default_value = "dev")]
    environment: String,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Only check and compile.
    #[arg(long)]
    no_deploy: bool,
    /// Do not run the project's TypeScript, when it has one.
    #[arg(long)]
    no_typecheck: bool,
    /// Deploy to a server that is not on this machine.
    #[arg(long)]
    remote: bool,
    /// One JSON object per line.
    #[arg(long)]
    json: bool,
    /// End after the first compilation and deploy, as in scripts.
    #[arg(long, hide = true)]
    once: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: DevArgs) -> Result<ExitCode> {
    let terminal = Terminal::detect();
    if !args.dir.is_dir() {
        bail!(Failure::not_found(format!(
            "there is no folder {}; name the project's folder with --dir",
            args.dir.display()
        )));
    }
    let settings = Settings::load(&args.dir);
    let client = if args.no_deploy {
        None
    } else {
        Some(client(&args, &settings)?)
    };
    if !args.json {
        let target = client
            .as_ref()
            .map_or_else(String::new, |client| format!(", deploying to {}", client.host()));
        say(&format!("Watching {}{target}. Ctrl-C ends it.", args.dir.display()));
    }
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(ExitCode::SUCCESS),
        ended = watch(&args, &settings, client.as_ref(), terminal) => ended,
    }
}

/// Looks at files and runs until a round fails, or the first round is over and no more is asked for.
async fn watch(args: &DevArgs, settings: &Settings, client: Option<&Client>, terminal: Terminal) -> Result<ExitCode> {
    let mut runs = Runs::default();
    if let Some(client) = client {
        // What happened before is not news.
        runs.news(client).await;
    }
    let mut seen = HashMap::new();
    let mut first = true;
    loop {
        let now = files(&args.dir);
        if first || now != seen {
            seen = now;
            first = false;
            let usable = work(args, settings, client, terminal).await?;
            if args.once {
                return Ok(if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
        }
        if let Some(client) = client {
            for run in runs.news(client).await {
                show(&run, args.json, terminal);
            }
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// The client; only for servers on this machine unless the author says otherwise.
fn client(args: &DevArgs, settings: &Settings) -> Result<Client> {
    let host = settings.host(&args.server);
    if !is_on_this_machine(&host) && !args.remote {
        bail!(Failure::usage(format!(
            "{host} is not on this machine; every save would be deployed there. Add --remote if that is wanted"
        )));
    }
    let key = settings.key(&args.server, &args.environment).map_err(|error| {
        let advice = "`tenon dev --no-deploy` needs none and only checks and compiles";
        Failure::new(code_of(&error), format!("{error}; {advice}"))
    })?;
    Client::new(&host, key)
}

/// Sources with the moment of their last change.
fn files(dir: &Path) -> HashMap<PathBuf, SystemTime> {
    let mut found = HashMap::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                if !name.starts_with('.') && !NOT_SOURCES.contains(&name.as_ref()) {
                    folders.push(entry.path());
                }
            } else if [".ts", ".js", ".mjs", ".json"].iter().any(|end| name.ends_with(end)) || name == ".env" {
                found.insert(entry.path(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH));
            }
            if found.len() >= FILES_MAX {
                return found;
            }
        }
    }
    found
}

/// One round: whether the project is usable and, if asked for, deployed.
async fn work(args: &DevArgs, settings: &Settings, client: Option<&Client>, terminal: Terminal) -> Result<bool> {
    let built = build::build(&args.dir, !args.no_typecheck).await?;
    if !args.json {
        report::findings(&built, terminal);
    }
    if !built.is_usable() {
        if args.json {
            say(&json!({ "event": "compiled", "result": report::as_json(&built) }).to_string());
        } else {
            report::failure(&built, terminal);
        }
        return Ok(false);
    }
    tenon_compiler::write(&built.project)?;
    if args.json {
        say(&json!({ "event": "compiled", "result": report::as_json(&built) }).to_string());
    } else {
        let sentence = format!(
            "Compiled {} in {} ms.",
            count(built.project.functions.len(), "function"),
            built.duration_ms
        );
        say(&terminal.paint(Style::Green, &sentence));
    }
    let (Some(client), false) = (client, built.project.functions.is_empty()) else {
        return Ok(true);
    };
    match put(&built, settings, client).await {
        Ok(deployed) => {
            if args.json {
                say(&json!({ "event": "deployed", "functions": deployed }).to_string());
            } else {
                let sentence = format!("Deployed to {}.", args.environment);
                say(&terminal.paint(Style::Green, &sentence));
            }
            Ok(true)
        }
        Err(error) => {
            if args.json {
                let refused = json!({ "event": "refused", "ok": false, "message": error.to_string(), "error": error_json(&error) });
                say(&refused.to_string());
            } else {
                note(&terminal.paint(Style::Red, &format!("Not deployed: {error}")));
            }
            Ok(false)
        }
    }
}

/// Deploys everything, unless data would be lost.
async fn put(built: &build::Built, settings: &Settings, client: &Client) -> Result<Value> {
    let sent = Sent {
        standalone: settings.deploys_standalone(),
        ..Sent::default()
    };
    let request = deploy::Request::new(&built.project, &Selection::default(), sent)?;
    let plan = request.plan(client).await?;
    let consent = Consent {
        auto_confirm: true,
        allow_destructive: false,
        interactive: false,
    };
    match deploy::decide(&plan, consent) {
        Decision::Proceed => Ok(request.apply(client).await?),
        Decision::Refuse(_) | Decision::Ask { .. } => bail!(Failure::new(
            "destructive_change",
            format!(
                "this would delete {}; run `tenon deploy --allow-destructive` if that is wanted",
                plan.losses().join(" and ")
            )
        )),
    }
}

/// Runs that were shown, with the state in which they were.
#[derive(Debug, Default)]
struct Runs {
    shown: HashMap<String, String>,
}

impl Runs {
    /// What is new since the last look, oldest first. A server that does not answer has no news.
    async fn news(&mut self, client: &Client) -> Vec<Value> {
        let path = format!("/logs/operations?limit={RUNS_MAX}");
        let Ok(answer) = client.json(Method::GET, &path, None).await else {
            return Vec::new();
        };
        let list = answer
            .get("operations")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let mut news = Vec::new();
        let mut current = HashMap::with_capacity(list.len());
        for operation in list.into_iter().rev() {
            let (id, state) = (text(&operation, "id").to_owned(), text(&operation, "state").to_owned());
            let is_run = matches!(text(&operation, "kind"), "sync" | "action" | "webhook" | "on-event");
            if is_run && self.shown.get(&id) != Some(&state) {
                news.push(operation);
            }
            current.insert(id, state);
        }
        self.shown = current;
        news
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn show(run: &Value, as_json: bool, terminal: Terminal) {
    if as_json {
        return say(&json!({ "event": "run", "run": run }).to_string());
    }
    let state = text(run, "state");
    let style = match state {
        "success" => Style::Green,
        "running" | "waiting" => Style::Cyan,
        _ => Style::Red,
    };
    let duration = run.get("duration_ms").and_then(Value::as_f64);
    let duration = duration.map_or_else(String::new, |ms| format!("{ms:.0} ms"));
    say(&format!(
        "{}  {}  {}  {}",
        terminal.paint(style, &format!("{state:<8}")),
        plain(text(run, "title")),
        terminal.paint(Style::Dim, text(run, "connection_id")),
        terminal.paint(Style::Dim, &format!("{duration}  {}", text(run, "id"))),
    ));
    if let Some(error) = run.get("error").filter(|error| !error.is_null()) {
        say(&terminal.paint(
            Style::Red,
            &format!("          {}: {}", text(error, "code"), text(error, "message")),
        ));
    }
}
