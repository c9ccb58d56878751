use std::time::Duration;

use tenon_model::{ConnectionId, EnvironmentId, IntegrationId, Timestamp};
use tenon_store::tables::connections::lease::{self, Acquired, Refreshed};
use tenon_store::tables::connections::list::{Filter, list};
use tenon_store::tables::connections::{self as table, ConnectionInput, errors};
use tenon_store::tables::end_users::{self, EndUserInput};
use tenon_store::{Conn, Store};

use crate::support::{environment, integration, start, stores};

fn input(tags: &str, end_user: Option<i64>, now: Timestamp) -> ConnectionInput<'_> {
    ConnectionInput {
        credentials_type: "OAUTH2",
        expires_at: Some(now.plus(Duration::from_secs(3_600))),
        metadata: "{}",
        tags,
        webhook_url_override: None,
        end_user,
        last_fetched_at: None,
        now,
    }
}

async fn user(conn: &mut Conn, e: EnvironmentId, id: &str, name: Option<&str>, email: Option<&str>) -> i64 {
    let input = EndUserInput {
        end_user_id: id,
        email,
        display_name: name,
        tags: None,
        organization_id: Some("org"),
        organization_display_name: None,
    };
    end_users::upsert(conn, e, &input, start()).await.unwrap()
}

async fn connection(
    store: &Store,
    e: EnvironmentId,
    i: IntegrationId,
    id: &str,
    tags: &str,
    end_user: Option<i64>,
    seconds: u64,
) -> ConnectionId {
    let now = start().plus(Duration::from_secs(seconds));
    let mut tx = store.begin().await.unwrap();
    let row = table::insert(&mut tx, e, i, id, &input(tags, end_user, now))
        .await
        .unwrap();
    table::set_sealed(&mut tx, e, row, b"sealed", b"config").await.unwrap();
    tx.commit().await.unwrap();
    row
}

