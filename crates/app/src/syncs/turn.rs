//! One run at a time per connection, for functions that ask for it.
//!
//! The turn is a lock in the store, so it holds over all nodes. Its lease is short and renewed while the run goes on: a
//! node that dies gives its turn back within a minute.

use std::time::Duration;

use tenon_model::EnvironmentId;
use tenon_store::tables::locks;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::functions::{Function, RunSubject};
use crate::{App, Error, Result};

/// How long a turn lasts without being renewed.
const LEASE: Duration = Duration::from_secs(60);
/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(20);
/// How long a call waits for its turn.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The turn of a run; given back when it is dropped.
pub(crate) struct Turn {
    _end: DropGuard,
}

/// Whether a run may begin.
pub(crate) enum Try {
    /// The function has no such limit.
    Free,
    /// It may, while this is held.
    Taken(Turn),
    /// Another run of the connection is under way.
    Busy,
}

impl App {
    /// Takes the turn of a function on a connection, unless another run has it.
    pub(crate) async fn try_turn(&self, function: &Function, connection: tenon_model::ConnectionId) -> Result<Try> {
        // Scheduled runs come one after another anyway.
        let limited = function.declared().is_some_and(|declared| declared.one_at_a_time) && !function.is_scheduled();
        if !limited {
            return Ok(Try::Free);
        }
        let key = format!("tenon:function:{}:{connection}", function.id);
        let owner = format!("turn:{}", self.rng().hex(12));
        let environment = function.environment_id;
        if !self.hold_turn(environment, &key, &owner).await? {
            return Ok(Try::Busy);
        }
        let end = CancellationToken::new();
        let (app, ended) = (self.clone(), end.clone());
        self.spawn("hold the turn of a function", async move {
            loop {
                tokio::select! {
                    () = ended.cancelled() => break,
                    () = tokio::time::sleep(RENEW_EVERY) => {
                        app.hold_turn(environment, &key, &owner).await?;
                    }
                }
            }
            let mut tx = app.store().begin().await?;
            locks::release(&mut tx, environment, &key, &owner).await?;
            Ok(tx.commit().await?)
        });
        Ok(Try::Taken(Turn { _end: end.drop_guard() }))
    }

    async fn hold_turn(&self, environment: EnvironmentId, key: &str, owner: &str) -> Result<bool> {
        let mut tx = self.store().begin().await?;
        let now = self.clock().now();
        let held = locks::acquire(&mut tx, environment, key, owner, now.plus(LEASE), now).await?;
        tx.commit().await?;
        Ok(held)
    }

    /// Waits for the turn of a call.
    ///
    /// # Errors
    /// 429 `function_busy` when other runs of the connection do not end in time.
    pub(crate) async fn take_turn(&self, subject: &RunSubject, cancel: &CancellationToken) -> Result<Option<Turn>> {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            match self.try_turn(&subject.function, subject.live.connection.id).await? {
                Try::Free => return Ok(None),
                Try::Taken(turn) => return Ok(Some(turn)),
                Try::Busy if tokio::time::Instant::now() < until && !cancel.is_cancelled() => {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Try::Busy => {
                    return Err(Error::refuse(429, "function_busy").message(
                        "The function runs one call per connection at a time, and the calls before this one did not \
                         end; try again later",
                    ));
                }
            }
        }
    }
}
