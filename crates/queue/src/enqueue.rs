//! Asking for work, inside the transaction that made it necessary.

use std::time::Duration;

use tenon_model::{EnvironmentId, Timestamp};
use tenon_store::tables::tasks::{self, Cancelled, TaskInput};
use tenon_store::{Result, Tx};

/// A task to be enqueued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// Which handler does it.
    pub kind: &'static str,
    /// Text for the handler, usually JSON.
    pub payload: String,
    /// Owner; none is the installation itself.
    pub environment: Option<EnvironmentId>,
    /// Groups of an environment take turns, usually one per connection.
    pub group: String,
    /// At most one unfinished task of the kind has it.
    pub unique_key: Option<String>,
    /// Smaller goes first; 0 unless said otherwise.
    pub priority: i64,
    /// Not before this moment; none is at once.
    pub run_at: Option<Timestamp>,
    /// Attempts that may fail before it is given up; 1 unless said otherwise.
    pub attempts: u32,
}

impl NewTask {
    /// A task without owner and group, to be done at once and tried once.
    pub fn new(kind: &'static str, payload: impl Into<String>) -> Self {
        Self {
            kind,
            payload: payload.into(),
            environment: None,
            group: String::new(),
            unique_key: None,
            priority: 0,
            run_at: None,
            attempts: 1,
        }
    }

    /// Names owner and group.
    #[must_use]
    pub fn of(mut self, environment: EnvironmentId, group: impl Into<String>) -> Self {
        self.environment = Some(environment);
        self.group = group.into();
        self
    }

    /// Makes it the only unfinished task of its kind with this key.
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// Sets the priority; smaller goes first.
    #[must_use]
    pub fn priority(mut self, priority: i64) -> Self {
        self.priority = priority;
        self
    }

    /// Not before `moment`.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.run_at = Some(moment);
        self
    }

    /// Not before `wait` from `now`.
    #[must_use]
    pub fn after(self, now: Timestamp, wait: Duration) -> Self {
        self.at(now.plus(wait))
    }

    /// Attempts that may fail before it is given up.
    #[must_use]
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts.max(1);
        self
    }
}

/// What became of a new task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enqueued {
    /// It has a row with this id.
    New(i64),
    /// An unfinished task has the same unique key; nothing was added.
    Existing,
}

impl Enqueued {
    /// Whether a row was added.
    pub fn is_new(self) -> bool {
        matches!(self, Self::New(_))
    }
}

/// Adds a task; it starts when the transaction has committed.
#[tenon_model::boxed]
pub async fn enqueue(tx: &mut Tx, task: &NewTask, now: Timestamp) -> Result<Enqueued> {
    let input = TaskInput {
        kind: task.kind,
        environment_id: task.environment.map_or(0, |environment| environment.0),
        group_key: &task.group,
        unique_key: task.unique_key.as_deref(),
        priority: task.priority,
        payload: &task.payload,
        run_at: task.run_at.unwrap_or(now),
        failures_max: i64::from(task.attempts),
    };
    Ok(tasks::insert(tx, &input, now)
        .await?
        .map_or(Enqueued::Existing, Enqueued::New))
}

/// Cancels the unfinished task with this unique key. A running one gives up the key at once and is told to stop when the
/// transaction commits, so a successor may be enqueued in the same transaction.
#[tenon_model::boxed]
pub async fn cancel(tx: &mut Tx, kind: &str, unique_key: &str, now: Timestamp) -> Result<Cancelled> {
    tasks::cancel(tx, kind, unique_key, now).await
}

/// Cancels every unfinished task of a group.
#[tenon_model::boxed]
pub async fn cancel_group(
    tx: &mut Tx,
    kind: &str,
    environment: EnvironmentId,
    group: &str,
    now: Timestamp,
) -> Result<()> {
    tasks::cancel_group(tx, kind, environment.0, group, now).await
}
