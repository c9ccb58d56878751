//! What the author of a function declared.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Declared, Function, FunctionKind};

/// A deprecated endpoint of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Upper case verb.
    pub method: String,
    /// Path below `/v1`.
    pub path: String,
    /// Group in documentation.
    #[serde(default)]
    pub group: Option<String>,
}

/// Declared facts of a function, stored as JSON. Every field has a default, so older rows stay readable.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Definition {
    /// Models of a sync, or the single output model of an action.
    pub models: Vec<String>,
    /// Input or metadata model.
    pub input: Option<String>,
    /// `{"definitions": {…}}`.
    pub json_schema: Option<Value>,
    /// Frequency of a sync.
    pub runs: Option<String>,
    /// Whether a sync starts with its connection.
    pub auto_start: bool,
    /// Deprecated deletion tracking.
    pub track_deletes: bool,
    /// `full` or `incremental`.
    pub sync_type: Option<String>,
    /// Types of provider webhooks that start `onWebhook`.
    pub webhook_subscriptions: Vec<String>,
    /// Capabilities that the compiler found.
    pub features: Vec<String>,
    /// Sentence for people.
    pub description: Option<String>,
    /// Scopes that the function needs, for documentation.
    pub scopes: Vec<String>,
    /// Legacy attributes.
    pub attributes: Option<Value>,
    /// Deprecated endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Version of the toolkit that built it.
    pub sdk_version: Option<String>,
    /// What it declares when `createFunction` made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub function: Option<Declared>,
}

impl Definition {
    /// Whether the bundle exports definitions (and not bare functions).
    pub fn is_zero_yaml(&self) -> bool {
        self.sdk_version
            .as_deref()
            .is_some_and(|version| version.contains("-zero"))
    }

    /// What the author declared of a sync or an action, as the management routes show it.
    pub(super) fn describe(&self, kind: FunctionKind, shown: &mut Map<String, Value>) {
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        if let Some(description) = &self.description {
            set("description", json!(description));
        }
        set("scopes", json!(self.scopes));
        set("type", json!(kind.as_str()));
        if let Some(input) = &self.input {
            set("input", json!(input));
        }
        set("returns", json!(self.models));
        set("json_schema", self.json_schema.clone().unwrap_or_default());
        if kind == FunctionKind::Sync {
            set("runs", json!(self.runs));
            set("auto_start", json!(self.auto_start));
            set("track_deletes", json!(self.track_deletes));
        }
    }

    /// Whether a provider webhook of this type, or with this value in its event header, concerns the sync.
    pub fn subscribes_to(&self, event: Option<&str>) -> bool {
        self.webhook_subscriptions
            .iter()
            .any(|wanted| wanted == "*" || Some(wanted.as_str()) == event)
    }
}

impl Function {
    /// The stored row as the SDK shows it (`nango.syncConfig`).
    pub fn sync_config(&self) -> Value {
        let definition = &self.definition;
        json!({
            "id": self.id.0,
            "sync_name": self.name,
            "type": self.kind.as_str(),
            "version": self.version,
            "models": definition.models,
            "input": definition.input,
            "runs": definition.runs,
            "auto_start": definition.auto_start,
            "track_deletes": definition.track_deletes,
            "sync_type": definition.sync_type,
            "enabled": self.enabled,
            "active": true,
            "attributes": definition.attributes.clone().unwrap_or_else(|| json!({})),
            "metadata": { "description": definition.description, "scopes": definition.scopes },
            "webhook_subscriptions": definition.webhook_subscriptions,
            "features": definition.features,
            "sdk_version": definition.sdk_version,
            "environment_id": self.environment_id.0,
            "nango_config_id": self.integration_id.0,
            "created_at": self.deployed_at.iso_millis(),
            "updated_at": self.deployed_at.iso_millis(),
        })
    }

    /// The function as the management routes show it.
    pub fn to_wire(&self) -> Value {
        let definition = &self.definition;
        let mut shown = Map::new();
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        set("name", json!(self.name));
        if let Some(event) = self.event {
            set("type", json!(self.kind.as_str()));
            set("event", json!(event.as_str()));
        } else {
            definition.describe(self.kind, &mut shown);
        }
        let mut set = |name: &str, value: Value| shown.insert(name.to_owned(), value);
        if let Some(declared) = &definition.function {
            set("trigger", json!(declared.trigger));
            set("capabilities", json!(declared.capabilities));
            if let Some(output) = &declared.output {
                set("output", json!(output));
            }
        }
        set("id", json!(self.id.0));
        set("enabled", json!(self.enabled));
        set("last_deployed", json!(self.deployed_at.iso_millis()));
        set("source", json!(self.source.as_str()));
        Value::Object(shown)
    }
}
