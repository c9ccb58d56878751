//! The recorded world, its comparison, and the steps that people read.

use serde_json::{Value, json};
use tenon_runtime::Observer;
use tenon_runtime::cassette::Cassette;
use tenon_runtime::protocol::{Host, HostCall, HostReply, HttpCall, RecordBatch};
use tokio_util::sync::CancellationToken;

use super::forgive::derived;
use super::steps::{Tag, steps};
use super::verdict::{Difference, Replayed};
use super::world::World;

fn cassette(steps: Value) -> Cassette {
    let text = json!({
        "format": "tenon-recording", "version": 1, "tenon": "0", "run": { "function": "f", "kind": "sync" },
        "code": { "hash": "h", "filename": "f.cjs", "js": "" }, "input": null, "context": { "json": {} },
        "limits": { "cpu_ms": 1, "memory_bytes": 1, "output_bytes": 1, "host_calls_max": 1 },
        "tape": { "seed": "", "turns": [] }, "steps": steps, "outcome": { "output": { "text": "true" } }
    });
    Cassette::read(&text.to_string()).unwrap()
}

fn recorded() -> Cassette {
    let get = |number: u32, path: &str, body: Value| {
        json!({ "call": { "number": number, "at_ms": number,
            "request": { "op": "http", "method": "GET", "endpoint": path, "body": { "kind": "empty" } },
            "answer": { "reply": "http", "status": 200, "parts": [{ "json": body }] }, "took_ms": 3 } })
    };
    let save = |number: u32, records: Value| {
        json!({ "call": { "number": number, "at_ms": number, "request": { "op": "batchSave", "model": "Order", "parts": [{ "json": records }] },
            "answer": { "reply": "unit" } } })
    };
    cassette(json!([
        get(1, "/a", json!({ "n": 1 })),
        { "log": { "at_ms": 1, "level": "info", "message": "one" } },
        save(2, json!([{ "id": "1", "n": 1 }, { "id": "2" }])),
        { "note": { "at_ms": 2, "level": "info", "message": "2 saved" } },
        save(3, json!([{ "id": "1", "n": 2 }, { "id": "2" }])),
        { "call": { "number": 4, "at_ms": 4, "request": { "op": "saveCheckpoint", "parts": [{ "json": { "a": 1 } }] }, "answer": { "reply": "unit" } } },
        get(5, "/b", json!([])),
    ]))
}

fn get(path: &str) -> HostCall {
    HostCall::Http(HttpCall {
        method: "GET".to_owned(),
        endpoint: path.to_owned(),
        ..HttpCall::default()
    })
}

fn save(records: &str) -> HostCall {
    HostCall::BatchSave(RecordBatch {
        model: "Order".to_owned(),
        records_json: records.to_owned(),
    })
}

fn checkpoint() -> HostCall {
    HostCall::SaveCheckpoint {
        checkpoint_json: r#"{"a":1}"#.to_owned(),
    }
}

fn line(message: &str) -> HostCall {
    HostCall::Log {
        level: "info".to_owned(),
        message: message.to_owned(),
        meta_json: None,
    }
}

fn ask(world: &World, calls: &[HostCall]) -> Replayed {
    for (index, call) in calls.iter().enumerate() {
        let number = (!matches!(call, HostCall::Log { .. })).then_some(index as u32 + 1);
        world.called(number, call);
    }
    world.finish(false)
}

fn told(found: &Replayed) -> Vec<String> {
    let told = |one: &Difference| format!("{}: {}", one.place, one.summary);
    found.differences.iter().map(told).collect()
}

const FIRST: &str = r#"[{"id":"1","n":1},{"id":"2"}]"#;
const SECOND: &str = r#"[{"id":"1","n":2},{"id":"2"}]"#;

#[test]
fn the_same_questions_are_the_same() {
    let world = World::new(&recorded(), CancellationToken::new());
    let calls = [
        get("/a"),
        line("one"),
        save(FIRST),
        save(SECOND),
        checkpoint(),
        get("/b"),
    ];
    let found = ask(&world, &calls);
    assert_eq!(told(&found), Vec::<String>::new());
    assert_eq!((found.calls, found.logs), (5, 1));
}

#[test]
fn what_differs_is_named_with_its_step() {
    let check = |calls: &[HostCall], expected: &[&str]| {
        let world = World::new(&recorded(), CancellationToken::new());
        assert_eq!(told(&ask(&world, calls)), expected);
    };
    let spelled = r#"[{"n":1,"id":"1"},{"id":"2"}]"#;
    check(
        &[
            get("/a"),
            line("two"),
            save(spelled),
            save(SECOND),
            checkpoint(),
            get("/c"),
        ],
        &[
            "log line 1: line.message is \"two\", expected \"one\"",
            "step 4: batchSave Order (2 records): has the same values in another order or spelling",
            "after step 6: saveCheckpoint {\"a\":1}: GET /c was asked and is not recorded",
            "step 7: GET /b: was not asked again",
        ],
    );
    check(
        &[
            save(FIRST),
            get("/a"),
            line("one"),
            save(SECOND),
            checkpoint(),
            get("/b"),
        ],
        &["step 2: GET /a: batchSave Order (2 records) was asked before GET /a"],
    );
}

