use std::time::Duration;

use tenon_model::{EnvironmentId, Timestamp};
use tenon_store::Store;
use tenon_store::tables::inbox::{self, NewInbox};
use tenon_store::tables::outbox::{self, Attempt, DeliveryFilter, NewDelivery};

use crate::support::{environment, integration, start, stores};

fn after(seconds: u64) -> Timestamp {
    start().plus(Duration::from_secs(seconds))
}

async fn deliver(store: &Store, e: EnvironmentId, event: &str, endpoint: &str) -> i64 {
    let mut tx = store.begin().await.unwrap();
    let new = NewDelivery {
        event_id: event,
        environment_id: e,
        kind: "auth",
        integration: "acme",
        connection: Some("c1"),
        target: "override",
        url: endpoint,
        endpoint,
        body: b"sealed",
        headers: None,
        now: start(),
    };
    let id = outbox::insert(&mut tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn claim(store: &Store, ids: &[i64], holder: &str, now: Timestamp) -> Vec<i64> {
    let mut tx = store.begin().await.unwrap();
    let until = now.plus(Duration::from_secs(60));
    let rows = outbox::claim(&mut tx, ids, holder, now, until).await.unwrap();
    tx.commit().await.unwrap();
    rows.into_iter().map(|row| row.id).collect()
}

async fn due(store: &Store, now: Timestamp, busy: &[&str]) -> Vec<i64> {
    let busy: Vec<String> = busy.iter().map(|text| (*text).to_owned()).collect();
    let mut conn = store.read().await.unwrap();
    outbox::list_due(&mut conn, now, &busy, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|(id, _)| id)
        .collect()
}

fn attempt(id: i64, state: &'static str, next_at: Timestamp) -> Attempt {
    Attempt {
        id,
        state,
        next_at,
        status: Some(500),
        error: Some("500".to_owned()),
        operation_id: "op".to_owned(),
    }
}

#[tokio::test]
async fn only_one_holder_sends_a_delivery() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let (a, b) = (
            deliver(&store, e, "m1", "https://a").await,
            deliver(&store, e, "m2", "https://b").await,
        );
        assert_eq!(due(&store, start(), &[]).await, [a, b]);
        assert_eq!(due(&store, start(), &["https://a"]).await, [b]);
        assert_eq!(claim(&store, &[a, b], "one", start()).await, [a, b]);
        assert!(claim(&store, &[a, b], "two", start()).await.is_empty());
        assert!(due(&store, start(), &[]).await.is_empty());
        // The holder died: its lease runs out, and what it says afterwards does not count.
        assert_eq!(claim(&store, &[a], "two", after(61)).await, [a]);
        let mut tx = store.begin().await.unwrap();
        outbox::finish(&mut tx, "one", &[attempt(a, "dead", after(61))], after(61))
            .await
            .unwrap();
        outbox::finish(&mut tx, "two", &[attempt(a, "delivered", after(61))], after(61))
            .await
            .unwrap();
        assert_eq!(outbox::release(&mut tx, "one").await.unwrap(), 1);
        tx.commit().await.unwrap();
        let mut conn = store.read().await.unwrap();
        let states: Vec<_> = outbox::list(&mut conn, DeliveryFilter::default(), 10)
            .await
            .unwrap()
            .into_iter()
            .map(|row| (row.id, row.state, row.attempts))
            .collect();
        assert_eq!(states, [(b, "pending".to_owned(), 0), (a, "delivered".to_owned(), 1)]);
    }
}

#[tokio::test]
async fn failed_deliveries_come_back_when_due() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let id = deliver(&store, e, "m1", "https://a").await;
        claim(&store, &[id], "one", start()).await;
        let mut tx = store.begin().await.unwrap();
        outbox::finish(&mut tx, "one", &[attempt(id, "pending", after(3))], start())
            .await
            .unwrap();
        tx.commit().await.unwrap();
        assert!(due(&store, after(2), &[]).await.is_empty());
        assert_eq!(due(&store, after(3), &[]).await, [id]);
        let mut conn = store.read().await.unwrap();
        assert_eq!(outbox::next_due(&mut conn).await.unwrap(), Some(after(3)));
        let row = outbox::list(&mut conn, DeliveryFilter::default(), 1)
            .await
            .unwrap()
            .remove(0);
        assert_eq!((row.attempts, row.last_status, row.ended_at), (1, Some(500), None));
    }
}

