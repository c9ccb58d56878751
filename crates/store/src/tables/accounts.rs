//! Accounts: teams that own environments.

use tenon_model::{AccountId, Timestamp};
use uuid::Uuid;

use crate::{Conn, Result, params};

/// Makes an account.
#[tenon_model::boxed]
pub async fn insert(conn: &mut Conn, uuid: Uuid, name: &str, now: Timestamp) -> Result<AccountId> {
    let sql = "INSERT INTO accounts (uuid, name, created_at) VALUES ($1, $2, $3) RETURNING id";
    Ok(AccountId(conn.query_one(sql, params![uuid, name, now]).await?.i64(0)?))
}

/// The first account, which the first start makes; `None` on an empty database.
#[tenon_model::boxed]
pub async fn find_first(conn: &mut Conn) -> Result<Option<AccountId>> {
    let row = conn
        .query_opt("SELECT id FROM accounts ORDER BY id LIMIT 1", params![])
        .await?;
    row.map(|row| row.i64(0).map(AccountId)).transpose()
}
