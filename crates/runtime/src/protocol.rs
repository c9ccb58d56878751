//! Every question a function may ask the world outside its sandbox.
//!
//! Customer code has no sockets, files or clocks of its own: whatever it does beyond computing is one
//! [`HostCall`], answered by the [`Host`] that the caller of [`Runtime::run`](crate::Runtime::run) passes in.
//! A new variant is a security decision. Calls of one run may be in flight together (`Promise.all`), so a
//! host must be ready to answer them concurrently and in any order.
//!
//! On the wire a call is a small JSON header plus raw byte *sections* for what is large (records, bodies,
//! checkpoints): JSON text crosses the boundary exactly as `JSON.stringify` wrote it and is never escaped a
//! second time. [`HostCall::decode`] treats its input as hostile: it comes from the sandbox.

mod calls;
pub(crate) mod codec;
mod replies;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use calls::{Body, FetchCall, HostCall, HttpCall, Params, Part, RecordBatch, SyncRef};
pub use codec::{DecodeError, Parcel};
pub use replies::{HostError, HostErrorKind, HostReply, HttpReply, UpstreamResponse};

/// How much of its memory a run uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryUse {
    /// Bytes in use.
    pub used: u64,
    /// Bytes that it may use.
    pub limit: u64,
}

impl std::fmt::Display for MemoryUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (used, limit) = (self.used >> 20, self.limit >> 20);
        let percent = self.used.saturating_mul(100) / self.limit.max(1);
        write!(
            f,
            "Memory is nearly used up: {used} of {limit} MiB ({percent} %). A run that needs more is ended; keep fewer \
             records at a time, such as one page"
        )
    }
}

/// Answers the host calls of one run.
///
/// Implemented in `app`. The runtime bounds how many calls are in flight at once
/// ([`Limits::host_calls_in_flight_max`](crate::Limits)), stops polling the future when the run ends, and does
/// not forward any call made after cancellation or deadline.
#[async_trait::async_trait]
pub trait Host: Send + Sync {
    /// Answers one call, or explains the failure in the shape that the function shall see it.
    async fn call(&self, call: HostCall) -> Result<HostReply, HostError>;

    /// The same in a run that follows a tape, told the call's number.
    async fn answer(&self, number: u32, call: HostCall) -> Result<HostReply, HostError> {
        let _ = number;
        self.call(call).await
    }

    /// Told when the run uses more than 85 % of its memory, at most every half minute.
    fn memory_is_short(&self, memory: MemoryUse) {
        let _ = memory;
    }
}
