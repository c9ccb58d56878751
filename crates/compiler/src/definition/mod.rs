//! What a function declares about itself, read off its evaluated bundle and checked.

mod flow;
mod frequency;
mod function;
pub(crate) mod places;
mod read;
mod report;
mod rules;

use serde::Serialize;
use serde_json::Value;

pub use flow::{flow_config, on_event_scripts};
pub use frequency::{FrequencyError, frequency_ms};
pub use function::{bundle_function, capabilities};
pub(crate) use read::{EVENTS, read};
pub use report::{functions_json, nango_json};
pub use rules::check_project;

/// What a function is, by what its file exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Made by `createSync`.
    Sync,
    /// Made by `createAction`.
    Action,
    /// Made by `createOnEvent`.
    OnEvent,
    /// Made by `createFunction` (experimental).
    Function,
}

impl Kind {
    /// The kind with this tag in the compiled object.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag {
            "sync" => Some(Self::Sync),
            "action" => Some(Self::Action),
            "onEvent" => Some(Self::OnEvent),
            "function" => Some(Self::Function),
            _ => None,
        }
    }

    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Action => "action",
            Self::OnEvent => "on-event function",
            Self::Function => "function",
        }
    }

    /// The folder its files belong in.
    pub fn folder(self) -> crate::project::Folder {
        use crate::project::Folder;
        match self {
            Self::Sync => Folder::Syncs,
            Self::Action => Folder::Actions,
            Self::OnEvent => Folder::OnEvents,
            Self::Function => Folder::Functions,
        }
    }
}

/// The definition of one function.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// What is common to all kinds.
    pub common: Common,
    /// What the kind adds.
    pub detail: Detail,
}

/// Fields that every kind has.
#[derive(Debug, Clone, PartialEq)]
pub struct Common {
    /// Integration that it belongs to.
    pub integration: String,
    /// Its name, unique among the functions of its kind and integration.
    pub name: String,
    /// What it does, for people and agents.
    pub description: Option<String>,
    /// The version that the file states; empty when the server shall count.
    pub version: String,
    /// Scopes that the provider must have granted; documentation only.
    pub scopes: Vec<String>,
    /// Capabilities that the compiler found in the source: `checkpoints`.
    pub features: Vec<String>,
    /// JSON Schemas (draft 7) by model name, in the order of the source.
    pub models: serde_json::Map<String, Value>,
}

/// Fields by kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Detail {
    /// A sync.
    Sync(Sync),
    /// An action.
    Action(Action),
    /// A lifecycle function.
    OnEvent {
        /// The event that runs it.
        event: String,
    },
    /// An experimental function: its own description, as evaluated.
    Function(Value),
}

/// What a sync declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Sync {
    /// How often it runs, as written.
    pub frequency: String,
    /// Whether it starts with the connection.
    pub auto_start: bool,
    /// `full` or `incremental`; deprecated.
    pub sync_type: String,
    /// Whether rows that a run did not save are deleted; deprecated.
    pub track_deletes: bool,
    /// Record models, in the order of the source.
    pub outputs: Vec<String>,
    /// Model of the connection's metadata.
    pub metadata_model: Option<String>,
    /// Old-style endpoints.
    pub endpoints: Vec<Endpoint>,
    /// Webhook types that run `onWebhook`.
    pub webhook_subscriptions: Vec<String>,
    /// Whether it has an `onWebhook`.
    pub has_on_webhook: bool,
}

/// What an action declares.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    /// Model of the input.
    pub input_model: String,
    /// Model of the output.
    pub output_model: String,
    /// Old-style endpoint.
    pub endpoint: Option<Endpoint>,
}

/// A deprecated endpoint: how the result was once offered over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Endpoint {
    /// HTTP method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Heading in documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

impl Definition {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self.detail {
            Detail::Sync(_) => Kind::Sync,
            Detail::Action(_) => Kind::Action,
            Detail::OnEvent { .. } => Kind::OnEvent,
            Detail::Function(_) => Kind::Function,
        }
    }

    /// The schemas in the shape that is deployed: `{"definitions": {…}}`.
    pub fn json_schema(&self) -> Value {
        serde_json::json!({ "definitions": self.common.models })
    }
}
