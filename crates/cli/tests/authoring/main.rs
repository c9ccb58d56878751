//! The commands of function authors, run as they are typed, against a stand-in for the server.
//!
//! The stand-in answers what the contract says and keeps what it was sent; the server itself has its own tests.

mod controls;
mod deploy;
mod docs;
mod dryrun;
mod failures;
mod flags;
mod functions;
mod migrate;
mod places;
mod process;
mod replay;
mod saving;
mod scaffold;
mod server;
mod tenon;
mod told;
