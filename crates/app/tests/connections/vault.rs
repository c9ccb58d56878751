//! The master key turns while the server works, and sealed values stay where they belong.

use std::sync::Arc;

use serde_json::json;
use tenon_app::Caller;

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
