//! Expected signatures were computed with Python's hashlib and hmac.

use http::HeaderMap;
use serde_json::{Map, Value, json};
use tenon_catalog::provider::{EventPath, Router, Secret as KeyKind, Signature, Signed, Webhook};
use tenon_model::{Secret, Timestamp};

use super::derived_secret;
use super::message::Message;
use super::parts::{bodies, in_order};
use super::verify::{Evidence, Fault, verify};

const NOW: i64 = 1_777_630_000;
const BODY: &[u8] = br#"{"a":1,"b":"x y"}"#;
const URL: &str = "https://tenon.example.com/webhook/e/hub?a=1";
const KEY: &str = "sekret";

fn check(signature: &Signature, pairs: &[(&str, &str)], raw: &[u8]) -> Result<&'static str, Fault> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name = http::HeaderName::try_from(*name).unwrap();
        headers.append(name, value.parse().unwrap());
    }
    let evidence = Evidence {
        headers: &headers,
        raw,
        url: URL,
        now: Timestamp::from_secs(NOW),
    };
    verify(signature, &[Secret::new("other"), Secret::new(KEY)], &evidence)
}

fn hmac(header: &str, prefix: &str, encoding: &str) -> Signature {
    Signature::Hmac {
        header: header.to_owned(),
        algorithm: "sha256".to_owned(),
        encoding: encoding.to_owned(),
        prefix: prefix.to_owned(),
        signed: Signed::Body,
        secret: KeyKind::Webhook,
        tolerance_secs: None,
    }
}

fn missing<T>(header: &str) -> Result<T, Fault> {
    Err(Fault::Missing(header.to_owned()))
}

fn mismatch<T>(header: &str) -> Result<T, Fault> {
    Err(Fault::Mismatch(header.to_owned()))
}

fn stale<T>(header: &str) -> Result<T, Fault> {
    Err(Fault::Stale(header.to_owned()))
}

#[test]
fn hmac_covers_the_raw_body() {
    let scheme = hmac("x-hub-signature-256", "sha256=", "hex");
    let header = "x-hub-signature-256";
    let good = "sha256=e77152042231c5db63c11768ab93134165cf10f302a19d97f7f3d7b8a56dd4a4";
    assert_eq!(check(&scheme, &[(header, good)], BODY), Ok("hmac"));
    assert_eq!(
        check(&scheme, &[(header, good)], br#"{"a": 1, "b": "x y"}"#),
        mismatch(header)
    );
    assert_eq!(check(&scheme, &[], BODY), missing(header));
    for bad in [
        "e77152042231c5db63c11768ab93134165cf10f302a19d97f7f3d7b8a56dd4a4",
        "sha256=",
        "sha256=zz",
        "sha1=e77152042231c5db63c11768ab93134165cf10f302a19d97f7f3d7b8a56dd4a4",
        "",
    ] {
        assert_eq!(check(&scheme, &[(header, bad)], BODY), mismatch(header), "{bad}");
    }
    let base64 = hmac("x-signed", "", "base64");
    assert_eq!(
        check(
            &base64,
            &[("x-signed", "53FSBCIxxdtjwRdoq5MTQWXPEPMCoZ2X9/PXuKVt1KQ=")],
            BODY
        ),
        Ok("hmac")
    );
    let several = hmac("x-signed", "v1=", "hex");
    assert_eq!(
        check(
            &several,
            &[(
                "x-signed",
                "v1=00,v1=e77152042231c5db63c11768ab93134165cf10f302a19d97f7f3d7b8a56dd4a4"
            )],
            BODY
        ),
        Ok("hmac")
    );
}

#[test]
fn hmac_may_cover_the_time() {
    let scheme = Signature::Hmac {
        header: "x-timed".to_owned(),
        algorithm: "sha256".to_owned(),
        encoding: "hex".to_owned(),
        prefix: String::new(),
        signed: Signed::TimeDotBody,
        secret: KeyKind::Webhook,
        tolerance_secs: Some(180),
    };
    assert_eq!(
        check(
            &scheme,
            &[(
                "x-timed",
                "t=1777630000,v1=a82a3280372039228676c3f7e0fe5a47d46c9500a150fb3fa65ba1b2d193d063"
            )],
            BODY
        ),
        Ok("hmac")
    );
    assert_eq!(
        check(
            &scheme,
            &[(
                "x-timed",
                "t=1777629999,v1=a82a3280372039228676c3f7e0fe5a47d46c9500a150fb3fa65ba1b2d193d063"
            )],
            BODY
        ),
        mismatch("x-timed")
    );
    assert_eq!(
        check(
            &scheme,
            &[(
                "x-timed",
                "t=1777629819,v1=760fd6ffc9601940be8b7f9ef51dddebc4b7ca46ebb770920f6625c324fa759b"
            )],
            BODY
        ),
        stale("x-timed")
    );
    assert_eq!(
        check(
            &scheme,
            &[(
                "x-timed",
                "v1=a82a3280372039228676c3f7e0fe5a47d46c9500a150fb3fa65ba1b2d193d063"
            )],
            BODY
        ),
        mismatch("x-timed")
    );
}

#[test]
fn slack_signs_version_time_and_body() {
    let scheme = Signature::SlackV0 {
        secret: KeyKind::Webhook,
    };
    let (name, time) = ("x-slack-signature", "x-slack-request-timestamp");
    assert_eq!(
        check(
            &scheme,
            &[
                (
                    name,
                    "v0=03d5e9eb1f1c27941e2e4e50d02cd78896ae9c295447c23dcc039a8d86a4a2c5"
                ),
                (time, "1777630000")
            ],
            BODY
        ),
        Ok("slack_v0")
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (
                    name,
                    "v0=03d5e9eb1f1c27941e2e4e50d02cd78896ae9c295447c23dcc039a8d86a4a2c5"
                ),
                (time, "1777630001")
            ],
            BODY
        ),
        mismatch(name)
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (
                    name,
                    "v0=c5f29c7dc2889ce4d328e091c923ae2a943ee72bfd79a7cfaa347b7085b9561d"
                ),
                (time, "1777629699")
            ],
            BODY
        ),
        stale(time)
    );
    assert_eq!(
        check(
            &scheme,
            &[(
                name,
                "v0=03d5e9eb1f1c27941e2e4e50d02cd78896ae9c295447c23dcc039a8d86a4a2c5"
            )],
            BODY
        ),
        missing(time)
    );
    assert_eq!(check(&scheme, &[(time, "1777630000")], BODY), missing(name));
}

