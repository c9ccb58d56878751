//! A run that was recorded happens again in the same way.
#![allow(missing_docs)]

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use support::{action, invocation, output, runtime};
use tenon_runtime::cassette::{Recorder, Recording, Step};
use tenon_runtime::protocol::{Host, HostCall, HostError, HostReply, HttpReply};
use tenon_runtime::{Code, Kind, Outcome, Runtime, Tape, Taping};
use tokio_util::sync::CancellationToken;

/// Answers `/n` after n milliseconds.
struct Slow;

#[async_trait]
impl Host for Slow {
    async fn call(&self, call: HostCall) -> Result<HostReply, HostError> {
        let HostCall::Http(http) = call else {
            return Ok(HostReply::Unit);
        };
        let pause: u64 = http.endpoint.trim_start_matches('/').parse().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        Ok(HostReply::Http(HttpReply {
            status: 200,
            body: http.endpoint.into(),
            ..HttpReply::default()
        }))
    }
}

/// Answers the first request, and cancels the run at the second.
struct Cancelling(CancellationToken);

#[async_trait]
impl Host for Cancelling {
    async fn call(&self, call: HostCall) -> Result<HostReply, HostError> {
        if matches!(&call, HostCall::Http(http) if http.endpoint == "/60000") {
            self.0.cancel();
        }
        Slow.call(call).await
    }
}

/// Answers as recorded, at once, the last asked first.
#[derive(Debug)]
struct Again(Mutex<Vec<(u32, Result<HostReply, HostError>)>>);

#[async_trait]
impl Host for Again {
    async fn call(&self, _: HostCall) -> Result<HostReply, HostError> {
        Ok(HostReply::Unit)
    }

    async fn answer(&self, number: u32, _: HostCall) -> Result<HostReply, HostError> {
        let known = self.0.lock().unwrap().iter().find(|(n, _)| *n == number).cloned();
        match known {
            Some((_, answer)) => answer,
            None => std::future::pending().await,
        }
    }
}

const BUSY: &str = r"
const seen = [];
const note = (what) => seen.push(`${what} ${Date.now()} ${performance.now()} ${Math.random()}`);
note('start');
const crypto = require('crypto');
const timer = (ms) => new Promise((resolve) => setTimeout(() => { note(`timer ${ms}`); resolve(); }, ms));
const ask = async (ms) => { const { data } = await nango.get({ endpoint: `/${ms}` }); note(`answer ${data}`); };
let ticks = 0;
const interval = setInterval(() => { note('tick'); if (++ticks === 3) clearInterval(interval); }, 4);
await Promise.all([timer(30), ask(25), timer(5), ask(10), timer(12), ask(1)]);
for (let i = 0; i < 500; i++) seen.push(Date.now());
return { seen, id: crypto.randomUUID(), bytes: crypto.randomBytes(40).toString('hex'), n: crypto.randomInt(1000), origin: performance.timeOrigin, date: new Date(), text: Date() };
";

async fn record(runtime: &Runtime, code: &Arc<Code>) -> (Outcome, Recording) {
    let recorder = Arc::new(Recorder::new(1 << 20));
    let mut run = invocation(Arc::clone(code), Kind::Action, None);
    run.taping = Taping::Record(recorder.clone());
    let outcome = runtime.run(run, Arc::new(Slow)).await;
    let recording = recorder.finish();
    (outcome, recording)
}

async fn replay(runtime: &Runtime, code: &Arc<Code>, tape: Tape, recording: &Recording) -> (Outcome, Recording) {
    let answers = recording.steps.iter().filter_map(|step| match step {
        Step::Call {
            number,
            answer: Some(answer),
            ..
        } => Some((*number, answer.answer().unwrap())),
        _ => None,
    });
    let recorder = Arc::new(Recorder::new(1 << 20));
    let mut run = invocation(Arc::clone(code), Kind::Action, None);
    run.taping = Taping::Replay(Arc::new(tape), recorder.clone());
    let host = Again(Mutex::new(answers.collect()));
    let outcome = runtime.run(run, Arc::new(host)).await;
    let again = recorder.finish();
    (outcome, again)
}

