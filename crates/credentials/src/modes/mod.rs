//! Modes whose tokens come from elsewhere than the OAuth 2 code grant.

pub mod assertion;
pub mod assume_role;
pub mod bill;
pub mod client_credentials;
pub mod exchange;
pub mod github_app;
pub mod jwt;
pub mod mcp;
pub mod oauth1;
pub mod oauth1_flow;
pub mod sigv4;
pub mod wsse;
