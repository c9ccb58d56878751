//! The simulated HubSpot, driven over real sockets as a client would.

mod control;
mod faults;
mod limits;
mod oauth;
mod objects;
mod search;
mod support;
mod webhooks;
