//! What server and build process say to each other: one JSON text per line.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is to be compiled; the first line to the process.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Key of the integration.
    pub integration: String,
    /// Name of the function.
    pub name: String,
    /// TypeScript.
    pub code: String,
}

/// A line from the process.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Asks for the definition that this bundle declares; the answer is a `Result<String, String>`.
    Evaluate(String),
    /// The end.
    Finished(Box<Answer>),
}

/// How a build ended.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The bundle; none when the source has errors.
    pub js: Option<String>,
    /// Kind of the function, when it can be deployed.
    pub kind: Option<String>,
    /// Its member of `flowConfigs`.
    pub flow: Option<Value>,
    /// Errors, or warnings, for people.
    pub messages: String,
}

/// A message as a line.
pub fn line(message: &impl Serialize) -> Vec<u8> {
    // Texts and numbers only: they can always be written.
    let mut line = serde_json::to_vec(message).unwrap_or_default();
    line.push(b'\n');
    line
}
