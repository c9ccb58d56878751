//! `tenon env`: environments, their variables and their settings.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tenon_app::App;
use tenon_app::connect_ui::{Primary, ThemeName};
use tenon_app::environments::{CreatedEnvironment, Environment, EnvironmentSettings, NewEnvironmentInput};
use tenon_app::functions::limits::MEMORY_MB_MIN;

use crate::commands::serve::CommonArgs;
use crate::{logging, wiring};

/// Flags of `tenon env`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon env list
  tenon env show dev
  tenon env create staging
  tenon env delete staging --yes
  tenon env set dev NANGO_LOGGER_LEVEL debug
  tenon env settings dev --webhook-url https://app.example.com/tenon --on-sync-completion-always false
  tenon env settings prod --connect-primary-light '#0b6e4f' --connect-product-name Acme")]
pub struct EnvArgs {
    #[command(subcommand)]
    command: EnvCommand,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum EnvCommand {
    /// Show the environments.
    List {
        /// Machine-readable output.
        #[arg(long)]
        json: bool,
    },
    /// Show one environment with its settings and the names of its variables.
    Show {
        /// Name of the environment.
        environment: String,
        /// Machine-readable output.
        #[arg(long)]
        json: bool,
    },
    /// Make an environment; its first API key is shown once.
    Create {
        /// Name of the environment.
        environment: String,
        /// It holds customers' data: some settings are stricter.
        #[arg(long)]
        production: bool,
        /// Machine-readable output.
        #[arg(long)]
        json: bool,
    },
    /// Remove an environment: its keys open nothing any more, its syncs stop.
    Delete {
        /// Name of the environment.
        environment: String,
        /// Yes, with its integrations, connections and records.
        #[arg(long)]
        yes: bool,
    },
    /// Set a variable that functions read.
    Set {
        /// Name of the environment.
        environment: String,
        /// Name of the variable.
        name: String,
        /// Its value.
        value: String,
    },
    /// Remove a variable.
    Unset {
        /// Name of the environment.
        environment: String,
        /// Name of the variable.
        name: String,
    },
    /// Change settings; what is not named stays.
    Settings {
        /// Name of the environment.
        environment: String,
        #[command(flatten)]
        change: SettingsChange,
    },
}

#[derive(Debug, Clone, clap::Args)]
struct SettingsChange {
    /// Receiver of outgoing webhooks; empty removes it.
    #[arg(long)]
    webhook_url: Option<String>,
    /// Second receiver of outgoing webhooks; empty removes it.
    #[arg(long)]
    webhook_url_secondary: Option<String>,
    /// OAuth callback on your own domain; empty removes it.
    #[arg(long)]
    callback_url: Option<String>,
    /// Send a webhook when a connection is made.
    #[arg(long)]
    on_auth_creation: Option<bool>,
    /// Send a webhook when a token could not be refreshed.
    #[arg(long)]
    on_auth_refresh_error: Option<bool>,
    /// Send a webhook when a connection whose credentials had failed works again.
    #[arg(long)]
    on_auth_recovery: Option<bool>,
    /// Send a webhook when a connection is removed.
    #[arg(long)]
    on_auth_deletion: Option<bool>,
    /// Send a webhook after every sync run, even when nothing changed.
    #[arg(long)]
    on_sync_completion_always: Option<bool>,
    /// Send a webhook when a sync run failed.
    #[arg(long)]
    on_sync_error: Option<bool>,
    /// Send a webhook when an asynchronous action has ended.
    #[arg(long)]
    on_async_action_completion: Option<bool>,
    /// Memory of one function run in MiB, instead of `functions.memory_mb`; 0 goes back to that.
    #[arg(long, value_name = "MB")]
    function_memory_mb: Option<u32>,
    /// CPU seconds of one action run, instead of `functions.action_cpu_seconds`; 0 goes back to that.
    #[arg(long, value_name = "SECONDS")]
    action_cpu_seconds: Option<u32>,
    /// Seconds after which a run of a sync pauses at its next checkpoint, instead of `functions.sync_interrupt_seconds`; 0 goes
    /// back to that.
    #[arg(long, value_name = "SECONDS")]
    sync_interrupt_seconds: Option<u32>,
    /// Connect UI: colour of buttons on light surfaces, #rrggbb; empty is neutral.
    #[arg(long, value_name = "COLOUR")]
    connect_primary_light: Option<String>,
    /// Connect UI: colour of buttons on dark surfaces, #rrggbb; empty is neutral.
    #[arg(long, value_name = "COLOUR")]
    connect_primary_dark: Option<String>,
    /// Connect UI: theme, unless the page is opened with another.
    #[arg(long, value_parser = ["light", "dark", "system"], value_name = "THEME")]
    connect_theme: Option<String>,
    /// Connect UI: https address of your logo; empty removes it.
    #[arg(long, value_name = "URL")]
    connect_logo_url: Option<String>,
    /// Connect UI: name of your product; empty removes it.
    #[arg(long, value_name = "NAME")]
    connect_product_name: Option<String>,
}

impl SettingsChange {
    fn check(&self) -> Result<()> {
        for (flag, url) in [
            ("--webhook-url", &self.webhook_url),
            ("--webhook-url-secondary", &self.webhook_url_secondary),
            ("--callback-url", &self.callback_url),
        ] {
            if let Some(url) = url
                && !url.is_empty()
                && !tenon_app::validate::is_url(url)
            {
                bail!("{flag} {url:?} is not an absolute URL");
            }
        }
        for (flag, colour) in [
            ("--connect-primary-light", &self.connect_primary_light),
            ("--connect-primary-dark", &self.connect_primary_dark),
        ] {
            if let Some(colour) = colour
                && !colour.is_empty()
                && Primary::parse(colour).is_none()
            {
                bail!("{flag} {colour:?} is not a colour; write it as #rrggbb");
            }
        }
        if let Some(memory @ 1..MEMORY_MB_MIN) = self.function_memory_mb {
            bail!("--function-memory-mb is {memory}; a run needs at least {MEMORY_MB_MIN} MiB");
        }
        if let Some(url) = &self.connect_logo_url
            && !url.is_empty()
            && !(url.starts_with("https://") && tenon_app::validate::is_url(url))
        {
            bail!("--connect-logo-url {url:?} is not an https address");
        }
        Ok(())
    }

