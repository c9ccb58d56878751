//! Proxy calls of a whole application against a provider on loopback.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method};
use serde_json::json;
use support::{Bench, Provider, answer, get, minutes};
use tenon_app::Settings;
use tenon_app::operations::LogQuery;
use tenon_app::proxy::{CallBody, Outcome, Params, ProxyCall};
use tenon_model::{ManualClock, SystemClock, Timestamp};
use tenon_runtime::protocol::{Body, HttpCall, Params as CallParams, Part};

fn still_clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(Timestamp::parse_iso("2026-05-01T10:00:00Z").unwrap()))
}

#[tokio::test]
async fn placeholders_are_filled_from_the_connection_but_not_from_its_secrets() {
    let provider = Provider::start(|_, _| answer(200, "ok")).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", &provider.url).await;
    let call = get(
        "acme-key",
        "/w/${metadata.workspace}/${credentials.apiKey}?x=1&key=mine",
    );
    assert_eq!(bench.answered(call).await, (200, "ok".to_owned()));
    let seen = provider.seen().remove(0);
    assert_eq!(
        seen.line,
        "GET /w/w-7/$%7Bcredentials.apiKey%7D?x=1&key=key-of-c HTTP/1.1"
    );
    assert_eq!(seen.header("accept"), Some("application/json, text/plain, */*"));
}

#[tokio::test]
async fn what_is_logged_holds_no_secret() {
    let provider = Provider::start(|_, _| answer(500, "{\"error\":\"key-of-c is bad\"}")).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", &provider.url).await;
    bench.answered(get("acme-key", "/things?x=1")).await;
    bench.app.operations().flush().await.unwrap();
    let query = LogQuery::parse(&json!({ "kind": "proxy" })).unwrap();
    let listed = bench.app.list_operations(&bench.caller, &query).await.unwrap();
    let id = listed["operations"][0]["id"].as_str().unwrap();
    let told = bench
        .app
        .read_operation(&bench.caller, id, None)
        .await
        .unwrap()
        .to_string();
    assert!(
        told.contains("GET /things") && told.contains("http_500") && told.contains("is bad"),
        "{told}"
    );
    assert!(!told.contains("key-of-c"), "{told}");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_for_everybody() {
    let tokens = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&tokens);
    let provider = Provider::start(move |seen, _| {
        if seen.line.starts_with("POST /token") {
            let number = counter.fetch_add(1, Ordering::SeqCst) + 1;
            return answer(
                200,
                &json!({ "access_token": format!("at-{number}"), "expires_in": 3600 }).to_string(),
            );
        }
        match seen.header("authorization") {
            Some("Bearer at-1") => answer(200, "welcome"),
            _ => answer(401, "who are you?"),
        }
    })
    .await;
    let clock = still_clock();
    let bench = Bench::start(clock.clone()).await;
    bench.integrate("acme").await;
    let expires_at = "2026-05-02T10:00:00.000Z";
    let credentials =
        json!({ "type": "OAUTH2", "access_token": "at-0", "refresh_token": "rt-0", "expires_at": expires_at });
    bench.connect("acme", "c", &provider.url, credentials).await;
    // Fresh credentials are not doubted.
    assert_eq!(bench.answered(get("acme", "/me")).await.0, 401);
    assert_eq!(tokens.load(Ordering::SeqCst), 0);
    clock.advance(minutes(2));
    let calls = (0..10).map(|_| bench.answered(get("acme", "/me")));
    for outcome in futures_util::future::join_all(calls).await {
        assert_eq!(outcome, (200, "welcome".to_owned()));
    }
    assert_eq!(tokens.load(Ordering::SeqCst), 1);
    assert!(provider.seen()[0].line.starts_with("GET /v1/me "));
}

