//! How many actions of one environment run at once on this node.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tenon_model::EnvironmentId;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{Error, Result};

/// Actions of one environment at once.
const RUNNING_MAX: usize = 500;
/// Calls of one environment that may wait for their turn.
const WAITING_MAX: usize = 10_000;
/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// The turns of all environments.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    environments: Mutex<HashMap<EnvironmentId, Arc<Turns>>>,
}

#[derive(Debug)]
struct Turns {
    running: Arc<Semaphore>,
    waiting: Semaphore,
}

/// The right to run one action; given back when dropped.
#[derive(Debug)]
pub(crate) struct Slot(#[expect(dead_code, reason = "held, never read")] OwnedSemaphorePermit);

impl Slots {
    fn turns(&self, environment: EnvironmentId) -> Arc<Turns> {
        let mut environments = self.environments.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(environments.entry(environment).or_insert_with(|| {
            Arc::new(Turns {
                running: Arc::new(Semaphore::new(RUNNING_MAX)),
                waiting: Semaphore::new(WAITING_MAX),
            })
        }))
    }

    /// Waits for a turn, at most half a minute.
    #[tenon_model::boxed]
    pub(crate) async fn take(&self, environment: EnvironmentId) -> Result<Slot> {
        let turns = self.turns(environment);
        if let Ok(permit) = Arc::clone(&turns.running).try_acquire_owned() {
            return Ok(Slot(permit));
        }
        let Ok(_waiting) = turns.waiting.try_acquire() else {
            return Err(full());
        };
        let turn = Arc::clone(&turns.running).acquire_owned();
        match tokio::time::timeout(PATIENCE, turn).await {
            Ok(Ok(permit)) => Ok(Slot(permit)),
            Ok(Err(_)) | Err(_) => Err(full()),
        }
    }
}

fn full() -> Error {
    Error::refuse(400, "action_failure").message(format!(
        "{RUNNING_MAX} actions of this environment are running already and none ended in time; call again later or \
         trigger the action with X-Async"
    ))
}

#[cfg(test)]
mod tests;
