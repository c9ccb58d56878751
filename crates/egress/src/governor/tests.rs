//! The promises of the governor, checked on random loads in simulated time.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode};
use proptest::prelude::*;
use tenon_model::{ManualClock, SystemClock, Timestamp};

use super::group::{Arrival, Call, Group, Verdict};
use super::headers::{learn, wait_from};
use super::meter::Meter;
use super::{Bounds, Governor, Key, Refusal, Rule, Scope};

const FOREVER: Duration = Duration::from_secs(1_000_000);

fn rule(limit: u64, window_ms: u64, scope: Scope) -> Rule {
    Rule {
        name: "q".to_owned(),
        limit,
        window: Duration::from_millis(window_ms),
        cost: 1,
        scope,
    }
}

/// One call of a simulated load.
#[derive(Debug, Clone)]
struct Load {
    at: i64,
    lane: i64,
    covering: u64,
    takes: i64,
}

/// When each call of a load was let go, by its number.
fn simulate(rules: &[Rule], loads: &[Load]) -> Vec<i64> {
    let mut group = Group::new(Arc::from(rules), 1);
    let calls: Vec<Call> = loads
        .iter()
        .map(|load| Call::new(load.lane, load.covering, "/a/b", FOREVER))
        .collect();
    let mut went = vec![-1; loads.len()];
    let mut waiting: HashMap<u64, usize> = HashMap::new();
    let mut finishing: BinaryHeap<std::cmp::Reverse<(i64, usize)>> = BinaryHeap::new();
    let mut arriving = 0;
    let mut wake: Option<i64> = None;
    let mut now;
    loop {
        let candidates = [
            loads.get(arriving).map(|load| load.at),
            finishing.peek().map(|next| next.0.0),
            wake,
        ];
        let Some(next) = candidates.into_iter().flatten().min() else {
            break;
        };
        now = next;
        while let Some(std::cmp::Reverse((at, n))) = finishing.peek().copied()
            && at <= now
        {
            finishing.pop();
            group.done(&calls[n]);
        }
        while loads.get(arriving).is_some_and(|load| load.at <= now) {
            match group.arrive(&calls[arriving], Timestamp(now), 1_000_000) {
                Arrival::Go => {
                    went[arriving] = now;
                    finishing.push(std::cmp::Reverse((now + loads[arriving].takes, arriving)));
                }
                Arrival::Waits(id) => {
                    waiting.insert(id, arriving);
                }
                Arrival::Refused(refusal) => panic!("refused: {refusal}"),
            }
            arriving += 1;
        }
        let (decided, next) = group.advance(Timestamp(now));
        for (id, _, verdict) in decided {
            assert_eq!(verdict, Verdict::Go);
            let n = waiting.remove(&id).unwrap();
            went[n] = now;
            finishing.push(std::cmp::Reverse((now + loads[n].takes, n)));
        }
        wake = next.map(|next| next.0.max(now + 1));
    }
    assert!(waiting.is_empty(), "calls that never went: {waiting:?}");
    went
}

fn check_quotas(rules: &[Rule], loads: &[Load], went: &[i64]) {
    for (index, rule) in rules.iter().enumerate() {
        let mut by_owner: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
        for (load, at) in loads
            .iter()
            .zip(went)
            .filter(|(load, _)| load.covering & (1 << index) != 0)
        {
            let owner = if rule.scope == Scope::Connection { load.lane } else { 0 };
            by_owner.entry(owner).or_default().push((*at, *at + load.takes));
        }
        for mut times in by_owner.into_values() {
            times.sort_unstable();
            let limit = usize::try_from(rule.limit).unwrap();
            if rule.window.is_zero() {
                for (start, _) in &times {
                    let at_once = times.iter().filter(|(from, to)| from <= start && start < to).count();
                    assert!(at_once <= limit, "{at_once} at once, {limit} allowed");
                }
            } else {
                let window = i64::try_from(rule.window.as_micros()).unwrap();
                for pair in times.windows(limit + 1) {
                    let spread = pair[limit].0 - pair[0].0;
                    assert!(
                        spread >= window,
                        "{} calls within {spread} µs of a {window} µs window",
                        limit + 1
                    );
                }
            }
        }
    }
}

