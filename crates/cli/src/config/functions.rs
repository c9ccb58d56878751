//! `[functions]`: how many run, with what, and which are recorded.

use anyhow::{Result, bail};
use serde::Deserialize;
use tenon_app::functions::limits::MEMORY_MB_MIN;
use tenon_app::recordings;

/// Most that the remote builder may be given for anything: a day.
const REMOTE_SECONDS_MAX: u64 = 86_400;

/// Whether isolates are kept for the next run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// Kept for the same connection and version.
    Warm,
    /// Made for every run.
    Fresh,
}

/// `[functions]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Functions {
    /// Runs at the same time.
    pub runs_max: usize,
    /// Worker processes at the same time.
    pub workers_max: usize,
    /// Memory of one run in MiB.
    pub memory_mb: usize,
    /// CPU seconds of one action run.
    pub action_cpu_seconds: u64,
    /// Seconds after which a run of a sync pauses at its next checkpoint.
    pub sync_interrupt_seconds: u64,
    /// Seconds in which the remote builder compiles one function.
    pub build_seconds: u64,
    /// Seconds in which a dry run or a deployment of the remote builder ends, from its acceptance.
    pub remote_job_seconds: u64,
    /// Warm or fresh isolates.
    pub isolation: Isolation,
    /// Which runs are recorded.
    pub record: Record,
    /// Share of all runs that is recorded besides failed ones.
    pub record_rate: f64,
    /// Environments whose runs are recorded; empty for all.
    pub record_environments: Vec<String>,
    /// MiB of one recording before compression.
    pub record_max_mb: usize,
    /// Days that a recording is kept.
    pub record_days: u32,
    /// Recordings kept in one environment.
    pub record_runs_max: u32,
    /// MiB of all stored recordings together.
    pub record_total_mb: u64,
}

/// Which runs are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Record {
    /// None.
    Off,
    /// Those that fail, and a share of all.
    Failures,
    /// Every run.
    All,
}

impl Functions {
    /// Settings of recordings.
    pub fn recordings(&self) -> recordings::Settings {
        recordings::Settings {
            keep: match self.record {
                Record::Off => recordings::Keep::Off,
                Record::Failures => recordings::Keep::Failures(self.record_rate),
                Record::All => recordings::Keep::All,
            },
            environments: self.record_environments.clone(),
            bytes_max: self.record_max_mb << 20,
            days: self.record_days,
            runs_max: self.record_runs_max,
            total_bytes_max: self.record_total_mb.saturating_mul(1 << 20),
        }
    }
}

impl Functions {
    /// What is wrong with the values.
    pub(super) fn check(&self) -> Result<()> {
        if self.runs_max == 0 {
            bail!("functions.runs_max is 0; at least one run at a time is needed");
        }
        if self.workers_max == 0 {
            bail!("functions.workers_max is 0; at least one worker is needed");
        }
        if self.memory_mb < MEMORY_MB_MIN as usize {
            bail!(
                "functions.memory_mb is {}; a run needs at least {MEMORY_MB_MIN} MiB",
                self.memory_mb
            );
        }
        if self.sync_interrupt_seconds == 0 {
            bail!("functions.sync_interrupt_seconds is 0; a run needs at least a second before it may pause");
        }
        for (name, seconds) in [("build", self.build_seconds), ("remote_job", self.remote_job_seconds)] {
            if !(1..=REMOTE_SECONDS_MAX).contains(&seconds) {
                bail!("functions.{name}_seconds is {seconds}; it has 1 to {REMOTE_SECONDS_MAX} seconds");
            }
        }
        if !(0.0..=1.0).contains(&self.record_rate) {
            bail!(
                "functions.record_rate is {}; it is a share from 0.0 (none) to 1.0 (all)",
                self.record_rate
            );
        }
        if !(1..=256).contains(&self.record_max_mb) {
            bail!(
                "functions.record_max_mb is {}; a recording has 1 to 256 MiB",
                self.record_max_mb
            );
        }
        if self.record_days == 0 || self.record_runs_max == 0 {
            bail!(
                "functions.record_days and functions.record_runs_max begin at 1; functions.record = \"off\" keeps none"
            );
        }
        if self.record_total_mb < self.record_max_mb as u64 {
            bail!(
                "functions.record_total_mb is {} and functions.record_max_mb {}; all recordings together need room for one",
                self.record_total_mb,
                self.record_max_mb
            );
        }
        Ok(())
    }
}
