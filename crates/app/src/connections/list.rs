//! Listing connections.

use serde_json::{Value, json};
use tenon_store::tables::connections::errors;
use tenon_store::tables::connections::list::{Filter, list};

use super::metadata_secret;
use super::tags::is_key;
use super::wire::list_item;
use crate::caller::Caller;
use crate::validate::{Fields, Text, wrong_type};
use crate::{App, Error, Result};

/// Page size when none is asked for; larger than what may be asked for, as existing readers expect.
const LIMIT_DEFAULT: i64 = 10_000;
const LIMIT_MAX: i64 = 2_000;

impl App {
    /// `GET /connections`.
    #[tenon_model::boxed]
    pub async fn list_connections(&self, caller: &Caller, query: &Value) -> Result<Value> {
        caller.require_any(&[
            "environment:connections:list",
            "environment:connections:list_credentials",
        ])?;
        let environment = caller.environment()?;
        let Some(filter) = read_filter(query)? else {
            return Ok(json!({ "connections": [] }));
        };
        let mut conn = self.store().read().await?;
        let rows = list(&mut conn, environment.id, &filter).await?;
        let ids: Vec<_> = rows.iter().map(|row| row.id).collect();
        let errors = errors::list(&mut conn, environment.id, &ids).await?;
        drop(conn);
        let vault = self.vault(environment.id).await?;
        let mut shown: Vec<Value> = Vec::with_capacity(rows.len());
        for row in &rows {
            let metadata = metadata_secret::open(&vault, row.environment_id, row.id, &row.metadata)?;
            let errors = errors.get(&row.id).map(Vec::as_slice).unwrap_or_default();
            shown.push(list_item(row, metadata, errors));
        }
        Ok(json!({ "connections": shown }))
    }
}

/// The filter of a query; `None` when it asks for a tag that no connection can have.
fn read_filter(query: &Value) -> Result<Option<Filter>> {
    let mut fields = Fields::root(Some(query)).map_err(|issues| Error::invalid("invalid_query_params", issues))?;
    let short = Text::any().min(1).max(255);
    let mut filter = Filter {
        connection_id: fields.opt_text("connectionId", short),
        search: fields.opt_text("search", short),
        end_user_id: fields.opt_text("endUserId", short),
        integrations: fields
            .opt_text("integrationId", Text::any())
            .map(|keys| keys.split(',').map(str::to_owned).collect()),
        organization_id: fields.opt_text("endUserOrganizationId", short),
        ..Filter::default()
    };
    let mut impossible = false;
    match fields.raw("tags") {
        None => {}
        Some(Value::Object(tags)) => {
            for (key, value) in tags {
                match value.as_str() {
                    Some(value) => {
                        impossible |= !is_key(key);
                        filter.tags.push((key.to_lowercase(), value.to_owned()));
                    }
                    None => fields.complain_at("invalid_type", wrong_type("string", Some(value)), &["tags", key]),
                }
            }
        }
        other => fields.complain("invalid_type", wrong_type("record", other), "tags"),
    }
    let limit = fields.opt_integer("limit", 1, LIMIT_MAX, true);
    let page = fields.opt_integer("page", 0, i64::from(i32::MAX), true);
    fields.strict();
    fields.finish("invalid_query_params")?;
    filter.limit = limit.unwrap_or(LIMIT_DEFAULT);
    filter.offset = page.unwrap_or_default().saturating_mul(filter.limit);
    Ok((!impossible).then_some(filter))
}
