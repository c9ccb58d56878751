//! Pruning payloads and removing records, in steps.

use tenon_model::Timestamp;

use super::sets::SetRow;
use crate::{Result, Tx, Value, params};

/// Empties payloads of a locked set up to and including the change at `until`, oldest first, at most `limit`. Returns
/// how many, and whether there are more. Save the set afterwards.
#[tenon_model::boxed]
pub async fn prune(
    tx: &mut Tx,
    set: &mut SetRow,
    until: Timestamp,
    limit: i64,
    now: Timestamp,
) -> Result<(usize, bool)> {
    // Everything up to `pruned_until` is pruned, so a long history is not walked again.
    let sql = "SELECT id, updated_at FROM records WHERE set_id = $1 AND updated_at > $2 AND updated_at <= $3 \
               AND pruned_at IS NULL ORDER BY updated_at LIMIT $4";
    let rows = tx
        .query(sql, params![set.id, set.pruned_until, until, limit.saturating_add(1)])
        .await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    let mut ids = Vec::with_capacity(rows.len());
    for row in rows.iter().take(wanted) {
        ids.push(row.i64(0)?);
        set.pruned_until = row.timestamp(1)?;
    }
    if !more {
        set.pruned_until = set.pruned_until.max(until.min(set.last_change_at));
    }
    if !ids.is_empty() {
        let sql = format!(
            "UPDATE records SET payload = NULL, pruned_at = $3 WHERE set_id = $1 AND {}",
            tx.any("id", 2)
        );
        tx.execute(
            &sql,
            &[Value::from(set.id), Value::from(ids.as_slice()), Value::from(now)],
        )
        .await?;
    }
    Ok((ids.len(), more))
}

/// Removes records of a locked set without a trace, at most `limit`; returns how many.
#[tenon_model::boxed]
pub async fn remove_some(tx: &mut Tx, set: &mut SetRow, limit: i64) -> Result<u64> {
    let sql = "DELETE FROM records WHERE id IN (SELECT id FROM records WHERE set_id = $1 LIMIT $2)";
    let removed = tx.execute(sql, params![set.id, limit]).await?;
    if i64::try_from(removed).unwrap_or(i64::MAX) < limit {
        set.live = 0;
        tx.execute("DELETE FROM record_sightings WHERE set_id = $1", params![set.id])
            .await?;
    }
    Ok(removed)
}