#[test]
fn hubspot_signs_in_three_ways() {
    let scheme = Signature::HubspotV3 {
        secret: KeyKind::Client,
    };
    let (old, version) = ("x-hubspot-signature", "x-hubspot-signature-version");
    let (new, time) = ("x-hubspot-signature-v3", "x-hubspot-request-timestamp");
    assert_eq!(
        check(
            &scheme,
            &[(old, "9a8db33474fba6502a35631f002093147ad6536d032f6930c7e4325f448faf36")],
            BODY
        ),
        Ok("hubspot_v1")
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (old, "9a8db33474fba6502a35631f002093147ad6536d032f6930c7e4325f448faf36"),
                (version, "v1")
            ],
            BODY
        ),
        Ok("hubspot_v1")
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (old, "24a211a8123d93c44f77723179f8decb20d9ca45181b783a4b0600e1f3224db5"),
                (version, "v2")
            ],
            BODY
        ),
        Ok("hubspot_v2")
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (old, "24a211a8123d93c44f77723179f8decb20d9ca45181b783a4b0600e1f3224db5"),
                (version, "v1")
            ],
            BODY
        ),
        mismatch(old)
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (new, "ET2ddHQQq8mcLKeyppP617bWAtyXSjHOHR8JmJsgr8Y="),
                (time, "1777630000000")
            ],
            BODY
        ),
        Ok("hubspot_v3")
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (new, "ET2ddHQQq8mcLKeyppP617bWAtyXSjHOHR8JmJsgr8Y="),
                (time, "1777630000001")
            ],
            BODY
        ),
        mismatch(new)
    );
    assert_eq!(
        check(&scheme, &[(new, "ET2ddHQQq8mcLKeyppP617bWAtyXSjHOHR8JmJsgr8Y=")], BODY),
        missing(time)
    );
    assert_eq!(
        check(
            &scheme,
            &[
                (new, "ET2ddHQQq8mcLKeyppP617bWAtyXSjHOHR8JmJsgr8Y="),
                (time, "1777629600000")
            ],
            BODY
        ),
        stale(time)
    );
    // An older signature does not stand in for a newer one that is wrong.
    let both = [
        (old, "9a8db33474fba6502a35631f002093147ad6536d032f6930c7e4325f448faf36"),
        (new, "AAAA"),
        (time, "1777630000000"),
    ];
    assert_eq!(check(&scheme, &both, BODY), mismatch(new));
    assert_eq!(check(&scheme, &[], BODY), missing(old));
}

