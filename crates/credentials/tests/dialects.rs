//! Token protocols of their own: what is sent, and how the answers are read.

mod support;

use serde_json::json;
use support::{Endpoint, app, base, catalog, egress, now, subject};
use tenon_credentials::credentials::{App, Custom, OAuth2};
use tenon_credentials::modes::assume_role::{self, Role};
use tenon_credentials::oauth2::{self, Grant, exchange_code};
use tenon_credentials::{ClientApp, Credentials, Failure, refresh};
use tenon_model::{Secret, SeededRng};

/// An entry whose endpoints are those of a test.
fn entry(more: &str) -> String {
    format!(
        r#"
[acme]
name = "Acme"
categories = ["crm"]
auth = "oauth2"
authorize = "https://login.acme.example/authorize"
api = "https://api.acme.example"
config.base = {{ label = "Base" }}
{more}
"#
    )
}

const GRANT: Grant<'_> = Grant {
    code: "c0de",
    redirect_uri: "https://tenon.example/cb",
    verifier: "ver1fier",
    state: "st4te",
};

async fn exchanged(text: &str, endpoint: &Endpoint) -> Result<OAuth2, tenon_credentials::Error> {
    let catalog = catalog(text);
    let (app, config) = (app(), base(endpoint));
    exchange_code(&egress(), &subject(&catalog, &app, &config), &GRANT).await
}

async fn refreshed(text: &str, endpoint: &Endpoint, held: &OAuth2) -> Result<OAuth2, tenon_credentials::Error> {
    let catalog = catalog(text);
    let (app, config) = (app(), base(endpoint));
    oauth2::refresh(&egress(), &subject(&catalog, &app, &config), held).await
}

fn seconds_left(held: &OAuth2) -> u64 {
    held.expires_at.unwrap().since(now()).as_secs()
}

#[tokio::test]
async fn a_short_token_is_traded_for_a_long_one_which_extends_itself() {
    let text = entry(
        r#"token = "${config.base}/oauth/access_token"
refresh = { url = "${config.base}/refresh_access_token", when = "forced", using = "access_token", params = { grant_type = "ig_refresh_token", access_token = "${token}" } }
dialect = "long_lived_exchange""#,
    );
    let endpoint = Endpoint::start().await;
    endpoint.answer_json(200, json!({ "access_token": "short", "user_id": 17 }));
    endpoint.answer_json(200, json!({ "access_token": "long", "expires_in": 5_184_000 }));
    let held = exchanged(&text, &endpoint).await.unwrap();
    assert_eq!(held.access_token.expose(), "long");
    assert_eq!(seconds_left(&held), 5_184_000);
    assert_eq!(held.raw.expose()["user_id"], 17);
    let trade = endpoint.last();
    assert_eq!(trade.method, "GET");
    assert_eq!(
        trade.target,
        "/access_token?grant_type=ig_exchange_token&client_secret=s3cret%26more&access_token=short"
    );
    endpoint.answer_json(200, json!({ "access_token": "longer", "expires_in": 5_184_000 }));
    let fresh = refreshed(&text, &endpoint, &held).await.unwrap();
    assert_eq!(fresh.access_token.expose(), "longer");
    assert_eq!(
        endpoint.last().target,
        "/refresh_access_token?grant_type=ig_refresh_token&access_token=long"
    );
    // A trade that fails leaves the short token, which lives for an hour.
    endpoint.answer_json(200, json!({ "access_token": "short" }));
    endpoint.answer_json(500, json!({}));
    let held = exchanged(&text, &endpoint).await.unwrap();
    assert_eq!((held.access_token.expose(), seconds_left(&held)), ("short", 3_600));
}

#[tokio::test]
async fn a_result_code_tells_failure_and_extension() {
    let text = entry(
        r#"token = "${config.base}/accesstoken"
refresh = "${config.base}/refresh-token"
dialect = "result_code""#,
    );
    let endpoint = Endpoint::start().await;
    endpoint.answer_json(200, json!({ "result": "1001", "message": "code is used" }));
    let error = exchanged(&text, &endpoint).await.unwrap_err();
    assert!(
        error.to_string().contains("1001") && error.to_string().contains("code is used"),
        "{error}"
    );
    endpoint.answer_json(
        200,
        json!({ "access_token": "at", "refresh_token": "rt", "expires_in": 60 }),
    );
    let held = exchanged(&text, &endpoint).await.unwrap();
    endpoint.answer_json(200, json!({ "result": "0000", "message": "OK" }));
    let fresh = refreshed(&text, &endpoint, &held).await.unwrap();
    assert_eq!(fresh.access_token.expose(), "at");
    assert_eq!(fresh.refresh_token.as_ref().unwrap().expose(), "rt");
    assert_eq!(seconds_left(&fresh), 30 * 86_400);
}

