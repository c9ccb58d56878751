//! `tenon keys`: API keys of environments and of the account.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tenon_app::environments::{CreatedKey, KeyListing};
use tenon_app::{App, Caller};
use tenon_model::{EnvironmentId, KeyId};

use crate::commands::serve::CommonArgs;
use crate::duration::duration;
use crate::{logging, wiring};

/// Flags of `tenon keys`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon keys list
  tenon keys create --environment dev --name ci --scope environment:deploy
  tenon keys create --account --name ops --scope 'account:*'
  tenon keys rotate 7 --environment dev --old-works-for 24h
  tenon keys signing-key --environment dev
  tenon keys revoke 7 --environment dev")]
pub struct KeysArgs {
    /// What to do.
    #[command(subcommand)]
    command: KeysCommand,
    /// Settings, and where data lives.
    #[command(flatten)]
    common: CommonArgs,
}

/// Which keys are meant.
#[derive(Debug, Clone, clap::Args)]
struct Target {
    /// Name of the environment.
    #[arg(long, short, default_value = "dev")]
    environment: String,
    /// Account keys instead of an environment's.
    #[arg(long, conflicts_with = "environment")]
    account: bool,
    /// Machine-readable output.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum KeysCommand {
    /// Show the keys (never their secrets).
    List {
        #[command(flatten)]
        target: Target,
    },
    /// Make a key; its secret is shown once.
    Create {
        #[command(flatten)]
        target: Target,
        /// Name of the key, unique in its environment.
        #[arg(long)]
        name: String,
        /// A scope to grant; repeat for several [default: everything].
        #[arg(long = "scope")]
        scopes: Vec<String>,
    },
    /// Replace a key: the new one has its name and scopes and is shown once, the old one works a while longer.
    Rotate {
        #[command(flatten)]
        target: Target,
        /// The key's id as `list` shows it.
        id: i64,
        /// How long the old key goes on working: a number with s, m, h or d; 0s ends it at once.
        #[arg(long, default_value = "24h", value_parser = duration, value_name = "TIME")]
        old_works_for: Duration,
    },
    /// Revoke a key by its id.
    Revoke {
        #[command(flatten)]
        target: Target,
        /// The key's id as `list` shows it.
        id: i64,
    },
    /// Show the key that signs an environment's outgoing webhooks, or replace it.
    SigningKey {
        #[command(flatten)]
        target: Target,
        /// Make a new key first; deliveries may carry signatures of the old one for five more minutes.
        #[arg(long)]
        rotate: bool,
    },
}

/// Runs the command.
pub async fn run(args: KeysArgs) -> Result<ExitCode> {
    let config = args.common.load(Vec::new())?;
    logging::quiet();
    let app = wiring::build(&config, String::new()).await?;
    app.ensure_account().await?;
    match args.command {
        KeysCommand::List { target } => {
            let environment = find(&app, &target).await?;
            list(&app.list_keys(environment).await?, target.json)
        }
        KeysCommand::Create { target, name, scopes } => {
            let environment = find(&app, &target).await?;
            let everything = if environment.is_some() {
                "environment:*"
            } else {
                "account:*"
            };
            let scopes = if scopes.is_empty() {
                vec![everything.to_owned()]
            } else {
                scopes
            };
            if let Some(bad) = scopes.iter().find(|scope| !scope_exists(scope)) {
                bail!("{bad} is not a scope; scopes begin with environment: or account:");
            }
            let key = app
                .create_key_with_scopes(environment, &name, &scopes)
                .await
                .map_err(wiring::explain)?;
            show_created(&key, target.json);
        }
        KeysCommand::Rotate {
            target,
            id,
            old_works_for,
        } => {
            let environment = find(&app, &target).await?;
            let key = app
                .rotate_key(environment, KeyId(id), old_works_for)
                .await
                .map_err(wiring::explain)?;
            show_created(&key, target.json);
        }
        KeysCommand::Revoke { target, id } => {
            let environment = find(&app, &target).await?;
            if !app.revoke_key(environment, KeyId(id)).await? {
                bail!("there is no key with id {id}; `tenon keys list` shows them");
            }
            print_line("revoked");
        }
        KeysCommand::SigningKey { target, rotate } => {
            let environment = find(&app, &target).await?.context("name an environment")?;
            if rotate {
                let caller = Caller::platform(app.environment(environment).await.map_err(wiring::explain)?);
                app.rotate_signing_key(&caller).await.map_err(wiring::explain)?;
            }
            let key = app.signing_key(environment).await?;
            print_line(&if target.json {
                json!({ "signing_key": key.expose() }).to_string()
            } else {
                key.expose().to_owned()
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scope_exists(scope: &str) -> bool {
    scope.starts_with("environment:") || scope.starts_with("account:")
}

async fn find(app: &App, target: &Target) -> Result<Option<EnvironmentId>> {
    if target.account {
        return Ok(None);
    }
    let environments = app.list_environments().await?;
    let names: Vec<&str> = environments
        .iter()
        .map(|environment| environment.name.as_str())
        .collect();
    environments
        .iter()
        .find(|environment| environment.name == target.environment)
        .map(|environment| Some(environment.id))
        .with_context(|| {
            format!(
                "there is no environment {:?}; there are: {}",
                target.environment,
                names.join(", ")
            )
        })
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print_line(text: &str) {
    println!("{text}");
}

fn list(keys: &[KeyListing], as_json: bool) {
    if as_json {
        let rows: Vec<_> = keys
            .iter()
            .map(|key| {
                json!({ "id": key.id, "name": key.display_name, "hint": key.hint, "scopes": key.scopes,
                        "created_at": key.created_at.iso_millis(),
                        "last_used_at": key.last_used_at.map(tenon_model::Timestamp::iso_millis),
                        "ends_at": key.ends_at.map(tenon_model::Timestamp::iso_millis) })
            })
            .collect();
        return print_line(&json!(rows).to_string());
    }
    if keys.is_empty() {
        return print_line("no keys; make one with `tenon keys create --name NAME`");
    }
    for key in keys {
        let used = key
            .last_used_at
            .map_or_else(|| "never used".to_owned(), |at| format!("last used {at}"));
        let ends = key.ends_at.map_or_else(String::new, |at| format!(", ends {at}"));
        print_line(&format!(
            "{:>5}  …{}  {:<28} {}  {used}{ends}",
            key.id,
            key.hint,
            key.display_name,
            key.scopes.join(","),
        ));
    }
}

fn show_created(key: &CreatedKey, as_json: bool) {
    if as_json {
        let row = json!({ "id": key.id, "name": key.display_name, "scopes": key.scopes, "secret": key.secret });
        return print_line(&row.to_string());
    }
    print_line(&format!("{}  (id {}, shown once)", key.secret, key.id));
}