    fn apply(self, settings: &mut EnvironmentSettings) {
        let set_text = |to: &mut Option<String>, value: Option<String>| {
            if let Some(url) = value {
                *to = Some(url).filter(|url| !url.is_empty());
            }
        };
        set_text(&mut settings.webhook_url, self.webhook_url);
        set_text(&mut settings.webhook_url_secondary, self.webhook_url_secondary);
        set_text(&mut settings.callback_url, self.callback_url);
        let set = |to: &mut bool, value: Option<bool>| *to = value.unwrap_or(*to);
        set(&mut settings.on_auth_creation, self.on_auth_creation);
        set(&mut settings.on_auth_refresh_error, self.on_auth_refresh_error);
        set(&mut settings.on_auth_recovery, self.on_auth_recovery);
        set(&mut settings.on_auth_deletion, self.on_auth_deletion);
        set(&mut settings.on_sync_completion_always, self.on_sync_completion_always);
        set(&mut settings.on_sync_error, self.on_sync_error);
        set(
            &mut settings.on_async_action_completion,
            self.on_async_action_completion,
        );
        let set_limit = |to: &mut Option<u32>, value: Option<u32>| {
            if let Some(limit) = value {
                *to = Some(limit).filter(|limit| *limit > 0);
            }
        };
        let functions = &mut settings.functions;
        set_limit(&mut functions.memory_mb, self.function_memory_mb);
        set_limit(&mut functions.action_cpu_seconds, self.action_cpu_seconds);
        set_limit(&mut functions.sync_interrupt_seconds, self.sync_interrupt_seconds);
        let connect = &mut settings.connect_ui;
        set_text(&mut connect.primary_light, self.connect_primary_light);
        set_text(&mut connect.primary_dark, self.connect_primary_dark);
        set_text(&mut connect.logo_url, self.connect_logo_url);
        set_text(&mut connect.product_name, self.connect_product_name);
        if let Some(theme) = self.connect_theme.as_deref().and_then(ThemeName::parse) {
            connect.theme = theme;
        }
    }
}

/// Runs the command.
pub async fn run(args: EnvArgs) -> Result<ExitCode> {
    let config = args.common.load(Vec::new())?;
    logging::quiet();
    let app = wiring::build(&config, String::new()).await?;
    app.ensure_account().await?;
    match args.command {
        EnvCommand::List { json } => list(&app.list_environments().await?, json),
        EnvCommand::Show { environment, json } => {
            let found = find(&app, &environment).await?;
            let variables = app.environment_variables(found.id).await?;
            let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
            show(&found, &names, json)?;
        }
        EnvCommand::Create {
            environment,
            production,
            json,
        } => {
            let mut wanted = json!({ "name": environment });
            if production {
                wanted["is_production"] = json!(true);
            }
            let wanted = NewEnvironmentInput::parse(Some(&wanted)).map_err(wiring::explain)?;
            let caller = app.operator().await.map_err(wiring::explain)?;
            let made = app.create_environment(&caller, wanted).await.map_err(wiring::explain)?;
            show_created(&made, json);
        }
        EnvCommand::Delete { environment, yes } => {
            let found = find(&app, &environment).await?;
            if !yes {
                bail!(
                    "{environment} would be removed with its integrations, connections and records. Add --yes if that is wanted"
                );
            }
            let caller = app.operator().await.map_err(wiring::explain)?;
            app.delete_environment(&caller, found.id)
                .await
                .map_err(wiring::explain)?;
        }
        EnvCommand::Set {
            environment,
            name,
            value,
        } => {
            app.set_environment_variable(find(&app, &environment).await?.id, &name, &value)
                .await?;
        }
        EnvCommand::Unset { environment, name } => {
            if !app
                .delete_environment_variable(find(&app, &environment).await?.id, &name)
                .await?
            {
                bail!("{environment} has no variable {name}");
            }
        }
        EnvCommand::Settings { environment, change } => {
            change.check()?;
            let id = find(&app, &environment).await?.id;
            app.update_environment_settings(id, |settings| change.apply(settings))
                .await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn find(app: &App, name: &str) -> Result<Environment> {
    let environments = app.list_environments().await?;
    let names: Vec<String> = environments
        .iter()
        .map(|environment| environment.name.clone())
        .collect();
    environments
        .into_iter()
        .find(|environment| environment.name == name)
        .with_context(|| format!("there is no environment {name:?}; there are: {}", names.join(", ")))
}

fn row(environment: &Environment) -> serde_json::Value {
    json!({
        "id": environment.id,
        "uuid": environment.uuid,
        "name": environment.name,
        "is_production": environment.is_production,
        "public_key": environment.public_key,
        "created_at": environment.created_at.iso_millis(),
    })
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn show_created(made: &CreatedEnvironment, as_json: bool) {
    if as_json {
        println!("{}", json!({ "id": made.id, "name": made.name, "secret": made.key }));
    } else {
        println!("{}  (key of {}, shown once)", made.key, made.name);
    }
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn list(environments: &[Environment], as_json: bool) {
    if as_json {
        println!("{}", json!(environments.iter().map(row).collect::<Vec<_>>()));
        return;
    }
    for environment in environments {
        let kind = if environment.is_production { "production" } else { "" };
        println!(
            "{:>4}  {:<20} {}  {kind}",
            environment.id, environment.name, environment.uuid
        );
    }
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn show(environment: &Environment, variables: &[&str], as_json: bool) -> Result<()> {
    let mut shown = row(environment);
    let mut settings = serde_json::to_value(&environment.settings).context("settings")?;
    if let Some(key) = settings.get_mut("hmac_key").filter(|key| !key.is_null()) {
        *key = json!("[redacted]");
    }
    shown["settings"] = settings;
    shown["variables"] = json!(variables);
    if as_json {
        println!("{shown}");
    } else {
        println!("{}", serde_json::to_string_pretty(&shown)?);
    }
    Ok(())
}
