//! Reading records: by customers ([`App::list_records`]) and by functions ([`page`]).
//!
//! The answer is assembled from the stored texts, in chunks of a few hundred records: a page of ten thousand never lies
//! in memory as a whole, and a slow reader holds no database connection.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;
use tenon_credentials::vault::EnvironmentVault;
use tenon_model::Timestamp;
use tenon_store::Store;
use tenon_store::tables::connections;
use tenon_store::tables::records::list::{self as rows, Actions, Filter, Listed};
use tenon_store::tables::records::sets;
use uuid::Uuid;

use super::{BASE, Cursor, Target, payload, wire};
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, MODEL, NAME, Text};
use crate::{App, Caller, Error, Result};

/// Records in one chunk of an answer.
const CHUNK: i64 = 500;
/// An answer is cut, with a cursor to go on, when it has become so large.
const ANSWER_BYTES_MAX: usize = 64 << 20;
/// Moments further back are refused.
const DAYS_BACK_MAX: u64 = 365;

#[expect(clippy::expect_used, reason = "a constant expression, compiled by the tests")]
static ISO_UTC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\d{4}-\d{2}-\d{2}T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?Z$").expect("constant expression")
});

/// What a caller wants to read.
#[derive(Debug, Clone)]
pub struct Query {
    /// Plain model name.
    pub model: String,
    /// Variant.
    pub variant: String,
    /// Filters.
    pub filter: Filter,
    /// Most records of the answer.
    pub limit: i64,
}

/// Reads the query of `GET /records`.
pub fn read_query(query: &Value, now: Timestamp) -> Result<Query> {
    let bad = "invalid_query_params";
    let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid(bad, issues))?;
    let model = fields
        .text("model", Text::any().max(255).pattern(&MODEL))
        .unwrap_or_default();
    let variant = fields.opt_text("variant", Text::any().max(255).pattern(&NAME));
    let modified_after = moment(&mut fields, "modified_after", now);
    let delta = moment(&mut fields, "delta", now);
    let limit = fields.opt_integer("limit", 1, 10_000, true).unwrap_or(100);
    let actions = actions(&mut fields);
    let cursor = fields.opt_text("cursor", Text::any().min(1).max(1000));
    let ids = ids(&mut fields);
    let after = match cursor.as_deref().map(Cursor::parse) {
        Some(None) if !fields.has_issues() => {
            fields.complain(
                "custom",
                "Not a cursor of this endpoint; use one that an earlier answer gave",
                "cursor",
            );
            None
        }
        found => found.flatten().map(|cursor| cursor.0),
    };
    fields.strict();
    fields.finish(bad)?;
    let filter = Filter {
        after,
        from: delta.or(modified_after),
        ids,
        actions,
    };
    Ok(Query {
        model,
        variant: variant.unwrap_or_else(|| BASE.to_owned()),
        filter,
        limit,
    })
}

fn moment(fields: &mut Fields<'_>, key: &'static str, now: Timestamp) -> Option<Timestamp> {
    let text = fields.opt_text(key, Text::any())?;
    // Seconds may be left out.
    let read = |text: &str| {
        Timestamp::parse_iso(text)
            .or_else(|| Timestamp::parse_iso(&format!("{}:00Z", text.strip_suffix('Z').unwrap_or(text))))
    };
    let parsed = read(&text);
    if parsed.is_none() || !ISO_UTC.is_match(&text) {
        fields.complain("invalid_format", "Invalid ISO datetime", key);
    }
    // A day that its month does not have is a day of the next one to JavaScript, whose answer this is.
    let last = || match (text.get(..8), text.get(8..10), text.get(10..)) {
        (Some(month), Some("29" | "30" | "31"), Some(time)) => read(&format!("{month}28{time}")),
        _ => None,
    };
    let oldest = now.minus(std::time::Duration::from_secs(DAYS_BACK_MAX * 24 * 3600));
    if parsed.or_else(last).is_none_or(|moment| moment < oldest) {
        fields.complain("custom", "must be within the last 12 months", key);
    }
    parsed
}

fn actions(fields: &mut Fields<'_>) -> Option<Actions> {
    let text = fields.opt_text("filter", Text::any())?;
    let mut actions = Actions {
        added: false,
        updated: false,
        deleted: false,
    };
    for word in text.split(',') {
        match word {
            "added" | "ADDED" => actions.added = true,
            "updated" | "UPDATED" => actions.updated = true,
            "deleted" | "DELETED" => actions.deleted = true,
            _ => {
                fields.complain(
                    "invalid_value",
                    "Invalid option: expected a list of added, updated, deleted",
                    "filter",
                );
                return None;
            }
        }
    }
    Some(actions)
}

fn ids(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let value = fields.raw("ids")?;
    let list = match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().unwrap_or_default().to_owned())
            .collect(),
        _ => vec![String::new()],
    };
    let fits = |id: &String| (1..=256).contains(&id.encode_utf16().count());
    if list.len() > 100 || !list.iter().all(fits) {
        fields.complain("invalid_union", "Invalid input", "ids");
        return None;
    }
    Some(list)
}

/// Reads the two headers that name a connection.
pub fn read_headers(connection_id: Option<&str>, provider_config_key: Option<&str>) -> Result<(String, String)> {
    let mut map = serde_json::Map::new();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            map.insert(name.to_owned(), Value::from(value));
        }
    };
    put("connection-id", connection_id);
    put("provider-config-key", provider_config_key);
    let headers = Value::Object(map);
    let mut fields = Fields::root(Some(&headers)).map_err(|issues| Error::invalid("invalid_headers", issues))?;
    let connection = fields.text("connection-id", Text::any().max(255).pattern(&CONNECTION_ID));
    let integration = fields.text("provider-config-key", Text::any().max(255).pattern(&INTEGRATION_ID));
    fields.finish("invalid_headers")?;
    Ok((connection.unwrap_or_default(), integration.unwrap_or_default()))
}

