//! Reading the log: `GET /logs/operations` and the command line.

use serde_json::{Map, Value, json};
use tenon_store::tables::operations::{self as table, MessageRow, OperationFilter, OperationRow};

use super::{Kind, format_id, parse_id};
use crate::caller::Caller;
use crate::validate::{Fields, Text};
use crate::{App, Error, Result};

/// Most operations of one page.
const PAGE_MAX: i64 = 200;
/// Most messages of one answer.
const MESSAGES_MAX: i64 = 1_000;

/// Query of `GET /logs/operations`.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    kind: Option<String>,
    connection: Option<String>,
    integration: Option<String>,
    failed: bool,
    search: Option<String>,
    before: Option<i64>,
    after: Option<i64>,
    limit: i64,
}

impl LogQuery {
    /// Reads the query: `kind`, `connection_id`, `integration_id`, `failed`, `search`, `cursor`, `after`, `limit`.
    pub fn parse(query: &Value) -> Result<Self> {
        let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
        let kind = fields.opt_text("kind", Text::any());
        if kind.as_deref().is_some_and(|kind| !Kind::NAMES.contains(&kind)) {
            let options: Vec<String> = Kind::NAMES.iter().map(|name| format!("\"{name}\"")).collect();
            fields.complain(
                "invalid_value",
                format!("Invalid option: expected one of {}", options.join("|")),
                "kind",
            );
        }
        let mut position = |key: &'static str| {
            let text = fields.opt_text(key, Text::any())?;
            let id = parse_id(&text);
            if id.is_none() {
                fields.complain("invalid_format", "Invalid operation id", key);
            }
            id
        };
        let (before, after) = (position("cursor"), position("after"));
        let read = Self {
            kind,
            connection: fields.opt_text("connection_id", Text::any().min(1).max(255)),
            integration: fields.opt_text("integration_id", Text::any().min(1).max(255)),
            failed: fields.opt_text_boolean("failed").unwrap_or(false),
            search: fields.opt_text("search", Text::any().min(1).max(255)),
            before,
            after,
            limit: fields.opt_integer("limit", 1, PAGE_MAX, true).unwrap_or(50),
        };
        fields.strict();
        fields.finish("invalid_query_params")?;
        Ok(read)
    }
}

/// An operation as it is shown to callers.
pub fn operation_json(row: &OperationRow) -> Value {
    let mut shown = Map::new();
    shown.insert("id".to_owned(), format_id(row.id).into());
    shown.insert("kind".to_owned(), row.kind.clone().into());
    shown.insert("action".to_owned(), row.action.clone().into());
    shown.insert("state".to_owned(), row.state.clone().into());
    shown.insert("title".to_owned(), row.title.clone().into());
    let names = [
        ("integration_id", &row.integration),
        ("provider", &row.provider),
        ("connection_id", &row.connection),
        ("function", &row.function),
    ];
    for (name, value) in names {
        shown.insert(name.to_owned(), value.clone().into());
    }
    let error = row
        .error_code
        .as_ref()
        .map(|code| json!({ "code": code, "message": row.error_message.clone().unwrap_or_default() }));
    shown.insert("error".to_owned(), error.unwrap_or_default());
    shown.insert("meta".to_owned(), json_or_text(row.meta.as_deref()));
    shown.insert("created_at".to_owned(), row.created_at.iso_millis().into());
    shown.insert("ended_at".to_owned(), row.ended_at.map(|at| at.iso_millis()).into());
    let duration = row
        .ended_at
        .map(|at| at.since(row.created_at).as_micros() as f64 / 1_000.0);
    shown.insert("duration_ms".to_owned(), duration.into());
    shown.insert("messages_dropped".to_owned(), row.messages_dropped.into());
    Value::Object(shown)
}

/// A message as it is shown to callers.
pub fn message_json(row: &MessageRow) -> Value {
    json!({
        "at": row.at.iso_millis(),
        "level": row.level,
        "kind": row.kind,
        "message": row.message,
        "meta": json_or_text(row.meta.as_deref()),
    })
}

fn json_or_text(text: Option<&str>) -> Value {
    match text {
        None => Value::Null,
        Some(text) => serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned())),
    }
}

impl App {
    /// `GET /logs/operations`: a page of operations, newest first; oldest first with `after`.
    #[tenon_model::boxed]
    pub async fn list_operations(&self, caller: &Caller, query: &LogQuery) -> Result<Value> {
        caller.require("environment:logs:read")?;
        let filter = OperationFilter {
            environment: Some(caller.environment()?.id),
            kind: query.kind.as_deref(),
            connection: query.connection.as_deref(),
            integration: query.integration.as_deref(),
            failed: query.failed,
            search: query.search.as_deref(),
            before: query.before,
            after: query.after,
        };
        let mut conn = self.store().read().await?;
        let rows = table::list(&mut conn, &filter, query.limit).await?;
        let full = i64::try_from(rows.len()).unwrap_or(i64::MAX) == query.limit;
        let next = rows.last().filter(|_| full).map(|row| format_id(row.id));
        let operations: Vec<Value> = rows.iter().map(operation_json).collect();
        Ok(json!({ "operations": operations, "next_cursor": next }))
    }

    /// `GET /logs/operations/:id`: one operation with its messages, from the one after `after`.
    #[tenon_model::boxed]
    pub async fn read_operation(&self, caller: &Caller, id: &str, after: Option<i64>) -> Result<Value> {
        caller.require("environment:logs:read")?;
        let environment = caller.environment()?.id;
        let missing = || Error::not_found(format!("No operation '{id}' found"));
        let number = parse_id(id).ok_or_else(missing)?;
        let mut conn = self.store().read().await?;
        let row = table::find(&mut conn, environment, number).await?.ok_or_else(missing)?;
        let after = after.unwrap_or(-1);
        let messages = table::list_messages(&mut conn, environment, number, after, MESSAGES_MAX).await?;
        let full = i64::try_from(messages.len()).unwrap_or(i64::MAX) == MESSAGES_MAX;
        let next = messages.last().filter(|_| full).map(|message| message.sequence);
        let messages: Vec<Value> = messages.iter().map(message_json).collect();
        Ok(json!({ "operation": operation_json(&row), "messages": messages, "next_after": next }))
    }
}
