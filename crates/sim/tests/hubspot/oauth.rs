use std::time::Duration;

use crate::support::{Client, NOW_MS, REDIRECT, config};
use tenon_sim::Config;
use tenon_sim::hubspot::config::DEFAULT_CLIENT_ID;

const SCOPES: &str = "oauth crm.objects.contacts.read crm.objects.contacts.write";
const LIST: &str = "/crm/v3/objects/contacts?limit=1";

fn standing() -> Config {
    Config {
        manual_clock_ms: Some(NOW_MS),
        ..config()
    }
}

fn authorize_path(more: &str) -> String {
    let redirect: String = url::form_urlencoded::byte_serialize(REDIRECT.as_bytes()).collect();
    format!("/oauth/authorize?client_id={DEFAULT_CLIENT_ID}&redirect_uri={redirect}&scope=oauth{more}")
}

#[tokio::test]
async fn a_person_sees_a_page_and_the_state_comes_back() {
    let client = Client::start(config()).await;
    let page = client.get(&authorize_path("&state=%3Cb%3E%22x")).await;
    assert_eq!(page.status, 200);
    assert!(
        page.text.contains("Connect app") && page.text.contains("&lt;b&gt;&quot;x"),
        "escaped form fields"
    );
    let approved = client
        .consent(&[("state", "<b>\"x"), ("scope", "oauth")], "approve")
        .await;
    assert_eq!(approved[1], ("state".to_owned(), "<b>\"x".to_owned()));
    let denied = client.consent(&[("state", "s")], "deny").await;
    assert_eq!(denied[0], ("error".to_owned(), "access_denied".to_owned()));
    assert_eq!(denied.last().unwrap().0, "state");
}

#[tokio::test]
async fn auto_approval_redirects_at_once() {
    let client = Client::start(Config {
        auto_approve: true,
        ..config()
    })
    .await;
    let reply = client.get(&authorize_path("&state=abc")).await;
    assert_eq!(reply.status, 302);
    assert!(
        reply
            .header("location")
            .unwrap()
            .starts_with(&format!("{REDIRECT}?code="))
    );
    assert!(reply.header("location").unwrap().ends_with("&state=abc"));
}

#[tokio::test]
async fn a_bad_authorize_request_is_never_redirected() {
    let client = Client::start(Config {
        redirect_uris: vec![REDIRECT.to_owned()],
        ..config()
    })
    .await;
    assert_eq!(client.get(&authorize_path("")).await.status, 200);
    for path in [
        "/oauth/authorize".to_owned(),
        format!("/oauth/authorize?client_id=other&redirect_uri={REDIRECT}"),
        format!("/oauth/authorize?client_id={DEFAULT_CLIENT_ID}&redirect_uri=http://127.0.0.1:9/elsewhere"),
        authorize_path("&response_type=token"),
        authorize_path("&code_challenge=x&code_challenge_method=S1"),
    ] {
        assert_eq!(client.get(&path).await.status, 400, "{path}");
    }
}

#[tokio::test]
async fn a_code_works_once_with_its_redirect_url_and_in_time() {
    let client = Client::start(standing()).await;
    let code = |answer: Vec<(String, String)>| answer[0].1.clone();
    let first = code(client.consent(&[], "approve").await);
    let tokens = client.exchange(&first, &[]).await;
    assert_eq!((tokens.status, tokens.body["expires_in"].as_i64()), (200, Some(1_800)));
    assert_eq!(tokens.text("/token_type"), "bearer");
    let again = client.exchange(&first, &[]).await;
    assert_eq!((again.status, again.text("/status")), (400, "BAD_AUTH_CODE"));
    assert_eq!(again.text("/error"), "invalid_grant");

    let second = code(client.consent(&[], "approve").await);
    let fields = [("redirect_uri", "http://127.0.0.1:9/other")];
    let mut all = vec![
        ("grant_type", "authorization_code"),
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", "tenon-simulated-secret"),
        ("code", second.as_str()),
    ];
    all.extend(fields);
    assert_eq!(
        client.form("/oauth/v1/token", &all).await.text("/status"),
        "BAD_REDIRECT_URI"
    );

    let third = code(client.consent(&[], "approve").await);
    client.sim.advance(Duration::from_secs(601));
    assert_eq!(client.exchange(&third, &[]).await.text("/status"), "BAD_AUTH_CODE");
}

