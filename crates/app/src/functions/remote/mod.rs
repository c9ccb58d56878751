//! The remote builder: compiling, dry-running and deploying single functions from their source, on the server.
//!
//! Compiling is done by the [`Builder`](super::builder::Builder) that the server was started with. Dry runs and deployments
//! are answered at once and go on as [`jobs`]. Functions with declared triggers (`createFunction`) are deployed in
//! [bundles](super::bundle).

mod deployment;
mod dry_run;
mod fit;
mod jobs;
mod template;

use serde_json::{Value, json};

pub(super) use template::Shown;

use super::builder::{BuildRequest, Built, SOURCE_BYTES_MAX};
use super::deploy::{DeployInput, FlowInput};
use super::{FunctionKind, manage};
use crate::caller::{Caller, Proof};
use crate::validate::{Fields, Text};
use crate::{App, Error, Result};

/// The source of one function.
fn code(fields: &mut Fields<'_>) -> Option<String> {
    let code = fields.text("code", Text::any().min(1))?;
    if code.len() > SOURCE_BYTES_MAX {
        let message = format!("Too big: expected the source to have <={SOURCE_BYTES_MAX} bytes");
        fields.complain("too_big", message, "code");
    }
    Some(code)
}

/// `action` or `sync`.
fn function_type(fields: &mut Fields<'_>, required: bool) -> Option<FunctionKind> {
    let value = fields.raw("function_type");
    if value.is_none() && !required {
        return None;
    }
    let kind = value.and_then(Value::as_str).and_then(FunctionKind::parse);
    let kind = kind.filter(|kind| *kind != FunctionKind::OnEvent);
    if kind.is_none() {
        manage::complain_options(fields, "function_type", &["action", "sync"]);
    }
    kind
}

/// Work in the background is for keys of customers: nobody else could come back for the result.
fn require_customer(caller: &Caller) -> Result<()> {
    match caller.proof {
        Proof::EnvironmentKey(_) | Proof::AccountKey(_) => Ok(()),
        Proof::ConnectSession | Proof::Platform => Err(Error::forbidden("This endpoint needs an API key")),
    }
}

fn integration_not_found(key: &str) -> Error {
    Error::refuse(404, "integration_not_found").message(format!(
        "There is no integration with the key \"{key}\" in this environment"
    ))
}

/// A built sync or action as a deploy takes it. Refuses when it is not of the kind that was asked for.
fn flow_of(built: &Built, kind: FunctionKind, version: Option<&str>) -> Result<(FlowInput, DeployInput)> {
    let wrong = |is: &str| {
        Error::refuse(400, "compilation_error").message(format!(
            "The source defines {is}, and function_type is {}",
            kind.as_str()
        ))
    };
    let (true, Some(flow)) = (built.kind == Some(kind), &built.flow) else {
        let is = built.kind.map_or_else(
            || "a function of another kind".to_owned(),
            |kind| format!("a function of the kind {}", kind.as_str()),
        );
        return Err(wrong(&is));
    };
    let mut flow = flow.clone();
    if let Some(version) = version {
        flow["version"] = json!(version);
    }
    let body = json!({
        "flowConfigs": [flow],
        "reconcile": false,
        "debug": false,
        "deployMode": "single",
        "source": "standalone",
        "sdkVersion": concat!(env!("CARGO_PKG_VERSION"), "-zero"),
        "nangoYamlBody": "",
    });
    let input = DeployInput::parse(Some(&body), false)?;
    let flow = input
        .flows
        .first()
        .cloned()
        .ok_or_else(|| Error::Internal("a built function has no flow".to_owned()))?;
    Ok((flow, input))
}

impl App {
    /// `POST /functions/compile`.
    #[tenon_model::boxed]
    pub async fn compile_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:functions:compile")?;
        let environment = caller.environment()?;
        let mut fields = Fields::body(body)?;
        let code = code(&mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        let request = BuildRequest {
            tenant: environment.id.to_string(),
            integration: "integration".to_owned(),
            name: "function".to_owned(),
            code: code.unwrap_or_default(),
        };
        let built = self.build(&request).await?;
        Ok(json!({
            "bundle_size_bytes": built.js.len(),
            "bundled_js": built.js,
            "compiled_at": self.clock().now().iso_millis(),
        }))
    }
}
