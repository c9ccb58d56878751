//! Webhooks: what providers tell us ([`inbound`]) and what we tell customers ([`outbound`]).
//!
//! Both directions are a row before they are anything else: a provider is answered when its message is durable, and a
//! customer's event is written in the transaction that caused it. Two small services work the rows off, with leases, so
//! that nodes share the work and a crash loses nothing.

pub mod inbound;
pub mod outbound;

#[cfg(test)]
mod tests;

use crate::App;

/// Starts both services.
pub(crate) fn start(app: &App) {
    outbound::start(app);
    inbound::start(app);
}