#[tokio::test]
async fn ended_deliveries_are_replayed_or_forgotten() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let (a, b) = (
            deliver(&store, e, "m1", "https://a").await,
            deliver(&store, e, "m2", "https://b").await,
        );
        claim(&store, &[a, b], "one", start()).await;
        let mut tx = store.begin().await.unwrap();
        let ends = [attempt(a, "dead", start()), attempt(b, "delivered", start())];
        outbox::finish(&mut tx, "one", &ends, start()).await.unwrap();
        let dead = DeliveryFilter {
            state: Some("dead"),
            environment: Some(e),
            ..DeliveryFilter::default()
        };
        assert_eq!(outbox::list(&mut tx, dead, 10).await.unwrap().len(), 1);
        assert_eq!(outbox::replay(&mut tx, &[a], after(10)).await.unwrap(), 1);
        assert_eq!(outbox::replay(&mut tx, &[a], after(10)).await.unwrap(), 0);
        assert_eq!(
            outbox::count_states(&mut tx).await.unwrap(),
            [("delivered".to_owned(), 1), ("pending".to_owned(), 1)]
        );
        assert_eq!(outbox::prune(&mut tx, after(1), 10).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(due(&store, after(10), &[]).await, [a]);
    }
}

#[tokio::test]
async fn a_received_webhook_is_taken_and_worked_off_once() {
    for store in stores().await {
        let e = environment(&store, "dev").await;
        let i = integration(&store, e, "acme").await;
        let new = |delivery: Option<&str>| NewInbox {
            environment_id: e,
            integration_id: i,
            delivery_id: delivery.map(str::to_owned),
            payload: b"sealed".to_vec(),
            verified_by: "none",
            now: start(),
        };
        let mut tx = store.begin().await.unwrap();
        let first = inbox::insert(&mut tx, &new(Some("d1"))).await.unwrap().unwrap();
        assert_eq!(inbox::insert(&mut tx, &new(Some("d1"))).await.unwrap(), None);
        let second = inbox::insert(&mut tx, &new(None)).await.unwrap().unwrap();
        assert!(inbox::insert(&mut tx, &new(None)).await.unwrap().is_some());
        let rows = inbox::claim(&mut tx, "one", start(), after(60), 2).await.unwrap();
        assert_eq!(
            rows.iter().map(|row| (row.id, row.attempts)).collect::<Vec<_>>(),
            [(first, 1), (second, 1)]
        );
        assert!(
            inbox::finish(&mut tx, first, "one", 1, Some("op"), start())
                .await
                .unwrap()
        );
        assert!(
            !inbox::finish(&mut tx, first, "one", 1, Some("op"), start())
                .await
                .unwrap()
        );
        inbox::fail(&mut tx, second, "one", "broke", Some(after(5)), start())
            .await
            .unwrap();
        assert_eq!(
            inbox::claim(&mut tx, "two", after(4), after(60), 10)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            inbox::claim(&mut tx, "two", after(5), after(60), 10).await.unwrap()[0].id,
            second
        );
        assert!(!inbox::any_expired(&mut tx, after(60)).await.unwrap());
        assert!(inbox::any_expired(&mut tx, after(61)).await.unwrap());
        inbox::fail(&mut tx, second, "two", "broke", None, after(6))
            .await
            .unwrap();
        assert_eq!(inbox::find(&mut tx, e, second).await.unwrap().unwrap().state, "failed");
        assert_eq!(inbox::prune(&mut tx, after(100), 10).await.unwrap(), 2);
        tx.commit().await.unwrap();
    }
}
