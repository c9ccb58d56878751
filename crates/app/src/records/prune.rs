//! `PATCH /records/prune`: customers who keep the payloads themselves let us forget ours.

use serde_json::{Value, json};
use tenon_store::tables::records::{sets, shrink};

use super::{BASE, Cursor};
use crate::validate::{Fields, MODEL, NAME, Text};
use crate::{App, Caller, Issue, Result};

/// What to prune.
#[derive(Debug, Clone)]
pub struct PruneRequest {
    model: String,
    variant: String,
    until: Cursor,
    limit: i64,
}

/// Reads the body.
pub fn read_body(body: Option<&Value>) -> Result<PruneRequest> {
    let mut fields = Fields::body(body)?;
    let model = fields
        .text("model", Text::any().max(255).pattern(&MODEL))
        .unwrap_or_default();
    let variant = fields
        .opt_text("variant", Text::any().max(255).pattern(&NAME))
        .unwrap_or_else(|| BASE.to_owned());
    let until = fields
        .text("until_cursor", Text::any().min(1).max(1000))
        .unwrap_or_default();
    let limit = fields.opt_integer("limit", 1, 10_000, false).unwrap_or(1_000);
    fields.strict();
    fields.finish("invalid_body")?;
    let until = Cursor::parse(&until).ok_or_else(|| {
        let issue = Issue::new(
            "custom",
            "Not a cursor of this endpoint; use one that a record carries",
            &["until_cursor"],
        );
        crate::Error::invalid("invalid_body", vec![issue])
    })?;
    Ok(PruneRequest {
        model,
        variant,
        until,
        limit,
    })
}

impl App {
    /// Empties payloads up to and including a cursor, oldest change first.
    #[tenon_model::boxed]
    pub async fn prune_records(
        &self,
        caller: &Caller,
        connection_id: &str,
        unique_key: &str,
        request: PruneRequest,
    ) -> Result<Value> {
        let target = self
            .record_target(caller, connection_id, unique_key, &request.model, &request.variant)
            .await?;
        let mut tx = self.store().begin().await?;
        let found = sets::lock_existing(&mut tx, target.environment, target.connection, &target.model).await?;
        let Some(mut set) = found else {
            return Ok(json!({ "count": 0, "has_more": false }));
        };
        let now = self.clock().now();
        let (count, more) = shrink::prune(&mut tx, &mut set, request.until.0, request.limit, now).await?;
        sets::save(&mut tx, &set).await?;
        tx.commit().await?;
        Ok(json!({ "count": count, "has_more": more }))
    }
}
