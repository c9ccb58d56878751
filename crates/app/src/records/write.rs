//! Saving, updating and deleting records.
//!
//! What happens to a record is decided by its stored row and the hash of the text as received (functions.md §4.7):
//!
//! | stored | incoming | effect |
//! | --- | --- | --- |
//! | none | save | added |
//! | live, same hash | save | nothing; the run has met it |
//! | live, other hash | save | updated |
//! | deleted | save | added again |
//! | live | delete | deleted; another text replaces the stored one |
//! | deleted | delete | shows up in the stream again, not counted |
//! | none | delete | appears as deleted, not counted |
//! | live, other hash | update | merged; the stored hash is that of the patch |

use std::collections::HashMap;

use serde_json::Value;
use tenon_credentials::vault::EnvironmentVault;
use tenon_model::{Clock, Timestamp};
use tenon_store::Tx;
use tenon_store::tables::records::sets::SetRow;
use tenon_store::tables::records::write::{self as rows, Change, NewRecord, Stored};
use tenon_store::tables::records::{sets, sightings};

use super::chunk::{Chunk, Item};
use super::merge::merge;
use super::{Target, payload};
use crate::Result;

/// What a function asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `batchSave`
    Save,
    /// `batchUpdate`
    Update,
    /// `batchDelete`
    Delete,
}

impl Operation {
    /// The word in messages: "Failed to save records".
    pub fn verb(self) -> &'static str {
        match self {
            Self::Save => "save",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// The word in log lines: "Successfully batch saved".
    pub fn past(self) -> &'static str {
        match self {
            Self::Save => "saved",
            Self::Update => "updated",
            Self::Delete => "deleted",
        }
    }
}

/// The merging strategy `ignore_if_modified_after`: rows that changed after this moment are left alone. It moves with
/// every change of the run itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ceiling(pub Timestamp);

/// Numbers that are added up per model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Counts {
    /// New and returned records.
    pub added: i64,
    /// Records with another content.
    pub updated: i64,
    /// Records that were live and are deleted now.
    pub deleted: i64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.added += other.added;
        self.updated += other.updated;
        self.deleted += other.deleted;
    }
}

/// What a write did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// For the counters of the run.
    pub counts: Counts,
    /// Records of the chunk, without duplicates.
    pub received: usize,
    /// Rows that have a new place in the stream.
    pub changed: i64,
    /// Records met without change.
    pub unchanged: i64,
    /// Moment of the last change.
    pub last_change: Option<Timestamp>,
}

/// One write.
#[derive(Debug)]
pub struct Write<'a> {
    /// Where.
    pub target: &'a Target,
    /// What.
    pub operation: Operation,
    /// The records.
    pub chunk: &'a Chunk<'a>,
    /// Run that writes.
    pub generation: i64,
    /// Rows that may be touched; none is all.
    pub ceiling: Option<Ceiling>,
}

/// Performs a write inside the caller's transaction, which should do little else: the stream is locked until its end.
#[tenon_model::boxed]
pub async fn write(tx: &mut Tx, clock: &dyn Clock, vault: &EnvironmentVault, write: &Write<'_>) -> Result<Report> {
    let target = write.target;
    let mut set = sets::lock(tx, target.environment, target.connection, &target.model, clock.now()).await?;
    let ids = write.chunk.items.iter().map(|item| item.id.as_ref()).collect();
    let stored = rows::look_up(tx, set.id, ids).await?;
    let bases = bases(tx, write, &stored).await?;
    // Read under the lock: moments must not be older than what another writer has committed.
    let plan = Plan {
        write,
        vault,
        now: clock.now(),
        set: &mut set,
        bases,
        inserts: Vec::new(),
        changes: Vec::new(),
        refills: Vec::new(),
        met: Vec::new(),
        report: Report {
            received: write.chunk.items.len(),
            ..Report::default()
        },
    };
    let (inserts, changes, refills, mut met, report) = plan.run(&stored)?;
    rows::insert(tx, set.id, write.generation, &inserts).await?;
    rows::change(tx, set.id, write.generation, &changes).await?;
    rows::refill(tx, set.id, write.generation, &refills).await?;
    sightings::note(tx, set.id, write.generation, &mut met).await?;
    if report.changed > 0 || !refills.is_empty() {
        sets::save(tx, &set).await?;
    }
    Ok(report)
}

/// The stored contents that a partial update needs.
async fn bases(tx: &mut Tx, write: &Write<'_>, stored: &HashMap<String, Stored>) -> Result<HashMap<i64, Vec<u8>>> {
    if write.operation != Operation::Update {
        return Ok(HashMap::new());
    }
    let wanted: Vec<i64> = write
        .chunk
        .items
        .iter()
        .filter_map(|item| {
            stored
                .get(item.id.as_ref())
                .filter(|row| !row.deleted && row.hash != item.hash)
        })
        .map(|row| row.id)
        .collect();
    Ok(rows::payloads(tx, &wanted).await?)
}

type Planned<'a> = (Vec<NewRecord<'a>>, Vec<Change>, Vec<(i64, Vec<u8>)>, Vec<i64>, Report);

