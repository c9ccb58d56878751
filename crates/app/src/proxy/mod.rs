//! Calls to providers with the credentials of a connection.
//!
//! One implementation for everybody: the public proxy route, the HTTP calls of functions and of agents. A call names an
//! integration, a connection, a method and an endpoint; [`App::proxy`] finds the connection (opened and fresh, from
//! memory), builds URL, headers and body from catalogue and credentials, waits for room in the provider's quota, sends,
//! and repeats what is worth repeating. Nothing here waits for the disk, and the answer's body is still on the wire when
//! the caller gets it.
//!
//! The order of precedence, everywhere: what the caller says, over what the provider's entry says, over the default of
//! the credentials.

mod attempt;
mod body;
mod call;
mod function;
mod limits;
mod log;
mod retry;
mod send;
mod target;

#[cfg(test)]
mod tests;

pub use body::compact_json;
pub use call::{CallBody, LogTo, Outcome, PATIENCE, Params, ProxyCall};
pub use function::{NOWHERE, Outline, multipart, reply};
pub(crate) use limits::{State, start};
pub use target::set_pairs;
pub use tenon_egress::Response as Answer;
