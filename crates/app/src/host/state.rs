//! Checkpoints and locks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tenon_runtime::Kind;
use tenon_runtime::protocol::{HostError, HostReply};
use tenon_store::tables::locks;

use super::{Answer, RunHost};
use crate::operations::Level;

/// Characters of a lock's name.
const KEY_MAX: usize = 255;
/// Longest lease of a lock.
const TTL_MAX: Duration = Duration::from_secs(7 * 24 * 3600);

impl RunHost {
    #[tenon_model::boxed]
    pub(super) async fn get_checkpoint(&self) -> Answer {
        let found = self.ledger().await?.checkpoint().await;
        let found =
            found.map_err(|error| self.unwritten("Error getting checkpoint: Failed to get checkpoint", &error))?;
        Ok(HostReply::Json(found))
    }

    #[tenon_model::boxed]
    pub(super) async fn save_checkpoint(&self, text: &str) -> Answer {
        let saved = self.ledger().await?.save_checkpoint(text).await;
        saved.map_err(|error| self.unwritten("Error saving checkpoint: Failed to save checkpoint", &error))?;
        self.log(Level::Debug, "Saved the checkpoint");
        if self.kind == Kind::Sync
            && self.begun.elapsed()
                >= self
                    .app
                    .settings()
                    .sync_pause_after(self.subject.environment.settings.functions)
        {
            let minutes = self.begun.elapsed().as_secs() / 60;
            let message =
                format!("The run pauses at this checkpoint after {minutes} minutes; the next run goes on at once");
            self.log(Level::Info, message.as_str());
            return Err(HostError::sdk("execution_interrupted", message));
        }
        Ok(HostReply::Unit)
    }

    #[tenon_model::boxed]
    pub(super) async fn clear_checkpoint(&self) -> Answer {
        let cleared = self.ledger().await?.clear_checkpoint().await;
        cleared.map_err(|error| self.unwritten("Error deleting checkpoint: Failed to delete checkpoint", &error))?;
        Ok(HostReply::Unit)
    }

    /// Runs of the same operation share their locks; others wait.
    fn owner(&self) -> &str {
        &self.subject.operation.id().0
    }

    fn check_key(key: &str) -> Result<(), HostError> {
        let length = key.encode_utf16().count();
        if (1..=KEY_MAX).contains(&length) {
            return Ok(());
        }
        Err(HostError::plain(format!(
            "The key of a lock has 1 to {KEY_MAX} characters"
        )))
    }

    #[tenon_model::boxed]
    pub(super) async fn acquire_lock(&self, key: &str, ttl_ms: u64) -> Answer {
        Self::check_key(key)?;
        if ttl_ms == 0 {
            return Err(HostError::plain("The ttlMs of a lock must be greater than 0"));
        }
        self.locked.store(true, Ordering::SeqCst);
        let ttl = Duration::from_millis(ttl_ms).min(TTL_MAX);
        let acquired = async {
            let mut tx = self.app.store().begin().await?;
            let now = self.app.clock().now();
            let environment = self.subject.environment.id;
            let taken = locks::acquire(&mut tx, environment, key, self.owner(), now.plus(ttl), now).await?;
            tx.commit().await?;
            Ok::<_, crate::Error>(taken)
        };
        acquired
            .await
            .map(HostReply::Bool)
            .map_err(|error| self.internal(&error))
    }

    #[tenon_model::boxed]
    pub(super) async fn release_lock(&self, key: &str) -> Answer {
        Self::check_key(key)?;
        let released = async {
            let mut tx = self.app.store().begin().await?;
            let released = locks::release(&mut tx, self.subject.environment.id, key, self.owner()).await?;
            tx.commit().await?;
            Ok::<_, crate::Error>(released)
        };
        released
            .await
            .map(HostReply::Bool)
            .map_err(|error| self.internal(&error))
    }

    #[tenon_model::boxed]
    pub(super) async fn release_all_locks(&self) -> Answer {
        if !self.locked.load(Ordering::SeqCst) {
            return Ok(HostReply::Unit);
        }
        let released = async {
            let mut tx = self.app.store().begin().await?;
            locks::release_all(&mut tx, self.subject.environment.id, self.owner()).await?;
            Ok::<_, crate::Error>(tx.commit().await?)
        };
        released
            .await
            .map(|()| HostReply::Unit)
            .map_err(|error| self.internal(&error))
    }
}