#[tokio::test]
async fn proof_keys_are_checked_when_they_were_sent() {
    let client = Client::start(config()).await;
    // The example of RFC 7636, appendix B.
    let challenge = [
        ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        ("code_challenge_method", "S256"),
    ];
    let verifier = [("code_verifier", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")];
    let code = client.consent(&challenge, "approve").await[0].1.clone();
    assert_eq!(client.exchange(&code, &verifier).await.status, 200);
    for wrong in [&[("code_verifier", "something-else")][..], &[]] {
        let code = client.consent(&challenge, "approve").await[0].1.clone();
        assert_eq!(client.exchange(&code, wrong).await.text("/status"), "BAD_CODE_VERIFIER");
    }
}

#[tokio::test]
async fn the_client_must_prove_itself() {
    let client = Client::start(config()).await;
    for (id, secret, status) in [
        ("other", "tenon-simulated-secret", "BAD_CLIENT_ID"),
        (DEFAULT_CLIENT_ID, "wrong", "BAD_CLIENT_SECRET"),
        (DEFAULT_CLIENT_ID, "tenon-simulated-secret", "BAD_GRANT_TYPE"),
    ] {
        let fields = [("client_id", id), ("client_secret", secret), ("grant_type", "password")];
        let reply = client.form("/oauth/v1/token", &fields).await;
        assert_eq!((reply.status, reply.text("/status")), (400, status));
    }
}

#[tokio::test]
async fn tokens_expire_after_half_an_hour_and_are_refreshed() {
    let mut client = Client::start(standing()).await;
    let (access, refresh) = client.connect(SCOPES).await;
    client.token = access;
    assert_eq!(client.get(LIST).await.status, 200);
    client.sim.advance(Duration::from_secs(1_799));
    assert_eq!(client.get(LIST).await.status, 200);
    client.sim.advance(Duration::from_secs(8));
    let expired = client.get(LIST).await;
    assert_eq!(
        (expired.status, expired.text("/category")),
        (401, "EXPIRED_AUTHENTICATION")
    );
    assert_eq!(
        expired.text("/message"),
        "The OAuth token used to make this call expired 7 second(s) ago."
    );

    let renewed = client.refresh(&refresh).await;
    assert_eq!(
        (renewed.status, renewed.text("/refresh_token")),
        (200, refresh.as_str()),
        "HubSpot does not rotate"
    );
    client.token = renewed.text("/access_token").to_owned();
    assert_eq!(client.get(LIST).await.status, 200);
    let stats = client.sim.stats();
    assert_eq!(
        (
            stats.codes_exchanged,
            stats.refreshes,
            stats.tokens_issued,
            stats.unauthorized
        ),
        (1, 1, 2, 1)
    );
}

#[tokio::test]
async fn with_rotation_a_used_refresh_token_revokes_the_grant() {
    let mut client = Client::start(Config {
        rotate_refresh_tokens: true,
        ..standing()
    })
    .await;
    let (_, mut refresh) = client.connect(SCOPES).await;
    let first = refresh.clone();
    for _ in 0..10 {
        let renewed = client.refresh(&refresh).await;
        assert_eq!(renewed.status, 200);
        assert_ne!(renewed.text("/refresh_token"), refresh);
        refresh = renewed.text("/refresh_token").to_owned();
        client.token = renewed.text("/access_token").to_owned();
    }
    assert_eq!(client.get(LIST).await.status, 200);
    let reused = client.refresh(&first).await;
    assert_eq!((reused.status, reused.text("/status")), (400, "BAD_REFRESH_TOKEN"));
    assert_eq!(
        (reused.text("/error"), reused.text("/message")),
        ("invalid_grant", "missing or invalid refresh token")
    );
    assert_eq!(
        client.get(LIST).await.status,
        401,
        "reuse takes the whole grant with it"
    );
    assert_eq!(client.refresh(&refresh).await.status, 400);
    assert_eq!(client.sim.stats().refresh_refusals, 2);
}

#[tokio::test]
async fn scopes_decide_what_a_token_may_do() {
    let mut client = Client::start(config()).await;
    client.token = client.connect("oauth crm.objects.contacts.read").await.0;
    assert_eq!(client.get(LIST).await.status, 200);
    assert_eq!(client.search(serde_json::json!({})).await.status, 200);
    let refused = client
        .post("/crm/v3/objects/contacts", serde_json::json!({"properties": {}}))
        .await;
    assert_eq!((refused.status, refused.text("/category")), (403, "MISSING_SCOPES"));
    assert_eq!(
        refused.text("/errors/0/context/requiredGranularScopes/0"),
        "crm.objects.contacts.write"
    );
    client.token = "never-issued".to_owned();
    assert_eq!(client.get(LIST).await.text("/category"), "INVALID_AUTHENTICATION");
}

#[tokio::test]
async fn token_information_names_the_account_and_revocation_ends_it() {
    let client = Client::start(config()).await;
    let (access, refresh) = client.connect(SCOPES).await;
    let info = client.get(&format!("/oauth/v1/access-tokens/{access}")).await;
    assert_eq!(
        (info.body["hub_id"].as_u64(), info.text("/token_type")),
        (Some(62_515), "access")
    );
    assert_eq!(info.body["scopes"].as_array().unwrap().len(), 3);
    let fields = [
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", "tenon-simulated-secret"),
        ("token", access.as_str()),
    ];
    let introspected = client.form("/oauth/2026-03/token/introspect", &fields).await;
    assert_eq!(introspected.body["active"], true);
    let path = format!("/oauth/v1/refresh-tokens/{refresh}");
    assert_eq!(client.get(&path).await.status, 200);
    assert_eq!(client.send("DELETE", &path, None).await.status, 204);
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(
        client.form("/oauth/2026-03/token/introspect", &fields).await.body["active"],
        false
    );
    assert_eq!(client.refresh(&refresh).await.text("/status"), "BAD_REFRESH_TOKEN");
}

#[tokio::test]
async fn the_dated_token_endpoint_also_says_whose_tokens_they_are() {
    let client = Client::start(config()).await;
    let code = client.consent(&[("scope", SCOPES)], "approve").await[0].1.clone();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", DEFAULT_CLIENT_ID),
        ("client_secret", "tenon-simulated-secret"),
        ("redirect_uri", REDIRECT),
        ("code", code.as_str()),
    ];
    let reply = client.form("/oauth/2026-03/token", &fields).await;
    assert_eq!((reply.status, reply.body["hub_id"].as_u64()), (200, Some(62_515)));
}
