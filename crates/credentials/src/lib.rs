//! Obtains, seals, refreshes and applies secrets: values in, values out.
//!
//! This is the only crate that turns stored bytes into credentials and back ([`Vault`]), and that knows what a
//! credential of each authentication mode looks like ([`Credentials`]).

pub mod credentials;
pub mod expiry;
pub mod material;
pub mod vault;

pub use credentials::Credentials;
pub use material::{Fields, SecretJson};
pub use vault::{EnvironmentVault, MasterKey, SealedDataKey, Vault};
