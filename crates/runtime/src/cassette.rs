//! A recorded run: everything that is needed to run it again without the world that it ran in.
//!
//! `docs/reference/recordings.md` describes the format. Content that is JSON stays JSON, text for text, so that a
//! recording can be read and what is computed over a text comes out the same.

mod content;
mod recorder;

#[cfg(test)]
mod tests;

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use content::Content;
pub use recorder::{Recorder, Recording};

use crate::invocation::{Kind, Limits};
use crate::outcome::RunError;
use crate::protocol::codec::{decode_answer, encode_answer};
use crate::protocol::{DecodeError, HostCall, HostError, HostReply, Parcel};
use crate::tape::Tape;

/// `format` of every recording.
pub const FORMAT: &str = "tenon-recording";
/// The version that is written, and the latest that is read.
pub const VERSION: u32 = 1;

/// A recorded run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cassette {
    /// [`FORMAT`].
    pub format: String,
    /// [`VERSION`].
    pub version: u32,
    /// Version of Tenon that recorded it.
    pub tenon: String,
    /// What ran.
    pub run: Identity,
    /// The code that ran.
    pub code: CodeCopy,
    /// Action input or payload of a webhook, as the function got it.
    pub input: Option<Content>,
    /// The connection as it was, without credentials.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub connection: Value,
    /// The checkpoint before the run.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub checkpoint: Value,
    /// What the function was told about itself.
    pub context: Content,
    /// Limits that decide how a run ends.
    pub limits: LimitsCopy,
    /// Clock, seed and order.
    pub tape: Tape,
    /// What the run did, in order.
    pub steps: Vec<Step>,
    /// How it ended.
    pub outcome: Ended,
    /// Set when the run did more than a recording may hold: how many steps are missing at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub truncated: Option<Truncated>,
    /// How many different values were replaced because they are or may be secrets.
    #[serde(default)]
    pub secrets_withheld: usize,
}

/// Which run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Identity {
    /// Id of the run's operation in the log.
    pub id: String,
    /// When it began, ISO text.
    pub started_at: String,
    /// Environment.
    pub environment: String,
    /// Integration.
    pub integration: String,
    /// Provider.
    pub provider: String,
    /// Connection id.
    pub connection_id: String,
    /// Name of the function.
    pub function: String,
    /// `sync`, `action`, `on-event` or `webhook`.
    pub kind: Option<Kind>,
    /// Deployed version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Start of the last successful run, ISO text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_sync_date: Option<String>,
    /// Why it was kept: `rate`, `failure` or `dryrun`.
    pub kept_for: String,
    /// Milliseconds that it took.
    pub duration_ms: u64,
}

/// The bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeCopy {
    /// Content hash of the deployed bundle.
    pub hash: String,
    /// Name in stack traces.
    pub filename: String,
    /// Its text; none when it must be fetched from the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub js: Option<String>,
}

/// The limits of a run, as far as they are not only about waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsCopy {
    /// CPU milliseconds.
    pub cpu_ms: u64,
    /// Heap.
    pub memory_bytes: usize,
    /// Result text.
    pub output_bytes: usize,
    /// Host calls.
    pub host_calls_max: u64,
}

impl From<&Limits> for LimitsCopy {
    fn from(limits: &Limits) -> Self {
        Self {
            cpu_ms: limits.cpu.as_millis().min(u128::from(u64::MAX)) as u64,
            memory_bytes: limits.memory_bytes,
            output_bytes: limits.output_bytes,
            host_calls_max: limits.host_calls_max,
        }
    }
}

/// Something that the run did, or that was said about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// It asked its host.
    Call {
        /// The call's number in the run, as the tape has it.
        number: u32,
        /// Milliseconds since the run began.
        at_ms: u64,
        /// The question.
        request: Message,
        /// The answer; none when the run ended first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<Message>,
        /// Milliseconds until the answer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        took_ms: Option<u64>,
    },
    /// It logged.
    Log {
        /// Milliseconds since the run began.
        at_ms: u64,
        /// `debug`, `info`, `warn` or `error`.
        level: String,
        /// The line.
        message: String,
        /// Its details.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        meta: Option<Content>,
    },
    /// The platform logged about the run: what became of a batch, say.
    Note {
        /// Milliseconds since the run began.
        at_ms: u64,
        /// `debug`, `info`, `warn` or `error`.
        level: String,
        /// The line.
        message: String,
    },
}

