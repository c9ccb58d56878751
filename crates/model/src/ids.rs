//! Identifiers as types, so that an environment's id can never be passed where a connection's is meant.
//!
//! Row ids are 64-bit integers because the wire exposes some of them as numbers; what the outside must not
//! be able to guess (sync ids, tokens) is a UUID or random text.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! row_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<i64> for $name {
            fn from(value: i64) -> Self {
                Self(value)
            }
        }
    )+};
}

row_ids! {
    /// A team that owns environments.
    AccountId,
    /// One isolated stage (dev, prod, …) of an account.
    EnvironmentId,
    /// A configured provider inside an environment.
    IntegrationId,
    /// One authorised account at a provider.
    ConnectionId,
    /// A deployed function; the number is exposed on the wire.
    FunctionId,
    /// An API key.
    KeyId,
}

/// A sync on one connection and variant; exposed on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SyncId(pub Uuid);

impl std::fmt::Display for SyncId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// One entry of the operations log; sortable by creation time.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(pub String);

impl std::fmt::Display for OperationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
