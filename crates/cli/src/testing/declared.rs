//! What a function made by `createFunction` declares, as far as a replay depends on it.

use serde_json::{Value, json};
use tenon_compiler::Entry;
use tenon_runtime::Kind;

/// The declaration.
#[derive(Debug)]
pub struct Declared {
    trigger: Value,
    capabilities: Value,
}

impl Declared {
    /// Reads the evaluated description.
    pub fn read(whole: &Value) -> Self {
        Self {
            trigger: whole
                .get("trigger")
                .cloned()
                .unwrap_or_else(|| json!({ "kind": "none" })),
            capabilities: tenon_compiler::definition::capabilities(whole),
        }
    }

    fn trigger(&self) -> &str {
        self.trigger.get("kind").and_then(Value::as_str).unwrap_or("none")
    }

    /// The kind of run that the trigger resembles.
    pub fn kind(&self) -> Kind {
        match self.trigger() {
            "schedule" => Kind::Sync,
            "http" => Kind::Webhook,
            "event" => Kind::OnEvent,
            _ => Kind::Action,
        }
    }

    /// What the function is told about its start. A fixture's input may name the event: `{ "event": "…" }`.
    pub fn context(&self, entry: &Entry, input: Option<&Value>) -> Value {
        let event = input
            .and_then(|input| input.get("event"))
            .filter(|event| event.is_string());
        json!({
            "kind": self.trigger(),
            "capabilities": self.capabilities,
            "connection": {
                "connectionId": "test-connection",
                "integrationId": entry.integration,
                "provider": entry.integration,
            },
            "event": event.or_else(|| self.trigger.pointer("/events/0")),
        })
    }

    /// What is handed to the function: for one that messages start, a fixture's input is the body of the message, or the
    /// message itself when it has a `request`.
    pub fn input(&self, recorded: Option<Value>) -> Option<Value> {
        if self.trigger() != "http" {
            return recorded;
        }
        match recorded {
            Some(message) if message.get("request").is_some_and(Value::is_object) => Some(message),
            body => Some(json!({ "request": { "event": null, "headers": {}, "body": body } })),
        }
    }
}
