//! What the Connect UI asks, and what becomes of the answers.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_app::connect_ui::{Answer, FieldFault, FormKind, OpenedLink, Opener, ThemeName, Wrong};
use tenon_app::integrations::CreateInput;
use tenon_app::sessions::LiveSession;

use crate::support::{Database, Node, minutes, nodes};

async fn node() -> (Database, Node) {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    for integration in [
        json!({ "provider": "vaulted", "unique_key": "vaulted", "display_name": "The Vault" }),
        json!({ "provider": "acme", "unique_key": "acme",
            "credentials": { "type": "OAUTH2", "client_id": "c", "client_secret": "s" } }),
    ] {
        let input = CreateInput::parse(Some(&integration)).unwrap();
        node.app.create_integration(&node.caller, input).await.unwrap();
    }
    (database, node)
}

async fn session(node: &Node, mut body: Value) -> (String, Arc<LiveSession>) {
    body["end_user"] = json!({ "id": "u-1", "email": "ann@acme.example", "display_name": "Ann" });
    body["organization"] = json!({ "id": "o-1", "display_name": "Acme Inc." });
    let made = node.app.create_session(&node.caller, Some(&body)).await.unwrap();
    let token = made["data"]["token"].as_str().unwrap().to_owned();
    let live = node.app.find_live_session(&token).await.unwrap().unwrap();
    (token, Arc::new(live))
}

fn typed(values: &[(&str, &str)]) -> Map<String, Value> {
    values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), json!(value)))
        .collect()
}

#[tokio::test]
async fn the_list_has_what_the_session_allows_by_name() {
    let (_database, node) = node().await;
    let (_, all) = session(&node, json!({})).await;
    let choices = node.app.connect_choices(&all).await.unwrap();
    let names: Vec<&str> = choices.iter().map(|choice| choice.name.as_str()).collect();
    assert_eq!(names, ["Acme", "The Vault"]);
    let (_, one) = session(&node, json!({ "allowed_integrations": ["acme"] })).await;
    assert_eq!(node.app.connect_choices(&one).await.unwrap().len(), 1);
    assert!(node.app.connect_form(&one, "vaulted").await.is_err());
    let identity = node.app.session_identity(&one).await.unwrap();
    assert_eq!(identity.line().as_deref(), Some("Ann · Acme Inc."));
}

#[tokio::test]
async fn only_what_is_left_is_asked() {
    let (_database, node) = node().await;
    let (_, live) = session(&node, json!({})).await;
    let form = node.app.connect_form(&live, "vaulted").await.unwrap();
    let ids: Vec<&str> = form.fields.iter().map(|field| field.id.as_str()).collect();
    // Ordered values first, then credentials, then the rest; nobody types what the platform fills.
    assert_eq!(ids, ["config.subdomain", "config.region", "cred.apiKey", "config.note"]);
    assert_eq!(form.kind, FormKind::Credentials);
    let key = &form.fields[2];
    assert!(key.secret);
    assert_eq!(key.guide.as_deref(), Some("https://vaulted.example/guide#key"));

    let preset = json!({
        "integrations_config_defaults": { "vaulted": { "connection_config": { "subdomain": "acme", "region": "" } } },
        "overrides": { "vaulted": { "docs_connect": "https://product.example/help" } },
    });
    let (_, live) = session(&node, preset).await;
    let form = node.app.connect_form(&live, "vaulted").await.unwrap();
    let ids: Vec<&str> = form.fields.iter().map(|field| field.id.as_str()).collect();
    assert_eq!(
        ids,
        ["config.region", "cred.apiKey", "config.note"],
        "an empty preset asks"
    );
    assert_eq!(form.guide.as_deref(), Some("https://product.example/help"));
}

#[tokio::test]
async fn each_wrong_value_is_named() {
    let (_database, node) = node().await;
    let (token, live) = session(&node, json!({})).await;
    let values = typed(&[
        ("config.subdomain", "not a name"),
        ("config.region", "mars"),
        ("cred.apiKey", "  "),
    ]);
    let answer = node
        .app
        .submit_connect_form(live, &token, "vaulted", &values, &Opener::default())
        .await
        .unwrap();
    let wrong = |id: &str, fault| Wrong {
        id: id.to_owned(),
        fault: Some(fault),
    };
    assert_eq!(
        answer,
        Answer::Invalid(vec![
            wrong("config.subdomain", FieldFault::Pattern),
            wrong("config.region", FieldFault::Choice),
            wrong("cred.apiKey", FieldFault::Pattern),
        ])
    );
    let listed = node.app.list_connections(&node.caller, &json!({})).await.unwrap();
    assert_eq!(listed["connections"], json!([]));
}

