//! Tools: the actions of one connection as language models call them.
//!
//! A [`Toolbox`] is one connection seen by a model: [`App::list_tools`] describes the enabled actions of its integration
//! with the schema of their input, [`App::call_tool`] runs one like any other action. Arguments come from a model, not
//! from a program, so they are held against that schema ([`schema`]): a call whose arguments contradict it may run, but
//! is stopped before it reaches the provider ([`Guard`]).

mod guard;
mod pretty;
mod schema;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::HeaderMap;
use serde_json::{Map, Value};
use tenon_store::tables::functions::{self as table, FunctionFilter};

pub use guard::Guard;
pub(crate) use schema::Checker;

use crate::caller::Caller;
use crate::connections::{Live, LiveError};
use crate::environments::Environment;
use crate::functions::{Function, FunctionKind};
use crate::validate::{CONNECTION_ID, Fields, INTEGRATION_ID, Text};
use crate::{App, Error, Result};

/// The most tools that are listed; more than any model can choose from.
const TOOLS_MAX: i64 = 2_000;

/// Code of the refusal of a tool that does not exist.
pub const UNKNOWN_TOOL: &str = "unknown_tool";

/// Which connection a model works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolboxInput {
    /// The connection's id.
    pub connection: String,
    /// The integration's key.
    pub integration: String,
}

impl ToolboxInput {
    /// Reads the headers `connection-id` and `provider-config-key`.
    ///
    /// # Errors
    /// 400 `invalid_headers` when one is absent or malformed.
    pub fn parse(headers: &HeaderMap) -> Result<Self> {
        let mut map = Map::new();
        for name in ["connection-id", "provider-config-key"] {
            if let Some(value) = headers.get(name) {
                let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
                map.insert(name.to_owned(), Value::String(text));
            }
        }
        let value = Value::Object(map);
        let mut fields = Fields::root(Some(&value)).map_err(|issues| Error::invalid("invalid_headers", issues))?;
        let connection = fields.text("connection-id", Text::any().pattern(&CONNECTION_ID).max(255));
        let integration = fields.text("provider-config-key", Text::any().pattern(&INTEGRATION_ID).max(255));
        fields.finish("invalid_headers")?;
        Ok(Self {
            connection: connection.unwrap_or_default(),
            integration: integration.unwrap_or_default(),
        })
    }
}

/// One connection, seen as a set of tools.
#[derive(Debug, Clone)]
pub struct Toolbox {
    environment: Arc<Environment>,
    live: Arc<Live>,
}

/// One tool.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Name of the action.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// JSON Schema of its arguments, always of an object.
    pub input_schema: Map<String, Value>,
}

impl App {
    /// The tools of a connection.
    ///
    /// # Errors
    /// 403 without the scope `environment:mcp`, 400 `unknown_connection` when there is no such connection.
    #[tenon_model::boxed]
    pub async fn open_toolbox(&self, caller: &Caller, input: &ToolboxInput) -> Result<Toolbox> {
        caller.require("environment:mcp")?;
        let environment = Arc::clone(caller.environment()?);
        let live = self
            .find_live(environment.id, &input.integration, &input.connection)
            .await;
        let live = live.map_err(|error| match error {
            LiveError::UnknownIntegration | LiveError::UnknownConnection => Error::refuse(400, "unknown_connection")
                .message("Provided connection-id and provider-config-key do not match a valid connection"),
            LiveError::UnknownProvider => {
                Error::refuse(400, "unknown_provider").message("The integration's provider is not in the catalogue")
            }
            LiveError::Refresh(_) => Error::Internal("looking up a connection does not refresh it".to_owned()),
            LiveError::Internal(error) => error,
        })?;
        Ok(Toolbox { environment, live })
    }

    /// The enabled actions of the connection's integration. Those whose input is no object are left out: arguments of a
    /// tool are always one.
    #[tenon_model::boxed]
    pub async fn list_tools(&self, toolbox: &Toolbox) -> Result<Vec<Tool>> {
        let filter = FunctionFilter {
            integration: Some(toolbox.live.connection.integration_id),
            kind: Some(FunctionKind::Action.as_str()),
            search: None,
        };
        let mut conn = self.store().read().await?;
        let rows = table::list(&mut conn, toolbox.environment.id, filter, 0, TOOLS_MAX).await?;
        drop(conn);
        let mut tools = Vec::new();
        for row in rows.into_iter().filter(|row| row.enabled) {
            let function = Function::from_row(row)?;
            let Some(input_schema) = schema::of_tool(&function.definition) else {
                continue;
            };
            let description = function.definition.description.clone();
            tools.push(Tool {
                description: description
                    .filter(|text| !text.is_empty())
                    .unwrap_or_else(|| function.name.clone()),
                name: function.name,
                input_schema,
            });
        }
        Ok(tools)
    }

    /// Runs a tool and answers its output as indented JSON text.
    ///
    /// # Errors
    /// [`UNKNOWN_TOOL`] when the integration has no enabled action of this name, 400 `invalid_action_input` when the
    /// arguments contradict its schema and it asked for the provider; else what the action failed with.
    #[tenon_model::boxed]
    pub async fn call_tool(&self, toolbox: &Toolbox, name: &str, arguments: &Map<String, Value>) -> Result<String> {
        let integration = toolbox.live.connection.integration_id;
        let function = self
            .find_function(toolbox.environment.id, integration, FunctionKind::Action, name)
            .await?
            .filter(|function| function.enabled)
            .ok_or_else(|| Error::refuse(404, UNKNOWN_TOOL).message(format!("Action {name} not found")))?;
        let arguments = Value::Object(arguments.clone());
        let guard = Guard::of(&function, &arguments);
        let output = self
            .run_action(
                Arc::clone(&toolbox.environment),
                Arc::clone(&toolbox.live),
                function,
                Some(arguments.to_string()),
                guard,
            )
            .await?;
        Ok(pretty::indented(&output))
    }
}
