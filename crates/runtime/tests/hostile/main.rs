//! Scripts that try to get out, to get at others, or to take everything.
//!
//! Each case runs beside a good run of the same tenant and one of another tenant in the same pool; both must finish
//! whatever the script does.

#[path = "../support/mod.rs"]
mod support;

mod escape;
mod exhaust;
mod neighbours;
mod values;

use std::time::{Duration, Instant};

use support::*;
use tenon_runtime::protocol::HostReply;
use tenon_runtime::{ErrorKind, Invocation, Kind, Limit, Outcome, RunError, Runtime};

/// What a script must end with.
#[derive(Debug)]
enum Expect {
    /// Output as JSON text.
    Output(&'static str),
    /// A limit, by kind.
    Limit(Limit),
    /// An error of the script itself whose message contains the text.
    Throws(&'static str),
}

/// A good run that takes its time: sleeps, calls the host, computes.
const GOOD: &str = "await new Promise((r) => setTimeout(r, 60)); const c = await nango.getCheckpoint(); let n = 0; for (let i = 0; i < 1000; i++) n += i; return { n, c };";

async fn good_run(rt: &Runtime, tenant: &str) {
    let mut good = invocation(action(GOOD), Kind::Action, None);
    good.tenant = tenant.to_owned();
    let host = Scripted::new(|_| Ok(HostReply::Json("{\"page\":1}".into())));
    let out = rt.run(good, host).await;
    assert_eq!(
        output(&out),
        serde_json::json!({ "n": 499_500, "c": { "page": 1 } }),
        "a good run of {tenant} was harmed"
    );
}

async fn attack(rt: &Runtime, attempt: Invocation) -> Outcome {
    let host = Scripted::new(|_| Ok(HostReply::Json("null".into())));
    let tenant = attempt.tenant.clone();
    let same = good_run(rt, &tenant);
    let other = good_run(rt, "another-tenant");
    let begun = Instant::now();
    let (outcome, (), ()) = tokio::join!(rt.run(attempt, host), same, other);
    assert!(begun.elapsed() < Duration::from_secs(60), "took {:?}", begun.elapsed());
    // The pool still serves.
    good_run(rt, "another-tenant").await;
    outcome
}

async fn check(body: &str, expect: Expect) -> Outcome {
    check_invocation(invocation(action(body), Kind::Action, Some("{\"x\":1}")), expect).await
}

async fn check_invocation(attempt: Invocation, expect: Expect) -> Outcome {
    let rt = runtime();
    let outcome = attack(&rt, attempt).await;
    match (&expect, &outcome.result) {
        (Expect::Output(text), Ok(found)) => {
            let wanted: serde_json::Value = serde_json::from_str(text).expect("expected output");
            let found: serde_json::Value = serde_json::from_str(found).expect("output is JSON");
            assert_eq!(found, wanted);
        }
        (
            Expect::Limit(limit),
            Err(RunError {
                kind: ErrorKind::Limit(found),
                message,
                ..
            }),
        ) => {
            assert_eq!(found, limit);
            assert!(!message.is_empty());
        }
        (
            Expect::Throws(text),
            Err(RunError {
                kind: ErrorKind::Script,
                message,
                type_,
                payload_json,
                ..
            }),
        ) => {
            assert!(
                message.contains(text) || payload_json.contains(text),
                "{type_}: {message} {payload_json}"
            );
        }
        (expect, found) => panic!("expected {expect:?}, found {found:?}"),
    }
    outcome
}

fn quick(mut attempt: Invocation) -> Invocation {
    attempt.limits.cpu = Duration::from_millis(300);
    attempt
}

fn action_of(body: &str) -> Invocation {
    invocation(action(body), Kind::Action, Some("{\"x\":1}"))
}