#[tokio::test]
async fn a_signed_body_is_signed_with_the_moment() {
    let text = entry(
        r#"refresh = { url = "${config.base}/refresh", using = "client" }
pkce = false
dialect = "signed_body"
token = { url = "${config.base}/create", body = "json", reply = { root = "data", access_token = "accessToken", expires_at = "expireTime" } }"#,
    );
    let endpoint = Endpoint::start().await;
    let reply = json!({ "code": 200, "data": { "accessToken": "at", "expireTime": "2026-05-01T20:00:00Z" } });
    endpoint.answer_json(200, reply.clone());
    let held = exchanged(&text, &endpoint).await.unwrap();
    assert_eq!((held.access_token.expose(), seconds_left(&held)), ("at", 36_000));
    let seen = endpoint.last();
    assert_eq!(seen.body, r#"{"code":"c0de"}"#);
    assert_eq!(seen.header("appkey"), Some("client-1"));
    let moment = seen.header("timestamp").unwrap().to_owned();
    assert_eq!(moment, now().millis().to_string());
    let exchange_sign = seen.header("sign").unwrap().to_owned();
    endpoint.answer_json(200, reply);
    refreshed(&text, &endpoint, &held).await.unwrap();
    let seen = endpoint.last();
    assert_eq!(seen.body, "");
    assert_eq!(seen.header("sign").unwrap().len(), 64);
    assert_ne!(seen.header("sign").unwrap(), exchange_sign);
}

#[tokio::test]
async fn a_gateway_in_xml() {
    let text = entry(
        r#"token = "${config.base}/oauth/access_tokens"
dialect = "xml_gateway""#,
    );
    let endpoint = Endpoint::start().await;
    endpoint.answer(
        201,
        "application/xml",
        "<credentials><access-token>at</access-token><refresh-token>rt</refresh-token>\
         <expires-at type=\"datetime\">2026-05-02T10:00:00Z</expires-at></credentials>",
    );
    let held = exchanged(&text, &endpoint).await.unwrap();
    assert_eq!((held.access_token.expose(), seconds_left(&held)), ("at", 86_400));
    let seen = endpoint.last();
    assert_eq!(
        seen.body,
        "<credentials><grant_type>authorization_code</grant_type><code>c0de</code></credentials>"
    );
    assert!(seen.header("authorization").unwrap().starts_with("Basic "));
    endpoint.answer(
        422,
        "application/xml",
        "<api-error-response><message>Code is invalid</message></api-error-response>",
    );
    let error = exchanged(&text, &endpoint).await.unwrap_err();
    assert!(error.to_string().contains("Code is invalid"), "{error}");
}

#[tokio::test]
async fn a_digest_refresh_sends_the_beginning_of_the_secret_and_no_header() {
    let text = entry(
        r#"dialect = "digest_refresh"
token = { url = "${config.base}/otoken", client_auth = "basic_and_body", fields = { client_secret = false } }"#,
    );
    let endpoint = Endpoint::start().await;
    endpoint.answer_json(200, json!({ "access_token": "at", "refresh_token": "rt" }));
    let held = exchanged(&text, &endpoint).await.unwrap();
    assert!(endpoint.last().header("authorization").is_some());
    endpoint.answer_json(200, json!({ "access_token": "at-2" }));
    let fresh = refreshed(&text, &endpoint, &held).await.unwrap();
    assert_eq!(fresh.refresh_token.unwrap().expose(), "rt");
    let seen = endpoint.last();
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.field("md5_secret").as_deref(), Some("s3cret&more"));
    assert_eq!(seen.field("client_id").as_deref(), Some("client-1"));
}

