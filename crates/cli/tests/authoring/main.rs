//! The commands of function authors, run as they are typed, against a stand-in for the server.
//!
//! The stand-in answers what the contract says and keeps what it was sent; the server itself has its own tests.

mod deploy;
mod dryrun;
mod replay;
mod scaffold;
mod server;
mod tenon;
