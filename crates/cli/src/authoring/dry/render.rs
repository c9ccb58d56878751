//! How a dry run is shown.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{
    Finished, Saved, Target,
    collected::{Batches, LogLine, RequestLine},
};
use crate::authoring::terminal::{Style, Terminal, bytes, count, plain, table};

/// Records shown per model.
const SHOWN: usize = 3;

/// A log line as it is shown while the function runs.
pub fn log_line(line: &LogLine, terminal: Terminal) -> String {
    let style = match line.level.as_str() {
        "error" => Style::Red,
        "warn" => Style::Yellow,
        "debug" => Style::Dim,
        _ => Style::Cyan,
    };
    let meta = line
        .meta
        .as_ref()
        .map(|meta| format!("  {}", terminal.paint(Style::Dim, &meta.to_string())));
    format!(
        "{}  {}{}",
        terminal.paint(style, &format!("{:<5}", line.level)),
        plain(&line.message),
        meta.unwrap_or_default()
    )
}

/// A request as it is shown while the function runs.
pub fn request_line(line: &RequestLine, terminal: Terminal) -> String {
    let (status, style) = match line.status {
        Some(status @ 200..=299) => (status.to_string(), Style::Green),
        Some(status) => (status.to_string(), Style::Yellow),
        None => ("no answer".to_owned(), Style::Red),
    };
    format!(
        "{}  {} {}  {}",
        terminal.paint(style, &format!("{status:<5}")),
        plain(&line.method),
        plain(&line.path),
        terminal.paint(Style::Dim, &format!("{} ms", line.duration_ms))
    )
}

/// The end of a dry run, for people. `problems` are violations of schemas.
pub fn render(finished: &Finished, target: &Target<'_>, problems: &[Value], terminal: Terminal) -> String {
    let mut out = String::new();
    let requests = count(finished.collected.requests.len(), "request");
    let seconds = finished.duration_ms as f64 / 1000.0;
    match &finished.outcome.result {
        Ok(_) => out.push_str(&terminal.paint(Style::Green, &format!("Done in {seconds:.2} s, {requests}."))),
        Err(error) => {
            let what = if error.message.is_empty() {
                error.type_.clone()
            } else {
                format!("{}: {}", error.type_, error.message)
            };
            out.push_str(&terminal.paint(Style::Red, &format!("Failed after {seconds:.2} s, {requests}: {what}")));
            out.push_str(&failure_details(error, terminal));
        }
    }
    out.push('\n');
    for problem in problems {
        out.push_str(&format!(
            "{}\n",
            terminal.paint(Style::Yellow, &problem_sentence(problem))
        ));
    }
    if let (Ok(output), tenon_compiler::Kind::Action | tenon_compiler::Kind::Function) =
        (&finished.outcome.result, target.function.definition.kind())
    {
        let value: Value = serde_json::from_str(output).unwrap_or(Value::Null);
        out.push_str(&format!("\n{}\n", plain(&format!("{value:#}"))));
    }
    for (model, batches) in &finished.collected.models {
        out.push_str(&render_model(model, batches, terminal));
    }
    if let Some(checkpoint) = &finished.collected.checkpoint {
        out.push_str(&format!(
            "\n{} {}\n",
            terminal.paint(Style::Bold, "checkpoint"),
            plain(&checkpoint.to_string())
        ));
    }
    if let Some(metadata) = &finished.collected.metadata {
        let shown = metadata.to_string();
        out.push_str(&format!(
            "\n{} {}\n",
            terminal.paint(Style::Bold, "metadata"),
            plain(&shown)
        ));
    }
    out.push_str(&terminal.paint(Style::Dim, "\nNothing was stored."));
    out
}

/// What the run took from the machine.
pub fn diagnostics(finished: &Finished) -> String {
    let outcome = &finished.outcome;
    format!(
        "\nMemory {}, processor time {} ms of {} ms.",
        bytes(usize::try_from(outcome.memory_bytes).unwrap_or(usize::MAX)),
        outcome.cpu.as_millis(),
        finished.duration_ms
    )
}

