//! Reading records as a back end does: page by page with the cursor.

use std::collections::HashMap;

use anyhow::{Context, Result};
use serde_json::Value;
use url::form_urlencoded;

use super::client::Client;
use super::example::{INTEGRATION, MODEL, MODIFIED_FIELD};

const PAGE: usize = 2_000;

/// A record, as much of it as the demonstration compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// `ADDED`, `UPDATED` or `DELETED`.
    pub last_action: String,
    /// When the provider says it was changed.
    pub modified: Option<String>,
}

/// What a listing gave.
#[derive(Debug, Default)]
pub struct Listing {
    /// Records by id.
    pub records: HashMap<String, Seen>,
    /// All lines, repeated ids included.
    pub lines: usize,
    /// Requests it took.
    pub pages: usize,
    /// Cursor of the last line, to go on from later.
    pub cursor: Option<String>,
}

impl Listing {
    /// Records with this last action.
    pub fn with_action(&self, action: &str) -> usize {
        self.records.values().filter(|seen| seen.last_action == action).count()
    }
}

/// Where a listing starts.
#[derive(Debug, Clone, Copy)]
pub enum From<'a> {
    /// With the first record.
    Start,
    /// Strictly after a cursor.
    Cursor(&'a str),
    /// With changes at or after a time.
    ModifiedAfter(&'a str),
}

/// Lists records of the model to the end.
pub async fn list(client: &Client, connection: &str, from: From<'_>) -> Result<Listing> {
    let headers = [("connection-id", connection), ("provider-config-key", INTEGRATION)];
    let mut listing = Listing::default();
    let mut cursor = match from {
        From::Cursor(cursor) => Some(cursor.to_owned()),
        From::Start | From::ModifiedAfter(_) => None,
    };
    loop {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("model", MODEL)
            .append_pair("limit", &PAGE.to_string());
        if let From::ModifiedAfter(time) = from {
            query.append_pair("modified_after", time);
        }
        if let Some(cursor) = &cursor {
            query.append_pair("cursor", cursor);
        }
        let page = client.get(&format!("/records?{}", query.finish()), &headers).await?;
        let records = page
            .get("records")
            .and_then(Value::as_array)
            .context("GET /records answered no list")?;
        listing.pages += 1;
        for record in records {
            note(&mut listing, record)?;
        }
        match page.get("next_cursor").and_then(Value::as_str) {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(listing),
        }
    }
}

fn note(listing: &mut Listing, record: &Value) -> Result<()> {
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let id = text("/id").context("a record has no id")?;
    let modified = text(&format!("/{MODIFIED_FIELD}"));
    let last_action = text("/_nango_metadata/last_action").context("a record has no last_action")?;
    listing.cursor = text("/_nango_metadata/cursor").or(listing.cursor.take());
    listing.lines += 1;
    listing.records.insert(id, Seen { last_action, modified });
    Ok(())
}
