//! What happens as time goes by: retention, and work that comes too late.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};
use tenon_app::actions::{ActionAnswer, TriggerInput};
use tenon_app::functions::deploy::DeployInput;
use tenon_app::records::{Chunk, Operation, Target, Write, write};
use tenon_model::ConnectionId;
use tenon_store::params;
use tenon_store::tables::records::sets;
use tenon_store::tables::{connections, tasks};

use crate::support::{Node, nodes, sleeping_nodes};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn deploy(node: &Node, flow: Value) {
    let body = json!({
        "flowConfigs": [flow], "reconcile": true, "debug": false, "deployMode": "integration", "nangoYamlBody": "",
        "sdkVersion": "0.71.4-zero", "source": "repo",
    });
    let input = DeployInput::parse(Some(&body), false).unwrap();
    node.app.deploy(&node.caller, input).await.unwrap();
}

fn flow(kind: &str, more: Value) -> Value {
    let mut flow = json!({
        "type": kind, "syncName": "one", "providerConfigKey": "crm", "models": [], "runs": null, "version": "",
        "track_deletes": false, "fileBody": { "js": "module.exports = {}", "ts": "" },
    });
    for (name, value) in more.as_object().unwrap() {
        flow[name] = value.clone();
    }
    flow
}

async fn ada(node: &Node) -> ConnectionId {
    node.integration("crm").await;
    node.connection("crm", "ada", "").await;
    let mut conn = node.app.store().read().await.unwrap();
    let row = connections::find(&mut conn, node.environment.id, "crm", "ada").await;
    row.unwrap().unwrap().id
}

async fn wait_for(what: &str, mut check: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if check().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("timed out: {what}");
}

/// Moves time and lets the queue look at once.
async fn pass(node: &Node, by: Duration, kind: &str) {
    node.advance(by).await;
    let mut tx = node.app.store().begin().await.unwrap();
    tx.signal(tasks::CHANNEL, kind);
    tx.execute("UPDATE accounts SET name = name", params![]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Rows of a model, and how many of them still have their content.
async fn kept(node: &Node, model: &str) -> (i64, i64) {
    let mut conn = node.app.store().read().await.unwrap();
    let sql =
        "SELECT COUNT(*), COUNT(r.payload) FROM records r JOIN record_sets s ON s.id = r.set_id WHERE s.model = $1";
    let row = conn.query_one(sql, params![model]).await.unwrap();
    (row.i64(0).unwrap(), row.i64(1).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_go_after_a_month_and_records_two_months_after_the_last_run() {
    for node in nodes().await {
        let connection = ada(&node).await;
        let vault = node.app.vault(node.environment.id).await.unwrap();
        for model in ["Busy", "Idle"] {
            let target = Target::new(node.environment.id, connection, model, "base");
            let chunk = Chunk::parse(r#"[{"id":"1"},{"id":"2"},{"id":"3"}]"#).unwrap();
            let mut tx = node.app.store().begin().await.unwrap();
            let batch = Write {
                target: &target,
                operation: Operation::Save,
                chunk: &chunk,
                generation: 1,
                ceiling: None,
            };
            write(&mut tx, node.app.clock(), &vault, &batch).await.unwrap();
            tx.commit().await.unwrap();
        }
        let both = async |expected: [(i64, i64); 2]| {
            wait_for(&format!("{expected:?}"), async || {
                [kept(&node, "Busy").await, kept(&node, "Idle").await] == expected
            })
            .await;
        };
        pass(&node, 29 * DAY, "storage-upkeep").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        both([(3, 3), (3, 3)]).await;
        pass(&node, 2 * DAY, "storage-upkeep").await;
        both([(3, 0), (3, 0)]).await;
        // A run that changes nothing passes over one of them.
        let mut tx = node.app.store().begin().await.unwrap();
        let now = node.app.clock().now();
        let models = ["Busy".to_owned()];
        sets::touch(&mut tx, node.environment.id, connection, &models, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        pass(&node, 28 * DAY, "storage-upkeep").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        both([(3, 0), (3, 0)]).await;
        pass(&node, 2 * DAY, "storage-upkeep").await;
        both([(3, 0), (0, 0)]).await;
        pass(&node, 31 * DAY, "storage-upkeep").await;
        both([(0, 0), (0, 0)]).await;
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_could_not_start_for_a_day_fails_and_says_so() {
    for node in sleeping_nodes().await {
        ada(&node).await;
        deploy(&node, flow("action", json!({}))).await;
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection-id", "ada"),
            ("provider-config-key", "crm"),
            ("x-async", "true"),
        ] {
            headers.insert(name, value.parse().unwrap());
        }
        let input = TriggerInput::parse(&headers, Some(&json!({ "action_name": "one" }))).unwrap();
        let ActionAnswer::Accepted(id) = node.app.trigger_action(&node.caller, input).await.unwrap() else {
            panic!("the call asked to be run later");
        };
        node.clock.advance(DAY + Duration::from_secs(60));
        node.app.start();
        wait_for("the action fails", async || {
            let error = node.app.async_action_result(&node.caller, id).await.unwrap_err();
            let refusal = error.refusal().unwrap();
            if refusal.status == 404 {
                return false;
            }
            assert_eq!((refusal.status, refusal.code.as_str()), (400, "action_failure"));
            assert!(refusal.message.as_deref().unwrap().contains("24 hours"));
            true
        })
        .await;
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_run_comes_too_late_is_dropped_and_logged() {
    for node in nodes().await {
        ada(&node).await;
        let more = json!({
            "models": ["Thing"], "runs": "every hour", "auto_start": false, "webhookSubscriptions": ["*"],
            "models_json_schema": { "definitions": { "Thing": {} } },
        });
        deploy(&node, flow("sync", more)).await;
        let environment = node.environment.uuid.to_string();
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "application/json".parse().unwrap());
        let delivery = tenon_app::webhooks::inbound::Delivery {
            environment: &environment,
            integration: "crm",
            headers: &headers,
            target: "/webhook",
            query: &json!({}),
            raw: br#"{"type":"thing.made","connectionId":"ada"}"#,
        };
        node.app.receive_webhook(&delivery).await.unwrap();
        // No sandbox starts here, so the run is put back.
        let waiting = async || {
            let mut conn = node.app.store().read().await.unwrap();
            let sql = "SELECT COUNT(*) FROM tasks WHERE kind = 'webhook-run' AND state = 'delayed'";
            conn.query_one(sql, params![]).await.unwrap().i64(0).unwrap() > 0
        };
        wait_for("the run waits", waiting).await;
        pass(&node, Duration::from_secs(2 * 3600), "webhook-run").await;
        wait_for("the log says so", async || {
            node.app.operations().flush().await.unwrap();
            let mut conn = node.app.store().read().await.unwrap();
            let sql = "SELECT error_message FROM operations WHERE error_code = 'webhook_given_up' AND function = 'one'";
            let Some(row) = conn.query_opt(sql, params![]).await.unwrap() else {
                return false;
            };
            assert!(row.text(0).unwrap().contains("could not start within 60 minutes"));
            true
        })
        .await;
        node.app.shut_down().await;
    }
}
