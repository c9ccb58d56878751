//! Bytes as a recording holds them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

/// A body, a batch of records, a checkpoint: as JSON when it is some, else as text, else in base64.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    /// JSON, text for text.
    Json(Box<RawValue>),
    /// Other text.
    Text(String),
    /// Bytes that are no text.
    Base64(String),
    /// So many bytes that held a secret and could not be cleaned of it.
    Withheld(usize),
}

impl Content {
    /// Keeps bytes.
    pub fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::of_text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }

    /// Keeps a text. JSON with blanks around it is kept as text, which has them too.
    pub fn of_text(text: String) -> Self {
        if text.starts_with(['{', '[']) && text.ends_with(['}', ']']) {
            return match RawValue::from_string(text.clone()) {
                Ok(json) => Self::Json(json),
                Err(_) => Self::Text(text),
            };
        }
        Self::Text(text)
    }

    /// The text, unless there are bytes.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Json(json) => Some(json.get()),
            Self::Text(text) => Some(text),
            Self::Base64(_) | Self::Withheld(_) => None,
        }
    }

    /// The bytes; none of those that were withheld.
    pub fn bytes(&self) -> Bytes {
        match self {
            Self::Json(json) => Bytes::copy_from_slice(json.get().as_bytes()),
            Self::Text(text) => Bytes::copy_from_slice(text.as_bytes()),
            Self::Base64(text) => STANDARD.decode(text).unwrap_or_default().into(),
            Self::Withheld(_) => Bytes::new(),
        }
    }
}
