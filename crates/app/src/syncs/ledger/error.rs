//! Why a write of a run was refused, and how the function is told.

use serde_json::{Value, json};

use crate::Error;
use crate::records::ChunkError;

/// Why a write of a run was refused.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The run was cancelled or belongs to somebody else by now.
    #[error("the run is over")]
    Fenced,
    /// The function is no sync, so it has no records.
    #[error("records can only be used in syncs")]
    NoRecords,
    /// The sync does not declare the model.
    #[error("the model {0} is not declared by this sync")]
    Undeclared(String),
    /// The chunk is refused as a whole.
    #[error("the records are not acceptable")]
    Chunk(ChunkError),
    /// The checkpoint is no flat object of acceptable size.
    #[error("the checkpoint is not acceptable")]
    Checkpoint(Vec<Value>),
    /// Somebody else wrote the checkpoint, or there is none to clear.
    #[error("the checkpoint has changed since it was read")]
    Conflict,
    /// A pass ends that never began.
    #[error("no pass over {0} was started")]
    NoPass(String),
    /// Ours.
    #[error(transparent)]
    App(#[from] Error),
}

impl From<tenon_store::Error> for LedgerError {
    fn from(error: tenon_store::Error) -> Self {
        Self::App(error.into())
    }
}

impl LedgerError {
    /// The error body that the SDK puts into its message.
    pub fn body(&self) -> Value {
        let plain = |code: &str, message: String| json!({ "error": { "code": code, "message": message } });
        match self {
            Self::Chunk(error) => error.body(),
            Self::Checkpoint(issues) => json!({ "error": { "code": "invalid_request", "errors": issues } }),
            Self::Conflict => plain(
                "checkpoint_conflict",
                "Checkpoint has been updated since last read".to_owned(),
            ),
            Self::Undeclared(_) | Self::NoRecords | Self::NoPass(_) => plain("invalid_request", self.to_string()),
            Self::Fenced => plain("script_aborted", self.to_string()),
            Self::App(_) => plain(
                "server_error",
                "the records could not be written; see the server's log".to_owned(),
            ),
        }
    }
}
