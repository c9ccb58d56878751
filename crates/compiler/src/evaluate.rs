//! Asking a bundle what it declares, by running it.
//!
//! Descriptions, frequencies and schemas are values of the program, not of its text, so the bundle is
//! evaluated in the same sandbox as in production.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tenon_runtime::{Code, RunError, Runtime};
use tokio::runtime::Handle;

use crate::{bundle::BundleMap, definition::places, diagnostic::Diagnostic, project::Entry, source::SourceFile};

/// Evaluates bundles. The text is untrusted: implementations run it without network and with limits.
pub trait Evaluate: Sync {
    /// The definition that the bundle of `entry` exports, as JSON text in the shape that
    /// [`Runtime::evaluate_definition`] documents. The error is what the program threw.
    fn evaluate(&self, entry: &Entry, js: &str) -> Result<String, Thrown>;
}

/// What a program threw while it was loaded.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Thrown {
    /// Text for people.
    pub message: String,
    /// The stack trace, with places in the bundle.
    pub stack: Option<String>,
    /// Values that the definition lacks, or that are no schemas.
    pub faults: Vec<Fault>,
}

/// A value of a definition that is not the schema that it has to be.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Fault {
    /// Where it is written: names of members, from the outside in.
    pub field: Vec<String>,
    /// Whether there is no value at all.
    pub missing: bool,
}

impl From<String> for Thrown {
    fn from(message: String) -> Self {
        Self {
            message,
            ..Self::default()
        }
    }
}

/// Evaluates bundles in worker processes.
///
/// Must be used outside of asynchronous code (in `spawn_blocking`): it waits for the worker.
pub struct Sandbox {
    runtime: Runtime,
    handle: Handle,
    tenant: String,
}

impl Sandbox {
    /// A sandbox that uses the workers of `runtime` on behalf of `tenant`. Call it inside a Tokio runtime.
    pub fn new(runtime: Runtime, tenant: impl Into<String>) -> Self {
        Self {
            runtime,
            handle: Handle::current(),
            tenant: tenant.into(),
        }
    }
}

impl Evaluate for Sandbox {
    fn evaluate(&self, entry: &Entry, js: &str) -> Result<String, Thrown> {
        let code = Arc::new(Code {
            hash: hash(js),
            js: js.to_owned(),
            filename: format!("{}-{}.cjs", entry.name, entry.integration),
        });
        let answer = self
            .runtime
            .evaluate_definition(&self.tenant, code, &entry.integration, &entry.name);
        self.handle.block_on(answer).map_err(thrown)
    }
}

/// What the program threw, in its own words where it has some: the error of [`Evaluate::evaluate`].
pub fn thrown(error: RunError) -> Thrown {
    let mut payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_default();
    let faults = payload.get_mut("faults").map(Value::take).unwrap_or_default();
    let own = payload
        .get("message")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    Thrown {
        message: own.map_or(error.message, str::to_owned),
        stack: error.stack,
        faults: serde_json::from_value(faults).unwrap_or_default(),
    }
}

/// Key of a bundle in caches: SHA-256 in hex.
pub fn hash(js: &str) -> String {
    hex::encode(Sha256::digest(js.as_bytes()))
}

/// What a bundle declares, as the sandbox answers it. Which fields are there depends on the kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Described {
    #[serde(rename = "type")]
    pub kind: String,
    pub description: String,
    pub version: String,
    pub scopes: Vec<String>,
    pub has_exec: bool,
    pub frequency: String,
    pub models: Vec<String>,
    pub auto_start: bool,
    pub sync_type: String,
    pub track_deletes: bool,
    pub endpoints: Vec<Value>,
    pub webhook_subscriptions: Vec<String>,
    pub has_webhook: bool,
    pub endpoint: Option<Value>,
    pub input: Option<String>,
    pub output: Option<String>,
    pub event: String,
    #[serde(rename = "json_schema")]
    pub json_schema: Schemas,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Schemas {
    pub definitions: Map<String, Value>,
}

/// Evaluates the bundle of a function; the second value is the whole answer.
pub(crate) fn describe(
    evaluator: &dyn Evaluate,
    entry: &Entry,
    source: &SourceFile,
    js: &str,
) -> Result<(Described, Value), Vec<Diagnostic>> {
    let text = evaluator
        .evaluate(entry, without_map(js))
        .map_err(|thrown| refused(entry, source, js, &thrown))?;
    let unreadable = |error: serde_json::Error| {
        vec![
            Diagnostic::error("definition_failed", format!("the definition cannot be read: {error}"))
                .in_file(&entry.path),
        ]
    };
    let whole: Value = serde_json::from_str(&text).map_err(unreadable)?;
    let described = serde_json::from_value(whole.clone()).map_err(unreadable)?;
    Ok((described, whole))
}

fn refused(entry: &Entry, source: &SourceFile, js: &str, thrown: &Thrown) -> Vec<Diagnostic> {
    if !thrown.faults.is_empty() {
        return thrown.faults.iter().map(|fault| not_a_schema(source, fault)).collect();
    }
    let diagnostic = Diagnostic::error(
        "definition_failed",
        format!("the file fails when it is loaded: {}", thrown.message),
    )
    .hint("code outside of exec runs at every load, before there is a connection; move it into exec");
    vec![match thrown_at(entry, js, thrown) {
        Some((file, at)) => diagnostic.at(&file, at, file.word_end(at)),
        None => diagnostic.in_file(&entry.path),
    }]
}

fn not_a_schema(source: &SourceFile, fault: &Fault) -> Diagnostic {
    let path: Vec<&str> = fault.field.iter().map(String::as_str).collect();
    let field = path.last().copied().unwrap_or_default();
    let is_model = path.len() > 1 && path.iter().rev().nth(1) == Some(&"models");
    let what = if is_model {
        format!("the model `{field}`")
    } else {
        format!("`{field}`")
    };
    let (message, hint) = if fault.missing && !is_model {
        (
            format!("{what} is missing"),
            format!("add `{field}: z.object({{ … }})`, or `{field}: z.void()` for nothing"),
        )
    } else {
        (
            format!("{what} is not a Zod schema"),
            "every model, input and output is a Zod 4 schema: `z.object({ … })`, or `z.void()` for nothing".to_owned(),
        )
    };
    places::point(Diagnostic::error("invalid_schema", message), source, &path).hint(hint)
}

/// The author's place that is the innermost in the stack trace.
fn thrown_at(entry: &Entry, js: &str, thrown: &Thrown) -> Option<(SourceFile, usize)> {
    let bundle = format!("{}-{}.cjs:", entry.name, entry.integration);
    let map = BundleMap::read(js)?;
    thrown.stack.iter().flat_map(|stack| stack.lines()).find_map(|frame| {
        let place = frame.split_once(&bundle)?.1;
        let mut numbers = place
            .split(|c: char| !c.is_ascii_digit())
            .map_while(|part| part.parse::<u32>().ok());
        let (line, column) = (numbers.next()?, numbers.next().unwrap_or(1));
        map.original(line.checked_sub(1)?, column.saturating_sub(1))
    })
}

/// The bundle without its source map, which is of no use here and most of the text.
fn without_map(js: &str) -> &str {
    js.rfind("//# sourceMappingURL=")
        .and_then(|at| js.get(..at))
        .unwrap_or(js)
}
