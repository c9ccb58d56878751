//! `POST /functions/invocations`: calling a function made by `createFunction` that has no trigger.

use std::sync::Arc;

use serde_json::{Value, json};
use tenon_store::tables::functions as table;

use super::declared::Trigger;
use super::{Function, FunctionKind, manage};
use crate::actions::ActionAnswer;
use crate::caller::Caller;
use crate::connections::LiveError;
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, NAME, Text};
use crate::{App, Error, Result};

/// What became of an invocation.
#[derive(Debug, Clone, PartialEq)]
pub enum Invoked {
    /// It ended; its output.
    Done(Value),
    /// It runs later; what to ask for its result.
    Accepted(Value),
}

struct Wanted {
    connection: String,
    integration: String,
    name: String,
    input: Option<Value>,
    wait: bool,
}

fn parse(body: Option<&Value>) -> Result<Wanted> {
    let mut fields = Fields::body(body)?;
    let connection = fields.text("connection_id", Text::any().min(1).max(255).pattern(&CONNECTION_ID));
    let integration = fields.text("integration_id", Text::any().min(1).max(255).pattern(&INTEGRATION_ID));
    let name = fields.text("name", Text::any().pattern(&NAME).max(255));
    let input = fields.raw("input").cloned();
    let wait = match fields.raw("invocation_type").and_then(Value::as_str) {
        Some("wait") => true,
        Some("no_wait") => false,
        _ => {
            manage::complain_options(&mut fields, "invocation_type", &["wait", "no_wait"]);
            true
        }
    };
    fields.raw("options");
    fields.strict();
    fields.finish("invalid_body")?;
    Ok(Wanted {
        connection: connection.unwrap_or_default(),
        integration: integration.unwrap_or_default(),
        name: name.unwrap_or_default(),
        input,
        wait,
    })
}

impl App {
    /// Runs a function without a trigger and answers its output, or accepts it for later.
    pub async fn invoke_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Invoked> {
        caller.require("environment:functions:invocations")?;
        let environment = Arc::clone(caller.environment()?);
        let wanted = parse(body)?;
        let live = self
            .find_live(environment.id, &wanted.integration, &wanted.connection)
            .await
            .map_err(|error| match error {
                LiveError::Internal(error) => error,
                _ => Error::refuse(404, "connection_not_found").message(format!(
                    "There is no connection \"{}\" of the integration \"{}\" in this environment",
                    wanted.connection, wanted.integration
                )),
            })?;
        let mut conn = self.store().read().await?;
        let integration = live.connection.integration_id;
        let rows = table::list_named(&mut conn, environment.id, integration, &wanted.name).await?;
        drop(conn);
        let functions = rows.into_iter().map(Function::from_row).collect::<Result<Vec<_>>>()?;
        let found = functions.iter().find(|function| function.declared().is_some());
        let function = found.ok_or_else(|| {
            Error::refuse(404, "unknown_function").message(format!(
                "The integration \"{}\" has no function \"{}\" made by createFunction",
                wanted.integration, wanted.name
            ))
        })?;
        check_trigger(function)?;
        if !function.enabled {
            return Err(Error::refuse(403, "function_disabled").message("The function is disabled"));
        }
        let input = wanted.input.clone().unwrap_or(Value::Null);
        let complaints = function
            .input_checker()
            .map_or_else(Vec::new, |checker| checker.complaints(&input));
        if !complaints.is_empty() {
            return Err(Error::refuse(400, "validation_error")
                .message("The input does not match the schema that the function declares")
                .payload(json!({ "errors": complaints })));
        }
        let function = self
            .find_function(environment.id, integration, FunctionKind::Action, &wanted.name)
            .await?
            .ok_or_else(|| Error::refuse(404, "unknown_function").message("The function is gone"))?;
        let input = wanted
            .input
            .as_ref()
            .filter(|input| !input.is_null())
            .map(Value::to_string);
        let answer = self
            .call_function(environment, live, function, input, !wanted.wait)
            .await?;
        Ok(match answer {
            ActionAnswer::Output(output) => Invoked::Done(json!({
                "status": "success",
                "output": serde_json::from_str::<Value>(&output).unwrap_or_default(),
            })),
            ActionAnswer::Accepted(id) => Invoked::Accepted(json!({
                "id": id.to_string(),
                "status": "waiting",
                "statusUrl": format!("/action/{id}"),
            })),
        })
    }
}

/// Only functions that nothing else starts are called.
fn check_trigger(function: &Function) -> Result<()> {
    let instead = match function.declared().map(|declared| &declared.trigger) {
        Some(Trigger::None) | None => return Ok(()),
        Some(Trigger::Schedule { .. }) => "its schedule starts it; POST /sync/trigger runs it now",
        Some(Trigger::Http { .. }) => "messages of the provider start it",
        Some(Trigger::Event { .. }) => "events of connections start it",
    };
    Err(Error::refuse(400, "invalid_invocation").message(format!("The function cannot be invoked: {instead}")))
}
