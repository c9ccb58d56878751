//! Records: what functions store and customers read.
//!
//! A [`Target`] is one change stream: a full model (`Model` or `Model::variant`) on one connection. Functions write
//! through [`write()`], which compares hashes of the text as received, numbers every change and counts what happened;
//! customers read through [`list`]. Rows are sealed and compressed ([`payload`]). Deletion by absence is in [`absence`],
//! pruning, emptying and retention in [`shrink`].
//!
//! Invariants: every change of a stream has a later moment than the one before it, also across nodes; a record that is
//! written again with the same text is no change; whatever a reader was shown stays behind its cursor.

pub mod absence;
pub mod chunk;
mod cursor;
pub mod list;
mod merge;
pub mod payload;
pub mod prune;
pub mod shrink;
#[cfg(test)]
mod tests;
mod wire;
pub mod write;

use tenon_model::{ConnectionId, EnvironmentId};
use uuid::Uuid;

pub use chunk::{Chunk, ChunkError};
pub use cursor::Cursor;
pub use write::{Ceiling, Counts, Operation, Report, Write, write};

/// Name of the variant that every sync has.
pub const BASE: &str = "base";

/// One change stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Owner.
    pub environment: EnvironmentId,
    /// The connection.
    pub connection: ConnectionId,
    /// Full model name.
    pub model: String,
}

impl Target {
    /// The stream of a model and variant on a connection.
    pub fn new(environment: EnvironmentId, connection: ConnectionId, model: &str, variant: &str) -> Self {
        Self {
            environment,
            connection,
            model: full_model(model, variant),
        }
    }

    /// What a record of this stream is sealed for.
    pub(crate) fn place(&self, external_id: &str) -> String {
        format!("records/{}/{}/{external_id}", self.connection, self.model)
    }

    /// Namespace of the public row ids of this stream.
    pub(crate) fn namespace(&self) -> Uuid {
        Uuid::new_v5(
            &Uuid::NAMESPACE_OID,
            format!("{}/{}", self.connection, self.model).as_bytes(),
        )
    }
}

/// `Model`, or `Model::variant` unless the variant is the base.
pub fn full_model(model: &str, variant: &str) -> String {
    if variant == BASE {
        model.to_owned()
    } else {
        format!("{model}::{variant}")
    }
}
