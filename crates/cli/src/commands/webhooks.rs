//! `tenon webhooks`: outgoing webhooks, delivered, waiting and dead; sending them again.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use serde_json::json;
use tenon_app::App;
use tenon_app::webhooks::outbound::{DeliveryView, ReplayWish};
use tenon_model::Timestamp;

use crate::authoring::settings::Settings;
use crate::authoring::terminal::{Style, Terminal, plain};
use crate::commands::place::{self, Place};
use crate::commands::serve::CommonArgs;
use crate::duration::duration;
use crate::failure::Failure;
use crate::{logging, wiring};

/// Flags of `tenon webhooks`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon webhooks list
  tenon webhooks list --state dead --env prod
  tenon webhooks replay --event msg_0198c1e2f3d74b5a9c8d7e6f5a4b3c2d
  tenon webhooks replay --state dead --since 24h

Reads the database, so run it beside the server: with the same --data-dir, --database-url or --config. Replayed events go out
under their old ids, through the running server.")]
pub struct WebhooksArgs {
    #[command(subcommand)]
    command: WebhooksCommand,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Clone, clap::Subcommand)]
enum WebhooksCommand {
    /// Show deliveries, newest first.
    #[command(after_help = "Examples:
  tenon webhooks list
  tenon webhooks list --state dead --since 24h
  tenon webhooks list --connection user-17 --json | jq -r .event_id")]
    List {
        #[command(flatten)]
        filter: Filter,
        /// How many.
        #[arg(long, short = 'n', default_value_t = 30)]
        limit: i64,
        /// One JSON object per line.
        #[arg(long)]
        json: bool,
    },
    /// Send delivered or dead events again.
    #[command(after_help = "Examples:
  tenon webhooks replay --event msg_0198c1e2f3d74b5a9c8d7e6f5a4b3c2d
  tenon webhooks replay --state dead --since 24h --env prod")]
    Replay {
        #[command(flatten)]
        filter: Filter,
        /// Machine-readable output.
        #[arg(long)]
        json: bool,
    },
}

/// Which deliveries.
#[derive(Debug, Clone, clap::Args)]
struct Filter {
    /// Only this environment.
    #[arg(long, alias = "environment")]
    env: Option<String>,
    /// Only this state.
    #[arg(long, value_parser = ["pending", "delivered", "dead"])]
    state: Option<String>,
    /// Only this kind of event.
    #[arg(long, value_parser = ["auth", "sync", "async_action", "forward"])]
    kind: Option<String>,
    /// Only events of this connection.
    #[arg(long)]
    connection: Option<String>,
    /// Only the event with this id.
    #[arg(long)]
    event: Option<String>,
    /// Only events since this moment (2026-05-01T10:00:00Z) or of the last while (90m, 24h, 7d).
    #[arg(long)]
    since: Option<String>,
}

impl Filter {
    fn is_empty(&self) -> bool {
        self.state.is_none() && self.event.is_none() && self.since.is_none() && self.connection.is_none()
    }

    async fn wish(&self, app: &App) -> Result<ReplayWish> {
        let environment = match &self.env {
            None => None,
            Some(name) => {
                let all = app.list_environments().await?;
                let names: Vec<&str> = all.iter().map(|environment| environment.name.as_str()).collect();
                let found = all.iter().find(|environment| environment.name == *name);
                let names = names.join(", ");
                Some(
                    found
                        .with_context(|| format!("there is no environment {name:?}; there are: {names}"))?
                        .id,
                )
            }
        };
        Ok(ReplayWish {
            environment,
            state: self.state.clone(),
            kind: self.kind.clone(),
            connection: self.connection.clone(),
            event_id: self.event.clone(),
            since: self
                .since
                .as_deref()
                .map(|text| moment(text, app.clock().now()))
                .transpose()?,
        })
    }
}

/// A moment, or a while ago.
fn moment(text: &str, now: Timestamp) -> Result<Timestamp> {
    if let Some(moment) = Timestamp::parse_iso(text) {
        return Ok(moment);
    }
    match duration(text) {
        Ok(ago) => Ok(now.minus(ago)),
        Err(reason) => bail!("--since: {reason}, or a moment such as 2026-05-01T10:00:00Z"),
    }
}

/// Runs the command.
pub async fn run(args: WebhooksArgs) -> Result<ExitCode> {
    let settings = Settings::load(Path::new("."));
    let config = match place::choose(&args.common, &settings, None)? {
        Place::Database(config) => config,
        Place::Server => bail!(Failure::new(
            "needs_database",
            "the API of a server does not show outgoing webhooks: run this beside its database, with --data-dir or \
             --database-url, which come before TENON_HOST"
        )),
    };
    logging::quiet();
    let app = wiring::build(&config, String::new()).await?;
    match args.command {
        WebhooksCommand::List { filter, limit, json } => {
            let deliveries = app
                .list_deliveries(&filter.wish(&app).await?, limit.clamp(1, 10_000))
                .await?;
            if deliveries.is_empty() && !json {
                print_line("no deliveries match; events are kept for a week after their end");
            }
            for delivery in &deliveries {
                print_line(&if json {
                    delivery.to_json().to_string()
                } else {
                    line(delivery, Terminal::detect())
                });
            }
        }
        WebhooksCommand::Replay { filter, json } => {
            if filter.is_empty() {
                bail!(Failure::usage(
                    "say which: --event ID, --state dead, --since 24h or --connection ID"
                ));
            }
            let count = app.replay_deliveries(&filter.wish(&app).await?).await?;
            print_line(&if json {
                json!({ "replayed": count }).to_string()
            } else {
                format!("{count} deliveries are due again; the running server sends them")
            });
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn line(delivery: &DeliveryView, terminal: Terminal) -> String {
    let row = delivery.row();
    let (mark, style) = match row.state.as_str() {
        "delivered" => ("✓", Style::Green),
        "pending" => ("↻", Style::Yellow),
        _ => ("✗", Style::Red),
    };
    let mut text = format!(
        "{} {} {:<12} {}/{} → {}  {}",
        terminal.paint(Style::Dim, &row.created_at.iso_millis()),
        terminal.paint(style, mark),
        row.kind,
        plain(&row.integration),
        plain(row.connection.as_deref().unwrap_or("-")),
        plain(&row.url),
        terminal.paint(Style::Dim, &row.event_id),
    );
    if let Some(error) = &row.last_error {
        let next = if row.state == "pending" {
            format!(", next attempt {}", row.next_at)
        } else {
            String::new()
        };
        let note = format!("\n    attempt {}: {error}{next}", row.attempts);
        text.push_str(&terminal.paint(style, &note));
    }
    text
}

#[expect(clippy::print_stdout, reason = "output of the command")]
fn print_line(text: &str) {
    println!("{text}");
}

#[cfg(test)]
mod tests;
