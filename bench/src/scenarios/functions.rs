//! Functions next to Node running the same code: starts, a page of 10,000 records, Zod, and runs that wait.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::{Value, json};

use crate::cpu::Usage;
use crate::load::{Shot, once};
use crate::node::Node;
use crate::report::Report;
use crate::scenarios::{ECHO, flow, prepare_integration};
use crate::server::{Engine, Tenon};

const MAP: &str = "module.exports = { __esModule: true, default: { type: 'action', description: 'map', \
    exec: async () => { const page = []; for (let i = 0; i < 10000; i++) page.push({ id: 'c-' + i, properties: { \
    firstname: 'Ada ' + i, lastname: 'Lovelace', email: 'ada' + i + '@example.com', hs_lastmodifieddate: 1700000000000 + i, \
    amount: String(i * 7) }, archived: false }); \
    const records = JSON.parse(JSON.stringify(page)).map((c) => ({ id: c.id, name: c.properties.firstname + ' ' + \
    c.properties.lastname, email: c.properties.email.toLowerCase(), amount: Number(c.properties.amount), \
    updated_at: new Date(c.properties.hs_lastmodifieddate).toISOString() })); \
    return { records: records.length, last: records[9999] }; } } };";

const ZOD: &str = "const z = require('zod'); const Contact = z.object({ id: z.string(), email: z.string().email(), \
    name: z.string().nullable(), age: z.number().int().min(0), tags: z.array(z.string()), \
    address: z.object({ city: z.string(), zip: z.string().optional() }) }); \
    module.exports = { __esModule: true, default: { type: 'action', description: 'zod', exec: async () => { let right = 0; \
    for (let i = 0; i < 1000; i++) right += Contact.parse({ id: 'c-' + i, email: 'ada' + i + '@example.com', name: null, age: i, \
    tags: ['a', 'b'], address: { city: 'London' } }).tags.length; return { right }; } } };";

const SLEEP: &str = "module.exports = { __esModule: true, default: { type: 'action', description: 'sleep', \
    exec: async (nango, input) => { await new Promise((resolve) => setTimeout(resolve, input.ms)); return { slept: input.ms }; } } };";

const FUNCTIONS: [(&str, &str); 4] = [("echo", ECHO), ("map", MAP), ("zod", ZOD), ("sleep", SLEEP)];
/// Runs that wait at the same time; half of them in each environment.
const SLEEPERS: usize = 1000;
const SLEEP_MS: u64 = 30_000;

fn action(tenon: &Tenon, key: &str, connection: &str, name: &str, input: &Value) -> Shot {
    let body = json!({ "action_name": name, "input": input });
    tenon
        .post_as(key, "/action/trigger", &body)
        .header("provider-config-key", "bench")
        .header("connection-id", connection)
}

/// CPU milliseconds and wall milliseconds of one call, the mean of `times` after one that does not count.
async fn cost(usage: impl Fn() -> Usage, shot: &Shot, times: u32) -> Result<(f64, f64)> {
    once(shot).await?;
    let (before, started) = (usage(), Instant::now());
    for _ in 0..times {
        once(shot).await?;
    }
    let wall = started.elapsed().as_secs_f64() * 1e3 / f64::from(times);
    let cpu = (usage().cpu_seconds - before.cpu_seconds) * 1e3 / f64::from(times);
    Ok((cpu, wall))
}

/// Bytes of memory that each of `shots` takes while it waits.
async fn waiting(usage: impl Fn() -> Usage, shots: Vec<Shot>) -> Result<f64> {
    let count = shots.len();
    let before = usage().pss_bytes;
    let calls: Vec<_> = shots
        .into_iter()
        .map(|shot| tokio::spawn(async move { once(&shot).await }))
        .collect();
    tokio::time::sleep(Duration::from_millis(SLEEP_MS / 2)).await;
    let grown = usage().pss_bytes.saturating_sub(before);
    for call in calls {
        call.await??;
    }
    Ok(grown as f64 / count as f64)
}

/// Runs the scenario on a server of its own.
pub async fn run(bin: &Path, engine: &Engine, report: &mut Report) -> Result<()> {
    // A second start on the same PostgreSQL would not be empty.
    if matches!(engine, Engine::Postgres(_)) {
        return Ok(());
    }
    let code: Value = FUNCTIONS
        .iter()
        .map(|(name, js)| ((*name).to_owned(), json!(js)))
        .collect();
    let node = Node::start(&code)?;
    let beside = |what: &str, ours: f64, theirs: Option<f64>, unit: &'static str, report: &mut Report| {
        let note = match (&node, theirs) {
            (Some(node), Some(theirs)) => {
                format!("Node {}: {theirs:.2}; ours is {:.2} of it", node.version, ours / theirs)
            }
            _ => "no Node with the packages of peers/ to compare with".to_owned(),
        };
        report.figure(what, ours, unit, &note);
    };
    let tenon = Tenon::start(bin, engine).await?;
    for key in tenon.keys() {
        prepare_integration(&tenon, key, "http://127.0.0.1:9").await?;
        let flows: Vec<Value> = FUNCTIONS
            .iter()
            .map(|(name, js)| flow("action", name, js, &format!("ActionOutput_bench_{name}"), &[]))
            .collect();
        let deploy = json!({
            "flowConfigs": flows, "reconcile": false, "debug": false, "nangoYamlBody": "", "sdkVersion": "0.71.4-zero",
        });
        once(&tenon.post_as(key, "/sync/deploy", &deploy)).await?;
        for index in 0..SLEEPERS / 2 {
            tenon.connect_with(key, &format!("s-{index}")).await?;
        }
    }
    let [dev, prod] = tenon.keys();
    let hello = json!({ "hello": "world" });

    let started = Instant::now();
    once(&action(&tenon, dev, "s-0", "echo", &hello)).await?;
    let first = started.elapsed().as_secs_f64() * 1e3;
    let process = node.is_some().then(Node::cold_start).transpose()?;
    beside(
        "function: first call after the start of the server",
        first,
        process,
        "ms",
        report,
    );

    let usage = || tenon.usage();
    for (name, what, times) in [
        ("echo", "function: warm start and call", 500),
        ("map", "function: build, parse and map 10,000 records", 10),
        ("zod", "function: 1,000 records through Zod", 20),
    ] {
        let ours = cost(usage, &action(&tenon, dev, "s-0", name, &hello), times).await?;
        let theirs = match &node {
            Some(node) => Some(cost(|| node.usage(), &node.call(name, &hello), times).await?),
            None => None,
        };
        beside(
            &format!("{what}, CPU"),
            ours.0,
            theirs.map(|theirs| theirs.0),
            "ms",
            report,
        );
        beside(
            &format!("{what}, wall"),
            ours.1,
            theirs.map(|theirs| theirs.1),
            "ms",
            report,
        );
    }

    let nap = json!({ "ms": SLEEP_MS });
    let sleepers = (0..SLEEPERS)
        .map(|index| {
            let key = if index % 2 == 0 { dev } else { prod };
            action(&tenon, key, &format!("s-{}", index / 2), "sleep", &nap)
        })
        .collect();
    let ours = waiting(usage, sleepers).await? / 1e3;
    let theirs = match &node {
        Some(node) => Some(waiting(|| node.usage(), vec![node.call("sleep", &nap); SLEEPERS]).await? / 1e3),
        None => None,
    };
    beside(
        "function: memory of each of 1,000 runs that wait",
        ours,
        theirs,
        "kB",
        report,
    );
    Ok(())
}
