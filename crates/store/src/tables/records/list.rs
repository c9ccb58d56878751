//! Reading a change stream.

use tenon_model::Timestamp;

use crate::{Conn, Result, Value, params};

/// Which records are wanted.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only what changed after this moment.
    pub after: Option<Timestamp>,
    /// Only what changed at this moment or after it.
    pub from: Option<Timestamp>,
    /// Only these ids.
    pub ids: Option<Vec<String>>,
    /// Only these last actions.
    pub actions: Option<Actions>,
}

/// Which last actions are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actions {
    /// Live and never changed since they appeared.
    pub added: bool,
    /// Live and changed since.
    pub updated: bool,
    /// Deleted.
    pub deleted: bool,
}

impl Actions {
    fn condition(self) -> Option<&'static str> {
        Some(match (self.added, self.updated, self.deleted) {
            (true, true, true) => return None,
            (true, true, false) => "deleted_at IS NULL",
            (true, false, true) => "(deleted_at IS NOT NULL OR first_seen_at = updated_at)",
            (true, false, false) => "deleted_at IS NULL AND first_seen_at = updated_at",
            (false, true, true) => "(deleted_at IS NOT NULL OR first_seen_at <> updated_at)",
            (false, true, false) => "deleted_at IS NULL AND first_seen_at <> updated_at",
            (false, false, true) => "deleted_at IS NOT NULL",
            (false, false, false) => "1 = 0",
        })
    }
}

/// One record as a reader sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Id given by the function.
    pub external_id: String,
    /// Moment of its last change.
    pub updated_at: Timestamp,
    /// When it appeared.
    pub first_seen_at: Timestamp,
    /// Set when it is deleted.
    pub deleted_at: Option<Timestamp>,
    /// Set when its payload is gone.
    pub pruned_at: Option<Timestamp>,
    /// Sealed content.
    pub payload: Option<Vec<u8>>,
}

/// Records in the order of their changes, at most `limit`.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, set: i64, filter: &Filter, limit: i64) -> Result<Vec<Listed>> {
    let mut sql = String::from(
        "SELECT external_id, updated_at, first_seen_at, deleted_at, pruned_at, payload FROM records WHERE set_id = $1",
    );
    let mut params: Vec<Value<'_>> = vec![Value::from(set), Value::from(limit)];
    if let Some(after) = filter.after {
        params.push(Value::from(after));
        sql.push_str(&format!(" AND updated_at > ${}", params.len()));
    }
    if let Some(from) = filter.from {
        params.push(Value::from(from));
        sql.push_str(&format!(" AND updated_at >= ${}", params.len()));
    }
    if let Some(ids) = &filter.ids {
        params.push(Value::from(ids));
        sql.push_str(" AND ");
        sql.push_str(&conn.any("external_id", params.len()));
    }
    if let Some(condition) = filter.actions.and_then(Actions::condition) {
        sql.push_str(" AND ");
        sql.push_str(condition);
    }
    sql.push_str(" ORDER BY updated_at LIMIT $2");
    let rows = conn.query(&sql, &params).await?;
    let mut listed = Vec::with_capacity(rows.len());
    for mut row in rows {
        listed.push(Listed {
            updated_at: row.timestamp(1)?,
            first_seen_at: row.timestamp(2)?,
            deleted_at: row.opt_timestamp(3)?,
            pruned_at: row.opt_timestamp(4)?,
            payload: match row.opt_bytes(5)? {
                Some(_) => Some(row.take_blob(5)?),
                None => None,
            },
            external_id: row.take_text(0)?,
        });
    }
    Ok(listed)
}

/// Numbers of all changes that are still the last of their record, in order; for tests of the numbering.
#[tenon_model::boxed]
pub async fn sequence(conn: &mut Conn, set: i64) -> Result<Vec<(i64, Timestamp)>> {
    let sql = "SELECT seq, updated_at FROM records WHERE set_id = $1 ORDER BY updated_at";
    conn.query(sql, params![set])
        .await?
        .iter()
        .map(|row| Ok((row.i64(0)?, row.timestamp(1)?)))
        .collect()
}