#[tokio::test]
async fn a_second_refusal_with_the_same_credentials_is_final() {
    let provider = Provider::start(|_, _| (401, "retry-after: 0.05\r\n".to_owned(), "no".to_owned())).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", &provider.url).await;
    let call = ProxyCall {
        retries: 5,
        ..get("acme-key", "/me")
    };
    assert_eq!(bench.answered(call).await, (401, "no".to_owned()));
    assert_eq!(provider.seen().len(), 2);
}

#[tokio::test]
async fn retries_repeat_the_body_and_stop_when_it_works() {
    let provider = Provider::start(|_, number| {
        if number < 3 {
            (503, "retry-after: 0.05\r\n".to_owned(), String::new())
        } else {
            answer(201, "done")
        }
    })
    .await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", &provider.url).await;
    let mut call = ProxyCall::new("acme-key", "c", Method::POST, "/things");
    call.body = CallBody::Json(Bytes::from_static(b"{\"a\":1}"));
    call.retries = 4;
    assert_eq!(bench.answered(call).await, (201, "done".to_owned()));
    let seen = provider.seen();
    assert_eq!(seen.len(), 3);
    assert!(
        seen.iter()
            .all(|seen| seen.body == "{\"a\":1}" && seen.header("content-type") == Some("application/json"))
    );
}

#[tokio::test]
async fn the_quota_of_the_catalogue_is_kept() {
    let provider = Provider::start(|_, _| answer(200, "ok")).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-slow", &provider.url).await;
    let calls = (0..7).map(|_| bench.answered(get("acme-slow", "/things")));
    for outcome in futures_util::future::join_all(calls).await {
        assert_eq!(outcome.0, 200);
    }
    let mut times: Vec<_> = provider.seen().into_iter().map(|seen| seen.at).collect();
    times.sort();
    for four in times.windows(4) {
        assert!(
            four[3] - four[0] >= Duration::from_millis(990),
            "{:?}",
            four[3] - four[0]
        );
    }
}

#[tokio::test]
async fn a_quota_without_room_refuses_and_sends_nothing() {
    let provider = Provider::start(|_, _| answer(200, "ok")).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-slow", &provider.url).await;
    assert_eq!(bench.answered(get("acme-slow", "/export")).await.0, 200);
    assert_eq!(
        bench.refused(get("acme-slow", "/export")).await,
        (429, "provider_rate_limited".to_owned())
    );
    assert_eq!(bench.answered(get("acme-slow", "/other")).await.0, 200);
    assert_eq!(provider.seen().len(), 2);
}

#[tokio::test]
async fn new_credentials_are_used_at_once() {
    let provider = Provider::start(|seen, _| answer(200, &seen.line)).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", &provider.url).await;
    assert!(bench.answered(get("acme-key", "/a")).await.1.contains("key=key-of-c"));
    bench
        .connect(
            "acme-key",
            "c",
            &provider.url,
            json!({ "type": "API_KEY", "apiKey": "second" }),
        )
        .await;
    assert!(bench.answered(get("acme-key", "/a")).await.1.contains("key=second"));
}

#[tokio::test]
async fn places_that_must_not_be_reached_are_refused() {
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", "http://169.254.169.254/latest").await;
    let forbidden = (400, "base_url_override_not_allowed".to_owned());
    assert_eq!(bench.refused(get("acme-key", "/meta-data")).await, forbidden);
    let overridden = |base: &str| ProxyCall {
        base_url_override: Some(base.to_owned()),
        ..get("acme-key", "/a")
    };
    assert_eq!(
        bench.refused(overridden("http://metadata.google.internal")).await,
        forbidden
    );
    assert_eq!(bench.refused(overridden("ftp://files.example")).await, forbidden);
    match bench.send(overridden("http://127.0.0.1:9")).await.unwrap() {
        Outcome::Failed(error) => assert_eq!(error.code(), "ECONNREFUSED"),
        Outcome::Answered(response) => panic!("{response:?}"),
    }
}

