//! Syncs come and go with connections and functions, and are switched by callers. No function runs here: the sandbox of
//! these nodes never starts.

#[path = "../functions/support.rs"]
#[allow(dead_code, reason = "shared with another suite")]
mod support;

use std::time::Duration;

use serde_json::{Value, json};
use support::{Node, nodes};
use tenon_app::functions::deploy::DeployInput;
use tenon_app::syncs::FrequencyRequest;
use tenon_app::syncs::control::{SwitchRequest, TriggerRequest};
use tenon_app::syncs::status::StatusRequest;
use tenon_app::syncs::variants::VariantRequest;

async fn deploy(node: &Node, names: &[&str]) {
    deploy_every(node, names, "every hour").await;
}

async fn deploy_every(node: &Node, names: &[&str], runs: &str) {
    let flows: Vec<Value> = names
        .iter()
        .map(|name| {
            json!({
                "type": "sync", "syncName": name, "providerConfigKey": "crm", "models": ["Thing"], "runs": runs,
                "version": "", "auto_start": false,
                "fileBody": { "js": "module.exports = {}", "ts": "// source" },
                "models_json_schema": { "definitions": { "Thing": {} } },
            })
        })
        .collect();
    let body = json!({
        "flowConfigs": flows, "reconcile": true, "debug": false, "deployMode": "integration", "nangoYamlBody": "",
        "sdkVersion": "0.71.4-zero", "source": "repo",
    });
    node.app
        .deploy(&node.caller, DeployInput::parse(Some(&body), false).unwrap())
        .await
        .unwrap();
}

async fn status(node: &Node, syncs: &str) -> Vec<Value> {
    let query = json!({ "syncs": syncs, "provider_config_key": "crm", "connection_id": "ada" });
    let request = StatusRequest::parse(&query).unwrap();
    let answer = node.app.sync_status(&node.caller, request).await.unwrap();
    answer["syncs"].as_array().unwrap().clone()
}

