//! The proxy beside the upstream called directly and nginx.

use anyhow::Result;

use crate::Bench;
use crate::cpu;
use crate::load::{Shot, run as load};
use crate::nginx::Nginx;
use crate::report::Report;

/// Measures latency alone and throughput at 16 connections.
pub async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let through = bench
        .tenon
        .get("/proxy/json")
        .header("provider-config-key", "bench")
        .header("connection-id", "one");
    let direct = Shot::get(&bench.upstream.authority, "/json");
    load(vec![through.clone()], 4, 1).await?;

    let plain = load(vec![direct.clone()], 1, bench.seconds).await?;
    let alone = load(vec![through.clone()], 1, bench.seconds).await?;
    let added = |share: f64| alone.percentile(share) - plain.percentile(share);
    report.at_most(
        "proxy: added p50, one at a time",
        added(0.50),
        "ms",
        Some(3.4),
        0.5,
        "over calling the upstream",
    );
    report.at_most(
        "proxy: added p99, one at a time",
        added(0.99),
        "ms",
        Some(11.0),
        2.0,
        "",
    );

    let before = bench.tenon.usage();
    let busy = load(vec![through], 16, bench.seconds).await?;
    let cpu_seconds = bench.tenon.usage().cpu_seconds - before.cpu_seconds;
    let ours = busy.requests as f64 / cpu_seconds;
    report.at_least(
        "proxy: requests per CPU second",
        ours,
        "",
        Some(257.0),
        8000.0,
        "16 connections, 400-byte JSON",
    );
    report.figure("proxy: requests per second", busy.rate(), "", "16 connections");
    let direct_busy = load(vec![direct], 16, bench.seconds).await?;
    report.figure(
        "proxy: share of direct throughput",
        busy.rate() / direct_busy.rate() * 100.0,
        "%",
        "",
    );

    if let Some(nginx) = Nginx::start(&bench.upstream.authority)? {
        let shot = Shot::get(&nginx.authority, "/json");
        load(vec![shot.clone()], 4, 1).await?;
        let before = cpu::measure(nginx.pid()).cpu_seconds;
        let theirs = load(vec![shot], 16, bench.seconds).await?;
        let per_cpu = theirs.requests as f64 / (cpu::measure(nginx.pid()).cpu_seconds - before);
        report.figure("nginx proxy_pass: requests per CPU second", per_cpu, "", "");
        report.at_least(
            "proxy: share of nginx per CPU second",
            ours / per_cpu * 100.0,
            "%",
            None,
            50.0,
            "",
        );
    }
    Ok(())
}