/// An answer under way.
#[derive(Debug)]
pub struct Listing {
    store: Store,
    vault: EnvironmentVault,
    target: Target,
    namespace: Uuid,
    set: Option<i64>,
    filter: Filter,
    left: i64,
    sent: usize,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Start,
    Middle,
    End,
}

impl Listing {
    /// The next piece of the JSON text; none when the answer is complete.
    ///
    /// # Errors
    /// When the store fails or a record cannot be opened. Only the first piece can still be replaced by an error answer.
    #[tenon_model::boxed]
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        if self.state == State::End {
            return Ok(None);
        }
        let take = self.left.min(CHUNK);
        let mut records = match self.set {
            Some(set) => {
                let mut conn = self.store.read().await?;
                // One more than is shown tells whether there is a next page.
                rows::list(&mut conn, set, &self.filter, take + 1).await?
            }
            None => Vec::new(),
        };
        let more = i64::try_from(records.len()).unwrap_or(i64::MAX) > take;
        records.truncate(usize::try_from(take).unwrap_or(usize::MAX));
        let mut out = Vec::with_capacity(
            records
                .iter()
                .map(|r| r.payload.as_ref().map_or(0, Vec::len) * 2 + 420)
                .sum(),
        );
        let mut first = self.state == State::Start;
        if first {
            out.extend_from_slice(b"{\"records\":[");
        }
        for record in &records {
            if !first {
                out.push(b',');
            }
            first = false;
            self.push(&mut out, record)?;
        }
        self.left -= take;
        self.sent += out.len();
        self.state = State::Middle;
        if !more || self.left == 0 || self.sent >= ANSWER_BYTES_MAX {
            self.state = State::End;
            out.extend_from_slice(b"],\"next_cursor\":");
            match records.last().filter(|_| more) {
                None => out.extend_from_slice(b"null"),
                Some(last) => {
                    out.push(b'"');
                    wire::push_cursor(&mut out, &self.namespace, last);
                    out.push(b'"');
                }
            }
            out.push(b'}');
        } else if let Some(last) = records.last() {
            self.filter.after = Some(last.updated_at);
        }
        Ok(Some(out))
    }

    /// Whether everything was handed out.
    pub fn is_complete(&self) -> bool {
        self.state == State::End
    }

    fn push(&self, out: &mut Vec<u8>, record: &Listed) -> Result<()> {
        let text = match &record.payload {
            Some(sealed) => Some(payload::open(&self.vault, &self.target, &record.external_id, sealed)?),
            None => None,
        };
        wire::push_record(out, &self.namespace, record, text.as_deref());
        Ok(())
    }
}

/// Starts an answer from one stream.
#[tenon_model::boxed]
pub async fn start(
    store: &Store,
    vault: EnvironmentVault,
    target: Target,
    filter: Filter,
    limit: i64,
) -> Result<Listing> {
    let mut conn = store.read().await?;
    let set = sets::find(&mut conn, target.environment, target.connection, &target.model).await?;
    drop(conn);
    Ok(Listing {
        store: store.clone(),
        vault,
        namespace: target.namespace(),
        target,
        set: set.map(|set| set.id),
        filter,
        left: limit,
        sent: 0,
        state: State::Start,
    })
}

/// A whole small page as JSON text, for functions.
#[tenon_model::boxed]
pub async fn page(app: &App, target: Target, filter: Filter, limit: i64) -> Result<String> {
    let vault = app.vault(target.environment).await?;
    let mut listing = start(app.store(), vault, target, filter, limit).await?;
    let mut text = Vec::new();
    while let Some(piece) = listing.next().await? {
        text.extend_from_slice(&piece);
    }
    String::from_utf8(text).map_err(|_| Error::Internal("a page of records is not UTF-8".to_owned()))
}

/// The refusal for a connection that does not exist, on the routes about records.
pub(crate) fn unknown_connection() -> Error {
    Error::refuse(400, "unknown_connection")
        .message("Provided ConnectionId and ProviderConfigKey does not match a valid connection")
}

impl App {
    /// The stream that a caller names by connection, integration, model and variant.
    #[tenon_model::boxed]
    pub(crate) async fn record_target(
        &self,
        caller: &Caller,
        connection_id: &str,
        unique_key: &str,
        model: &str,
        variant: &str,
    ) -> Result<Target> {
        let environment = caller.environment()?.id;
        let mut conn = self.store().read().await?;
        let row = connections::find(&mut conn, environment, unique_key, connection_id).await?;
        let row = row.ok_or_else(unknown_connection)?;
        Ok(Target::new(environment, row.id, model, variant))
    }

    /// `GET /records`: records of one model on one connection, oldest change first.
    #[tenon_model::boxed]
    pub async fn list_records(
        &self,
        caller: &Caller,
        connection_id: &str,
        unique_key: &str,
        query: Query,
    ) -> Result<Listing> {
        let target = self
            .record_target(caller, connection_id, unique_key, &query.model, &query.variant)
            .await?;
        let vault = self.vault(target.environment).await?;
        start(self.store(), vault, target, query.filter, query.limit).await
    }
}
