//! One deploy of an environment at a time.

use std::sync::PoisonError;

use tenon_model::EnvironmentId;
use tenon_store::Tx;
use tenon_store::tables::deployments;

use crate::{App, Error, Result};

/// The transaction of a deploy or rollback. Another of the same environment is refused until it has ended, on this node
/// and on every other.
pub(in crate::functions) struct Exclusive<'a> {
    /// What the deploy writes with.
    pub(in crate::functions) tx: Tx,
    turn: Turn<'a>,
}

impl<'a> Exclusive<'a> {
    /// Begins, or refuses because another one is under way.
    pub(in crate::functions) async fn begin(app: &'a App, environment: EnvironmentId) -> Result<Self> {
        let turn = Turn::take(app, environment)?;
        let mut tx = app.store().begin().await?;
        if deployments::try_lock(&mut tx, environment).await? {
            Ok(Self { tx, turn })
        } else {
            Err(concurrent())
        }
    }

    /// Commits what succeeded and tells every node, or takes back what failed.
    ///
    /// The end is waited for in both cases: whoever is told of a refusal may deploy at once.
    pub(in crate::functions) async fn end<T>(mut self, outcome: Result<T>) -> Result<T> {
        if outcome.is_ok() {
            self.tx.signal("functions", "");
            self.tx.commit().await?;
            self.turn.app.forget("functions");
        } else if let Err(error) = self.tx.roll_back().await {
            // A connection that broke has lost its lock as well; the failure before it is the one to tell.
            tracing::warn!(%error, "a failed deploy could not be rolled back");
        }
        outcome
    }
}

/// Keeps a second deploy of the same environment out while one is under way on this node.
struct Turn<'a> {
    app: &'a App,
    environment: EnvironmentId,
}

impl<'a> Turn<'a> {
    fn take(app: &'a App, environment: EnvironmentId) -> Result<Self> {
        let mut deploying = app.functions().deploying.lock().unwrap_or_else(PoisonError::into_inner);
        if !deploying.insert(environment) {
            return Err(concurrent());
        }
        Ok(Self { app, environment })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let functions = self.app.functions();
        let mut deploying = functions.deploying.lock().unwrap_or_else(PoisonError::into_inner);
        deploying.remove(&self.environment);
    }
}

fn concurrent() -> Error {
    Error::refuse(409, "concurrent_deployment")
        .message("Another deploy of this environment is under way; try again when it is done")
}
