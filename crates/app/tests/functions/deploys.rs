use serde_json::{Value, json};
use tenon_app::functions::deploy::DeployInput;
use tenon_app::functions::{DeleteQuery, ListQuery, SwitchInput};

use crate::support::{Node, nodes};

pub fn flow(kind: &str, name: &str, integration: &str) -> Value {
    json!({
        "type": kind,
        "syncName": name,
        "providerConfigKey": integration,
        "models": ["Thing"],
        "runs": if kind == "sync" { json!("every hour") } else { Value::Null },
        "version": "",
        "fileBody": { "js": format!("module.exports = {{ name: '{name}' }}"), "ts": "// source" },
        "models_json_schema": { "definitions": { "Thing": {} } },
    })
}

pub fn body(flows: Vec<Value>, mode: &str, more: Value) -> Value {
    let mut body = json!({
        "flowConfigs": flows, "reconcile": true, "debug": false, "deployMode": mode, "nangoYamlBody": "",
        "sdkVersion": "0.71.4-zero", "source": "repo",
    });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    body
}

pub async fn deploy(node: &Node, body: Value) -> tenon_app::Result<Value> {
    node.app
        .deploy(&node.caller, DeployInput::parse(Some(&body), false)?)
        .await
}

async fn names(node: &Node, key: &str) -> Vec<String> {
    let query = ListQuery::parse(&json!({})).unwrap();
    let listed = node.app.list_functions(&node.caller, key, &query).await.unwrap();
    listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

pub fn code(result: tenon_app::Result<Value>) -> String {
    result.unwrap_err().refusal().unwrap().code.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deploy_is_in_force_as_a_whole() {
    for node in nodes().await {
        node.integration("one").await;
        let answer = deploy(
            &node,
            body(
                vec![flow("action", "a", "one"), flow("sync", "s", "one")],
                "all",
                json!({}),
            ),
        )
        .await
        .unwrap();
        assert_eq!(
            answer,
            json!([
                { "name": "a", "models": ["Thing"], "version": "1", "providerConfigKey": "one", "type": "action" },
                { "name": "s", "models": ["Thing"], "version": "1", "providerConfigKey": "one", "type": "sync" },
            ])
        );
        // The second function cannot be deployed, so the first is not either.
        let flows = vec![flow("action", "b", "one"), flow("action", "c", "nowhere")];
        assert_eq!(
            code(deploy(&node, body(flows, "all", json!({}))).await),
            "unknown_provider_config"
        );
        assert_eq!(names(&node, "one").await, ["a", "s"]);
        let function = node.action("one", "a").await.unwrap();
        let code = node.app.function_code(&function).await.unwrap();
        assert_eq!(
            (code.js.as_str(), code.filename.as_str()),
            ("module.exports = { name: 'a' }", "a-one.cjs")
        );
        // The cache follows the next deploy.
        let again = deploy(&node, body(vec![flow("action", "a", "one")], "single", json!({})))
            .await
            .unwrap();
        assert_eq!(again[0]["version"], "2");
        assert_eq!(node.action("one", "a").await.unwrap().version, "2");
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_a_deploy_speaks_about_is_removed() {
    for node in nodes().await {
        node.integration("one").await;
        node.integration("two").await;
        let all = vec![
            flow("action", "a", "one"),
            flow("sync", "s", "one"),
            flow("action", "b", "two"),
        ];
        deploy(&node, body(all, "all", json!({}))).await.unwrap();
        let own = json!({ "source": "standalone" });
        deploy(&node, body(vec![flow("action", "mine", "one")], "single", own))
            .await
            .unwrap();
        deploy(&node, body(vec![flow("action", "a", "one")], "integration", json!({})))
            .await
            .unwrap();
        assert_eq!(names(&node, "one").await, ["a", "mine"]);
        assert_eq!(names(&node, "two").await, ["b"]);
        deploy(&node, body(vec![], "all", json!({}))).await.unwrap();
        assert_eq!(names(&node, "one").await, ["a", "mine"]);
        deploy(&node, body(vec![flow("action", "a", "one")], "all", json!({})))
            .await
            .unwrap();
        assert_eq!(names(&node, "two").await, Vec::<String>::new());
        // A repository's functions are removed by deploys, the others one by one.
        let query = || DeleteQuery::parse(&json!({ "type": "action" })).unwrap();
        let refused = node
            .app
            .delete_function(&node.caller, "one", "a", query())
            .await
            .unwrap_err();
        assert_eq!(refused.refusal().unwrap().code, "function_managed_by_deploy");
        node.app
            .delete_function(&node.caller, "one", "mine", query())
            .await
            .unwrap();
        assert_eq!(names(&node, "one").await, ["a"]);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_event_functions_follow_their_own_rules() {
    for node in nodes().await {
        node.integration("one").await;
        node.integration("two").await;
        let script = |key: &str, name: &str| {
            json!([{ "providerConfigKey": key, "scripts": [
                { "name": name, "event": "validate-connection", "fileBody": { "js": "x", "ts": "" } },
            ]}])
        };
        let with = |key: &str, name: &str| json!({ "onEventScriptsByProvider": script(key, name) });
        let one = || vec![flow("action", "a", "one")];
        let answer = deploy(&node, body(one(), "integration", with("one", "check")))
            .await
            .unwrap();
        assert_eq!(
            answer[1],
            json!({ "name": "check", "models": [], "version": "0.0.1", "providerConfigKey": "one", "type": "on-event" })
        );
        let answer = deploy(&node, body(one(), "integration", with("one", "check")))
            .await
            .unwrap();
        assert_eq!(answer[1]["version"], "0.0.2");
        deploy(
            &node,
            body(vec![flow("action", "b", "two")], "integration", with("two", "other")),
        )
        .await
        .unwrap();
        assert_eq!(names(&node, "one").await, ["a", "check"]);
        deploy(&node, body(one(), "integration", json!({}))).await.unwrap();
        assert_eq!(names(&node, "one").await, ["a", "check"]);
        deploy(
            &node,
            body(one(), "integration", json!({ "onEventScriptsByProvider": [] })),
        )
        .await
        .unwrap();
        assert_eq!(names(&node, "one").await, ["a"]);
        assert_eq!(names(&node, "two").await, ["b", "other"]);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_changes_nothing() {
    for node in nodes().await {
        node.integration("one").await;
        deploy(
            &node,
            body(
                vec![flow("action", "a", "one"), flow("sync", "s", "one")],
                "all",
                json!({}),
            ),
        )
        .await
        .unwrap();
        let mut wanted = body(
            vec![flow("action", "a", "one"), flow("sync", "t", "one")],
            "all",
            json!({}),
        );
        wanted.as_object_mut().unwrap().shift_remove("nangoYamlBody");
        let plan = DeployInput::parse(Some(&wanted), true).unwrap();
        let plan = node.app.plan_deploy(&node.caller, plan).await.unwrap();
        assert_eq!(
            plan["newSyncs"],
            json!([{ "name": "t", "providerConfigKey": "one", "connections": 0, "auto_start": false }])
        );
        assert_eq!(
            plan["updatedActions"],
            json!([{ "name": "a", "providerConfigKey": "one" }])
        );
        assert_eq!(plan["deletedSyncs"][0]["name"], "s");
        assert_eq!(plan["deletedModels"], json!([]));
        assert_eq!(names(&node, "one").await, ["a", "s"]);
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deploys_of_one_environment_keep_each_other_out() {
    for node in nodes().await {
        node.integration("one").await;
        let many: Vec<Value> = (0..200).map(|n| flow("action", &format!("a{n}"), "one")).collect();
        let (first, second) = tokio::join!(
            deploy(&node, body(many.clone(), "all", json!({}))),
            deploy(&node, body(many, "all", json!({}))),
        );
        let refused: Vec<String> = [first, second].into_iter().filter(Result::is_err).map(code).collect();
        assert!(
            refused.iter().all(|code| code == "concurrent_deployment"),
            "{refused:?}"
        );
        assert!(refused.len() < 2);
        let operations = node.app.operations();
        operations.flush().await.unwrap();
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_hears_of_a_refusal_may_deploy_at_once() {
    for node in nodes().await {
        node.integration("one").await;
        for _ in 0..40 {
            let refused = deploy(&node, body(vec![flow("action", "a", "two")], "single", json!({}))).await;
            assert_eq!(code(refused), "unknown_provider_config");
            deploy(&node, body(vec![flow("action", "a", "one")], "single", json!({})))
                .await
                .unwrap();
        }
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_kept_as_given_or_counted() {
    for node in nodes().await {
        node.integration("one").await;
        let version = async |given: &str| {
            let mut flow = flow("action", "a", "one");
            flow["version"] = json!(given);
            let answer = deploy(&node, body(vec![flow], "single", json!({}))).await.unwrap();
            answer[0]["version"].as_str().unwrap().to_owned()
        };
        for (given, stored) in [
            ("", "1"),
            ("", "2"),
            ("1.0.0", "1.0.0"),
            ("", "1.0.1"),
            ("0.5.0", "0.5.0"),
            ("not semver", "not semver"),
        ] {
            assert_eq!(version(given).await, stored, "{given}");
        }
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_switched_off_stays_off() {
    for node in nodes().await {
        node.integration("one").await;
        let both = || {
            body(
                vec![flow("action", "a", "one"), flow("action", "b", "one")],
                "all",
                json!({}),
            )
        };
        deploy(&node, both()).await.unwrap();
        let off = SwitchInput::parse(Some(&json!({ "enabled": false }))).unwrap();
        node.app.switch_function(&node.caller, "one", "a", off).await.unwrap();
        deploy(&node, both()).await.unwrap();
        let [a, b] = [
            node.action("one", "a").await.unwrap(),
            node.action("one", "b").await.unwrap(),
        ];
        assert_eq!((a.enabled, b.enabled), (false, true));
        assert_eq!(a.version, "2", "the new code is there all the same");
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_reaches_for_constructors_is_refused() {
    for node in nodes().await {
        node.integration("one").await;
        let mut bad = flow("action", "a", "one");
        bad["fileBody"]["js"] = json!("exports.default = () => (() => {}).constructor('return 1')();");
        let refused = deploy(&node, body(vec![bad], "all", json!({}))).await;
        assert_eq!(code(refused), "deploy_script_security_rejected");
        let script = json!([{ "providerConfigKey": "one", "scripts": [
            { "name": "x", "event": "validate-connection", "fileBody": { "js": "a.constructor('b')", "ts": "" } },
        ]}]);
        let with = body(
            vec![flow("action", "a", "one")],
            "all",
            json!({ "onEventScriptsByProvider": script }),
        );
        assert_eq!(code(deploy(&node, with).await), "deploy_script_security_rejected");
        assert!(names(&node, "one").await.is_empty());
        node.app.shut_down().await;
    }
}
