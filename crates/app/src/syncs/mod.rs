//! Syncs: deployed sync functions at work on connections.
//!
//! A sync is one function on one connection in one variant, with a schedule of its own. [`life`] makes and removes syncs
//! as connections and functions come and go; [`control`] starts, pauses and triggers; [`status`] tells how they are.
//! [`run`] is the queue task that performs a run, [`ledger`] the one place through which a run writes, [`finish`] how it
//! ends; [`webhook`] runs a sync's `onWebhook`.
//!
//! A run survives its node. Its row stays `RUNNING`, another holder takes it over with a higher attempt, and the function
//! goes on from its checkpoint under the same job id: nothing is lost, and what was stored already is no change. Every
//! write of a run names the attempt, so a former holder that still lives writes nothing more.

pub(crate) mod apart;
pub mod control;
pub(crate) mod debounce;
mod finish;
mod frequency;
mod interval;
pub mod ledger;
pub mod life;
pub mod run;
pub(crate) mod select;
pub mod status;
#[cfg(test)]
mod tests;
pub(crate) mod turn;
pub mod variants;
pub mod webhook;

use serde::{Deserialize, Serialize};
use tenon_model::{ConnectionId, EnvironmentId, SyncId, Timestamp};
use tenon_queue::NewTask;
use tenon_store::tables::syncs::{SyncRow, schedule_key};

pub use frequency::FrequencyRequest;
pub use interval::Frequency;

/// Kind of the queue's tasks that run a sync.
pub const KIND: &str = "sync";

/// Failed attempts of a task; only a fault of ours fails one, the function's own failure ends its run.
const ATTEMPTS: u32 = 20;

/// Payload of a task that runs a sync.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncTask {
    /// The sync.
    pub sync: SyncId,
    /// Delete all records first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub empty_cache: bool,
}

impl SyncTask {
    fn text(&self) -> String {
        // Plain fields always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Group of a connection's tasks.
pub(crate) fn group(connection: ConnectionId) -> String {
    connection.to_string()
}

/// The task that runs a sync now.
pub(crate) fn task(sync: &SyncRow, empty_cache: bool) -> NewTask {
    NewTask::new(
        KIND,
        SyncTask {
            sync: sync.id,
            empty_cache,
        }
        .text(),
    )
    .of(sync.environment_id, group(sync.connection_id))
    .unique(schedule_key(sync.id))
    .attempts(ATTEMPTS)
}

/// Key of the checkpoint of a sync, or of its `onWebhook`.
pub fn checkpoint_key(script_type: &str, name: &str, variant: &str) -> String {
    format!("{script_type}:{name}:{variant}")
}

/// Key of the mark of an open pass over one model.
pub(crate) fn mark_key(checkpoint_key: &str, model: &str) -> String {
    format!("{checkpoint_key}{}", mark_suffix(model))
}

/// End of the keys of all marks over one model.
pub(crate) fn mark_suffix(model: &str) -> String {
    format!(":trackDeletes:{model}")
}

/// Name of a sync in logs: with its variant when that is not the base.
pub(crate) fn title(name: &str, variant: &str) -> String {
    crate::records::full_model(name, variant)
}

/// A schedule for a new sync.
fn schedule(
    environment: EnvironmentId,
    connection: ConnectionId,
    sync: SyncId,
    frequency: &Frequency,
    paused: bool,
    now: Timestamp,
) -> tenon_queue::schedules::ScheduleRow {
    tenon_queue::schedules::ScheduleRow {
        key: schedule_key(sync),
        environment_id: environment.0,
        kind: KIND.to_owned(),
        group_key: group(connection),
        payload: SyncTask {
            sync,
            empty_cache: false,
        }
        .text(),
        interval: frequency.interval,
        starts_at: now,
        next_at: now,
        paused,
    }
}
