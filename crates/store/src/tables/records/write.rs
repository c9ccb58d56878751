//! Changing records of a locked set, hundreds at a time.
//!
//! Look-ups and writes are by set, not by row: on PostgreSQL one statement over arrays, on SQLite one prepared
//! statement run for each row.

use std::borrow::Cow;
use std::collections::HashMap;

use tenon_model::Timestamp;

use crate::{Conn, Dialect, Error, Result, Tx, Value};

/// 128 bits that change when the content does.
pub type Hash = [u8; 16];

/// What a writer must know about a stored record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Row id.
    pub id: i64,
    /// Hash of what was saved last.
    pub hash: Hash,
    /// Moment of its last change.
    pub updated_at: Timestamp,
    /// When it appeared.
    pub first_seen_at: Timestamp,
    /// Whether it is deleted.
    pub deleted: bool,
    /// Whether its payload is gone.
    pub pruned: bool,
}

/// A record that is not stored yet.
#[derive(Debug, Clone)]
pub struct NewRecord<'a> {
    /// Id given by the function.
    pub external_id: &'a str,
    /// Number of the change.
    pub seq: i64,
    /// Moment of the change, also of the first sight.
    pub at: Timestamp,
    /// Set when it arrives as deleted.
    pub deleted_at: Option<Timestamp>,
    /// Hash of the content.
    pub hash: Hash,
    /// Sealed content.
    pub payload: Vec<u8>,
}

/// A stored record that changes.
#[derive(Debug, Clone)]
pub struct Change {
    /// Row id.
    pub id: i64,
    /// Number of the change.
    pub seq: i64,
    /// Moment of the change.
    pub at: Timestamp,
    /// When it appeared; equal to `at` for one that comes back.
    pub first_seen_at: Timestamp,
    /// Set when it is deleted.
    pub deleted_at: Option<Timestamp>,
    /// Hash of the content.
    pub hash: Hash,
    /// Sealed content; none keeps what is stored.
    pub payload: Option<Vec<u8>>,
}

/// What is stored under these ids, by id.
#[tenon_model::boxed]
pub async fn look_up(conn: &mut Conn, set: i64, ids: Vec<&str>) -> Result<HashMap<String, Stored>> {
    let sql = format!(
        "SELECT external_id, id, hash, updated_at, first_seen_at, deleted_at, pruned_at FROM records \
         WHERE set_id = $1 AND {}",
        conn.any("external_id", 2)
    );
    let rows = conn.query(&sql, &[Value::from(set), Value::from(ids)]).await?;
    let mut found = HashMap::with_capacity(rows.len());
    for mut row in rows {
        let stored = Stored {
            id: row.i64(1)?,
            hash: row.bytes(2)?.try_into().map_err(|_| Error::Decode {
                column: 2,
                expected: "a hash",
            })?,
            updated_at: row.timestamp(3)?,
            first_seen_at: row.timestamp(4)?,
            deleted: row.opt_i64(5)?.is_some(),
            pruned: row.opt_i64(6)?.is_some(),
        };
        found.insert(row.take_text(0)?, stored);
    }
    Ok(found)
}

/// Sealed contents by row id; those that were pruned are missing.
#[tenon_model::boxed]
pub async fn payloads(conn: &mut Conn, rows: &[i64]) -> Result<HashMap<i64, Vec<u8>>> {
    let sql = format!(
        "SELECT id, payload FROM records WHERE payload IS NOT NULL AND {}",
        conn.any("id", 1)
    );
    let mut found = HashMap::with_capacity(rows.len());
    for mut row in conn.query(&sql, &[Value::from(rows)]).await? {
        found.insert(row.i64(0)?, row.take_blob(1)?);
    }
    Ok(found)
}

