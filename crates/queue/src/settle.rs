//! Writing down how tasks ended, many in one transaction.

use std::sync::Arc;

use tenon_model::Timestamp;
use tenon_store::tables::tasks::{CHANNEL, TaskRow, lease};
use tenon_store::{Result, Tx};

use crate::Verdict;

/// A task that ended.
pub(crate) struct Ended {
    pub(crate) row: Arc<TaskRow>,
    pub(crate) verdict: Verdict,
}

/// Settles tasks; those that were taken away from `holder` are left alone. Nodes that wait for room in a group of an
/// `is_limited` kind are woken.
pub(crate) async fn settle(
    tx: &mut Tx,
    ended: &[Ended],
    holder: &str,
    now: Timestamp,
    is_limited: impl Fn(&str) -> bool,
) -> Result<()> {
    for one in ended.iter().filter(|one| is_limited(&one.row.kind)) {
        tx.signal(CHANNEL, &one.row.kind);
    }
    let done: Vec<i64> = ended
        .iter()
        .filter(|one| one.verdict == Verdict::Done)
        .map(|one| one.row.id)
        .collect();
    if !done.is_empty() {
        lease::finish_many(tx, &done, holder).await?;
    }
    for one in ended {
        let row = &one.row;
        match &one.verdict {
            Verdict::Done | Verdict::Settled => {}
            Verdict::Retry { error, .. } if row.failures + 1 >= row.failures_max => {
                give_up(tx, row, holder, error, now).await?;
            }
            Verdict::Retry { after, error } => {
                lease::put_back(tx, row, holder, now.plus(*after), Some(error), now).await?;
            }
            Verdict::GiveUp { error } => give_up(tx, row, holder, error, now).await?,
            Verdict::PutBack { after } => {
                lease::put_back(tx, row, holder, now.plus(*after), None, now).await?;
            }
        }
    }
    Ok(())
}

async fn give_up(tx: &mut Tx, row: &TaskRow, holder: &str, error: &str, now: Timestamp) -> Result<()> {
    if lease::give_up(tx, row.id, holder, error, now).await? {
        tracing::warn!(task.id = row.id, task.kind = row.kind, error, "a task was given up");
    }
    Ok(())
}
