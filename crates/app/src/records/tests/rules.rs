//! Single rules of what a write does (functions contract, 4.7).

use super::*;

impl Bench {
    /// The record as it is listed, with what is known about it.
    async fn listed(&self, id: &str) -> Value {
        let filter = Filter {
            ids: Some(vec![id.to_owned()]),
            ..Filter::default()
        };
        self.read(filter, 1).await["records"][0].take()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_stores_what_it_says() {
    on_each(async |b| {
        b.save(1, json!([{"id": "a", "n": 1}, {"id": 5, "n": 2}, {"id": "c", "n": 3}]))
            .await;
        assert_eq!(
            b.delete(
                1,
                json!([{"id": "a"}, {"id": 5, "deletedAt": "2026-01-02T03:04:05.000Z"}, {"id": "c", "n": 9}])
            )
            .await,
            (0, 0, 3)
        );
        // Nothing but an id leaves nothing but an id, as the recorded exchanges have it.
        assert_eq!(b.content("a").await, json!({"id": "a"}));
        assert_eq!(b.content("5").await["n"], Value::Null);
        assert_eq!(b.content("c").await, json!({"id": "c", "n": 9}));
        // Again, and back to life.
        assert_eq!(b.delete(2, json!([{"id": "a"}])).await, (0, 0, 0));
        assert_eq!(b.save(2, json!([{"id": "a", "n": 1}])).await, (1, 0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_of_a_record() {
    on_each(async |b| {
        b.save(1, json!([{"id": "a"}, {"id": "b"}])).await;
        let made = b.listed("a").await["_nango_metadata"].take();
        assert_eq!(made["first_seen_at"], made["last_modified_at"]);
        assert_eq!((&made["deleted_at"], &made["pruned_at"]), (&Value::Null, &Value::Null));
        b.save(1, json!([{"id": "a", "n": 1}])).await;
        let changed = b.listed("a").await["_nango_metadata"].take();
        assert_eq!(changed["first_seen_at"], made["first_seen_at"]);
        assert!(changed["last_modified_at"].as_str() > made["last_modified_at"].as_str());
        assert_eq!(changed["last_action"], "UPDATED");
        // The function may say when it was deleted; otherwise it is now.
        b.delete(
            1,
            json!([{"id": "a", "deletedAt": "2026-01-02T03:04:05.000Z"}, {"id": "b"}]),
        )
        .await;
        let told = b.listed("a").await["_nango_metadata"].take();
        assert!(
            told["deleted_at"].as_str().unwrap().starts_with("2026-01-02T03:04:05"),
            "{told}"
        );
        assert!(told["last_modified_at"].as_str() > changed["last_modified_at"].as_str());
        let now = b.listed("b").await["_nango_metadata"].take();
        assert_eq!(now["deleted_at"], now["last_modified_at"]);
        // A record that comes back begins anew.
        b.save(2, json!([{"id": "a"}])).await;
        let back = b.listed("a").await["_nango_metadata"].take();
        assert_eq!(
            (&back["first_seen_at"], &back["last_action"]),
            (&back["last_modified_at"], &json!("ADDED"))
        );
        assert_eq!(back["deleted_at"], Value::Null);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_is_what_later_writes_are_compared_with() {
    on_each(async |b| {
        b.save(1, json!([{"id": "a", "n": 1, "m": 1}])).await;
        let patch = json!([{"id": "a", "n": 2}]);
        assert_eq!(b.apply(Operation::Update, 1, patch.clone()).await.counts.updated, 1);
        // An update only meets records that it changes.
        assert_eq!(b.apply(Operation::Update, 2, patch).await.unchanged, 1);
        assert_eq!(b.content("a").await, json!({"id": "a", "n": 2, "m": 1}));
        assert_eq!(b.save(2, json!([{"id": "a", "n": 2, "m": 1}])).await, (0, 1, 0));
        assert_eq!(b.save(2, json!([{"id": "a", "n": 2, "m": 1}])).await, (0, 0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_id_of_a_chunk_is_met_but_those_of_updates_that_change_nothing() {
    on_each(async |b| {
        b.save(
            1,
            json!([{"id": "saved"}, {"id": "patched", "n": 1}, {"id": "same", "n": 1}, {"id": "gone"}]),
        )
        .await;
        b.apply(Operation::Update, 1, json!([{"id": "same", "n": 2}])).await;
        b.save(2, json!([{"id": "saved"}])).await;
        let patches = json!([{"id": "patched", "n": 2}, {"id": "same", "n": 2}]);
        b.apply(Operation::Update, 2, patches).await;
        let mut deleted = b.delete_unmet(2, 2).await;
        deleted.sort();
        assert_eq!(deleted, ["gone", "same"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn emptied_contents_are_written_again_whatever_comes() {
    on_each(async |b| {
        b.save(
            1,
            json!([{"id": "s", "n": 1}, {"id": "u", "n": 1}, {"id": "d", "n": 1}, {"id": "o", "n": 1}]),
        )
        .await;
        let mut tx = b.store.begin().await.unwrap();
        let found = sets::lock_existing(&mut tx, EnvironmentId(1), ConnectionId(1), "Item").await;
        let mut set = found.unwrap().unwrap();
        let all = set.last_change_at;
        shrink::prune(&mut tx, &mut set, all, 10, b.clock.now()).await.unwrap();
        sets::save(&mut tx, &set).await.unwrap();
        tx.commit().await.unwrap();
        assert!(b.listed("s").await["_nango_metadata"]["pruned_at"].is_string());
        b.save(2, json!([{"id": "s", "n": 1}, {"id": "o", "n": 2}])).await;
        b.apply(Operation::Update, 2, json!([{"id": "u", "m": 2}])).await;
        b.delete(2, json!([{"id": "d", "n": 1}])).await;
        let expected = [
            ("s", json!({"id": "s", "n": 1})),
            ("o", json!({"id": "o", "n": 2})),
            ("u", json!({"id": "u", "m": 2})),
            ("d", json!({"id": "d", "n": 1})),
        ];
        for (id, content) in expected {
            assert_eq!(b.content(id).await, content, "{id}");
            assert_eq!(b.listed(id).await["_nango_metadata"]["pruned_at"], Value::Null, "{id}");
        }
    })
    .await;
}

#[test]
fn ids_are_texts_of_1_to_255_characters_or_numbers_but_0() {
    let check = |record: &str| Chunk::parse(&format!("[{record}]")).map(|chunk| chunk.items[0].id.clone().into_owned());
    assert_eq!(check(r#"{"id":"x"}"#).unwrap(), "x");
    assert_eq!(check(r#"{"id":-1.5}"#).unwrap(), "-1.5");
    assert_eq!(check(&format!(r#"{{"id":"{}"}}"#, "x".repeat(255))).unwrap().len(), 255);
    let missing = ["{\"id\":0}", "{\"id\":\"\\u0000\"}"];
    for record in missing {
        assert_eq!(check(record).unwrap_err(), ChunkError::MissingId, "{record}");
    }
    assert!(ChunkError::MissingId.body().to_string().contains("Missing id field"));
    let too_long = format!(r#"{{"id":"{}"}}"#, "x".repeat(256));
    for record in [
        too_long.as_str(),
        r#"{"id":""}"#,
        r#"{"id":null}"#,
        "{}",
        r#"{"id":[1]}"#,
        "7",
    ] {
        assert!(matches!(check(record), Err(ChunkError::Invalid(_))), "{record}");
    }
    let many = format!("[{}]", vec![r#"{"id":1}"#; 1_001].join(","));
    assert_eq!(Chunk::parse(&many).unwrap_err(), ChunkError::TooMany(1_001));
}
