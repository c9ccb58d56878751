//! The code grant: what is sent, and how every kind of answer is read.

mod support;

use std::time::Duration;

use serde_json::{Map, json};
use support::{Endpoint, app, base, catalog, config, egress, now, subject};
use tenon_credentials::credentials::OAuth2;
use tenon_credentials::oauth2::{Authorize, Grant, Verifier, authorize_url, exchange_code, refresh};
use tenon_credentials::refresh::{self as renewal, Due, Want};
use tenon_credentials::{Credentials, Failure};
use tenon_model::{SeededRng, Timestamp};

const ACME: &str = r#"
[acme]
name = "Acme"
categories = ["crm"]
auth = "oauth2"
authorize = "https://login.acme.example/authorize"
token = { url = "${config.base}/token" }
api = "https://api.acme.example"
config.base = { label = "Base" }
"#;

fn entry(more: &str) -> String {
    format!("{ACME}{more}\n")
}

fn authorize(catalog_text: &str, params: &[(String, String)]) -> String {
    let catalog = catalog(catalog_text);
    let (app, config) = (app(), config(json!({ "base": "https://acme.example", "sub": "demo" })));
    let verifier = Verifier::new(&SeededRng::new(1));
    let authorize = Authorize {
        redirect_uri: "https://tenon.example/oauth/callback",
        state: "st-1",
        verifier: &verifier,
        scopes: None,
        user_scopes: Some("chat:write"),
        params,
    };
    let url = authorize_url(&subject(&catalog, &app, &config), &authorize)
        .unwrap()
        .to_string();
    url.replace(&verifier.challenge(), "CHALLENGE")
}

#[test]
fn authorize_urls() {
    let pkce = "code_challenge=CHALLENGE&code_challenge_method=S256";
    let start = "https://login.acme.example/authorize?response_type=code&client_id=client-1&redirect_uri=https%3A%2F%2Ftenon.example%2Foauth%2Fcallback";
    assert_eq!(
        authorize(ACME, &[]),
        format!("{start}&scope=read+write&state=st-1&{pkce}")
    );
    let more = [
        ("prompt".to_owned(), "consent".to_owned()),
        ("scope".to_owned(), "undefined".to_owned()),
    ];
    assert_eq!(
        authorize(ACME, &more),
        format!("{start}&state=st-1&{pkce}&prompt=consent"),
        "the caller wins"
    );
    let comma = entry("pkce = false\nscopes = { separator = \",\", user_param = \"user_scope\" }");
    assert_eq!(
        authorize(&comma, &[]),
        format!("{start}&scope=read%2Cwrite&state=st-1&user_scope=chat%3Awrite")
    );
}

#[test]
fn the_challenge_is_the_hash_of_the_verifier() {
    let verifier = Verifier::new(&SeededRng::new(7));
    assert_eq!(verifier.expose().len(), 48);
    assert_eq!(verifier.challenge().len(), 43);
    assert!(!format!("{verifier:?}").contains(verifier.expose()));
}

async fn exchanged(text: &str, endpoint: &Endpoint) -> Result<OAuth2, tenon_credentials::Error> {
    let catalog = catalog(text);
    let (app, config) = (app(), base(endpoint));
    let grant = Grant {
        code: "c0de",
        redirect_uri: "https://tenon.example/cb",
        verifier: "ver1fier",
        state: "st4te",
    };
    exchange_code(&egress(), &subject(&catalog, &app, &config), &grant).await
}

#[tokio::test]
async fn the_code_is_exchanged_with_the_client_in_the_body() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_json(
        200,
        json!({ "access_token": "at", "refresh_token": "rt", "expires_in": 3600 }),
    );
    let held = exchanged(ACME, &endpoint).await.unwrap();
    assert_eq!(
        (held.access_token.expose(), held.refresh_token.unwrap().expose()),
        ("at", "rt")
    );
    assert_eq!(held.expires_at, Some(Timestamp::from_secs(now().secs() + 3600)));
    let seen = endpoint.last();
    assert_eq!(
        (seen.method.as_str(), seen.header("accept")),
        ("POST", Some("application/json"))
    );
    let sent = seen.form();
    let sent: Vec<(&str, &str)> = sent
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        sent,
        [
            ("grant_type", "authorization_code"),
            ("code", "c0de"),
            ("redirect_uri", "https://tenon.example/cb"),
            ("code_verifier", "ver1fier"),
            ("client_id", "client-1"),
            ("client_secret", "s3cret&more"),
        ]
    );
}

