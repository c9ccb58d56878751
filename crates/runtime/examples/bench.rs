//! Measures runs per CPU second, parent and workers together: `cargo run --release --example bench`.
//!
//! The worker is this very program with the argument `worker`.
#![allow(clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::StreamExt;
use tenon_runtime::protocol::{Host, HostCall, HostError, HostReply};
use tenon_runtime::{Code, Invocation, Kind, Limits, RunContext, Runtime, RuntimeConfig};
use tokio_util::sync::CancellationToken;

/// The allocator of the product, so that workers are measured as they run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

struct Quiet;

#[async_trait]
impl Host for Quiet {
    async fn call(&self, _call: HostCall) -> Result<HostReply, HostError> {
        Ok(HostReply::Unit)
    }
}

const ECHO: &str = r#""use strict";
const z = require('zod');
const action = {
    type: 'action', description: 'echo', version: '1.0.0',
    input: z.object({ msg: z.string(), n: z.number().optional() }),
    output: z.object({ msg: z.string() }),
    exec: async (nango, input) => input
};
module.exports = { default: action };
"#;

const SLEEP: &str = r#""use strict";
const z = require('zod');
module.exports = { default: { type: 'action', input: z.any(), output: z.any(), exec: async () => { await new Promise((r) => setTimeout(r, 3000)); return 1; } } };
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    if std::env::args().nth(1).as_deref() == Some("worker") {
        tenon_runtime::worker_main();
    }
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(bench())
}

async fn bench() -> Result<(), Box<dyn std::error::Error>> {
    let mut config = RuntimeConfig::new(std::env::current_exe()?, ["worker"]);
    config.workers_per_tenant_max = 1;
    let rt = Runtime::start(config)?;
    let echo = Arc::new(Code {
        hash: "echo".into(),
        js: ECHO.into(),
        filename: "echo-bench.cjs".into(),
    });
    let sleep = Arc::new(Code {
        hash: "sleep".into(),
        js: SLEEP.into(),
        filename: "sleep-bench.cjs".into(),
    });
    let only = std::env::args().nth(1).unwrap_or_default();
    if only == "fresh" {
        measure(&rt, "fresh", &echo, 3_000, 1, |_| None).await;
        return Ok(());
    }
    measure(&rt, "first", &echo, 1, 1, |_| None).await;
    measure(&rt, "fresh, one after the other", &echo, 500, 1, |_| None).await;
    measure(&rt, "fresh, 8 at a time", &echo, 500, 8, |_| None).await;
    measure(&rt, "warm, one after the other", &echo, 5_000, 1, |_| Some("k".into())).await;
    measure(&rt, "warm, 8 at a time", &echo, 10_000, 8, |index| {
        Some(format!("k{}", index % 8))
    })
    .await;
    measure(&rt, "1,000 sleeping 3 s", &sleep, 1_000, 1_000, |_| None).await;
    Ok(())
}

async fn measure(
    rt: &Runtime,
    name: &str,
    code: &Arc<Code>,
    runs: usize,
    width: usize,
    key: impl Fn(usize) -> Option<String>,
) {
    let context_json = RunContext {
        connection_id: "c".into(),
        provider_config_key: "p".into(),
        ..RunContext::default()
    }
    .to_json();
    let (cpu, begun) = (cpu_all(), Instant::now());
    let peak = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let sampled = Arc::clone(&peak);
    let sampler = tokio::spawn(async move {
        loop {
            sampled.fetch_max(private_memory(), std::sync::atomic::Ordering::Relaxed);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    });
    let mut latencies: Vec<Duration> = futures_util::stream::iter(0..runs)
        .map(|index| {
            let invocation = Invocation {
                tenant: "bench".into(),
                isolate_key: key(index),
                code: Arc::clone(code),
                kind: Kind::Action,
                input_json: Some("{\"msg\":\"hello\",\"n\":1}".into()),
                context_json: context_json.clone(),
                limits: Limits::default(),
                cancel: CancellationToken::new(),
                taping: tenon_runtime::Taping::Off,
            };
            async move {
                let begun = Instant::now();
                let outcome = rt.run(invocation, Arc::new(Quiet)).await;
                assert!(outcome.result.is_ok(), "{:?}", outcome.result);
                begun.elapsed()
            }
        })
        .buffer_unordered(width)
        .collect()
        .await;
    let (wall, cpu) = (begun.elapsed(), cpu_all().saturating_sub(cpu));
    latencies.sort_unstable();
    sampler.abort();
    let at = |share: usize| {
        latencies
            .get(latencies.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{name}: {runs} runs, {:.0} per CPU second, {:.3} ms CPU each, wall {wall:.2?}, p50 {:.2?}, p99 {:.2?}, workers' private memory up to {:.1} MB",
        runs as f64 / cpu.as_secs_f64(),
        cpu.as_secs_f64() * 1e3 / runs as f64,
        at(50),
        at(99),
        peak.load(std::sync::atomic::Ordering::Relaxed) as f64 / 1e6,
    );
}

/// CPU time of this process and of its children, from /proc in clock ticks of 10 ms.
fn cpu_all() -> Duration {
    let mut ticks = ticks_of("/proc/self/stat");
    for pid in children() {
        ticks += ticks_of(&format!("/proc/{pid}/stat"));
    }
    Duration::from_millis(ticks * 10)
}

fn ticks_of(path: &str) -> u64 {
    let stat = std::fs::read_to_string(path).unwrap_or_default();
    let rest = stat.rsplit(')').next().unwrap_or_default().to_owned();
    rest.split_whitespace()
        .skip(11)
        .take(4)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum()
}

fn children() -> Vec<String> {
    let mut found = Vec::new();
    for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().map(str::to_owned));
    }
    found
}

/// Bytes that the workers do not share with anybody, from /proc/<pid>/smaps_rollup.
fn private_memory() -> u64 {
    let private = |pid: &String| -> u64 {
        let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let lines = rollup.lines().filter(|line| line.starts_with("Private_"));
        lines
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum::<u64>()
            * 1024
    };
    children().iter().map(private).sum()
}
