//! Reads provider files into typed definitions and renders their templates; pure

pub mod provider;
pub mod template;

pub use provider::{AuthMode, Provider};
