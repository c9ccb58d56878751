//! URLs, bodies and retries by table.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method};
use serde_json::json;
use tenon_catalog::provider::{BodyWait, Pattern, Retry, StatusRule, WaitKind};
use tenon_model::Timestamp;

use super::body::{compact_json, prepare};
use super::call::{CallBody, Params};
use super::retry::{Answer, Rules, pause, retries_code};
use super::target::Target;

fn url(base: &str, endpoint: &str, params: Params, additions: &[(&str, &str)]) -> String {
    let additions: Vec<_> = additions
        .iter()
        .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
        .collect();
    let target = Target {
        base,
        known_base: Some("https://api.acme.example/v2"),
        endpoint,
        params: &params,
        additions: &additions,
    };
    match target.url() {
        Ok(url) => url.to_string(),
        Err(error) => error.refusal().map(|refusal| refusal.code.clone()).unwrap_or_default(),
    }
}

#[test]
fn base_and_endpoint_meet_in_one_slash() {
    let check = |base, endpoint, expected| assert_eq!(url(base, endpoint, Params::None, &[]), expected);
    check("https://a.example", "/b", "https://a.example/b");
    check("https://a.example/", "b", "https://a.example/b");
    check("https://a.example/v1/", "//b//c", "https://a.example/v1/b//c");
    check(
        "https://a.example",
        "/a%2Fb/c%20d?f[a]=1&g[]=2&e=",
        "https://a.example/a%2Fb/c%20d?f[a]=1&g[]=2&e=",
    );
    check(
        "https://a.example",
        "/e?t=2020%2B00&p=a+b",
        "https://a.example/e?t=2020%2B00&p=a+b",
    );
    check("https://a.example/x", "", "https://a.example/x");
    check("not a url", "/b", "missing_api_url");
}

#[test]
fn a_base_inside_the_endpoint_is_removed() {
    let check = |base, endpoint, expected| assert_eq!(url(base, endpoint, Params::None, &[]), expected);
    check(
        "http://127.0.0.1:1",
        "/http://127.0.0.1:1/echo/x",
        "http://127.0.0.1:1/echo/x",
    );
    check(
        "https://eu.acme.example",
        "https://api.acme.example/v2/me?a=1",
        "https://eu.acme.example/me?a=1",
    );
    check(
        "https://api.example.com",
        "https://api.example.com?x=1",
        "https://api.example.com/?x=1",
    );
    let evil = url(
        "https://api.example.com",
        "https://api.example.com.evil.com/x",
        Params::None,
        &[],
    );
    assert!(evil.starts_with("https://api.example.com/https://"), "{evil}");
}

#[test]
fn parameters_are_set_and_the_rest_is_left_alone() {
    let pairs =
        |list: &[(&str, &str)]| Params::Pairs(list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect());
    let base = "https://a.example";
    assert_eq!(
        url(base, "/a?x=1", Params::None, &[("key", "k&v")]),
        "https://a.example/a?x=1&key=k%26v"
    );
    assert_eq!(
        url(base, "/a?key=mine&x=%20", Params::None, &[("key", "k")]),
        "https://a.example/a?key=k&x=%20"
    );
    assert_eq!(
        url(base, "/a?k%65y=1&key=2&b", Params::None, &[("key", "k")]),
        "https://a.example/a?key=k&b"
    );
    assert_eq!(
        url(base, "/a", pairs(&[("q", "a b"), ("r", "1")]), &[]),
        "https://a.example/a?q=a+b&r=1"
    );
    assert_eq!(
        url(base, "/a#f", pairs(&[("q", "1")]), &[]),
        "https://a.example/a?q=1#f"
    );
    assert_eq!(
        url(base, "/a", Params::Text("?q=1&q=2".to_owned()), &[]),
        "https://a.example/a?q=1&q=2"
    );
    assert_eq!(
        url(base, "/a?x=1", Params::Text("q=1".to_owned()), &[]),
        "invalid_query_params"
    );
}

fn sent(method: Method, body: CallBody, content_type: Option<&'static str>) -> (String, Option<String>) {
    let mut headers = HeaderMap::new();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    let prepared = prepare(&method, body, &headers, &[]);
    (
        prepared.text().into_owned(),
        prepared.content_type.map(|value| value.to_str().unwrap().to_owned()),
    )
}

