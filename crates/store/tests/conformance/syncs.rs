use std::time::Duration;

use tenon_model::{ConnectionId, EnvironmentId, FunctionId, IntegrationId, OperationId, Rng, SyncId, SystemRng};
use tenon_store::tables::connections::{self, ConnectionInput};
use tenon_store::tables::runs::{self, Progress, RunInput};
use tenon_store::tables::syncs::{self, SyncFilter, SyncRow};
use tenon_store::tables::{checkpoints, locks};
use tenon_store::{Store, Tx};

use crate::support::{environment, integration, start, stores};

async fn connection(tx: &mut Tx, e: EnvironmentId, i: IntegrationId, id: &str) -> ConnectionId {
    let input = ConnectionInput {
        credentials_type: "NONE",
        expires_at: None,
        metadata: "{}",
        tags: "{}",
        webhook_url_override: None,
        end_user: None,
        last_fetched_at: None,
        now: start(),
    };
    connections::insert(tx, e, i, id, &input).await.unwrap()
}

fn sync(e: EnvironmentId, connection: ConnectionId, variant: &str) -> SyncRow {
    SyncRow {
        id: SyncId(SystemRng::default().uuid_v4()),
        environment_id: e,
        connection_id: connection,
        function_id: FunctionId(7),
        name: "contacts".to_owned(),
        variant: variant.to_owned(),
        frequency: None,
        last_sync_at: None,
        last_run_id: None,
        idle_attempts: 0,
        stalled_at: None,
    }
}

async fn scene(store: &Store) -> (Tx, EnvironmentId, IntegrationId, ConnectionId) {
    let e = environment(store, "dev").await;
    let i = integration(store, e, "crm").await;
    let mut tx = store.begin().await.unwrap();
    let c = connection(&mut tx, e, i, "ada").await;
    (tx, e, i, c)
}

#[tokio::test]
async fn syncs_of_a_function_are_read_in_pages() {
    for store in stores().await {
        let (mut tx, e, i, c) = scene(&store).await;
        let mut ids = Vec::new();
        for number in 0..5 {
            let row = sync(e, c, &format!("v{number}"));
            assert!(syncs::insert(&mut tx, &row, start()).await.unwrap());
            ids.push(row.id);
        }
        let other = connection(&mut tx, e, i, "bob").await;
        let mut foreign = sync(e, other, "base");
        foreign.function_id = FunctionId(8);
        syncs::insert(&mut tx, &foreign, start()).await.unwrap();
        syncs::delete(&mut tx, ids.remove(0), start()).await.unwrap();
        let (mut after, mut found, mut pages) = (SyncId(Default::default()), Vec::new(), 0);
        loop {
            let page = syncs::page_of_function(&mut tx, e, FunctionId(7), after, 3)
                .await
                .unwrap();
            let Some(last) = page.last() else { break };
            after = last.id;
            pages += 1;
            found.extend(page.iter().map(|row| row.id.0));
        }
        let mut expected: Vec<_> = ids.iter().map(|id| id.0).collect();
        expected.sort_unstable();
        assert_eq!((found, pages), (expected, 2));
        tx.commit().await.unwrap();
    }
}

#[tokio::test]
async fn a_connection_has_each_sync_once() {
    for store in stores().await {
        let (mut tx, e, i, c) = scene(&store).await;
        let other = connection(&mut tx, e, i, "bob").await;
        let base = sync(e, c, "base");
        assert!(syncs::insert(&mut tx, &base, start()).await.unwrap());
        assert!(!syncs::insert(&mut tx, &sync(e, c, "base"), start()).await.unwrap());
        assert!(syncs::insert(&mut tx, &sync(e, c, "eu"), start()).await.unwrap());
        assert_eq!(syncs::count_variants(&mut tx, c, FunctionId(7)).await.unwrap(), 2);
        assert_eq!(
            syncs::list_lacking(&mut tx, e, i, FunctionId(7), 10).await.unwrap(),
            [other]
        );
        let all = syncs::list(&mut tx, e, i, &SyncFilter::default(), 10).await.unwrap();
        assert_eq!(
            (all.len(), all[0].connection.as_str(), all[0].schedule),
            (2, "ada", None)
        );
        let named = SyncFilter {
            connection: Some(other),
            names: Some(vec!["contacts".to_owned()]),
        };
        assert!(syncs::list(&mut tx, e, i, &named, 10).await.unwrap().is_empty());
        // One environment never sees another's.
        assert!(
            syncs::find(&mut tx, EnvironmentId(e.0 + 1), base.id)
                .await
                .unwrap()
                .is_none()
        );
        assert!(syncs::delete(&mut tx, base.id, start()).await.unwrap());
        assert!(syncs::insert(&mut tx, &sync(e, c, "base"), start()).await.unwrap());
    }
}

