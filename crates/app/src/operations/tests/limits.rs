//! How much of what is said is kept (functions contract, 8.2).

use super::*;

#[tokio::test]
async fn messages_and_details_have_a_size() {
    let (log, store, _) = log().await;
    let operation = log.start(ENVIRONMENT, Kind::Action, "run", Subject::titled("much"));
    operation.log(Level::Info, "é".repeat(10_000), None);
    operation.log(
        Level::Info,
        "é".repeat(10_001),
        Some(&json!({ "text": "x".repeat(200_000) })),
    );
    operation.log(Level::Info, "fits", Some(&json!({ "text": "x".repeat(98_000) })));
    operation.finish(Outcome::Success);
    log.flush().await.unwrap();
    let rows = messages(&store, &operation.id().0).await;
    assert_eq!(rows[0].message.chars().count(), 10_000);
    assert_eq!(rows[1].message.chars().count(), 10_001);
    assert!(rows[1].message.ends_with("é…"));
    let meta = rows[1].meta.as_deref().unwrap();
    let cut: Value = serde_json::from_str(meta).unwrap();
    assert!(meta.len() < 99_100 && cut.get("truncated").is_some(), "{}", meta.len());
    let whole: Value = serde_json::from_str(rows[2].meta.as_deref().unwrap()).unwrap();
    assert_eq!(whole["text"].as_str().map(str::len), Some(98_000));
}

#[tokio::test]
async fn an_operation_keeps_so_many_messages_and_counts_the_others() {
    let (log, store, _) = log().await;
    let operation = log.start(ENVIRONMENT, Kind::Sync, "run", Subject::titled("chatty"));
    for number in 0..20_010 {
        operation.log(Level::Debug, "line", None);
        if number % 1_000 == 0 {
            log.flush().await.unwrap();
        }
    }
    // What tells of a failure has room of its own.
    operation.log(Level::Error, "the reason", None);
    operation.finish(Outcome::failed("script_internal_error", "the reason"));
    log.flush().await.unwrap();
    let rows = list(&store, OperationFilter::default()).await;
    assert_eq!(rows[0].messages_dropped, 10);
    let mut conn = store.read().await.unwrap();
    let id = parse_id(&operation.id().0).unwrap();
    let last = table::list_messages(&mut conn, ENVIRONMENT, id, 19_998, 100)
        .await
        .unwrap();
    let last: Vec<_> = last.iter().map(|row| row.message.as_str()).collect();
    assert_eq!(last, ["line", "the reason"]);
}
