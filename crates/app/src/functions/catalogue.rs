//! `GET /scripts/config`: everything that is deployed, for the platform's own clients and for tool-calling models.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tenon_store::tables::functions::{self as table, FunctionFilter};

use super::{Function, FunctionKind};
use crate::caller::Caller;
use crate::{App, Result};

/// The most functions that are listed at once.
const FUNCTIONS_MAX: i64 = 20_000;

impl App {
    /// `GET /scripts/config`; `openai` chooses the form that tool-calling models read.
    #[tenon_model::boxed]
    pub async fn scripts_config(&self, caller: &Caller, openai: bool) -> Result<Value> {
        caller.require("environment:integrations:list_functions")?;
        let environment = caller.environment()?;
        let mut conn = self.store().read().await?;
        let rows = table::list(&mut conn, environment.id, FunctionFilter::default(), 0, FUNCTIONS_MAX).await?;
        drop(conn);
        let mut functions = rows.into_iter().map(Function::from_row).collect::<Result<Vec<_>>>()?;
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        if openai {
            let tools: Vec<Value> = functions
                .iter()
                .filter(|f| f.kind != FunctionKind::OnEvent)
                .map(openai_tool)
                .collect();
            return Ok(json!({ "data": tools }));
        }
        // One entry per integration. The incumbent merges integrations of one provider, which hides functions.
        let mut groups: Vec<(&str, &str, Vec<Value>, Vec<Value>)> = Vec::new();
        let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
        for function in functions
            .iter()
            .filter(|function| function.kind != FunctionKind::OnEvent)
        {
            let position = *positions.entry(&function.unique_key).or_insert_with(|| {
                groups.push((&function.unique_key, &function.provider, Vec::new(), Vec::new()));
                groups.len() - 1
            });
            if let Some((_, _, syncs, actions)) = groups.get_mut(position) {
                let list = if function.kind == FunctionKind::Sync {
                    syncs
                } else {
                    actions
                };
                list.push(flow(function));
            }
        }
        let shown = groups.into_iter().map(|(key, provider, syncs, actions)| {
            json!({
                "providerConfigKey": key,
                "provider": provider,
                "syncs": syncs,
                "actions": actions,
                "on-events": [],
            })
        });
        Ok(Value::Array(shown.collect()))
    }
}

fn flow(function: &Function) -> Value {
    let definition = &function.definition;
    let mut shown = Map::new();
    let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
    set("id", json!(function.id.0));
    set("name", json!(function.name));
    set("type", json!(function.kind.as_str()));
    set("returns", json!(definition.models));
    set("description", json!(definition.description.clone().unwrap_or_default()));
    set("attributes", definition.attributes.clone().unwrap_or_else(|| json!({})));
    set("scopes", json!(definition.scopes));
    set("version", json!(function.version));
    set("source", json!(function.source.as_str()));
    let endpoints = definition
        .endpoints
        .iter()
        .map(|endpoint| json!({ "method": endpoint.method, "path": endpoint.path, "group": endpoint.group }));
    set("endpoints", Value::Array(endpoints.collect()));
    if let Some(input) = &definition.input {
        set("input", json!(input));
    }
    set("enabled", json!(function.enabled));
    set("last_deployed", json!(function.deployed_at.iso_millis()));
    set("webhookSubscriptions", json!(definition.webhook_subscriptions));
    set("json_schema", definition.json_schema.clone().unwrap_or_default());
    set("sdk_version", json!(definition.sdk_version));
    set("models", json!(definition.models));
    set("features", json!(definition.features));
    if function.kind == FunctionKind::Sync {
        set("sync_type", json!(definition.sync_type.as_deref().unwrap_or("full")));
        set("auto_start", json!(definition.auto_start));
        set("runs", json!(definition.runs));
        set("track_deletes", json!(definition.track_deletes));
    }
    Value::Object(shown)
}

/// A function as a tool. Parameter descriptions are the `- name: text` lines of the function's description.
fn openai_tool(function: &Function) -> Value {
    let description = function.definition.description.clone().unwrap_or_default();
    let mut properties = Map::new();
    let mut required = Vec::new();
    if function.kind == FunctionKind::Action
        && let Some(schema) = input_schema(function)
    {
        for (name, property) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let mut property = property.clone();
            if let (Some(text), Value::Object(object)) = (parameter_text(&description, name), &mut property) {
                object.insert("description".to_owned(), json!(text));
            }
            properties.insert(name.clone(), property);
        }
        required = schema
            .get("required")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
    }
    json!({
        "name": function.name,
        "description": description,
        "parameters": { "type": "object", "properties": properties, "required": required },
    })
}

fn input_schema(function: &Function) -> Option<&Value> {
    let name = function.definition.input.as_deref()?;
    function.definition.json_schema.as_ref()?.get("definitions")?.get(name)
}

fn parameter_text<'d>(description: &'d str, name: &str) -> Option<&'d str> {
    description.lines().find_map(|line| {
        let (known, text) = line.trim().strip_prefix('-')?.split_once(':')?;
        (known.trim() == name).then(|| text.trim())
    })
}
