//! Rotation of the master key: every data key is sealed again, nothing else is touched.
//!
//! Data keys are re-sealed one by one, each in its own transaction, while the server works: a data key stays the same
//! key, so nothing that it sealed changes and nobody waits. A rotation that is interrupted goes on where it stopped.

use std::collections::BTreeMap;

use tenon_store::tables::environments as table;

use crate::{App, Error, Result};

/// Which master keys seal how many data keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MasterKeys {
    /// Tag of the key that seals new ones.
    pub current: String,
    /// Data keys by the tag of the master key that seals them.
    pub data_keys: BTreeMap<String, u64>,
}

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rotation {
    /// Data keys that were sealed again.
    pub resealed: u64,
    /// Data keys that the current master key sealed already.
    pub unchanged: u64,
}

impl App {
    /// Which master keys are in use.
    #[tenon_model::boxed]
    pub async fn master_keys(&self) -> Result<MasterKeys> {
        let mut conn = self.store().read().await?;
        let mut data_keys = BTreeMap::new();
        for row in table::list_data_keys(&mut conn).await? {
            *data_keys.entry(row.master_key).or_default() += 1;
        }
        Ok(MasterKeys {
            current: self.master_vault().master_tag(),
            data_keys,
        })
    }

    /// Refuses to work on a database that the configured master keys do not open, before anything is half done.
    ///
    /// # Errors
    /// 400 `unknown_master_key` when a data key was sealed by a master key that is neither the current one nor among the
    /// earlier ones.
    pub async fn require_master_keys(&self) -> Result<()> {
        let held = self.master_keys().await?;
        let mut strange = held
            .data_keys
            .keys()
            .filter(|tag| !self.master_vault().knows_master(tag));
        let Some(tag) = strange.next() else { return Ok(()) };
        Err(Error::refuse(400, "unknown_master_key").message(format!(
            "this database was sealed by master key {tag}, which is not configured; the configured one is {}. Start with the \
             key that belongs to it, or add that key to security.previous_master_keys and run `tenon vault rotate`",
            held.current
        )))
    }

    /// Seals every data key with the current master key.
    ///
    /// # Errors
    /// 400 `unknown_master_key` before anything is written, when a data key was sealed by a master key that is neither
    /// the current one nor among the earlier ones.
    #[tenon_model::boxed]
    pub async fn rotate_master_key(&self) -> Result<Rotation> {
        let mut conn = self.store().read().await?;
        let rows = table::list_data_keys(&mut conn).await?;
        drop(conn);
        let mut changes = Vec::new();
        let mut done = Rotation::default();
        for row in rows {
            let Some(environment) = row.environment_id else {
                continue;
            };
            let resealed = self.master_vault().reseal(environment, &row.sealed).map_err(|_| {
                Error::refuse(400, "unknown_master_key").message(format!(
                    "Data key {} was sealed by master key {}, which is not configured; add it to \
                     security.previous_master_keys",
                    row.id, row.master_key
                ))
            })?;
            match resealed {
                Some(sealed) => changes.push((row.id, sealed)),
                None => done.unchanged += 1,
            }
        }
        for (id, sealed) in changes {
            let mut tx = self.store().begin().await?;
            table::reseal_data_key(&mut tx, id, &sealed.master, &sealed.bytes).await?;
            tx.commit().await?;
            done.resealed += 1;
        }
        Ok(done)
    }
}