#[tokio::test]
async fn refusals_of_the_contract() {
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", "http://127.0.0.1:9").await;
    assert_eq!(
        bench.refused(get("gone", "/a")).await,
        (404, "unknown_provider_config".to_owned())
    );
    let unknown = ProxyCall {
        connection: "gone".to_owned(),
        ..get("acme-key", "/a")
    };
    assert_eq!(bench.refused(unknown).await, (400, "server_error".to_owned()));
    let twice = ProxyCall {
        params: Params::Text("a=1".to_owned()),
        ..get("acme-key", "/a?b=1")
    };
    assert_eq!(bench.refused(twice).await, (400, "invalid_query_params".to_owned()));
    let settings = Settings {
        base_url_override_allowed: false,
        ..Settings::default()
    };
    let closed = Bench::with(Arc::new(SystemClock::default()), settings).await;
    closed.with_key("acme-key", "http://127.0.0.1:9").await;
    let overridden = ProxyCall {
        base_url_override: Some("http://127.0.0.1:8".to_owned()),
        ..get("acme-key", "/a")
    };
    assert_eq!(
        closed.refused(overridden).await,
        (400, "base_url_override_disabled".to_owned())
    );
}

#[tokio::test]
async fn functions_and_callers_share_one_implementation() {
    let provider = Provider::start(|seen, _| answer(200, &seen.body)).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-key", &provider.url).await;
    let parts = vec![
        Part {
            name: "note".to_owned(),
            bytes: Bytes::from_static(b"hello"),
            ..Part::default()
        },
        Part {
            name: "file\"".to_owned(),
            filename: Some("a.bin".to_owned()),
            content_type: Some("image/png".to_owned()),
            bytes: Bytes::from_static(b"\x01\x02"),
        },
    ];
    let made = HttpCall {
        method: "POST".to_owned(),
        endpoint: "upload".to_owned(),
        params: CallParams::Pairs(vec![("a".to_owned(), "1,2".to_owned())]),
        headers: vec![
            ("user-agent".to_owned(), "mine".to_owned()),
            ("x-one".to_owned(), "1".to_owned()),
            ("content-type".to_owned(), "multipart/form-data".to_owned()),
        ],
        body: Body::Multipart { parts },
        ..HttpCall::default()
    };
    let call = ProxyCall::from_function(made, "acme-key", "c", bench.app.rng()).unwrap();
    let (status, body) = bench.answered(call).await;
    assert_eq!(status, 200);
    let seen = provider.seen().remove(0);
    assert_eq!(seen.line, "POST /upload?a=1%2C2&key=key-of-c HTTP/1.1");
    assert!(seen.header("user-agent").unwrap().starts_with("tenon/"));
    let content_type = seen.header("content-type").unwrap();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    assert!(body.starts_with(&format!(
        "--{boundary}\r\ncontent-disposition: form-data; name=\"note\"\r\n\r\nhello\r\n"
    )));
    assert!(body.contains("name=\"file%22\"; filename=\"a.bin\"\r\ncontent-type: image/png\r\n\r\n"));
    assert!(body.ends_with(&format!("--{boundary}--\r\n")));
}

#[tokio::test]
async fn the_callers_headers_win() {
    let provider = Provider::start(|_, _| answer(200, "ok")).await;
    let bench = Bench::start(Arc::new(SystemClock::default())).await;
    bench.with_key("acme-slow", &provider.url).await;
    bench.answered(get("acme-slow", "/a")).await;
    let mut call = get("acme-slow", "/a");
    call.headers
        .insert("authorization", HeaderValue::from_static("Bearer mine"));
    call.headers.insert("accept", HeaderValue::from_static("text/csv"));
    bench.answered(call).await;
    let seen = provider.seen();
    assert_eq!(seen[0].header("authorization"), Some("Bearer key-of-c"));
    assert_eq!(
        (seen[1].header("authorization"), seen[1].header("accept")),
        (Some("Bearer mine"), Some("text/csv"))
    );
}
