//! What the product does: one folder per noun, one verb per operation.
//!
//! [`App`] is cheap to clone and holds the parts that verbs need: the store, the catalogue, the vault, the way out, the
//! function runtime, time and randomness. Every verb takes the [`Caller`] first, so every query is scoped by the caller's
//! environment. Refusals that a caller may see are [`Error::Refused`] with a stable code; everything else is internal and
//! shows nothing but a support reference.

pub mod actions;
mod app;
pub mod auth;
mod cache;
pub mod caller;
pub mod connect_ui;
pub mod connections;
pub mod environments;
mod error;
pub mod functions;
mod host;
pub mod integrations;
pub mod operations;
pub mod parse;
mod providers;
pub mod proxy;
pub mod recordings;
pub mod records;
pub mod sessions;
pub mod syncs;
pub mod tasks;
pub mod tools;
pub mod validate;
pub mod webhooks;

pub use app::{App, Parts, Settings};
pub use cache::Cache;
pub use caller::Caller;
pub use error::{Error, Issue, Refusal};

/// What verbs return.
pub type Result<T, E = Error> = std::result::Result<T, E>;
