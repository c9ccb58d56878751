use http::HeaderMap;
use serde_json::{Map, Value, json};
use tenon_catalog::provider::{EventPath, Secret as KeyKind, Signature, Webhook};
use tenon_model::{Secret, Timestamp};

use super::inbound::Message;
use super::outbound::{sign, sorted_json};

#[test]
fn bodies_are_sorted_at_every_depth() {
    let value = json!({ "b": [{ "z": 1, "a": null }], "a": { "d": "é", "c": 1.5 }, "B": true });
    assert_eq!(
        sorted_json(value),
        r#"{"B":true,"a":{"c":1.5,"d":"é"},"b":[{"a":null,"z":1}]}"#
    );
}

#[test]
fn signatures_have_known_values() {
    let key = Secret::new("5b1f5d2c-6f5d-4bb1-8f0f-1f7e6f3f9d11");
    let now = Timestamp::from_secs(1_777_630_000);
    let signed = sign(&key, "msg_1", now, br#"{"a":1}"#);
    // Computed with Python's hashlib and hmac.
    assert_eq!(
        signed.legacy,
        "b7617cdbff27f72836e49701983a815769071492e22d0990fb7043d696498149"
    );
    assert_eq!(
        signed.hmac,
        "8b15b3ea3950b27ec121c508055190c219b83ea1d075f44074a39ab53802f383"
    );
    assert_eq!(signed.standard, "v1,5ii0JDqp/QTC6dFqrJnFLtlsd+rAYNJKgLIyS2onIto=");
}

fn message(headers: &[(&'static str, &str)], raw: &str) -> Message {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    Message::read(&map, Map::new(), raw.as_bytes()).unwrap()
}

#[test]
fn bodies_of_providers_are_read_by_their_type() {
    let json = [("content-type", "application/json")];
    assert_eq!(
        message(&json, r#"{"b":1,"a":[2]}"#).body.to_string(),
        r#"{"b":1,"a":[2]}"#
    );
    assert_eq!(message(&json, "").body, json!({}));
    let form = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
    assert_eq!(
        message(&form, "type=a.b&x=1+2").body,
        json!({ "type": "a.b", "x": "1 2" })
    );
    assert_eq!(
        message(&[("content-type", "text/plain")], "plain words").body,
        Value::String("plain words".into())
    );
    assert_eq!(message(&[], "ignored").body, json!({}));
    let broken = Message::read(
        &HeaderMap::from_iter([(http::header::CONTENT_TYPE, "application/json".parse().unwrap())]),
        Map::new(),
        b"{\"a\":",
    );
    assert_eq!(broken.unwrap_err().refusal().unwrap().code, "invalid_json");
}

#[test]
fn values_are_found_and_headers_chosen() {
    let sent = message(
        &[
            ("content-type", "application/json"),
            ("x-event", "push"),
            ("cookie", "c"),
            ("authorization", "a"),
            ("x-forwarded-for", "1.2.3.4"),
            ("sec-fetch-mode", "x"),
            ("host", "h"),
        ],
        r#"{"a":{"list":[{"id":7}]},"empty":""}"#,
    );
    assert_eq!(sent.value(&EventPath::parse("a.list.0.id")).as_deref(), Some("7"));
    assert_eq!(sent.value(&EventPath::parse("header:X-Event")).as_deref(), Some("push"));
    assert_eq!(sent.value(&EventPath::parse("empty")), None);
    assert_eq!(sent.value(&EventPath::parse("a.list")), None);
    let kept = |webhook: &Webhook| -> Vec<String> {
        sent.forwarded_headers(webhook)
            .into_iter()
            .map(|(name, _)| name)
            .collect()
    };
    assert_eq!(kept(&Webhook::default()), ["x-event", "x-forwarded-for"]);
    let shared_secret = Webhook {
        signature: Some(Signature::Equals {
            header: "x-event".to_owned(),
            secret: KeyKind::Webhook,
        }),
        ..Webhook::default()
    };
    assert_eq!(kept(&shared_secret), ["x-forwarded-for"]);
}
