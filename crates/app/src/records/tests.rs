//! What happens to records, and that a reader never misses a change; on every engine there is.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tenon_credentials::vault::{EnvironmentVault, MasterKey, Vault};
use tenon_model::{Clock, ConnectionId, EnvironmentId, ManualClock, Rng, SeededRng, SystemClock, SystemRng, Timestamp};
use tenon_store::tables::records::list::Filter;
use tenon_store::tables::records::{list, sets, shrink, sightings};
use tenon_store::{Store, StoreConfig, params};

use super::absence::{self, Absence};
use super::chunk::{Chunk, ChunkError};
use super::list::{read_query, start};
use super::write::{Ceiling, Counts, Operation, Report, Write, write};
use super::{Cursor, Target, wire};

mod rules;

struct Bench {
    store: Store,
    vault: EnvironmentVault,
    clock: Arc<dyn Clock>,
}

async fn on_each<F: Future<Output = ()>>(test: impl Fn(Bench) -> F) {
    let directory = tempfile::tempdir().unwrap();
    test(bench(StoreConfig::sqlite(directory.path().join("test.db"))).await).await;
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where PostgreSQL is"
    )]
    let url = std::env::var("TENON_TEST_DATABASE_URL");
    if let Ok(url) = url {
        let schema = format!("test_{}", SystemRng::default().hex(8));
        let admin = Store::open(StoreConfig::postgres(&url)).await.unwrap();
        let mut tx = admin.begin().await.unwrap();
        tx.execute(&format!("CREATE SCHEMA {schema}"), params![]).await.unwrap();
        tx.commit().await.unwrap();
        let mark = if url.contains('?') { '&' } else { '?' };
        test(
            bench(StoreConfig::postgres(format!(
                "{url}{mark}options=-csearch_path%3D{schema}"
            )))
            .await,
        )
        .await;
        let mut tx = admin.begin().await.unwrap();
        tx.execute(&format!("DROP SCHEMA {schema} CASCADE"), params![])
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
}

async fn bench(config: StoreConfig) -> Bench {
    let store = Store::open(config).await.unwrap();
    let mut tx = store.begin().await.unwrap();
    for sql in [
        "INSERT INTO accounts (id, uuid, name, created_at) VALUES (1, 'a', 'a', 0)",
        "INSERT INTO environments (id, uuid, account_id, name, is_production, public_key, settings, signing_key, \
         created_at) VALUES (1, 'e', 1, 'dev', 0, 'p', '{}', '', 0)",
        "INSERT INTO integrations (id, environment_id, unique_key, provider, secrets, forward_webhooks, created_at, \
         updated_at) VALUES (1, 1, 'i', 'p', '', 0, 0, 0)",
        "INSERT INTO connections (id, environment_id, integration_id, connection_id, credentials, credentials_type, \
         connection_config, metadata, tags, version, refresh_failures, refresh_exhausted, created_at, updated_at) \
         VALUES (1, 1, 1, 'c', '', 'NONE', '', '{}', '{}', 1, 0, 0, 0, 0)",
    ] {
        tx.execute(sql, params![]).await.unwrap();
    }
    tx.commit().await.unwrap();
    let rng: Arc<dyn Rng> = Arc::new(SystemRng::default());
    let vault = Vault::new(MasterKey::new(vec![7; 32]).unwrap(), Vec::new(), rng);
    let environment = EnvironmentId(1);
    let key = vault.create_data_key(environment);
    let vault = vault.unlock(environment, &[key.bytes]).unwrap();
    Bench {
        store,
        vault,
        clock: Arc::new(SystemClock::default()),
    }
}

fn target() -> Target {
    Target::new(EnvironmentId(1), ConnectionId(1), "Item", "base")
}

impl Bench {
    async fn apply(&self, operation: Operation, generation: i64, records: Value) -> Report {
        self.apply_under(operation, generation, records, None).await
    }

    async fn apply_under(
        &self,
        operation: Operation,
        generation: i64,
        records: Value,
        ceiling: Option<Ceiling>,
    ) -> Report {
        let text = records.to_string();
        let chunk = Chunk::parse(&text).unwrap();
        let target = target();
        let mut tx = self.store.begin().await.unwrap();
        let one = Write {
            target: &target,
            operation,
            chunk: &chunk,
            generation,
            ceiling,
        };
        let report = write(&mut tx, &*self.clock, &self.vault, &one).await.unwrap();
        tx.commit().await.unwrap();
        report
    }

