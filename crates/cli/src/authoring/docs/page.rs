//! The page of one function.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use tenon_compiler::{Compiled, Detail, definition::Sync};

use super::{Style, calls, schema};

/// The generated part of the page.
pub fn render(function: &Compiled, style: Style) -> String {
    let common = &function.definition.common;
    let mut out = format!("# {}\n\n", common.name);
    if let Some(description) = &common.description {
        let _ = writeln!(out, "{}\n", description.trim());
    }
    out.push_str(&facts(function));
    match &function.definition.detail {
        Detail::Sync(sync) => {
            for model in &sync.outputs {
                out.push_str(&model_section(&common.models, model, &format!("Records: `{model}`")));
            }
            if let Some(model) = &sync.metadata_model {
                out.push_str(&model_section(&common.models, model, "Metadata of the connection"));
            }
        }
        Detail::Action(action) => {
            out.push_str(&model_section(&common.models, &action.input_model, "Input"));
            out.push_str(&model_section(&common.models, &action.output_model, "Output"));
        }
        Detail::OnEvent { .. } => {}
        Detail::Function(whole) => {
            for (key, title) in [("input", "Input"), ("output", "Output")] {
                if let Some(model) = whole.get(key).and_then(Value::as_str) {
                    out.push_str(&model_section(&common.models, model, title));
                }
            }
            for model in texts(whole.get("models")) {
                out.push_str(&model_section(&common.models, model, &format!("Records: `{model}`")));
            }
            for (key, title) in [("metadata", "Metadata of the connection"), ("checkpoint", "Checkpoint")] {
                if let Some(model) = whole.get(key).and_then(Value::as_str) {
                    out.push_str(&model_section(&common.models, model, title));
                }
            }
        }
    }
    out.push_str(&calls::render(function, style));
    out
}

/// The table at the top.
fn facts(function: &Compiled) -> String {
    let common = &function.definition.common;
    let mut rows: Vec<(&str, String)> = vec![(
        "Kind",
        format!("{} of `{}`", function.definition.kind().word(), common.integration),
    )];
    match &function.definition.detail {
        Detail::Sync(sync) => rows.extend(sync_facts(sync)),
        Detail::Action(action) => {
            if let Some(endpoint) = &action.endpoint {
                rows.push(("Endpoint", format!("`{} {}`", endpoint.method, endpoint.path)));
            }
        }
        Detail::OnEvent { event } => rows.push(("Runs", moment(event).to_owned())),
        Detail::Function(whole) => rows.push(("Runs", trigger(whole))),
    }
    if !common.scopes.is_empty() {
        rows.push(("Scopes", codes(&common.scopes)));
    }
    if common.features.iter().any(|feature| feature == "checkpoints") {
        rows.push(("Checkpoints", "a run that ends early goes on where it was".to_owned()));
    }
    if !common.version.is_empty() {
        rows.push(("Version", common.version.clone()));
    }
    let file = function.entry.path.rsplit('/').next().unwrap_or_default();
    rows.push(("Source", format!("[`{file}`](./{file})")));
    let mut out = "| | |\n| --- | --- |\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(out, "| {name} | {} |", cell(&value));
    }
    out
}

fn sync_facts(sync: &Sync) -> Vec<(&'static str, String)> {
    let start = if sync.auto_start {
        "from the connection on"
    } else {
        "started by hand"
    };
    let mut rows = vec![
        ("Schedule", format!("{}, {start}", sync.frequency)),
        ("Records", codes(&sync.outputs)),
    ];
    let kind = match (sync.sync_type.as_str(), sync.track_deletes) {
        ("incremental", _) => Some("incremental: changes only"),
        (_, true) => Some("full, and what is gone is deleted"),
        (_, false) => None,
    };
    rows.extend(kind.map(|kind| ("Type", kind.to_owned())));
    if sync.has_on_webhook {
        rows.push(("Webhooks", codes(&sync.webhook_subscriptions)));
    }
    let endpoints = sync.endpoints.iter().map(|one| format!("{} {}", one.method, one.path));
    let endpoints: Vec<String> = endpoints.collect();
    if !endpoints.is_empty() {
        rows.push(("Endpoints", codes(&endpoints)));
    }
    rows
}

fn moment(event: &str) -> &str {
    match event {
        "post-connection-creation" => "after a connection is made",
        "pre-connection-deletion" => "before a connection is deleted",
        "validate-connection" => "when a connection is made or renewed; an error refuses it",
        other => other,
    }
}

fn trigger(whole: &Value) -> String {
    let part = |key: &str| whole.pointer(&format!("/trigger/{key}"));
    let list = |key: &str| texts(part(key)).into_iter().map(str::to_owned).collect::<Vec<_>>();
    match part("kind").and_then(Value::as_str).unwrap_or("none") {
        "schedule" => part("frequency").and_then(Value::as_str).unwrap_or_default().to_owned(),
        "http" if list("subscriptions").is_empty() => "for every message of the provider".to_owned(),
        "http" => format!("for messages of the provider: {}", codes(&list("subscriptions"))),
        "event" => {
            let moments: Vec<String> = list("events").iter().map(|event| moment(event).to_owned()).collect();
            moments.join("; ")
        }
        _ => "when it is called".to_owned(),
    }
}

/// A heading and the members of a model.
fn model_section(models: &Map<String, Value>, model: &str, title: &str) -> String {
    let (kind, rows) = schema::rows(models, model);
    let mut out = format!("\n## {title}\n\n");
    let about = models.get(model).and_then(|schema| schema.get("description"));
    if let Some(text) = about.and_then(Value::as_str) {
        let _ = writeln!(out, "{}\n", text.trim());
    }
    if rows.is_empty() {
        let nothing = if kind == "null" { "Nothing." } else { "" };
        let _ = match nothing {
            "" => writeln!(out, "Type: {kind}"),
            nothing => writeln!(out, "{nothing}"),
        };
        return out;
    }
    if kind != "object" {
        let _ = writeln!(out, "Type: {kind}\n");
    }
    out.push_str("| Field | Type | Required | Description |\n| --- | --- | --- | --- |\n");
    for row in rows {
        let required = if row.required { "yes" } else { "no" };
        let _ = writeln!(
            out,
            "| `{}` | {} | {required} | {} |",
            row.path,
            cell(&row.kind),
            cell(&row.about)
        );
    }
    out
}

/// A text that stays inside of its cell.
fn cell(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    line.join(" ").replace('|', "\\|")
}

fn codes(texts: &[String]) -> String {
    let shown: Vec<String> = texts.iter().map(|text| format!("`{text}`")).collect();
    shown.join(", ")
}

fn texts(value: Option<&Value>) -> Vec<&str> {
    let items = value.and_then(Value::as_array);
    items.into_iter().flatten().filter_map(Value::as_str).collect()
}
