use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::{Value, json};
use tenon_credentials::Concealer;
use tenon_model::{EnvironmentId, ManualClock, Timestamp};
use tenon_store::tables::operations::{self as table, OperationFilter};
use tenon_store::{Store, StoreConfig};

use super::redact::{form_text, is_secret_header, is_secret_name, json_text, secret_texts, secret_variable, url_text};
use super::{HttpExchange, Kind, Level, Operations, Outcome, Subject, format_id, parse_id};

mod limits;

const ENVIRONMENT: EnvironmentId = EnvironmentId(7);

async fn log() -> (Operations, Store, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(Timestamp::parse_iso("2026-05-01T10:00:00Z").unwrap()));
    let store = Store::open(StoreConfig::sqlite_temporary(std::env::temp_dir()))
        .await
        .unwrap();
    (Operations::new(store.clone(), clock.clone(), "node-a"), store, clock)
}

async fn messages(store: &Store, id: &str) -> Vec<table::MessageRow> {
    let mut conn = store.read().await.unwrap();
    table::list_messages(&mut conn, ENVIRONMENT, parse_id(id).unwrap(), -1, 100)
        .await
        .unwrap()
}

async fn list(store: &Store, filter: OperationFilter<'_>) -> Vec<table::OperationRow> {
    let mut conn = store.read().await.unwrap();
    table::list(&mut conn, &filter, 100).await.unwrap()
}

#[test]
fn names_that_tell() {
    for name in [
        "access_token",
        "refreshToken",
        "client_secret",
        "Password",
        "api-key",
        "apiKey",
        "X-API-Key",
        "private_key",
        "Authorization",
        "credentials",
        "id_token",
        "authToken",
        "code_verifier",
        "client_assertion",
    ] {
        assert!(is_secret_name(name), "{name}");
    }
    for name in [
        "key",
        "issue_key",
        "nextPageToken",
        "page_token",
        "sync_token",
        "token_type",
        "token_expires_at",
        "cursor",
        "code",
        "title",
        "publicUrl",
        "next_cursor",
        "continuationToken",
    ] {
        assert!(!is_secret_name(name), "{name}");
    }
    for name in [
        "authorization",
        "cookie",
        "set-cookie",
        "x-api-key",
        "DD-APPLICATION-KEY",
        "x-hub-signature",
    ] {
        assert!(is_secret_header(name), "{name}");
    }
    for name in [
        "content-type",
        "provider-config-key",
        "x-request-id",
        "idempotency-key",
        "etag",
    ] {
        assert!(!is_secret_header(name), "{name}");
    }
}

