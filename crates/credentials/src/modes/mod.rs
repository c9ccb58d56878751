//! Modes whose tokens come from elsewhere than the OAuth 2 code grant.

pub mod bill;
pub mod client_credentials;
pub mod exchange;
pub mod github_app;
pub mod jwt;
pub mod oauth1;
pub mod wsse;