#[test]
fn plain_secrets_hashes_and_standard_webhooks() {
    let equals = Signature::Equals {
        header: "x-token".to_owned(),
        secret: KeyKind::Metadata,
    };
    assert_eq!(check(&equals, &[("x-token", KEY)], BODY), Ok("equals"));
    assert_eq!(check(&equals, &[("x-token", "sekre")], BODY), mismatch("x-token"));
    let hash = Signature::Hash {
        header: "x-hash".to_owned(),
        algorithm: "sha1".to_owned(),
        secret: KeyKind::Webhook,
    };
    assert_eq!(
        check(&hash, &[("x-hash", "affbdec723258b3fbe5efeead2463243690b110f")], BODY),
        Ok("hash")
    );
    assert_eq!(
        check(&hash, &[("x-hash", "affbdec723258b3fbe5efeead2463243690b110f0")], BODY),
        mismatch("x-hash")
    );
    let standard = Signature::StandardWebhooks {
        secret: KeyKind::Webhook,
    };
    for family in ["webhook", "svix"] {
        let [id, time, sign] = ["id", "timestamp", "signature"].map(|part| format!("{family}-{part}"));
        let good = [
            (id.as_str(), "msg_1"),
            (time.as_str(), "1777630000"),
            (sign.as_str(), "v1,AAAA v1,Bl0aZQ9KAobaeEIKGMPMEjuf/tYYEmayoUS29YGWLMo="),
        ];
        assert_eq!(check(&standard, &good, BODY), Ok("standard_webhooks"));
        assert_eq!(check(&standard, &good, b"{}"), mismatch(&sign));
    }
}

#[test]
fn the_secret_of_a_github_app_is_derived() {
    assert_eq!(
        derived_secret("1", "PEM", "https://x").expose(),
        "07de0d585e3885b85433e5fdd0b763cb8c122177b2e6ea2db220a6d2e2aea311"
    );
}

fn message(body: Value) -> Message {
    Message {
        headers: Vec::new(),
        query: Map::new(),
        body,
    }
}

#[test]
fn batches_are_taken_apart() {
    let hubspot = Webhook {
        router: Some(Router::Hubspot),
        items: Some("$".to_owned()),
        event: Some(EventPath::parse("subscriptionType")),
        ..Webhook::default()
    };
    let batch = json!([
        { "n": 1, "subscriptionType": "contact.propertyChange", "occurredAt": 5 },
        { "n": 2, "subscriptionType": "contact.propertyChange", "occurredAt": 3 },
        { "n": 3, "subscriptionType": "contact.creation", "occurredAt": 9 },
        { "n": 4, "subscriptionType": "contact.creation", "changeSource": "IMPORT" },
    ]);
    let sent = bodies(&hubspot, &message(batch.clone()));
    assert_eq!(json!(sent), batch, "receivers get them as they came");
    let order: Vec<&Value> = in_order(&hubspot, &sent, |body| body)
        .into_iter()
        .map(|body| &body["n"])
        .collect();
    assert_eq!(order, [3, 2, 1]);
    let one = json!({ "n": 1 });
    assert_eq!(bodies(&hubspot, &message(one.clone())), [one]);

    let listed = Webhook {
        items: Some("events".to_owned()),
        ..Webhook::default()
    };
    assert_eq!(
        bodies(&listed, &message(json!({ "events": [1, 2] }))),
        [json!(1), json!(2)]
    );
    assert_eq!(bodies(&listed, &message(json!({ "events": [] }))), Vec::<Value>::new());
    assert_eq!(bodies(&listed, &message(json!({ "x": 1 }))), [json!({ "x": 1 })]);
    assert_eq!(bodies(&Webhook::default(), &message(json!([1]))), [json!([1])]);
}

#[test]
fn forms_of_slack_are_unwrapped() {
    let mut form = message(json!({ "payload": r#"{"type":"block_actions","team":{"id":"T1"}}"# }));
    form.unwrap_form_payload();
    assert_eq!(form.body, json!({ "type": "block_actions", "team": { "id": "T1" } }));
    let mut plain = message(json!({ "payload": "words", "team_id": "T1" }));
    plain.unwrap_form_payload();
    assert_eq!(plain.body["team_id"], "T1");
}
