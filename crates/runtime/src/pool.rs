//! Which worker serves which run.
//!
//! A worker starts without a tenant, is given to the first tenant that needs one, and is never given to another:
//! when a place is needed elsewhere it is ended and a new process takes its place. Tenants that wait are served in
//! turn. Code that once had to be killed gets a worker of its own for a while, so that a kill harms nobody else.

mod placement;
mod process;
mod run;
mod verdict;

use std::collections::{HashMap, VecDeque};
use std::process::Child;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::config::RuntimeConfig;
use placement::Entry;
use process::{Job, Worker};
pub(crate) use run::Request;

/// Between two looks at busy workers.
const WATCH: Duration = Duration::from_millis(40);
/// The same while nothing runs.
const WATCH_IDLE: Duration = Duration::from_secs(1);
/// Starts that may fail in a row before those who wait are told.
const START_FAILURES_MAX: u32 = 3;

/// See the module description.
pub(crate) struct Pool {
    config: RuntimeConfig,
    starter: mpsc::Sender<Job>,
    next_worker: AtomicU64,
    next_run: AtomicU64,
    state: Mutex<State>,
    own: Weak<Pool>,
}

#[derive(Default)]
struct State {
    closed: bool,
    workers: HashMap<u64, Entry>,
    starting: usize,
    failures: u32,
    /// Tenants in the order in which their next waiter is served.
    turn: VecDeque<String>,
    waiting: HashMap<String, VecDeque<Waiter>>,
    /// Code hashes to keep apart, until when.
    suspects: HashMap<String, Instant>,
}

struct Waiter {
    need: Need,
    place: oneshot::Sender<Result<Arc<Worker>, String>>,
}

/// What a run needs of a worker.
#[derive(Debug, Clone)]
struct Need {
    tenant: String,
    key: Option<String>,
    exclusive: bool,
}

/// A place in a worker, given back on drop.
struct Lease {
    pool: Arc<Pool>,
    worker: Arc<Worker>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.pool.give_back(self.worker.id);
    }
}

