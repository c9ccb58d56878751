//! Bounds of a run: those of the node, unless the environment has its own.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tenon_runtime::{Kind, Limits};

use crate::app::Settings;

/// Least memory of a run in MiB: the platform and Zod alone take a good part of it.
pub const MEMORY_MB_MIN: u32 = 8;

/// An environment's own bounds of its runs. What it does not say is as the node's configuration has it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FunctionLimits {
    /// Memory of one run in MiB.
    pub memory_mb: Option<u32>,
    /// CPU seconds of one run of an action.
    pub action_cpu_seconds: Option<u32>,
    /// Seconds after which a run of a sync pauses at its next checkpoint.
    pub sync_interrupt_seconds: Option<u32>,
}

impl Settings {
    /// Bounds of a run in an environment with its own.
    pub(crate) fn run_limits(&self, own: FunctionLimits, kind: Kind) -> Limits {
        let mut limits = Limits::for_kind(kind);
        limits.memory_bytes = own.memory_mb.map_or(self.run_memory_bytes, |mb| {
            usize::try_from(mb.max(MEMORY_MB_MIN)).unwrap_or(usize::MAX) << 20
        });
        if kind == Kind::Action {
            limits.cpu = seconds_or(own.action_cpu_seconds, self.action_cpu);
        }
        limits
    }

    /// How long a run of a sync lasts before it pauses at a checkpoint.
    pub(crate) fn sync_pause_after(&self, own: FunctionLimits) -> Duration {
        seconds_or(own.sync_interrupt_seconds, self.sync_interrupt_after)
    }
}

fn seconds_or(own: Option<u32>, otherwise: Duration) -> Duration {
    own.map_or(otherwise, |seconds| Duration::from_secs(seconds.max(1).into()))
}

#[cfg(test)]
mod tests;