/// Adds records, written by the run `generation`.
#[tenon_model::boxed]
pub async fn insert(tx: &mut Tx, set: i64, generation: i64, records: &[NewRecord<'_>]) -> Result<()> {
    if records.is_empty() {
        return Ok(());
    }
    if tx.dialect() == Dialect::Postgres {
        let sql = "INSERT INTO records (set_id, generation, external_id, seq, updated_at, first_seen_at, deleted_at, \
                   hash, payload) SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), r.external_id, r.seq, r.at, r.at, NULLIF(r.deleted_at, 0), r.hash, \
                   r.payload FROM unnest($3::text[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bytea[], \
                   $8::bytea[]) AS r (external_id, seq, at, deleted_at, hash, payload)";
        let params = [
            Value::from(set),
            Value::from(generation),
            Value::from(records.iter().map(|r| r.external_id).collect::<Vec<_>>()),
            Value::from(records.iter().map(|r| r.seq).collect::<Vec<_>>()),
            Value::from(records.iter().map(|r| r.at.0).collect::<Vec<_>>()),
            Value::from(
                records
                    .iter()
                    .map(|r| r.deleted_at.map_or(0, |at| at.0))
                    .collect::<Vec<_>>(),
            ),
            Value::from(records.iter().map(|r| r.hash.as_slice()).collect::<Vec<_>>()),
            Value::from(records.iter().map(|r| r.payload.as_slice()).collect::<Vec<_>>()),
        ];
        tx.execute(sql, &params).await?;
        return Ok(());
    }
    let sql = "INSERT INTO records (set_id, generation, external_id, seq, updated_at, first_seen_at, deleted_at, hash, \
               payload) VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8)";
    let sets: Vec<Vec<Value<'_>>> = records
        .iter()
        .map(|r| {
            vec![
                Value::from(set),
                Value::from(generation),
                Value::from(r.external_id),
                Value::from(r.seq),
                Value::from(r.at),
                Value::from(r.deleted_at),
                blob(&r.hash),
                blob(&r.payload),
            ]
        })
        .collect();
    tx.execute_many(sql, &sets).await?;
    Ok(())
}

/// Changes records, on behalf of the run `generation`. A changed record is no longer pruned when it gets a payload.
#[tenon_model::boxed]
pub async fn change(tx: &mut Tx, set: i64, generation: i64, changes: &[Change]) -> Result<()> {
    if changes.is_empty() {
        return Ok(());
    }
    if tx.dialect() == Dialect::Postgres {
        let sql = "UPDATE records SET generation = GREATEST(records.generation, $2), seq = c.seq, updated_at = c.at, \
                   first_seen_at = c.first_seen_at, deleted_at = NULLIF(c.deleted_at, 0), hash = c.hash, \
                   payload = CASE WHEN c.keep THEN records.payload ELSE c.payload END, \
                   pruned_at = CASE WHEN c.keep THEN records.pruned_at END \
                   FROM (SELECT id, seq, at, first_seen_at, deleted_at, hash, payload, length(payload) = 0 AS keep \
                   FROM unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::bytea[], \
                   $9::bytea[]) AS u (id, seq, at, first_seen_at, deleted_at, hash, payload)) AS c \
                   WHERE records.id = c.id AND records.set_id = $1";
        let params = [
            Value::from(set),
            Value::from(generation),
            Value::from(changes.iter().map(|c| c.id).collect::<Vec<_>>()),
            Value::from(changes.iter().map(|c| c.seq).collect::<Vec<_>>()),
            Value::from(changes.iter().map(|c| c.at.0).collect::<Vec<_>>()),
            Value::from(changes.iter().map(|c| c.first_seen_at.0).collect::<Vec<_>>()),
            Value::from(
                changes
                    .iter()
                    .map(|c| c.deleted_at.map_or(0, |at| at.0))
                    .collect::<Vec<_>>(),
            ),
            Value::from(changes.iter().map(|c| c.hash.as_slice()).collect::<Vec<_>>()),
            Value::from(
                changes
                    .iter()
                    .map(|c| c.payload.as_deref().unwrap_or_default())
                    .collect::<Vec<_>>(),
            ),
        ];
        tx.execute(sql, &params).await?;
        return Ok(());
    }
    let sql = "UPDATE records SET generation = MAX(generation, $2), seq = $4, updated_at = $5, first_seen_at = $6, \
               deleted_at = $7, hash = $8, payload = COALESCE($9, payload), \
               pruned_at = CASE WHEN $9 IS NULL THEN pruned_at END WHERE id = $3 AND set_id = $1";
    let sets: Vec<Vec<Value<'_>>> = changes
        .iter()
        .map(|c| {
            vec![
                Value::from(set),
                Value::from(generation),
                Value::from(c.id),
                Value::from(c.seq),
                Value::from(c.at),
                Value::from(c.first_seen_at),
                Value::from(c.deleted_at),
                blob(&c.hash),
                c.payload.as_ref().map_or(Value::Null, |payload| blob(payload)),
            ]
        })
        .collect();
    tx.execute_many(sql, &sets).await?;
    Ok(())
}

/// Gives pruned records their payload back; that is no change.
#[tenon_model::boxed]
pub async fn refill(tx: &mut Tx, set: i64, generation: i64, payloads: &[(i64, Vec<u8>)]) -> Result<()> {
    let sql = tx.fork(
        "UPDATE records SET payload = $4, pruned_at = NULL, generation = MAX(generation, $2) \
         WHERE id = $3 AND set_id = $1",
        "UPDATE records SET payload = $4, pruned_at = NULL, generation = GREATEST(generation, $2) \
         WHERE id = $3 AND set_id = $1",
    );
    let sets: Vec<Vec<Value<'_>>> = payloads
        .iter()
        .map(|(id, payload)| {
            vec![
                Value::from(set),
                Value::from(generation),
                Value::from(*id),
                blob(payload),
            ]
        })
        .collect();
    tx.execute_many(sql, &sets).await?;
    Ok(())
}

/// A live record that a run may not have met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    /// Row id.
    pub id: i64,
    /// Id given by the function.
    pub external_id: String,
    /// Moment of its last change.
    pub updated_at: Timestamp,
    /// When it appeared.
    pub first_seen_at: Timestamp,
    /// Hash of the content.
    pub hash: Hash,
}

/// Live records last written before the run `generation`, in the order of changes after `after` up to `until`, at most
/// `limit`.
#[tenon_model::boxed]
pub async fn list_older(
    conn: &mut Conn,
    set: i64,
    generation: i64,
    after: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Unmet>> {
    let sql = "SELECT id, external_id, updated_at, first_seen_at, hash FROM records WHERE set_id = $1 \
               AND updated_at > $3 AND updated_at <= $4 AND deleted_at IS NULL AND generation < $2 \
               ORDER BY updated_at LIMIT $5";
    let params = crate::params![set, generation, after, until, limit];
    let mut unmet = Vec::new();
    for mut row in conn.query(sql, params).await? {
        unmet.push(Unmet {
            id: row.i64(0)?,
            updated_at: row.timestamp(2)?,
            first_seen_at: row.timestamp(3)?,
            hash: row.bytes(4)?.try_into().map_err(|_| Error::Decode {
                column: 4,
                expected: "a hash",
            })?,
            external_id: row.take_text(1)?,
        });
    }
    Ok(unmet)
}

fn blob(bytes: &[u8]) -> Value<'_> {
    Value::Blob(Cow::Borrowed(bytes))
}
