use std::time::Duration;

use tenon_model::Timestamp;
use tenon_store::tables::schedules::{self, ScheduleRow};
use tenon_store::tables::tasks::claim::{Turns, Wanted, claim};
use tenon_store::tables::tasks::{self, Cancelled, TaskInput, TaskRow, lease};
use tenon_store::{Store, Tx};

use crate::support::{start, stores};

fn task<'a>(group: &'a str, unique: Option<&'a str>, run_at: Timestamp) -> TaskInput<'a> {
    TaskInput {
        kind: "k",
        environment_id: 1,
        group_key: group,
        unique_key: unique,
        priority: 0,
        payload: "{}",
        run_at,
        failures_max: 2,
    }
}

fn wanted(slots: usize, holder: &str, now: Timestamp) -> Wanted<'_> {
    let lease_until = now.plus(Duration::from_secs(30));
    Wanted {
        kind: "k",
        slots,
        group_limit: None,
        holder,
        lease_until,
        now,
    }
}

async fn take(tx: &mut Tx, slots: usize, holder: &str, now: Timestamp) -> Vec<TaskRow> {
    claim(tx, wanted(slots, holder, now), &mut Turns::default())
        .await
        .unwrap()
}

async fn begin(store: &Store) -> Tx {
    store.begin().await.unwrap()
}