fn asked(recording: &Recording) -> Vec<String> {
    let line = |step: &Step| match step {
        Step::Call { number, request, .. } => format!("{number} {}", serde_json::to_string(request).unwrap()),
        Step::Log { message, .. } | Step::Note { message, .. } => message.clone(),
    };
    recording.steps.iter().map(line).collect()
}

#[tokio::test]
async fn clock_chance_and_order_come_back() {
    let runtime = runtime();
    let code = action(BUSY);
    let (first, recording) = record(&runtime, &code).await;
    let tape = first.tape.clone().unwrap_or_else(|| panic!("no tape: {first:?}"));
    for _ in 0..3 {
        let (again, calls) = replay(&runtime, &code, tape.clone(), &recording).await;
        assert_eq!(output(&first), output(&again));
        assert_eq!(asked(&recording), asked(&calls));
        assert!(again.wall < Duration::from_millis(25), "nobody waits: {:?}", again.wall);
    }
    let (other, _) = record(&runtime, &code).await;
    assert_ne!(output(&first)["id"], output(&other)["id"]);
}

#[tokio::test]
async fn a_tape_serves_code_that_was_changed() {
    let runtime = runtime();
    let code = action(BUSY);
    let (first, recording) = record(&runtime, &code).await;
    let tape = first.tape.clone().unwrap_or_else(|| panic!("no tape: {first:?}"));
    // One question less, one pause more.
    let changed = BUSY.replace("ask(1)])", "timer(3600000)])");
    let (again, _) = replay(&runtime, &action(&changed), tape, &recording).await;
    let seen = output(&again)["seen"].to_string();
    assert!(again.wall < Duration::from_secs(5), "nobody waits: {:?}", again.wall);
    assert!(seen.contains("timer 3600000"), "{seen}");
    assert_eq!(output(&first)["id"], output(&again)["id"], "chance is the same");
}

#[tokio::test]
async fn a_run_that_was_cancelled_ends_there_again() {
    let runtime = runtime();
    let code = action("await nango.get({ endpoint: '/1' }); await nango.get({ endpoint: '/60000' }); return 1;");
    let recorder = Arc::new(Recorder::new(1 << 20));
    let mut run = invocation(Arc::clone(&code), Kind::Action, None);
    run.taping = Taping::Record(recorder.clone());
    let host = Cancelling(run.cancel.clone());
    let outcome = runtime.run(run, Arc::new(host)).await;
    assert_eq!(outcome.result.as_ref().unwrap_err().type_, "script_aborted");
    let recording = recorder.finish();
    let tape = outcome.tape.expect("a tape");
    let (again, calls) = replay(&runtime, &code, tape, &recording).await;
    assert_eq!(again.result.unwrap_err().type_, "script_aborted");
    assert_eq!(asked(&recording), asked(&calls));
}

#[tokio::test]
async fn a_busy_clock_fits_on_a_tape() {
    let runtime = runtime();
    let code = action("let n = 0; const end = Date.now() + 60; while (Date.now() < end) n++; return n;");
    let (first, recording) = record(&runtime, &code).await;
    let tape = first.tape.clone().unwrap_or_else(|| panic!("no tape: {first:?}"));
    let readings: usize = tape.turns.iter().map(|turn| turn.clock.len()).sum();
    assert!(readings < 100, "{readings}");
    let (again, _) = replay(&runtime, &code, tape, &recording).await;
    assert_eq!(output(&first), output(&again));
}

#[tokio::test]
async fn nothing_is_kept_unless_asked() {
    let runtime = runtime();
    let run = invocation(action("return Date.now();"), Kind::Action, None);
    assert!(runtime.run(run, Arc::new(Slow)).await.tape.is_none());
}
