//! The generated files under `.nango/` (functions contract, 5.4).

use serde_json::{Map, Value, json};

use super::{Action, Definition, Detail, Endpoint, Sync, read::EVENTS};

/// The content of `.nango/nango.json`.
pub fn nango_json<'d>(definitions: impl Iterator<Item = &'d Definition> + Clone) -> Value {
    let mut integrations: Vec<&str> = Vec::new();
    for definition in definitions.clone() {
        if !integrations.contains(&definition.common.integration.as_str()) {
            integrations.push(&definition.common.integration);
        }
    }
    let groups = integrations.into_iter().map(|integration| {
        let of = || {
            definitions
                .clone()
                .filter(|definition| definition.common.integration == integration)
        };
        let actions: Vec<Value> = of().filter_map(action_entry).collect();
        let syncs: Vec<Value> = of().filter_map(sync_entry).collect();
        let events: Map<String, Value> = EVENTS
            .iter()
            .map(|wanted| {
                let names: Vec<&str> = of()
                    .filter(|d| matches!(&d.detail, Detail::OnEvent { event } if event == wanted))
                    .map(|d| d.common.name.as_str())
                    .collect();
                ((*wanted).to_owned(), json!(names))
            })
            .collect();
        json!({ "providerConfigKey": integration, "actions": actions, "syncs": syncs, "onEventScripts": events })
    });
    Value::Array(groups.collect())
}

/// The content of `.nango/functions.json`: the experimental functions.
pub fn functions_json<'d>(definitions: impl Iterator<Item = &'d Definition>) -> Value {
    let entries = definitions.filter_map(|definition| match &definition.detail {
        Detail::Function(fields) => Some(json!({
            "name": definition.common.name,
            "integrationId": definition.common.integration,
            "description": definition.common.description,
            "definition": fields,
            "json_schema": definition.json_schema(),
        })),
        Detail::Sync(_) | Detail::Action(_) | Detail::OnEvent { .. } => None,
    });
    Value::Array(entries.collect())
}

fn sync_entry(definition: &Definition) -> Option<Value> {
    let common = &definition.common;
    let Detail::Sync(Sync {
        frequency,
        auto_start,
        sync_type,
        track_deletes,
        outputs,
        metadata_model,
        endpoints,
        webhook_subscriptions,
        has_on_webhook: _,
    }) = &definition.detail
    else {
        return None;
    };
    let used: Vec<&String> = outputs.iter().chain(metadata_model).collect();
    Some(json!({
        "type": "sync",
        "description": common.description,
        "auto_start": auto_start,
        "endpoints": endpoints,
        "input": metadata_model,
        "name": common.name,
        "output": outputs,
        "runs": frequency,
        "scopes": common.scopes,
        "sync_type": sync_type,
        "track_deletes": track_deletes,
        "usedModels": used,
        "version": common.version,
        "webhookSubscriptions": webhook_subscriptions,
        "json_schema": definition.json_schema(),
        "features": common.features,
    }))
}

fn action_entry(definition: &Definition) -> Option<Value> {
    let common = &definition.common;
    let Detail::Action(Action {
        input_model,
        output_model,
        endpoint,
    }) = &definition.detail
    else {
        return None;
    };
    let endpoint: Option<&Endpoint> = endpoint.as_ref();
    Some(json!({
        "type": "action",
        "description": common.description,
        "endpoint": endpoint,
        "input": input_model,
        "name": common.name,
        "output": [output_model],
        "scopes": common.scopes,
        "usedModels": [input_model, output_model],
        "version": common.version,
        "json_schema": definition.json_schema(),
        "features": common.features,
    }))
}
