use std::time::Duration;

use tenon_model::{ConnectionId, EnvironmentId, Timestamp};
use tenon_store::tables::connections::{self, ConnectionInput};
use tenon_store::tables::records::list::{self, Actions, Filter};
use tenon_store::tables::records::sightings::{self, RowIds};
use tenon_store::tables::records::write::{self, Change, NewRecord};
use tenon_store::tables::records::{sets, shrink};
use tenon_store::{Store, Tx};

use crate::support::{environment, integration, start, stores};

async fn scene(store: &Store) -> (EnvironmentId, ConnectionId) {
    let e = environment(store, "dev").await;
    let i = integration(store, e, "crm").await;
    let mut tx = store.begin().await.unwrap();
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
    let c = connections::insert(&mut tx, e, i, "ada", &input).await.unwrap();
    tx.commit().await.unwrap();
    (e, c)
}

async fn add(tx: &mut Tx, set: &mut sets::SetRow, ids: &[&str], generation: i64, now: Timestamp) {
    let records: Vec<NewRecord<'_>> = ids
        .iter()
        .map(|id| {
            let (seq, at) = set.next_change(now);
            NewRecord {
                external_id: id,
                seq,
                at,
                deleted_at: None,
                hash: [1; 16],
                payload: id.as_bytes().to_vec(),
            }
        })
        .collect();
    write::insert(tx, set.id, generation, &records).await.unwrap();
    sets::save(tx, set).await.unwrap();
}

async fn ids(tx: &mut Tx, set: &sets::SetRow, filter: &Filter) -> Vec<String> {
    list::list(tx, set.id, filter, 100)
        .await
        .unwrap()
        .into_iter()
        .map(|record| record.external_id)
        .collect()
}

#[tokio::test]
async fn changes_are_numbered_without_gaps_and_moments_never_repeat() {
    for store in stores().await {
        let (e, c) = scene(&store).await;
        let mut tx = store.begin().await.unwrap();
        let mut set = sets::lock(&mut tx, e, c, "Item", start()).await.unwrap();
        add(&mut tx, &mut set, &["a", "b", "c"], 1, start()).await;
        let stored = write::look_up(&mut tx, set.id, vec!["a", "b", "x"]).await.unwrap();
        assert_eq!(stored.len(), 2);
        // A clock that stands still, or runs backwards, still gives later moments.
        let (seq, at) = set.next_change(start().minus(Duration::from_secs(5)));
        let changed = Change {
            id: stored["a"].id,
            seq,
            at,
            first_seen_at: stored["a"].first_seen_at,
            deleted_at: None,
            hash: [2; 16],
            payload: Some(b"new".to_vec()),
        };
        let (seq, at) = set.next_change(start());
        let gone = Change {
            id: stored["b"].id,
            seq,
            at,
            deleted_at: Some(at),
            payload: None,
            ..changed.clone()
        };
        write::change(&mut tx, set.id, 2, &[changed, gone]).await.unwrap();
        sets::save(&mut tx, &set).await.unwrap();
        let sequence = list::sequence(&mut tx, set.id).await.unwrap();
        assert_eq!(sequence.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), [3, 4, 5]);
        assert!(sequence.is_sorted_by(|a, b| a.1 < b.1));
        assert_eq!(ids(&mut tx, &set, &Filter::default()).await, ["c", "a", "b"]);
        let listed = list::list(&mut tx, set.id, &Filter::default(), 100).await.unwrap();
        // A change without payload keeps the stored one.
        assert_eq!(
            (listed[1].payload.as_deref(), listed[2].payload.as_deref()),
            (Some(&b"new"[..]), Some(&b"b"[..]))
        );
        let after = Filter {
            after: Some(listed[0].updated_at),
            ..Filter::default()
        };
        assert_eq!(ids(&mut tx, &set, &after).await, ["a", "b"]);
        let from = Filter {
            from: Some(listed[1].updated_at),
            ..Filter::default()
        };
        assert_eq!(ids(&mut tx, &set, &from).await, ["a", "b"]);
        let only = |added, updated, deleted| Filter {
            actions: Some(Actions {
                added,
                updated,
                deleted,
            }),
            ..Filter::default()
        };
        assert_eq!(ids(&mut tx, &set, &only(true, false, false)).await, ["c"]);
        assert_eq!(ids(&mut tx, &set, &only(false, true, false)).await, ["a"]);
        assert_eq!(ids(&mut tx, &set, &only(false, false, true)).await, ["b"]);
        assert_eq!(ids(&mut tx, &set, &only(true, false, true)).await, ["c", "b"]);
        let some = Filter {
            ids: Some(vec!["b".to_owned(), "c".to_owned()]),
            ..Filter::default()
        };
        assert_eq!(ids(&mut tx, &set, &some).await, ["c", "b"]);
        let older = write::list_older(&mut tx, set.id, 2, Timestamp(0), set.last_change_at, 10)
            .await
            .unwrap();
        assert_eq!(
            older
                .iter()
                .map(|record| record.external_id.as_str())
                .collect::<Vec<_>>(),
            ["c"]
        );
    }
}

