//! What a kind of work is: its limits, and what to do.

use std::time::Duration;

use crate::Task;

/// How many tasks of a kind run at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// On one node.
    pub node: usize,
    /// In one group, over all nodes; none is as many as there are.
    pub group: Option<usize>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { node: 16, group: None }
    }
}

/// Does the tasks of one kind. Implemented where the verbs are.
#[async_trait::async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Name of the kind; never changes once rows with it exist.
    fn kind(&self) -> &'static str;

    /// How many at once.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// Does one task. May be called again for a task that it did before, when the node died before that was noted.
    /// A panic counts as a failure that may be retried.
    async fn run(&self, task: &Task) -> Verdict;
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is done; its row goes.
    Done,
    /// The handler settled it in its own transaction, see [`Task::finish`].
    Settled,
    /// It failed. Tried again after `after` unless its attempts are used up; then it is given up.
    Retry {
        /// Wait before the next attempt.
        after: Duration,
        /// Why, for people.
        error: String,
    },
    /// It failed for good; its row stays as failed.
    GiveUp {
        /// Why, for people.
        error: String,
    },
    /// Not done and nobody's fault (shutdown, a lost worker): put back, not counted as a failure.
    PutBack {
        /// Wait before the next attempt.
        after: Duration,
    },
}

impl Verdict {
    /// A retry with the usual back-off: one second, doubled with every failure so far, at most an hour.
    pub fn back_off(task: &Task, error: impl Into<String>) -> Self {
        let doublings = u32::try_from(task.failures()).unwrap_or(u32::MAX).min(12);
        let after = Duration::from_secs(1 << doublings).min(Duration::from_secs(3600));
        Self::Retry {
            after,
            error: error.into(),
        }
    }
}