#[test]
fn content_types_are_those_that_providers_are_used_to() {
    let form = Some("application/x-www-form-urlencoded".to_owned());
    let json_type = Some("application/json".to_owned());
    let bytes = Bytes::from_static;
    assert_eq!(
        sent(Method::GET, CallBody::Json(bytes(b"{}")), None),
        (String::new(), None)
    );
    assert_eq!(sent(Method::POST, CallBody::None, None), (String::new(), form.clone()));
    assert_eq!(sent(Method::DELETE, CallBody::None, None), (String::new(), None));
    assert_eq!(
        sent(Method::POST, CallBody::Json(bytes(b"[1]")), None),
        ("[1]".to_owned(), json_type.clone())
    );
    let vendor = Some("application/vnd.api+json");
    assert_eq!(
        sent(Method::PATCH, CallBody::Json(bytes(b"{}")), vendor),
        ("{}".to_owned(), vendor.map(str::to_owned))
    );
    assert_eq!(
        sent(Method::POST, CallBody::Raw(bytes(b"x")), None),
        ("x".to_owned(), form.clone())
    );
    let received = || CallBody::Form(bytes(b"a=1&b=x+y&c[d]=2&e[]=3&e[]=4&a=5"));
    let object = r#"{"a":["1","5"],"b":"x y","c":{"d":"2"},"e":["3","4"]}"#.to_owned();
    assert_eq!(sent(Method::POST, received(), None), (object, json_type));
    let kept = "a=1&b=x+y&c[d]=2&e[]=3&e[]=4&a=5".to_owned();
    assert_eq!(
        sent(Method::POST, received(), Some("application/x-www-form-urlencoded")),
        (kept, form.clone())
    );
    let nested = CallBody::Json(bytes(br#"{"a":1,"b":{"c":["x",null]}}"#));
    let flat = "a=1&b%5Bc%5D%5B%5D=x&b%5Bc%5D%5B%5D=".to_owned();
    assert_eq!(
        sent(Method::POST, nested, Some("application/x-www-form-urlencoded")),
        (flat, form)
    );
}

#[test]
fn the_providers_fields_win_over_the_callers() {
    let additions = [("key".to_owned(), json!("k")), ("n".to_owned(), json!({"a": 1}))];
    let text = |body| {
        prepare(&Method::POST, body, &HeaderMap::new(), &additions)
            .text()
            .into_owned()
    };
    assert_eq!(
        text(CallBody::Json(Bytes::from_static(b"{\"key\":1,\"x\":2}"))),
        r#"{"key":"k","x":2,"n":{"a":1}}"#
    );
    assert_eq!(text(CallBody::None), r#"{"key":"k","n":{"a":1}}"#);
    assert_eq!(
        text(CallBody::FormText(Bytes::from_static(b"key=1&x=2"))),
        "x=2&key=k&n%5Ba%5D=1"
    );
    assert_eq!(text(CallBody::Json(Bytes::from_static(b"[1]"))), "[1]");
    assert_eq!(text(CallBody::Raw(Bytes::from_static(b"raw"))), "raw");
}

#[test]
fn json_is_compacted_without_being_changed() {
    let compact = |text: &str| compact_json(text.as_bytes()).map(|bytes| String::from_utf8(bytes.to_vec()).unwrap());
    assert_eq!(
        compact(" { \"a b\" : [ 1.0 , 12345678901234567890123 ] } ").unwrap(),
        "{\"a b\":[1.0,12345678901234567890123]}"
    );
    assert_eq!(
        compact("{\"a\": \"x \\\" y\\\\\" , \"b\": 1}").unwrap(),
        "{\"a\":\"x \\\" y\\\\\",\"b\":1}"
    );
    for bad in ["{", "1", "null", "\"a\"", "{}{}", ""] {
        assert!(compact(bad).is_err(), "{bad}");
    }
}

const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| (http::HeaderName::from_static(name), HeaderValue::from_static(value)))
        .collect()
}

fn rules<'a>(provider: Option<&'a Retry>, retry_on: &'a [u16]) -> Rules<'a> {
    Rules {
        provider,
        retry_on,
        own_at: &[],
        own_after: &[],
    }
}

#[test]
fn statuses_are_retried_by_the_rules_of_provider_and_caller() {
    let none = headers(&[]);
    let retries = |rules: Rules<'_>, status| {
        rules.retries(&Answer {
            status,
            headers: &none,
            body: b"",
        })
    };
    let plain = rules(None, &[404]);
    for (status, expected) in [
        (500, true),
        (503, true),
        (429, true),
        (401, true),
        (404, true),
        (400, false),
        (200, false),
    ] {
        assert_eq!(retries(plain, status), expected, "{status}");
    }
    let facts = Retry {
        statuses: vec![StatusRule::Exact(403), StatusRule::Range(500, 502)],
        ..Retry::default()
    };
    let listed = rules(Some(&facts), &[409]);
    for (status, expected) in [(403, true), (502, true), (503, false), (429, false), (409, true)] {
        assert_eq!(retries(listed, status), expected, "{status}");
    }
    let facts = Retry {
        remaining: Some("x-left".to_owned()),
        ..Retry::default()
    };
    let used_up = headers(&[("x-left", "0")]);
    let by_header = rules(Some(&facts), &[]);
    assert!(by_header.retries(&Answer {
        status: 403,
        headers: &used_up,
        body: b""
    }));
    assert!(!by_header.retries(&Answer {
        status: 403,
        headers: &headers(&[("x-left", "1")]),
        body: b""
    }));
    assert!(!by_header.retries(&Answer {
        status: 200,
        headers: &used_up,
        body: b""
    }));
}

