//! Obtains, seals, refreshes and applies secrets: values in, values out.
//!
//! This is the only crate that turns stored bytes into credentials and back ([`Vault`]), that knows what a credential
//! of each authentication mode looks like ([`Credentials`]), that talks to token endpoints ([`oauth2`], [`modes`],
//! [`refresh`]) and that knows how a credential reaches a provider ([`apply`], [`probe`]). It keeps no state of its
//! own: rows, locks, events and the decision *when* to act belong to `app`. Every request goes through `tenon_egress`,
//! so a token endpoint is subject to the same address policy as an API call.
//!
//! Secrets are held in types that print `[redacted]` and are wiped when dropped.

pub mod apply;
pub mod capture;
pub mod conceal;
pub mod credentials;
pub mod error;
pub mod expiry;
pub mod hooks;
pub mod material;
pub mod modes;
pub mod oauth2;
pub mod preview;
pub mod probe;
pub mod refresh;
pub mod subject;
pub mod token_call;
pub mod vault;

pub use apply::Opened;
pub use conceal::{CONCEALED, Concealer};
pub use credentials::Credentials;
pub use error::{Error, Failure};
pub use material::{Fields, SecretJson};
pub use subject::{ClientApp, Subject};
pub use vault::{EnvironmentVault, MasterKey, SealedDataKey, Vault};
