//! A recorded run as steps that people read one after the other.

mod track;

use serde_json::{Map, Value, json};
use tenon_runtime::cassette::{Cassette, Content, Ended, Step};

use super::show::content_value;
use track::Track;

/// What a step is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Tag {
    /// The beginning: input, checkpoint, connection.
    Start,
    /// A request to the provider or another server.
    Page,
    /// A checkpoint is read, saved or removed.
    Checkpoint,
    /// Records are saved, updated or deleted.
    Records,
    /// A log line of the function.
    Log,
    /// Another question to the platform.
    Platform,
    /// Something failed.
    Error,
    /// The end: output or error.
    End,
}

/// One step.
#[derive(Debug, Clone, Default)]
pub struct Shown {
    /// From 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// Milliseconds since the start.
    pub at_ms: u64,
    /// Milliseconds until the answer.
    pub took_ms: Option<u64>,
    /// What it is about; the first is its kind.
    pub tags: Vec<Tag>,
    /// One line.
    pub title: String,
    /// The rest.
    pub sections: Vec<Section>,
    /// The same for programs.
    pub value: Map<String, Value>,
}

/// A part of a step.
#[derive(Debug, Clone)]
pub struct Section {
    /// What it is.
    pub title: String,
    /// Lines.
    pub text: String,
}

impl Shown {
    /// `Step 3 of 17, 40 ms:`.
    pub fn heading(&self) -> String {
        let took = self
            .took_ms
            .map_or_else(String::new, |took| format!(", took {took} ms"));
        format!("Step {} of {} (at {} ms{took})", self.number, self.of, self.at_ms)
    }

    /// For programs.
    pub fn as_json(&self) -> Value {
        let kind = self.tags.first().map(|tag| name(*tag)).unwrap_or_default();
        let mut all = Map::from_iter([
            ("step".to_owned(), json!(self.number)),
            ("kind".to_owned(), json!(kind)),
            ("error".to_owned(), json!(self.tags.contains(&Tag::Error))),
            ("at_ms".to_owned(), json!(self.at_ms)),
            ("took_ms".to_owned(), json!(self.took_ms)),
            ("title".to_owned(), json!(self.title)),
        ]);
        all.extend(self.value.clone());
        Value::Object(all)
    }

    fn section(&mut self, title: &str, value: &Value) {
        if !value.is_null() {
            self.sections.push(Section {
                title: title.to_owned(),
                text: pretty(value),
            });
        }
    }

    fn keep(&mut self, name: &str, value: Value) {
        self.value.insert(name.to_owned(), value);
    }
}

fn name(tag: Tag) -> String {
    format!("{tag:?}").to_lowercase()
}

/// All steps of a run, with its beginning and its end.
pub fn steps(cassette: &Cassette) -> Vec<Shown> {
    let mut track = Track::default();
    let mut all = vec![beginning(cassette)];
    for step in &cassette.steps {
        match step {
            Step::Call {
                at_ms,
                request,
                answer,
                took_ms,
                ..
            } => {
                let mut shown = track.call(request, answer.as_ref());
                (shown.at_ms, shown.took_ms) = (*at_ms, *took_ms);
                all.push(shown);
            }
            Step::Log {
                at_ms,
                level,
                message,
                meta,
            } => all.push(log(*at_ms, level, message, meta.as_ref())),
            Step::Note { message, level, .. } => remark(&mut all, level, message),
        }
    }
    all.push(end(cassette));
    let of = all.len();
    for (index, step) in all.iter_mut().enumerate() {
        (step.number, step.of) = (index + 1, of);
    }
    all
}

fn beginning(cassette: &Cassette) -> Shown {
    let run = &cassette.run;
    let kind = run
        .kind
        .and_then(|kind| serde_json::to_value(kind).ok())
        .unwrap_or_default();
    let mut shown = Shown {
        tags: vec![Tag::Start],
        title: format!(
            "{} {} of {} begins, connection {} ({}), {}",
            kind.as_str().unwrap_or("function"),
            run.function,
            run.integration,
            run.connection_id,
            run.environment,
            run.started_at
        ),
        ..Shown::default()
    };
    let input = cassette.input.as_ref().map(content_value).unwrap_or_default();
    let metadata = cassette.connection["metadata"].clone();
    let metadata = match metadata.as_object() {
        Some(members) if !members.is_empty() => metadata,
        _ => Value::Null,
    };
    let last = run.last_sync_date.clone().map(Value::from).unwrap_or_default();
    for (title, value) in [
        ("input", input),
        ("checkpoint", cassette.checkpoint.clone()),
        ("last sync", last),
        ("metadata", metadata),
    ] {
        shown.section(title, &value);
        shown.keep(&title.replace(' ', "_"), value);
    }
    shown
}

fn log(at_ms: u64, level: &str, message: &str, meta: Option<&Content>) -> Shown {
    let mut shown = Shown {
        at_ms,
        tags: vec![Tag::Log],
        title: format!("log {level}: {message}"),
        ..Shown::default()
    };
    if level == "error" {
        shown.tags.push(Tag::Error);
    }
    let meta = meta.map(content_value).unwrap_or_default();
    shown.section("", &meta);
    shown.keep("level", json!(level));
    shown.keep("message", json!(message));
    shown.keep("meta", meta);
    shown
}

/// What the platform said belongs to what it was asked last.
fn remark(all: &mut [Shown], level: &str, message: &str) {
    let Some(shown) = all.last_mut() else { return };
    if level == "error" && !shown.tags.contains(&Tag::Error) {
        shown.tags.push(Tag::Error);
    }
    let line = format!("{level}: {message}");
    match shown.sections.iter_mut().find(|section| section.title == "platform") {
        Some(section) => {
            section.text.push('\n');
            section.text.push_str(&line);
        }
        None => shown.sections.push(Section {
            title: "platform".to_owned(),
            text: line,
        }),
    }
    let notes = shown.value.entry("platform").or_insert_with(|| json!([]));
    if let Some(notes) = notes.as_array_mut() {
        notes.push(json!({ "level": level, "message": message }));
    }
}

fn end(cassette: &Cassette) -> Shown {
    let mut shown = Shown {
        at_ms: cassette.run.duration_ms,
        tags: vec![Tag::End],
        ..Shown::default()
    };
    match &cassette.outcome {
        Ended::Output(output) => {
            "the run succeeded".clone_into(&mut shown.title);
            let output = content_value(output);
            if cassette.run.kind == Some(tenon_runtime::Kind::Action) {
                shown.section("output", &output);
            }
            shown.keep("output", output);
        }
        Ended::Error(error) => {
            shown.tags.push(Tag::Error);
            shown.title = format!("the run failed: {} {}", error.type_, error.message);
            let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_default();
            shown.section("payload", &payload);
            shown.section("stack", &error.stack.clone().map(Value::from).unwrap_or_default());
            let upstream = error
                .upstream
                .as_ref()
                .and_then(|upstream| serde_json::to_value(upstream).ok());
            shown.section("the provider's answer", &upstream.unwrap_or_default());
            shown.keep(
                "failure",
                json!({ "type": error.type_, "message": error.message, "payload": payload }),
            );
        }
    }
    if let Some(truncated) = cassette.truncated {
        let text = format!("{} more steps did not fit into the recording", truncated.steps);
        shown.section("truncated", &Value::from(text));
    }
    shown
}

fn pretty(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Object(_) | Value::Array(_) => {
            let line = value.to_string();
            if line.len() <= 100 { line } else { format!("{value:#}") }
        }
        other => other.to_string(),
    }
}
