//! `tenon functions`: what is deployed, its versions, going back, and switching off and on.

mod switch;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use crate::authoring::DEPLOY_FAILED;
use crate::authoring::client::Client;
use crate::authoring::exit;
use crate::authoring::lines::{Line, compare};
use crate::authoring::settings::EnvironmentArgs;
use crate::authoring::terminal::{Style, Terminal, note, say, table};
use crate::common::CommonArgs;

/// Functions asked for at a time.
const PAGE: usize = 100;

/// Flags of `tenon functions`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon functions list
  tenon functions show hubspot contacts                  what it is, and its versions
  tenon functions diff hubspot contacts                  the deployed source and the one in this project
  tenon functions diff hubspot contacts 3 5              two versions
  tenon functions rollback hubspot contacts              to the version before this one
  tenon functions rollback hubspot contacts --to 3 --yes -e prod
  tenon functions disable hubspot contacts -e prod       starts no more runs; `enable` undoes it

Exit codes: 0 done (diff: no difference), 1 anything else (diff: there are differences), 11 refused or not confirmed.")]
pub struct FunctionsArgs {
    #[command(subcommand)]
    command: Command,
}

/// Which function.
#[derive(Debug, Clone, clap::Args)]
struct Named {
    /// Integration that it belongs to.
    integration: String,
    /// Its name.
    name: String,
    /// What it is, when several have the name.
    #[arg(long = "type", value_name = "TYPE", value_parser = ["sync", "action", "on-event"])]
    kind: Option<String>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// All deployed functions.
    List {
        /// Only those of this integration.
        #[arg(short, long)]
        integration: Option<String>,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// One function and its versions.
    Show {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Differences between the deployed source and the project's, or between two versions.
    Diff {
        #[command(flatten)]
        named: Named,
        /// This version instead of the deployed one.
        old: Option<String>,
        /// This version instead of the project's source.
        new: Option<String>,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Deploy an earlier version again.
    Rollback {
        #[command(flatten)]
        named: Named,
        /// Version to go back to [default: the newest one with other code]
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Do not ask.
        #[arg(id = "auto_confirm", long = "yes", short = 'y', visible_alias = "auto-confirm")]
        yes: bool,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Switch a function off: it starts no more runs, and keeps its records and checkpoints.
    Disable {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Switch a function on again.
    Enable {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
}

impl Named {
    fn path(&self, rest: &str, more: &[(&str, &str)]) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in self
            .kind
            .iter()
            .map(|kind| ("type", kind.as_str()))
            .chain(more.iter().copied())
        {
            query.append_pair(name, value);
        }
        let query = query.finish();
        let separator = if query.is_empty() { "" } else { "?" };
        format!(
            "/integrations/{}/functions/{}{rest}{separator}{query}",
            self.integration, self.name
        )
    }

    fn title(&self) -> String {
        format!("{}/{}", self.integration, self.name)
    }
}

/// Runs the command.
pub async fn run(args: FunctionsArgs, flags: CommonArgs) -> Result<ExitCode> {
    let terminal = flags.terminal();
    match args.command {
        Command::List { integration, common } => list(integration, &common, terminal).await,
        Command::Show { named, common } => show(&named, &common, terminal).await,
        Command::Diff {
            named,
            old,
            new,
            common,
        } => diff(&named, old.as_deref(), new.as_deref(), &common, terminal).await,
        Command::Rollback { named, to, yes, common } => roll_back(&named, to.as_deref(), yes, &common, terminal).await,
        Command::Disable { named, common } => switch::run(&named, false, &common, terminal).await,
        Command::Enable { named, common } => switch::run(&named, true, &common, terminal).await,
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn items(value: &Value, key: &str) -> Vec<Value> {
    value.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}

async fn list(integration: Option<String>, common: &EnvironmentArgs, terminal: Terminal) -> Result<ExitCode> {
    let client = common.client()?;
    let integrations = match integration {
        Some(key) => vec![key],
        None => {
            let answer = client.json(Method::GET, "/integrations", None).await?;
            let all = items(&answer, "data");
            all.iter().map(|one| text(one, "unique_key").to_owned()).collect()
        }
    };
    let mut found = Vec::new();
    for key in integrations {
        for page in 0.. {
            let path = format!("/integrations/{key}/functions?limit={PAGE}&page={page}");
            let some = items(&client.json(Method::GET, &path, None).await?, "data");
            let last = some.len() < PAGE;
            found.extend(some.into_iter().map(|mut function| {
                function["integration"] = json!(key);
                function
            }));
            if last {
                break;
            }
        }
    }
    if common.json {
        say(&json!({ "functions": found }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|function| {
            let enabled = function.get("enabled") != Some(&json!(false));
            let about = [
                text(function, "event"),
                text(function, "runs"),
                text(function, "source"),
            ];
            let about: Vec<&str> = about.into_iter().filter(|part| !part.is_empty()).collect();
            vec![
                terminal.paint(Style::Cyan, text(function, "type")),
                format!("{}/{}", text(function, "integration"), text(function, "name")),
                if enabled {
                    String::new()
                } else {
                    terminal.paint(Style::Yellow, "disabled")
                },
                terminal.paint(
                    Style::Dim,
                    &format!("{} · {}", text(function, "last_deployed"), about.join(" · ")),
                ),
            ]
        })
        .collect();
    if rows.is_empty() {
        note("Nothing is deployed.");
    } else {
        say(table(0, &rows).trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

async fn show(named: &Named, common: &EnvironmentArgs, terminal: Terminal) -> Result<ExitCode> {
    let client = common.client()?;
    let function = client.json(Method::GET, &named.path("", &[]), None).await?;
    let versions = client.json(Method::GET, &named.path("/versions", &[]), None).await?;
    let (function, versions) = (
        function.get("data").cloned().unwrap_or_default(),
        items(&versions, "data"),
    );
    if common.json {
        say(&json!({ "function": function, "versions": versions }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    say(&format!(
        "{} {}",
        terminal.paint(Style::Cyan, text(&function, "type")),
        terminal.paint(Style::Bold, &named.title())
    ));
    if !text(&function, "description").is_empty() {
        say(text(&function, "description"));
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|version| {
            let current = version.get("current") == Some(&json!(true));
            vec![
                terminal.paint(Style::Green, if current { "→" } else { " " }),
                text(version, "version").to_owned(),
                terminal.paint(Style::Dim, text(version, "deployed_at")),
                terminal.paint(Style::Dim, text(version, "hash").get(..12).unwrap_or_default()),
            ]
        })
        .collect();
    say(table(2, &rows).trim_end());
    Ok(ExitCode::SUCCESS)
}

async fn source(client: &Client, named: &Named, version: Option<&str>) -> Result<String> {
    let more: Vec<(&str, &str)> = version.iter().map(|version| ("version", *version)).collect();
    let answer = client.json(Method::GET, &named.path("/code", &more), None).await?;
    Ok(text(&answer, "code").to_owned())
}

/// The source in the project: in the folder that the function's kind belongs in.
fn local(named: &Named, common: &EnvironmentArgs) -> Result<String> {
    let folders = ["syncs", "actions", "on-events", "functions"];
    let file = folders
        .iter()
        .map(|folder| {
            common
                .dir
                .join(&named.integration)
                .join(folder)
                .join(format!("{}.ts", named.name))
        })
        .find(|file| file.is_file());
    let file = file.with_context(|| {
        format!(
            "the project in {} has no function {}; name two versions to compare those",
            common.dir.display(),
            named.title()
        )
    })?;
    std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))
}

async fn diff(
    named: &Named,
    old: Option<&str>,
    new: Option<&str>,
    common: &EnvironmentArgs,
    terminal: Terminal,
) -> Result<ExitCode> {
    let client = common.client()?;
    let before = source(&client, named, old).await?;
    let after = match new {
        Some(version) => source(&client, named, Some(version)).await?,
        None => local(named, common)?,
    };
    let lines = compare(&before, &after);
    if common.json {
        let list: Vec<Value> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Old(text) => Some(json!({ "removed": text })),
                Line::New(text) => Some(json!({ "added": text })),
                Line::Same(_) | Line::Skipped(_) => None,
            })
            .collect();
        say(&json!({ "equal": lines.is_empty(), "changes": list }).to_string());
    } else if lines.is_empty() {
        note("No difference.");
    } else {
        for line in &lines {
            say(&match line {
                Line::Same(text) => format!("  {text}"),
                Line::Old(text) => terminal.paint(Style::Red, &format!("- {text}")),
                Line::New(text) => terminal.paint(Style::Green, &format!("+ {text}")),
                Line::Skipped(count) => terminal.paint(Style::Dim, &format!("  … {count} equal lines")),
            });
        }
    }
    Ok(if lines.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

async fn roll_back(
    named: &Named,
    to: Option<&str>,
    yes: bool,
    common: &EnvironmentArgs,
    terminal: Terminal,
) -> Result<ExitCode> {
    let client = common.client()?;
    let what = to.map_or_else(
        || "the version before".to_owned(),
        |version| format!("version {version}"),
    );
    let question = format!(
        "Deploy {what} of {} again, in the environment {}?",
        named.title(),
        common.environment
    );
    let interactive = terminal.is_interactive() && !common.json;
    if !yes && interactive && !terminal.confirm(&question, false) {
        note("Nothing was changed.");
        return Ok(exit(DEPLOY_FAILED));
    }
    if !yes && !interactive {
        let message = "nobody can answer here; add --yes to go back without a question";
        return Ok(refused(common, terminal, message));
    }
    let body = match (to, &named.kind) {
        (None, None) => json!({}),
        (Some(version), None) => json!({ "version": version }),
        (None, Some(kind)) => json!({ "type": kind }),
        (Some(version), Some(kind)) => json!({ "version": version, "type": kind }),
    };
    let plain = Named {
        kind: None,
        ..named.clone()
    };
    match client
        .json(Method::POST, &plain.path("/rollback", &[]), Some(&body))
        .await
    {
        Ok(answer) => {
            let data = answer.get("data").cloned().unwrap_or_default();
            if common.json {
                say(&json!({ "ok": true, "from": data["from"], "version": data["version"] }).to_string());
            } else {
                let sentence = format!("{} is at version {} again.", named.title(), text(&data, "version"));
                say(&terminal.paint(Style::Green, &sentence));
                note("The sources of your project did not change; the next deploy brings them back.");
            }
            Ok(ExitCode::SUCCESS)
        }
        Err(error) => Ok(refused(common, terminal, &error.to_string())),
    }
}

fn refused(common: &EnvironmentArgs, terminal: Terminal, message: &str) -> ExitCode {
    if common.json {
        say(&json!({ "ok": false, "error": { "message": message } }).to_string());
    } else {
        note(&terminal.paint(Style::Red, &format!("Nothing was changed: {message}")));
    }
    exit(DEPLOY_FAILED)
}
