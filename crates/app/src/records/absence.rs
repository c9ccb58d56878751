//! Deleting what a complete pass did not meet.
//!
//! A record was met when the run, or a later one, wrote it (its row says so) or passed over it (a sighting says so). So a
//! webhook that touched a record while the pass was under way protects it, however long the pass takes.

use tenon_model::{Clock, Timestamp};
use tenon_store::tables::records::sightings::RowIds;
use tenon_store::tables::records::write::{self as rows, Change};
use tenon_store::tables::records::{sets, sightings};
use tenon_store::{Store, Tx};

use super::Target;
use crate::Result;

/// Records looked at in one transaction.
const STEP: i64 = 2_000;

/// A walk over the live records of a stream that deletes, step by step, every one that no run from `generation` on has
/// met. Each step is made in a transaction of the caller, who may note counters in it.
#[derive(Debug)]
pub struct Absence<'a> {
    target: &'a Target,
    generation: i64,
    writer: i64,
    met: RowIds,
    part: i64,
    after: Timestamp,
    until: Option<Timestamp>,
}

impl<'a> Absence<'a> {
    /// A walk on behalf of the run `writer`.
    pub fn new(target: &'a Target, generation: i64, writer: i64) -> Self {
        let (met, after) = (RowIds::default(), Timestamp(i64::MIN));
        Self {
            target,
            generation,
            writer,
            met,
            part: 0,
            after,
            until: None,
        }
    }

    /// Makes one step; the ids that it deleted, none at the end of the walk.
    #[tenon_model::boxed]
    pub async fn step(&mut self, tx: &mut Tx, clock: &dyn Clock) -> Result<Option<Vec<String>>> {
        let target = self.target;
        let found = sets::lock_existing(tx, target.environment, target.connection, &target.model).await?;
        let Some(mut set) = found else { return Ok(None) };
        // What is deleted here moves behind this moment, so the walk ends.
        let until = *self.until.get_or_insert(set.last_change_at);
        self.part = sightings::load(tx, set.id, self.generation, self.part, &mut self.met).await?;
        let older = rows::list_older(tx, set.id, self.generation, self.after, until, STEP).await?;
        let Some(last) = older.last() else { return Ok(None) };
        self.after = last.updated_at;
        let now = clock.now();
        let (mut changes, mut deleted) = (Vec::new(), Vec::new());
        for record in older {
            if self.met.contains(record.id) {
                continue;
            }
            let (seq, at) = set.next_change(now);
            changes.push(Change {
                id: record.id,
                seq,
                at,
                first_seen_at: record.first_seen_at,
                deleted_at: Some(at),
                hash: record.hash,
                payload: None,
            });
            deleted.push(record.external_id);
        }
        set.live -= i64::try_from(changes.len()).unwrap_or(i64::MAX);
        rows::change(tx, set.id, self.writer, &changes).await?;
        sets::save(tx, &set).await?;
        Ok(Some(deleted))
    }
}

/// Makes the whole walk; returns the ids of deleted records.
pub async fn delete_unmet(store: &Store, clock: &dyn Clock, mut walk: Absence<'_>) -> Result<Vec<String>> {
    let mut deleted = Vec::new();
    loop {
        let mut tx = store.begin().await?;
        let Some(ids) = walk.step(&mut tx, clock).await? else {
            return Ok(deleted);
        };
        tx.commit().await?;
        deleted.extend(ids);
    }
}
