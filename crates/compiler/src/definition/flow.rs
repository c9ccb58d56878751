//! The deploy format (functions contract, 5.6). Keys are in the order in which the reference client sends them.

use serde_json::{Map, Value, json};

use super::{Common, Definition, Detail, read::EVENTS};

/// The flow config of a sync or an action; nothing for other kinds, which are deployed apart.
///
/// `version` overrides the version of the file.
pub fn flow_config(definition: &Definition, js: &str, ts: &str, version: Option<&str>) -> Option<Value> {
    let common = &definition.common;
    let version = version.unwrap_or(&common.version);
    let mut flow = Map::new();
    let mut put = |key: &str, value: Value| {
        flow.insert(key.to_owned(), value);
    };
    put("syncName", json!(common.name));
    put("providerConfigKey", json!(common.integration));
    match &definition.detail {
        Detail::Sync(sync) => {
            put("models", json!(sync.outputs));
            put("version", json!(version));
            put("runs", json!(sync.frequency));
            put("track_deletes", json!(sync.track_deletes));
            put("auto_start", json!(sync.auto_start));
            put("attributes", json!({}));
            put("metadata", metadata(common));
            if let Some(input) = &sync.metadata_model {
                put("input", json!(input));
            }
            put("sync_type", json!(sync.sync_type));
            put("type", json!("sync"));
            put("fileBody", json!({ "js": js, "ts": ts }));
            put("endpoints", json!(sync.endpoints));
            put("webhookSubscriptions", json!(sync.webhook_subscriptions));
        }
        Detail::Action(action) => {
            put("models", json!([action.output_model]));
            put("version", json!(version));
            put("runs", Value::Null);
            put("metadata", metadata(common));
            put("input", json!(action.input_model));
            put("type", json!("action"));
            put("fileBody", json!({ "js": js, "ts": ts }));
            put("endpoints", json!(action.endpoint.iter().collect::<Vec<_>>()));
            put("track_deletes", json!(false));
        }
        Detail::OnEvent { .. } | Detail::Function(_) => return None,
    }
    put("models_json_schema", definition.json_schema());
    put("features", json!(common.features));
    Some(Value::Object(flow))
}

fn metadata(common: &Common) -> Value {
    let mut metadata = Map::new();
    if let Some(description) = &common.description {
        metadata.insert("description".to_owned(), json!(description));
    }
    metadata.insert("scopes".to_owned(), json!(common.scopes));
    Value::Object(metadata)
}

/// `onEventScriptsByProvider`: the on-event functions among `functions` (definition, bundle, source), grouped by
/// integration and ordered by event.
pub fn on_event_scripts(functions: &[(&Definition, &str, &str)]) -> Vec<Value> {
    let mut integrations: Vec<&str> = Vec::new();
    for (definition, _, _) in functions {
        let integration = definition.common.integration.as_str();
        if matches!(definition.detail, Detail::OnEvent { .. }) && !integrations.contains(&integration) {
            integrations.push(integration);
        }
    }
    integrations
        .into_iter()
        .map(|integration| {
            let scripts: Vec<Value> = EVENTS
                .iter()
                .flat_map(|wanted| {
                    functions
                        .iter()
                        .filter_map(move |(definition, js, ts)| match &definition.detail {
                            Detail::OnEvent { event }
                                if event == wanted && definition.common.integration == integration =>
                            {
                                Some(json!({
                                    "name": definition.common.name,
                                    "fileBody": { "js": js, "ts": ts },
                                    "event": event,
                                }))
                            }
                            _ => None,
                        })
                })
                .collect();
            json!({ "providerConfigKey": integration, "scripts": scripts })
        })
        .collect()
}
