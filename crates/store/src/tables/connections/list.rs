//! Listing connections with the filters of the wire.

use tenon_model::EnvironmentId;

use super::{COLUMNS, ConnectionRow, TABLES, decode};
use crate::{Conn, Dialect, Result, Value};

/// Which connections to list; an absent field filters nothing.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Exact connection id.
    pub connection_id: Option<String>,
    /// Case-insensitive part of the connection id, or of the end user's name or e-mail; `%` and `_` are wildcards.
    pub search: Option<String>,
    /// Exact id of the end user.
    pub end_user_id: Option<String>,
    /// Exact id of the end user's organisation.
    pub organization_id: Option<String>,
    /// Keys of integrations.
    pub integrations: Option<Vec<String>>,
    /// Tags that must all be there; keys in lower case.
    pub tags: Vec<(String, String)>,
    /// At most this many.
    pub limit: i64,
    /// Leave out this many.
    pub offset: i64,
}

/// The environment's live connections, newest first.
#[tenon_model::boxed]
pub async fn list(conn: &mut Conn, environment: EnvironmentId, filter: &Filter) -> Result<Vec<ConnectionRow>> {
    let mut values: Vec<Value<'_>> = vec![Value::from(environment)];
    let mut conditions = String::new();
    let mut add = |condition: &dyn Fn(usize) -> String, value: Value<'static>| {
        values.push(value);
        conditions.push_str(" AND ");
        conditions.push_str(&condition(values.len()));
    };
    if let Some(id) = &filter.connection_id {
        add(&|n| format!("c.connection_id = ${n}"), Value::from(id.clone()));
    }
    if let Some(text) = &filter.search {
        // LOWER on both sides, because SQLite folds ASCII only in LIKE and PostgreSQL nothing at all.
        // A backslash would be an escape to PostgreSQL and a plain character to SQLite.
        let text = match conn.dialect() {
            Dialect::Sqlite => text.to_lowercase(),
            Dialect::Postgres => text.to_lowercase().replace('\\', "\\\\"),
        };
        let pattern = format!("%{text}%");
        add(
            &|n| {
                format!(
                    "(LOWER(c.connection_id) LIKE ${n} OR LOWER(u.display_name) LIKE ${n} OR LOWER(u.email) LIKE ${n})"
                )
            },
            Value::from(pattern),
        );
    }
    if let Some(id) = &filter.end_user_id {
        add(&|n| format!("u.end_user_id = ${n}"), Value::from(id.clone()));
    }
    if let Some(id) = &filter.organization_id {
        add(&|n| format!("u.organization_id = ${n}"), Value::from(id.clone()));
    }
    if let Some(keys) = &filter.integrations {
        let list = Value::Texts(keys.iter().map(|key| std::borrow::Cow::Owned(key.clone())).collect());
        let any = |n| conn.any("i.unique_key", n);
        add(&any, list);
    }
    for (key, value) in &filter.tags {
        // Tag keys hold no quotes (checked at the edge), so the JSON path below cannot be broken out of; the key is a
        // parameter all the same.
        match conn.dialect() {
            Dialect::Sqlite => {
                add(&|n| format!("${n} IS NOT NULL"), Value::from(format!("$.\"{key}\"")));
                add(
                    &|n| format!("json_extract(c.tags, ${}) = ${n}", n - 1),
                    Value::from(value.clone()),
                );
            }
            Dialect::Postgres => {
                add(&|n| format!("CAST(${n} AS TEXT) IS NOT NULL"), Value::from(key.clone()));
                add(
                    &|n| format!("CAST(c.tags AS JSONB) ->> CAST(${} AS TEXT) = ${n}", n - 1),
                    Value::from(value.clone()),
                );
            }
        }
    }
    values.push(Value::from(filter.limit));
    values.push(Value::from(filter.offset));
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} WHERE c.environment_id = $1 AND c.deleted_at IS NULL \
         AND i.deleted_at IS NULL{conditions} ORDER BY c.created_at DESC, c.id DESC LIMIT ${} OFFSET ${}",
        values.len() - 1,
        values.len()
    );
    conn.query(&sql, &values).await?.iter().map(decode).collect()
}
