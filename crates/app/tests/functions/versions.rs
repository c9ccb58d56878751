//! Versions are named by their name or the beginning of their hash, and only what differs is gone back to.

use serde_json::{Value, json};
use tenon_app::functions::{ListQuery, RollbackInput};

use crate::deploys::{body, code, deploy, flow};
use crate::support::{Node, nodes};

/// Deploys `code` under a version that the file states.
async fn deploy_as(node: &Node, version: &str, code: &str) {
    let mut action = flow("action", "a", "one");
    action["version"] = json!(version);
    action["fileBody"] = json!({ "js": format!("module.exports = {{ code: {code} }}"), "ts": format!("// {code}") });
    deploy(node, body(vec![action], "single", json!({}))).await.unwrap();
}

async fn versions(node: &Node) -> Vec<Value> {
    let answer = node
        .app
        .function_versions(&node.caller, "one", "a", None)
        .await
        .unwrap();
    answer["data"].as_array().unwrap().clone()
}

async fn roll_back(node: &Node, version: &str) -> tenon_app::Result<Value> {
    let input = RollbackInput::parse(Some(&json!({ "version": version })))?;
    node.app.roll_back_function(&node.caller, "one", "a", &input).await
}

async fn source(node: &Node, version: &str) -> tenon_app::Result<Value> {
    let wanted = ListQuery::parse_code(&json!({ "version": version }))?;
    node.app.read_function_code(&node.caller, "one", "a", wanted).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_several_codes_have_is_refused_and_a_hash_is_not() {
    for node in nodes().await {
        node.integration("one").await;
        for code in ["1", "2", "2"] {
            deploy_as(&node, "1.0.0", code).await;
        }
        let listed = versions(&node).await;
        let hash = |at: usize| listed[at]["hash"].as_str().unwrap().to_owned();
        assert_eq!((hash(0), hash(1) == hash(2)), (hash(1), false));

        let refused = roll_back(&node, "1.0.0").await.unwrap_err();
        let refusal = refused.refusal().unwrap();
        assert_eq!((refusal.status, refusal.code.as_str()), (409, "version_ambiguous"));
        let message = refusal.message.as_deref().unwrap();
        for at in [1, 2] {
            assert!(message.contains(&hash(at)[..12]), "{message}");
        }
        let date = listed[2]["deployed_at"].as_str().unwrap();
        assert!(message.starts_with("2 versions") && message.contains(date), "{message}");
        assert_eq!(
            refusal.payload.as_ref().unwrap()["versions"][1]["hash"],
            hash(2).as_str()
        );
        assert_eq!(code(source(&node, "1.0.0").await), "version_ambiguous");

        let (present, earlier) = (hash(0), hash(2));
        assert_eq!(code(roll_back(&node, &earlier[..6]).await), "version_not_found");
        assert_eq!(code(roll_back(&node, &present[..7]).await), "version_deployed_already");
        assert_eq!(versions(&node).await.len(), 3, "what is refused changes nothing");
        let read = source(&node, &earlier[..12]).await.unwrap();
        assert_eq!(
            (&read["code"], &read["version"], &read["hash"]),
            (&json!("// 1"), &json!("1.0.0"), &json!(earlier))
        );
        let done = roll_back(&node, &earlier[..12].to_uppercase()).await.unwrap();
        assert_eq!(
            (&done["data"]["from_hash"], &done["data"]["hash"]),
            (&json!(present), &json!(earlier))
        );
        assert_eq!(versions(&node).await[0]["hash"], earlier.as_str());
        node.app.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_one_code_is_enough() {
    for node in nodes().await {
        node.integration("one").await;
        // The first name could be the beginning of a hash; names come first.
        for (version, code) in [("1234567", "1"), ("2", "2"), ("3", "2")] {
            deploy_as(&node, version, code).await;
        }
        // The same code under another name.
        assert_eq!(code(roll_back(&node, "2").await), "version_deployed_already");
        let done = roll_back(&node, "1234567").await.unwrap();
        assert_eq!(
            (&done["data"]["from"], &done["data"]["version"]),
            (&json!("3"), &json!("1234567"))
        );
        node.app.shut_down().await;
    }
}
