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

pub use calls::{Body, FetchCall, HostCall, HttpCall, Params, Part, RecordBatch, SyncRef};
pub use codec::{DecodeError, Parcel};
pub use replies::{HostError, HostErrorKind, HostReply, HttpReply, UpstreamResponse};

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
}