#[tokio::test]
async fn an_hourly_renewal_leaves_the_users_refresh_token_alone() {
    let text = r#"
[acme]
name = "Acme"
categories = ["crm"]
auth = "app_installation_user"
authorize = { url = "${config.appPublicLink}/installations/new", unencoded = ["inputs"] }
token = "${config.base}/token"
installation_token = "${config.base}/installations/${config.installation_id}/access_tokens"
api = "https://api.acme.example"
config.appPublicLink = { label = "Link", automatic = true }
config.installation_id = { label = "Installation", automatic = true }
config.base = { label = "Base" }
"#;
    let catalog = catalog(text);
    let endpoint = Endpoint::start().await;
    let (app, mut config) = (app(), base(&endpoint));
    config.insert("installation_id".to_owned(), json!("42"));
    let subject = subject(&catalog, &app, &config);
    let in_hours = |hours: u64| Some(now().plus(std::time::Duration::from_secs(hours * 3_600)));
    let user = |ends| OAuth2 {
        access_token: Secret::new("ghu_1"),
        refresh_token: Some(Secret::new("ghr_1")),
        expires_at: ends,
        config_override: None,
        raw: json!({}).into(),
    };
    let installed = |ends| App {
        access_token: Secret::new("ghs_1"),
        expires_at: ends,
        jwt_token: None,
        raw: json!({}).into(),
    };
    // Only the user's half is due: the installation's endpoint is not asked.
    let held = Credentials::Custom(Custom {
        app: Some(installed(in_hours(1))),
        user: Some(user(in_hours(0))),
        raw: json!({}).into(),
    });
    endpoint.answer_json(
        200,
        json!({ "access_token": "ghu_2", "refresh_token": "ghr_2", "expires_in": 28_800 }),
    );
    let fresh = refresh::refresh(&egress(), &subject, &held, &SeededRng::new(1))
        .await
        .unwrap();
    let Credentials::Custom(fresh) = fresh else {
        panic!("another kind")
    };
    assert_eq!(
        fresh.user.as_ref().unwrap().refresh_token.as_ref().unwrap().expose(),
        "ghr_2"
    );
    assert_eq!(fresh.app.unwrap().access_token.expose(), "ghs_1");
    assert_eq!(endpoint.seen().len(), 1);
    // Only the installation's half is due: without a usable key the refresh fails before the user's token is touched.
    let held = Credentials::Custom(Custom {
        app: Some(installed(in_hours(0))),
        user: Some(user(in_hours(8))),
        raw: json!({}).into(),
    });
    let error = refresh::refresh(&egress(), &subject, &held, &SeededRng::new(1))
        .await
        .unwrap_err();
    assert_eq!(error.failure(), Failure::Misconfigured);
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn a_role_at_an_endpoint_of_the_developers_own() {
    let text = r#"
[acme]
name = "Acme"
categories = ["crm"]
auth = "aws_sigv4"
api = "https://api.acme.example"
cred.role_arn = { label = "Role" }
app.service = { label = "Service" }
app.stsMode = { label = "Mode" }
app.stsEndpointUrl = { label = "URL" }
app.stsAuthType = { label = "Auth" }
app.stsApiKey = { label = "Key", secret = true }
"#;
    let catalog = catalog(text);
    let endpoint = Endpoint::start().await;
    let settings = json!({
        "stsMode": "custom", "stsEndpointUrl": format!("{}/assume", endpoint.url), "stsAuthType": "api_key", "stsApiKey": "k-1",
    });
    let app = ClientApp::new("", Secret::default(), Vec::new(), settings.as_object().unwrap());
    let config = base(&endpoint);
    let role = Role {
        arn: "arn:aws:iam::1:role/Reader".to_owned(),
        region: "eu-west-1".to_owned(),
        service: "s3".to_owned(),
        external_id: "e-1".to_owned(),
    };
    endpoint.answer_json(
        200,
        json!({ "credentials": { "accessKeyId": "AK", "secretAccessKey": "SK", "sessionToken": "ST", "expiration": 1_777_633_200 } }),
    );
    let subject = subject(&catalog, &app, &config);
    let held = assume_role::assume(&egress(), &subject, &role, &SeededRng::new(1))
        .await
        .unwrap();
    assert_eq!(held.session_token.expose(), "ST");
    assert_eq!(held.expires_at.unwrap().secs(), 1_777_633_200);
    let seen = endpoint.last();
    assert_eq!(seen.header("x-api-key"), Some("k-1"));
    let body: serde_json::Value = serde_json::from_str(&seen.body).unwrap();
    assert_eq!(body["external_id"], "e-1");
    endpoint.answer_json(200, json!({ "access_key_id": "AK" }));
    let error = assume_role::assume(&egress(), &subject, &role, &SeededRng::new(1))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("secret access key"), "{error}");
}

#[test]
fn a_token_that_lives_shorter_than_the_margin_is_not_renewed_on_every_use() {
    let catalog = catalog(&entry("token = \"https://login.acme.example/token\""));
    let (app, config) = (app(), serde_json::Map::new());
    let subject = subject(&catalog, &app, &config);
    let margin = |raw: serde_json::Value| {
        let held = OAuth2 {
            access_token: Secret::new("at"),
            refresh_token: Some(Secret::new("rt")),
            expires_at: None,
            config_override: None,
            raw: raw.into(),
        };
        refresh::margin(&subject, &Credentials::OAuth2(held)).as_secs()
    };
    for (raw, seconds) in [
        (json!({ "expires_in": 60 }), 20),
        (json!({ "expires_in": "60" }), 20),
        (json!({ "expires_in": 3_600 }), 900),
        (json!({ "expires_in": 0 }), 900),
        (json!({}), 900),
    ] {
        assert_eq!(margin(raw.clone()), seconds, "{raw}");
    }
}