fn failure_details(error: &tenon_runtime::RunError, terminal: Terminal) -> String {
    let mut out = String::new();
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or(Value::Null);
    if payload.as_object().is_some_and(|members| !members.is_empty()) {
        out.push_str(&format!("\n{}", plain(&format!("{payload:#}"))));
    }
    if let Some(upstream) = &error.upstream {
        out.push_str(&format!(
            "\nThe provider answered {}: {}",
            upstream.status,
            plain(&upstream.body.to_string())
        ));
    }
    if let Some(stack) = &error.stack {
        out.push_str(&format!("\n{}", terminal.paint(Style::Dim, stack)));
    }
    out
}

/// A violation of a schema in words.
pub fn problem_sentence(problem: &Value) -> String {
    let path = match text(problem, "path") {
        "" => String::new(),
        path => format!("{path}: "),
    };
    let (model, message) = (text(problem, "model"), text(problem, "message"));
    format!("does not fit the schema {model}: {path}{message}")
}

fn render_model(model: &str, batches: &Batches, terminal: Terminal) -> String {
    let unique = |records: &[Value]| {
        records
            .iter()
            .map(|record| record["id"].to_string())
            .collect::<BTreeSet<_>>()
            .len()
    };
    let mut out = format!("\n{}\n", terminal.paint(Style::Bold, model));
    let rows: Vec<Vec<String>> = [
        ("saved", &batches.saved),
        ("updated", &batches.updated),
        ("deleted", &batches.deleted),
    ]
    .into_iter()
    .filter(|(_, records)| !records.is_empty())
    .map(|(word, records)| {
        let ids = unique(records);
        let repeated = if ids == records.len() {
            String::new()
        } else {
            format!("({ids} different ids)")
        };
        vec![word.to_owned(), records.len().to_string(), repeated]
    })
    .collect();
    out.push_str(&table(2, &rows));
    for record in batches.saved.iter().take(SHOWN) {
        out.push_str(&terminal.paint(Style::Dim, &format!("  {record}\n")));
    }
    if batches.saved.len() > SHOWN {
        out.push_str(&terminal.paint(
            Style::Dim,
            &format!("  … {} more; --json shows all\n", batches.saved.len() - SHOWN),
        ));
    }
    out
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}

/// The end of a dry run, for programs.
pub fn as_json(finished: &Finished, target: &Target<'_>, problems: &[Value], saved: &Saved, ok: bool) -> Value {
    let collected = &finished.collected;
    let records: serde_json::Map<String, Value> = collected
        .models
        .iter()
        .map(|(model, batches)| {
            let shown = json!({ "saved": batches.saved, "updated": batches.updated, "deleted": batches.deleted });
            (model.clone(), shown)
        })
        .collect();
    let (output, error) = match &finished.outcome.result {
        Ok(output) => (serde_json::from_str(output).unwrap_or(Value::Null), Value::Null),
        Err(error) => (Value::Null, error_json(error)),
    };
    json!({
        "ok": ok,
        "function": target.function.name(),
        "integration": target.function.integration(),
        "type": crate::authoring::report::kind_word(target.function.definition.kind()),
        "connection_id": target.connection_id,
        "output": output,
        "error": error,
        "records": records,
        "checkpoint": collected.checkpoint,
        "metadata": collected.metadata,
        "validation": problems,
        "logs": collected.logs.iter().map(|line| json!({ "level": line.level, "message": line.message, "meta": line.meta })).collect::<Vec<_>>(),
        "requests": collected.requests.iter().map(|line| json!({ "method": line.method, "path": line.path, "status": line.status, "duration_ms": line.duration_ms })).collect::<Vec<_>>(),
        "duration_ms": finished.duration_ms,
        "cpu_ms": finished.outcome.cpu.as_millis(),
        "memory_bytes": finished.outcome.memory_bytes,
        "saved": saved.fixture,
        "recorded": saved.recording,
        "not_saved": saved.problem,
    })
}

fn error_json(error: &tenon_runtime::RunError) -> Value {
    json!({
        "type": error.type_,
        "message": error.message,
        "status": error.status,
        "payload": serde_json::from_str::<Value>(&error.payload_json).unwrap_or(Value::Null),
        "stack": error.stack,
        "upstream": error.upstream,
    })
}