struct Plan<'p, 'a> {
    write: &'p Write<'a>,
    vault: &'p EnvironmentVault,
    now: Timestamp,
    set: &'p mut SetRow,
    bases: HashMap<i64, Vec<u8>>,
    inserts: Vec<NewRecord<'a>>,
    changes: Vec<Change>,
    refills: Vec<(i64, Vec<u8>)>,
    met: Vec<i64>,
    report: Report,
}

impl<'a> Plan<'_, 'a> {
    fn run(mut self, stored: &HashMap<String, Stored>) -> Result<Planned<'a>> {
        let chunk: &'a Chunk<'a> = self.write.chunk;
        for item in &chunk.items {
            let row = stored.get(item.id.as_ref());
            if let (Some(row), Some(Ceiling(ceiling))) = (row, self.write.ceiling)
                && row.updated_at > ceiling
            {
                self.met.push(row.id);
                self.report.unchanged += 1;
                continue;
            }
            match self.write.operation {
                Operation::Save => self.save(item, row),
                Operation::Update => self.update(item, row)?,
                Operation::Delete => self.delete(item, row),
            }
        }
        Ok((self.inserts, self.changes, self.refills, self.met, self.report))
    }

    fn next(&mut self) -> (i64, Timestamp) {
        let (seq, at) = self.set.next_change(self.now);
        self.report.changed += 1;
        self.report.last_change = Some(at);
        (seq, at)
    }

    fn seal(&self, item: &Item<'_>) -> Vec<u8> {
        payload::seal(self.vault, self.write.target, &item.id, &item.stored_text())
    }

    fn save(&mut self, item: &'a Item<'a>, row: Option<&Stored>) {
        match row {
            None => {
                self.insert(item, false);
                self.report.counts.added += 1;
                self.set.live += 1;
            }
            Some(row) if row.deleted => {
                let payload = self.seal(item);
                let (seq, at) = self.next();
                self.push(row, seq, at, at, None, item, Some(payload));
                self.report.counts.added += 1;
                self.set.live += 1;
            }
            Some(row) if row.hash == item.hash => {
                self.report.unchanged += 1;
                if row.pruned {
                    let payload = self.seal(item);
                    self.refills.push((row.id, payload));
                    self.set.pruned_until = self.set.pruned_until.min(Timestamp(row.updated_at.0 - 1));
                } else {
                    self.met.push(row.id);
                }
            }
            Some(row) => {
                let payload = self.seal(item);
                let (seq, at) = self.next();
                self.push(row, seq, at, row.first_seen_at, None, item, Some(payload));
                self.report.counts.updated += 1;
            }
        }
    }

    fn update(&mut self, item: &'a Item<'a>, row: Option<&Stored>) -> Result<()> {
        let Some(row) = row.filter(|row| !row.deleted) else {
            return Ok(());
        };
        if row.hash == item.hash {
            self.report.unchanged += 1;
            return Ok(());
        }
        let target = self.write.target;
        let base = match self.bases.remove(&row.id) {
            Some(sealed) => payload::open(self.vault, target, &item.id, &sealed)?,
            None => String::from("{}"),
        };
        let text = match (serde_json::from_str(&base), serde_json::from_str(&item.stored_text())) {
            (Ok(Value::Object(mut base)), Ok(Value::Object(patch))) => {
                merge(&mut base, patch);
                Value::Object(base).to_string()
            }
            _ => item.stored_text().into_owned(),
        };
        let payload = payload::seal(self.vault, target, &item.id, &text);
        let (seq, at) = self.next();
        self.push(row, seq, at, row.first_seen_at, None, item, Some(payload));
        self.report.counts.updated += 1;
        Ok(())
    }

    fn delete(&mut self, item: &'a Item<'a>, row: Option<&Stored>) {
        let Some(row) = row else {
            self.insert(item, true);
            return;
        };
        let payload = (row.hash != item.hash || row.pruned).then(|| self.seal(item));
        let (seq, at) = self.next();
        let deleted_at = item.deleted_at.unwrap_or(at);
        self.push(row, seq, at, row.first_seen_at, Some(deleted_at), item, payload);
        if !row.deleted {
            self.report.counts.deleted += 1;
            self.set.live -= 1;
        }
    }

    fn insert(&mut self, item: &'a Item<'a>, deleted: bool) {
        let payload = self.seal(item);
        let (seq, at) = self.next();
        let deleted_at = deleted.then(|| item.deleted_at.unwrap_or(at));
        let record = NewRecord {
            external_id: item.id.as_ref(),
            seq,
            at,
            deleted_at,
            hash: item.hash,
            payload,
        };
        self.inserts.push(record);
    }

    #[expect(clippy::too_many_arguments, reason = "one value per column")]
    fn push(
        &mut self,
        row: &Stored,
        seq: i64,
        at: Timestamp,
        first_seen_at: Timestamp,
        deleted_at: Option<Timestamp>,
        item: &Item<'_>,
        payload: Option<Vec<u8>>,
    ) {
        self.changes.push(Change {
            id: row.id,
            seq,
            at,
            first_seen_at,
            deleted_at,
            hash: item.hash,
            payload,
        });
    }
}
