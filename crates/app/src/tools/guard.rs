//! What keeps a call with bad arguments away from the provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tenon_runtime::protocol::{HostCall, HostError};

use crate::Error;
use crate::functions::Function;

/// Code of the refusal.
const CODE: &str = "invalid_action_input";

/// The complaints about the arguments of one run.
///
/// The public contract lets an action see arguments that contradict its schema, and many actions repair them. What such
/// a run may not do is reach the provider: its first attempt ends it.
#[derive(Debug)]
pub struct Guard {
    complaints: Vec<Value>,
    tripped: AtomicBool,
}

impl Guard {
    /// The guard of a run; `None` when the arguments fit the function's schema.
    pub fn of(function: &Function, arguments: &Value) -> Option<Arc<Self>> {
        let complaints = function.input_checker()?.complaints(arguments);
        (!complaints.is_empty()).then(|| {
            Arc::new(Self {
                complaints,
                tripped: AtomicBool::new(false),
            })
        })
    }

    /// Refuses a call that leaves the platform.
    ///
    /// # Errors
    /// The error that the function sees.
    pub(crate) fn check(&self, call: &HostCall) -> Result<(), HostError> {
        if !leaves(call) {
            return Ok(());
        }
        self.tripped.store(true, Ordering::SeqCst);
        Err(HostError::sdk(CODE, self.sentence()))
    }

    /// The refusal, once the run has tried to reach out. It stands whatever the function made of it.
    pub(crate) fn refusal(&self) -> Option<Error> {
        self.tripped.load(Ordering::SeqCst).then(|| {
            Error::refuse(400, CODE)
                .message(self.sentence())
                .payload(json!({ "errors": self.complaints }))
        })
    }

    /// All complaints in one sentence.
    pub(crate) fn sentence(&self) -> String {
        let texts = self.complaints.iter().filter_map(|complaint| {
            let at = complaint["path"].as_str()?;
            let message = complaint["message"].as_str()?;
            Some(if at.is_empty() {
                message.to_owned()
            } else {
                format!("{at}: {message}")
            })
        });
        format!(
            "The arguments do not match the tool's schema, so the provider was not called: {}",
            texts.collect::<Vec<_>>().join("; ")
        )
    }
}

/// Whether a call reaches a provider, by itself or through another function.
const fn leaves(call: &HostCall) -> bool {
    match call {
        HostCall::Http(_)
        | HostCall::Fetch(_)
        | HostCall::TriggerAction { .. }
        | HostCall::TriggerSync { .. }
        | HostCall::StartSync { .. } => true,
        HostCall::BatchSave(_)
        | HostCall::BatchUpdate(_)
        | HostCall::BatchDelete(_)
        | HostCall::GetRecordsByIds { .. }
        | HostCall::ListRecords { .. }
        | HostCall::TrackDeletesStart { .. }
        | HostCall::TrackDeletesEnd { .. }
        | HostCall::DeletePrevious { .. }
        | HostCall::SetMergingStrategy { .. }
        | HostCall::GetCheckpoint
        | HostCall::SaveCheckpoint { .. }
        | HostCall::ClearCheckpoint
        | HostCall::GetConnection { .. }
        | HostCall::GetToken
        | HostCall::SetMetadata { .. }
        | HostCall::UpdateMetadata { .. }
        | HostCall::GetIntegration { .. }
        | HostCall::GetEnvironmentVariables
        | HostCall::Log { .. }
        | HostCall::TryAcquireLock { .. }
        | HostCall::ReleaseLock { .. }
        | HostCall::ReleaseAllLocks => false,
    }
}
