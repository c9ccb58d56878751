//! The handle of a running operation.

use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};
use tenon_credentials::Concealer;
use tenon_model::{EnvironmentId, OperationId, Timestamp};
use tenon_runtime::cassette::Recorder;
use tenon_store::tables::operations::{MessageRow, OperationRow};

use super::buffer::Shared;
use super::capture::{self, HttpExchange};
use super::{Kind, Level, Outcome, Subject, format_id, redact};

/// Characters of a message that are kept.
const MESSAGE_CHARS_MAX: usize = 10_000;
/// Bytes of the details of a message that are kept.
const META_BYTES_MAX: usize = 99_000;
/// Messages of one operation that are kept.
const MESSAGES_MAX: i64 = 20_000;
/// Bytes of messages of one operation that are kept.
const OPERATION_BYTES_MAX: usize = 32 << 20;

struct Inner {
    shared: Arc<Shared>,
    number: i64,
    id: OperationId,
    environment: EnvironmentId,
    /// Taken by the one that ends the operation.
    row: Mutex<Option<OperationRow>>,
    /// Number of the first message; not 0 when the operation goes on.
    first: AtomicI64,
    sequence: AtomicI64,
    bytes: AtomicUsize,
    dropped: AtomicI64,
    /// Values that nobody may read in this operation.
    secrets: Mutex<Concealer>,
    /// Notes what the platform says about the run, when the run is recorded.
    recorder: Mutex<Option<Arc<Recorder>>>,
}

/// One running operation. Cheap to clone; all clones write to the same operation.
#[derive(Clone)]
pub struct OperationHandle(Arc<Inner>);

impl std::fmt::Debug for OperationHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OperationHandle").field(&self.0.id).finish()
    }
}

