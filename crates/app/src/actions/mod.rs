//! Actions: calls that functions answer.
//!
//! A call that waits runs at once, without queue and without waiting for the disk; its log is written behind. A call that
//! does not wait is a row and a task: it runs when its turn comes, one at a time per environment, and its result is kept
//! for a week. A caller who goes away does not stop a run: what it does at the provider happens exactly as it would have.

mod input;
mod later;
mod now;
mod slots;

#[cfg(test)]
mod tests;

pub use input::TriggerInput;
pub use later::{AsyncActions, KIND as ASYNC_KIND};
pub(crate) use slots::Slots;

use uuid::Uuid;

/// The answer to an action call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionAnswer {
    /// The output as JSON text; every falsy output is `null`.
    Output(String),
    /// Accepted; the result will be found under this id.
    Accepted(Uuid),
}

/// The output as it is answered: the wire knows no falsy outputs but `null`.
fn answered(output: String) -> String {
    match output.trim() {
        "" | "false" | "0" | "-0" | "\"\"" | "undefined" => "null".to_owned(),
        _ => output,
    }
}

/// The input as the function gets it: every falsy one counts as none.
fn given(input: Option<&serde_json::Value>) -> Option<String> {
    use serde_json::Value;
    let falsy = match input {
        None | Some(Value::Null | Value::Bool(false)) => true,
        Some(Value::Number(number)) => number.as_f64() == Some(0.0),
        Some(Value::String(text)) => text.is_empty(),
        Some(_) => false,
    };
    if falsy {
        None
    } else {
        input.map(serde_json::Value::to_string)
    }
}
