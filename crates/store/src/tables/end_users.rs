//! End users: the product's customers whose accounts are connected.

use tenon_model::{EnvironmentId, Timestamp};

use crate::{Conn, Result, Row, params};

/// One end user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndUserRow {
    /// Row id.
    pub id: i64,
    /// The product's own id.
    pub end_user_id: String,
    /// E-mail address.
    pub email: Option<String>,
    /// Name shown to people.
    pub display_name: Option<String>,
    /// JSON object of texts.
    pub tags: Option<String>,
    /// The product's id of the organisation.
    pub organization_id: Option<String>,
    /// Name of the organisation.
    pub organization_display_name: Option<String>,
}

/// What an end user is known by; replaces everything that was known before.
#[derive(Debug, Clone, Copy)]
pub struct EndUserInput<'a> {
    /// The product's own id.
    pub end_user_id: &'a str,
    /// E-mail address.
    pub email: Option<&'a str>,
    /// Name shown to people.
    pub display_name: Option<&'a str>,
    /// JSON object of texts.
    pub tags: Option<&'a str>,
    /// The product's id of the organisation.
    pub organization_id: Option<&'a str>,
    /// Name of the organisation.
    pub organization_display_name: Option<&'a str>,
}

const COLUMNS: &str = "id, end_user_id, email, display_name, tags, organization_id, organization_display_name";

/// Reads the columns that start at `first`; `None` when a left join found nothing.
pub(crate) fn decode_at(row: &Row, first: usize) -> Result<Option<EndUserRow>> {
    let Some(id) = row.opt_i64(first)? else { return Ok(None) };
    Ok(Some(EndUserRow {
        id,
        end_user_id: row.text(first + 1)?,
        email: row.opt_text(first + 2)?,
        display_name: row.opt_text(first + 3)?,
        tags: row.opt_text(first + 4)?,
        organization_id: row.opt_text(first + 5)?,
        organization_display_name: row.opt_text(first + 6)?,
    }))
}

/// Makes the end user or replaces what is known, and returns the row id.
#[tenon_model::boxed]
pub async fn upsert(
    conn: &mut Conn,
    environment: EnvironmentId,
    input: &EndUserInput<'_>,
    now: Timestamp,
) -> Result<i64> {
    let sql = "INSERT INTO end_users (environment_id, end_user_id, email, display_name, tags, organization_id, \
               organization_display_name, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8) \
               ON CONFLICT (environment_id, end_user_id) DO UPDATE SET email = excluded.email, \
               display_name = excluded.display_name, tags = excluded.tags, \
               organization_id = excluded.organization_id, \
               organization_display_name = excluded.organization_display_name, updated_at = excluded.updated_at \
               RETURNING id";
    let row = conn
        .query_one(
            sql,
            params![
                environment,
                input.end_user_id,
                input.email,
                input.display_name,
                input.tags,
                input.organization_id,
                input.organization_display_name,
                now
            ],
        )
        .await?;
    row.i64(0)
}

/// The end user with the product's id.
#[tenon_model::boxed]
pub async fn find(conn: &mut Conn, environment: EnvironmentId, end_user_id: &str) -> Result<Option<EndUserRow>> {
    let sql = format!("SELECT {COLUMNS} FROM end_users WHERE environment_id = $1 AND end_user_id = $2");
    match conn.query_opt(&sql, params![environment, end_user_id]).await? {
        Some(row) => decode_at(&row, 0),
        None => Ok(None),
    }
}

/// The end user with this row id.
#[tenon_model::boxed]
pub async fn find_by_id(conn: &mut Conn, environment: EnvironmentId, id: i64) -> Result<Option<EndUserRow>> {
    let sql = format!("SELECT {COLUMNS} FROM end_users WHERE environment_id = $1 AND id = $2");
    match conn.query_opt(&sql, params![environment, id]).await? {
        Some(row) => decode_at(&row, 0),
        None => Ok(None),
    }
}
