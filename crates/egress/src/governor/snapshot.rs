//! What the governor shows of itself.

use std::time::Duration;

use tenon_model::Timestamp;

/// What the governor knows about one integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The integration.
    pub integration: i64,
    /// Quotas that its connections share.
    pub shared: Vec<QuotaSnapshot>,
    /// Its connections.
    pub connections: Vec<LaneSnapshot>,
}

/// What the governor knows about one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneSnapshot {
    /// The connection.
    pub connection: i64,
    /// Calls that wait.
    pub waiting: usize,
    /// How long the first of them has waited.
    pub longest_wait: Duration,
    /// Calls under way.
    pub in_flight: u64,
    /// Until when the vendor asked us to pause, if it did.
    pub blocked_until: Option<Timestamp>,
    /// Its own quotas.
    pub quotas: Vec<QuotaSnapshot>,
}

/// How much of a quota is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaSnapshot {
    /// The quota's name.
    pub name: String,
    /// Calls or points in the current window, or calls under way.
    pub used: u64,
    /// What is allowed.
    pub limit: u64,
    /// The window; zero for calls at once.
    pub window: Duration,
}
