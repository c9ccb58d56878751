//! Where operations are read from: the local database, or a server's API.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use http::Method;
use serde_json::{Value, json};
use tenon_app::operations::{format_id, message_json, operation_json, parse_id};
use tenon_model::EnvironmentId;
use tenon_store::Store;
use tenon_store::tables::operations::{self as table, NODE_BITS, OperationFilter};
use tenon_store::tables::{accounts, environments};

use super::LogsArgs;
use crate::authoring::client::{Client, segment};
use crate::authoring::settings::Settings;
use crate::commands::place::{self, Place};
use crate::failure::Failure;
use crate::wiring;

/// Messages shown of one operation.
const MESSAGES_MAX: i64 = 10_000;
/// Operations per look.
const PAGE: u32 = 200;

/// What is asked for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    kind: Option<String>,
    connection: Option<String>,
    search: Option<String>,
    failed: bool,
}

impl Wanted {
    pub(super) fn of(args: &LogsArgs) -> Self {
        Self {
            kind: args.kind.clone(),
            connection: args.connection.clone(),
            search: args.search.clone(),
            failed: args.failed,
        }
    }

    fn filter(&self, environment: Option<EnvironmentId>) -> OperationFilter<'_> {
        OperationFilter {
            environment,
            kind: self.kind.as_deref(),
            connection: self.connection.as_deref(),
            search: self.search.as_deref(),
            failed: self.failed,
            ..OperationFilter::default()
        }
    }

    fn query(&self) -> Vec<(&'static str, String)> {
        let mut query = Vec::new();
        let mut add = |name, value: &Option<String>| query.extend(value.clone().map(|value| (name, value)));
        add("kind", &self.kind);
        add("connection_id", &self.connection);
        add("search", &self.search);
        if self.failed {
            query.push(("failed", "true".to_owned()));
        }
        query
    }
}

/// A place with operations.
pub(super) enum Source {
    Local {
        store: Store,
        environment: Option<EnvironmentId>,
    },
    Server(Client),
}

/// The id of an operation that began `by` before the one with this id.
pub(super) fn earlier(id: &str, by: Duration) -> Option<String> {
    let micros = i64::try_from(by.as_micros()).ok()?;
    Some(format_id(parse_id(id)?.saturating_sub(micros << NODE_BITS).max(0)))
}

impl Source {
    pub(super) async fn open(args: &LogsArgs) -> Result<Self> {
        let settings = Settings::load(Path::new("."));
        let environment = args.env.as_deref().unwrap_or("dev");
        let at_server = || {
            let key = settings.key(&args.server, environment)?;
            Ok(Self::Server(Client::new(&settings.host(&args.server), key)?))
        };
        let config = match place::choose(&args.common, &settings, args.server.host.as_deref())? {
            Place::Server => return at_server(),
            Place::Database(config) => config,
        };
        let store = wiring::open_store(&config).await?;
        let environment = match &args.env {
            Some(name) => Some(environment_named(&store, name).await?),
            None => None,
        };
        Ok(Self::Local { store, environment })
    }

    /// The newest operations, oldest first.
    pub(super) async fn newest(&self, wanted: &Wanted, limit: u32) -> Result<Vec<Value>> {
        let mut found = match self {
            Self::Local { store, environment } => {
                let mut conn = store.read().await?;
                let rows = table::list(&mut conn, &wanted.filter(*environment), limit.into()).await?;
                rows.iter().map(operation_json).collect()
            }
            Self::Server(client) => pages(client, wanted, limit).await?,
        };
        found.reverse();
        Ok(found)
    }

    /// Operations that began after the one with this id, oldest first.
    pub(super) async fn since(&self, wanted: &Wanted, id: Option<&str>) -> Result<Vec<Value>> {
        let Some(id) = id else {
            return self.newest(wanted, PAGE).await;
        };
        match self {
            Self::Local { store, environment } => {
                let filter = OperationFilter {
                    after: parse_id(id),
                    ..wanted.filter(*environment)
                };
                let mut conn = store.read().await?;
                let rows = table::list(&mut conn, &filter, 10_000).await?;
                Ok(rows.iter().map(operation_json).collect())
            }
            Self::Server(client) => {
                let mut query = wanted.query();
                query.push(("after", id.to_owned()));
                query.push(("limit", PAGE.to_string()));
                Ok(operations(client, &query).await?.0)
            }
        }
    }

    /// One operation with its messages.
    pub(super) async fn one(&self, id: &str) -> Result<Value> {
        match self {
            Self::Local { store, environment } => {
                let number =
                    parse_id(id).ok_or_else(|| Failure::usage(format!("{id} is not the id of an operation")))?;
                let mut conn = store.read().await?;
                let rows = table::list_by_ids(&mut conn, &[number]).await?;
                let row = rows
                    .into_iter()
                    .find(|row| environment.is_none_or(|wanted| row.environment_id == wanted))
                    .ok_or_else(|| Failure::not_found(format!("there is no operation {id}")))?;
                let messages = table::list_messages(&mut conn, row.environment_id, number, -1, MESSAGES_MAX).await?;
                let messages: Vec<Value> = messages.iter().map(message_json).collect();
                Ok(json!({ "operation": operation_json(&row), "messages": messages }))
            }
            Self::Server(client) => Ok(client
                .json(Method::GET, &format!("/logs/operations/{}", segment(id)?), None)
                .await?),
        }
    }
}

async fn pages(client: &Client, wanted: &Wanted, limit: u32) -> Result<Vec<Value>> {
    let mut found: Vec<Value> = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let left = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(u32::MAX));
        if left == 0 {
            return Ok(found);
        }
        let mut query = wanted.query();
        query.push(("limit", left.min(PAGE).to_string()));
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let (page, next) = operations(client, &query).await?;
        found.extend(page);
        cursor = next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

async fn operations(client: &Client, query: &[(&str, String)]) -> Result<(Vec<Value>, Option<String>)> {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in query {
        text.append_pair(name, value);
    }
    let answer = client
        .json(Method::GET, &format!("/logs/operations?{}", text.finish()), None)
        .await?;
    let list = answer
        .get("operations")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let next = answer.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
    Ok((list, next))
}

async fn environment_named(store: &Store, name: &str) -> Result<EnvironmentId> {
    let mut conn = store.read().await?;
    let account = accounts::find_first(&mut conn)
        .await?
        .context("this database is empty; start the server once")?;
    let all = environments::list(&mut conn, account).await?;
    let names: Vec<&str> = all.iter().map(|row| row.name.as_str()).collect();
    all.iter()
        .find(|row| row.name == name)
        .map(|row| row.id)
        .ok_or_else(|| {
            let names = names.join(", ");
            Failure::not_found(format!("there is no environment {name:?}; there are: {names}")).into()
        })
}

#[cfg(test)]
mod tests;
