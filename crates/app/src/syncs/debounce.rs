//! Joining a provider's messages that come shortly after one another into one run.
//!
//! The first message opens a window: a task that starts when the window ends. Messages that come until then are added to
//! the task. Once it has started it takes no more, and the next message opens a new window.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;
use tenon_queue::{NewTask, enqueue};
use tenon_store::Tx;
use tenon_store::tables::connections::ConnectionRow;
use tenon_store::tables::tasks;

use super::group;
use super::webhook::{KIND, Payload, place};
use crate::environments::Environment;
use crate::functions::Function;
use crate::functions::declared::{Debounce, Take};
use crate::webhooks::inbound::at_path;
use crate::{App, Error, Result};

/// Most messages in one window, whatever the function says.
const MESSAGES_MAX: u64 = 1_000;
/// Largest window in bytes of JSON; a fuller one starts at once.
const WINDOW_BYTES_MAX: usize = 4 << 20;

/// Messages of a window.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Window {
    /// How many came.
    count: u64,
    /// Those that the function gets.
    requests: Vec<Value>,
    /// Whether it gets the whole list.
    all: bool,
}

impl Window {
    fn add(&mut self, request: Value, take: Take) {
        self.count += 1;
        self.all = take == Take::All;
        match take {
            Take::All => self.requests.push(request),
            Take::Latest => self.requests = vec![request],
            Take::First if self.requests.is_empty() => self.requests.push(request),
            Take::First => {}
        }
    }

    /// Whether the run starts without waiting for the end; `bytes` is the window's size.
    fn is_full(&self, debounce: &Debounce, bytes: usize) -> bool {
        let most = debounce.max_entities.unwrap_or(MESSAGES_MAX).min(MESSAGES_MAX);
        self.count >= most || bytes > WINDOW_BYTES_MAX
    }

    /// What the function is given.
    pub(super) fn input(&self) -> Value {
        let request = self.requests.last().cloned().unwrap_or(Value::Null);
        if self.all {
            json!({ "request": request, "coalesced": self.requests })
        } else {
            json!({ "request": request })
        }
    }
}

/// A value of the body as text; messages without one are joined with each other.
fn key_of(debounce: &Debounce, request: &Value) -> String {
    let Some(path) = &debounce.key_by else {
        return String::new();
    };
    let value = request.get("body").and_then(|body| at_path(body, path));
    value.map(Value::to_string).unwrap_or_default()
}

/// Adds a message to the window of its key, inside the transaction that works the message off.
///
/// # Errors
/// Also when the window has just started to run: then the message is worked off again.
pub(super) async fn join(
    app: &App,
    tx: &mut Tx,
    environment: &Environment,
    connection: &ConnectionRow,
    function: &Function,
    (debounce, request): (&Debounce, Value),
) -> Result<()> {
    let value = digest::digest(&digest::SHA256, key_of(debounce, &request).as_bytes());
    let key = format!("debounce/{}/{}/{}", function.id, connection.id, hex::encode(value));
    let now = app.clock().now();
    let vault = app.vault_in(tx, environment.id).await?;
    let place = place(connection.id, function.id);
    let mut window = Window::default();
    let waiting = tasks::lock_waiting(tx, KIND, &key, now).await?;
    if let Some(row) = &waiting {
        let payload: Payload =
            serde_json::from_str(&row.payload).map_err(|error| Error::Internal(error.to_string()))?;
        let sealed = STANDARD
            .decode(&payload.sealed)
            .map_err(|error| Error::Internal(error.to_string()))?;
        window = serde_json::from_slice(&vault.open(&place, &sealed)?)
            .map_err(|error| Error::Internal(error.to_string()))?;
    }
    window.add(request, debounce.take);
    let plain = serde_json::to_vec(&window).map_err(|error| Error::Internal(error.to_string()))?;
    let full = window.is_full(debounce, plain.len());
    let payload = Payload {
        function: function.id,
        connection: connection.id,
        sealed: STANDARD.encode(vault.seal(&place, &plain)),
        window: true,
    };
    let text = serde_json::to_string(&payload).map_err(|error| Error::Internal(error.to_string()))?;
    let ends = now.plus(Duration::from_millis(debounce.window_ms));
    let added = match waiting {
        Some(row) => {
            let run_at = if full { now } else { row.run_at };
            tasks::amend(tx, KIND, &key, &text, run_at, now).await?
        }
        None => {
            let task = NewTask::new(KIND, text)
                .of(environment.id, group(connection.id))
                .unique(&key)
                .at(if full { now } else { ends });
            enqueue(tx, &task, now).await?.is_new()
        }
    };
    if added {
        return Ok(());
    }
    Err(Error::Internal(
        "a window of joined messages started while a message came; it is worked off again".to_owned(),
    ))
}

#[cfg(test)]
mod tests;
