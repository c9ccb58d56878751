//! Asking a bundle what it declares, by running it.
//!
//! Descriptions, frequencies and schemas are values of the program, not of its text, so the bundle is
//! evaluated in the same sandbox as in production.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tenon_runtime::{Code, RunError, Runtime};
use tokio::runtime::Handle;

use crate::{diagnostic::Diagnostic, project::Entry};

/// Evaluates bundles. The text is untrusted: implementations run it without network and with limits.
pub trait Evaluate: Sync {
    /// The definition that the bundle of `entry` exports, as JSON text in the shape that
    /// [`Runtime::evaluate_definition`] documents. The error is what the program threw, for people.
    fn evaluate(&self, entry: &Entry, js: &str) -> Result<String, String>;
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
    fn evaluate(&self, entry: &Entry, js: &str) -> Result<String, String> {
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
pub fn thrown(error: RunError) -> String {
    let payload: Value = serde_json::from_str(&error.payload_json).unwrap_or_default();
    let own = payload
        .get("message")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty());
    own.map_or(error.message, str::to_owned)
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
pub(crate) fn describe(evaluator: &dyn Evaluate, entry: &Entry, js: &str) -> Result<(Described, Value), Diagnostic> {
    let text = evaluator
        .evaluate(entry, without_map(js))
        .map_err(|message| refused(entry, &message))?;
    let unreadable = |error: serde_json::Error| {
        Diagnostic::error("definition_failed", format!("the definition cannot be read: {error}")).in_file(&entry.path)
    };
    let whole: Value = serde_json::from_str(&text).map_err(unreadable)?;
    let described = serde_json::from_value(whole.clone()).map_err(unreadable)?;
    Ok((described, whole))
}

fn refused(entry: &Entry, message: &str) -> Diagnostic {
    if message.ends_with("is not a Zod schema") {
        return Diagnostic::error("invalid_schema", message)
            .in_file(&entry.path)
            .hint("every model, input and output is a Zod 4 schema: `z.object({ … })`, or `z.void()` for nothing");
    }
    Diagnostic::error(
        "definition_failed",
        format!("the file fails when it is loaded: {message}"),
    )
    .in_file(&entry.path)
    .hint("code outside of exec runs at every load, before there is a connection; move it into exec")
}

/// The bundle without its source map, which is of no use here and most of the text.
fn without_map(js: &str) -> &str {
    js.rfind("//# sourceMappingURL=")
        .and_then(|at| js.get(..at))
        .unwrap_or(js)
}