/// A question or an answer: its header, and what is large in it.
#[derive(Debug, Clone, Serialize)]
pub struct Message {
    /// Everything but the large parts.
    #[serde(flatten)]
    pub header: serde_json::Map<String, Value>,
    /// Bodies, records, checkpoints.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Content>,
}

/// Read member by member: what a derived reader would gather first has lost the letters of its JSON.
impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Message;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a question or an answer")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Message, A::Error> {
                let (mut header, mut parts) = (serde_json::Map::new(), Vec::new());
                while let Some(name) = map.next_key::<String>()? {
                    if name == "parts" {
                        parts = map.next_value()?;
                    } else {
                        header.insert(name, map.next_value()?);
                    }
                }
                Ok(Message { header, parts })
            }
        }

        deserializer.deserialize_map(Members)
    }
}

impl Message {
    fn of(parcel: &Parcel) -> Self {
        Self {
            header: serde_json::from_slice(&parcel.header).unwrap_or_default(),
            parts: parcel.sections.iter().map(|part| Content::of(part)).collect(),
        }
    }

    fn parcel(&self) -> Parcel {
        Parcel {
            header: serde_json::to_vec(&self.header).unwrap_or_default().into(),
            sections: self.parts.iter().map(Content::bytes).collect(),
        }
    }

    /// The question as it is asked.
    pub fn of_call(call: &HostCall) -> Result<Self, DecodeError> {
        call.encode().map(|parcel| Self::of(&parcel))
    }

    /// The answer as it is given.
    pub fn of_answer(answer: &Result<HostReply, HostError>) -> Result<Self, DecodeError> {
        encode_answer(answer).map(|parcel| Self::of(&parcel))
    }

    /// The question that was recorded.
    pub fn call(&self) -> Result<HostCall, DecodeError> {
        HostCall::decode(&self.parcel())
    }

    /// The answer that was recorded.
    pub fn answer(&self) -> Result<Result<HostReply, HostError>, DecodeError> {
        decode_answer(&self.parcel())
    }

    /// A text member of the header.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.header.get(name)?.as_str()
    }

    /// What is asked: `http`, `batchSave`, …
    pub fn op(&self) -> &str {
        self.text("op").unwrap_or_default()
    }
}

/// How a run ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// With this output.
    Output(Content),
    /// With an error.
    Error(RunError),
}

impl Ended {
    /// The end of a run as its outcome has it.
    pub fn of(result: &Result<String, RunError>) -> Self {
        match result {
            Ok(output) => Self::Output(Content::of(output.as_bytes())),
            Err(error) => Self::Error(error.clone()),
        }
    }
}

/// What is missing at the end of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truncated {
    /// Steps that were not kept.
    pub steps: u64,
    /// Bytes that a recording may have.
    pub bytes_max: usize,
}

/// Why a text is not a recording that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It is something else.
    #[error("this is not a recording of a run (`format` must be `{FORMAT}`)")]
    Foreign,
    /// A later version wrote it.
    #[error("the recording has version {0}, and this Tenon reads up to {VERSION}; update it")]
    Newer(u64),
    /// It does not follow the format.
    #[error("the recording is damaged")]
    Damaged(#[source] serde_json::Error),
}

impl Cassette {
    /// Reads a recording.
    pub fn read(text: &str) -> Result<Self, ReadError> {
        #[derive(Deserialize)]
        struct Head {
            format: Option<String>,
            version: Option<u64>,
        }
        let head: Head = serde_json::from_str(text).map_err(|_| ReadError::Foreign)?;
        if head.format.as_deref() != Some(FORMAT) {
            return Err(ReadError::Foreign);
        }
        match head.version {
            Some(version) if version > u64::from(VERSION) => Err(ReadError::Newer(version)),
            _ => serde_json::from_str(text).map_err(ReadError::Damaged),
        }
    }

    /// The recording as text.
    pub fn to_json(&self) -> String {
        // Structs of plain fields and JSON values always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
