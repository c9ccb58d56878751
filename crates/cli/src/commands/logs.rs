//! `tenon logs`: what happened, newest last, from the local database or from a server.

mod show;
mod source;

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use serde_json::Value;
use tenon_app::operations::Kind;

use crate::authoring::settings::ServerArgs;
use crate::authoring::terminal::Terminal;
use crate::commands::serve::CommonArgs;
use crate::logging;
use crate::stop::stop_signal;

use show::Show;
use source::{Source, Wanted};

/// How often `--follow` looks.
const LOOK_EVERY: Duration = Duration::from_millis(600);
/// Operations are written when they end or soon after they began, not in the order of their ids: so far back is looked
/// again for late ones.
const LATE_BY: Duration = Duration::from_secs(120);
/// Operations that were not over when they were shown and are looked at again.
const OPEN_MAX: usize = 50;

/// Flags of `tenon logs`.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "Examples:
  tenon logs
  tenon logs --failed --limit 5
  tenon logs --follow --kind sync
  tenon logs --search 'rate limit' --messages
  tenon logs 01jd3k5q8m2xa
  tenon logs --host https://tenon.example.com --api-key $KEY --json

Asks the server that --host or TENON_HOST names, else reads the database in the data directory; --data-dir, --database-url
and --config come before TENON_HOST. The key needs environment:logs:read.")]
pub struct LogsArgs {
    /// Show this operation with all its messages.
    pub id: Option<String>,
    /// Go on showing what happens until interrupted.
    #[arg(long, short)]
    pub follow: bool,
    /// Only what failed, timed out or was cancelled.
    #[arg(long)]
    pub failed: bool,
    /// Only what contains this text, in the operation or one of its messages.
    #[arg(long)]
    pub search: Option<String>,
    /// Only this environment [default: all in the local database, the key's own on a server].
    #[arg(long, alias = "environment")]
    pub env: Option<String>,
    /// Only this kind.
    #[arg(long, value_parser = clap::builder::PossibleValuesParser::new(Kind::NAMES))]
    pub kind: Option<String>,
    /// Only this connection.
    #[arg(long)]
    pub connection: Option<String>,
    /// Show the messages of each operation.
    #[arg(long, short)]
    pub messages: bool,
    /// One JSON object per line.
    #[arg(long)]
    pub json: bool,
    /// How many operations, the newest ones.
    #[arg(long, short = 'n', default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub limit: u32,
    /// The server, when it is another one.
    #[command(flatten)]
    pub server: ServerArgs,
    /// Settings, and where data lives.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Runs the command.
pub async fn run(args: LogsArgs) -> Result<ExitCode> {
    logging::quiet();
    let source = Source::open(&args).await?;
    let show = Show {
        terminal: Terminal::detect(),
        json: args.json,
        messages: args.messages || args.id.is_some(),
    };
    if let Some(id) = &args.id {
        show.operation(&source.one(id).await?);
        return Ok(ExitCode::SUCCESS);
    }
    let wanted = Wanted::of(&args);
    let newest = source.newest(&wanted, args.limit).await?;
    if newest.is_empty() && !args.follow && !args.json {
        show.line("nothing was logged yet that matches; run something, or leave out a filter");
    }
    for operation in &newest {
        print(&source, &show, operation).await?;
    }
    if args.follow {
        let stop = stop_signal()?;
        tokio::select! {
            () = stop => {}
            failed = follow(&source, &show, &wanted, newest) => match failed? {},
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn print(source: &Source, show: &Show, operation: &Value) -> Result<()> {
    if show.messages {
        let id = operation.get("id").and_then(Value::as_str).unwrap_or_default();
        show.operation(&source.one(id).await?);
    } else {
        show.summary(operation);
    }
    Ok(())
}

/// What tells one state of an operation from another.
fn state_of(operation: &Value) -> (String, String) {
    let text = |name: &str| {
        operation
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    (text("id"), text("state"))
}

/// Shows every operation when it is first seen and again when its state has changed; ends only by failing.
async fn follow(source: &Source, show: &Show, wanted: &Wanted, newest: Vec<Value>) -> Result<Infallible> {
    let mut seen: HashSet<(String, String)> = newest.iter().map(state_of).collect();
    let mut open: BTreeSet<String> = newest
        .iter()
        .filter(|operation| is_open(operation))
        .map(|o| state_of(o).0)
        .collect();
    let mut last = newest.iter().map(|operation| state_of(operation).0).max();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let since = last.as_deref().and_then(|id| source::earlier(id, LATE_BY));
        let mut found = source.since(wanted, since.as_deref()).await?;
        for id in open.iter().filter(|id| since.as_ref().is_some_and(|since| *id < since)) {
            found.extend(source.one(id).await?.get("operation").cloned());
        }
        for operation in found {
            let state = state_of(&operation);
            if is_open(&operation) {
                open.insert(state.0.clone());
                // The oldest of very many is no longer watched.
                if open.len() > OPEN_MAX {
                    open.pop_first();
                }
            } else {
                open.remove(&state.0);
            }
            if last.as_ref().is_none_or(|last| state.0 > *last) {
                last = Some(state.0.clone());
            }
            if seen.insert(state) {
                print(source, show, &operation).await?;
            }
        }
        if let Some(since) = &since {
            seen.retain(|(id, _)| id >= since || open.contains(id));
        }
    }
}

fn is_open(operation: &Value) -> bool {
    matches!(
        operation.get("state").and_then(Value::as_str),
        Some("running" | "waiting")
    )
}