#[tokio::test]
async fn a_pasted_address_is_cut_to_what_was_asked() {
    let (_database, node) = node().await;
    let (token, live) = session(&node, json!({})).await;
    let values = typed(&[
        ("config.subdomain", " https://acme.vaulted.example/ "),
        ("config.region", "eu"),
        ("cred.apiKey", "key-1"),
        ("config.portal", "forged"),
    ]);
    let answer = node
        .app
        .submit_connect_form(live, &token, "vaulted", &values, &Opener::default())
        .await
        .unwrap();
    let Answer::Connected { connection_id, .. } = answer else {
        panic!("{answer:?}");
    };
    let query = json!({ "provider_config_key": "vaulted" });
    let read = node
        .app
        .read_connection(&node.caller, &connection_id, &query)
        .await
        .unwrap();
    assert_eq!(
        read["connection_config"],
        json!({ "subdomain": "acme", "region": "eu" })
    );
    assert_eq!(read["credentials"]["apiKey"], "key-1");
    assert_eq!(read["end_user"]["id"], "u-1");
}

#[tokio::test]
async fn a_window_goes_to_the_public_address_with_what_was_typed() {
    let (_database, node) = node().await;
    let (token, live) = session(&node, json!({})).await;
    let values = typed(&[("config.base", "https://a.example/x?y=1&z")]);
    let opener = Opener {
        page: Some("page-1"),
        lang: Some("fr"),
        theme: Some(ThemeName::Dark),
    };
    let answer = node
        .app
        .submit_connect_form(Arc::clone(&live), &token, "acme", &values, &opener)
        .await
        .unwrap();
    let Answer::Popup(url) = answer else {
        panic!("{answer:?}");
    };
    let url = url::Url::parse(&url).unwrap();
    assert_eq!(url.path(), "/oauth/connect/acme");
    let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    assert_eq!(
        pairs,
        [
            ("connect_session_token".to_owned(), token.clone()),
            ("params[base]".to_owned(), "https://a.example/x?y=1&z".to_owned()),
            ("ws_client_id".to_owned(), "page-1".to_owned()),
            ("lang".to_owned(), "fr".to_owned()),
            ("theme".to_owned(), "dark".to_owned()),
        ]
    );
    let empty = node
        .app
        .submit_connect_form(live, &token, "acme", &Map::new(), &Opener::default())
        .await
        .unwrap();
    assert!(matches!(empty, Answer::Invalid(_)), "{empty:?}");
}

#[tokio::test]
async fn authorising_again_fills_in_what_is_known_and_keeps_the_id() {
    let (_database, node) = node().await;
    let (token, live) = session(&node, json!({})).await;
    let values = typed(&[
        ("config.subdomain", "acme"),
        ("config.region", "eu"),
        ("cred.apiKey", "key-1"),
    ]);
    let first = node
        .app
        .submit_connect_form(live, &token, "vaulted", &values, &Opener::default())
        .await
        .unwrap();
    let Answer::Connected { connection_id, .. } = first else {
        panic!("{first:?}");
    };
    let body = json!({ "connection_id": connection_id, "integration_id": "vaulted" });
    let made = node
        .app
        .create_reconnect_session(&node.caller, Some(&body))
        .await
        .unwrap();
    let token = made["data"]["token"].as_str().unwrap().to_owned();
    let live = Arc::new(node.app.find_live_session(&token).await.unwrap().unwrap());
    let form = node.app.connect_form(&live, "vaulted").await.unwrap();
    assert!(form.reconnects);
    let held: Vec<&str> = form.fields.iter().map(|field| field.value.as_str()).collect();
    assert_eq!(held, ["acme", "eu", "", ""], "the key is not shown");
    let values = typed(&[
        ("config.subdomain", "acme"),
        ("config.region", "us"),
        ("cred.apiKey", "key-2"),
    ]);
    let second = node
        .app
        .submit_connect_form(live, &token, "vaulted", &values, &Opener::default())
        .await
        .unwrap();
    assert_eq!(
        second,
        Answer::Connected {
            connection_id,
            is_pending: false
        }
    );
}

#[tokio::test]
async fn a_link_is_exchanged_once_and_its_token_is_dead_afterwards() {
    let (_database, node) = node().await;
    let (link, _) = session(&node, json!({ "allowed_integrations": ["acme"] })).await;
    assert!(matches!(node.app.open_link(&link).await.unwrap(), OpenedLink::Fresh(_)));
    // Looking does not claim it.
    assert!(matches!(node.app.open_link(&link).await.unwrap(), OpenedLink::Fresh(_)));

    let (one, two) = tokio::join!(node.app.claim_link(&link), node.app.claim_link(&link));
    let (won, lost) = match (one, two) {
        (Ok(won), Err(lost)) | (Err(lost), Ok(won)) => (won, lost),
        other => panic!("one browser gets the link: {other:?}"),
    };
    assert_eq!(lost.refusal().unwrap().code, "link_claimed");
    assert!(matches!(node.app.open_link(&link).await.unwrap(), OpenedLink::Claimed));
    assert!(node.app.find_live_session(&link).await.unwrap().is_none());
    let live = node.app.find_live_session(&won.token).await.unwrap().unwrap();
    assert_eq!(live.allowed_integrations(), Some(&["acme".to_owned()][..]));
    assert_eq!(won.lives, minutes(30));

    node.clock.advance(minutes(31));
    assert!(matches!(node.app.open_link(&link).await.unwrap(), OpenedLink::Gone));
    assert!(node.app.find_live_session(&won.token).await.unwrap().is_none());
}
