//! Pages that wait for the outcome of their popup.
//!
//! A page holds a WebSocket on one node; the provider may send the browser back to another. The outcome is delivered
//! here if the page is connected here, and as a store signal to the other nodes otherwise.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use crate::{App, Result};

/// Store signal that carries outcomes between nodes.
pub(crate) const POPUP_CHANNEL: &str = "popups";
/// Pages that may wait at the same time.
const WAITING_MAX: usize = 20_000;

/// The outcome of a popup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum PopupMessage {
    /// A connection was made.
    Success {
        /// The integration's key.
        unique_key: String,
        /// The connection's id.
        connection_id: String,
        /// Whether somebody else must approve it first.
        is_pending: bool,
    },
    /// No connection was made.
    Failure {
        /// The integration's key.
        unique_key: Option<String>,
        /// The connection's id.
        connection_id: Option<String>,
        /// Stable code.
        error_type: String,
        /// Sentence for people.
        error_desc: String,
    },
}

impl PopupMessage {
    /// As the page receives it.
    pub fn to_wire(&self) -> Value {
        match self {
            Self::Success {
                unique_key,
                connection_id,
                is_pending,
            } => json!({
                "message_type": "success",
                "provider_config_key": unique_key,
                "connection_id": connection_id,
                "is_pending": is_pending,
            }),
            Self::Failure {
                unique_key,
                connection_id,
                error_type,
                error_desc,
            } => {
                let mut message = Map::new();
                message.insert("message_type".to_owned(), json!("error"));
                if let Some(key) = unique_key {
                    message.insert("provider_config_key".to_owned(), json!(key));
                }
                if let Some(id) = connection_id {
                    message.insert("connection_id".to_owned(), json!(id));
                }
                message.insert("error_type".to_owned(), json!(error_type));
                message.insert("error_desc".to_owned(), json!(error_desc));
                Value::Object(message)
            }
        }
    }
}

/// Pages connected to this node.
#[derive(Default)]
pub struct Popups(Mutex<HashMap<String, oneshot::Sender<PopupMessage>>>);

impl Popups {
    /// Registers a page; `None` when too many wait.
    pub fn register(&self, id: &str) -> Option<oneshot::Receiver<PopupMessage>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= WAITING_MAX {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        waiting.insert(id.to_owned(), sender);
        Some(receiver)
    }

    /// Forgets a page that is gone.
    pub fn forget(&self, id: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    fn deliver(&self, id: &str, message: PopupMessage) -> bool {
        let sender = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        sender.is_some_and(|sender| sender.send(message).is_ok())
    }

    /// Delivers what another node signalled.
    pub(crate) fn deliver_signal(&self, payload: &str) {
        if let Ok((id, message)) = serde_json::from_str::<(String, PopupMessage)>(payload) {
            self.deliver(&id, message);
        }
    }
}

impl App {
    /// Pages connected to this node.
    pub fn popups(&self) -> &Popups {
        &self.connections_state().popups
    }

    /// Tells the page that opened a popup how it went. Nothing happens without a page.
    #[tenon_model::boxed]
    pub(crate) async fn tell_page(&self, page: Option<&str>, message: &PopupMessage) -> Result<()> {
        let Some(page) = page else { return Ok(()) };
        if self.popups().deliver(page, message.clone()) {
            return Ok(());
        }
        let payload = serde_json::to_string(&(page, message)).unwrap_or_default();
        let mut tx = self.store().begin().await?;
        tx.signal(POPUP_CHANNEL, &payload);
        Ok(tx.commit().await?)
    }
}