#[tokio::test]
async fn clients_prove_themselves_as_the_entry_says() {
    let basic = "Basic Y2xpZW50LTE6czNjcmV0Jm1vcmU=";
    let encoded = "Basic Y2xpZW50LTE6czNjcmV0JTI2bW9yZQ==";
    for (kind, header, in_body) in [
        ("body", None, true),
        ("basic", Some(basic), false),
        ("basic_form_encoded", Some(encoded), false),
        ("basic_and_body", Some(basic), true),
    ] {
        let endpoint = Endpoint::start().await;
        endpoint.answer_json(200, json!({ "access_token": "at" }));
        let text = ACME.replace(
            "url = \"${config.base}/token\"",
            &format!("url = \"${{config.base}}/token\", client_auth = \"{kind}\""),
        );
        exchanged(&text, &endpoint).await.unwrap();
        let seen = endpoint.last();
        assert_eq!(seen.header("authorization"), header, "{kind}");
        assert_eq!(seen.field("client_secret").is_some(), in_body, "{kind}");
    }
}

#[tokio::test]
async fn every_form_of_answer_is_read() {
    let in_an_hour = Some(Timestamp::from_secs(now().secs() + 3600));
    let cases: Vec<(&str, String, Option<Timestamp>)> = vec![
        (
            "application/json",
            json!({ "access_token": "at", "expires_in": "3600" }).to_string(),
            in_an_hour,
        ),
        ("application/json", json!({ "access_token": "at" }).to_string(), None),
        (
            "application/json",
            json!({ "access_token": "at", "expires_in": 0 }).to_string(),
            None,
        ),
        (
            "application/json",
            json!({ "access_token": "at", "expires_in": null }).to_string(),
            None,
        ),
        (
            "application/json",
            json!({ "access_token": "at", "expires_at": now().secs() + 3600 }).to_string(),
            in_an_hour,
        ),
        (
            "application/json",
            json!({ "access_token": "at", "expires_at": (now().millis() + 3_600_000).to_string() }).to_string(),
            in_an_hour,
        ),
        (
            "application/json",
            json!({ "access_token": "at", "expires_at": "2026-05-01T11:00:00Z" }).to_string(),
            in_an_hour,
        ),
        (
            "application/json",
            json!({ "access_token": "at", "expires_in": now().secs() + 3600 }).to_string(),
            in_an_hour,
        ),
        (
            "application/json",
            json!({ "access_token": "at", "expires_in": "1h" }).to_string(),
            in_an_hour,
        ),
        (
            "application/x-www-form-urlencoded",
            "access_token=at&expires_in=3600&scope=".to_owned(),
            in_an_hour,
        ),
        ("text/plain", "access_token=at&token_type=bearer".to_owned(), None),
    ];
    for (kind, body, expires_at) in cases {
        let endpoint = Endpoint::start().await;
        endpoint.answer(200, kind, body.clone());
        let held = exchanged(ACME, &endpoint)
            .await
            .unwrap_or_else(|error| panic!("{body}: {error}"));
        assert_eq!(
            (held.access_token.expose(), held.expires_at),
            ("at", expires_at),
            "{body}"
        );
    }
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let cases = [
        (
            400,
            json!({ "error": "invalid_grant", "error_description": "revoked" }),
            Failure::InvalidGrant,
        ),
        (401, json!({ "error": "invalid_grant" }), Failure::InvalidGrant),
        (
            400,
            json!({ "status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token" }),
            Failure::InvalidGrant,
        ),
        (
            200,
            json!({ "error": "bad_refresh_token", "error_description": "The refresh token passed is incorrect or expired." }),
            Failure::InvalidGrant,
        ),
        (400, json!({ "error": "interaction_required" }), Failure::InvalidGrant),
        (401, json!({ "error": "invalid_client" }), Failure::Misconfigured),
        (400, json!({ "error": "invalid_scope" }), Failure::Misconfigured),
        (404, json!({}), Failure::Misconfigured),
        (500, json!({ "error": "server_error" }), Failure::Transient),
        (503, json!({}), Failure::Transient),
        (429, json!({ "message": "slow down" }), Failure::Transient),
        (400, json!({ "error": "temporarily_unavailable" }), Failure::Transient),
        (302, json!({}), Failure::Misconfigured),
        (200, json!({ "ok": true }), Failure::Transient),
    ];
    for (status, body, expected) in cases {
        let endpoint = Endpoint::start().await;
        endpoint.answer_json(status, body.clone());
        let error = refreshed(ACME, &endpoint, "rt").await.expect_err("refused");
        assert_eq!(error.failure(), expected, "{status} {body}: {error}");
    }
    let catalog = catalog(ACME);
    let (app, config) = (app(), config(json!({ "base": "http://127.0.0.1:1" })));
    let held = held("rt");
    let error = refresh(&egress(), &subject(&catalog, &app, &config), &held)
        .await
        .expect_err("nobody listens");
    assert_eq!(error.failure(), Failure::Transient, "{error}");
}

