//! Running an action and waiting for it.

use std::sync::Arc;

use tenon_runtime::Kind as RunKind;
use tokio_util::sync::CancellationToken;

use super::{ActionAnswer, TriggerInput, answered};
use crate::caller::Caller;
use crate::connections::{Live, LiveError};
use crate::environments::Environment;
use crate::functions::{Function, FunctionKind, RunSubject, log_failure, outcome_of, run_error};
use crate::operations::{Kind, OperationHandle, Outcome, Subject};
use crate::tools::Guard;
use crate::{App, Error, Result};

/// The action and the connection of a call.
pub(super) struct Target {
    pub(super) environment: Arc<Environment>,
    pub(super) live: Arc<Live>,
    pub(super) function: Arc<Function>,
    pub(super) depth: u32,
}

impl Target {
    pub(super) fn subject(&self) -> Subject {
        let connection = &self.live.connection;
        Subject::titled(format!("Action {}", self.function.name))
            .integration(&self.function.unique_key, &self.function.provider)
            .connection(&connection.connection_id)
            .function(&self.function.name)
    }

    pub(super) fn run(self, operation: OperationHandle) -> RunSubject {
        RunSubject {
            environment: self.environment,
            live: self.live,
            function: self.function,
            operation,
            guard: None,
            depth: self.depth,
        }
    }
}

impl App {
    #[tenon_model::boxed]
    pub(super) async fn action_target(&self, caller: &Caller, input: &TriggerInput) -> Result<Target> {
        let environment = Arc::clone(caller.environment()?);
        let live = self
            .find_live(environment.id, &input.integration, &input.connection)
            .await;
        let live = live.map_err(|error| match error {
            LiveError::UnknownIntegration | LiveError::UnknownConnection => {
                Error::refuse(400, "unknown_connection").message("Failed to find connection")
            }
            LiveError::UnknownProvider => {
                Error::refuse(400, "unknown_provider").message("The integration's provider is not in the catalogue")
            }
            LiveError::Refresh(_) => Error::Internal("looking up a connection does not refresh it".to_owned()),
            LiveError::Internal(error) => error,
        })?;
        let integration = live.connection.integration_id;
        let function = self
            .find_function(environment.id, integration, FunctionKind::Action, &input.action)
            .await?
            .ok_or_else(|| Error::not_found("Action not found"))?;
        if !function.enabled {
            return Err(Error::refuse(404, "disabled_resource").message("The action is disabled"));
        }
        Ok(Target {
            environment,
            live,
            function,
            depth: input.depth,
        })
    }

    /// `POST /action/trigger`.
    #[tenon_model::boxed]
    pub async fn trigger_action(&self, caller: &Caller, input: TriggerInput) -> Result<ActionAnswer> {
        caller.require("environment:actions:execute")?;
        let target = self.action_target(caller, &input).await?;
        if input.later {
            return self.accept_action(target, &input).await.map(ActionAnswer::Accepted);
        }
        self.run_apart(target, input.input, None)
            .await
            .map(ActionAnswer::Output)
    }

    /// Runs an enabled action of a connection that the caller may use.
    #[tenon_model::boxed]
    pub(crate) async fn run_action(
        &self,
        environment: Arc<Environment>,
        live: Arc<Live>,
        function: Arc<Function>,
        input: Option<String>,
        guard: Option<Arc<Guard>>,
    ) -> Result<String> {
        let target = Target {
            environment,
            live,
            function,
            depth: 0,
        };
        self.run_apart(target, input, guard).await
    }

    /// A call of a function without a trigger: now, or later.
    pub(crate) async fn call_function(
        &self,
        environment: Arc<Environment>,
        live: Arc<Live>,
        function: Arc<Function>,
        input: Option<String>,
        later: bool,
    ) -> Result<ActionAnswer> {
        let wanted = TriggerInput {
            action: function.name.clone(),
            input: input.clone(),
            integration: function.unique_key.clone(),
            connection: live.connection.connection_id.clone(),
            later,
            retries_max: 0,
            depth: 0,
        };
        let target = Target {
            environment,
            live,
            function,
            depth: 0,
        };
        if later {
            return self.accept_action(target, &wanted).await.map(ActionAnswer::Accepted);
        }
        self.run_apart(target, input, None).await.map(ActionAnswer::Output)
    }

    /// In a task of its own: the run goes on when the caller goes away.
    async fn run_apart(&self, target: Target, input: Option<String>, guard: Option<Arc<Guard>>) -> Result<String> {
        let app = self.clone();
        let run = tokio::spawn(async move { app.run_action_now(target, input, guard).await });
        match run.await {
            Ok(result) => result,
            Err(error) => Err(Error::Internal(format!("an action's task failed: {error}"))),
        }
    }

    async fn run_action_now(&self, target: Target, input: Option<String>, guard: Option<Arc<Guard>>) -> Result<String> {
        let _slot = self.action_slots().take(target.environment.id).await?;
        let environment = target.environment.id;
        let operation = self
            .operations()
            .start(environment, Kind::Action, "run", target.subject());
        let mut run = target.run(operation.clone());
        run.guard = guard;
        let result = self
            .run_function(&run, RunKind::Action, input, CancellationToken::new())
            .await;
        let result = result.map(|outcome| outcome.result);
        if let Some(guard) = &run.guard
            && let Some(refusal) = guard.refusal()
        {
            operation.finish(Outcome::failed("invalid_action_input", guard.sentence()));
            return Err(refusal);
        }
        if let Ok(Err(error)) = &result {
            log_failure(&operation, error);
        }
        operation.finish(outcome_of(&result));
        match result? {
            Ok(output) => Ok(answered(output)),
            Err(error) => Err(run_error(&error)),
        }
    }
}
