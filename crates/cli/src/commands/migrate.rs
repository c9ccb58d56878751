//! `tenon migrate`: take over integrations and connections of another installation.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use http::Method;
use serde_json::{Map, Value, json};
use tenon_app::App;
use tenon_app::connections::{Migrated, Moved};
use tenon_app::environments::Environment;
use tenon_model::Secret;

use crate::authoring::client::{Client, encode};
use crate::authoring::terminal::plain;
use crate::commands::serve::CommonArgs;
use crate::wiring::explain;
use crate::{logging, wiring};

const PAGE: usize = 100;

/// Flags of `tenon migrate`.
#[derive(Debug, Clone, clap::Args)]
pub struct MigrateArgs {
    #[command(subcommand)]
    source: MigrateSource,
    /// Settings, and where data lives.
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum MigrateSource {
    /// From a server that speaks Nango's API, another Tenon included: integrations, connections with their credentials,
    /// metadata and tags.
    #[command(after_help = "Examples:
  tenon migrate nango --from https://api.nango.dev --key $NANGO_SECRET_KEY --dry-run
  tenon migrate nango --from https://api.nango.dev --key $NANGO_SECRET_KEY --environment prod

  tenon migrate nango --from https://api.nango.dev --key $NANGO_SECRET_KEY --environment prod --hand-over

What is here already is kept, so a run that was interrupted goes on when it is started again.

Tokens have one owner. Without --hand-over nothing changes at the source, which goes on renewing tokens: connections with
a refresh token are copied without it, work here until their access token ends, and another run fetches the newest. With
--hand-over the refresh token is stored here and then taken away at the source, connection by connection: from then on this
server renews, and the source's copy ends with its access token. The source's back end hears one `override` per connection;
nobody is told by this server.")]
    Nango(NangoArgs),
}

/// Flags of `tenon migrate nango`.
#[derive(Debug, Clone, clap::Args)]
struct NangoArgs {
    /// Address of the source.
    #[arg(long)]
    from: String,
    /// Secret key of the source's environment, allowed to read credentials.
    #[arg(long, env = "NANGO_SECRET_KEY", hide_env_values = true)]
    key: String,
    /// Environment here.
    #[arg(long, short, default_value = "dev")]
    environment: String,
    /// Renew tokens here from now on: the source forgets its refresh tokens. The key must be allowed to write there.
    #[arg(long)]
    hand_over: bool,
    /// Show what would be done. No credentials are read, so nothing is refreshed at the source.
    #[arg(long)]
    dry_run: bool,
    /// Only this integration; repeat for several.
    #[arg(long = "integration")]
    integrations: Vec<String>,
    /// Machine-readable report.
    #[arg(long)]
    json: bool,
}

/// What became of everything.
#[derive(Debug, Default)]
struct Report {
    integrations: Counts,
    connections: Counts,
    by_integration: BTreeMap<String, u64>,
    failures: Vec<String>,
}

#[derive(Debug, Default)]
struct Counts {
    created: u64,
    kept: u64,
    renewed: u64,
    handed_over: u64,
    failed: u64,
}

impl Counts {
    fn note(&mut self, outcome: &Result<Migrated>) {
        match outcome {
            Ok(Migrated::Created) => self.created += 1,
            Ok(Migrated::Kept) => self.kept += 1,
            Ok(Migrated::Renewed) => self.renewed += 1,
            Ok(Migrated::HandedOver) => self.handed_over += 1,
            Err(_) => self.failed += 1,
        }
    }
}

/// Runs the command.
pub async fn run(args: MigrateArgs) -> Result<ExitCode> {
    let config = args.common.load(Vec::new())?;
    let MigrateSource::Nango(args) = args.source;
    logging::quiet();
    let app = wiring::build(&config, String::new()).await?;
    app.ensure_account().await?;
    let environments = app.list_environments().await?;
    let environment = environments
        .into_iter()
        .find(|environment| environment.name == args.environment)
        .with_context(|| {
            format!(
                "there is no environment {:?}; `tenon env list` shows them",
                args.environment
            )
        })?;
    let client = Client::new(&args.from, Secret::new(args.key.as_str()))?;
    let mover = Mover {
        app: &app,
        environment: Arc::new(environment),
        client,
        args: &args,
    };
    let mut report = Report::default();
    mover.integrations(&mut report).await?;
    mover.connections(&mut report).await?;
    show(&report, &args);
    Ok(if report.failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Mover<'a> {
    app: &'a App,
    environment: Arc<Environment>,
    client: Client,
    args: &'a NangoArgs,
}

impl Mover<'_> {
    fn wants(&self, key: &str) -> bool {
        self.args.integrations.is_empty() || self.args.integrations.iter().any(|wanted| wanted == key)
    }

    async fn integrations(&self, report: &mut Report) -> Result<()> {
        let listed = self.client.json(Method::GET, "/integrations", None).await?;
        let listed = listed
            .get("data")
            .or_else(|| listed.get("configs"))
            .and_then(Value::as_array)
            .cloned();
        let Some(listed) = listed else {
            bail!(
                "{} does not list integrations; is the address right?",
                self.client.host()
            );
        };
        for one in listed {
            let key = one.get("unique_key").and_then(Value::as_str).unwrap_or_default();
            if !self.wants(key) {
                continue;
            }
            let outcome = self.integration(key).await;
            if let Err(error) = &outcome {
                report.failures.push(format!("integration {key}: {error:#}"));
            }
            report.integrations.note(&outcome);
        }
        Ok(())
    }

    async fn integration(&self, key: &str) -> Result<Migrated> {
        let place = encode(key);
        let shown = self
            .client
            .json(Method::GET, &format!("/integrations/{place}?include=credentials"), None)
            .await?;
        let shown = shown.get("data").context("the source shows no such integration")?;
        if self.args.dry_run {
            let here = self.app.find_integration(self.environment.id, key).await?.is_some();
            let provider = shown.get("provider").and_then(Value::as_str).unwrap_or_default();
            if self.app.catalog().get(provider).is_none() {
                bail!("provider {provider} is not in the catalogue; add it with a file (`tenon catalog import`)");
            }
            return Ok(if here { Migrated::Kept } else { Migrated::Created });
        }
        // Free values are only shown at the older address.
        let old = self
            .client
            .json(Method::GET, &format!("/config/{place}?include_creds=true"), None)
            .await
            .unwrap_or_default();
        let custom = old.pointer("/config/custom").and_then(Value::as_object).map(texts);
        self.app
            .migrate_integration(&self.environment, shown, custom.as_ref())
            .await
            .map_err(explain)
    }

    async fn connections(&self, report: &mut Report) -> Result<()> {
        for page in 0.. {
            let path = format!("/connections?limit={PAGE}&page={page}");
            let listed = self.client.json(Method::GET, &path, None).await?;
            let listed = listed
                .get("connections")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            for one in &listed {
                let field = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default();
                let (key, id) = (field("provider_config_key"), field("connection_id"));
                if !self.wants(key) {
                    continue;
                }
                let outcome = self.connection(key, id).await;
                match &outcome {
                    Ok(_) => *report.by_integration.entry(key.to_owned()).or_default() += 1,
                    Err(error) => report.failures.push(format!("connection {key}/{id}: {error:#}")),
                }
                report.connections.note(&outcome);
            }
            if listed.len() < PAGE {
                break;
            }
        }
        Ok(())
    }

    async fn connection(&self, key: &str, id: &str) -> Result<Migrated> {
        let moved = self.app.moved(&self.environment, key, id).await?;
        match moved {
            Moved::Owned => return Ok(Migrated::Kept),
            Moved::Handing if !self.args.hand_over => return Ok(Migrated::Kept),
            Moved::Absent if self.args.dry_run => return Ok(Migrated::Created),
            Moved::Lent | Moved::Handing if self.args.dry_run && self.args.hand_over => {
                return Ok(Migrated::HandedOver);
            }
            Moved::Lent | Moved::Handing if self.args.dry_run => return Ok(Migrated::Renewed),
            Moved::Absent | Moved::Lent | Moved::Handing => {}
        }
        let path = format!(
            "/connections/{}?provider_config_key={}&refresh_token=true",
            encode(id),
            encode(key)
        );
        let shown = match self.client.json(Method::GET, &path, None).await {
            // A run before this one took the refresh token away, so the source can no longer renew.
            Err(error) if moved == Moved::Handing && error.says_unusable() => json!({}),
            shown => shown?,
        };
        let is_disarmed = shown.pointer("/credentials/refresh_token").is_none_or(Value::is_null);
        if moved == Moved::Handing && is_disarmed {
            return self.own(key, id).await;
        }
        let hand_over = self.args.hand_over;
        let stored = self
            .app
            .migrate_connection(&self.environment, &shown, self.client.host(), hand_over)
            .await
            .map_err(explain)?;
        if !hand_over || self.app.moved(&self.environment, key, id).await? != Moved::Handing {
            return Ok(stored);
        }
        let without = without_refresh_token(key, id, &shown);
        self.client
            .json(Method::POST, "/connections", Some(&without))
            .await
            .context("the source still renews it: its refresh token could not be taken away")?;
        self.own(key, id).await
    }

    async fn own(&self, key: &str, id: &str) -> Result<Migrated> {
        self.app
            .end_hand_over(&self.environment, key, id)
            .await
            .map_err(explain)?;
        Ok(Migrated::HandedOver)
    }
}

/// The connection as the source has to store it from now on: with an access token that ends by itself.
fn without_refresh_token(key: &str, id: &str, shown: &Value) -> Value {
    let mut credentials = json!({ "type": "OAUTH2" });
    for name in ["access_token", "expires_at"] {
        if let Some(value) = shown
            .pointer(&format!("/credentials/{name}"))
            .filter(|value| !value.is_null())
        {
            credentials[name] = value.clone();
        }
    }
    let mut body = json!({ "provider_config_key": key, "connection_id": id, "credentials": credentials });
    // An import over a connection removes what it does not name.
    for name in ["connection_config", "metadata", "tags", "webhook_url_override"] {
        if let Some(value) = shown.get(name).filter(|value| !value.is_null()) {
            body[name] = value.clone();
        }
    }
    body
}

/// Texts of the free values, the webhook secret among them.
fn texts(custom: &Map<String, Value>) -> Map<String, Value> {
    custom
        .iter()
        .filter(|(_, value)| value.is_string())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn show(report: &Report, args: &NangoArgs) {
    let Report {
        integrations,
        connections,
        ..
    } = report;
    if args.json {
        let report = json!({
            "dry_run": args.dry_run,
            "integrations": { "created": integrations.created, "kept": integrations.kept, "failed": integrations.failed },
            "connections": {
                "created": connections.created, "kept": connections.kept, "failed": connections.failed,
                "renewed": connections.renewed, "handed_over": connections.handed_over,
            },
            "connections_by_integration": report.by_integration,
            "failures": report.failures,
        });
        println!("{report}");
        return;
    }
    let verb = if args.dry_run { "would be made" } else { "made" };
    for (name, counts) in [
        ("integrations", &report.integrations),
        ("connections", &report.connections),
    ] {
        println!(
            "{name:<13} {} {verb}, {} there already, {} failed",
            counts.created, counts.kept, counts.failed
        );
    }
    let (renewed, handed_over) = (connections.renewed, connections.handed_over);
    if renewed + handed_over > 0 {
        println!("{:<13} {renewed} fetched anew, {handed_over} handed over", "");
    }
    for (key, count) in &report.by_integration {
        println!("  {count:>6}  {}", plain(key));
    }
    for failure in &report.failures {
        println!("failed: {}", plain(failure));
    }
}