#[tokio::test]
async fn sightings_are_lists_of_row_ids() {
    let ids = [1, 2, 130, 70_000, 5_000_000_000];
    let mut back = Vec::new();
    sightings::decode(&sightings::encode(&ids), |id| back.push(id));
    assert_eq!(back, ids);
    for store in stores().await {
        let (e, c) = scene(&store).await;
        let mut tx = store.begin().await.unwrap();
        let set = sets::lock(&mut tx, e, c, "Item", start()).await.unwrap();
        sightings::note(&mut tx, set.id, 1, &mut [5, 3]).await.unwrap();
        sightings::note(&mut tx, set.id, 2, &mut [70_000]).await.unwrap();
        let mut met = RowIds::default();
        let part = sightings::load(&mut tx, set.id, 2, 0, &mut met).await.unwrap();
        assert_eq!(met.iter().collect::<Vec<_>>(), [70_000]);
        sightings::note(&mut tx, set.id, 3, &mut [1]).await.unwrap();
        sightings::load(&mut tx, set.id, 2, part, &mut met).await.unwrap();
        assert!(met.contains(1) && !met.contains(3));
        sightings::compact(&mut tx, set.id, 1, 3).await.unwrap();
        let mut all = RowIds::default();
        sightings::load(&mut tx, set.id, 3, 0, &mut all).await.unwrap();
        assert_eq!(all.iter().collect::<Vec<_>>(), [1, 3, 5, 70_000]);
        assert_eq!(sightings::forget_before(&mut tx, set.id, 4).await.unwrap(), 1);
    }
}

#[tokio::test]
async fn pruning_and_removing_go_in_steps() {
    for store in stores().await {
        let (e, c) = scene(&store).await;
        let mut tx = store.begin().await.unwrap();
        let mut set = sets::lock(&mut tx, e, c, "Item", start()).await.unwrap();
        add(&mut tx, &mut set, &["a", "b", "c"], 1, start()).await;
        let until = set.last_change_at;
        assert_eq!(
            shrink::prune(&mut tx, &mut set, until, 2, start()).await.unwrap(),
            (2, true)
        );
        assert_eq!(
            shrink::prune(&mut tx, &mut set, until, 2, start()).await.unwrap(),
            (1, false)
        );
        let listed = list::list(&mut tx, set.id, &Filter::default(), 10).await.unwrap();
        assert!(
            listed
                .iter()
                .all(|record| record.payload.is_none() && record.pruned_at == Some(start()))
        );
        let stored = write::look_up(&mut tx, set.id, vec!["b"]).await.unwrap();
        assert!(stored["b"].pruned);
        write::refill(&mut tx, set.id, 2, &[(stored["b"].id, b"b".to_vec())])
            .await
            .unwrap();
        let payloads = write::payloads(&mut tx, &[stored["b"].id]).await.unwrap();
        assert_eq!(payloads[&stored["b"].id], b"b");
        assert_eq!(shrink::remove_some(&mut tx, &mut set, 2).await.unwrap(), 2);
        assert_eq!(shrink::remove_some(&mut tx, &mut set, 2).await.unwrap(), 1);
        let (seq, _) = set.next_change(start());
        assert_eq!(seq, 4);
    }
}
