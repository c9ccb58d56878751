//! Wake-ups between the parts of a node and between nodes.

use serde::{Deserialize, Serialize};

/// A hint that something changed, delivered at most once and only after the change is committed.
///
/// On SQLite it goes through a channel in this process, on PostgreSQL through `LISTEN/NOTIFY` to every node. It may be
/// lost (a slow receiver, a broken connection), so receivers also look on a timer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// What kind of change, for example `queue` or `connections`.
    pub channel: String,
    /// A short detail; at most a few hundred bytes.
    pub payload: String,
}