#[tokio::test]
async fn every_write_of_a_connection_changes_its_version() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let (i, other) = (
            integration(&store, e, "hub").await,
            integration(&store, e, "other").await,
        );
        let (a, b) = (
            connection(&store, e, i, "a", "{}", None, 0).await,
            connection(&store, e, i, "b", "{}", None, 0).await,
        );
        connection(&store, e, other, "c", "{}", None, 0).await;
        let mut tx = store.begin().await.unwrap();
        let mut before = table::versions_of_integration(&mut tx, e, i).await.unwrap();
        before.sort_unstable();
        assert_eq!(before, [(a, 1), (b, 1)]);
        table::set_metadata(&mut tx, e, a, r#"{"x":1}"#, start()).await.unwrap();
        table::set_connection_config(&mut tx, e, a, b"other", start())
            .await
            .unwrap();
        table::overwrite(&mut tx, e, a, &input("{}", None, start()))
            .await
            .unwrap();
        table::touch_fetched(&mut tx, e, a, start()).await.unwrap();
        assert!(table::delete(&mut tx, e, b, start()).await.unwrap());
        assert_eq!(table::versions_of_integration(&mut tx, e, i).await.unwrap(), [(a, 4)]);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_is_found_by_its_names_inside_its_environment() {
    for store in stores().await {
        let (dev, prod) = (environment(&store, "dev").await, environment(&store, "prod").await);
        let i = integration(&store, dev, "hub").await;
        let id = connection(&store, dev, i, "c-1", "{}", None, 0).await;
        let mut conn = store.read().await.unwrap();
        let found = table::find(&mut conn, dev, "hub", "c-1").await.unwrap().unwrap();
        assert_eq!(
            (
                found.id,
                found.credentials.as_slice(),
                found.connection_config.as_slice()
            ),
            (id, &b"sealed"[..], &b"config"[..])
        );
        assert_eq!(
            (found.unique_key.as_str(), found.provider.as_str(), found.version),
            ("hub", "acme", 1)
        );
        assert!(
            table::find(&mut conn, prod, "hub", "c-1").await.unwrap().is_none(),
            "another environment"
        );
        assert!(
            table::find_by_id(&mut conn, prod, id).await.unwrap().is_none(),
            "another environment"
        );
        assert!(table::find(&mut conn, dev, "hub", "c-2").await.unwrap().is_none());
        drop(conn);
        let mut tx = store.begin().await.unwrap();
        assert!(
            table::insert(&mut tx, dev, i, "c-1", &input("{}", None, start()))
                .await
                .unwrap_err()
                .is_duplicate()
        );
        drop(tx);
        let mut tx = store.begin().await.unwrap();
        assert!(!table::delete(&mut tx, prod, id, start()).await.unwrap());
        assert!(table::delete(&mut tx, dev, id, start()).await.unwrap());
        assert!(!table::delete(&mut tx, dev, id, start()).await.unwrap(), "gone already");
        assert!(table::find(&mut tx, dev, "hub", "c-1").await.unwrap().is_none());
        let again = table::insert(&mut tx, dev, i, "c-1", &input("{}", None, start()))
            .await
            .unwrap();
        assert_ne!(again, id, "a removed id can be used again");
        assert_eq!(table::count_of_integration(&mut tx, dev, i).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn lists_filter_and_page() {
    for store in stores().await {
        let (dev, prod) = (environment(&store, "dev").await, environment(&store, "prod").await);
        let (k1, k2) = (
            integration(&store, dev, "k1").await,
            integration(&store, dev, "k2").await,
        );
        let other = integration(&store, prod, "k1").await;
        let mut tx = store.begin().await.unwrap();
        let ann = user(&mut tx, dev, "eu-1", Some("Ann Smith"), Some("ann@example.com")).await;
        let bob = user(&mut tx, dev, "eu-3", Some("Bob"), None).await;
        tx.commit().await.unwrap();
        connection(
            &store,
            dev,
            k1,
            "alpha-1",
            r#"{"team":"blue","a.b/c":"1"}"#,
            Some(ann),
            1,
        )
        .await;
        connection(&store, dev, k1, "beta-2", r#"{"team":"red"}"#, None, 2).await;
        connection(&store, dev, k2, "alpha-3", r#"{"team":"blue"}"#, Some(bob), 3).await;
        connection(&store, prod, other, "alpha-9", r#"{"team":"blue"}"#, None, 4).await;
        let all = Filter {
            limit: 100,
            ..Filter::default()
        };
        let cases: Vec<(Filter, &[&str])> = vec![
            (all.clone(), &["alpha-3", "beta-2", "alpha-1"]),
            (
                Filter {
                    connection_id: Some("beta-2".into()),
                    ..all.clone()
                },
                &["beta-2"],
            ),
            (
                Filter {
                    search: Some("ALPHA".into()),
                    ..all.clone()
                },
                &["alpha-3", "alpha-1"],
            ),
            (
                Filter {
                    search: Some("smith".into()),
                    ..all.clone()
                },
                &["alpha-1"],
            ),
            (
                Filter {
                    search: Some("ann@".into()),
                    ..all.clone()
                },
                &["alpha-1"],
            ),
            (
                Filter {
                    search: Some("%".into()),
                    ..all.clone()
                },
                &["alpha-3", "beta-2", "alpha-1"],
            ),
            (
                Filter {
                    search: Some("_".into()),
                    ..all.clone()
                },
                &["alpha-3", "beta-2", "alpha-1"],
            ),
            (
                Filter {
                    search: Some("\\".into()),
                    ..all.clone()
                },
                &[],
            ),
            (
                Filter {
                    end_user_id: Some("eu-3".into()),
                    ..all.clone()
                },
                &["alpha-3"],
            ),
            (
                Filter {
                    organization_id: Some("org".into()),
                    ..all.clone()
                },
                &["alpha-3", "alpha-1"],
            ),
            (
                Filter {
                    integrations: Some(vec!["k1".into(), "k9".into()]),
                    ..all.clone()
                },
                &["beta-2", "alpha-1"],
            ),
            (
                Filter {
                    integrations: Some(vec![]),
                    ..all.clone()
                },
                &[],
            ),
            (
                Filter {
                    tags: vec![("team".into(), "blue".into())],
                    ..all.clone()
                },
                &["alpha-3", "alpha-1"],
            ),
            (
                Filter {
                    tags: vec![("team".into(), "blue".into()), ("a.b/c".into(), "1".into())],
                    ..all.clone()
                },
                &["alpha-1"],
            ),
            (
                Filter {
                    limit: 2,
                    offset: 1,
                    ..Filter::default()
                },
                &["beta-2", "alpha-1"],
            ),
            (
                Filter {
                    limit: 2,
                    offset: 4,
                    ..Filter::default()
                },
                &[],
            ),
        ];
        let mut conn = store.read().await.unwrap();
        for (filter, expected) in cases {
            let rows = list(&mut conn, dev, &filter).await.unwrap();
            let ids: Vec<&str> = rows.iter().map(|row| row.connection_id.as_str()).collect();
            assert_eq!(ids, expected, "{filter:?}");
        }
    }
}

#[tokio::test]
async fn the_lease_has_one_holder_and_only_the_holder_writes() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "hub").await;
        let id = connection(&store, e, i, "c-1", "{}", None, 0).await;
        let (now, later) = (start(), start().plus(Duration::from_secs(60)));
        let fresh = Refreshed {
            credentials: b"new",
            connection_config: None,
            expires_at: None,
            now,
        };
        let mut tx = store.begin().await.unwrap();
        assert_eq!(
            lease::acquire(&mut tx, e, id, 2, "a", now, later).await.unwrap(),
            Acquired::No,
            "a version that is over"
        );
        assert_eq!(
            lease::acquire(&mut tx, e, id, 1, "a", now, later).await.unwrap(),
            Acquired::Fresh
        );
        assert_eq!(
            lease::acquire(&mut tx, e, id, 1, "b", now, later).await.unwrap(),
            Acquired::No
        );
        assert!(
            !lease::store_refreshed(&mut tx, e, id, "b", &fresh).await.unwrap(),
            "not the holder"
        );
        assert!(lease::store_refreshed(&mut tx, e, id, "a", &fresh).await.unwrap());
        assert!(
            !lease::store_refreshed(&mut tx, e, id, "a", &fresh).await.unwrap(),
            "the lease ended with the write"
        );
        let row = table::find_by_id(&mut tx, e, id).await.unwrap().unwrap();
        assert_eq!(
            (
                row.credentials.as_slice(),
                row.connection_config.as_slice(),
                row.version
            ),
            (&b"new"[..], &b"config"[..], 2)
        );

        assert_eq!(
            lease::acquire(&mut tx, e, id, 2, "dead", now, now).await.unwrap(),
            Acquired::Fresh
        );
        let after = now.plus(Duration::from_secs(1));
        assert!(lease::extend(&mut tx, e, id, "dead", later).await.unwrap());
        assert!(
            !lease::extend(&mut tx, e, id, "b", later).await.unwrap(),
            "not the holder"
        );
        assert_eq!(
            lease::acquire(&mut tx, e, id, 2, "b", after, later).await.unwrap(),
            Acquired::No,
            "the lease was prolonged"
        );
        assert_eq!(lease::end_all(&mut tx, after).await.unwrap(), 1);
        assert_eq!(
            lease::acquire(&mut tx, e, id, 2, "b", after, later).await.unwrap(),
            Acquired::AfterLost
        );
        assert!(!lease::store_refreshed(&mut tx, e, id, "dead", &fresh).await.unwrap());
        assert!(
            lease::store_failure(&mut tx, e, id, "b", 3, true, "invalid_grant", after)
                .await
                .unwrap()
        );
        let state = table::find_by_id(&mut tx, e, id).await.unwrap().unwrap().refresh;
        assert_eq!(
            (
                state.failures,
                state.exhausted,
                state.error.as_deref(),
                state.lease_holder
            ),
            (3, true, Some("invalid_grant"), None)
        );

        assert_eq!(
            lease::acquire(&mut tx, e, id, 3, "c", after, later).await.unwrap(),
            Acquired::Fresh
        );
        table::overwrite(&mut tx, e, id, &input("{}", None, after))
            .await
            .unwrap();
        assert!(
            !lease::store_refreshed(&mut tx, e, id, "c", &fresh).await.unwrap(),
            "authorised again meanwhile"
        );
        let state = table::find_by_id(&mut tx, e, id).await.unwrap().unwrap().refresh;
        assert_eq!(
            (state.failures, state.exhausted, state.failed_at),
            (0, false, None),
            "an authorisation starts over"
        );
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn errors_are_one_per_kind_and_subject() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "hub").await;
        let (one, other) = (
            connection(&store, e, i, "c-1", "{}", None, 0).await,
            connection(&store, e, i, "c-2", "{}", None, 0).await,
        );
        let mut tx = store.begin().await.unwrap();
        errors::set(&mut tx, e, one, "auth", "", "log-1", start())
            .await
            .unwrap();
        errors::set(&mut tx, e, one, "auth", "", "log-2", start())
            .await
            .unwrap();
        errors::set(
            &mut tx,
            e,
            one,
            "sync",
            "contacts::base",
            "log-3",
            start().plus(Duration::from_secs(1)),
        )
        .await
        .unwrap();
        errors::set(&mut tx, e, other, "auth", "", "log-4", start())
            .await
            .unwrap();
        let found = errors::list(&mut tx, e, &[one, other]).await.unwrap();
        let shown: Vec<(&str, &str)> = found[&one]
            .iter()
            .map(|row| (row.kind.as_str(), row.log_id.as_str()))
            .collect();
        assert_eq!(shown, [("auth", "log-2"), ("sync", "log-3")]);
        assert!(errors::clear(&mut tx, e, one, "auth", "").await.unwrap());
        assert!(!errors::clear(&mut tx, e, one, "auth", "").await.unwrap());
        assert!(
            errors::list(&mut tx, EnvironmentId(e.0 + 1), &[other])
                .await
                .unwrap()
                .is_empty()
        );
        table::erase(&mut tx, e, one).await.unwrap();
        assert!(table::find_by_id(&mut tx, e, one).await.unwrap().is_none());
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn idle_connections_are_those_that_nobody_fetched() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "hub").await;
        let idle = connection(&store, e, i, "idle", "{}", None, 0).await;
        let used = connection(&store, e, i, "used", "{}", None, 0).await;
        let mut tx = store.begin().await.unwrap();
        table::touch_fetched(&mut tx, e, used, start().plus(Duration::from_secs(10)))
            .await
            .unwrap();
        let rows = table::list_idle(&mut tx, start().plus(Duration::from_secs(5)), ConnectionId(0), 10)
            .await
            .unwrap();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [idle]);
        assert!(
            table::list_idle(&mut tx, start().plus(Duration::from_secs(5)), idle, 10)
                .await
                .unwrap()
                .is_empty()
        );
        tx.commit().await.unwrap();
    }
}