prop_compose! {
    fn rules()(specs in prop::collection::vec((1u64..40, prop_oneof![Just(0u64), 50u64..3000], any::<bool>()), 1..4)) -> Vec<Rule> {
        specs.into_iter().map(|(limit, window, shared)| {
            rule(limit, window, if shared { Scope::Integration } else { Scope::Connection })
        }).collect()
    }
}

prop_compose! {
    fn loads()(specs in prop::collection::vec((0i64..40_000, 0i64..4, 1u64..8, 100i64..400_000), 1..250)) -> Vec<Load> {
        let mut at = 0;
        specs.into_iter().map(|(gap, lane, covering, takes)| {
            at += gap;
            Load { at, lane, covering, takes }
        }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn no_window_sees_more_than_its_quota_and_everybody_goes(rules in rules(), loads in loads()) {
        let went = simulate(&rules, &loads);
        check_quotas(&rules, &loads, &went);
    }

    #[test]
    fn calls_of_one_connection_keep_their_order(rules in rules(), loads in loads()) {
        let went = simulate(&rules, &loads);
        for (n, load) in loads.iter().enumerate() {
            for (m, later) in loads.iter().enumerate().skip(n + 1) {
                if load.lane == later.lane && load.covering == later.covering {
                    assert!(went[n] <= went[m], "call {m} overtook call {n}");
                }
            }
        }
    }

    #[test]
    fn coarse_meters_are_never_lenient(
        limit in 257u64..2000,
        gaps in prop::collection::vec(0i64..3_000, 1..4000),
    ) {
        let window = 1_000_000;
        let mut meter = Meter::exact(limit, window);
        let mut now = 0;
        let mut went = Vec::new();
        for gap in gaps {
            now += gap;
            if meter.room(Timestamp(now), 1).is_ok() {
                meter.take(Timestamp(now), 1);
                went.push(now);
            }
        }
        let limit = usize::try_from(limit).unwrap();
        for pair in went.windows(limit + 1) {
            prop_assert!(pair[limit] - pair[0] >= window);
        }
    }
}

#[test]
fn a_busy_connection_does_not_starve_a_quiet_one() {
    let rules = [rule(5, 1000, Scope::Integration)];
    let busy = (0..500).map(|_| Load {
        at: 0,
        lane: 1,
        covering: 1,
        takes: 10,
    });
    let quiet = (0..5).map(|n| Load {
        at: 1_500_000 + n,
        lane: 2,
        covering: 1,
        takes: 10,
    });
    let loads: Vec<Load> = busy.chain(quiet).collect();
    let went = simulate(&rules, &loads);
    let served = &went[500..];
    // Two windows at most: half of each belongs to the quiet connection.
    assert!(served.iter().all(|at| *at < 1_500_000 + 3 * 1_050_000), "{served:?}");
}

#[test]
fn a_search_that_waits_does_not_hold_back_other_calls() {
    let rules = [rule(1, 1000, Scope::Connection), rule(100, 1000, Scope::Connection)];
    let loads: Vec<Load> = (0..5)
        .map(|n| Load {
            at: n,
            lane: 1,
            covering: 0b11,
            takes: 1,
        })
        .chain((5..20).map(|n| Load {
            at: n,
            lane: 1,
            covering: 0b10,
            takes: 1,
        }))
        .collect();
    let went = simulate(&rules, &loads);
    assert!(went[5..].iter().all(|at| *at < 1000), "{went:?}");
    assert!(went[4] >= 4_000_000, "{went:?}");
}

#[test]
fn an_answer_with_nothing_left_pauses_its_budget_only() {
    let mut group = Group::new(Arc::from([]), 1);
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let search = Call::new(1, 0, "/search/issues", Duration::from_secs(60));
    let core = Call::new(1, 0, "/repos/x", Duration::from_secs(60));
    assert_eq!(group.arrive(&search, now, 10), Arrival::Go);
    let mut headers = HeaderMap::new();
    headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
    headers.insert("x-ratelimit-reset", HeaderValue::from_static("1700000020"));
    headers.insert("x-ratelimit-resource", HeaderValue::from_static("search"));
    group.observe(&search, &learn(StatusCode::OK, &headers, now), now);
    group.done(&search);
    assert_eq!(group.arrive(&core, now, 10), Arrival::Go);
    let Arrival::Waits(id) = group.arrive(&search, now, 10) else {
        panic!("search must wait")
    };
    let (decided, next) = group.advance(now);
    assert!(decided.is_empty());
    let reset = Timestamp::from_micros(1_700_000_020_000_000);
    assert_eq!(next, Some(reset));
    let (decided, _) = group.advance(reset);
    assert_eq!(
        decided
            .iter()
            .map(|(id, _, verdict)| (*id, *verdict))
            .collect::<Vec<_>>(),
        [(id, Verdict::Go)]
    );
}

#[test]
fn a_long_learned_pause_is_left_to_the_vendor() {
    let mut group = Group::new(Arc::from([]), 1);
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let call = Call::new(1, 0, "/a", Duration::from_secs(10));
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("3000"));
    group.observe(&call, &learn(StatusCode::TOO_MANY_REQUESTS, &headers, now), now);
    assert_eq!(group.arrive(&call, now, 10), Arrival::Go);
    headers.insert("retry-after", HeaderValue::from_static("3"));
    group.observe(&call, &learn(StatusCode::TOO_MANY_REQUESTS, &headers, now), now);
    assert!(matches!(group.arrive(&call, now, 10), Arrival::Waits(_)));
}

#[test]
fn a_used_up_quota_refuses_with_the_time_it_takes() {
    let mut group = Group::new(Arc::from([rule(1, 86_400_000, Scope::Connection)]), 1);
    let call = Call::new(1, 1, "/a", Duration::from_secs(10));
    assert_eq!(group.arrive(&call, Timestamp(0), 10), Arrival::Go);
    let Arrival::Refused(Refusal::TooLong { wait }) = group.arrive(&call, Timestamp(1_000_000), 10) else {
        panic!("must be refused")
    };
    assert_eq!(wait.as_secs(), 86_399);
}

#[test]
fn a_full_queue_says_so() {
    let mut group = Group::new(Arc::from([rule(1, 1000, Scope::Connection)]), 1);
    let call = Call::new(1, 1, "/a", FOREVER);
    assert_eq!(group.arrive(&call, Timestamp(0), 2), Arrival::Go);
    assert!(matches!(group.arrive(&call, Timestamp(0), 2), Arrival::Waits(_)));
    assert!(matches!(group.arrive(&call, Timestamp(0), 2), Arrival::Waits(_)));
    assert_eq!(
        group.arrive(&call, Timestamp(0), 2),
        Arrival::Refused(Refusal::QueueFull { waiting: 2 })
    );
}

#[test]
fn resets_come_in_every_notation() {
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let at = |secs: i64| Some(Timestamp(now.0 + secs * 1_000_000));
    assert_eq!(wait_from("7", now), at(7));
    assert_eq!(wait_from(" 1.5 ", now), Some(Timestamp(now.0 + 1_500_000)));
    assert_eq!(wait_from("1700000030", now), at(30));
    assert_eq!(wait_from("1700000030000", now), at(30));
    assert_eq!(wait_from("Tue, 14 Nov 2023 22:13:50 GMT", now), at(30));
    assert_eq!(wait_from("2023-11-14T22:13:50Z", now), at(30));
    assert_eq!(wait_from("1600000000", now), None);
    assert_eq!(wait_from("-1", now), None);
    assert_eq!(wait_from("soon", now), None);
}

#[test]
fn families_of_headers_are_understood() {
    let now = Timestamp::from_micros(1_700_000_000_000_000);
    let read = |pairs: &[(&'static str, &'static str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        let learned = learn(StatusCode::OK, &headers, now);
        learned
            .left
            .iter()
            .map(|left| (left.calls, (left.until.0 - now.0) / 1_000_000))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        read(&[("ratelimit-remaining", "3"), ("ratelimit-reset", "9")]),
        [(3, 9)]
    );
    assert_eq!(read(&[("ratelimit", "limit=10, remaining=4, reset=8")]), [(4, 8)]);
    assert_eq!(read(&[("ratelimit", "\"default\";r=50;t=30")]), [(50, 30)]);
    assert_eq!(
        read(&[("x-rate-limit-remaining", "99, 9999"), ("x-rate-limit-reset", "5")]),
        [(99, 5)]
    );
    assert_eq!(read(&[("x-hubspot-ratelimit-remaining", "7")]), [(7, 1)]);
    assert_eq!(read(&[("x-ratelimit-remaining", "7")]), []);
    assert_eq!(read(&[("retry-after", "7")]), [], "only failures are told to retry");
}

#[tokio::test]
async fn waiting_calls_are_woken_in_order() {
    let governor = Governor::new(Arc::new(SystemClock::default()), Bounds::default());
    let rules: Arc<[Rule]> = Arc::from([rule(2, 100, Scope::Connection)]);
    let key = Key {
        integration: 1,
        connection: 1,
    };
    let started = std::time::Instant::now();
    let mut tasks = Vec::new();
    let order = Arc::new(std::sync::Mutex::new(Vec::new()));
    for n in 0..6 {
        let (governor, rules, order) = (governor.clone(), Arc::clone(&rules), Arc::clone(&order));
        tasks.push(tokio::spawn(async move {
            let ticket = governor
                .admit(key, &rules, 1, "/a", Duration::from_secs(5))
                .await
                .unwrap();
            order.lock().unwrap().push(n);
            drop(ticket);
        }));
        tokio::task::yield_now().await;
    }
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 3, 4, 5]);
    assert!(started.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_caller_that_leaves_frees_its_place() {
    let governor = Governor::new(Arc::new(SystemClock::default()), Bounds::default());
    let rules: Arc<[Rule]> = Arc::from([rule(1, 0, Scope::Connection)]);
    let key = Key {
        integration: 1,
        connection: 1,
    };
    let first = governor
        .admit(key, &rules, 1, "/a", Duration::from_secs(5))
        .await
        .unwrap();
    let second = governor.admit(key, &rules, 1, "/a", Duration::from_secs(5));
    assert!(tokio::time::timeout(Duration::from_millis(20), second).await.is_err());
    assert_eq!(governor.snapshot()[0].connections[0].waiting, 0);
    drop(first);
    let third = governor
        .admit(key, &rules, 1, "/a", Duration::from_secs(5))
        .await
        .unwrap();
    assert_eq!(governor.snapshot()[0].connections[0].in_flight, 1);
    drop(third);
    assert_eq!(governor.snapshot()[0].connections[0].in_flight, 0);
}

#[tokio::test]
async fn ungoverned_calls_leave_no_trace_until_a_vendor_speaks() {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
    let governor = Governor::new(clock, Bounds::default());
    let none: Arc<[Rule]> = Arc::from([]);
    let key = Key {
        integration: 1,
        connection: 1,
    };
    let mut ticket = governor
        .admit(key, &none, 0, "/a", Duration::from_secs(5))
        .await
        .unwrap();
    ticket.observe(StatusCode::OK, &HeaderMap::new());
    assert!(governor.snapshot().is_empty());
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", HeaderValue::from_static("2"));
    ticket.observe(StatusCode::TOO_MANY_REQUESTS, &headers);
    assert!(governor.snapshot()[0].connections[0].blocked_until.is_some());
}
