//! The master key turns while the server works, and sealed values stay where they belong.

use std::sync::Arc;

use serde_json::json;
use tenon_app::Caller;
use tenon_app::connections::MetadataWrite;

use crate::support::{Database, nodes, start_with};

async fn secret_of(app: &tenon_app::App, caller: &Caller) -> tenon_app::Result<String> {
    let query = json!({ "provider_config_key": "acme" });
    let shown = app.read_connection(caller, "c-1", &query).await?;
    Ok(shown["credentials"]["access_token"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

#[tokio::test]
async fn the_master_key_turns_under_load() {
    for database in Database::all().await {
        let [node] = nodes(&database).await;
        node.import("https://login.acme.example").await;
        let caller = Arc::clone(&node.caller);

        // A node with both keys rotates while it reads and writes.
        let both = start_with(&database, &node.clock, "both", &[9, 7]).await;
        let old_tag = node.app.master_keys().await.unwrap().current;
        let (rotated, reads) = tokio::join!(both.rotate_master_key(), async {
            for _ in 0..50 {
                assert_eq!(secret_of(&both, &caller).await.unwrap(), "at-0");
                assert_eq!(secret_of(&node.app, &caller).await.unwrap(), "at-0");
            }
            50
        });
        assert_eq!(reads, 50);
        assert!(rotated.unwrap().resealed > 0);
        let keys = both.master_keys().await.unwrap();
        assert!(!keys.data_keys.contains_key(&old_tag), "{keys:?}");
        let again = both.rotate_master_key().await.unwrap();
        assert_eq!((again.resealed, again.unchanged > 0), (0, true));

        // From now on the new key is enough, and the old one is not.
        let new = start_with(&database, &node.clock, "new", &[9]).await;
        assert_eq!(secret_of(&new, &caller).await.unwrap(), "at-0");
        let old = start_with(&database, &node.clock, "old", &[7]).await;
        assert!(secret_of(&old, &caller).await.is_err());
        let refused = old.rotate_master_key().await.unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, "unknown_master_key");
    }
}

#[tokio::test]
async fn a_sealed_value_does_not_open_in_another_row() {
    let database = Database::sqlite();
    let [node] = nodes(&database).await;
    node.import("https://login.acme.example").await;
    let body = json!({
        "provider_config_key": "acme", "connection_id": "c-2",
        "credentials": { "type": "OAUTH2", "access_token": "other" },
    });
    node.app.import_connection(&node.caller, Some(&body)).await.unwrap();
    let mut tx = node.app.store().begin().await.unwrap();
    let moved = "UPDATE connections SET credentials = (SELECT credentials FROM connections WHERE connection_id = 'c-2') \
                 WHERE connection_id = 'c-1'";
    tx.execute(moved, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let fresh = start_with(&database, &node.clock, "fresh", &[7]).await;
    let refused = secret_of(&fresh, &node.caller).await.unwrap_err();
    assert!(
        refused.refusal().is_none(),
        "a moved value is a fault of the server's data: {refused:?}"
    );
    let query = json!({ "provider_config_key": "acme" });
    assert!(fresh.read_connection(&node.caller, "c-2", &query).await.is_ok());
}

#[tokio::test]
async fn a_webhook_secret_in_metadata_is_sealed_in_its_row() {
    for database in Database::all().await {
        let [node] = nodes(&database).await;
        node.import("https://login.acme.example").await;
        for id in ["c-2", "c-3"] {
            let body = json!({
                "provider_config_key": "acme", "connection_id": id, "credentials": { "type": "OAUTH2", "access_token": "t" },
                "metadata": { "plan": "pro", "webhookSecret": format!("whs-of-{id}") },
            });
            node.app.import_connection(&node.caller, Some(&body)).await.unwrap();
        }
        let metadata = async |app: &tenon_app::App, id: &str| {
            let query = json!({ "provider_config_key": "acme" });
            let shown = app.read_connection(&node.caller, id, &query).await;
            shown.map(|shown| shown["metadata"].clone())
        };
        let stored = async || {
            let mut conn = node.app.store().read().await.unwrap();
            let rows = conn.query("SELECT metadata FROM connections", &[]).await.unwrap();
            rows.iter()
                .map(|row| row.text(0).unwrap())
                .collect::<Vec<_>>()
                .join("\n")
        };
        let write = async |patch: serde_json::Value, how: MetadataWrite| {
            let body = json!({ "connection_id": "c-2", "provider_config_key": "acme", "metadata": patch });
            node.app.write_metadata(&node.caller, Some(&body), how).await.unwrap();
        };
        assert!(!stored().await.contains("whs-"), "{}", stored().await);
        let both = json!({ "plan": "pro", "webhookSecret": "whs-of-c-2" });
        assert_eq!(metadata(&node.app, "c-2").await.unwrap(), both);
        let listed = node
            .app
            .list_connections(&node.caller, &json!({ "connectionId": "c-2" }))
            .await;
        assert_eq!(listed.unwrap()["connections"][0]["metadata"], both);

        write(json!({ "plan": "free" }), MetadataWrite::Merge).await;
        assert_eq!(
            metadata(&node.app, "c-2").await.unwrap()["webhookSecret"],
            "whs-of-c-2",
            "not named, so kept"
        );
        write(json!({ "webhookSecret": "whs-new" }), MetadataWrite::Replace).await;
        assert_eq!(
            metadata(&node.app, "c-2").await.unwrap(),
            json!({ "webhookSecret": "whs-new" })
        );
        assert!(!stored().await.contains("whs-"), "{}", stored().await);
        // What only looks sealed is a value like any other.
        write(json!({ "webhookSecret": { "$sealed": "AAAA" } }), MetadataWrite::Merge).await;
        assert_eq!(
            metadata(&node.app, "c-2").await.unwrap()["webhookSecret"],
            json!({ "$sealed": "AAAA" })
        );

        let mut tx = node.app.store().begin().await.unwrap();
        let moved = "UPDATE connections SET metadata = (SELECT metadata FROM connections WHERE connection_id = 'c-3') \
                     WHERE connection_id = 'c-1'";
        tx.execute(moved, &[]).await.unwrap();
        tx.commit().await.unwrap();
        let fresh = start_with(&database, &node.clock, "fresh", &[7]).await;
        assert!(
            metadata(&fresh, "c-1").await.is_err(),
            "a secret of another row does not open"
        );
        assert_eq!(metadata(&fresh, "c-3").await.unwrap()["webhookSecret"], "whs-of-c-3");
        node.app.shut_down().await;
    }
}
