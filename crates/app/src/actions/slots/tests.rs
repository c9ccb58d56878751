use super::*;

const ONE: EnvironmentId = EnvironmentId(1);

#[tokio::test]
async fn so_many_run_at_once_and_the_next_waits_for_one_to_end() {
    let slots = Arc::new(Slots::default());
    let mut running = Vec::new();
    for _ in 0..RUNNING_MAX {
        running.push(slots.take(ONE).await.unwrap());
    }
    let waiting = tokio::spawn({
        let slots = Arc::clone(&slots);
        async move { slots.take(ONE).await.map(drop) }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "there is no turn left");
    slots
        .take(EnvironmentId(2))
        .await
        .expect("another environment has its own turns");
    drop(running.pop());
    waiting.await.unwrap().expect("a turn came free");
}

#[tokio::test]
async fn a_queue_that_is_full_refuses_at_once() {
    let slots = Slots::default();
    let mut running = Vec::new();
    for _ in 0..RUNNING_MAX {
        running.push(slots.take(ONE).await.unwrap());
    }
    let turns = slots.turns(ONE);
    let all = u32::try_from(WAITING_MAX).unwrap();
    let _waiting = turns.waiting.acquire_many(all).await.unwrap();
    let refused = slots.take(ONE).await.unwrap_err();
    let refusal = refused.refusal().unwrap();
    assert_eq!((refusal.status, refusal.code.as_str()), (400, "action_failure"));
    assert!(refusal.message.as_deref().unwrap().contains("X-Async"));
}
