//! The commands of function authors, run as they are typed, against a stand-in for the server.
//!
//! The stand-in answers what the contract says and keeps what it was sent; the server itself has its own tests.

mod deploy;
mod docs;
mod dryrun;
mod flags;
mod migrate;
mod replay;
mod scaffold;
mod server;
mod tenon;
