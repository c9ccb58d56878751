//! Actions: latency alone, and calls per CPU second on one and on many connections.

use anyhow::Result;
use serde_json::json;

use crate::Bench;
use crate::load::{Shot, run as load};
use crate::report::Report;

fn echo(bench: &Bench, connection: &str) -> Shot {
    bench
        .tenon
        .post(
            "/action/trigger",
            &json!({ "action_name": "echo", "input": { "hello": "world" } }),
        )
        .header("provider-config-key", "bench")
        .header("connection-id", connection)
}

/// Connections of the "each call another connection" measurement.
const MANY: usize = 500;

/// Runs the scenario.
pub async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let one = echo(bench, "one");
    load(vec![one.clone()], 2, 1).await?;
    let alone = load(vec![one.clone()], 1, bench.seconds).await?;
    report.at_most(
        "action echo: p50, one at a time",
        alone.percentile(0.5),
        "ms",
        Some(30.0),
        3.0,
        "",
    );
    report.at_most(
        "action echo: p99, one at a time",
        alone.percentile(0.99),
        "ms",
        Some(53.0),
        8.0,
        "",
    );
    let before = bench.tenon.usage();
    let busy = load(vec![one], 8, bench.seconds).await?;
    let spent = bench.tenon.usage().cpu_seconds - before.cpu_seconds;
    report.at_least(
        "action echo: calls per CPU second, one connection",
        busy.requests as f64 / spent,
        "",
        Some(41.0),
        1000.0,
        "8 at a time",
    );
    let mut shots = Vec::new();
    for index in 0..MANY {
        let connection = format!("many-{index}");
        bench.tenon.connect(&connection).await?;
        shots.push(echo(bench, &connection));
    }
    let before = bench.tenon.usage();
    let spread = load(shots, 8, bench.seconds).await?;
    let spent = bench.tenon.usage().cpu_seconds - before.cpu_seconds;
    report.at_least(
        "action echo: calls per CPU second, each another connection",
        spread.requests as f64 / spent,
        "",
        Some(41.0),
        300.0,
        "8 at a time",
    );
    Ok(())
}
