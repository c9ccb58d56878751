//! Settings of the worker pool.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// How to start workers and how many.
#[derive(Debug, Clone)]
pub struct RuntimeConfig {
    /// Program that calls [`worker_main`](crate::worker_main), normally this very binary.
    pub worker_exe: PathBuf,
    /// Its arguments, e.g. `["worker"]`.
    pub worker_args: Vec<OsString>,
    /// Processes in all. A worker with nothing to do takes about 5 MB; each run that waits adds about 1.5 MB to its
    /// worker. A tenant without a place waits in line.
    pub workers_max: usize,
    /// Processes of one tenant that serve in parallel; more only add memory. Defaults to the number of cores.
    pub workers_per_tenant_max: usize,
    /// Processes started ahead for tenants that have none.
    pub workers_warm: usize,
    /// Runs at a time in one worker. They share one thread and wait for the host in parallel.
    pub runs_per_worker_max: usize,
    /// A tenant's worker without runs is ended after this long, and its warm isolates with it.
    pub idle_ttl: Duration,
    /// Code whose run had to be killed, or killed its worker, gets a worker of its own for this long.
    pub suspicion_ttl: Duration,
}

impl RuntimeConfig {
    /// Defaults for a worker program.
    pub fn new(worker_exe: impl Into<PathBuf>, worker_args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        Self {
            worker_exe: worker_exe.into(),
            worker_args: worker_args.into_iter().map(Into::into).collect(),
            workers_max: 128,
            workers_per_tenant_max: cores,
            workers_warm: 1,
            runs_per_worker_max: 512,
            idle_ttl: Duration::from_secs(60),
            suspicion_ttl: Duration::from_secs(600),
        }
    }
}