async fn wait_for(node: &Node, syncs: &str, what: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    for _ in 0..300 {
        let found = status(node, syncs).await;
        if what(&found) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!(
        "the syncs never became what they should: {:?}",
        status(node, syncs).await
    );
}

fn place(more: Value) -> Value {
    let mut body = json!({ "provider_config_key": "crm", "connection_id": "ada" });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

async fn switch(node: &Node, paused: bool, syncs: Value) -> tenon_app::Result<()> {
    let request = SwitchRequest::parse(Some(&place(json!({ "syncs": syncs }))))?;
    node.app.switch_syncs(&node.caller, request, paused).await
}

fn code(result: tenon_app::Result<impl std::fmt::Debug>) -> (u16, String) {
    let error = result.unwrap_err();
    let refusal = error.refusal().unwrap();
    (refusal.status, refusal.code.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn syncs_follow_connections_and_functions() {
    for node in nodes().await {
        node.integration("crm").await;
        deploy(&node, &["one"]).await;
        node.connection("crm", "ada", "").await;
        let found = wait_for(&node, "*", |found| found.len() == 1).await;
        assert_eq!(found[0]["status"], "PAUSED");
        assert_eq!(found[0]["nextScheduledSyncAt"], Value::Null);
        assert_eq!(found[0]["recordCount"], json!({ "Thing": 0 }));
        assert!(found[0].get("latestResult").is_none() && found[0].get("finishedAt").is_none());
        // A connection that is there already gets what is deployed later.
        deploy(&node, &["one", "two"]).await;
        assert_eq!(status(&node, "*").await.len(), 2);
        assert_eq!(status(&node, "two,nope").await.len(), 1);
        deploy(&node, &["two"]).await;
        wait_for(&node, "*", |found| found.len() == 1 && found[0]["name"] == "two").await;
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_refused_as_the_contract_says() {
    for node in nodes().await {
        node.integration("crm").await;
        deploy(&node, &["one"]).await;
        node.connection("crm", "ada", "").await;
        wait_for(&node, "*", |found| found.len() == 1).await;
        let trigger = async |body: Value| {
            let request = TriggerRequest::parse(Some(&body), None, None)?;
            node.app.trigger_syncs(&node.caller, request).await
        };
        assert_eq!(
            code(trigger(json!({ "syncs": ["one"] })).await).1,
            "missing_provider_config_key"
        );
        assert_eq!(
            code(trigger(place(json!({ "syncs": ["nope"] }))).await).1,
            "no_syncs_found"
        );
        let stranger = json!({ "syncs": ["one"], "provider_config_key": "crm", "connection_id": "nobody" });
        assert_eq!(code(trigger(stranger).await), (404, "unknown_connection".to_owned()));
        let nowhere = json!({ "syncs": ["one"], "provider_config_key": "nope" });
        assert_eq!(
            code(trigger(nowhere).await),
            (400, "unknown_provider_config".to_owned())
        );
        let both = place(json!({ "syncs": ["one"], "opts": { "reset": true }, "full_resync": true }));
        assert_eq!(code(trigger(both).await).1, "invalid_body");
        assert_eq!(
            code(trigger(place(json!({ "syncs": ["a b"] }))).await).1,
            "invalid_body"
        );
        assert_eq!(code(switch(&node, true, json!(["nope"])).await).1, "no_syncs_found");
        switch(&node, true, json!([])).await.unwrap();
        switch(&node, true, json!([{ "name": "one", "variant": "base" }]))
            .await
            .unwrap();
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_its_own_frequency() {
    for node in nodes().await {
        node.integration("crm").await;
        deploy(&node, &["one"]).await;
        node.connection("crm", "ada", "").await;
        wait_for(&node, "*", |found| found.len() == 1).await;
        let set = async |sync: &str, frequency: Value| {
            let body = place(json!({ "sync_name": sync, "frequency": frequency }));
            let request = FrequencyRequest::parse(Some(&body))?;
            node.app.update_sync_frequency(&node.caller, request).await
        };
        assert_eq!(set("one", json!("every 3 hours")).await.unwrap(), "3 hours");
        assert_eq!(status(&node, "one").await[0]["frequency"], "every 3 hours");
        assert_eq!(set("one", json!("every half day")).await.unwrap(), "12h");
        assert_eq!(set("one", json!("90s")).await.unwrap(), "90s");
        assert_eq!(code(set("one", json!("every 10s")).await).1, "invalid_body");
        assert_eq!(code(set("one", json!("often")).await).1, "invalid_body");
        assert_eq!(code(set("one", json!(5)).await).1, "invalid_body");
        assert_eq!(code(set("nope", json!("1h")).await), (400, "unknown_sync".to_owned()));
        assert_eq!(set("one", Value::Null).await.unwrap(), "every hour");
        assert_eq!(status(&node, "one").await[0]["frequency"], "every hour");
        // A deploy changes the frequency of those that have none of their own.
        deploy_every(&node, &["one"], "every 2 hours").await;
        assert_eq!(status(&node, "one").await[0]["frequency"], "every 2 hours");
        set("one", json!("90s")).await.unwrap();
        deploy_every(&node, &["one"], "every 5 hours").await;
        assert_eq!(status(&node, "one").await[0]["frequency"], "90s");
        assert_eq!(set("one", Value::Null).await.unwrap(), "every 5 hours");
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connections_own_frequency_survives_deploys() {
    for node in nodes().await {
        node.integration("crm").await;
        deploy(&node, &["one"]).await;
        node.connection("crm", "ada", "").await;
        wait_for(&node, "*", |found| found.len() == 1).await;
        let set = async |frequency: Value| {
            let body = place(json!({ "sync_name": "one", "frequency": frequency }));
            let request = FrequencyRequest::parse(Some(&body)).unwrap();
            node.app.update_sync_frequency(&node.caller, request).await.unwrap()
        };
        set(json!("every 3 hours")).await;
        deploy_every(&node, &["one"], "every 2 hours").await;
        assert_eq!(status(&node, "one").await[0]["frequency"], "every 3 hours");
        assert_eq!(set(Value::Null).await, "every 2 hours");
        deploy_every(&node, &["one"], "every day").await;
        assert_eq!(status(&node, "one").await[0]["frequency"], "every day");
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_a_hundred_variants_of_a_sync_at_most() {
    for node in nodes().await {
        node.integration("crm").await;
        deploy(&node, &["one", "two"]).await;
        node.connection("crm", "ada", "").await;
        wait_for(&node, "*", |found| found.len() == 2).await;
        let create = async |sync: &str, variant: String| {
            let request = VariantRequest::parse(sync, &variant, Some(&place(json!({}))))?;
            node.app.create_sync_variant(&node.caller, request).await
        };
        for number in 1..100 {
            create("one", format!("v{number}")).await.unwrap();
        }
        assert_eq!(
            code(create("one", "v100".to_owned()).await),
            (400, "resource_capped".to_owned())
        );
        create("two", "v100".to_owned()).await.unwrap();
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn variants_are_syncs_of_their_own() {
    for node in nodes().await {
        node.integration("crm").await;
        deploy(&node, &["one"]).await;
        node.connection("crm", "ada", "").await;
        wait_for(&node, "*", |found| found.len() == 1).await;
        let request = |variant: &str| VariantRequest::parse("one", variant, Some(&place(json!({}))));
        let create = async |variant: &str| node.app.create_sync_variant(&node.caller, request(variant)?).await;
        let made = create("eu").await.unwrap();
        assert_eq!((&made["name"], &made["variant"]), (&json!("one"), &json!("eu")));
        assert_eq!(code(create("eu").await).1, "sync_variant_already_exists");
        assert_eq!(code(create("base").await).1, "invalid_variant");
        assert_eq!(status(&node, "one::eu").await.len(), 1);
        assert_eq!(status(&node, "one").await[0]["variant"], "base");
        let delete = async |variant: &str| node.app.delete_sync_variant(&node.caller, request(variant)?).await;
        delete("eu").await.unwrap();
        assert_eq!(code(delete("eu").await), (404, "not_found".to_owned()));
        assert!(status(&node, "one::eu").await.is_empty());
        node.app.shut_down().await;
    }
}
