//! `tenon templates`: ready-made functions, carried by this program.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Value, json};
use tenon_catalog::library::{self, FunctionTemplate};

use crate::authoring::{
    DEPLOY_FAILED,
    client::{Client, ClientError},
    scaffold,
    settings::{ServerArgs, Settings},
    terminal::{Style, Terminal, note, plain, say, table},
};
use crate::failure::{Failure, code_of};

/// `tenon templates`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon templates list --provider hubspot
  tenon templates show hubspot/contacts
  tenon templates add hubspot/contacts      into the project, to change, test and deploy it
  tenon templates deploy hubspot/contacts   to the server, as it is")]
pub struct TemplatesArgs {
    #[command(subcommand)]
    command: TemplatesCommand,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum TemplatesCommand {
    /// List templates.
    #[command(after_help = "Examples:
  tenon templates list
  tenon templates list --provider hubspot
  tenon templates list --json | jq -r '.templates[] | \"\\(.provider)/\\(.name)\"'")]
    List(ListArgs),
    /// Show the source of a template.
    #[command(after_help = "Examples:
  tenon templates show hubspot/contacts
  tenon templates show google-calendar/events --json | jq -r '.fixtures[].name'")]
    Show(ShowArgs),
    /// Copy a template and its fixtures into a project.
    #[command(after_help = "Examples:
  tenon templates add hubspot/contacts                            below ./hubspot, listed in index.ts
  tenon templates add hubspot/contacts --integration hubspot-eu   for an integration with another key
  tenon templates add slack/messages slack/users --dir my-project
  tenon templates add hubspot/contacts && tenon test hubspot      and see its fixtures pass

The function is yours from then on: change it, test it, deploy it with `tenon deploy`. A file that you changed is not
overwritten without --force, and then nothing else is written either.")]
    Add(AddArgs),
    /// Deploy a template to a server as it is.
    #[command(after_help = "Examples:
  tenon templates deploy hubspot/contacts                                     to the integration hubspot in dev
  tenon templates deploy hubspot/contacts --integration hubspot-eu --env prod
  tenon templates deploy hubspot/contacts --json | jq .deployed_functions

The key comes from TENON_SECRET_KEY_<ENVIRONMENT> or --api-key.
Exit codes: 0 deployed, 11 refused by the server (it has a function of that name, or no such integration), 1 anything else.")]
    Deploy(DeployArgs),
}

#[derive(Debug, Clone, clap::Args)]
struct ListArgs {
    /// Only templates of this provider.
    #[arg(long, short, value_name = "NAME")]
    provider: Option<String>,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct ShowArgs {
    /// Which one: PROVIDER/NAME.
    template: String,
    /// Machine-readable output, with the fixtures.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct AddArgs {
    /// Which ones: PROVIDER/NAME.
    #[arg(required = true, value_name = "TEMPLATE")]
    templates: Vec<String>,
    /// Key of the integration on the server, which is the folder's name [default: the provider].
    #[arg(long, short, value_name = "KEY")]
    integration: Option<String>,
    /// Folder of the project.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Overwrite files that differ.
    #[arg(long)]
    force: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Args)]
struct DeployArgs {
    /// Which one: PROVIDER/NAME.
    template: String,
    /// Key of the integration on the server [default: the provider].
    #[arg(long, short, value_name = "KEY")]
    integration: Option<String>,
    /// Environment to deploy to; it says which key is used.
    #[arg(long, short, default_value = "dev")]
    env: String,
    /// Folder whose .env may hold the key.
    #[arg(long, default_value = ".")]
    dir: PathBuf,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the command.
pub async fn run(args: TemplatesArgs) -> Result<ExitCode> {
    match args.command {
        TemplatesCommand::List(args) => list(&args),
        TemplatesCommand::Show(args) => show(&args),
        TemplatesCommand::Add(args) => add(&args),
        TemplatesCommand::Deploy(args) => deploy(args).await,
    }
}

/// The template called `PROVIDER/NAME`; `PROVIDER/syncs/NAME` is understood too.
fn find(text: &str) -> Result<&'static FunctionTemplate> {
    let Some((provider, rest)) = text.split_once('/') else {
        bail!(Failure::usage(format!(
            "`{text}` is not a template: write PROVIDER/NAME, such as hubspot/contacts"
        )));
    };
    let (folder, name) = match rest.split_once('/') {
        Some((folder, name)) => (Some(folder), name.trim_end_matches(".ts")),
        None => (None, rest),
    };
    let fits = |template: &&FunctionTemplate| {
        template.name == name && folder.is_none_or(|folder| [template.folder, template.kind()].contains(&folder))
    };
    if let Some(template) = library::templates(Some(provider)).find(fits) {
        return Ok(template);
    }
    let known: Vec<&str> = library::templates(Some(provider))
        .map(|template| template.name)
        .collect();
    if known.is_empty() {
        bail!(Failure::not_found(format!(
            "there are no templates for {provider}; `tenon templates list` shows those that there are"
        )));
    }
    bail!(Failure::not_found(format!(
        "there is no template {text}; {provider} has {}",
        known.join(", ")
    )));
}

fn list(args: &ListArgs) -> Result<ExitCode> {
    let templates: Vec<_> = library::templates(args.provider.as_deref()).collect();
    if args.json {
        let shown: Vec<Value> = templates.iter().map(|template| as_json(template)).collect();
        say(&json!({ "templates": shown }).to_string());
        return Ok(ExitCode::SUCCESS);
    }
    let terminal = Terminal::detect();
    if templates.is_empty() {
        note("There are no such templates.");
    }
    let rows: Vec<Vec<String>> = templates
        .iter()
        .map(|template| {
            vec![
                terminal.paint(Style::Bold, &format!("{}/{}", template.provider, template.name)),
                template.kind().to_owned(),
                template.description().to_owned(),
            ]
        })
        .collect();
    say(table(0, &rows).trim_end());
    Ok(ExitCode::SUCCESS)
}

fn as_json(template: &FunctionTemplate) -> Value {
    json!({
        "provider": template.provider,
        "name": template.name,
        "type": template.kind(),
        "description": template.description(),
    })
}

fn show(args: &ShowArgs) -> Result<ExitCode> {
    let template = find(&args.template)?;
    if args.json {
        let mut shown = as_json(template);
        let fixtures = template.fixtures.iter();
        let fixtures: Vec<Value> = fixtures
            .map(|(name, text)| json!({ "name": name, "text": text }))
            .collect();
        shown["source"] = json!(template.source);
        shown["fixtures"] = json!(fixtures);
        say(&shown.to_string());
    } else {
        say(template.source.trim_end());
    }
    Ok(ExitCode::SUCCESS)
}

fn add(args: &AddArgs) -> Result<ExitCode> {
    let templates: Vec<_> = args.templates.iter().map(|text| find(text)).collect::<Result<_>>()?;
    let terminal = Terminal::detect();
    let mut all = Vec::new();
    for template in templates {
        let integration = args.integration.as_deref().unwrap_or(template.provider);
        let added = scaffold::add(&args.dir, template, integration, args.force).map_err(elsewhere)?;
        if !args.json {
            let listed = if added.listed { ", listed in index.ts" } else { "" };
            say(&format!(
                "{} {}{listed}",
                terminal.paint(Style::Green, "+"),
                added.function
            ));
            for fixture in &added.fixtures {
                say(&format!("{} {fixture}", terminal.paint(Style::Green, "+")));
            }
        }
        all.push(json!({ "created": added.function, "fixtures": added.fixtures, "listed": added.listed }));
    }
    if args.json {
        say(&json!({ "added": all }).to_string());
    } else {
        say(&terminal.paint(
            Style::Dim,
            "`tenon test` runs the fixtures, `tenon deploy` deploys the project",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// Files in the way can also be left alone here.
fn elsewhere(error: anyhow::Error) -> anyhow::Error {
    match code_of(&error) {
        code if code == "file_exists" => {
            Failure::new(code, format!("{error}, or --integration for another folder")).into()
        }
        _ => error,
    }
}

async fn deploy(args: DeployArgs) -> Result<ExitCode> {
    let template = find(&args.template)?;
    let terminal = Terminal::detect();
    let settings = Settings::load(&args.dir);
    let client = Client::new(&settings.host(&args.server), settings.key(&args.server, &args.env)?)?;
    let integration = args.integration.as_deref().unwrap_or(template.provider);
    let deployment = send(&client, template, integration).await.map_err(|error| {
        let exit = if error.is_about_the_server() { 1 } else { DEPLOY_FAILED };
        Failure::new(error.code(), error.to_string())
            .lead("Not deployed")
            .exit(exit)
    })?;
    if args.json {
        say(&deployment.to_string());
    } else {
        let version = deployment
            .pointer("/deployed_functions/0/version")
            .and_then(Value::as_str);
        say(&format!(
            "{} {} {}, version {}, to the integration {integration} on {}",
            terminal.paint(Style::Green, "deployed"),
            template.kind(),
            template.name,
            plain(version.unwrap_or("unknown")),
            client.host()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

async fn send(client: &Client, template: &FunctionTemplate, integration: &str) -> Result<Value, ClientError> {
    let body = json!({
        "type": "template",
        "integration_id": integration,
        "template": template.name,
        "function_type": template.kind(),
    });
    let accepted = client.json(Method::POST, "/functions/deployments", Some(&body)).await?;
    let id = accepted.get("id").and_then(Value::as_str).unwrap_or_default();
    client
        .json(Method::GET, &format!("/functions/deployments/{id}"), None)
        .await
}
