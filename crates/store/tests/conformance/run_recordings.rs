use std::time::Duration;

use tenon_model::EnvironmentId;
use tenon_store::tables::run_recordings::{self as table, RunRecordingRow};

use crate::support::{environment, start, stores};

#[tokio::test]
async fn recordings_are_their_owners_and_the_newest_stay() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let row = |id: i64, seconds: u64| RunRecordingRow {
            operation_id: id,
            environment_id: e,
            kept_for: "failure".to_owned(),
            payload: vec![0, 255, id as u8],
            created_at: start().plus(Duration::from_secs(seconds)),
        };
        let mut tx = store.begin().await.unwrap();
        for (id, seconds) in [(11, 3), (12, 1), (13, 2)] {
            table::put(&mut tx, &row(id, seconds)).await.unwrap();
        }
        assert_eq!(table::find(&mut tx, e, 12).await.unwrap(), Some(row(12, 1)));
        let other = EnvironmentId(e.0 + 1);
        assert_eq!(table::find(&mut tx, other, 12).await.unwrap(), None);
        // The second attempt of a run takes the place of the first.
        table::put(
            &mut tx,
            &RunRecordingRow {
                kept_for: "rate".to_owned(),
                ..row(12, 4)
            },
        )
        .await
        .unwrap();
        assert_eq!(table::find(&mut tx, e, 12).await.unwrap().unwrap().kept_for, "rate");
        assert_eq!(table::keep_newest(&mut tx, other, 0).await.unwrap(), 0);
        assert_eq!(table::keep_newest(&mut tx, e, 2).await.unwrap(), 1);
        assert_eq!(table::find(&mut tx, e, 13).await.unwrap(), None);
        let late = start().plus(Duration::from_secs(4));
        assert_eq!(table::prune(&mut tx, late, 10).await.unwrap(), 1);
        assert!(table::find(&mut tx, e, 12).await.unwrap().is_some());
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn all_recordings_together_have_a_size_and_the_oldest_go() {
    for store in stores().await {
        let environments = [environment(&store, "dev").await, environment(&store, "prod").await];
        let mut tx = store.begin().await.unwrap();
        for (id, bytes) in [(1, 3_000), (2, 10), (3, 5_000), (4, 2_000)] {
            let row = RunRecordingRow {
                operation_id: id,
                environment_id: environments[id as usize % 2],
                kept_for: "failure".to_owned(),
                payload: vec![id as u8; bytes],
                created_at: start().plus(Duration::from_secs(id.unsigned_abs())),
            };
            table::put(&mut tx, &row).await.unwrap();
        }
        assert_eq!(table::keep_within(&mut tx, 10_010).await.unwrap(), 0);
        assert_eq!(table::keep_within(&mut tx, 10_009).await.unwrap(), 1);
        // The newest that fit stay, whosever they are; nothing older is kept beside them.
        assert_eq!(table::keep_within(&mut tx, 7_009).await.unwrap(), 1);
        assert!(table::find(&mut tx, environments[1], 3).await.unwrap().is_some());
        assert_eq!(table::keep_within(&mut tx, 6_999).await.unwrap(), 1);
        assert!(table::find(&mut tx, environments[0], 4).await.unwrap().is_some());
        assert_eq!(table::keep_within(&mut tx, 1_999).await.unwrap(), 1);
        assert_eq!(table::keep_within(&mut tx, 0).await.unwrap(), 0);
        tx.commit().await.unwrap();
    }
}
