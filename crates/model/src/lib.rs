//! The nouns of Tenon: identifiers, time, randomness and secrets.
//!
//! Everything here is plain data that every other crate may name. Nothing reads the clock, the
//! environment or a socket on its own: time and randomness are traits, and the one implementation of each
//! that touches the system lives in [`clock`] and [`rng`].

pub mod clock;
pub mod ids;
pub mod rng;
pub mod secret;
pub mod timestamp;

pub use clock::{Clock, ManualClock, SystemClock};
pub use ids::{AccountId, ConnectionId, EnvironmentId, FunctionId, IntegrationId, KeyId, OperationId, SyncId};
pub use rng::{Rng, SeededRng, SystemRng};
pub use secret::Secret;
pub use timestamp::Timestamp;
