use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Client, config};
use tenon_sim::{Config, Fault, FaultPlan};

const LIST: &str = "/crm/v3/objects/contacts?limit=100";

fn faulty(spec: &str) -> Config {
    Config {
        faults: spec.parse().unwrap(),
        slow: Duration::from_millis(200),
        ..config()
    }
}

#[test]
fn specifications_are_read_and_bad_ones_explained() {
    let plan: FaultPlan = " reset=1% , 500=0.5%,slow=2 ".parse().unwrap();
    assert_eq!(plan.to_string(), "reset=1%,500=0.5%,slow=2%");
    assert!("".parse::<FaultPlan>().unwrap().is_empty());
    for bad in [
        "reset",
        "explode=1%",
        "reset=many",
        "reset=101%",
        "reset=60%,500=60%",
        "reset=-1%",
    ] {
        assert!(bad.parse::<FaultPlan>().is_err(), "{bad}");
    }
}

#[test]
fn faults_are_a_function_of_the_seed_and_come_in_the_asked_shares() {
    let plan: FaultPlan = "reset=1%,500=1%,slow=2%".parse().unwrap();
    let run = |seed| {
        (0..100_000)
            .map(|sequence| plan.decide(seed, sequence))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(3), run(3));
    assert_ne!(run(3), run(4));
    let share = |fault| run(3).into_iter().filter(|met| *met == Some(fault)).count();
    for (fault, expected) in [
        (Fault::Reset, 1_000),
        (Fault::InternalError, 1_000),
        (Fault::Slow, 2_000),
    ] {
        assert!(
            share(fault).abs_diff(expected) < expected / 5,
            "{fault:?}: {}",
            share(fault)
        );
    }
    assert_eq!(share(Fault::BadGateway), 0);
}

#[tokio::test]
async fn two_runs_with_the_same_seed_meet_the_same_faults() {
    let mut runs = Vec::new();
    for seed in [5, 5, 6] {
        let client = Client::start(Config {
            seed,
            ..faulty("500=20%,502=10%,429=10%")
        })
        .await;
        let mut statuses = Vec::new();
        for _ in 0..60 {
            statuses.push(client.get("/crm/v3/objects/contacts?limit=1").await.status);
        }
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
    assert!(runs[0].contains(&500) && runs[0].contains(&200));
}

#[tokio::test]
async fn a_reset_comes_in_the_middle_of_the_answer_and_after_the_work() {
    let client = Client::start(faulty("reset=100%")).await;
    let error = client.try_send("GET", LIST, None).await.unwrap_err();
    let mut source: &dyn std::error::Error = &error;
    let mut chain = String::new();
    while let Some(next) = source.source() {
        chain.push_str(&format!("{next}; "));
        source = next;
    }
    assert!(chain.to_lowercase().contains("reset"), "{chain}");
    let created = client
        .try_send(
            "POST",
            "/crm/v3/objects/contacts",
            Some(&json!({"properties": {"email": "a@example.com"}})),
        )
        .await;
    assert!(created.is_err());
    assert_eq!(client.sim.stats().contacts, 1_001, "the write was carried out");
    assert_eq!(client.sim.stats().faults["reset"], 2);

    client.sim.set_faults(FaultPlan::default());
    assert_eq!(client.get(LIST).await.status, 200, "the next connection is fine");
}

#[tokio::test]
async fn a_truncated_answer_is_shorter_than_announced() {
    let client = Client::start(faulty("truncate=100%")).await;
    assert!(client.try_send("GET", LIST, None).await.is_err());
    assert_eq!(
        client.sim.stats().routes["GET /crm/v3/objects/contacts"].by_status[&0],
        1
    );
}

#[tokio::test]
async fn server_errors_do_nothing_and_slow_answers_are_late() {
    let client = Client::start(faulty("500=100%")).await;
    let refused = client
        .post(
            "/crm/v3/objects/contacts",
            json!({"properties": {"email": "a@example.com"}}),
        )
        .await;
    assert_eq!((refused.status, client.sim.stats().contacts), (500, 1_000));
    assert_eq!(refused.text("/status"), "error");
    client.sim.set_faults("502=100%".parse().unwrap());
    assert!(client.get(LIST).await.text.starts_with("<html>"));
    client.sim.set_faults("429=100%".parse().unwrap());
    assert_eq!(client.get(LIST).await.text("/policyName"), "TEN_SECONDLY_ROLLING");
    client.sim.set_faults("slow=100%".parse().unwrap());
    let started = Instant::now();
    assert_eq!(client.get(LIST).await.status, 200);
    assert!(started.elapsed() >= Duration::from_millis(200));
}
