//! Compiling, dry-running and deploying single functions on the server, and functions with declared triggers
//! (`createFunction`): recognised, not offered by this server yet. The refusals are those that the contract knows.

use serde_json::Value;

use crate::caller::Caller;
use crate::validate::{Fields, NAME, Text};
use crate::{App, Error, Result};

fn unavailable(what: &str, instead: &str) -> Error {
    Error::refuse(503, "execution_environment_unavailable")
        .message(format!("This server does not {what} yet; {instead}"))
}

impl App {
    /// `POST /functions/compile`.
    pub fn compile_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:functions:compile")?;
        caller.environment()?;
        let mut fields = Fields::body(body)?;
        fields.text("code", Text::any().min(1));
        fields.strict();
        fields.finish("invalid_body")?;
        Err(unavailable("compile functions", "use `tenon compile` in a project"))
    }

    /// `POST /functions/dryruns`.
    pub fn dry_run_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:functions:dryrun")?;
        caller.environment()?;
        Fields::body(body)?;
        Err(unavailable("dry-run functions", "use `tenon dryrun` in a project"))
    }

    /// `GET /functions/dryruns/:id`: none was ever started.
    pub fn read_dry_run(&self, caller: &Caller) -> Result<Value> {
        caller.require("environment:functions:dryrun")?;
        caller.environment()?;
        Err(Error::refuse(404, "dryrun_not_found").message("There is no such dry run"))
    }

    /// `POST /functions/deployments`.
    pub fn deploy_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:deploy")?;
        caller.environment()?;
        Fields::body(body)?;
        Err(unavailable("deploy single sources", "use `tenon deploy` in a project"))
    }

    /// `GET /functions/deployments/:id`: none was ever started.
    pub fn read_function_deployment(&self, caller: &Caller) -> Result<Value> {
        caller.require("environment:deploy")?;
        caller.environment()?;
        Err(Error::refuse(404, "deployment_not_found").message("There is no such deployment"))
    }

    /// `POST /functions/deployments/bundle` and its preview: an empty set changes nothing, functions are refused.
    pub fn deploy_bundle(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:deploy")?;
        caller.environment()?;
        let mut fields = Fields::body(body)?;
        fields.object("reconciliationScope", |scope| {
            match scope.raw("kind").and_then(Value::as_str) {
                Some("environment") => {}
                Some("integration") => {
                    scope.text("integrationId", Text::any().min(1).max(255));
                }
                _ => scope.complain("invalid_union", "Invalid input", "kind"),
            }
            scope.strict();
        });
        let functions = fields.raw("functions").and_then(Value::as_array);
        if functions.is_none() {
            fields.complain("invalid_type", "Invalid input: expected array", "functions");
        }
        fields.strict();
        fields.finish("invalid_body")?;
        if functions.is_none_or(Vec::is_empty) {
            return Ok(serde_json::json!({ "created": [], "updated": [], "unchanged": [], "deleted": [] }));
        }
        Err(unavailable(
            "run functions made with createFunction",
            "use createSync, createAction or createOnEvent",
        ))
    }

    /// `POST /functions/invocations`: a preview of the contract that always ends in 501.
    pub fn invoke_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:functions:invocations")?;
        caller.environment()?;
        let mut fields = Fields::body(body)?;
        fields.text("connection_id", Text::any().min(1).max(255));
        fields.text("integration_id", Text::any().min(1).max(255));
        fields.text("name", Text::any().pattern(&NAME).max(255));
        fields.raw("input");
        if !matches!(
            fields.raw("invocation_type").and_then(Value::as_str),
            Some("wait" | "no_wait")
        ) {
            super::manage::complain_options(&mut fields, "invocation_type", &["wait", "no_wait"]);
        }
        fields.raw("options");
        fields.strict();
        fields.finish("invalid_body")?;
        Err(Error::refuse(501, "not_implemented").message("Invocations are not offered yet; trigger an action instead"))
    }
}