#[tokio::test]
async fn answers_are_the_recorded_ones_and_new_writes_succeed() {
    let world = World::new(&recorded(), CancellationToken::new());
    world.called(Some(9), &get("/b"));
    let Ok(HostReply::Http(http)) = world.answer(9, get("/b")).await else {
        panic!("an answer")
    };
    assert_eq!(&http.body[..], b"[]");
    world.called(Some(10), &HostCall::GetCheckpoint);
    assert_eq!(
        world.answer(10, HostCall::GetCheckpoint).await.unwrap(),
        HostReply::Json("null".to_owned())
    );
    world.called(Some(11), &get("/new"));
    let refused = world.answer(11, get("/new")).await.unwrap_err();
    assert_eq!(refused.message, "The recording has no answer to GET /new");
}

#[test]
fn a_replay_ends_where_a_truncated_recording_does() {
    let mut cut = recorded();
    cut.truncated = Some(tenon_runtime::cassette::Truncated { steps: 4, bytes_max: 1 });
    cut.steps.truncate(1);
    let cancel = CancellationToken::new();
    let world = World::new(&cut, cancel.clone());
    let found = ask(&world, &[get("/a"), line("late"), save(FIRST)]);
    assert!(found.ended_with_recording && cancel.is_cancelled());
    assert_eq!(told(&found), Vec::<String>::new());
}

#[test]
fn a_repaired_run_ends_after_what_is_recorded_of_the_failed_one() {
    let mut failed = recorded();
    failed.steps.truncate(1);
    failed.outcome = tenon_runtime::cassette::Ended::Error(tenon_runtime::RunError {
        kind: tenon_runtime::ErrorKind::Script,
        type_: "x".to_owned(),
        status: 500,
        payload_json: "{}".to_owned(),
        message: String::new(),
        stack: None,
        upstream: None,
    });
    let cancel = CancellationToken::new();
    let world = World::new(&failed, cancel.clone());
    let found = ask(&world, &[get("/a"), checkpoint(), get("/c"), get("/d")]);
    assert_eq!(found.beyond.as_deref(), Some("GET /c"));
    assert!(cancel.is_cancelled() && !found.same());
    assert_eq!(
        told(&found),
        ["after step 2: GET /a: saveCheckpoint {\"a\":1} was asked and is not recorded"]
    );
}

#[test]
fn what_is_computed_from_stand_ins_is_left_out() {
    let one = |recorded: Value, again: Value| Replayed {
        differences: vec![Difference {
            place: "step 1".to_owned(),
            summary: String::new(),
            lines: String::new(),
            values: Some((recorded, again)),
        }],
        ..Replayed::default()
    };
    let names = ("withheld-", "redacted-");
    let recorded = || json!({ "sign": "real", "key": "redacted-0001", "n": 1 });
    let again = |n: i32| json!({ "sign": "aaa", "key": "redacted-0001", "n": n });
    let third = |n: i32| one(recorded(), json!({ "sign": "bbb", "key": "withheld-0001", "n": n }));
    let judged = derived(one(recorded(), again(1)), &third(1), names);
    assert!(judged.same());
    assert_eq!(judged.from_secrets, ["step 1"]);
    let judged = derived(one(recorded(), again(2)), &third(2), names);
    assert!(!judged.same(), "another value differs too");
}

#[test]
fn steps_tell_requests_records_and_checkpoints() {
    let shown = steps(&recorded());
    let titles: Vec<&str> = shown.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        titles[1..],
        [
            "GET /a → 200",
            "log info: one",
            "batchSave Order (2 records)",
            "batchSave Order (2 records)",
            "saveCheckpoint {\"a\":1}",
            "GET /b → 200",
            "the run succeeded"
        ]
    );
    assert_eq!(
        shown[3].value["changes"],
        json!({ "first": 2, "changed": 0, "equal": 0, "deleted": 0 })
    );
    assert_eq!(
        shown[4].value["changes"],
        json!({ "first": 0, "changed": 1, "equal": 1, "deleted": 0 })
    );
    assert_eq!(shown[3].value["platform"][0]["message"], "2 saved");
    assert_eq!(shown[5].sections[0].text, "null → {\"a\":1}");
    assert_eq!(shown[6].tags, [Tag::Page]);
    assert_eq!(shown[6].heading(), "Step 7 of 8 (at 5 ms, took 3 ms)");
}

#[test]
fn other_texts_are_refused_with_a_reason() {
    let error = |text: &str| Cassette::read(text).unwrap_err().to_string();
    assert!(error("{}").contains("not a recording"));
    assert!(error("nonsense").contains("not a recording"));
    assert!(error(r#"{"format":"tenon-recording","version":9}"#).contains("up to 1; update it"));
    assert!(error(r#"{"format":"tenon-recording","version":1}"#).contains("damaged"));
}
