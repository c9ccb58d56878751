//! The only way out.
//!
//! Everything Tenon sends to the outside passes through [`Egress::send`]: calls of the proxy and of functions,
//! token requests, credential probes, deliveries of webhooks. That makes three promises cheap to keep:
//!
//! - **No call reaches a place it must not reach.** A [`Policy`] judges the host name and every address that it
//!   resolves to, on the first request and on every redirect; the connection is made to a judged address, so a
//!   name that changes its mind between check and use (DNS rebinding) gains nothing.
//! - **No call waits or grows without a limit.** Connecting, waiting for an answer and reading it have time limits,
//!   bodies are streamed or read up to a bound, connections and requests in flight are counted.
//! - **Nobody is throttled by a vendor if we can know better.** The [`governor`] holds calls back before a quota
//!   of the vendor is exceeded, in the order in which they came, and fairly between tenants.
//!
//! The crate knows HTTP, addresses and time. It does not know what a connection or a credential is, and its errors
//! never hold a path, a query or a header, since those may hold secrets.
//!
//! ```no_run
//! # async fn example() -> Result<(), tenon_egress::Error> {
//! use std::sync::Arc;
//! use tenon_egress::{Egress, Policy, Request};
//!
//! let egress = Egress::new(Policy::default(), Arc::new(tenon_model::SystemClock::default()))?;
//! let reply = egress.send(Request::get("https://api.example.com/me")?.header("accept", "application/json")?).await?;
//! let body = reply.bytes(1 << 20).await?;
//! # let _ = body; Ok(()) }
//! ```

mod address;
mod body;
mod client;
mod config;
mod connect;
mod decode;
mod error;
pub mod governor;
mod policy;
mod pool;
mod record;
mod redirect;
mod request;
mod resolve;
mod response;
mod tls;

pub use address::{AddressClass, classify};
pub use body::{Body, BoxError, ResponseBody, Stream};
pub use client::Egress;
pub use config::{EgressConfig, Limits};
pub use error::{Error, RefusedReason};
pub use policy::Policy;
pub use record::{Recorded, Recorder};
pub use redirect::Redirects;
pub use request::Request;
pub use resolve::{Resolve, SystemResolver};
pub use response::Response;