    async fn save(&self, generation: i64, records: Value) -> (i64, i64, i64) {
        let counts = self.apply(Operation::Save, generation, records).await.counts;
        (counts.added, counts.updated, counts.deleted)
    }

    async fn delete(&self, generation: i64, records: Value) -> (i64, i64, i64) {
        let counts = self.apply(Operation::Delete, generation, records).await.counts;
        (counts.added, counts.updated, counts.deleted)
    }

    async fn read(&self, filter: Filter, limit: i64) -> Value {
        let mut listing = start(&self.store, self.vault.clone(), target(), filter, limit)
            .await
            .unwrap();
        let mut text = Vec::new();
        while let Some(piece) = listing.next().await.unwrap() {
            text.extend(piece);
        }
        serde_json::from_slice(&text).unwrap()
    }

    /// Everything as "id:ACTION", oldest change first.
    async fn stream(&self) -> Vec<String> {
        let page = self.read(Filter::default(), 10_000).await;
        let records = page["records"].as_array().unwrap();
        records
            .iter()
            .map(|r| {
                format!(
                    "{}:{}",
                    r["id"].as_str().unwrap(),
                    r["_nango_metadata"]["last_action"].as_str().unwrap()
                )
            })
            .collect()
    }

    async fn content(&self, id: &str) -> Value {
        let filter = Filter {
            ids: Some(vec![id.to_owned()]),
            ..Filter::default()
        };
        let mut record = self.read(filter, 1).await["records"][0].take();
        record.as_object_mut().unwrap().remove("_nango_metadata");
        record
    }

    async fn delete_unmet(&self, generation: i64, writer: i64) -> Vec<String> {
        let target = target();
        absence::delete_unmet(&self.store, &*self.clock, Absence::new(&target, generation, writer))
            .await
            .unwrap()
    }

