//! What the queue promises: nothing lost, nobody starved, limits kept, leases rescued.

mod common;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{clock, on_each};
use tenon_model::EnvironmentId;
use tenon_queue::{
    Enqueued, Handler, Limits, NewTask, Queue, QueueConfig, StopReason, Task, Verdict, cancel, enqueue, schedules,
};
use tenon_store::tables::tasks::{self, Cancelled};
use tenon_store::{Store, params};

/// Notes what ran and answers what it is told.
struct Notes {
    kind: &'static str,
    limits: Limits,
    work: Duration,
    log: Arc<Mutex<Vec<String>>>,
    active: Mutex<HashMap<String, usize>>,
    most: AtomicUsize,
    verdict: Box<dyn Fn(&Task) -> Verdict + Send + Sync>,
}

type Log = Arc<Mutex<Vec<String>>>;

fn notes(limits: Limits, work: Duration, verdict: impl Fn(&Task) -> Verdict + Send + Sync + 'static) -> (Notes, Log) {
    let log = Log::default();
    let notes = Notes {
        kind: "note",
        limits,
        work,
        log: Arc::clone(&log),
        active: Mutex::default(),
        most: AtomicUsize::new(0),
        verdict: Box::new(verdict),
    };
    (notes, log)
}

#[async_trait::async_trait]
impl Handler for Notes {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn limits(&self) -> Limits {
        self.limits
    }

    async fn run(&self, task: &Task) -> Verdict {
        {
            let mut active = self.active.lock().unwrap();
            let count = active.entry(task.group().to_owned()).or_default();
            *count += 1;
            self.most.fetch_max(*count, Ordering::SeqCst);
        }
        self.log.lock().unwrap().push(task.payload().to_owned());
        tokio::select! {
            () = tokio::time::sleep(self.work) => {}
            () = task.stop_token().cancelled() => {}
        }
        *self.active.lock().unwrap().get_mut(task.group()).unwrap() -= 1;
        (self.verdict)(task)
    }
}

fn config(name: &str) -> QueueConfig {
    QueueConfig {
        lease: Duration::from_millis(600),
        grace: Duration::from_millis(200),
        ..QueueConfig::new(name)
    }
}

async fn add(store: &Store, tasks: impl IntoIterator<Item = NewTask>) -> Vec<Enqueued> {
    let mut tx = store.begin().await.unwrap();
    let mut added = Vec::new();
    for task in tasks {
        added.push(enqueue(&mut tx, &task, clock().now()).await.unwrap());
    }
    tx.commit().await.unwrap();
    added
}

async fn until(what: &str, mut check: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if check() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never came true: {what}");
}

async fn count(store: &Store) -> i64 {
    let mut conn = store.read().await.unwrap();
    conn.query_one("SELECT COUNT(*) FROM tasks", params![])
        .await
        .unwrap()
        .i64(0)
        .unwrap()
}

