//! How compiled projects are shown.

use serde_json::{Value, json};
use tenon_compiler::{Compiled, Detail, Diagnostic, Kind};

use super::{
    build::Built,
    terminal::{Style, Terminal, bytes, count, note, plain, say, table},
    types::Types,
};

/// Prints findings, kept apart from the result.
pub fn findings(built: &Built, terminal: Terminal) {
    for diagnostic in built.diagnostics() {
        note(&finding(diagnostic, terminal));
    }
    // What cannot be read as findings is shown as it is.
    let unread = |types: &&Types| !types.ok && types.diagnostics.is_empty();
    if let Some(types) = built.types.as_ref().filter(unread) {
        note(&plain(&types.output));
        note("");
    }
}

/// A finding as text. Its message may hold what a file threw when it was loaded.
pub fn finding(diagnostic: &Diagnostic, terminal: Terminal) -> String {
    let mut shown = diagnostic.clone();
    shown.message = plain(&shown.message).into_owned();
    if let Some(location) = &mut shown.location {
        let frame = location.frame.replace("\r\n", "\n");
        location.frame = plain(&frame).into_owned();
    }
    shown.render(terminal.has_colour())
}

/// All that is said when a project cannot be used.
pub fn unusable(built: &Built, as_json: bool, terminal: Terminal) {
    if as_json {
        say(&self::as_json(built).to_string());
    } else {
        findings(built, terminal);
        failure(built, terminal);
    }
}

/// The last line when a project cannot be used.
pub fn failure(built: &Built, terminal: Terminal) {
    note(&terminal.paint(Style::Red, &sentence(built)));
}

fn sentence(built: &Built) -> String {
    let errors = built
        .project
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.is_error())
        .count();
    let types = built.types.as_ref().filter(|types| !types.ok);
    let unfit = types.map(|types| match types.diagnostics.len() {
        0 => "the types do not fit".to_owned(),
        found => format!("the types do not fit ({})", count(found, "error")),
    });
    let what = match (errors, unfit) {
        (0, Some(unfit)) => unfit,
        (errors, None) => count(errors, "error"),
        (errors, Some(unfit)) => format!("{}, and {unfit}", count(errors, "error")),
    };
    format!("Not compiled: {what}.")
}

/// The functions by integration, and a sentence about the whole.
pub fn summary(built: &Built, terminal: Terminal) {
    let functions = &built.project.functions;
    let mut integrations: Vec<&str> = functions.iter().map(Compiled::integration).collect();
    integrations.dedup();
    let mut seen: Vec<&str> = Vec::new();
    for integration in integrations {
        if seen.contains(&integration) {
            continue;
        }
        seen.push(integration);
        say(&terminal.paint(Style::Bold, integration));
        let rows: Vec<Vec<String>> = functions
            .iter()
            .filter(|f| f.integration() == integration)
            .map(|f| row(f, terminal))
            .collect();
        say(&table(2, &rows));
    }
    let warnings = built.project.diagnostics.len();
    let checked = match &built.types {
        Some(_) => ", types checked",
        None => "",
    };
    let warned = if warnings == 0 {
        String::new()
    } else {
        format!(", {}", count(warnings, "warning"))
    };
    say(&terminal.paint(
        Style::Green,
        &format!(
            "Compiled {} in {:.2} s{checked}{warned}.",
            count(functions.len(), "function"),
            built.duration_ms as f64 / 1000.0
        ),
    ));
}

fn row(function: &Compiled, terminal: Terminal) -> Vec<String> {
    vec![
        terminal.paint(Style::Cyan, kind_word(function.definition.kind())),
        function.name().to_owned(),
        facts(function),
        terminal.paint(Style::Dim, &bytes(function.js.len())),
    ]
}

/// The word for a kind in lists.
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Sync => "sync",
        Kind::Action => "action",
        Kind::OnEvent => "on-event",
        Kind::Function => "function",
    }
}

/// What is worth knowing about a function in a list.
pub fn facts(function: &Compiled) -> String {
    match &function.definition.detail {
        Detail::Sync(sync) => {
            let start = if sync.auto_start { "" } else { ", started by hand" };
            format!("{}{start} → {}", sync.frequency, sync.outputs.join(", "))
        }
        Detail::OnEvent { event } => event.clone(),
        Detail::Action(_) | Detail::Function(_) => String::new(),
    }
}

/// The whole as JSON.
pub fn as_json(built: &Built) -> Value {
    let functions: Vec<Value> = built
        .project
        .functions
        .iter()
        .map(|function| {
            json!({
                "integration": function.integration(),
                "type": kind_word(function.definition.kind()),
                "name": function.name(),
                "version": function.definition.common.version,
                "description": function.definition.common.description,
                "file": function.entry.path,
                "bundle": format!("build/{}", function.entry.bundle_name()),
                "bytes": function.js.len(),
                "hash": function.hash,
            })
        })
        .collect();
    let mut shown = json!({
        "ok": built.is_usable(),
        "root": built.project.root,
        "functions": functions,
        "diagnostics": built.diagnostics().collect::<Vec<_>>(),
        "types": built.types.as_ref().map(|types| json!({ "ok": types.ok, "output": types.output })),
        "duration_ms": built.duration_ms,
    });
    if !built.is_usable() {
        shown["error"] = json!({ "code": "compile_failed", "message": sentence(built) });
    }
    shown
}
