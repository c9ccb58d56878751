//! Runs that were recorded: fetched, run again in the production engine without any network, and compared.
//!
//! Where `tenon test` answers a function from a fixture by what it asks for, a recording also holds the clock, the
//! randomness and the order of a run, so that code which was not changed does the very same again. Code that was changed
//! gets the recorded answers as far as it asks the recorded questions.

mod forgive;
pub mod show;
pub mod source;
pub mod steps;
mod verdict;
mod world;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::Value;
use tenon_compiler::Project;
use tenon_runtime::cassette::{Cassette, Ended};
use tenon_runtime::{Code, Invocation, Kind, Limits, RunError, Runtime, Taping};
use tokio_util::sync::CancellationToken;

use crate::testing::compare::compare;

pub use verdict::{Difference, Replayed};
use world::World;

/// A replay waits for nothing; one that goes on longer than this has code that never ends.
const WALL_MAX: Duration = Duration::from_secs(15 * 60);
/// This machine may be slower than the one that recorded.
const CPU_SLACK: u32 = 4;
/// What stands for secrets in a second run, to see what is computed from them.
const OTHER_STAND_IN: (&str, &str) = ("redacted-", "withheld-");

/// Runs the recording again with its own code, or with other code.
pub async fn replay(runtime: &Runtime, cassette: &Cassette, code: Option<Arc<Code>>) -> Result<Replayed> {
    let first = perform(runtime, cassette, code.clone()).await?;
    if first.same() || cassette.secrets_withheld == 0 {
        return Ok(first);
    }
    // Values that were computed from stand-ins differ from those computed from the secrets. Other stand-ins tell which.
    let (from, to) = OTHER_STAND_IN;
    let Ok(other) = Cassette::read(&cassette.to_json().replace(from, to)) else {
        return Ok(first);
    };
    let second = perform(runtime, &other, code).await?;
    Ok(forgive::derived(first, &second, (to, from)))
}

async fn perform(runtime: &Runtime, cassette: &Cassette, code: Option<Arc<Code>>) -> Result<Replayed> {
    let changed = code.is_some();
    let code = match code {
        Some(code) => code,
        None => recorded_code(cassette)?,
    };
    let Some(kind) = cassette.run.kind else {
        bail!("the recording does not say what kind of function ran");
    };
    let Some(context) = cassette.context.text() else {
        bail!("the recording has no context");
    };
    let cancel = CancellationToken::new();
    let world = Arc::new(World::new(cassette, cancel.clone()));
    let invocation = Invocation {
        tenant: "replay".to_owned(),
        isolate_key: None,
        code,
        kind,
        input_json: cassette
            .input
            .as_ref()
            .and_then(|input| input.text())
            .map(str::to_owned),
        context_json: context.to_owned(),
        limits: limits(cassette, kind),
        cancel,
        taping: Taping::Replay(Arc::new(cassette.tape.clone()), Arc::clone(&world) as _),
    };
    let outcome = runtime.run(invocation, Arc::clone(&world) as _).await;
    let mut replayed = world.finish(changed);
    replayed.warm = cassette.tape.warm;
    if !replayed.ended_with_recording && replayed.beyond.is_none() {
        judge_end(&cassette.outcome, &Ended::of(&outcome.result), &mut replayed);
    }
    replayed.outcome = Some(outcome.result);
    Ok(replayed)
}

/// The code that ran.
pub fn recorded_code(cassette: &Cassette) -> Result<Arc<Code>> {
    let Some(js) = &cassette.code.js else {
        bail!("the recording has no code; give the project with --dir");
    };
    Ok(Arc::new(Code {
        hash: format!("recorded/{}", cassette.code.hash),
        js: js.clone(),
        filename: cassette.code.filename.clone(),
    }))
}

/// The function of a compiled project that the recording is of.
pub fn project_code(project: &Project, cassette: &Cassette) -> Result<Arc<Code>> {
    let run = &cassette.run;
    let found = project
        .functions
        .iter()
        .find(|f| f.name() == run.function && f.integration() == run.integration);
    let Some(function) = found else {
        bail!("the project has no function {} in {}", run.function, run.integration);
    };
    Ok(Arc::new(Code {
        hash: format!("project/{}", function.hash),
        js: function.js.clone(),
        filename: function.trace_name(),
    }))
}

fn limits(cassette: &Cassette, kind: Kind) -> Limits {
    let recorded = &cassette.limits;
    let cpu = Duration::from_millis(recorded.cpu_ms);
    let hit = matches!(&cassette.outcome, Ended::Error(error) if error.type_ == "script_cpu_limit_exceeded");
    Limits {
        cpu: if hit { cpu } else { cpu * CPU_SLACK },
        wall: WALL_MAX,
        memory_bytes: recorded.memory_bytes,
        output_bytes: recorded.output_bytes,
        host_calls_max: recorded.host_calls_max,
        ..Limits::for_kind(kind)
    }
}

/// Compares how the two runs ended.
fn judge_end(recorded: &Ended, again: &Ended, into: &mut Replayed) {
    let (expected, actual) = (end_value(recorded, into.changed), end_value(again, into.changed));
    if ended_from_outside(recorded) && ended_from_outside(again) {
        return;
    }
    if let Some(difference) = compare("outcome", &expected, &actual) {
        into.differences
            .push(Difference::new("the end", difference, Some((expected, actual))));
    }
}

/// Whether somebody or a clock ended the run; in which words depends on who.
fn ended_from_outside(end: &Ended) -> bool {
    matches!(end, Ended::Error(RunError { type_, .. }) if type_ == "script_aborted" || type_ == "execution_timeout")
}

/// What is compared of an end. Places in changed code are elsewhere.
fn end_value(end: &Ended, changed: bool) -> Value {
    match end {
        Ended::Output(output) => serde_json::json!({ "output": show::content_value(&world::masked_content(output)) }),
        Ended::Error(error) => {
            let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_default();
            let mut value = serde_json::json!({
                "error": { "type": error.type_, "status": error.status, "message": error.message, "payload": payload }
            });
            if let (Some(stack), false) = (&error.stack, changed) {
                value["error"]["stack"] = Value::from(stack.as_str());
            }
            world::masked_value(&value)
        }
    }
}
