//! Records, as syncs and their webhooks write and read them.

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use tenon_runtime::protocol::{HostError, HostReply, RecordBatch};
use tenon_store::tables::records::list::Filter;

use super::{Answer, RunHost};
use crate::operations::Level;
use crate::records::{Cursor, Operation, list};
use crate::syncs::ledger::LedgerError;

/// Most records of one page for a function.
const PAGE_MAX: u32 = 1_000;

impl RunHost {
    /// The failure of a write as the SDK words it: "Failed to save records: {…}".
    pub(super) fn unwritten(&self, what: &str, error: &LedgerError) -> HostError {
        match error {
            LedgerError::Fenced => HostError::sdk("script_aborted", "The run is over"),
            LedgerError::App(error) => {
                self.internal(error);
                HostError::plain(format!("{what}: {}", json!({ "error": { "code": "server_error" } })))
            }
            refused => HostError::plain(format!("{what}: {}", refused.body())),
        }
    }

    #[tenon_model::boxed]
    pub(super) async fn batch(&self, operation: Operation, batch: RecordBatch) -> Answer {
        let ledger = self.ledger().await?;
        let what = format!("Failed to {} records", operation.verb());
        let done = ledger.batch(operation, &batch.model, &batch.records_json).await;
        let done = done.map_err(|error| {
            let told = self.unwritten(&what, &error);
            if !matches!(error, LedgerError::Fenced) {
                self.log(Level::Error, told.message.clone());
            }
            told
        })?;
        for id in &done.duplicates {
            let message = format!(
                "There was a duplicate record with id {id} in model {}; the first was kept",
                batch.model
            );
            self.log(Level::Error, message);
        }
        let (count, changed) = (done.report.received, done.report.changed);
        let message = format!(
            "Successfully batch {} {count} records ({changed} modified) for model {}",
            operation.past(),
            batch.model
        );
        self.log(Level::Info, message);
        Ok(HostReply::Unit)
    }

    #[tenon_model::boxed]
    pub(super) async fn records_by_ids(&self, model: &str, ids: Vec<String>) -> Answer {
        #[derive(Deserialize)]
        struct Page<'a> {
            #[serde(borrow)]
            records: &'a RawValue,
        }
        let limit = i64::try_from(ids.len()).unwrap_or(i64::MAX).max(1);
        let page = self
            .page(
                model,
                Filter {
                    ids: Some(ids),
                    ..Filter::default()
                },
                limit,
            )
            .await?;
        let page: Page<'_> = serde_json::from_str(&page).map_err(|error| HostError::plain(error.to_string()))?;
        Ok(HostReply::Json(page.records.get().to_owned()))
    }

    #[tenon_model::boxed]
    pub(super) async fn list_records(&self, model: &str, cursor: Option<String>, limit: u32) -> Answer {
        let after = match cursor.as_deref().map(Cursor::parse) {
            None => None,
            Some(Some(cursor)) => Some(cursor.0),
            Some(None) => return Err(HostError::plain("Failed to list records: the cursor is malformed")),
        };
        let limit = i64::from(limit.clamp(1, PAGE_MAX));
        self.page(
            model,
            Filter {
                after,
                ..Filter::default()
            },
            limit,
        )
        .await
        .map(HostReply::Json)
    }

    async fn page(&self, model: &str, filter: Filter, limit: i64) -> Result<String, HostError> {
        let ledger = self.ledger().await?;
        let target = ledger
            .target(model)
            .map_err(|error| self.unwritten("Failed to read records", &error))?;
        list::page(&self.app, target, filter, limit)
            .await
            .map_err(|error| self.internal(&error))
    }

    #[tenon_model::boxed]
    pub(super) async fn track_deletes_start(&self, model: &str) -> Answer {
        let done = self.ledger().await?.start_pass(model).await;
        done.map_err(|error| self.unwritten("Failed to start tracking deletes", &error))?;
        Ok(HostReply::Unit)
    }

    #[tenon_model::boxed]
    pub(super) async fn track_deletes_end(&self, model: &str) -> Answer {
        let done = self.ledger().await?.end_pass(model).await;
        let deleted = done.map_err(|error| self.unwritten("Failed to end tracking deletes", &error))?;
        Ok(self.deleted(model, deleted))
    }

    #[tenon_model::boxed]
    pub(super) async fn delete_previous(&self, model: &str) -> Answer {
        let done = self.ledger().await?.delete_previous(model).await;
        let deleted = done.map_err(|error| self.unwritten("Failed to delete outdated records", &error))?;
        Ok(self.deleted(model, deleted))
    }

    fn deleted(&self, model: &str, deleted: Vec<String>) -> HostReply {
        let message = format!("Deleted {} records of model {model} that were not seen", deleted.len());
        self.log(Level::Info, message);
        HostReply::Json(json!({ "deletedKeys": deleted }).to_string())
    }

    #[tenon_model::boxed]
    pub(super) async fn set_merging(&self, model: &str, strategy: &str) -> Answer {
        let ignore_newer = match strategy {
            "override" => false,
            "ignore_if_modified_after" => true,
            other => return Err(HostError::plain(format!("Unknown merging strategy '{other}'"))),
        };
        let set = self.ledger().await?.set_merging(model, ignore_newer).await;
        let set = set.map_err(|error| self.unwritten("Failed to set the merging strategy", &error))?;
        if set {
            self.log(Level::Info, format!("Merging strategy of model {model}: {strategy}"));
        } else {
            self.log(
                Level::Warn,
                format!("The merging strategy of model {model} is set already and stays"),
            );
        }
        Ok(HostReply::Unit)
    }
}
