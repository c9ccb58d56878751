//! Values kept only when what was found is about the right thing, and assertions that name a certificate.

mod support;

use serde_json::{Value, json};
use support::{Endpoint, app, base, catalog, egress, subject};
use tenon_credentials::credentials::{OAuth2, TwoStep};
use tenon_credentials::modes::{exchange, jwt};
use tenon_credentials::{Credentials, Fields, Opened, capture};
use tenon_model::{Secret, SeededRng};

/// What a look-up with a condition saves for this reply of the provider.
async fn saved(reply: Value) -> Option<Value> {
    let text = r#"
[acme]
name = "Acme"
categories = ["hr"]
auth = "oauth2"
authorize = "https://login.acme.example/authorize"
token = "https://login.acme.example/token"
api = "https://api.acme.example"
capture.fetch = [{ save_as = "company", from = "token_reply", path = "resource.uuid", when = "resource.type=Company" }]
config.base = { label = "Base", optional = true }
"#;
    let (catalog, app, config) = (catalog(text), app(), serde_json::Map::new());
    let subject = subject(&catalog, &app, &config);
    let opened = Opened::new(Credentials::OAuth2(OAuth2 {
        access_token: Secret::new("at"),
        refresh_token: None,
        expires_at: None,
        config_override: None,
        raw: reply.into(),
    }));
    let recipe = &subject.provider.captures.fetch[0];
    let found = capture::run(&egress(), &subject, &opened, recipe, &SeededRng::new(1))
        .await
        .unwrap();
    found.map(|(_, value)| value)
}

#[tokio::test]
async fn a_look_up_may_depend_on_what_was_found() {
    let about = |kind: &str| json!({ "resource": { "type": kind, "uuid": "u-1" } });
    assert_eq!(saved(about("Company")).await, Some(json!("u-1")));
    assert_eq!(saved(about("Employee")).await, None);
    assert_eq!(saved(json!({})).await, None);
}

#[tokio::test]
async fn an_assertion_is_made_from_key_and_certificate_unless_a_good_one_is_given() {
    let text = r#"
[acme]
name = "Acme"
categories = ["storage"]
auth = "token_exchange"
api = "https://api.acme.example"
config.base = { label = "Base" }
cred.clientId = { label = "Client ID" }
cred.certificate = { label = "Certificate" }
cred.privateKey = { label = "Private Key", secret = true }
cred.assertion = { automatic = true }

[acme.exchange]
url = "${config.base}/token"
body = "form"
expires_in = "expires_in"
params = { client_id = "${cred.clientId}", client_assertion = "${assertion}" }

[acme.exchange.assertion]
kind = "jwt"
key = "${cred.privateKey}"
lifetime_seconds = 600
header = { alg = "RS256", typ = "JWT", x5t = "${certificate_thumbprint(${cred.certificate})}" }
claims = { iss = "${cred.clientId}", sub = "${cred.clientId}", aud = "${config.base}/token" }
"#;
    let endpoint = Endpoint::start().await;
    let (catalog, app, config) = (catalog(text), app(), base(&endpoint));
    let subject = subject(&catalog, &app, &config);
    let testdata = "../../catalog/src/template/testdata/";
    let read = |name: &str| {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("src")
            .join(testdata)
            .join(name);
        std::fs::read_to_string(path).unwrap()
    };
    let mut held = TwoStep {
        inputs: Fields::new(
            json!({ "clientId": "c-1", "certificate": read("certificate.pem"), "privateKey": read("rsa.pem") })
                .as_object()
                .unwrap()
                .clone(),
        ),
        ..TwoStep::default()
    };
    endpoint.answer_json(200, json!({ "access_token": "at-1", "expires_in": 3600 }));
    exchange::request(&egress(), &subject, &held, None).await.unwrap();
    let sent = endpoint.last().field("client_assertion").unwrap();
    let header: Value = {
        use base64::Engine as _;
        let part = sent.split('.').next().unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    assert_eq!(header["x5t"], read("certificate.x5t").trim());
    assert_eq!(jwt::unverified_claims(&sent).unwrap()["iss"], "c-1");

    // One that a caller made, and that is still good, is sent as it is.
    held.inputs.set("assertion", json!(sent));
    held.inputs.remove("privateKey");
    endpoint.answer_json(200, json!({ "access_token": "at-2", "expires_in": 3600 }));
    exchange::request(&egress(), &subject, &held, None).await.unwrap();
    assert_eq!(endpoint.last().field("client_assertion"), Some(sent));
}