async fn settled(store: &Store, left: i64) {
    for _ in 0..500 {
        if count(store).await == left {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{} tasks left, expected {left}", count(store).await);
}

fn note(group: &str, text: impl Into<String>) -> NewTask {
    NewTask::new("note", text).of(EnvironmentId(1), group)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_task_runs_once() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(Limits::default(), Duration::ZERO, |_| Verdict::Done);
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        for chunk in 0..10 {
            add(
                &store,
                (0..50).map(|n| note(&format!("g{}", n % 7), format!("{chunk}/{n}"))),
            )
            .await;
        }
        settled(&store, 0).await;
        queue.stop().await;
        let mut ran = log.lock().unwrap().clone();
        ran.sort();
        assert_eq!(ran.len(), 500);
        ran.dedup();
        assert_eq!(ran.len(), 500);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_noisy_group_and_a_noisy_environment_do_not_starve_others() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(Limits { node: 1, group: None }, Duration::ZERO, |_| Verdict::Done);
        add(&store, (0..200).map(|n| note("noisy", format!("noisy {n}")))).await;
        add(&store, (0..5).map(|n| note("quiet", format!("quiet {n}")))).await;
        let other = (0..5).map(|n| NewTask::new("note", format!("other {n}")).of(EnvironmentId(2), "x"));
        add(&store, other).await;
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        settled(&store, 0).await;
        queue.stop().await;
        let ran = log.lock().unwrap().clone();
        let last = |word: &str| ran.iter().rposition(|text| text.starts_with(word)).unwrap();
        assert!(last("quiet") < 24, "quiet group ended at {}", last("quiet"));
        assert!(last("other") < 12, "other environment ended at {}", last("other"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn priority_goes_first_and_group_limits_hold() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(
            Limits {
                node: 8,
                group: Some(1),
            },
            Duration::from_millis(5),
            |_| Verdict::Done,
        );
        let handler = Arc::new(handler);
        struct Shared(Arc<Notes>);
        #[async_trait::async_trait]
        impl Handler for Shared {
            fn kind(&self) -> &'static str {
                self.0.kind()
            }
            fn limits(&self) -> Limits {
                self.0.limits()
            }
            async fn run(&self, task: &Task) -> Verdict {
                self.0.run(task).await
            }
        }
        add(&store, (0..10).map(|n| note("a", format!("late {n}")).priority(5))).await;
        add(&store, (0..3).map(|n| note("a", format!("early {n}")).priority(-1))).await;
        add(&store, (0..10).map(|n| note("b", format!("b {n}")))).await;
        // A second node shares the limit.
        let second = database.open().await;
        let one = Queue::new(store.clone(), clock(), config("1"))
            .handle(Shared(Arc::clone(&handler)))
            .start();
        let two = if database.is_shared() {
            Some(
                Queue::new(second, clock(), config("2"))
                    .handle(Shared(Arc::clone(&handler)))
                    .start(),
            )
        } else {
            None
        };
        settled(&store, 0).await;
        one.stop().await;
        if let Some(two) = two {
            two.stop().await;
        }
        assert_eq!(handler.most.load(Ordering::SeqCst), 1);
        let ran = log.lock().unwrap().clone();
        let of_a: Vec<&String> = ran.iter().filter(|text| !text.starts_with('b')).collect();
        assert!(of_a[..3].iter().all(|text| text.starts_with("early")), "{of_a:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_unfinished_task_per_unique_key() {
    on_each(async |database| {
        let store = database.open().await;
        let added = add(
            &store,
            [
                note("g", "1").unique("k"),
                note("g", "2").unique("k"),
                note("g", "3").unique("l"),
            ],
        )
        .await;
        assert!(added[0].is_new() && !added[1].is_new() && added[2].is_new());
        let (handler, log) = notes(Limits::default(), Duration::from_millis(50), |_| Verdict::Done);
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        until("started", || log.lock().unwrap().len() == 2).await;
        assert_eq!(add(&store, [note("g", "4").unique("k")]).await, [Enqueued::Existing]);
        settled(&store, 0).await;
        assert!(add(&store, [note("g", "5").unique("k")]).await[0].is_new());
        settled(&store, 0).await;
        queue.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_retried_then_given_up() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(Limits::default(), Duration::ZERO, |task| match task.payload() {
            "heals" if task.failures() == 2 => Verdict::Done,
            "panics" if task.failures() == 0 => panic!("as asked"),
            "panics" => Verdict::GiveUp {
                error: "no more".to_owned(),
            },
            _ => Verdict::Retry {
                after: Duration::from_millis(20),
                error: "not yet".to_owned(),
            },
        });
        add(&store, [note("g", "heals").attempts(3), note("g", "never").attempts(3)]).await;
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        settled(&store, 1).await;
        until("given up", || log.lock().unwrap().len() == 6).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut conn = store.read().await.unwrap();
        let failed = tasks::list_failed(&mut conn, 1, 10).await.unwrap();
        drop(conn);
        assert_eq!(
            (failed.len(), failed[0].error.as_deref(), failed[0].failures),
            (1, Some("not yet"), 3)
        );
        let mut tx = store.begin().await.unwrap();
        assert!(tasks::revive(&mut tx, 1, failed[0].id, clock().now()).await.unwrap());
        tx.commit().await.unwrap();
        until("tried again", || log.lock().unwrap().len() == 9).await;
        queue.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_removes_waiting_and_tells_running() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(Limits::default(), Duration::from_secs(60), |task| {
            assert_eq!(task.stop_reason(), Some(StopReason::Cancelled));
            Verdict::Retry {
                after: Duration::ZERO,
                error: "cancelled tasks are not retried".to_owned(),
            }
        });
        let later = clock().now().plus(Duration::from_secs(3600));
        add(
            &store,
            [
                note("g", "long").unique("long").attempts(9),
                note("g", "later").unique("later").at(later),
            ],
        )
        .await;
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        until("started", || log.lock().unwrap().len() == 1).await;
        let mut tx = store.begin().await.unwrap();
        let now = clock().now();
        assert_eq!(cancel(&mut tx, "note", "later", now).await.unwrap(), Cancelled::Removed);
        assert_eq!(cancel(&mut tx, "note", "long", now).await.unwrap(), Cancelled::Told);
        assert_eq!(cancel(&mut tx, "note", "nobody", now).await.unwrap(), Cancelled::Absent);
        // The key is free at once.
        assert!(
            enqueue(&mut tx, &note("g", "next").unique("long").at(later), now)
                .await
                .unwrap()
                .is_new()
        );
        tx.commit().await.unwrap();
        settled(&store, 1).await;
        queue.stop().await;
        assert_eq!(log.lock().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_of_a_dead_node_is_rescued() {
    on_each(async |database| {
        let store = database.open().await;
        let mut tx = store.begin().await.unwrap();
        let now = clock().now();
        for n in 0..5 {
            enqueue(&mut tx, &note("g", format!("{n}")), now).await.unwrap();
        }
        // A node that claims and dies at once.
        let wanted = tasks::claim::Wanted {
            kind: "note",
            slots: 5,
            group_limit: None,
            holder: "dead",
            lease_until: now.plus(Duration::from_millis(300)),
            now,
        };
        let claimed = tasks::claim::claim(&mut tx, wanted, &mut tasks::claim::Turns::default())
            .await
            .unwrap();
        assert_eq!(claimed.len(), 5);
        tx.commit().await.unwrap();
        let (handler, log) = notes(Limits::default(), Duration::ZERO, |task| {
            assert_eq!((task.rescues(), task.failures()), (1, 0));
            Verdict::Done
        });
        let queue = Queue::new(store.clone(), clock(), config("alive"))
            .handle(handler)
            .start();
        settled(&store, 0).await;
        queue.stop().await;
        assert_eq!(log.lock().unwrap().len(), 5);
        // The dead one cannot settle what it lost.
        let mut tx = store.begin().await.unwrap();
        assert!(!tasks::lease::finish(&mut tx, claimed[0].id, "dead").await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heartbeats_keep_long_work() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(Limits::default(), Duration::from_millis(1500), |task| {
            assert_eq!(task.stop_reason(), None);
            Verdict::Done
        });
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        add(&store, [note("g", "long")]).await;
        settled(&store, 0).await;
        queue.stop().await;
        assert_eq!(log.lock().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_returns_leases() {
    on_each(async |database| {
        let store = database.open().await;
        let (handler, log) = notes(Limits::default(), Duration::from_secs(60), |task| {
            assert_eq!(task.stop_reason(), Some(StopReason::Shutdown));
            Verdict::PutBack { after: Duration::ZERO }
        });
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        add(&store, [note("g", "long")]).await;
        until("started", || log.lock().unwrap().len() == 1).await;
        queue.stop().await;
        let mut conn = store.read().await.unwrap();
        let row = conn
            .query_one("SELECT state, failures, rescues FROM tasks", params![])
            .await
            .unwrap();
        assert_eq!(
            (row.str(0).unwrap(), row.i64(1).unwrap(), row.i64(2).unwrap()),
            ("ready", 0, 0)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schedules_tick_and_skip_while_the_last_task_runs() {
    on_each(async |database| {
        let store = database.open().await;
        let now = clock().now();
        let schedule = schedules::ScheduleRow {
            key: "tick".to_owned(),
            environment_id: 1,
            kind: "note".to_owned(),
            group_key: "g".to_owned(),
            payload: "tick".to_owned(),
            interval: Duration::from_millis(100),
            starts_at: now,
            next_at: now,
            paused: false,
        };
        let mut tx = store.begin().await.unwrap();
        schedules::upsert(&mut tx, &schedule, now).await.unwrap();
        tx.commit().await.unwrap();
        let (handler, log) = notes(Limits::default(), Duration::from_millis(250), |_| Verdict::Done);
        let queue = Queue::new(store.clone(), clock(), config("a")).handle(handler).start();
        tokio::time::sleep(Duration::from_millis(1100)).await;
        let mut tx = store.begin().await.unwrap();
        schedules::set_paused(&mut tx, "tick", true, clock().now())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        settled(&store, 0).await;
        let ran = log.lock().unwrap().len();
        assert!((3..=5).contains(&ran), "{ran} ticks ran");
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(log.lock().unwrap().len(), ran);
        queue.stop().await;
    })
    .await;
}

#[test]
fn ticks_keep_their_phase() {
    use tenon_model::Timestamp;
    let schedule = |interval| schedules::ScheduleRow {
        key: String::new(),
        environment_id: 1,
        kind: String::new(),
        group_key: String::new(),
        payload: String::new(),
        interval: Duration::from_secs(interval),
        starts_at: Timestamp::from_secs(1_000),
        next_at: Timestamp::from_secs(1_000),
        paused: false,
    };
    for (now, next) in [
        (0, 1_000),
        (999, 1_000),
        (1_000, 1_060),
        (1_059, 1_060),
        (1_060, 1_120),
        (5_000, 5_020),
    ] {
        assert_eq!(
            schedule(60).tick_after(Timestamp::from_secs(now)),
            Timestamp::from_secs(next),
            "at {now}"
        );
    }
}
