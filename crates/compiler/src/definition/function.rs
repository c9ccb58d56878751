//! Functions made by `createFunction`: checks of what they declare, and the member of a bundle deployment.

use serde_json::{Map, Value, json};

use super::read::EVENTS;
use super::{Definition, Detail, frequency_ms};

/// What is wrong with a declaration: code, sentence, the field it is about (from the outside in), and a hint.
pub(super) struct Fault {
    pub code: &'static str,
    pub message: String,
    pub field: &'static [&'static str],
    pub hint: &'static str,
}

fn fault(
    code: &'static str,
    message: impl Into<String>,
    field: &'static [&'static str],
    hint: &'static str,
) -> Option<Fault> {
    Some(Fault {
        code,
        message: message.into(),
        field,
        hint,
    })
}

/// Checks trigger and needs. `whole` is the evaluated description.
pub(super) fn faults(whole: &Value) -> Vec<Fault> {
    let trigger = whole.get("trigger").unwrap_or(&Value::Null);
    let kind = trigger.get("kind").and_then(Value::as_str).unwrap_or("none");
    let found = match kind {
        "none" => None,
        "http" => debounce_fault(trigger.get("debounce").unwrap_or(&Value::Null)),
        "schedule" => match trigger.get("frequency").and_then(Value::as_str).map(frequency_ms) {
            Some(Ok(_)) => None,
            Some(Err(error)) => fault(
                "invalid_frequency",
                error.to_string(),
                &["trigger", "frequency"],
                "write `every 5 minutes`, `every 2 hours`, `every day` or `every week`; 30 seconds is the shortest",
            ),
            None => fault(
                "missing_frequency",
                "the schedule does not say how often the function runs",
                &["trigger", "frequency"],
                "write `trigger: { kind: 'schedule', frequency: 'every hour' }`",
            ),
        },
        "event" => {
            let events: Vec<&str> = texts(trigger.get("events"));
            let unknown = events.iter().find(|event| !EVENTS.contains(event));
            match (events.is_empty(), unknown) {
                (true, _) => fault(
                    "invalid_event",
                    "the trigger names no event",
                    &["trigger", "events"],
                    "events: 'post-connection-creation', 'pre-connection-deletion', 'validate-connection'",
                ),
                (false, Some(event)) => fault(
                    "invalid_event",
                    format!("there is no event `{event}`"),
                    &["trigger", "events"],
                    "events: 'post-connection-creation', 'pre-connection-deletion', 'validate-connection'",
                ),
                (false, None) => None,
            }
        }
        other => fault(
            "invalid_trigger",
            format!("there is no trigger of the kind `{other}`"),
            &["trigger"],
            "kinds: 'none', 'schedule', 'http', 'event'",
        ),
    };
    let input = whole.get("input").is_some_and(|input| !input.is_null());
    let without_input = (input && matches!(kind, "schedule" | "event")).then(|| Fault {
        code: "trigger_without_input",
        message: format!("a function with the trigger `{kind}` has no input"),
        field: &["input"],
        hint: "remove `input`; what the function needs is in the connection's metadata or its checkpoint",
    });
    let connection = whole.pointer("/requires/connection") == Some(&json!(false));
    let connectionless = connection.then(|| Fault {
        code: "connection_required",
        message: "functions without a connection are not offered".to_owned(),
        field: &["requires", "connection"],
        hint: "leave `connection` out or set it to true",
    });
    found.into_iter().chain(without_input).chain(connectionless).collect()
}

fn debounce_fault(debounce: &Value) -> Option<Fault> {
    if debounce.is_null() {
        return None;
    }
    let window = debounce.get("windowMs").and_then(Value::as_u64).unwrap_or(0);
    if (1..=3_600_000).contains(&window) {
        return None;
    }
    fault(
        "invalid_debounce",
        "`windowMs` is a number of milliseconds between 1 and 3600000",
        &["trigger", "debounce"],
        "for example `debounce: { keyBy: 'contact.id', windowMs: 5000, take: 'latest' }`",
    )
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What the function was built for; its `nango` object has nothing else. `whole` is the evaluated description.
pub fn capabilities(whole: &Value) -> Value {
    let is_text = |key: &str| whole.get(key).is_some_and(Value::is_string);
    let requires = requires(whole);
    json!({
        "usesRecords": !texts(whole.get("models")).is_empty(),
        "usesCheckpoints": is_text("checkpoint"),
        "usesMetadata": is_text("metadata"),
        "usesOutbound": requires["outbound"],
        "usesInvoke": requires["invoke"],
    })
}

fn requires(whole: &Value) -> Value {
    let need = |key: &str, otherwise: bool| {
        let stated = whole.get("requires").and_then(|requires| requires.get(key));
        stated.and_then(Value::as_bool).unwrap_or(otherwise)
    };
    json!({ "connection": need("connection", true), "outbound": need("outbound", true), "invoke": need("invoke", false) })
}

/// The member of `functions` of a bundle deployment; nothing for the other kinds.
pub fn bundle_function(definition: &Definition, js: &str, ts: &str) -> Option<Value> {
    let Detail::Function(whole) = &definition.detail else {
        return None;
    };
    let common = &definition.common;
    let reference = |name: &str| format!("#/definitions/{name}");
    let schema = |key: &str| whole.get(key).and_then(Value::as_str).map(reference);
    let models: Vec<String> = texts(whole.get("models")).into_iter().map(reference).collect();
    let requires = requires(whole);
    let trigger = whole
        .get("trigger")
        .cloned()
        .unwrap_or_else(|| json!({ "kind": "none" }));
    let scheduled = trigger.get("kind").and_then(Value::as_str) == Some("schedule");
    let stated = whole.pointer("/limits/concurrency/perConnection").cloned();
    let per_connection = if scheduled {
        json!(1)
    } else {
        stated.unwrap_or_else(|| json!("max"))
    };
    let mut member = Map::new();
    let mut put = |key: &str, value: Value| {
        member.insert(key.to_owned(), value);
    };
    put("name", json!(common.name));
    put("integrationId", json!(common.integration));
    put("description", json!(common.description.clone().unwrap_or_default()));
    put("trigger", trigger);
    put("capabilities", capabilities(whole));
    put("requires", requires);
    put("limits", json!({ "concurrency": { "perConnection": per_connection } }));
    put("input_schema_ref", json!(schema("input")));
    put("output_schema_ref", json!(schema("output")));
    put("model_schema_refs", json!(models));
    put("metadata_schema_ref", json!(schema("metadata")));
    put("checkpoint_schema_ref", json!(schema("checkpoint")));
    put("json_schema", definition.json_schema());
    put("fileBody", json!({ "js": js, "ts": ts }));
    Some(Value::Object(member))
}