#[tokio::test]
async fn a_task_is_delayed_then_ready_then_held() {
    for store in stores().await {
        let mut tx = begin(&store).await;
        let later = start().plus(Duration::from_secs(60));
        let id = tasks::insert(&mut tx, &task("g", None, later), start())
            .await
            .unwrap()
            .unwrap();
        assert!(take(&mut tx, 5, "a", start()).await.is_empty());
        assert_eq!(tasks::next_due(&mut tx).await.unwrap(), Some(later));
        assert!(tasks::promote(&mut tx, start(), 10).await.unwrap().is_empty());
        assert_eq!(tasks::promote(&mut tx, later, 10).await.unwrap(), ["k"]);
        assert_eq!(tasks::ready_kinds(&mut tx).await.unwrap(), ["k"]);
        let held = take(&mut tx, 5, "a", later).await;
        assert_eq!(held.iter().map(|row| row.id).collect::<Vec<_>>(), [id]);
        assert!(take(&mut tx, 5, "b", later).await.is_empty());
        // Only the holder settles.
        assert!(!lease::finish(&mut tx, id, "b").await.unwrap());
        assert!(lease::finish(&mut tx, id, "a").await.unwrap());
        assert_eq!(tasks::find(&mut tx, id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn leases_run_out_and_are_rescued() {
    for store in stores().await {
        let mut tx = begin(&store).await;
        for key in ["one", "two"] {
            tasks::insert(&mut tx, &task("g", Some(key), start()), start())
                .await
                .unwrap();
        }
        assert_eq!(take(&mut tx, 2, "a", start()).await.len(), 2);
        assert_eq!(
            tasks::cancel(&mut tx, "k", "two", start()).await.unwrap(),
            Cancelled::Told
        );
        let beats = lease::beat(&mut tx, "a", start().plus(Duration::from_secs(40)))
            .await
            .unwrap();
        assert_eq!(beats.iter().filter(|beat| beat.cancelled).count(), 1);
        let late = start().plus(Duration::from_secs(35));
        assert!(lease::rescue(&mut tx, late, None).await.unwrap().is_empty());
        let too_late = start().plus(Duration::from_secs(41));
        assert_eq!(lease::rescue(&mut tx, too_late, None).await.unwrap(), ["k"]);
        // What somebody wanted to stop is not started again.
        let again = take(&mut tx, 5, "b", too_late).await;
        assert_eq!((again.len(), again[0].rescues), (1, 1));
        // Another process than this one cannot exist: everything that is not ours is free.
        assert_eq!(lease::rescue(&mut tx, too_late, Some("c")).await.unwrap(), ["k"]);
        assert!(lease::rescue(&mut tx, too_late, Some("c")).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn unique_keys_bind_unfinished_tasks_only() {
    for store in stores().await {
        let mut tx = begin(&store).await;
        let one = task("g", Some("key"), start());
        let id = tasks::insert(&mut tx, &one, start()).await.unwrap().unwrap();
        assert_eq!(tasks::insert(&mut tx, &one, start()).await.unwrap(), None);
        assert_eq!(
            tasks::find_unfinished(&mut tx, "k", "key").await.unwrap().unwrap().id,
            id
        );
        take(&mut tx, 1, "a", start()).await;
        assert!(lease::give_up(&mut tx, id, "a", "broken", start()).await.unwrap());
        assert!(tasks::insert(&mut tx, &one, start()).await.unwrap().is_some());
        let failed = tasks::list_failed(&mut tx, 1, 10).await.unwrap();
        assert_eq!(failed[0].error.as_deref(), Some("broken"));
        let old = start().plus(Duration::from_secs(1));
        assert_eq!(tasks::forget_failed(&mut tx, old, 10).await.unwrap(), 1);
        assert_eq!(
            tasks::count(&mut tx).await.unwrap(),
            [("k".to_owned(), "ready".to_owned(), 1)]
        );
    }
}

#[tokio::test]
async fn a_group_limit_counts_what_runs() {
    for store in stores().await {
        let mut tx = begin(&store).await;
        for _ in 0..5 {
            tasks::insert(&mut tx, &task("g", None, start()), start())
                .await
                .unwrap();
            tasks::insert(&mut tx, &task("h", None, start()), start())
                .await
                .unwrap();
        }
        let limited = Wanted {
            group_limit: Some(2),
            ..wanted(10, "a", start())
        };
        let mut turns = Turns::default();
        assert_eq!(claim(&mut tx, limited, &mut turns).await.unwrap().len(), 4);
        assert!(claim(&mut tx, limited, &mut turns).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn schedules_are_taken_once_per_tick() {
    for store in stores().await {
        let mut tx = begin(&store).await;
        let schedule = ScheduleRow {
            key: "s".to_owned(),
            environment_id: 1,
            kind: "k".to_owned(),
            group_key: "g".to_owned(),
            payload: "{}".to_owned(),
            interval: Duration::from_secs(60),
            starts_at: start(),
            next_at: start(),
            paused: false,
        };
        schedules::upsert(&mut tx, &schedule, start()).await.unwrap();
        assert_eq!(schedules::next_due(&mut tx).await.unwrap(), Some(start()));
        let now = start().plus(Duration::from_secs(130));
        assert_eq!(schedules::take_due(&mut tx, now, 10).await.unwrap().len(), 1);
        assert!(schedules::take_due(&mut tx, now, 10).await.unwrap().is_empty());
        let next = start().plus(Duration::from_secs(180));
        assert_eq!(schedules::find(&mut tx, "s").await.unwrap().unwrap().next_at, next);
        // Paused schedules keep their place.
        schedules::set_paused(&mut tx, "s", true, now).await.unwrap();
        assert_eq!(schedules::next_due(&mut tx).await.unwrap(), None);
        schedules::set_interval(&mut tx, "s", Duration::from_secs(100), now)
            .await
            .unwrap();
        let next = start().plus(Duration::from_secs(200));
        assert_eq!(schedules::find(&mut tx, "s").await.unwrap().unwrap().next_at, next);
        assert!(schedules::delete(&mut tx, "s").await.unwrap());
    }
}

#[tokio::test]
async fn work_of_the_installation_itself_is_claimed_and_takes_turns() {
    for store in stores().await {
        let mut tx = begin(&store).await;
        let own = TaskInput {
            environment_id: 0,
            ..task("", Some("tidy"), start())
        };
        tasks::insert(&mut tx, &own, start()).await.unwrap();
        let alone = take(&mut tx, 5, "a", start()).await;
        assert_eq!(alone.iter().map(|row| row.environment_id).collect::<Vec<_>>(), [0]);
        assert!(lease::finish(&mut tx, alone[0].id, "a").await.unwrap());
        for environment_id in [0, 0, 1, 1] {
            let one = TaskInput {
                environment_id,
                ..task("", None, start())
            };
            tasks::insert(&mut tx, &one, start()).await.unwrap();
        }
        let mut turns = Turns::default();
        let mut order = Vec::new();
        for _ in 0..4 {
            let held = claim(&mut tx, wanted(1, "a", start()), &mut turns).await.unwrap();
            order.extend(held.iter().map(|row| row.environment_id));
        }
        assert_eq!(order, [1, 0, 1, 0]);
    }
}
