//! Calls as steps, with what they change.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value, json};
use tenon_runtime::cassette::Message;

use super::{Section, Shown, Tag};
use crate::replay::show::{call_value, content_value, records, title};

/// Headers of an answer that are worth reading.
const HEADERS: [&str; 6] = [
    "content-type",
    "link",
    "retry-after",
    "location",
    "x-request-id",
    "etag",
];

/// What is known of the run's state while its steps are read.
#[derive(Default)]
pub(super) struct Track {
    checkpoint: Value,
    /// Models, ids and contents.
    records: BTreeMap<String, HashMap<String, Value>>,
}

impl Track {
    pub(super) fn call(&mut self, request: &Message, answer: Option<&Message>) -> Shown {
        let mut shown = Shown {
            title: title(request),
            ..Shown::default()
        };
        shown.tags.push(tag(request.op()));
        let mut asked = call_value(request);
        shown.keep("request", asked.clone());
        if let Some(members) = asked.as_object_mut() {
            [
                "op",
                "method",
                "endpoint",
                "params",
                "model",
                "records",
                "checkpoint",
                "metadataOnly",
            ]
            .iter()
            .for_each(|told| drop(members.remove(*told)));
        }
        match request.op() {
            "batchSave" | "batchUpdate" | "batchDelete" => self.batch(request, &mut shown),
            "saveCheckpoint" | "clearCheckpoint" => self.checkpoint(request, &mut shown),
            _ if asked.as_object().is_some_and(|members| !members.is_empty()) => shown.section("request", &asked),
            _ => {}
        }
        self.answer(request, answer, &mut shown);
        shown
    }

    fn answer(&mut self, request: &Message, answer: Option<&Message>, shown: &mut Shown) {
        let Some(answer) = answer else {
            shown.title.push_str("  (no answer before the end)");
            shown.keep("answer", Value::Null);
            return;
        };
        let body = answer.parts.first().map(content_value);
        match answer.text("reply").unwrap_or_default() {
            "http" => {
                let status = answer.header.get("status").and_then(Value::as_u64).unwrap_or_default();
                shown.title.push_str(&format!(" → {status}"));
                if status >= 400 {
                    shown.tags.push(Tag::Error);
                }
                let headers = headers(answer);
                let body = body.unwrap_or_default();
                shown.section("headers", &headers);
                shown.section("answer", &body);
                shown.keep("answer", json!({ "status": status, "headers": headers, "body": body }));
            }
            "error" => {
                shown.tags.push(Tag::Error);
                let error = answer.header.get("error").cloned().unwrap_or_default();
                let message = error["message"].as_str().unwrap_or_default();
                shown.title.push_str(&format!(" → failed: {message}"));
                let body = body.filter(|body| body != "").unwrap_or_default();
                shown.section("answer", &body);
                shown.keep("answer", json!({ "error": error, "body": body }));
            }
            "json" => {
                let body = body.unwrap_or_default();
                if request.op() == "getCheckpoint" {
                    self.checkpoint = body.clone();
                }
                shown.section("answer", if body.is_null() { &Value::Null } else { &body });
                if body.is_null() {
                    shown.title.push_str(" → null");
                }
                shown.keep("answer", body);
            }
            "bool" => {
                let value = answer.header.get("value").cloned().unwrap_or_default();
                shown.title.push_str(&format!(" → {value}"));
                shown.keep("answer", value);
            }
            _ => {}
        }
    }

    fn checkpoint(&mut self, request: &Message, shown: &mut Shown) {
        let new = request.parts.first().map(content_value).unwrap_or_default();
        let text = format!("{} → {new}", self.checkpoint);
        shown.section("change", &Value::from(text));
        shown.keep("before", std::mem::replace(&mut self.checkpoint, new.clone()));
        shown.keep("after", new);
    }

    /// What a batch changes among what this run has written.
    fn batch(&mut self, request: &Message, shown: &mut Shown) {
        let model = request.text("model").unwrap_or_default();
        let known = self.records.entry(model.to_owned()).or_default();
        let deletes = request.op() == "batchDelete";
        let (mut lines, mut counts) = (Vec::new(), [0_usize; 4]);
        for record in records(request).unwrap_or_default() {
            let id = match &record["id"] {
                Value::String(id) => id.clone(),
                other => other.to_string(),
            };
            let (index, word) = match known.get(&id) {
                _ if deletes => (3, "-"),
                None => (0, "+"),
                Some(before) if *before == record => (2, "="),
                Some(_) => (1, "~"),
            };
            if let Some(count) = counts.get_mut(index) {
                *count += 1;
            }
            lines.push(format!("{word} {id}  {record}"));
            known.insert(id, record);
        }
        let [first, again, equal, deleted] = counts;
        let words = [
            (first, "first written in this run"),
            (again, "written again with a change"),
            (equal, "written again as they were"),
            (deleted, "deleted"),
        ];
        let told: Vec<String> = words
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        shown.sections.push(Section {
            title: format!("records: {}", told.join(", ")),
            text: lines.join("\n"),
        });
        let changes = json!({ "first": first, "changed": again, "equal": equal, "deleted": deleted });
        shown.keep("changes", changes);
    }
}

fn tag(op: &str) -> Tag {
    match op {
        "http" | "fetch" => Tag::Page,
        "getCheckpoint" | "saveCheckpoint" | "clearCheckpoint" => Tag::Checkpoint,
        "batchSave" | "batchUpdate" | "batchDelete" | "trackDeletesEnd" | "deletePrevious" => Tag::Records,
        _ => Tag::Platform,
    }
}

fn headers(answer: &Message) -> Value {
    let pairs = answer.header.get("headers").and_then(Value::as_array);
    let kept: Map<String, Value> = pairs
        .into_iter()
        .flatten()
        .filter_map(|pair| Some((pair.get(0)?.as_str()?, pair.get(1)?)))
        .filter(|(name, _)| HEADERS.contains(name) || name.contains("ratelimit") || name.contains("rate-limit"))
        .map(|(name, value)| (name.to_owned(), value.clone()))
        .collect();
    if kept.is_empty() {
        Value::Null
    } else {
        Value::Object(kept)
    }
}
