//! Comparative benchmarks of the built server.
//!
//! One command measures every hot path against a baseline in the same run (the upstream called directly, nginx) and
//! counts the CPU seconds of all server processes, sandbox workers included; load generator and upstream live in this
//! process and are never counted. Wall-clock figures depend on the machine, ratios and CPU seconds much less.

mod cpu;
mod load;
mod nginx;
mod node;
mod report;
mod scenarios;
mod server;
mod upstream;

use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

use crate::report::Report;
use crate::server::{Engine, Tenon};
use crate::upstream::Upstream;

/// Measures Tenon and prints a table with ratios, CPU seconds and memory.
#[derive(Debug, Parser)]
#[command(after_help = "Examples:
  cargo run --release -p tenon-bench
  cargo run --release -p tenon-bench -- --only proxy --json out.json
  cargo run --release -p tenon-bench -- --database-url postgres://tenon@127.0.0.1/bench")]
struct Args {
    /// Also write the results as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    /// Only scenarios whose name contains this text.
    #[arg(long)]
    only: Option<String>,
    /// Measure on this PostgreSQL instead of SQLite.
    #[arg(long)]
    database_url: Option<String>,
    /// The tenon binary [default: built in release mode].
    #[arg(long)]
    bin: Option<PathBuf>,
    /// Records of the large sync.
    #[arg(long, default_value_t = 100_000)]
    records: usize,
    /// Seconds of each load test.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
}

/// What every scenario works with.
pub struct Bench {
    /// The server under test.
    pub tenon: Tenon,
    /// The outside world.
    pub upstream: Upstream,
    /// Seconds of each load test.
    pub seconds: u64,
    /// Records of the large sync.
    pub records: usize,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let bin = server::binary(args.bin)?;
    let engine = args.database_url.map_or(Engine::Sqlite, Engine::Postgres);
    let mut report = Report::new(&engine, &bin)?;
    let upstream = Upstream::start().await?;
    let wanted = |name: &str| args.only.as_ref().is_none_or(|only| name.contains(only.as_str()));
    if wanted("start") {
        scenarios::start::run(&bin, &engine, &mut report).await?;
    }
    let tenon = Tenon::start(&bin, &engine).await?;
    let bench = Bench {
        tenon,
        upstream,
        seconds: args.seconds,
        records: args.records,
    };
    scenarios::prepare(&bench).await?;
    if wanted("proxy") {
        scenarios::proxy::run(&bench, &mut report).await?;
    }
    if wanted("action") {
        scenarios::actions::run(&bench, &mut report).await?;
    }
    if wanted("function") {
        scenarios::functions::run(&bin, &engine, &mut report).await?;
    }
    if wanted("sync") || wanted("records") {
        scenarios::syncs::run(&bench, &mut report).await?;
    }
    if wanted("webhook") {
        scenarios::webhooks::run(&bench, &mut report).await?;
    }
    report.print();
    if let Some(path) = args.json {
        report.write(&path)?;
    }
    Ok(())
}
