//! Functions that follow the life of connections.
//!
//! After a connection was made they run in the background and their failure changes nothing; before one is removed they
//! are awaited, and removal goes on whatever happens; while one is validated they are awaited in order and the first
//! failure refuses the connection.

use serde_json::Value;
use tenon_model::EnvironmentId;
use tenon_store::tables::functions::{self as table, FunctionFilter};
use tokio_util::sync::CancellationToken;

use super::run::{RunSubject, log_failure, outcome_of};
use super::{Function, FunctionKind};
use crate::connections::LiveError;
use crate::operations::{Kind, Subject};
use crate::{App, Error, Result};

/// The most on-event functions of one integration.
const FUNCTIONS_MAX: i64 = 500;

/// A moment in the life of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionEvent {
    /// It was made.
    PostConnectionCreation,
    /// It is about to be removed.
    PreConnectionDeletion,
    /// It is being checked before it counts.
    ValidateConnection,
}

impl ConnectionEvent {
    /// All names, for validation.
    pub const NAMES: [&'static str; 3] = [
        "post-connection-creation",
        "pre-connection-deletion",
        "validate-connection",
    ];

    /// Name on the wire and in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PostConnectionCreation => "post-connection-creation",
            Self::PreConnectionDeletion => "pre-connection-deletion",
            Self::ValidateConnection => "validate-connection",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "post-connection-creation" => Some(Self::PostConnectionCreation),
            "pre-connection-deletion" => Some(Self::PreConnectionDeletion),
            "validate-connection" => Some(Self::ValidateConnection),
            _ => None,
        }
    }
}

impl App {
    /// Whether an integration has functions for this event; cheap enough to ask before every change of a connection.
    #[tenon_model::boxed]
    pub async fn has_on_events(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        event: ConnectionEvent,
    ) -> Result<bool> {
        Ok(!self
            .on_event_functions(environment, unique_key, event)
            .await?
            .is_empty())
    }

    async fn on_event_functions(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        event: ConnectionEvent,
    ) -> Result<Vec<Function>> {
        let Some(integration) = self.find_integration(environment, unique_key).await? else {
            return Ok(Vec::new());
        };
        let filter = FunctionFilter {
            integration: Some(integration.id),
            kind: Some(FunctionKind::OnEvent.as_str()),
            search: None,
        };
        let mut conn = self.store().read().await?;
        let rows = table::list(&mut conn, environment, filter, 0, FUNCTIONS_MAX).await?;
        drop(conn);
        rows.into_iter()
            .filter(|row| row.enabled && row.event == event.as_str())
            .map(Function::from_row)
            .collect()
    }

    /// Runs the functions of an event, one after another, and waits for them. Answers why the connection is refused:
    /// the sentence of the first function that failed, only for [`ConnectionEvent::ValidateConnection`].
    ///
    /// # Errors
    /// When the connection cannot be loaded; never because a function failed.
    #[tenon_model::boxed]
    pub async fn run_on_events(
        &self,
        environment: EnvironmentId,
        unique_key: &str,
        connection_id: &str,
        event: ConnectionEvent,
    ) -> Result<Option<String>> {
        let functions = self.on_event_functions(environment, unique_key, event).await?;
        if functions.is_empty() {
            return Ok(None);
        }
        let environment = self.environment(environment).await?;
        for function in functions {
            let live = self
                .find_live(environment.id, unique_key, connection_id)
                .await
                .map_err(|error| match error {
                    LiveError::Internal(error) => error,
                    _ => Error::Internal(format!("connection {connection_id} is gone before its functions ran")),
                })?;
            let subject = Subject::titled(format!("{} on {}", function.name, event.as_str()))
                .integration(unique_key, &function.provider)
                .connection(connection_id)
                .function(&function.name);
            let operation = self
                .operations()
                .start(environment.id, Kind::OnEvent, event.as_str(), subject);
            let run = RunSubject {
                environment: environment.clone(),
                live,
                function: std::sync::Arc::new(function),
                operation: operation.clone(),
                guard: None,
                depth: 0,
            };
            let result = self
                .run_function(&run, tenon_runtime::Kind::OnEvent, None, CancellationToken::new())
                .await
                .map(|outcome| outcome.result);
            if let Ok(Err(error)) = &result {
                log_failure(&operation, error);
            }
            operation.finish(outcome_of(&result));
            match result {
                Ok(Err(error)) if event == ConnectionEvent::ValidateConnection => {
                    return Ok(Some(refusal_sentence(&error.payload_json)));
                }
                Err(error) if event == ConnectionEvent::ValidateConnection => return Err(error),
                Ok(_) => {}
                Err(error) => tracing::error!(error = ?error, "an on-event function could not be run"),
            }
        }
        Ok(None)
    }
}

/// What the person who connects is told.
fn refusal_sentence(payload: &str) -> String {
    let payload: Value = serde_json::from_str(payload).unwrap_or_default();
    ["message", "error"]
        .iter()
        .find_map(|name| payload.get(name).and_then(Value::as_str))
        .unwrap_or("Connection failed validation")
        .to_owned()
}
