//! What a function made by `createFunction` declares: its trigger, its needs and its capabilities.
//!
//! Such a function is kept as the kind that its trigger resembles, so that everything that lists, runs, pauses and logs
//! functions knows it already: without a trigger it is an action, on a schedule or for a provider's messages a sync, for
//! connection events an on-event function (one row per event). [`Declared`] marks it and says the rest.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{ConnectionEvent, Function, FunctionKind};
use crate::connections::Live;

/// What starts a function.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Trigger {
    /// A call.
    None,
    /// Its frequency.
    #[serde(rename_all = "camelCase")]
    Schedule {
        /// How often, as the author wrote it.
        frequency: String,
        /// Whether it starts with its connection.
        #[serde(default)]
        auto_start: bool,
    },
    /// A provider's message.
    Http {
        /// Types of messages; absent means all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subscriptions: Option<Vec<String>>,
        /// Join messages that come shortly after one another.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        debounce: Option<Debounce>,
    },
    /// Moments in the life of connections.
    Event {
        /// Their names.
        events: Vec<String>,
    },
}

/// How messages that come shortly after one another become one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Debounce {
    /// Dotted path in the body; messages with different values there are not joined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_by: Option<String>,
    /// Milliseconds from the first message to the run.
    pub window_ms: u64,
    /// Messages after which the run starts without waiting for the end of the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_entities: Option<u64>,
    /// Which of them the function gets.
    #[serde(default)]
    pub take: Take,
}

/// Which of the joined messages a function gets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Take {
    /// The last one.
    #[default]
    Latest,
    /// The first one.
    First,
    /// All: the last one as `request`, and the whole list as `coalesced`.
    All,
}

/// What the function was built for; everything else is missing in its `nango` object.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capabilities {
    /// Record methods.
    pub uses_records: bool,
    /// Requests to the provider.
    pub uses_outbound: bool,
    /// Checkpoints.
    pub uses_checkpoints: bool,
    /// The connection's metadata.
    pub uses_metadata: bool,
    /// Other functions.
    pub uses_invoke: bool,
}

/// The declaration, stored with the definition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// What starts it.
    pub trigger: Trigger,
    /// What its `nango` object offers.
    pub capabilities: Capabilities,
    /// Only one run per connection at a time.
    #[serde(default)]
    pub one_at_a_time: bool,
    /// Model of the output.
    #[serde(default)]
    pub output: Option<String>,
    /// Model of the metadata.
    #[serde(default)]
    pub metadata: Option<String>,
    /// Model of the checkpoint.
    #[serde(default)]
    pub checkpoint: Option<String>,
}

impl Trigger {
    /// Its name on the wire.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Schedule { .. } => "schedule",
            Self::Http { .. } => "http",
            Self::Event { .. } => "event",
        }
    }

    /// As which kinds, for which connection events, the function is kept.
    pub fn places(&self) -> Vec<(FunctionKind, &'static str)> {
        match self {
            Self::None => vec![(FunctionKind::Action, "")],
            Self::Schedule { .. } | Self::Http { .. } => vec![(FunctionKind::Sync, "")],
            Self::Event { events } => events
                .iter()
                .filter_map(|name| ConnectionEvent::parse(name))
                .map(|event| (FunctionKind::OnEvent, event.as_str()))
                .collect(),
        }
    }
}

impl Function {
    /// The declaration of a function made by `createFunction`.
    pub fn declared(&self) -> Option<&Declared> {
        self.definition.function.as_ref()
    }

    /// Whether runs of this function, which is no sync, may write records.
    pub(crate) fn keeps_records(&self) -> bool {
        self.kind != FunctionKind::Sync && self.declared().is_some() && !self.definition.models.is_empty()
    }

    /// How the messages that start it are joined.
    pub(crate) fn debounce(&self) -> Option<&Debounce> {
        match &self.declared()?.trigger {
            Trigger::Http { debounce, .. } => debounce.as_ref(),
            Trigger::None | Trigger::Schedule { .. } | Trigger::Event { .. } => None,
        }
    }

    /// Whether the function has a schedule: every sync but those that only follow messages.
    pub(crate) fn is_scheduled(&self) -> bool {
        self.kind == FunctionKind::Sync
            && self
                .declared()
                .is_none_or(|declared| matches!(declared.trigger, Trigger::Schedule { .. }))
    }

    /// What the sandbox is told about the start of a run.
    pub(crate) fn trigger_context(&self, live: &Live) -> Option<Value> {
        let declared = self.declared()?;
        let mut told = json!({
            "kind": declared.trigger.name(),
            "capabilities": declared.capabilities,
            "connection": {
                "connectionId": live.connection.connection_id,
                "integrationId": self.unique_key,
                "provider": self.provider,
            },
        });
        if let (Some(event), Some(map)) = (self.event, told.as_object_mut()) {
            map.insert("event".to_owned(), json!(event.as_str()));
        }
        Some(told)
    }
}
