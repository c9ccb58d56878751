//! `tenon integrations`: configure providers of an environment.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use http::Method;
use serde_json::{Map, Value, json};

use crate::authoring::client::{Client, ClientError, segment};
use crate::authoring::settings::EnvironmentArgs;
use crate::authoring::terminal::{Style, Terminal, note, plain, say, table};
use crate::common::CommonArgs;
use crate::failure::Failure;

/// Flags of `tenon integrations`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon integrations list
  tenon integrations create hubspot --client-id 1234 --client-secret - --scopes oauth,crm.objects.contacts.read
  tenon integrations create cal --provider cal-com-v2 --webhook-secret -
  tenon integrations set hubspot --webhook-secret \"$SECRET\"
  tenon integrations set google-ads --custom developer_token=AbC
  tenon integrations show hubspot --credentials

A value of - is read from standard input, so that it is in no history and no list of processes.")]
pub struct IntegrationsArgs {
    #[command(subcommand)]
    command: Command,
}

/// What an integration is configured with.
#[derive(Debug, Clone, clap::Args)]
struct Change {
    /// Name shown to people.
    #[arg(long)]
    name: Option<String>,
    /// Client id of your developer app.
    #[arg(long)]
    client_id: Option<String>,
    /// Client secret of your developer app.
    #[arg(long)]
    client_secret: Option<String>,
    /// Scopes, separated by commas; empty removes them.
    #[arg(long)]
    scopes: Option<String>,
    /// Id of the app, for providers whose app is installed.
    #[arg(long)]
    app_id: Option<String>,
    /// Installation page of the app.
    #[arg(long)]
    app_link: Option<String>,
    /// File with the app's private key (PEM).
    #[arg(long, value_name = "FILE")]
    private_key_file: Option<PathBuf>,
    /// Key that the provider signs its webhooks with, for providers of any mode; empty removes it.
    #[arg(long)]
    webhook_secret: Option<String>,
    /// Whether webhooks of the provider are passed on to your back end.
    #[arg(long)]
    forward_webhooks: Option<bool>,
    /// A setting that the provider declares; may be repeated.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    config: Vec<(String, String)>,
    /// A value of your own, such as logo_url; may be repeated. An empty value removes it.
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    custom: Vec<(String, String)>,
}

