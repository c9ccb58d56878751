use serde_json::{Map, Value, json};
use tenon_credentials::Concealer;
use tenon_runtime::cassette::{
    Cassette, CodeCopy, Content, Ended, FORMAT, Identity, LimitsCopy, Message, Step, VERSION,
};
use tenon_runtime::{Limits, RunError, Tape, Upstream};

use super::text::rewrite;
use super::{mask, scrub};

const KEY: &str = "MARKED-key-0123456789";
const TOKEN: &str = "MARKED.token.ABCDEFGHIJ";

fn message(header: Value, parts: &[&[u8]]) -> Message {
    Message {
        header: header.as_object().cloned().unwrap_or_default(),
        parts: parts.iter().map(|part| Content::of(part)).collect(),
    }
}

fn call(request: Message, answer: Message) -> Step {
    Step::Call {
        number: 1,
        at_ms: 0,
        request,
        answer: Some(answer),
        took_ms: Some(1),
    }
}

fn cassette(steps: Vec<Step>) -> Cassette {
    Cassette {
        format: FORMAT.to_owned(),
        version: VERSION,
        tenon: String::new(),
        run: Identity::default(),
        code: CodeCopy {
            hash: "h".to_owned(),
            filename: "f".to_owned(),
            js: Some(format!("const key = '{KEY}';")),
        },
        input: Some(Content::of(br#"{"password":"abc","n":1.50}"#)),
        connection: json!({ "connection_config": { "clientSecret": "short", "region": "eu" } }),
        checkpoint: Value::Null,
        context: Content::of(b"{}"),
        limits: LimitsCopy::from(&Limits::default()),
        tape: Tape::default(),
        steps,
        outcome: Ended::Output(Content::of(b"null")),
        truncated: None,
        secrets_withheld: 0,
    }
}

fn known() -> Concealer {
    let mut known = Concealer::default();
    known.add(KEY);
    known
}

#[test]
fn secrets_go_wherever_they_are_and_equal_ones_stay_equal() {
    let base64 = "eDpNQVJLRUQta2V5LTAxMjM0NTY3ODk="; // x:KEY
    let steps = vec![
        call(message(json!({"op": "getToken"}), &[]), message(json!({"reply": "json"}), &[br#""MARKED.token.ABCDEFGHIJ""#])),
        call(
            message(
                json!({"op": "http", "method": "POST", "endpoint": format!("/x?api_key={TOKEN}"),
                       "headers": [["Authorization", format!("Bearer {TOKEN}")], ["x-plain", format!("a {KEY} b")], ["x-api-key", "tiny"]],
                       "params": [["access_token", TOKEN], ["limit", "5"]], "body": {"kind": "json"}}),
                &[format!(r#"{{"basic":"{base64}","list":["{TOKEN}"],"refresh_token":"MARKED-refresh-1"}}"#).as_bytes()],
            ),
            message(
                json!({"reply": "http", "status": 200, "headers": [["set-cookie", "sid=MARKED-cookie-1; Path=/"]]}),
                &[br#"{"seen":"MARKED-refresh-1","cookie":"MARKED-cookie-1","next_page_token":"p2","pin_token":123456}"#],
            ),
        ),
        call(
            message(json!({"op": "getEnvironmentVariables"}), &[]),
            message(json!({"reply": "json"}), &[br#"[{"name":"API_SECRET","value":"MARKED-variable"},{"name":"REGION","value":"north"}]"#]),
        ),
        call(
            message(json!({"op": "getConnection"}), &[]),
            message(json!({"reply": "json"}), &[br#"{"credentials":{"type":"BASIC","username":"MARKED-user","password":"pw"},"metadata":{"a":1}}"#]),
        ),
        call(message(json!({"op": "http"}), &[&[b"\xff\xfe".as_slice(), KEY.as_bytes()].concat()]), message(json!({"reply": "unit"}), &[])),
        Step::Log {
            at_ms: 0,
            level: "info".to_owned(),
            message: format!("the key is {KEY}"),
            meta: Some(Content::of(br#"{"password":"MARKED-refresh-1"}"#)),
        },
        Step::Note {
            at_ms: 0,
            level: "info".to_owned(),
            message: format!("GET /x?api_key={TOKEN}"),
        },
    ];
    let mut recording = cassette(steps);
    recording.outcome = Ended::Error(RunError {
        kind: tenon_runtime::ErrorKind::Script,
        type_: "x".to_owned(),
        status: 500,
        payload_json: format!(r#"{{"message":"{TOKEN}"}}"#),
        message: KEY.to_owned(),
        stack: Some(KEY.to_owned()),
        upstream: Some(Box::new(Upstream {
            status: 400,
            headers: Map::new(),
            body: json!({ "echo": TOKEN }),
        })),
    });
    scrub(&mut recording, &known());
    let text = recording.to_json();
    assert!(!text.contains("MARKED"), "{text}");
    assert!(!text.contains(&base64[4..28]), "{text}");
    for gone in ["\"abc\"", "tiny", "\"pw\"", "short", "123456"] {
        assert!(!text.contains(gone), "{gone} in {text}");
    }
    for kept in [
        "\"n\":1.50",
        "next_page_token\":\"p2\"",
        "\"type\":\"BASIC\"",
        "north",
        "\"region\":\"eu\"",
        "Path=/",
        "Bearer redacted-",
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    // The token that getToken gave is the one in the header, the list and the query.
    let token = text.split("\"redacted-").nth(1).map(|rest| &rest[..4]);
    let token = format!("redacted-{}", token.unwrap_or_default());
    assert!(text.matches(&token).count() >= 6, "{token} in {text}");
    assert!(recording.secrets_withheld >= 6);
    assert!(Cassette::read(&text).is_ok());
}

#[test]
fn json_is_rewritten_without_touching_the_rest() {
    let check = |input: &str, expected: &str| assert_eq!(rewrite(input, false, false), expected);
    check(
        r#"{"a": 1.0, "token" : "xy",  "b":[]}"#,
        r#"{"a": 1.0, "token" : "redacted",  "b":[]}"#,
    );
    check(r#"{"token":"redacted-0001"}"#, r#"{"token":"redacted-0001"}"#);
    check(
        r#"{"credentials":{"type":"A","pin":"1","deep":[{"x":"y","n":5}]},"x":"y"}"#,
        r#"{"credentials":{"type":"A","pin":"redacted","deep":[{"x":"redacted","n":5}]},"x":"y"}"#,
    );
    check(r#"{"password":-12.5e3,"n":-1}"#, r#"{"password":0,"n":-1}"#);
    check(
        r#"{"secret":null,"token":"","password":true}"#,
        r#"{"secret":null,"token":"","password":true}"#,
    );
    check(
        r#"{"password":"a\"b\\","é":"token"}"#,
        r#"{"password":"redacted","é":"token"}"#,
    );
    check(r#"["password","x"]"#, r#"["password","x"]"#);
    check(r#"{"token":"unfinished"#, r#"{"token":"redacted""#);
    assert_eq!(rewrite(r#""whole""#, true, false), r#""redacted""#);
    assert_eq!(
        rewrite(r#"{"token":"redacted-0001"}"#, false, true),
        r#"{"token":"redacted"}"#
    );
}

#[test]
fn masked_messages_of_two_worlds_are_equal() {
    let of = |token: &str| {
        let header =
            json!({"op": "http", "headers": [["authorization", token], ["x", "y"]], "params": [["api_key", token]]});
        let mut made = message(header, &[format!(r#"{{"token":"{token}","n":1}}"#).as_bytes()]);
        mask(&mut made);
        serde_json::to_string(&made).unwrap()
    };
    assert_eq!(of("redacted-0001"), of("Basic redacted-0002x"));
    assert!(of("a").contains(r#"["x","y"]"#));
}
