//! `tenon functions`: what is deployed, its versions, going back, and switching off and on.

mod diff;
mod named;
mod switch;

use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::Subcommand;
use http::Method;
use serde_json::{Value, json};

use crate::authoring::DEPLOY_FAILED;
use crate::authoring::client::segment;
use crate::authoring::exit;
use crate::authoring::settings::EnvironmentArgs;
use crate::authoring::terminal::{Style, Terminal, note, plain, say, table};
use crate::common::CommonArgs;

use named::{Named, NamedArgs, unchanged};

/// Functions asked for at a time.
const PAGE: usize = 100;

/// Flags of `tenon functions`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon functions list
  tenon functions show hubspot contacts                  what it is, and its versions
  tenon functions diff hubspot contacts                  the deployed source and the one in this project
  tenon functions diff hubspot/contacts 3 5              two versions, by name or by hash
  tenon functions rollback hubspot contacts              to the version before this one
  tenon functions rollback hubspot contacts --to 5919c4f9fdf3 --yes -e prod
  tenon functions disable hubspot contacts -e prod       starts no more runs; `enable` undoes it

A version is named as `show` lists it: by its name, or by its hash (7 digits are enough) where several have the name.
Exit codes: 0 done (diff: no difference), 1 anything else (diff: there are differences), 11 refused or not confirmed.")]
pub struct FunctionsArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// All deployed functions.
    #[command(after_help = "Examples:
  tenon functions list
  tenon functions list --integration hubspot -e prod
  tenon functions list --json | jq -r '.functions[] | \"\\(.integration)/\\(.name)\"'")]
    List {
        /// Only those of this integration.
        #[arg(short, long)]
        integration: Option<String>,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// One function and its versions.
    #[command(after_help = "Examples:
  tenon functions show hubspot contacts
  tenon functions show hubspot/contacts -e prod
  tenon functions show hubspot/contacts --json | jq '.versions[0]'")]
    Show {
        #[command(flatten)]
        named: NamedArgs,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Differences between the deployed source and the project's, or between two versions.
    #[command(after_help = "Examples:
  tenon functions diff hubspot contacts        the deployed source and the one in this project
  tenon functions diff hubspot contacts 3      version 3 and the one in this project
  tenon functions diff hubspot/contacts 3 5    two versions

Exit codes: 0 no difference, 1 there are differences, or anything else.")]
    Diff {
        #[command(flatten)]
        named: NamedArgs,
        /// This version (name or hash) instead of the deployed one.
        old: Option<String>,
        /// This version (name or hash) instead of the project's source.
        new: Option<String>,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Deploy an earlier version again.
    #[command(after_help = "Examples:
  tenon functions rollback hubspot contacts
  tenon functions rollback hubspot/contacts --to 3 --yes -e prod

Exit codes: 0 done, 11 refused or not confirmed, 1 anything else.")]
    Rollback {
        #[command(flatten)]
        named: NamedArgs,
        /// Version to go back to, by its name or hash [default: the newest one with other code]
        #[arg(long, value_name = "VERSION")]
        to: Option<String>,
        /// Do not ask.
        #[arg(id = "auto_confirm", long = "yes", short = 'y', visible_alias = "auto-confirm")]
        yes: bool,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Switch a function off: it starts no more runs, and keeps its records and checkpoints.
    #[command(after_help = "Examples:
  tenon functions disable hubspot contacts
  tenon functions disable hubspot/contacts -e prod --json

Exit codes: 0 done, 11 refused, 1 anything else.")]
    Disable {
        #[command(flatten)]
        named: NamedArgs,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Switch a function on again.
    #[command(after_help = "Examples:
  tenon functions enable hubspot contacts
  tenon functions enable hubspot/contacts -e prod

Exit codes: 0 done, 11 refused, 1 anything else.")]
    Enable {
        #[command(flatten)]
        named: NamedArgs,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
}

/// Runs the command.
pub async fn run(args: FunctionsArgs, flags: CommonArgs) -> Result<ExitCode> {
    let terminal = flags.terminal();
    match args.command {
        Command::List { integration, common } => list(integration, &common, terminal).await,
        Command::Show { named, common } => show(&named.find()?, &common, terminal).await,
        Command::Diff {
            named,
            old,
            new,
            common,
        } => {
            let (named, [old, new]) = named.find_before([old, new])?;
            diff::run(&named, old.as_deref(), new.as_deref(), &common, terminal).await
        }
        Command::Rollback { named, to, yes, common } => {
            roll_back(&named.find()?, to.as_deref(), yes, &common, terminal).await
        }
        Command::Disable { named, common } => switch::run(&named.find()?, false, &common, terminal).await,
        Command::Enable { named, common } => switch::run(&named.find()?, true, &common, terminal).await,
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
            let path = format!("/integrations/{}/functions?limit={PAGE}&page={page}", segment(&key)?);
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
                plain(&format!("{}/{}", text(function, "integration"), text(function, "name"))).into_owned(),
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
    let function = named.get(&client, "", None).await?;
    let versions = named.get(&client, "/versions", None).await?;
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
        say(&plain(text(&function, "description")));
    }
    let rows: Vec<Vec<String>> = versions
        .iter()
        .map(|version| {
            let current = version.get("current") == Some(&json!(true));
            vec![
                terminal.paint(Style::Green, if current { "→" } else { " " }),
                plain(text(version, "version")).into_owned(),
                terminal.paint(Style::Dim, text(version, "deployed_at")),
                terminal.paint(Style::Dim, short_hash(version)),
            ]
        })
        .collect();
    say(table(2, &rows).trim_end());
    Ok(ExitCode::SUCCESS)
}

/// The beginning of a hash: enough to name a version.
fn short_hash(value: &Value) -> &str {
    shorten(text(value, "hash"))
}

fn shorten(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}

/// `version 3 (5919c4f9fdf3)`; the hash is left out where a server does not tell it.
fn version_title(value: &Value, name: &str, hash: &str) -> String {
    let (name, hash) = (text(value, name), shorten(text(value, hash)));
    match (name, hash) {
        ("", _) => "the deployed source".to_owned(),
        (name, "") => format!("version {name}"),
        (name, hash) => format!("version {name} ({hash})"),
    }
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
        bail!(unchanged("not_confirmed", message));
    }
    let body = to.map_or_else(|| json!({}), |version| json!({ "version": version }));
    let answer = named.change(&client, Method::POST, "/rollback", body).await?;
    let data = answer.get("data").cloned().unwrap_or_default();
    if common.json {
        let said = json!({
            "ok": true,
            "from": data["from"],
            "from_hash": data["from_hash"],
            "version": data["version"],
            "hash": data["hash"],
        });
        say(&said.to_string());
    } else {
        let sentence = format!(
            "{} is at {} again; it was at {}.",
            named.title(),
            version_title(&data, "version", "hash"),
            version_title(&data, "from", "from_hash")
        );
        say(&terminal.paint(Style::Green, &sentence));
        note("The sources of your project did not change; the next deploy brings them back.");
    }
    Ok(ExitCode::SUCCESS)
}
