//! Asking a bundle what it declares, by running it.
//!
//! Descriptions, frequencies and schemas are values of the program, not of its text, so the bundle is run in
//! the same sandbox as in production, with a few lines behind it that turn its export into JSON.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::diagnostic::Diagnostic;

/// Runs a CommonJS text whose default export is an action, and answers the JSON text of the action's output.
///
/// The text is untrusted: implementations run it in the sandbox, without network and with limits.
pub trait Evaluate: std::marker::Sync {
    /// `file` names the text in stack traces. The error is what the program threw, for people.
    fn evaluate(&self, file: &str, js: &str) -> Result<String, String>;
}

/// What a bundle declares.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Evaluated {
    /// The tag of the definition: `sync`, `action`, `onEvent`, `function`; empty when it is no definition.
    pub kind: String,
    /// Members that are plain values.
    pub fields: Map<String, Value>,
    /// `input`, `output`, `metadata`, `checkpoint` as JSON Schema.
    pub schemas: Map<String, Value>,
    /// Record models as JSON Schema, in the order of the source.
    pub models: Map<String, Value>,
    /// Names of members that are functions.
    pub functions: Vec<String>,
    /// Schemas that could not be turned into JSON Schema.
    #[serde(default)]
    pub failures: Vec<Failure>,
}

/// A schema that could not be converted.
#[derive(Debug, Clone, Deserialize)]
pub struct Failure {
    /// The member or model.
    pub name: String,
    /// What went wrong.
    pub message: String,
}

impl Evaluated {
    /// Whether `member` is a function of the definition.
    pub fn has(&self, member: &str) -> bool {
        self.functions.iter().any(|name| name == member)
    }

    /// The schema of `member`, when it has one.
    pub fn schema(&self, member: &str) -> Option<&Value> {
        self.schemas.get(member)
    }
}

const DESCRIBE: &str = include_str!("../js/describe.js");

/// Evaluates the bundle of the function in `file`.
pub fn describe(evaluator: &dyn Evaluate, file: &str, js: &str) -> Result<Evaluated, Diagnostic> {
    let program = format!("{}\n;{DESCRIBE}", without_map(js));
    let text = evaluator.evaluate(file, &program).map_err(|message| {
        Diagnostic::error(
            "definition_failed",
            format!("the file fails when it is loaded: {message}"),
        )
        .in_file(file)
        .hint("code outside of exec runs at every load, before there is a connection; move it into exec")
    })?;
    let evaluated: Evaluated = serde_json::from_str(&text).map_err(|error| {
        Diagnostic::error("definition_failed", format!("the definition cannot be read: {error}")).in_file(file)
    })?;
    match evaluated.failures.first() {
        Some(failure) => Err(Diagnostic::error(
            "schema_not_convertible",
            format!(
                "the schema of `{}` has no JSON Schema: {}",
                failure.name, failure.message
            ),
        )
        .in_file(file)
        .hint("use z from the package `zod` (version 4) for every schema")),
        None => Ok(evaluated),
    }
}

/// The bundle without its source map, which is of no use here and most of the text.
fn without_map(js: &str) -> &str {
    js.rfind("//# sourceMappingURL=")
        .and_then(|at| js.get(..at))
        .unwrap_or(js)
}