#[test]
fn bodies_lose_their_secrets() {
    let check = |input: &str, expected: &str| assert_eq!(json_text(input, 10_000), expected);
    check(
        r#"{"a":1,"access_token":"abc","b":[1]}"#,
        r#"{"a":1,"access_token":"[redacted]","b":[1]}"#,
    );
    check(
        r#"{"token" : {"value":"x","n":[1,{"y":2}]}, "z":"t"}"#,
        r#"{"token" : "[redacted]", "z":"t"}"#,
    );
    check(r#"{"password":12345}"#, r#"{"password":"[redacted]"}"#);
    check(
        r#"{"secret":null,"token":"","password":true}"#,
        r#"{"secret":null,"token":"","password":true}"#,
    );
    check(
        r#"[{"apiKey":"a\"b\\"},{"x":"token"}]"#,
        r#"[{"apiKey":"[redacted]"},{"x":"token"}]"#,
    );
    // Cut off in the middle of a secret.
    check(
        r#"{"n":1,"refresh_token":"abcdef"#,
        r#"{"n":1,"refresh_token":"[redacted]""#,
    );
    check(r#"{"secret":{"a":["#, r#"{"secret":"[redacted]""#);
    check("plain words", "plain words");
    check(r#"{"unfinished\"#, r#"{"unfinished\"#);
    check("", "");
}

#[test]
fn forms_and_urls_lose_their_secrets() {
    assert_eq!(
        form_text("grant_type=authorization_code&code=xyz&client_secret=s&redirect_uri=u"),
        "grant_type=authorization_code&code=[redacted]&client_secret=[redacted]&redirect_uri=u"
    );
    assert_eq!(form_text("code=5&state=a"), "code=5&state=a");
    assert_eq!(
        url_text("https://user:pw@api.example.com/x/y?limit=1&api_key=abc#f"),
        "https://[redacted]@api.example.com/x/y?limit=1&api_key=[redacted]"
    );
    assert_eq!(
        url_text("https://api.example.com?next_page_token=n"),
        "https://api.example.com?next_page_token=n"
    );
}

#[test]
fn what_functions_hold_is_known_by_name_or_look() {
    let mut known = Concealer::default();
    let held = json!({
        "type": "API_KEY", "apiKey": "first-value", "username": "ann@example.com", "expires_at": "2026-05-01T10:00:00.000Z",
        "raw": { "odd": "k3y0123456789abcdef", "instance_url": "https://na1.example.com", "host": "eu-west1.api.example.com" }
    });
    secret_texts(&held, &mut known);
    secret_variable("MAIL_PASSWORD", "second-value", &mut known);
    secret_variable("REGION", "eu-central-1", &mut known);
    let told = known.conceal(format!("{held} second-value eu-central-1"));
    for kept in [
        "ann@example.com",
        "2026-05-01T10",
        "https://na1.example.com",
        "eu-west1.api.example.com",
        "eu-central-1",
    ] {
        assert!(told.contains(kept), "{kept} in {told}");
    }
    for gone in ["first-value", "second-value", "k3y0123456789abcdef"] {
        assert!(!told.contains(gone), "{gone} in {told}");
    }
}

#[test]
fn ids_sort_like_their_moments() {
    let early = table::id_at(Timestamp::parse_iso("2026-05-01T10:00:00Z").unwrap(), 4095);
    let late = table::id_at(Timestamp::parse_iso("2026-05-01T10:00:00.000001Z").unwrap(), 0);
    assert!(early < late);
    assert!(format_id(early) < format_id(late));
    assert_eq!(parse_id(&format_id(late)), Some(late));
    assert_eq!(parse_id("short"), None);
    assert_eq!(parse_id("uuuuuuuuuuuuu"), None);
    assert_eq!(parse_id("zzzzzzzzzzzzz"), None);
}

#[tokio::test]
async fn an_operation_is_told_once_with_its_messages() {
    let (log, store, clock) = log().await;
    let subject = Subject::titled("echo")
        .integration("hubspot", "hubspot")
        .connection("c1")
        .function("echo");
    let operation = log.start(ENVIRONMENT, Kind::Action, "run", subject);
    operation.log(Level::Info, "hello", Some(&json!({ "password": "p", "n": 1 })));
    clock.advance(Duration::from_millis(12));
    operation.finish(Outcome::failed("script_internal_error", "it broke"));
    operation.finish(Outcome::Success);
    log.flush().await.unwrap();

    let rows = list(&store, OperationFilter::default()).await;
    assert_eq!(rows.len(), 1);
    let shown = super::operation_json(&rows[0]);
    assert_eq!(shown["state"], "failed");
    assert_eq!(
        shown["error"],
        json!({ "code": "script_internal_error", "message": "it broke" })
    );
    assert_eq!(shown["duration_ms"], json!(12.0));
    let said = messages(&store, &operation.id().0).await;
    assert_eq!(said.len(), 1);
    assert_eq!(said[0].meta.as_deref(), Some(r#"{"password":"[redacted]","n":1}"#));
}

#[tokio::test]
async fn a_running_operation_is_seen_and_a_dropped_one_is_cancelled() {
    let (log, store, _) = log().await;
    let operation = log.start(ENVIRONMENT, Kind::Sync, "run", Subject::titled("contacts"));
    log.flush().await.unwrap();
    assert_eq!(list(&store, OperationFilter::default()).await[0].state, "running");
    drop(operation);
    log.flush().await.unwrap();
    assert_eq!(list(&store, OperationFilter::default()).await[0].state, "cancelled");
}

#[tokio::test]
async fn an_operation_goes_on_under_its_id() {
    let (log, store, clock) = log().await;
    let id = log.reserve();
    let began = Timestamp::parse_iso("2026-05-01T09:00:00Z").unwrap();
    for attempt in 0..2 {
        let subject = Subject::titled("delivery");
        let operation = log.resume(
            &id,
            began,
            attempt * 10,
            ENVIRONMENT,
            Kind::Webhook,
            "outgoing",
            subject,
        );
        operation.log(Level::Warn, format!("attempt {attempt}"), None);
        operation.finish(if attempt == 0 {
            Outcome::Waiting {
                message: "tried again later".to_owned(),
            }
        } else {
            Outcome::Success
        });
        log.flush().await.unwrap();
        clock.advance(Duration::from_secs(3));
    }
    let rows = list(&store, OperationFilter::default()).await;
    assert_eq!(
        (rows.len(), rows[0].state.as_str(), rows[0].created_at),
        (1, "success", began)
    );
    let said: Vec<_> = messages(&store, &id.0)
        .await
        .into_iter()
        .map(|row| (row.sequence, row.message))
        .collect();
    assert_eq!(said, [(0, "attempt 0".to_owned()), (10, "attempt 1".to_owned())]);
}

#[tokio::test]
async fn exchanges_are_kept_without_secrets() {
    let (log, store, _) = log().await;
    let mut request = HeaderMap::new();
    request.insert(AUTHORIZATION, HeaderValue::from_static("Bearer topsecret"));
    request.insert(
        HeaderName::from_static("x-odd"),
        HeaderValue::from_static("has topsecret inside"),
    );
    let mut answer = HeaderMap::new();
    answer.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let operation = log.start(ENVIRONMENT, Kind::Proxy, "call", Subject::titled("call"));
    let exchange = HttpExchange {
        method: "GET",
        url: "https://api.example.com/things?key=topsecret&q=1",
        request_headers: &request,
        request_body: None,
        status: Some(500),
        response_headers: Some(&answer),
        response_body: Some(br#"{"token":"t","echo":"topsecret"}"#),
        response_bytes: Some(32),
        duration: Duration::from_millis(5),
        attempt: 1,
        error: None,
        secrets: &["topsecret"],
    };
    operation.http(&exchange);
    operation.http(&HttpExchange {
        status: None,
        error: Some(("ECONNREFUSED", "no")),
        ..exchange
    });
    operation.finish(Outcome::Success);
    log.flush().await.unwrap();
    let said = messages(&store, &operation.id().0).await;
    assert_eq!(
        said[0].message,
        "GET https://api.example.com/things?key=[redacted]&q=1 500"
    );
    assert_eq!((said[0].level.as_str(), said[0].kind.as_str()), ("error", "http"));
    let meta: Value = serde_json::from_str(said[0].meta.as_deref().unwrap()).unwrap();
    assert_eq!(
        meta["response"]["body"],
        r#"{"token":"[redacted]","echo":"[redacted]"}"#
    );
    assert_eq!(meta["request"]["headers"]["authorization"], "[redacted]");
    assert_eq!(meta["request"]["headers"]["x-odd"], "has [redacted] inside");
    assert_eq!(
        said[1].message,
        "GET https://api.example.com/things?key=[redacted]&q=1 failed: ECONNREFUSED"
    );
    for row in &said {
        assert!(!row.meta.as_deref().unwrap().contains("topsecret"));
    }
}

#[tokio::test]
async fn search_finds_titles_and_messages() {
    let (log, store, _) = log().await;
    for (title, word) in [("first", "Apples"), ("second", "pears_and"), ("third", "plums")] {
        let operation = log.start(ENVIRONMENT, Kind::Action, "run", Subject::titled(title));
        operation.log(Level::Info, word, Some(&json!({ "deep": { "fruit": word } })));
        operation.finish(if word == "plums" {
            Outcome::failed("x", "y")
        } else {
            Outcome::Success
        });
    }
    log.flush().await.unwrap();
    let found = |rows: Vec<table::OperationRow>| rows.into_iter().map(|row| row.title).collect::<Vec<_>>();
    let search = |text| OperationFilter {
        search: Some(text),
        ..OperationFilter::default()
    };
    assert_eq!(found(list(&store, search("apples")).await), ["first"]);
    assert_eq!(found(list(&store, search("s_and")).await), ["second"]);
    assert_eq!(found(list(&store, search("ir")).await), ["third", "first"]);
    assert_eq!(
        found(
            list(
                &store,
                OperationFilter {
                    failed: true,
                    ..OperationFilter::default()
                }
            )
            .await
        ),
        ["third"]
    );
    let all = list(&store, OperationFilter::default()).await;
    assert_eq!(found(all.clone()), ["third", "second", "first"]);
    let after = OperationFilter {
        after: Some(all[2].id),
        ..OperationFilter::default()
    };
    assert_eq!(found(list(&store, after).await), ["second", "third"]);
}

#[tokio::test]
async fn a_full_buffer_drops_messages_and_keeps_failures() {
    let (log, store, _) = log().await;
    let loud = log.start(ENVIRONMENT, Kind::Sync, "run", Subject::titled("loud"));
    let text = "x".repeat(9_000);
    for _ in 0..4_000 {
        loud.log(Level::Info, text.clone(), None);
    }
    loud.finish(Outcome::failed("script_internal_error", "after much noise"));
    assert!(log.dropped() > 0);
    log.flush().await.unwrap();
    let rows = list(&store, OperationFilter::default()).await;
    assert_eq!(rows[0].state, "failed");
    assert!(rows[0].messages_dropped > 0);
}

#[tokio::test]
async fn old_operations_are_removed_in_steps() {
    let (log, store, clock) = log().await;
    for number in 0..5 {
        let operation = log.start(ENVIRONMENT, Kind::Action, "run", Subject::titled(format!("{number}")));
        operation.log(Level::Info, "said", None);
        operation.finish(Outcome::Success);
        clock.advance(Duration::from_secs(3600));
    }
    log.flush().await.unwrap();
    let before = Timestamp::parse_iso("2026-05-01T13:00:00Z").unwrap();
    let mut removed = Vec::new();
    loop {
        let mut tx = store.begin().await.unwrap();
        let step = table::prune(&mut tx, before, 2).await.unwrap();
        tx.commit().await.unwrap();
        removed.push(step);
        if step == 0 {
            break;
        }
    }
    assert_eq!(removed, [2, 1, 0]);
    let left = list(&store, OperationFilter::default()).await;
    assert_eq!(left.len(), 2);
    assert_eq!(messages(&store, &format_id(left[0].id)).await.len(), 1);
}

#[tokio::test]
async fn what_a_dead_process_left_running_is_ended() {
    let (log, store, clock) = log().await;
    let operation = log.start(ENVIRONMENT, Kind::Sync, "run", Subject::titled("interrupted"));
    log.flush().await.unwrap();
    clock.advance(Duration::from_secs(1));
    let again = Operations::new(store.clone(), clock.clone(), "node-a");
    let _fresh = again.start(ENVIRONMENT, Kind::Sync, "run", Subject::titled("fresh"));
    again.flush().await.unwrap();
    let now = Timestamp(fresh_moment(&clock));
    let mut tx = store.begin().await.unwrap();
    assert_eq!(table::fail_abandoned(&mut tx, now, again.node(), now).await.unwrap(), 1);
    tx.commit().await.unwrap();
    let states: Vec<_> = list(&store, OperationFilter::default())
        .await
        .into_iter()
        .map(|row| (row.title, row.state))
        .collect();
    let expected = [("fresh", "running"), ("interrupted", "failed")];
    assert_eq!(
        states,
        expected.map(|(title, state)| (title.to_owned(), state.to_owned()))
    );
    operation.finish(Outcome::Success);
}

fn fresh_moment(clock: &ManualClock) -> i64 {
    use tenon_model::Clock as _;
    clock.now().0
}
