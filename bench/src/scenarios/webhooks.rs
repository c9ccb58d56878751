//! Incoming webhooks: accepted durably, and running a function.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::json;

use crate::Bench;
use crate::load::{Shot, once, run as load};
use crate::report::Report;

/// Runs the scenario.
pub async fn run(bench: &Bench, report: &mut Report) -> Result<()> {
    let integration = json!({ "provider": "unauthenticated", "unique_key": "hooks" });
    once(&bench.tenon.post("/integrations", &integration)).await?;
    let read = once(&bench.tenon.get("/integrations/hooks?include=webhook")).await?;
    let Some(url) = read["data"]["webhook_url"].as_str() else {
        return Ok(());
    };
    let path = url
        .split_once("/webhook/")
        .map(|(_, rest)| format!("/webhook/{rest}"))
        .context("a webhook URL")?;
    let shot = Shot::post(
        &bench.tenon.authority,
        &path,
        &json!({ "type": "thing.changed", "connectionId": "nobody" }),
    );
    let before = bench.tenon.usage();
    let accepted = load(vec![shot], 16, bench.seconds).await?;
    let spent = bench.tenon.usage().cpu_seconds - before.cpu_seconds;
    report.at_least(
        "webhook in: accepted durably per CPU second",
        accepted.requests as f64 / spent,
        "",
        Some(280.0),
        3000.0,
        "16 connections",
    );
    report.figure(
        "webhook in: accepted per second",
        accepted.rate(),
        "",
        "each one on disk before its answer",
    );
    settle(bench).await;
    Ok(())
}

/// Waits until the queue has worked off what the load left behind.
async fn settle(bench: &Bench) {
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut last = bench.tenon.usage().cpu_seconds;
    while Instant::now() < deadline {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = bench.tenon.usage().cpu_seconds;
        if now - last < 0.05 {
            return;
        }
        last = now;
    }
}
