//! What a file defines, and what a function made by `createFunction` declares, as far as a replay depends on it.

use serde_json::{Value, json};
use tenon_compiler::{Entry, Folder};
use tenon_runtime::Kind;

use super::comments;

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

/// What the file defines, unless `createFunction` made it. The folder says it as a rule, the helper that is called says it
/// for certain.
pub fn kind_of(entry: &Entry, ts: &str) -> Option<Kind> {
    let ts = comments::code_only(ts);
    let called = |helper: &str| {
        ts.match_indices(helper)
            .filter_map(|(at, _)| ts.get(at + helper.len()..))
            .any(|rest| rest.trim_start().starts_with(['(', '<']))
    };
    let kinds = [
        ("createSync", Kind::Sync),
        ("createAction", Kind::Action),
        ("createOnEvent", Kind::OnEvent),
    ];
    if let Some((_, kind)) = kinds.into_iter().find(|(helper, _)| called(helper)) {
        return Some(kind);
    }
    if called("createFunction") {
        return None;
    }
    match entry.folder {
        Some(Folder::Syncs) => Some(Kind::Sync),
        Some(Folder::Actions) => Some(Kind::Action),
        Some(Folder::OnEvents) => Some(Kind::OnEvent),
        Some(Folder::Functions) | None => None,
    }
}
