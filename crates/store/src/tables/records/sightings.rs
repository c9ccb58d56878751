//! Which records a run met without changing them.
//!
//! A run that changes a record writes its number into the row. Writing a row for every *unchanged* record would make an
//! unchanged pass as dear as a changed one, so those are noted as lists of row ids, one row per chunk. The lists are
//! only read when records are deleted by absence, and dropped when no pass can ask for them any more.

use std::collections::HashMap;

use crate::{Conn, Result, Tx, params};

/// A set of row ids: one bit each, in pages of 65,536, so that memory is bounded by the size of the table, not by the
/// number of passes.
#[derive(Debug, Default)]
pub struct RowIds {
    pages: HashMap<i64, Box<[u64; 1024]>>,
}

impl RowIds {
    /// Adds an id.
    pub fn insert(&mut self, id: i64) {
        let page = self.pages.entry(id >> 16).or_insert_with(|| Box::new([0; 1024]));
        let (word, bit) = place(id);
        if let Some(word) = page.get_mut(word) {
            *word |= bit;
        }
    }

    /// Whether the id is in the set.
    pub fn contains(&self, id: i64) -> bool {
        let (word, bit) = place(id);
        self.pages
            .get(&(id >> 16))
            .and_then(|page| page.get(word))
            .is_some_and(|word| word & bit != 0)
    }

    /// All ids in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        let mut pages: Vec<&i64> = self.pages.keys().collect();
        pages.sort_unstable();
        pages.into_iter().flat_map(move |page| {
            let words = self
                .pages
                .get(page)
                .into_iter()
                .flat_map(|words| words.iter().enumerate());
            words.flat_map(move |(index, word)| {
                let base = (page << 16) + (index as i64) * 64;
                (0..64)
                    .filter(move |bit| word & (1 << bit) != 0)
                    .map(move |bit| base + bit)
            })
        })
    }
}

fn place(id: i64) -> (usize, u64) {
    let low = (id & 0xFFFF) as usize;
    (low >> 6, 1 << (low & 63))
}

/// Writes ascending ids as differences, seven bits per byte.
pub fn encode(ids: &[i64]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(ids.len() * 2);
    let mut last = 0;
    for id in ids {
        let mut rest = id.wrapping_sub(last) as u64;
        last = *id;
        while rest >= 0x80 {
            bytes.push((rest as u8) | 0x80);
            rest >>= 7;
        }
        bytes.push(rest as u8);
    }
    bytes
}

/// Reads what [`encode`] wrote.
pub fn decode(bytes: &[u8], mut each: impl FnMut(i64)) {
    let (mut last, mut value, mut shift) = (0_i64, 0_u64, 0_u32);
    for byte in bytes {
        value |= u64::from(byte & 0x7F).wrapping_shl(shift);
        shift += 7;
        if byte & 0x80 == 0 {
            last = last.wrapping_add(value as i64);
            each(last);
            (value, shift) = (0, 0);
        }
    }
}

/// Notes records of a locked set that the run `generation` met; `ids` are sorted here.
#[tenon_model::boxed]
pub async fn note(tx: &mut Tx, set: i64, generation: i64, ids: &mut [i64]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    ids.sort_unstable();
    let sql = "INSERT INTO record_sightings (set_id, part, generation, ids) \
               SELECT $1, COALESCE(MAX(part), 0) + 1, CAST($2 AS BIGINT), $3 FROM record_sightings WHERE set_id = $1";
    let sql = tx.fork(sql, sql_postgres_note());
    tx.execute(sql, params![set, generation, encode(ids)]).await?;
    Ok(())
}

/// PostgreSQL cannot infer the types of parameters in a select list.
fn sql_postgres_note() -> &'static str {
    "INSERT INTO record_sightings (set_id, part, generation, ids) \
     SELECT CAST($1 AS BIGINT), COALESCE(MAX(part), 0) + 1, CAST($2 AS BIGINT), CAST($3 AS BYTEA) \
     FROM record_sightings WHERE set_id = CAST($1 AS BIGINT)"
}

/// Adds everything met by the run `generation` and later ones to `met`, from the part after `after`; returns the last
/// part. Call it again for what was noted in the meantime.
#[tenon_model::boxed]
pub async fn load(conn: &mut Conn, set: i64, generation: i64, after: i64, met: &mut RowIds) -> Result<i64> {
    let mut last = after;
    loop {
        let sql = "SELECT part, generation, ids FROM record_sightings WHERE set_id = $1 AND part > $2 \
                   ORDER BY part LIMIT 256";
        let rows = conn.query(sql, params![set, last]).await?;
        for row in &rows {
            last = row.i64(0)?;
            if row.i64(1)? >= generation {
                decode(row.bytes(2)?, |id| met.insert(id));
            }
        }
        if rows.len() < 256 {
            return Ok(last);
        }
    }
}

/// Forgets what runs before `generation` met.
#[tenon_model::boxed]
pub async fn forget_before(tx: &mut Tx, set: i64, generation: i64) -> Result<u64> {
    let sql = "DELETE FROM record_sightings WHERE set_id = $1 AND generation < $2";
    tx.execute(sql, params![set, generation]).await
}

/// Parts of a set.
#[tenon_model::boxed]
pub async fn count(conn: &mut Conn, set: i64) -> Result<i64> {
    conn.query_one("SELECT COUNT(*) FROM record_sightings WHERE set_id = $1", params![set])
        .await?
        .i64(0)
}

/// Ids in one part after [`compact`].
const PART_IDS: usize = 50_000;

/// Joins the notes of finished runs of a locked set: those from `from` up to `to` become notes of the run `to`. Only for
/// a range into which no open pass began, or its begin would no longer divide them.
#[tenon_model::boxed]
pub async fn compact(tx: &mut Tx, set: i64, from: i64, to: i64) -> Result<()> {
    let mut met = RowIds::default();
    let (mut last, mut found) = (0, 0);
    loop {
        let sql = "SELECT part, ids FROM record_sightings WHERE set_id = $1 AND part > $2 AND generation >= $3 \
                   AND generation <= $4 ORDER BY part LIMIT 256";
        let rows = tx.query(sql, params![set, last, from, to]).await?;
        for row in &rows {
            last = row.i64(0)?;
            decode(row.bytes(1)?, |id| met.insert(id));
        }
        found += rows.len();
        if rows.len() < 256 {
            break;
        }
    }
    if found < 2 {
        return Ok(());
    }
    let gone =
        "DELETE FROM record_sightings WHERE set_id = $1 AND generation >= $2 AND generation <= $3 AND part <= $4";
    tx.execute(gone, params![set, from, to, last]).await?;
    let mut part = Vec::with_capacity(PART_IDS);
    for id in met.iter() {
        part.push(id);
        if part.len() == PART_IDS {
            note(tx, set, to, &mut part).await?;
            part.clear();
        }
    }
    note(tx, set, to, &mut part).await
}