#[test]
fn waits_are_taken_from_whoever_states_them() {
    let wait = |facts: &Retry, pairs: &[(&'static str, &'static str)]| {
        let headers = headers(pairs);
        rules(Some(facts), &[])
            .wait(
                &Answer {
                    status: 429,
                    headers: &headers,
                    body: b"",
                },
                1,
                NOW,
            )
            .as_millis()
    };
    let after = Retry {
        after: vec!["x-wait".to_owned(), "x-more".to_owned()],
        ..Retry::default()
    };
    assert_eq!(wait(&after, &[("x-wait", "2"), ("x-more", "5.5")]), 5500);
    assert_eq!(wait(&after, &[("x-wait", "soon"), ("retry-after", "7")]), 7000);
    assert_eq!(wait(&after, &[]), 3000);
    assert_eq!(wait(&after, &[("x-wait", "100000")]), 600_000);
    let at = Retry {
        at: vec!["x-reset".to_owned()],
        ..Retry::default()
    };
    assert_eq!(wait(&at, &[("x-reset", "1700000009")]), 9000);
    assert_eq!(wait(&at, &[("x-reset", "1700000009000")]), 9000);
    assert_eq!(wait(&at, &[("x-reset", "1600000000")]), 3000);
    assert_eq!(wait(&at, &[("retry-after", "Tue, 14 Nov 2023 22:13:24 GMT")]), 4000);
    assert_eq!(
        (1..=9).map(|n| pause(n).as_secs()).collect::<Vec<_>>(),
        [3, 6, 12, 24, 48, 96, 192, 384, 600]
    );
}

#[test]
fn the_longest_wait_that_is_stated_counts() {
    let facts = Retry {
        at: vec!["x-reset".to_owned()],
        after: vec!["x-wait".to_owned()],
        in_body: Some(BodyWait {
            path: "error.message".into(),
            pattern: Pattern::new("in (\\d+) seconds"),
            kind: WaitKind::After,
        }),
        ..Retry::default()
    };
    let body = br#"{"error":{"message":"try again in 42 seconds"}}"#;
    let wait = |pairs: &[(&'static str, &'static str)], body: &[u8]| {
        let headers = headers(pairs);
        let answer = Answer {
            status: 429,
            headers: &headers,
            body,
        };
        rules(Some(&facts), &[]).wait(&answer, 1, NOW).as_secs()
    };
    assert!(rules(Some(&facts), &[]).needs_body());
    assert_eq!(wait(&[("x-reset", "1700000009"), ("x-wait", "20")], body), 20);
    assert_eq!(wait(&[("x-reset", "1700000030"), ("x-wait", "20")], body), 30);
    assert_eq!(wait(&[("x-wait", "20")], body), 20, "headers come before the body");
    assert_eq!(wait(&[], body), 42);
    assert_eq!(wait(&[], b"{}"), 3);
}

#[test]
fn failures_of_the_network_that_are_tried_again() {
    for code in [
        "ECONNRESET",
        "ETIMEDOUT",
        "ECONNABORTED",
        "ECONNREFUSED",
        "EHOSTUNREACH",
        "EAI_AGAIN",
        "UND_ERR_SOCKET",
    ] {
        assert!(retries_code(code), "{code}");
    }
    for code in ["ENOTFOUND", "CERT_HAS_EXPIRED", "ERR_BAD_REQUEST", ""] {
        assert!(!retries_code(code), "{code}");
    }
}

#[test]
fn whole_classes_of_statuses() {
    let facts = Retry {
        statuses: vec![StatusRule::Class(5)],
        ..Retry::default()
    };
    let none = headers(&[]);
    let retries = |status| {
        rules(Some(&facts), &[]).retries(&Answer {
            status,
            headers: &none,
            body: b"",
        })
    };
    assert_eq!([500, 599, 429, 401].map(retries), [true, true, false, false]);
}