impl OperationHandle {
    #[expect(
        clippy::too_many_arguments,
        reason = "called by two functions that name each of them"
    )]
    pub(super) fn begin(
        shared: Arc<Shared>,
        number: i64,
        created_at: Timestamp,
        environment: EnvironmentId,
        kind: Kind,
        action: &'static str,
        subject: Subject,
        announce: bool,
    ) -> Self {
        let row = OperationRow {
            id: number,
            environment_id: environment,
            kind: kind.as_str().to_owned(),
            action: action.to_owned(),
            state: "running".to_owned(),
            title: cut(subject.title, MESSAGE_CHARS_MAX),
            integration: subject.integration,
            provider: subject.provider,
            connection: subject.connection,
            function: subject.function,
            error_code: None,
            error_message: None,
            meta: subject.meta.map(|meta| meta_text(&meta.to_string())),
            created_at,
            ended_at: None,
            messages_dropped: 0,
        };
        if announce {
            shared.put_operation(row.clone());
        }
        Self(Arc::new(Inner {
            shared,
            number,
            id: OperationId(format_id(number)),
            environment,
            row: Mutex::new(Some(row)),
            first: AtomicI64::new(0),
            sequence: AtomicI64::new(0),
            bytes: AtomicUsize::new(0),
            dropped: AtomicI64::new(0),
            secrets: Mutex::default(),
            recorder: Mutex::default(),
        }))
    }

    pub(super) fn skip_to(&self, sequence: i64) {
        self.0.first.store(sequence, Ordering::Relaxed);
        self.0.sequence.store(sequence, Ordering::Relaxed);
    }

    /// The id, as functions, connections and webhooks show it.
    pub fn id(&self) -> &OperationId {
        &self.0.id
    }

    /// Messages so far; where [`super::Operations::resume`] goes on.
    pub fn sequence(&self) -> i64 {
        self.0.sequence.load(Ordering::Relaxed)
    }

    /// Makes values known that no message, detail or error of this operation may show from now on.
    pub fn keep_secret(&self, add: impl FnOnce(&mut Concealer)) {
        add(&mut self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The values made known by [`Self::keep_secret`].
    pub fn secrets(&self) -> Concealer {
        self.0.secrets.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From now on what the platform says here is noted in a recording as well; with none, no longer.
    pub(crate) fn watch(&self, recorder: Option<Arc<Recorder>>) {
        *self.0.recorder.lock().unwrap_or_else(PoisonError::into_inner) = recorder;
    }

    /// Adds a message with details.
    pub fn log(&self, level: Level, message: impl Into<String>, meta: Option<&Value>) {
        let message = message.into();
        if let Some(recorder) = &*self.0.recorder.lock().unwrap_or_else(PoisonError::into_inner) {
            recorder.note(level.as_str(), &message);
        }
        match meta {
            Some(meta) => self.log_json(level, message, Some(&meta.to_string())),
            None => self.log_json(level, message, None),
        }
    }

    /// Adds a message whose details are JSON text already.
    pub fn log_json(&self, level: Level, message: impl Into<String>, meta_json: Option<&str>) {
        self.write(
            level,
            "log",
            cut(self.0.conceal(message.into()), MESSAGE_CHARS_MAX),
            meta_json.map(|meta| meta_text(&self.0.conceal(meta.to_owned()))),
        );
    }

    /// Adds an HTTP exchange: `error` when it failed or the status is 400 or above, else `info`.
    pub fn http(&self, exchange: &HttpExchange<'_>) {
        let level = if exchange.failed() { Level::Error } else { Level::Info };
        self.http_at(level, exchange);
    }

    /// Adds an HTTP exchange at a level of the caller's choice.
    pub fn http_at(&self, level: Level, exchange: &HttpExchange<'_>) {
        let (message, meta) = capture::render(exchange);
        let (message, meta) = (self.0.conceal(message), self.0.conceal(meta));
        self.write(level, "http", message, Some(meta));
    }

    /// Adds or replaces facts about the whole operation.
    pub fn annotate(&self, facts: Map<String, Value>) {
        let mut row = self.0.row.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(row) = row.as_mut() else { return };
        let mut all: Map<String, Value> = row
            .meta
            .as_deref()
            .and_then(|text| serde_json::from_str(text).ok())
            .unwrap_or_default();
        all.extend(facts);
        row.meta = Some(meta_text(&Value::Object(all).to_string()));
    }

    /// Ends the operation. Only the first call counts.
    pub fn finish(&self, outcome: Outcome) {
        self.0.finish(outcome);
    }

    fn write(&self, level: Level, kind: &'static str, message: String, meta: Option<String>) {
        let inner = &self.0;
        let size = message.len() + meta.as_ref().map_or(0, String::len);
        let sequence = inner.sequence.fetch_add(1, Ordering::Relaxed);
        // What tells of a failure is kept even when much was said before it.
        let slack = if level >= Level::Warn { 2 } else { 1 };
        let room =
            sequence < MESSAGES_MAX * slack && inner.bytes.fetch_add(size, Ordering::Relaxed) < OPERATION_BYTES_MAX;
        let kept = room
            && inner.shared.put_message(MessageRow {
                operation_id: inner.number,
                sequence,
                environment_id: inner.environment,
                at: inner.shared.now(),
                level: level.as_str().to_owned(),
                kind: kind.to_owned(),
                message,
                meta,
            });
        if !kept {
            inner.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Inner {
    fn conceal(&self, text: String) -> String {
        self.secrets
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .conceal(text)
    }

    fn finish(&self, outcome: Outcome) {
        let row = self.row.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut row) = row else { return };
        let (state, code, message) = match outcome {
            Outcome::Success => ("success", None, None),
            Outcome::Failed { code, message } => ("failed", Some(code), Some(message)),
            Outcome::Timeout { message } => ("timeout", Some("timeout".to_owned()), Some(message)),
            Outcome::Cancelled { message } => ("cancelled", Some("cancelled".to_owned()), Some(message)),
            Outcome::Waiting { message } => ("waiting", None, Some(message)),
        };
        row.state = state.to_owned();
        row.error_code = code;
        row.error_message = message.map(|text| cut(self.conceal(text), MESSAGE_CHARS_MAX));
        row.meta = row.meta.take().map(|meta| self.conceal(meta));
        row.ended_at = (state != "waiting").then(|| self.shared.now());
        row.messages_dropped = self.dropped.load(Ordering::Relaxed);
        self.shared.put_operation(row);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.finish(Outcome::Cancelled {
            message: "it was dropped before it ended".to_owned(),
        });
    }
}

/// At most `max` characters of a text.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max
        && let Some((end, _)) = text.char_indices().nth(max)
    {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Redacted and bounded details; what is too long becomes one text member.
fn meta_text(json: &str) -> String {
    let text = redact::json_text(json, META_BYTES_MAX);
    if text.len() <= META_BYTES_MAX {
        return text;
    }
    let end = redact::floor_char_boundary(&text, META_BYTES_MAX);
    serde_json::json!({ "truncated": text.get(..end).unwrap_or_default() }).to_string()
}
