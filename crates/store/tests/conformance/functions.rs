use std::time::Duration;

use tenon_model::{EnvironmentId, FunctionId, IntegrationId};
use tenon_store::tables::deployments::{self, DeploymentRow};
use tenon_store::tables::functions::{self as table, FunctionFilter, FunctionInput};
use tenon_store::{Store, Tx};
use uuid::Uuid;

use crate::support::{environment, integration, start, stores};

fn input<'a>(kind: &'a str, name: &'a str, event: &'a str, version: &'a str, hash: &'a str) -> FunctionInput<'a> {
    FunctionInput {
        kind,
        name,
        event,
        source: "repo",
        version,
        hash,
        definition: "{}",
        now: start(),
    }
}

async fn put(tx: &mut Tx, e: EnvironmentId, i: IntegrationId, function: &FunctionInput<'_>) -> FunctionId {
    table::put_bundle(tx, e, function.hash, b"js", b"ts", function.now)
        .await
        .unwrap();
    table::upsert(tx, e, i, function).await.unwrap()
}

async fn names(store: &Store, e: EnvironmentId, filter: FunctionFilter<'_>) -> Vec<String> {
    let mut conn = store.read().await.unwrap();
    let rows = table::list(&mut conn, e, filter, 0, 100).await.unwrap();
    assert_eq!(table::count(&mut conn, e, filter).await.unwrap(), rows.len() as i64);
    rows.into_iter().map(|row| row.name).collect()
}

#[tokio::test]
async fn a_deploy_replaces_in_place_and_keeps_history() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "acme").await;
        let mut tx = store.begin().await.unwrap();
        let first = put(&mut tx, e, i, &input("action", "echo", "", "1", "h1")).await;
        assert!(table::set_enabled(&mut tx, e, first, false, start()).await.unwrap());
        let again = put(&mut tx, e, i, &input("action", "echo", "", "2", "h2")).await;
        let other = put(&mut tx, e, i, &input("sync", "echo", "", "1", "h2")).await;
        tx.commit().await.unwrap();
        assert_eq!(first, again);
        assert_ne!(first, other);

        let mut conn = store.read().await.unwrap();
        let row = table::find_by_id(&mut conn, e, first).await.unwrap().unwrap();
        assert_eq!(
            (row.version.as_str(), row.hash.as_str(), row.enabled),
            ("2", "h2", false)
        );
        assert_eq!((row.unique_key.as_str(), row.provider.as_str()), ("acme", "acme"));
        let versions = table::list_versions(&mut conn, e, first).await.unwrap();
        assert_eq!(
            versions
                .iter()
                .map(|(version, ..)| version.as_str())
                .collect::<Vec<_>>(),
            ["2", "1"]
        );
        assert_eq!(table::find_js(&mut conn, e, "h1").await.unwrap().unwrap(), b"js");
        assert_eq!(table::find_ts(&mut conn, e, "nope").await.unwrap(), None);
        let kinds: Vec<String> = table::list_named(&mut conn, e, i, "echo")
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.kind)
            .collect();
        assert_eq!(kinds, ["action", "sync"]);
    }
}

#[tokio::test]
async fn lists_are_filtered_ordered_and_scoped() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let elsewhere = environment(&store, "prod").await;
        let (i, other) = (
            integration(&store, e, "acme").await,
            integration(&store, e, "beta").await,
        );
        let foreign = integration(&store, elsewhere, "acme").await;
        let mut tx = store.begin().await.unwrap();
        for (kind, name, event) in [
            ("sync", "b_list", ""),
            ("sync", "a-list", ""),
            ("action", "Zed", ""),
            ("action", "any", ""),
            ("on-event", "check", "validate-connection"),
        ] {
            put(&mut tx, e, i, &input(kind, name, event, "1", "h")).await;
        }
        put(&mut tx, e, other, &input("action", "beta", "", "1", "h")).await;
        put(&mut tx, elsewhere, foreign, &input("action", "foreign", "", "1", "h")).await;
        tx.commit().await.unwrap();

        let of = |kind, search| FunctionFilter {
            integration: Some(i),
            kind,
            search,
        };
        assert_eq!(
            names(&store, e, of(None, None)).await,
            ["Zed", "any", "check", "a-list", "b_list"]
        );
        assert_eq!(names(&store, e, of(Some("sync"), None)).await, ["a-list", "b_list"]);
        assert_eq!(names(&store, e, of(None, Some("LIST"))).await, ["a-list", "b_list"]);
        assert_eq!(names(&store, e, of(None, Some("b_"))).await, ["b_list"]);
        assert_eq!(names(&store, e, of(None, Some("%"))).await, Vec::<String>::new());
        assert_eq!(names(&store, e, FunctionFilter::default()).await.len(), 6);
        assert_eq!(names(&store, elsewhere, FunctionFilter::default()).await, ["foreign"]);
    }
}

#[tokio::test]
async fn removed_functions_are_gone_and_may_come_back() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "acme").await;
        let mut tx = store.begin().await.unwrap();
        let first = put(&mut tx, e, i, &input("action", "echo", "", "1", "h1")).await;
        assert_eq!(table::delete(&mut tx, e, &[first], start()).await.unwrap(), 1);
        assert_eq!(table::delete(&mut tx, e, &[first], start()).await.unwrap(), 0);
        assert!(table::find_by_id(&mut tx, e, first).await.unwrap().is_none());
        let second = put(&mut tx, e, i, &input("action", "echo", "", "1", "h1")).await;
        assert_ne!(first, second);
        assert_eq!(table::delete_of_integration(&mut tx, e, i, start()).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn old_versions_and_their_code_are_forgotten() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "acme").await;
        let mut tx = store.begin().await.unwrap();
        let mut id = FunctionId(0);
        for number in 0..60 {
            let (version, hash) = (number.to_string(), format!("h{number}"));
            id = put(&mut tx, e, i, &input("action", "echo", "", &version, &hash)).await;
        }
        let versions = table::list_versions(&mut tx, e, id).await.unwrap();
        assert_eq!(
            (versions.len(), versions[0].0.as_str(), versions[49].0.as_str()),
            (50, "59", "10")
        );
        assert_eq!(table::sweep_bundles(&mut tx, e).await.unwrap(), 10);
        assert!(table::find_js(&mut tx, e, "h10").await.unwrap().is_some());
        assert!(table::find_js(&mut tx, e, "h9").await.unwrap().is_none());
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn deploys_keep_each_other_out_and_are_listed() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let mut tx = store.begin().await.unwrap();
        assert!(deployments::try_lock(&mut tx, e).await.unwrap());
        for number in 0..2_u128 {
            let row = DeploymentRow {
                id: Uuid::from_u128(number),
                environment_id: e,
                mode: "all".to_owned(),
                source: "repo".to_owned(),
                sdk_version: None,
                deployed: "[]".to_owned(),
                removed: "[]".to_owned(),
                operation_id: Some("op".to_owned()),
                created_at: start().plus(Duration::from_secs(number as u64)),
            };
            deployments::insert(&mut tx, &row).await.unwrap();
        }
        tx.commit().await.unwrap();
        let mut conn = store.read().await.unwrap();
        let ids: Vec<Uuid> = deployments::list(&mut conn, e, 10)
            .await
            .unwrap()
            .into_iter()
            .map(|row| row.id)
            .collect();
        assert_eq!(ids, [Uuid::from_u128(1), Uuid::from_u128(0)]);
    }
}