fn held(refresh_token: &str) -> OAuth2 {
    OAuth2 {
        access_token: "old".into(),
        refresh_token: Some(refresh_token.into()),
        expires_at: None,
        config_override: None,
        raw: json!({}).into(),
    }
}

async fn refreshed(text: &str, endpoint: &Endpoint, token: &str) -> Result<OAuth2, tenon_credentials::Error> {
    let catalog = catalog(text);
    let (app, config) = (app(), base(endpoint));
    refresh(&egress(), &subject(&catalog, &app, &config), &held(token)).await
}

#[tokio::test]
async fn a_refresh_sends_its_own_grant_and_keeps_what_is_not_renewed() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_json(200, json!({ "access_token": "new" }));
    let fresh = refreshed(ACME, &endpoint, "rt-1").await.unwrap();
    assert_eq!(
        (fresh.access_token.expose(), fresh.refresh_token.unwrap().expose()),
        ("new", "rt-1")
    );
    let seen = endpoint.last();
    assert_eq!(seen.field("grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(seen.field("refresh_token").as_deref(), Some("rt-1"));
    assert_eq!(seen.field("code_verifier"), None);

    endpoint.answer_json(200, json!({ "access_token": "newer", "refresh_token": "rt-2" }));
    let fresh = refreshed(ACME, &endpoint, "rt-1").await.unwrap();
    assert_eq!(
        fresh.refresh_token.unwrap().expose(),
        "rt-2",
        "a rotated token replaces the old one"
    );
}

#[tokio::test]
async fn a_refresh_token_of_the_connections_own_is_used_and_kept() {
    let endpoint = Endpoint::start().await;
    endpoint.answer_json(200, json!({ "access_token": "new", "refresh_token": "rt-2" }));
    let catalog = catalog(ACME);
    let app = app();
    let mut config = base(&endpoint);
    config.insert("oauth_refresh_token_override".to_owned(), json!("mine"));
    let fresh = refresh(&egress(), &subject(&catalog, &app, &config), &held("mine"))
        .await
        .unwrap();
    assert_eq!(fresh.refresh_token.unwrap().expose(), "mine");
}

#[tokio::test]
async fn a_missing_value_is_named() {
    let catalog = catalog(ACME);
    let (app, config) = (app(), Map::new());
    let error = refresh(&egress(), &subject(&catalog, &app, &config), &held("rt"))
        .await
        .expect_err("no base");
    assert_eq!(error.to_string(), "config.base is missing");
}

#[tokio::test]
async fn errors_and_credentials_do_not_print_secrets() {
    let endpoint = Endpoint::start().await;
    let said = "the token very-secret-refresh-token of client s3cret&more is unknown";
    endpoint.answer_json(400, json!({ "error": "invalid_grant", "error_description": said }));
    let error = refreshed(ACME, &endpoint, "very-secret-refresh-token")
        .await
        .expect_err("refused");
    let printed = format!("{error} {error:?} {:?}", held("very-secret-refresh-token"));
    assert!(
        !printed.contains("very-secret") && !printed.contains("s3cret"),
        "{printed}"
    );
}

#[test]
fn short_tokens_are_not_renewed_on_every_use() {
    let catalog = catalog(ACME);
    let (app, config) = (app(), config(json!({ "base": "https://acme.example" })));
    let subject = subject(&catalog, &app, &config);
    let due = |life: u64, left: u64| {
        let token = OAuth2 {
            expires_at: Some(now().plus(Duration::from_secs(left))),
            raw: json!({ "expires_in": life }).into(),
            ..held("r")
        };
        renewal::due(&subject, &Credentials::OAuth2(token), None, Want::Good)
    };
    assert_eq!((due(3600, 901), due(3600, 899)), (Due::No, Due::Yes));
    assert_eq!((due(60, 21), due(60, 19)), (Due::No, Due::Yes));
}
