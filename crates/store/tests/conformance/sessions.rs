use std::time::Duration;

use tenon_model::EnvironmentId;
use tenon_store::tables::{connect_sessions, end_users, oauth_states};

use crate::support::{environment, integration, start, stores};

#[tokio::test]
async fn a_session_ends_by_time_or_by_wish() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let ends = start().plus(Duration::from_secs(1_800));
        let mut tx = store.begin().await.unwrap();
        let id = connect_sessions::insert(&mut tx, e, "hash", None, b"sealed", start(), ends)
            .await
            .unwrap();
        let found = connect_sessions::find(&mut tx, "hash", start()).await.unwrap().unwrap();
        assert_eq!(
            (
                found.id,
                found.environment_id,
                found.details.as_slice(),
                found.expires_at
            ),
            (id, e, &b"sealed"[..], ends)
        );
        assert!(
            connect_sessions::find(&mut tx, "hash", ends).await.unwrap().is_none(),
            "over"
        );
        assert!(
            connect_sessions::find(&mut tx, "other", start())
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            !connect_sessions::delete(&mut tx, EnvironmentId(e.0 + 1), id)
                .await
                .unwrap()
        );
        assert!(connect_sessions::delete(&mut tx, e, id).await.unwrap());
        assert!(
            connect_sessions::find(&mut tx, "hash", start())
                .await
                .unwrap()
                .is_none()
        );
        connect_sessions::insert(&mut tx, e, "old", None, b"sealed", start(), start())
            .await
            .unwrap();
        assert_eq!(connect_sessions::purge(&mut tx, ends).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_state_is_taken_once() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "hub").await;
        let mut tx = store.begin().await.unwrap();
        oauth_states::insert(&mut tx, e, i, "hash", b"sealed", start())
            .await
            .unwrap();
        let taken = oauth_states::take(&mut tx, "hash").await.unwrap().unwrap();
        assert_eq!(
            (taken.environment_id, taken.integration_id, taken.details.as_slice()),
            (e, i, &b"sealed"[..])
        );
        assert!(oauth_states::take(&mut tx, "hash").await.unwrap().is_none());
        oauth_states::insert(&mut tx, e, i, "old", b"sealed", start())
            .await
            .unwrap();
        assert_eq!(oauth_states::purge(&mut tx, start()).await.unwrap(), 0);
        assert_eq!(
            oauth_states::purge(&mut tx, start().plus(Duration::from_secs(1)))
                .await
                .unwrap(),
            1
        );
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn an_end_user_is_replaced_whole() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let first = end_users::EndUserInput {
            end_user_id: "eu-1",
            email: Some("ann@example.com"),
            display_name: Some("Ann"),
            tags: Some("{\"a\":\"b\"}"),
            organization_id: Some("org"),
            organization_display_name: Some("Org"),
        };
        let second = end_users::EndUserInput {
            email: None,
            tags: None,
            ..first
        };
        let mut tx = store.begin().await.unwrap();
        let id = end_users::upsert(&mut tx, e, &first, start()).await.unwrap();
        assert_eq!(end_users::upsert(&mut tx, e, &second, start()).await.unwrap(), id);
        let found = end_users::find(&mut tx, e, "eu-1").await.unwrap().unwrap();
        assert_eq!(
            (found.id, found.email, found.display_name.as_deref(), found.tags),
            (id, None, Some("Ann"), None)
        );
        assert!(
            end_users::find(&mut tx, EnvironmentId(e.0 + 1), "eu-1")
                .await
                .unwrap()
                .is_none()
        );
        assert!(
            end_users::find_by_id(&mut tx, EnvironmentId(e.0 + 1), id)
                .await
                .unwrap()
                .is_none()
        );
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn details_are_replaced_by_whoever_saw_the_newest() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let ends = start().plus(Duration::from_secs(1_800));
        let mut tx = store.begin().await.unwrap();
        let id = connect_sessions::insert(&mut tx, e, "link", None, b"fresh", start(), ends)
            .await
            .unwrap();
        for (environment, replaced) in [(EnvironmentId(e.0 + 1), false), (e, true), (e, false)] {
            let done = connect_sessions::replace_details(&mut tx, environment, id, b"fresh", b"claimed")
                .await
                .unwrap();
            assert_eq!(done, replaced);
        }
        let found = connect_sessions::find(&mut tx, "link", start()).await.unwrap().unwrap();
        assert_eq!(found.details, b"claimed");
    }
}
