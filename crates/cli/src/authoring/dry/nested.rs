//! Syncs that a function triggers: those of the project run here as well, and store nothing either.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_compiler::{Compiled, Kind};
use tenon_runtime::{Runtime, protocol::SyncRef};
use tokio_util::sync::CancellationToken;

use super::{Finished, Options, find_connection, run};
use crate::authoring::{client::Client, terminal::Terminal};

/// Runs inside of runs; a sync that triggers itself ends here.
const DEPTH_MAX: u8 = 3;

/// What a run needs to start others.
#[derive(Clone)]
pub struct Nested {
    /// The workers.
    pub runtime: Runtime,
    /// The server.
    pub client: Arc<Client>,
    /// Functions of the project.
    pub functions: Arc<[Compiled]>,
    /// Ends all of them.
    pub cancel: CancellationToken,
    /// Where log lines are shown.
    pub terminal: Terminal,
    /// How many runs are around this one.
    pub depth: u8,
}

impl Nested {
    /// Runs a sync to its end. The error says why it was not run.
    pub async fn sync(
        &self,
        options: &Options,
        integration: &str,
        connection: &str,
        sync: &SyncRef,
    ) -> Result<Finished, String> {
        if self.depth >= DEPTH_MAX {
            return Err(format!("syncs trigger each other more than {DEPTH_MAX} deep"));
        }
        let function = self.functions.iter().find(|function| {
            function.definition.kind() == Kind::Sync
                && function.integration() == integration
                && function.name() == sync.name
        });
        let Some(function) = function else {
            return Err(format!("the project has no sync {} of {integration}", sync.name));
        };
        let target = find_connection(function, &self.client, connection)
            .await
            .map_err(|error| error.to_string())?;
        let options = Options {
            variant: sync.variant.clone(),
            environment: options.environment.clone(),
            live: options.live,
            ..Options::default()
        };
        let nested = Self {
            depth: self.depth + 1,
            ..self.clone()
        };
        run(nested, &target, &options).await.map_err(|error| error.to_string())
    }
}

/// What the run did, for the line about it.
pub fn told(finished: &Finished) -> Value {
    let models: serde_json::Map<String, Value> = finished
        .collected
        .models
        .iter()
        .map(|(model, batches)| {
            let counts = json!({ "saved": batches.saved.len(), "updated": batches.updated.len(), "deleted": batches.deleted.len() });
            (model.clone(), counts)
        })
        .collect();
    json!({ "records": models, "checkpoint": finished.collected.checkpoint })
}
