//! Start-up and idle memory.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::report::Report;
use crate::server::{Engine, Tenon};

/// Measures five starts on empty databases, then idle memory and CPU.
pub async fn run(bin: &Path, engine: &Engine, report: &mut Report) -> Result<()> {
    // A second start on the same PostgreSQL would not be empty.
    if matches!(engine, Engine::Postgres(_)) {
        return Ok(());
    }
    let mut seconds = Vec::new();
    for _ in 0..5 {
        seconds.push(Tenon::start(bin, engine).await?.start_seconds);
    }
    seconds.sort_by(f64::total_cmp);
    report.at_most(
        "start to healthy, empty database",
        seconds[2] * 1e3,
        "ms",
        Some(9000.0),
        300.0,
        "median of 5",
    );
    let tenon = Tenon::start(bin, engine).await?;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let before = tenon.usage();
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = tenon.usage();
    report.at_most(
        "memory idle, all processes",
        after.pss_bytes as f64 / 1e6,
        "MB",
        Some(1191.0),
        60.0,
        "PSS, one warm worker",
    );
    report.figure(
        "CPU idle",
        (after.cpu_seconds - before.cpu_seconds) / 5.0 * 100.0,
        "% of a core",
        "over 5 s",
    );
    Ok(())
}
