//! Texts that strangers send, read as the contract's own readers read them.

pub mod json;
pub mod query;
