//! What is kept, and that it comes back as it was.

use bytes::Bytes;

use super::{Content, Message, Recorder, Step};
use crate::protocol::{Body, HostCall, HostError, HostReply, HttpCall, HttpReply, RecordBatch};
use crate::tape::Observer;

fn get(path: &str) -> HostCall {
    HostCall::Http(HttpCall {
        method: "GET".to_owned(),
        endpoint: path.to_owned(),
        ..HttpCall::default()
    })
}

fn page(body: &[u8]) -> Result<HostReply, HostError> {
    Ok(HostReply::Http(HttpReply {
        status: 200,
        body: Bytes::copy_from_slice(body),
        ..HttpReply::default()
    }))
}

#[test]
fn content_keeps_its_bytes() {
    for bytes in [
        &b"{\"a\":1.0,  \"b\":[]}"[..],
        b"{\"a\":1} ",
        b"{not json}",
        b"",
        b"plain",
        b"\xff\x00\x01",
        b"\"text\"",
    ] {
        let text = serde_json::to_string(&Content::of(bytes)).unwrap();
        let back: Content = serde_json::from_str(&text).unwrap();
        assert_eq!(back.bytes(), bytes, "{text}");
    }
}

#[test]
fn questions_and_answers_come_back_as_they_were() {
    let calls = [
        get("/a"),
        HostCall::Http(HttpCall {
            method: "POST".to_owned(),
            body: Body::Bytes {
                bytes: Bytes::from_static(b"\xfe\xff"),
            },
            ..HttpCall::default()
        }),
        HostCall::BatchSave(RecordBatch {
            model: "Contact".to_owned(),
            records_json: "[{\"id\":\"1\"}]".to_owned(),
        }),
        HostCall::GetCheckpoint,
    ];
    for call in calls {
        let text = serde_json::to_string(&Message::of_call(&call).unwrap()).unwrap();
        let back: Message = serde_json::from_str(&text).unwrap();
        assert_eq!(back.call().unwrap(), call, "{text}");
    }
    let answers = [
        page(b"[1,2]"),
        Ok(HostReply::Bool(true)),
        Ok(HostReply::Json("null".to_owned())),
        Err(HostError::platform(404, "{\"error\":{}}")),
        Err(HostError::sdk("script_aborted", "over").with_payload("{\"n\":1}")),
        Err(HostError::network("ECONNREFUSED", "refused")),
    ];
    for answer in answers {
        let text = serde_json::to_string(&Message::of_answer(&answer).unwrap()).unwrap();
        let back: Message = serde_json::from_str(&text).unwrap();
        assert_eq!(back.answer().unwrap(), answer, "{text}");
    }
}

#[test]
fn a_recording_ends_where_it_is_full() {
    let recorder = Recorder::new(2_000);
    recorder.begins();
    recorder.called(Some(1), &get("/1"));
    recorder.answered(1, &page(b"{}"));
    recorder.called(Some(2), &get("/2"));
    recorder.answered(2, &page(&[b'x'; 1_500]));
    recorder.called(Some(3), &get("/3"));
    recorder.note("info", "late");
    let recording = recorder.finish();
    assert_eq!(recording.steps.len(), 2);
    let Step::Call { answer, .. } = &recording.steps[1] else {
        panic!("{:?}", recording.steps)
    };
    assert!(answer.is_none(), "an answer that does not fit is left out whole");
    assert_eq!(recording.truncated.unwrap().steps, 3);
}

#[test]
fn a_run_that_begins_anew_is_recorded_anew() {
    let recorder = Recorder::new(10_000);
    recorder.begins();
    recorder.note("info", "lost with its worker");
    recorder.begins();
    recorder.note("info", "kept");
    let steps = recorder.finish().steps;
    assert!(matches!(steps.as_slice(), [Step::Note { message, .. }] if message == "kept"));
}

#[test]
fn a_recording_is_read_letter_by_letter() {
    let text = r#"{"format":"tenon-recording","version":1,"tenon":"0","run":{"id":"r","kind":"sync"},"code":{"hash":"h","filename":"f"},
        "input":{"json":{"n":1.50}},"context":{"json":{ }},"limits":{"cpu_ms":1,"memory_bytes":1,"output_bytes":1,"host_calls_max":1},
        "tape":{"seed":"00","turns":[{"on":"start","clock":[[17000000000000,2]]},{"on":{"reply":1}}],"cut":false,"warm":true},
        "steps":[{"call":{"number":1,"at_ms":2,"request":{"op":"batchSave","model":"M","parts":[{"json":[{"id":1.0,  "b":2}]}]},"answer":{"reply":"unit"}}},
                 {"log":{"at_ms":3,"level":"info","message":"m","meta":{"json":{"z":1,"a":2}}}}],
        "outcome":{"output":{"json":{"k":[1.0]}}},"later":"unknown"}"#;
    let read = super::Cassette::read(text).unwrap();
    assert_eq!(read.input.as_ref().and_then(Content::text), Some("{\"n\":1.50}"));
    assert_eq!(read.tape.begun_ms(), Some(1_700_000_000_000));
    let Step::Call { request, .. } = &read.steps[0] else {
        panic!("{:?}", read.steps)
    };
    assert_eq!(request.parts[0].text(), Some(r#"[{"id":1.0,  "b":2}]"#));
    let again = super::Cassette::read(&read.to_json()).unwrap();
    assert_eq!(again.to_json(), read.to_json());
}