#[derive(Debug, Clone, Subcommand)]
enum Command {
    /// Show all integrations.
    List {
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Show one integration, and where the provider sends its webhooks.
    Show {
        /// Key of the integration.
        key: String,
        /// Show the client's credentials, too.
        #[arg(long)]
        credentials: bool,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Make an integration.
    Create {
        /// Its key.
        key: String,
        /// Provider of the catalogue [default: the key]
        #[arg(long)]
        provider: Option<String>,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Change an integration; what is not named stays.
    Set {
        /// Key of the integration.
        key: String,
        /// New key, while there are no connections.
        #[arg(long, value_name = "KEY")]
        rename: Option<String>,
        #[command(flatten)]
        change: Change,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
    /// Remove an integration with its connections, functions and records.
    Delete {
        /// Key of the integration.
        key: String,
        /// Do not ask.
        #[arg(long, short = 'y')]
        yes: bool,
        #[command(flatten)]
        common: EnvironmentArgs,
    },
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE".to_owned()),
    }
}

/// Runs the command.
pub async fn run(args: IntegrationsArgs, flags: CommonArgs) -> Result<ExitCode> {
    match args.command {
        Command::List { common } => list(&common).await?,
        Command::Show {
            key,
            credentials,
            common,
        } => show(&key, credentials, &common).await?,
        Command::Create {
            key,
            provider,
            change,
            common,
        } => {
            let client = common.client()?;
            let provider = provider.unwrap_or_else(|| key.clone());
            let mode = mode_of(&client, &provider).await?;
            let change = change.with_input()?;
            let mut body = change.body(&mode, &Map::new(), &Map::new())?;
            let flags = match mode.as_str() {
                "OAUTH1" | "OAUTH2" => "--client-id and --client-secret",
                "APP" => "--app-id, --app-link and --private-key-file",
                "CUSTOM" => "--client-id, --client-secret, --app-id, --app-link and --private-key-file",
                _ => "",
            };
            if !flags.is_empty() && !body.contains_key("credentials") {
                bail!("{provider} works with a developer app of yours: pass {flags}");
            }
            body.insert("provider".to_owned(), json!(provider));
            body.insert("unique_key".to_owned(), json!(key));
            write(&client, Method::POST, "/integrations", body).await?;
            show(&key, false, &common).await?;
        }
        Command::Set {
            key,
            rename,
            change,
            common,
        } => {
            let client = common.client()?;
            set(&client, &key, rename.as_deref(), &change.with_input()?).await?;
            show(rename.as_deref().unwrap_or(&key), false, &common).await?;
        }
        Command::Delete { key, yes, common } => delete(&key, yes, flags, &common).await?,
    }
    Ok(ExitCode::SUCCESS)
}

fn path(key: &str, rest: &str) -> Result<String> {
    Ok(format!("/integrations/{}{rest}", segment(key)?))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn object(value: &Value, pointer: &str) -> Map<String, Value> {
    let found = value.pointer(pointer).and_then(Value::as_object);
    found.cloned().unwrap_or_default()
}

async fn mode_of(client: &Client, provider: &str) -> Result<String> {
    let shown = client
        .json(Method::GET, &format!("/providers/{}", segment(provider)?), None)
        .await;
    let shown = shown.with_context(|| format!("the provider {provider} (`tenon catalog list --search` finds ids)"))?;
    Ok(text(&shown["data"], "auth_mode").to_owned())
}

async fn list(common: &EnvironmentArgs) -> Result<()> {
    let answer = common.client()?.json(Method::GET, "/integrations", None).await?;
    let all = answer["data"].as_array().cloned().unwrap_or_default();
    if common.json {
        say(&json!({ "integrations": all }).to_string());
        return Ok(());
    }
    let rows: Vec<Vec<String>> = all
        .iter()
        .map(|one| ["unique_key", "provider", "display_name"].map(|name| plain(text(one, name)).into_owned()))
        .map(Vec::from)
        .collect();
    if rows.is_empty() {
        note("There is none yet; `tenon integrations create` makes one.");
    } else {
        say(table(0, &rows).trim_end());
    }
    Ok(())
}

async fn show(key: &str, credentials: bool, common: &EnvironmentArgs) -> Result<()> {
    let include = if credentials { "&include=credentials" } else { "" };
    let path = path(key, &format!("?include=webhook{include}"))?;
    let answer = common.client()?.json(Method::GET, &path, None).await?;
    let shown = &answer["data"];
    if common.json {
        say(&json!({ "integration": shown }).to_string());
        return Ok(());
    }
    let terminal = Terminal::detect();
    say(&terminal.paint(Style::Bold, key));
    let mut rows = Vec::new();
    for (name, field) in [
        ("provider", "provider"),
        ("name", "display_name"),
        ("webhooks arrive at", "webhook_url"),
        ("made", "created_at"),
    ] {
        if !text(shown, field).is_empty() {
            rows.push(vec![name.to_owned(), plain(text(shown, field)).into_owned()]);
        }
    }
    for (name, value) in object(shown, "/credentials") {
        if let Some(value) = value.as_str().filter(|_| name != "type") {
            rows.push(vec![plain(&name).into_owned(), plain(value).into_owned()]);
        }
    }
    say(table(2, &rows).trim_end());
    Ok(())
}

async fn set(client: &Client, key: &str, rename: Option<&str>, change: &Change) -> Result<()> {
    let shown = client
        .json(Method::GET, &path(key, "?include=credentials")?, None)
        .await?;
    let shown = &shown["data"];
    let mode = mode_of(client, text(shown, "provider")).await?;
    // The server replaces free values whole; what is not named stays.
    let custom = if change.custom.is_empty() {
        Map::new()
    } else {
        let old = client
            .json(
                Method::GET,
                &format!("/config/{}?include_creds=true", segment(key)?),
                None,
            )
            .await?;
        let mut custom = object(&old, "/config/custom");
        custom.shift_remove("webhookSecret");
        custom
    };
    let mut body = change.body(&mode, &object(shown, "/credentials"), &custom)?;
    if let Some(rename) = rename {
        body.insert("unique_key".to_owned(), json!(rename));
    }
    if body.is_empty() {
        bail!("nothing to change; `tenon integrations set --help` lists what can be set");
    }
    write(client, Method::PATCH, &path(key, "")?, body).await
}

async fn delete(key: &str, yes: bool, flags: CommonArgs, common: &EnvironmentArgs) -> Result<()> {
    let terminal = flags.terminal();
    if !yes {
        if !terminal.is_interactive() {
            bail!("nobody can be asked here; pass --yes to remove {key} with its connections, functions and records");
        }
        let question = format!("Remove {key} with its connections, functions and records?");
        if !terminal.confirm(&question, false) {
            bail!("not removed");
        }
    }
    common.client()?.json(Method::DELETE, &path(key, "")?, None).await?;
    say(&format!("{key} is removed"));
    Ok(())
}

/// Sends a change; every complaint about it is shown.
async fn write(client: &Client, method: Method, path: &str, body: Map<String, Value>) -> Result<()> {
    let Err(error) = client.json(method, path, Some(&Value::Object(body))).await else {
        return Ok(());
    };
    let ClientError::Refused { body, .. } = &error else {
        return Err(error.into());
    };
    let complaints: Vec<String> = body
        .pointer("/error/errors")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|issue| {
            let place: Vec<&str> = issue["path"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            format!("{}: {}", place.join("."), text(issue, "message"))
        })
        .collect();
    if complaints.is_empty() {
        return Err(error.into());
    }
    bail!(Failure::new(
        error.code(),
        format!("the server refused: {}", complaints.join("; "))
    ))
}

impl Change {
    /// Reads the one value that is `-` from standard input.
    fn with_input(mut self) -> Result<Self> {
        let secrets = [&mut self.client_secret, &mut self.webhook_secret];
        let mut wanting: Vec<&mut String> = secrets
            .into_iter()
            .flatten()
            .chain(self.custom.iter_mut().chain(&mut self.config).map(|(_, value)| value))
            .filter(|value| *value == "-")
            .collect();
        if wanting.len() > 1 {
            bail!("only one value can come from standard input");
        }
        if let Some(value) = wanting.pop() {
            let mut input = String::new();
            std::io::stdin().read_to_string(&mut input).context("standard input")?;
            input.trim_end_matches(['\r', '\n']).clone_into(value);
        }
        Ok(self)
    }

    /// The body of the request. Credentials are written whole, so what is not named comes from `stored`.
    fn body(&self, mode: &str, stored: &Map<String, Value>, custom: &Map<String, Value>) -> Result<Map<String, Value>> {
        let mut body = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body.insert(name.to_owned(), value);
            }
        };
        put("display_name", self.name.clone().map(Value::from));
        put("forward_webhooks", self.forward_webhooks.map(Value::from));
        put("webhook_secret", self.webhook_secret.clone().map(Value::from));
        put("credentials", self.credentials(mode, stored)?.map(Value::Object));
        let texts = |pairs: &[(String, String)]| -> Map<String, Value> {
            pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
        };
        if !self.config.is_empty() {
            put("integration_config", Some(Value::Object(texts(&self.config))));
        }
        if !self.custom.is_empty() {
            let mut values = custom.clone();
            values.extend(texts(&self.custom));
            values.retain(|_, value| value != "");
            put("custom", Some(Value::Object(values)));
        }
        Ok(body)
    }

    fn credentials(&self, mode: &str, stored: &Map<String, Value>) -> Result<Option<Map<String, Value>>> {
        let private_key = match &self.private_key_file {
            Some(file) => {
                let text =
                    std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
                Some(text.trim().to_owned())
            }
            None => None,
        };
        let given = [
            ("client_id", &self.client_id),
            ("client_secret", &self.client_secret),
            ("scopes", &self.scopes),
            ("app_id", &self.app_id),
            ("app_link", &self.app_link),
            ("private_key", &private_key),
        ];
        if given.iter().all(|(_, value)| value.is_none()) {
            return Ok(None);
        }
        let known: &[&str] = match mode {
            "OAUTH1" | "OAUTH2" | "TBA" | "MCP_OAUTH2" | "MCP_OAUTH2_GENERIC" => {
                &["client_id", "client_secret", "scopes"]
            }
            "APP" => &["app_id", "app_link", "private_key"],
            "CUSTOM" => &["client_id", "client_secret", "app_id", "app_link", "private_key"],
            _ => bail!("providers of the mode {mode} take no app of yours; leave out client id, scopes and the like"),
        };
        let mut credentials: Map<String, Value> = stored
            .iter()
            .filter(|(name, value)| known.contains(&name.as_str()) && !value.is_null())
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        for (name, value) in given {
            let Some(value) = value else { continue };
            if !known.contains(&name) {
                bail!(
                    "providers of the mode {mode} have no {name}; they take {}",
                    known.join(", ")
                );
            }
            credentials.insert(name.to_owned(), json!(value));
        }
        credentials.insert("type".to_owned(), json!(mode));
        Ok(Some(credentials))
    }
}