#[tokio::test]
async fn only_the_present_attempt_writes() {
    for store in stores().await {
        let (mut tx, e, _, c) = scene(&store).await;
        let sync = sync(e, c, "base");
        syncs::insert(&mut tx, &sync, start()).await.unwrap();
        let operation = OperationId("op".to_owned());
        let input = RunInput {
            environment_id: e,
            connection_id: c,
            sync_id: sync.id,
            kind: "sync",
            r#type: "INITIAL",
            empty_cache: false,
            operation_id: &operation,
        };
        let run = runs::insert(&mut tx, &input, start()).await.unwrap();
        let progress = Progress {
            results: "{\"A\":1}",
            checkpoints: None,
            changes: 3,
        };
        assert!(runs::advance(&mut tx, run.id, 1, progress, start()).await.unwrap());
        let taken = runs::take_over(&mut tx, run.id, start()).await.unwrap().unwrap();
        assert_eq!((taken.attempt, taken.progress, taken.attempt_progress), (2, 3, 3));
        assert!(!runs::advance(&mut tx, run.id, 1, progress, start()).await.unwrap());
        assert!(
            !runs::finish(&mut tx, run.id, Some(1), "SUCCESS", None, None, start())
                .await
                .unwrap()
        );
        assert_eq!(runs::find_open(&mut tx, sync.id).await.unwrap().unwrap().id, run.id);
        assert_eq!(runs::oldest_open(&mut tx, c).await.unwrap(), Some(run.id));
        assert!(
            runs::finish(&mut tx, run.id, Some(2), "SUCCESS", None, None, start())
                .await
                .unwrap()
        );
        assert!(!runs::advance(&mut tx, run.id, 2, progress, start()).await.unwrap());
        assert_eq!(runs::take_over(&mut tx, run.id, start()).await.unwrap(), None);
        // The newest run of a sync stays.
        syncs::set_last_run(&mut tx, sync.id, run.id).await.unwrap();
        let later = start().plus(Duration::from_secs(1));
        assert_eq!(runs::forget(&mut tx, later, 10).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn checkpoints_are_written_against_a_version() {
    for store in stores().await {
        let (mut tx, e, _, c) = scene(&store).await;
        assert_eq!(checkpoints::find(&mut tx, c, "k").await.unwrap().version, 0);
        let put = async |tx: &mut Tx, key: &str, version, value| {
            checkpoints::write(tx, e, c, key, version, value, start())
                .await
                .unwrap()
        };
        assert_eq!(put(&mut tx, "k", 0, Some("{}")).await, Some(1));
        assert_eq!(put(&mut tx, "k", 0, Some("{}")).await, None);
        assert_eq!(put(&mut tx, "k", 1, Some("{\"a\":1}")).await, Some(2));
        assert_eq!(put(&mut tx, "k:mark", 0, Some("{}")).await, Some(1));
        assert_eq!(put(&mut tx, "kk", 0, Some("{}")).await, Some(1));
        checkpoints::clear(&mut tx, c, "k", start()).await.unwrap();
        // Versions go on after a reset, so a sleeping writer is refused.
        assert_eq!(put(&mut tx, "k", 2, Some("{}")).await, None);
        assert_eq!(checkpoints::find(&mut tx, c, "k").await.unwrap().value, None);
        assert_eq!(checkpoints::find(&mut tx, c, "k:mark").await.unwrap().value, None);
        assert!(checkpoints::find(&mut tx, c, "kk").await.unwrap().value.is_some());
        assert_eq!(put(&mut tx, "k", 3, Some("{}")).await, Some(4));
        assert_eq!(checkpoints::list_marks(&mut tx, c, "k").await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_lock_has_one_owner_until_it_runs_out() {
    for store in stores().await {
        let (mut tx, e, ..) = scene(&store).await;
        let minute = |n: u64| start().plus(Duration::from_secs(60 * n));
        assert!(locks::acquire(&mut tx, e, "k", "a", minute(1), start()).await.unwrap());
        assert!(!locks::acquire(&mut tx, e, "k", "b", minute(1), start()).await.unwrap());
        assert!(locks::acquire(&mut tx, e, "k", "a", minute(2), start()).await.unwrap());
        assert!(
            !locks::acquire(&mut tx, e, "k", "b", minute(3), minute(1))
                .await
                .unwrap()
        );
        assert!(
            locks::acquire(&mut tx, e, "k", "b", minute(3), minute(2))
                .await
                .unwrap()
        );
        assert!(!locks::release(&mut tx, e, "k", "a").await.unwrap());
        assert_eq!(locks::release_all(&mut tx, e, "b").await.unwrap(), 1);
    }
}
