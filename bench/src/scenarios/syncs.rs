//! Syncs: first pass, unchanged pass, memory, stored bytes; then listing the records.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};

use crate::Bench;
use crate::load::{Line, once};
use crate::report::Report;

struct Pass {
    cpu_seconds: f64,
    wall: f64,
    peak_bytes: u64,
}

async fn pass(bench: &Bench, connection: &str) -> Result<Pass> {
    let trigger =
        json!({ "syncs": ["pages"], "provider_config_key": "bench", "connection_id": connection, "opts": {} });
    let status = bench.tenon.get(&format!(
        "/sync/status?syncs=pages&provider_config_key=bench&connection_id={connection}"
    ));
    let finished = |value: &Value| value["syncs"][0]["finishedAt"].as_str().map(str::to_owned);
    let earlier = finished(&once(&status).await?);
    let before = bench.tenon.usage();
    let started = Instant::now();
    once(&bench.tenon.post("/sync/trigger", &trigger)).await?;
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let now = once(&status).await?;
        let state = now["syncs"][0]["latestExecutionStatus"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if finished(&now).is_some() && finished(&now) != earlier && state != "RUNNING" {
            if state != "SUCCESS" {
                bail!("the sync ended as {state}: {now}");
            }
            break;
        }
        if started.elapsed() > Duration::from_secs(900) {
            bail!("the sync does not end: {now}");
        }
    }
    let after = bench.tenon.usage();
    Ok(Pass {
        cpu_seconds: after.cpu_seconds - before.cpu_seconds,
        wall: started.elapsed().as_secs_f64(),
        peak_bytes: after.peak_bytes,
    })
}

/// Runs the scenario.
pub async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    bench.tenon.connect("small").await?;
    bench.upstream.set_total(10_000);
    let small = pass(bench, "small").await?;
    let rate = 10_000.0 / small.cpu_seconds;
    report.at_least(
        "sync: new records per CPU second, 10 k",
        rate,
        "",
        Some(2600.0),
        25_000.0,
        "fetch, map, seal, save; pages of 100",
    );

    bench.tenon.connect("large").await?;
    bench.upstream.set_total(bench.records);
    let stored_before = bench.tenon.database_bytes();
    let large = pass(bench, "large").await?;
    let count = bench.records as f64;
    let name = format!("sync: new records per CPU second, {} k", bench.records / 1000);
    report.at_least(&name, count / large.cpu_seconds, "", Some(2100.0), 25_000.0, "");
    report.figure("sync: new records per second", count / large.wall, "", "");
    let again = pass(bench, "large").await?;
    report.at_least(
        "sync: unchanged records per CPU second",
        count / again.cpu_seconds,
        "",
        Some(6700.0),
        50_000.0,
        "",
    );
    let growth = (large.peak_bytes.max(again.peak_bytes) as f64 - small.peak_bytes as f64) / 1e6;
    report.at_most(
        "sync: growth of the server's peak memory, 10 k to the large one",
        growth,
        "MB",
        None,
        40.0,
        "",
    );
    report.figure(
        "sync: peak memory of the server",
        again.peak_bytes as f64 / 1e6,
        "MB",
        "RSS high-water",
    );
    let stored = bench.tenon.database_bytes().saturating_sub(stored_before);
    if stored > 0 {
        report.at_most(
            "stored bytes per 523-byte record",
            stored as f64 / count,
            "bytes",
            Some(1650.0),
            700.0,
            "database file",
        );
    }
    list(bench, report).await
}

async fn list(bench: &Bench, report: &mut Report) -> Result<()> {
    let mut line = Line::open(&bench.tenon.authority).await?;
    let before = bench.tenon.usage();
    let started = Instant::now();
    let (mut count, mut cursor) = (0, None::<String>);
    loop {
        let path = match &cursor {
            None => "/records?model=Row&limit=1000".to_owned(),
            Some(cursor) => format!(
                "/records?model=Row&limit=1000&cursor={}",
                cursor.replace('+', "%2B").replace('=', "%3D").replace('/', "%2F")
            ),
        };
        let shot = bench
            .tenon
            .get(&path)
            .header("provider-config-key", "bench")
            .header("connection-id", "large");
        let (status, body) = line.send(&shot).await?;
        if status != 200 {
            bail!("GET /records answered {status}: {}", String::from_utf8_lossy(&body));
        }
        let page: Value = serde_json::from_slice(&body)?;
        count += page["records"].as_array().map_or(0, Vec::len);
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let spent = bench.tenon.usage().cpu_seconds - before.cpu_seconds;
    if count != bench.records {
        bail!("listed {count} of {} records", bench.records);
    }
    report.at_least(
        "GET /records: records per CPU second",
        count as f64 / spent,
        "",
        Some(18_400.0),
        150_000.0,
        "pages of 1,000",
    );
    report.figure(
        "GET /records: records per second",
        count as f64 / started.elapsed().as_secs_f64(),
        "",
        "one client",
    );
    Ok(())
}
