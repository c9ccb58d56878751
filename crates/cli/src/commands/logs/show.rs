//! Operations as text for people, or as JSON lines for programs.

use serde_json::Value;

use crate::authoring::terminal::{Style, Terminal, plain};

/// Characters of a body or meta value shown on one line.
const DETAIL_CHARS_MAX: usize = 2_000;

/// How to show.
pub(super) struct Show {
    pub(super) terminal: Terminal,
    pub(super) json: bool,
    pub(super) messages: bool,
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

impl Show {
    #[expect(clippy::print_stdout, reason = "output of the command")]
    pub(super) fn line(&self, text: &str) {
        println!("{text}");
    }

    /// One line about an operation.
    pub(super) fn summary(&self, operation: &Value) {
        if self.json {
            return self.line(&operation.to_string());
        }
        let paint = |style, text: &str| self.terminal.paint(style, text);
        let (mark, style) = match text(operation, "state") {
            "success" => ("✓", Style::Green),
            "running" => ("…", Style::Cyan),
            "waiting" => ("↻", Style::Yellow),
            _ => ("✗", Style::Red),
        };
        let moment = text(operation, "created_at").replace('T', " ");
        let what = format!("{}:{}", text(operation, "kind"), text(operation, "action"));
        let duration = match operation.get("duration_ms").and_then(Value::as_f64) {
            Some(millis) if millis >= 10_000.0 => format!("{:.1} s", millis / 1_000.0),
            Some(millis) => format!("{millis:.1} ms"),
            None => String::new(),
        };
        let whom = [text(operation, "integration_id"), text(operation, "connection_id")]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        let mut line = format!(
            "{} {} {:<22} {}",
            paint(Style::Dim, moment.trim_end_matches('Z')),
            paint(style, mark),
            plain(&what),
            paint(Style::Bold, text(operation, "title")),
        );
        for part in [whom, duration] {
            if !part.is_empty() {
                line.push_str("  ");
                line.push_str(&paint(Style::Dim, &part));
            }
        }
        line.push_str(&format!("  {}", paint(Style::Dim, text(operation, "id"))));
        self.line(&line);
        if let Some(error) = operation.get("error").filter(|error| !error.is_null()) {
            let text = format!("    {}: {}", text(error, "code"), text(error, "message"));
            self.line(&paint(Style::Red, &text));
        }
    }

    /// An operation with its messages.
    pub(super) fn operation(&self, answer: &Value) {
        if self.json {
            return self.line(&answer.to_string());
        }
        let Some(operation) = answer.get("operation") else {
            return;
        };
        self.summary(operation);
        if let Some(meta) = operation.get("meta").filter(|meta| !meta.is_null()) {
            self.line(
                &self
                    .terminal
                    .paint(Style::Dim, &format!("    {}", short(&meta.to_string()))),
            );
        }
        for message in answer.get("messages").and_then(Value::as_array).into_iter().flatten() {
            self.message(message);
        }
        let dropped = operation.get("messages_dropped").and_then(Value::as_i64).unwrap_or(0);
        if dropped > 0 {
            let text = format!("    {dropped} further messages were not kept");
            self.line(&self.terminal.paint(Style::Yellow, &text));
        }
    }

    fn message(&self, message: &Value) {
        let level = text(message, "level");
        let style = match level {
            "error" => Style::Red,
            "warn" => Style::Yellow,
            "debug" => Style::Dim,
            _ => Style::Cyan,
        };
        let at = text(message, "at");
        let time = at.split('T').nth(1).unwrap_or(at).trim_end_matches('Z');
        let shown = plain(text(message, "message")).replace('\n', "\n      ");
        self.line(&format!(
            "    {} {} {shown}",
            self.terminal.paint(Style::Dim, time),
            self.terminal.paint(style, &format!("{level:<5}")),
        ));
        let Some(meta) = message.get("meta").filter(|meta| !meta.is_null()) else {
            return;
        };
        if text(message, "kind") == "http" {
            self.exchange(meta);
        } else {
            self.line(
                &self
                    .terminal
                    .paint(Style::Dim, &format!("      {}", short(&meta.to_string()))),
            );
        }
    }

    /// Request and response of an HTTP exchange, bodies cut.
    fn exchange(&self, meta: &Value) {
        for side in ["request", "response"] {
            let Some(part) = meta.get(side) else { continue };
            for (name, value) in part.get("headers").and_then(Value::as_object).into_iter().flatten() {
                let value = value.as_str().unwrap_or_default();
                self.line(
                    &self
                        .terminal
                        .paint(Style::Dim, &format!("      {side} {name}: {value}")),
                );
            }
            if let Some(body) = part.get("body").and_then(Value::as_str) {
                self.line(
                    &self
                        .terminal
                        .paint(Style::Dim, &format!("      {side} body: {}", short(body))),
                );
            }
        }
        if let Some(error) = meta.get("error") {
            let text = format!("      {}: {}", text(error, "code"), text(error, "message"));
            self.line(&self.terminal.paint(Style::Red, &text));
        }
    }
}

fn short(text: &str) -> String {
    if text.chars().count() <= DETAIL_CHARS_MAX {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(DETAIL_CHARS_MAX).collect();
    cut.push('…');
    cut
}
