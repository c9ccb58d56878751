//! Who gets a worker, and when.

mod support;

use std::time::{Duration, Instant};

use serde_json::json;
use support::*;
use tenon_runtime::{ErrorKind, Invocation, Kind, Runtime, RuntimeConfig};

fn of(tenant: &str, body: &str) -> Invocation {
    let mut run = invocation(action(body), Kind::Action, None);
    run.tenant = tenant.to_owned();
    run
}

const NAP: &str = "await new Promise((r) => setTimeout(r, 20)); return nango.connectionId;";

fn small(workers: usize, runs: usize) -> Runtime {
    let mut settings = config();
    settings.workers_max = workers;
    settings.runs_per_worker_max = runs;
    Runtime::start(settings).expect("starts")
}

#[tokio::test]
async fn more_runs_than_places_wait_their_turn() {
    let rt = small(1, 2);
    let runs = (0..20).map(|_| rt.run(of("a", NAP), Scripted::silent()));
    for out in futures_util::future::join_all(runs).await {
        assert_eq!(output(&out), json!("c-1"));
    }
    assert_eq!((rt.census().runs, rt.census().waiting), (0, 0));
}

#[tokio::test]
async fn more_tenants_than_workers_replace_each_other() {
    let rt = small(2, 4);
    let runs = (0..24).map(|index| {
        let rt = rt.clone();
        async move {
            rt.run(of(&format!("tenant-{}", index % 8), NAP), Scripted::silent())
                .await
        }
    });
    for out in futures_util::future::join_all(runs).await {
        assert_eq!(output(&out), json!("c-1"));
    }
    assert!(rt.census().workers <= 2);
}

#[tokio::test]
async fn a_busy_tenant_does_not_starve_another() {
    let rt = small(1, 1);
    let crowd = futures_util::future::join_all((0..150).map(|_| rt.run(of("crowd", NAP), Scripted::silent())));
    let single = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let begun = Instant::now();
        // The only worker takes no further run of the crowd, ends, and another one starts.
        let out = rt.run(of("single", NAP), Scripted::silent()).await;
        assert_eq!(output(&out), json!("c-1"));
        begun.elapsed()
    };
    let (crowd, waited) = tokio::join!(crowd, single);
    assert!(crowd.iter().all(|out| out.result.is_ok()));
    assert!(waited < Duration::from_millis(2500), "{waited:?}");
}

#[tokio::test]
async fn idle_workers_are_ended() {
    let mut settings = config();
    settings.idle_ttl = Duration::from_millis(300);
    let rt = Runtime::start(settings).expect("starts");
    for tenant in ["a", "b", "c"] {
        rt.run(of(tenant, NAP), Scripted::silent()).await;
    }
    assert!(rt.census().workers >= 3);
    let begun = Instant::now();
    while rt.census().workers > 1 {
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", rt.census());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(output(&rt.run(of("a", NAP), Scripted::silent()).await), json!("c-1"));
}

#[tokio::test]
async fn a_worker_that_cannot_start_is_an_answer() {
    let rt = Runtime::start(RuntimeConfig::new("/nowhere/tenon", ["worker"])).expect("starts");
    let out = rt.run(of("a", NAP), Scripted::silent()).await;
    assert_eq!(failed(&out).kind, ErrorKind::Internal);
    assert!(failed(&out).message.contains("No worker is available"));
    let rt = Runtime::start(RuntimeConfig::new("/bin/true", Vec::<String>::new())).expect("starts");
    assert_eq!(
        failed(&rt.run(of("a", NAP), Scripted::silent()).await).kind,
        ErrorKind::Internal
    );
}

#[tokio::test]
async fn waiting_can_be_cancelled() {
    let rt = small(1, 1);
    let long = of("a", "await new Promise((r) => setTimeout(r, 1500)); return 1;");
    let waiting = of("a", NAP);
    let cancel = waiting.cancel.clone();
    let stop = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        cancel.cancel();
    };
    let (long, waited, ()) = tokio::join!(
        rt.run(long, Scripted::silent()),
        rt.run(waiting, Scripted::silent()),
        stop
    );
    assert_eq!(output(&long), json!(1));
    assert_eq!(failed(&waited).kind, ErrorKind::Aborted);
}

#[tokio::test]
async fn workers_die_with_their_runtime() {
    let rt = runtime();
    rt.run(of("a", NAP), Scripted::silent()).await;
    rt.shutdown();
    let begun = Instant::now();
    while rt.census().workers > 0 && begun.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let out = tokio::time::timeout(Duration::from_secs(5), rt.run(of("a", NAP), Scripted::silent()))
        .await
        .expect("answers");
    assert_eq!(failed(&out).kind, ErrorKind::Internal);
}

#[tokio::test]
async fn many_sleepers_share_a_worker() {
    let mut settings = config();
    settings.workers_per_tenant_max = 1;
    let rt = Runtime::start(settings).expect("starts");
    let begun = Instant::now();
    let runs = (0..300).map(|_| {
        rt.run(
            of("a", "await new Promise((r) => setTimeout(r, 1000)); return 1;"),
            Scripted::silent(),
        )
    });
    for out in futures_util::future::join_all(runs).await {
        assert_eq!(output(&out), json!(1));
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(rt.census().workers <= 2);
}