impl Pool {
    pub(crate) fn start(config: RuntimeConfig) -> std::io::Result<Arc<Self>> {
        let starter = process::spawn_starter(config.clone())?;
        let pool = Arc::new_cyclic(|own| Self {
            config,
            starter,
            next_worker: AtomicU64::new(1),
            next_run: AtomicU64::new(1),
            state: Mutex::default(),
            own: own.clone(),
        });
        pool.pump(&mut pool.state());
        tokio::spawn(watch(Weak::clone(&pool.own)));
        Ok(pool)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Plain data; a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Numbers of processes and of runs, for metrics.
    pub(crate) fn census(&self) -> (usize, usize, usize) {
        let state = self.state();
        let runs = state.workers.values().map(|entry| entry.load).sum();
        let waiting = state.waiting.values().map(VecDeque::len).sum();
        (state.workers.len(), runs, waiting)
    }

    /// Waits for a place.
    async fn acquire(self: &Arc<Self>, tenant: &str, key: Option<&str>, hash: &str) -> Result<Lease, String> {
        let receiver = {
            let mut state = self.state();
            if state.closed {
                return Err("the runtime is shutting down".to_owned());
            }
            let exclusive = state.suspects.get(hash).is_some_and(|until| *until > Instant::now());
            let need = Need {
                tenant: tenant.to_owned(),
                key: key.map(str::to_owned),
                exclusive,
            };
            if !state.waiting.contains_key(tenant)
                && let Some(worker) = state.place(&need, &self.config)
            {
                // The worker may have been the last one without a tenant.
                self.pump(&mut state);
                return Ok(Lease {
                    pool: Arc::clone(self),
                    worker,
                });
            }
            let (place, receiver) = oneshot::channel();
            state.enqueue(Waiter { need, place });
            self.pump(&mut state);
            receiver
        };
        let worker = receiver
            .await
            .map_err(|_| "the runtime is shutting down".to_owned())??;
        Ok(Lease {
            pool: Arc::clone(self),
            worker,
        })
    }

    fn give_back(&self, worker: u64) {
        let mut state = self.state();
        if let Some(entry) = state.workers.get_mut(&worker) {
            entry.load = entry.load.saturating_sub(1);
            entry.idle_since = Instant::now();
            if entry.load == 0 && (entry.exclusive || entry.retiring) {
                entry.worker.kill(None);
            }
        }
        if !state.waiting.is_empty() {
            self.pump(&mut state);
        }
    }

    /// Serves those who wait, one tenant after the other, and starts processes that are missing.
    fn pump(&self, state: &mut State) {
        state.serve_waiters(&self.config);
        if state.closed {
            return;
        }
        let needed = state.workers_needed(&self.config);
        let unassigned = state
            .workers
            .values()
            .filter(|entry| entry.tenant.is_none() && !entry.retiring)
            .count();
        let missing = (needed + self.config.workers_warm).saturating_sub(unassigned + state.starting);
        for _ in 0..missing {
            if state.workers.len() + state.starting >= self.config.workers_max.max(1) {
                if needed == 0 || !(state.evict_idle() || state.retire_one()) {
                    break;
                }
                // The place becomes free when the process is gone; `forget` pumps again.
                continue;
            }
            state.starting += 1;
            if let Some(pool) = self.own.upgrade() {
                tokio::spawn(async move { pool.start_worker().await });
            }
        }
    }

    async fn start_worker(self: Arc<Self>) {
        let (answer, started) = oneshot::channel();
        let _ = self.starter.send(Job::Start(answer));
        let id = self.next_worker.fetch_add(1, Ordering::Relaxed);
        let result = match started.await {
            Ok(Ok(started)) => Worker::adopt(id, started, Weak::clone(&self.own)).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(std::io::Error::other("the starter thread ended")),
        };
        let mut state = self.state();
        state.starting -= 1;
        match result {
            Ok(worker) if state.closed => worker.kill(None),
            Ok(worker) => {
                state.failures = 0;
                state.workers.insert(id, Entry::new(worker));
            }
            Err(error) => {
                state.failures += 1;
                tracing::error!(%error, "a function worker could not be started");
                if state.failures >= START_FAILURES_MAX {
                    state.failures = 0;
                    state.turn_away(&error.to_string());
                    return;
                }
            }
        }
        self.pump(&mut state);
    }

    /// A worker's process is gone.
    fn forget(&self, worker: u64, child: Option<Child>) {
        if let Some(child) = child {
            let _ = self.starter.send(Job::Reap(child));
        }
        let mut state = self.state();
        if state.workers.remove(&worker).is_some() {
            self.pump(&mut state);
        }
    }

    fn suspect(&self, hash: &str) {
        let mut state = self.state();
        let now = Instant::now();
        state.suspects.retain(|_, until| *until > now);
        state.suspects.insert(hash.to_owned(), now + self.config.suspicion_ttl);
    }

    /// Ends every process; runs in them are lost.
    pub(crate) fn shutdown(&self) {
        let mut state = self.state();
        state.closed = true;
        state.turn_away("the runtime is shutting down");
        for entry in state.workers.values() {
            entry.worker.kill(None);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for entry in self.state().workers.values() {
            entry.worker.kill(None);
        }
    }
}

/// Looks after busy workers and ends idle ones, until the pool is gone.
async fn watch(pool: Weak<Pool>) {
    let mut pause = WATCH;
    loop {
        tokio::time::sleep(pause).await;
        let Some(pool) = pool.upgrade() else {
            return;
        };
        pause = if pool.look() { WATCH } else { WATCH_IDLE };
    }
}

impl Pool {
    /// True while anything runs.
    fn look(&self) -> bool {
        let mut state = self.state();
        let now = Instant::now();
        let mut busy = false;
        for entry in state.workers.values_mut() {
            if entry.load > 0 {
                busy = true;
                entry.stuck = entry.worker.inspect();
            } else {
                entry.stuck = false;
                let idle = now.saturating_duration_since(entry.idle_since);
                if entry.tenant.is_some() && idle > self.config.idle_ttl && !entry.retiring {
                    entry.retiring = true;
                    entry.worker.kill(None);
                }
            }
        }
        if !state.waiting.is_empty() {
            busy = true;
            self.pump(&mut state);
        }
        busy
    }
}
