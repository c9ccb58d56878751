use http::HeaderMap;
use serde_json::{Value, json};

use super::{TriggerInput, answered, given};

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.insert(*name, value.parse().unwrap());
    }
    headers
}

#[test]
fn falsy_outputs_become_null() {
    for (output, expected) in [
        ("null", "null"),
        ("false", "null"),
        ("0", "null"),
        ("-0", "null"),
        ("\"\"", "null"),
        ("", "null"),
        ("true", "true"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("\"0\"", "\"0\""),
        ("0.5", "0.5"),
    ] {
        assert_eq!(answered(output.to_owned()), expected);
    }
}

#[test]
fn falsy_inputs_become_none() {
    for input in [json!(null), json!(false), json!(0), json!(0.0), json!("")] {
        assert_eq!(given(Some(&input)), None, "{input}");
    }
    for input in [json!({}), json!([]), json!("x"), json!(1), json!(true)] {
        assert_eq!(given(Some(&input)), Some(input.to_string()));
    }
    assert_eq!(given(None), None);
}

#[test]
fn a_call_is_read() {
    let all = headers(&[
        ("connection-id", "c 1"),
        ("provider-config-key", "hub"),
        ("x-async", "YES"),
        ("x-max-retries", "3"),
    ]);
    let body = json!({ "action_name": "echo", "input": { "b": 1, "a": 2 }, "further": 1 });
    let read = TriggerInput::parse(&all, Some(&body)).unwrap();
    assert_eq!(read.input.as_deref(), Some(r#"{"b":1,"a":2}"#));
    assert_eq!(
        (read.connection.as_str(), read.later, read.retries_max),
        ("c 1", true, 3)
    );
}

#[test]
fn what_is_wrong_with_a_call_is_named() {
    let fine = [("connection-id", "c"), ("provider-config-key", "hub")];
    let check = |headers: HeaderMap, body: Option<Value>, code: &str, issues: &[(&str, &str)]| {
        let error = TriggerInput::parse(&headers, body.as_ref()).unwrap_err();
        let refusal = error.refusal().unwrap();
        assert_eq!(refusal.code, code);
        let found: Vec<(String, String)> = refusal
            .issues
            .iter()
            .map(|issue| (issue.code.to_owned(), issue.path.join(".")))
            .collect();
        let expected: Vec<(String, String)> = issues
            .iter()
            .map(|(code, path)| ((*code).to_owned(), (*path).to_owned()))
            .collect();
        assert_eq!(found, expected);
    };
    let echo = || Some(json!({ "action_name": "echo" }));
    check(headers(&fine), None, "invalid_body", &[("invalid_type", "")]);
    check(
        headers(&fine),
        Some(json!({})),
        "invalid_body",
        &[("invalid_type", "action_name")],
    );
    check(
        headers(&fine),
        Some(json!({ "action_name": "" })),
        "invalid_body",
        &[("invalid_format", "action_name")],
    );
    check(
        headers(&[]),
        echo(),
        "invalid_headers",
        &[
            ("invalid_type", "provider-config-key"),
            ("invalid_type", "connection-id"),
        ],
    );
    let with = |name, value| headers(&[fine[0], fine[1], (name, value)]);
    check(
        with("x-max-retries", "6"),
        echo(),
        "invalid_headers",
        &[("too_big", "x-max-retries")],
    );
    check(
        with("x-max-retries", "many"),
        echo(),
        "invalid_headers",
        &[("invalid_type", "x-max-retries")],
    );
    check(
        with("x-async", "maybe"),
        echo(),
        "invalid_headers",
        &[("invalid_value", "x-async")],
    );
    check(
        headers(&[("connection-id", "a*b"), fine[1]]),
        echo(),
        "invalid_headers",
        &[("invalid_format", "connection-id")],
    );
}
