use std::time::Duration;

use tenon_model::EnvironmentId;
use tenon_store::tables::function_jobs::{self as table, FunctionJobRow};
use uuid::Uuid;

use crate::support::{environment, start, stores};

#[tokio::test]
async fn a_job_ends_once_and_is_seen_by_its_owner_only() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let id = Uuid::from_u128(7);
        let row = FunctionJobRow {
            id,
            environment_id: e,
            kind: "dryrun".to_owned(),
            integration: "crm".to_owned(),
            function: String::new(),
            function_type: "sync".to_owned(),
            state: String::new(),
            result: None,
            created_at: start(),
            started_at: None,
            ended_at: None,
        };
        let mut tx = store.begin().await.unwrap();
        table::insert(&mut tx, &row).await.unwrap();
        let waiting = table::find(&mut tx, e, "dryrun", id).await.unwrap().unwrap();
        assert_eq!((waiting.state.as_str(), waiting.started_at), ("waiting", None));
        assert!(table::find(&mut tx, e, "deployment", id).await.unwrap().is_none());
        let other = EnvironmentId(e.0 + 1);
        assert!(table::find(&mut tx, other, "dryrun", id).await.unwrap().is_none());
        table::begin(&mut tx, e, id, start()).await.unwrap();
        let running = table::find(&mut tx, e, "dryrun", id).await.unwrap().unwrap();
        assert_eq!((running.state.as_str(), running.started_at), ("running", Some(start())));
        assert!(
            !table::finish(&mut tx, other, id, "failed", b"no", start())
                .await
                .unwrap()
        );
        assert!(table::finish(&mut tx, e, id, "success", b"out", start()).await.unwrap());
        assert!(!table::finish(&mut tx, e, id, "failed", b"late", start()).await.unwrap());
        table::begin(&mut tx, e, id, start()).await.unwrap();
        let ended = table::find(&mut tx, e, "dryrun", id).await.unwrap().unwrap();
        assert_eq!(
            (ended.state.as_str(), ended.result.as_deref()),
            ("success", Some(&b"out"[..]))
        );
        assert_eq!(table::prune(&mut tx, start(), 10).await.unwrap(), 0);
        let later = start().plus(Duration::from_secs(1));
        assert_eq!(table::prune(&mut tx, later, 10).await.unwrap(), 1);
        tx.commit().await.unwrap();
    }
}
