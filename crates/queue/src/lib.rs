//! Durable work: claim, lease, retry, schedule. It does not know what a sync is.
//!
//! Work is a row that is enqueued in the transaction that made it necessary ([`enqueue`]), claimed by one node with a
//! lease, kept alive by heartbeats, and settled by what its [`Handler`] says: done, try again, give up, put back. A node
//! that dies leaves a lease that runs out, and another node starts the task again: **handlers must be safe to run
//! twice**. A handler that wants its effect and the end of the task to be one can settle inside its own transaction
//! ([`Task::finish`]).
//!
//! Fairness: strictly by priority, then environments take turns, then the groups of an environment do. A kind has a
//! limit of tasks per node and may have one per group over all nodes. Waking is by [`tenon_store::Signal`]; a read every
//! few seconds is the fallback, so an idle queue costs next to nothing.
//!
//! ```no_run
//! # use std::sync::Arc;
//! # use tenon_queue::{Handler, Limits, NewTask, Queue, QueueConfig, Task, Verdict};
//! struct Greet;
//!
//! #[async_trait::async_trait]
//! impl Handler for Greet {
//!     fn kind(&self) -> &'static str {
//!         "greet"
//!     }
//!
//!     async fn run(&self, task: &Task) -> Verdict {
//!         tracing::info!(name = task.payload(), "hello");
//!         Verdict::Done
//!     }
//! }
//!
//! # async fn demo(store: tenon_store::Store, clock: Arc<dyn tenon_model::Clock>) -> tenon_store::Result<()> {
//! let queue = Queue::new(store.clone(), clock.clone(), QueueConfig::new("node-1")).handle(Greet).start();
//! let mut tx = store.begin().await?;
//! tenon_queue::enqueue(&mut tx, &NewTask::new("greet", "ada"), clock.now()).await?;
//! tx.commit().await?;
//! queue.stop().await;
//! # Ok(())
//! # }
//! ```

mod dispatch;
mod enqueue;
mod handler;
mod running;
mod settle;
mod task;

pub use dispatch::{Queue, QueueConfig, RunningQueue};
pub use enqueue::{Enqueued, NewTask, cancel, cancel_group, enqueue};
pub use handler::{Handler, Limits, Verdict};
pub use task::{StopReason, Task};
pub use tenon_store::tables::schedules;
