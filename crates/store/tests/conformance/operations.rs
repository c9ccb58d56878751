use std::time::Duration;

use tenon_model::EnvironmentId;
use tenon_store::Store;
use tenon_store::tables::operations::{self as table, MessageRow, OperationFilter, OperationRow, id_at};

use crate::support::{start, stores};

const E: EnvironmentId = EnvironmentId(1);

fn operation(second: u64, state: &str) -> OperationRow {
    let created_at = start().plus(Duration::from_secs(second));
    OperationRow {
        id: id_at(created_at, 3),
        environment_id: E,
        kind: "action".to_owned(),
        action: "run".to_owned(),
        state: state.to_owned(),
        title: format!("Action {second}"),
        integration: Some("acme".to_owned()),
        provider: Some("acme".to_owned()),
        connection: Some(format!("c{}", second % 2)),
        function: None,
        error_code: None,
        error_message: None,
        meta: None,
        created_at,
        ended_at: None,
        messages_dropped: 0,
    }
}

fn message(operation: &OperationRow, sequence: i64, text: &str) -> MessageRow {
    MessageRow {
        operation_id: operation.id,
        sequence,
        environment_id: E,
        at: operation.created_at,
        level: "info".to_owned(),
        kind: "log".to_owned(),
        message: text.to_owned(),
        meta: Some(r#"{"Deep":"Value"}"#.to_owned()),
    }
}

async fn titles(store: &Store, filter: OperationFilter<'_>) -> Vec<String> {
    let mut conn = store.read().await.unwrap();
    table::list(&mut conn, &filter, 50)
        .await
        .unwrap()
        .into_iter()
        .map(|row| row.title)
        .collect()
}

async fn write(store: &Store, rows: &[OperationRow], messages: &[MessageRow]) {
    let mut tx = store.begin().await.unwrap();
    table::upsert_all(&mut tx, rows).await.unwrap();
    table::insert_messages(&mut tx, messages).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_last_state_wins_and_messages_are_kept_once() {
    for store in stores().await {
        let mut row = operation(0, "running");
        write(&store, &[row.clone()], &[message(&row, 0, "one")]).await;
        row.state = "failed".to_owned();
        row.error_code = Some("x".to_owned());
        row.ended_at = Some(start());
        write(
            &store,
            &[row.clone()],
            &[message(&row, 0, "again"), message(&row, 1, "two")],
        )
        .await;
        let mut conn = store.read().await.unwrap();
        assert_eq!(table::find(&mut conn, E, row.id).await.unwrap(), Some(row.clone()));
        assert_eq!(table::find(&mut conn, EnvironmentId(2), row.id).await.unwrap(), None);
        let said = table::list_messages(&mut conn, E, row.id, -1, 10).await.unwrap();
        assert_eq!(
            said.iter().map(|m| m.message.as_str()).collect::<Vec<_>>(),
            ["one", "two"]
        );
        assert_eq!(
            table::list_messages(&mut conn, E, row.id, 0, 10).await.unwrap().len(),
            1
        );
        assert_eq!(table::list_by_ids(&mut conn, &[row.id]).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn lists_are_filtered_and_searched() {
    for store in stores().await {
        let rows: Vec<OperationRow> = (0..4)
            .map(|second| operation(second, if second == 2 { "timeout" } else { "success" }))
            .collect();
        let messages: Vec<MessageRow> = rows
            .iter()
            .map(|row| message(row, 0, if row.title == "Action 1" { "100% Sure_ly" } else { "-" }))
            .collect();
        write(&store, &rows, &messages).await;
        let all = OperationFilter::default();
        assert_eq!(
            titles(&store, all.clone()).await,
            ["Action 3", "Action 2", "Action 1", "Action 0"]
        );
        let failed = OperationFilter {
            failed: true,
            ..all.clone()
        };
        assert_eq!(titles(&store, failed).await, ["Action 2"]);
        let of = OperationFilter {
            connection: Some("c1"),
            kind: Some("action"),
            integration: Some("acme"),
            ..all.clone()
        };
        assert_eq!(titles(&store, of).await, ["Action 3", "Action 1"]);
        let before = OperationFilter {
            before: Some(rows[2].id),
            environment: Some(E),
            ..all.clone()
        };
        assert_eq!(titles(&store, before).await, ["Action 1", "Action 0"]);
        let after = OperationFilter {
            after: Some(rows[1].id),
            ..all.clone()
        };
        assert_eq!(titles(&store, after).await, ["Action 2", "Action 3"]);
        for (text, expected) in [
            ("sure_LY", 1),
            ("100%", 1),
            ("0%0", 0),
            ("deep", 4),
            ("action", 4),
            ("%", 1),
        ] {
            let search = OperationFilter {
                search: Some(text),
                ..all.clone()
            };
            assert_eq!(titles(&store, search).await.len(), expected, "{text}");
        }
        let elsewhere = OperationFilter {
            environment: Some(EnvironmentId(9)),
            ..all
        };
        assert!(titles(&store, elsewhere).await.is_empty());
    }
}

#[tokio::test]
async fn old_ones_go_in_steps_and_the_abandoned_end() {
    for store in stores().await {
        let rows: Vec<OperationRow> = (0..5).map(|second| operation(second, "running")).collect();
        let messages: Vec<MessageRow> = rows.iter().map(|row| message(row, 0, "-")).collect();
        write(&store, &rows, &messages).await;
        let mut tx = store.begin().await.unwrap();
        let now = start().plus(Duration::from_secs(60));
        let ended = table::fail_abandoned(&mut tx, start().plus(Duration::from_secs(4)), 3, now)
            .await
            .unwrap();
        assert_eq!(ended, 4);
        let before = start().plus(Duration::from_secs(3));
        assert_eq!(table::prune(&mut tx, before, 2).await.unwrap(), 2);
        assert_eq!(table::prune(&mut tx, before, 2).await.unwrap(), 1);
        assert_eq!(table::prune(&mut tx, before, 2).await.unwrap(), 0);
        tx.commit().await.unwrap();
        assert_eq!(
            titles(&store, OperationFilter::default()).await,
            ["Action 4", "Action 3"]
        );
        let mut conn = store.read().await.unwrap();
        assert!(
            table::list_messages(&mut conn, E, rows[0].id, -1, 10)
                .await
                .unwrap()
                .is_empty()
        );
        assert_eq!(
            table::list_messages(&mut conn, E, rows[4].id, -1, 10)
                .await
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn a_batch_is_written_whole() {
    for store in stores().await {
        let rows: Vec<OperationRow> = (0..75).map(|second| operation(second, "running")).collect();
        let messages: Vec<MessageRow> = rows
            .iter()
            .flat_map(|row| [message(row, 0, "-"), message(row, 1, "-")])
            .collect();
        write(&store, &rows, &messages).await;
        let ended: Vec<OperationRow> = rows
            .into_iter()
            .map(|row| OperationRow {
                state: "success".to_owned(),
                ..row
            })
            .collect();
        write(&store, &ended, &messages).await;
        let mut conn = store.read().await.unwrap();
        let all = table::list(&mut conn, &OperationFilter::default(), 100).await.unwrap();
        assert_eq!(all.len(), 75);
        assert!(all.iter().all(|row| row.state == "success"));
        for row in &all {
            assert_eq!(
                table::list_messages(&mut conn, E, row.id, -1, 10).await.unwrap().len(),
                2
            );
        }
    }
}
