//! Log lines of this process.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogFormat, Logs};

/// Starts logging to standard error.
pub fn start(logs: &Logs) {
    let level: LevelFilter = logs.level.parse().unwrap_or(LevelFilter::INFO);
    let targets = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("tenon", level);
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match logs.format {
        LogFormat::Pretty => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // A second start (tests, the demonstration) keeps the first subscriber.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init();
}

/// Only warnings: for commands whose output is something else.
pub fn quiet() {
    start(&Logs {
        format: LogFormat::Pretty,
        level: "warn".to_owned(),
        retention_days: 0,
    });
}
