use std::time::Duration;

use tenon_model::{ConnectionId, EnvironmentId, FunctionId};
use tenon_store::tables::async_actions::{self as table, AsyncActionRow};
use uuid::Uuid;

use crate::support::{environment, start, stores};

#[tokio::test]
async fn an_action_ends_once() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let id = Uuid::from_u128(5);
        let row = AsyncActionRow {
            id,
            environment_id: e,
            connection_id: ConnectionId(1),
            function_id: FunctionId(1),
            input: Some(b"sealed".to_vec()),
            retries_max: 2,
            attempts: 0,
            state: String::new(),
            result: None,
            operation_id: "op".to_owned(),
            created_at: start(),
        };
        let mut tx = store.begin().await.unwrap();
        table::insert(&mut tx, &row).await.unwrap();
        assert!(table::begin_attempt(&mut tx, e, id).await.unwrap());
        assert!(!table::begin_attempt(&mut tx, EnvironmentId(e.0 + 1), id).await.unwrap());
        let open = table::find(&mut tx, e, id).await.unwrap().unwrap();
        assert_eq!(
            (open.state.as_str(), open.attempts, open.input.is_some()),
            ("running", 1, true)
        );
        assert!(table::finish(&mut tx, e, id, "success", b"out", start()).await.unwrap());
        assert!(!table::finish(&mut tx, e, id, "failed", b"late", start()).await.unwrap());
        assert!(!table::begin_attempt(&mut tx, e, id).await.unwrap());
        let ended = table::find(&mut tx, e, id).await.unwrap().unwrap();
        assert_eq!((ended.result.as_deref(), ended.input), (Some(&b"out"[..]), None));
        assert_eq!(table::prune(&mut tx, start(), 10).await.unwrap(), 0);
        assert_eq!(
            table::prune(&mut tx, start().plus(Duration::from_secs(1)), 10)
                .await
                .unwrap(),
            1
        );
        tx.commit().await.unwrap();
    }
}