    async fn live(&self) -> i64 {
        let mut conn = self.store.read().await.unwrap();
        sets::find(&mut conn, EnvironmentId(1), ConnectionId(1), "Item")
            .await
            .unwrap()
            .unwrap()
            .live
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_lives() {
    on_each(async |b| {
        assert_eq!(
            b.save(1, json!([{"id": "a", "n": 1}, {"id": "b"}, {"id": "c"}])).await,
            (3, 0, 0)
        );
        assert_eq!(b.save(2, json!([{"id": "a", "n": 2}, {"id": "b"}])).await, (0, 1, 0));
        assert_eq!(b.stream().await, ["b:ADDED", "c:ADDED", "a:UPDATED"]);
        assert_eq!(
            b.delete(2, json!([{"id": "c"}, {"id": "never", "n": 0}])).await,
            (0, 0, 1)
        );
        assert_eq!(b.live().await, 2);
        assert_eq!(b.stream().await, ["b:ADDED", "a:UPDATED", "c:DELETED", "never:DELETED"]);
        // Deleted again: back in the stream, not counted.
        assert_eq!(b.delete(3, json!([{"id": "c"}])).await, (0, 0, 0));
        assert_eq!(b.stream().await, ["b:ADDED", "a:UPDATED", "never:DELETED", "c:DELETED"]);
        // It comes back as new.
        assert_eq!(b.save(3, json!([{"id": "c"}])).await, (1, 0, 0));
        assert_eq!(b.stream().await, ["b:ADDED", "a:UPDATED", "never:DELETED", "c:ADDED"]);
        assert_eq!(b.live().await, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_text_as_received_decides() {
    on_each(async |b| {
        assert_eq!(b.save(1, json!([{"id": "a", "x": 1, "y": 2}])).await, (1, 0, 0));
        assert_eq!(b.save(1, json!([{"id": "a", "y": 2, "x": 1}])).await, (0, 1, 0));
        // The first of two wins, a number becomes text, NUL goes.
        assert_eq!(
            b.save(1, json!([{"id": "d", "v": 1}, {"id": "d", "v": 2}])).await,
            (1, 0, 0)
        );
        assert_eq!(b.content("d").await, json!({"id": "d", "v": 1}));
        b.save(
            1,
            json!([{"name": "n", "id": 5, "_nango_metadata": {"x": 1}}, {"id": "n\u{0}ul"}]),
        )
        .await;
        assert_eq!(b.content("5").await, json!({"name": "n", "id": "5"}));
        assert_eq!(b.content("nul").await, json!({"id": "nul"}));
        let long = "x".repeat(4000);
        b.save(1, json!([{"id": "long", "text": long}])).await;
        assert_eq!(b.content("long").await["text"], json!(long));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn updates_merge_into_live_records() {
    on_each(async |b| {
        b.save(
            1,
            json!([{"id": "a", "o": {"x": 1, "y": [1, 2]}, "t": "k"}, {"id": "gone"}]),
        )
        .await;
        b.delete(1, json!([{"id": "gone"}])).await;
        let patch = json!([{"id": "a", "o": {"y": [3], "z": null}}, {"id": "gone", "n": 1}, {"id": "absent", "n": 1}]);
        let report = b.apply(Operation::Update, 1, patch.clone()).await;
        assert_eq!(
            report.counts,
            Counts {
                added: 0,
                updated: 1,
                deleted: 0
            }
        );
        assert_eq!(
            b.content("a").await,
            json!({"id": "a", "o": {"x": 1, "y": [3], "z": null}, "t": "k"})
        );
        assert_eq!(b.apply(Operation::Update, 1, patch).await.changed, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_deletes_what_it_did_not_meet() {
    on_each(async |b| {
        b.save(
            1,
            json!([{"id": "same"}, {"id": "changed", "n": 1}, {"id": "old"}, {"id": "hook"}]),
        )
        .await;
        b.save(2, json!([{"id": "same"}, {"id": "changed", "n": 2}, {"id": "new"}]))
            .await;
        // A webhook with a later number meets one record while the pass is under way.
        b.save(3, json!([{"id": "hook"}])).await;
        assert_eq!(b.delete_unmet(2, 2).await, ["old"]);
        assert_eq!(b.live().await, 4);
        assert!(b.delete_unmet(2, 2).await.is_empty());
        // Joined notes mean the same.
        b.save(4, json!([{"id": "same"}])).await;
        b.save(5, json!([{"id": "changed", "n": 2}, {"id": "new"}])).await;
        let mut tx = b.store.begin().await.unwrap();
        let set = sets::lock_existing(&mut tx, EnvironmentId(1), ConnectionId(1), "Item")
            .await
            .unwrap()
            .unwrap();
        sightings::compact(&mut tx, set.id, 4, 5).await.unwrap();
        sightings::forget_before(&mut tx, set.id, 4).await.unwrap();
        assert_eq!(sightings::count(&mut tx, set.id).await.unwrap(), 1);
        tx.commit().await.unwrap();
        assert_eq!(b.delete_unmet(4, 5).await, ["hook"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ceiling_protects_newer_records() {
    on_each(async |b| {
        let first = b.apply(Operation::Save, 1, json!([{"id": "a", "n": 1}])).await;
        let ceiling = Ceiling(first.last_change.unwrap());
        b.save(2, json!([{"id": "newer", "n": 2}])).await;
        let records = json!([{"id": "a", "n": 3}, {"id": "newer", "n": 3}, {"id": "fresh"}]);
        let report = b.apply_under(Operation::Save, 1, records, Some(ceiling)).await;
        assert_eq!(
            report.counts,
            Counts {
                added: 1,
                updated: 1,
                deleted: 0
            }
        );
        assert_eq!(b.content("newer").await["n"], json!(2));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pruning_keeps_places_and_a_save_refills() {
    on_each(async |b| {
        b.save(
            1,
            json!([{"id": "a", "n": 1}, {"id": "b", "n": 2}, {"id": "c", "n": 3}]),
        )
        .await;
        let page = b.read(Filter::default(), 2).await;
        let cursor = page["records"][1]["_nango_metadata"]["cursor"]
            .as_str()
            .unwrap()
            .to_owned();
        assert_eq!(page["next_cursor"].as_str(), Some(cursor.as_str()));
        let until = Cursor::parse(&cursor).unwrap().0;
        let prune = async |limit| {
            let mut tx = b.store.begin().await.unwrap();
            let found = sets::lock_existing(&mut tx, EnvironmentId(1), ConnectionId(1), "Item").await;
            let mut set = found.unwrap().unwrap();
            let pruned = shrink::prune(&mut tx, &mut set, until, limit, b.clock.now())
                .await
                .unwrap();
            sets::save(&mut tx, &set).await.unwrap();
            tx.commit().await.unwrap();
            pruned
        };
        assert_eq!(prune(1).await, (1, true));
        assert_eq!(prune(10).await, (1, false));
        assert_eq!(prune(10).await, (0, false));
        let after = b.read(Filter::default(), 10).await;
        assert_eq!(after["records"][0]["n"], Value::Null);
        assert!(after["records"][0]["_nango_metadata"]["pruned_at"].is_string());
        assert_eq!(b.content("c").await, json!({"id": "c", "n": 3}));
        assert_eq!(b.save(2, json!([{"id": "a", "n": 1}])).await, (0, 0, 0));
        assert_eq!(b.content("a").await, json!({"id": "a", "n": 1}));
        assert_eq!(b.stream().await, ["a:ADDED", "b:ADDED", "c:ADDED"]);
        assert_eq!(prune(10).await, (1, false));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_choose_by_last_action() {
    on_each(async |b| {
        b.save(1, json!([{"id": "a"}, {"id": "u"}, {"id": "d"}])).await;
        b.save(1, json!([{"id": "u", "n": 1}])).await;
        b.delete(1, json!([{"id": "d"}])).await;
        for (filter, expected) in [
            ("added", "a"),
            ("updated", "u"),
            ("deleted", "d"),
            ("added,updated", "a u"),
            ("ADDED,deleted", "a d"),
            ("updated,deleted", "u d"),
            ("added,updated,deleted", "a u d"),
        ] {
            let query = read_query(&json!({"model": "Item", "filter": filter}), b.clock.now()).unwrap();
            let page = b.read(query.filter, 10).await;
            let ids: Vec<&str> = page["records"]
                .as_array()
                .unwrap()
                .iter()
                .map(|r| r["id"].as_str().unwrap())
                .collect();
            assert_eq!(ids.join(" "), expected, "{filter}");
        }
    })
    .await;
}

/// Four writers, one reader that only remembers its cursor: in the end the reader's picture is the stored one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_delta_reader_beside_four_writers_misses_nothing() {
    on_each(async |b| {
        let b = Arc::new(b);
        let done = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..4_u64)
            .map(|writer| {
                let b = Arc::clone(&b);
                tokio::spawn(async move {
                    let rng = SeededRng::new(writer);
                    for round in 0..60 {
                        let mut bytes = [0; 12];
                        rng.fill(&mut bytes);
                        let id = |byte: u8| format!("r{}", byte % 40);
                        let record = |byte: &u8| json!({"id": id(*byte), "by": writer, "round": round});
                        let (few, rest) = bytes.split_at(8);
                        b.apply(Operation::Save, 1, few.iter().map(record).collect()).await;
                        if round % 3 == 0 {
                            b.apply(Operation::Delete, 1, rest.iter().map(record).collect()).await;
                        }
                    }
                })
            })
            .collect();
        let reader = {
            let (b, done) = (Arc::clone(&b), Arc::clone(&done));
            tokio::spawn(async move {
                let (mut seen, mut cursor, mut order) = (HashMap::new(), None, Vec::new());
                loop {
                    let last = done.load(Ordering::SeqCst);
                    let page = b
                        .read(
                            Filter {
                                after: cursor,
                                ..Filter::default()
                            },
                            7,
                        )
                        .await;
                    let records = page["records"].as_array().unwrap().clone();
                    for mut record in records.iter().cloned() {
                        let metadata = record.as_object_mut().unwrap().remove("_nango_metadata").unwrap();
                        let at = Cursor::parse(metadata["cursor"].as_str().unwrap()).unwrap().0;
                        order.push(at);
                        cursor = Some(at);
                        let gone = metadata["last_action"] == "DELETED";
                        seen.insert(record["id"].as_str().unwrap().to_owned(), (gone, record));
                    }
                    if last && records.is_empty() {
                        break;
                    }
                    tokio::task::yield_now().await;
                }
                assert!(order.is_sorted_by(|a, b| a < b));
                seen
            })
        };
        for writer in writers {
            writer.await.unwrap();
        }
        done.store(true, Ordering::SeqCst);
        let seen = reader.await.unwrap();
        let all = b.read(Filter::default(), 10_000).await;
        let mut stored = HashMap::new();
        for mut record in all["records"].as_array().unwrap().iter().cloned() {
            let metadata = record.as_object_mut().unwrap().remove("_nango_metadata").unwrap();
            let gone = metadata["last_action"] == "DELETED";
            stored.insert(record["id"].as_str().unwrap().to_owned(), (gone, record));
        }
        assert_eq!(seen, stored);
        let mut conn = b.store.read().await.unwrap();
        let set = sets::find(&mut conn, EnvironmentId(1), ConnectionId(1), "Item")
            .await
            .unwrap()
            .unwrap();
        let numbers = list::sequence(&mut conn, set.id).await.unwrap();
        assert!(numbers.is_sorted_by(|a, b| a < b) && numbers.last().unwrap().0 == set.last_seq);
        assert_eq!(set.live, stored.values().filter(|(gone, _)| !gone).count() as i64);
    })
    .await;
}

#[test]
fn chunks_are_refused_as_a_whole() {
    let refused = |text: &str| Chunk::parse(text).unwrap_err();
    for text in [
        r#"[{"id":"ok"},{"name":"no id"}]"#.to_owned(),
        r#"[{"id":"ok"},{"id":""}]"#.to_owned(),
        r#"[{"id":"ok"},{"id":null}]"#.to_owned(),
        r#"[{"id":"ok"},{"id":{}}]"#.to_owned(),
        format!(r#"[{{"id":"ok"}},{{"id":"{}"}}]"#, "x".repeat(256)),
    ] {
        let issue = json!({"code": "invalid_union", "message": "Invalid input", "path": ["records", "1", "id"]});
        assert_eq!(refused(&text), ChunkError::Invalid(vec![issue]), "{text}");
    }
    assert_eq!(refused(r#"[{"id":0}]"#), ChunkError::MissingId);
    assert!(matches!(refused(r#"[{"id":"a"]"#), ChunkError::Malformed(_)));
    assert!(matches!(refused(r#"{"id":"a"}"#), ChunkError::Malformed(_)));
    assert!(matches!(refused("[1]"), ChunkError::Invalid(_)));
}

#[test]
fn moments_are_written_like_the_library_does() {
    let rng = SeededRng::new(1);
    let mut bytes = [0; 8];
    for _ in 0..2_000 {
        rng.fill(&mut bytes);
        let at = Timestamp((u64::from_le_bytes(bytes) % 4_102_444_800_000_000) as i64);
        assert_eq!(std::str::from_utf8(&wire::moment(at)).unwrap(), at.iso_micros_offset());
    }
}

#[test]
fn queries_are_read_strictly() {
    let clock = ManualClock::new(Timestamp::parse_iso("2026-06-01T00:00:00Z").unwrap());
    let issues = |query: Value| -> Vec<String> {
        let error = read_query(&query, clock.now()).unwrap_err();
        error
            .refusal()
            .unwrap()
            .issues
            .iter()
            .map(|i| format!("{} {}", i.code, i.path.join(".")))
            .collect()
    };
    let with = |key: &str, value: Value| json!({"model": "Item", key: value});
    assert_eq!(issues(json!({})), ["invalid_type model"]);
    assert_eq!(issues(json!({"model": "item"})), ["invalid_format model"]);
    assert_eq!(issues(with("x", json!("1"))), ["unrecognized_keys "]);
    assert_eq!(issues(with("limit", json!("0"))), ["too_small limit"]);
    assert_eq!(issues(with("limit", json!("10001"))), ["too_big limit"]);
    assert_eq!(issues(with("cursor", json!("***"))), ["custom cursor"]);
    assert_eq!(issues(with("cursor", json!(""))), ["too_small cursor"]);
    assert_eq!(issues(with("ids", json!(""))), ["invalid_union ids"]);
    assert_eq!(issues(with("filter", json!("Added"))), ["invalid_value filter"]);
    assert_eq!(
        issues(with("modified_after", json!("2026-05-31"))),
        ["invalid_format modified_after"]
    );
    assert_eq!(
        issues(with("modified_after", json!("2026-05-31T00:00:00+00:00"))),
        ["invalid_format modified_after"]
    );
    assert_eq!(
        issues(with("modified_after", json!("2020-01-01T00:00:00Z"))),
        ["custom modified_after"]
    );
    assert_eq!(
        issues(with("modified_after", json!("then"))),
        ["invalid_format modified_after", "custom modified_after"]
    );
    for good in ["2026-05-31T00:00:00Z", "2026-05-31T00:00:00.123Z", "2026-05-31T00:00Z"] {
        assert!(
            read_query(&with("modified_after", json!(good)), clock.now()).is_ok(),
            "{good}"
        );
    }
}
