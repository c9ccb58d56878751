//! Deploying one function from its source.

use serde_json::{Map, Value, json};

use super::jobs::{Ended, Job, JobKind};
use super::{code, flow_of, function_type, integration_not_found, require_customer};
use crate::caller::Caller;
use crate::functions::builder::BuildRequest;
use crate::functions::{Function, FunctionKind, Source};
use crate::integrations::Integration;
use crate::validate::{Fields, INTEGRATION_ID, NAME, Text};
use crate::{App, Error, Result};

/// A function to build and deploy.
struct Wanted {
    integration: String,
    name: String,
    kind: FunctionKind,
    code: String,
    version: Option<String>,
    allow_destructive: bool,
}

/// What the body asks for: a function from its source, or a template by its name.
enum Request {
    Function(Wanted),
    Template {
        integration: String,
        template: String,
        kind: Option<FunctionKind>,
    },
}

fn parse(body: Option<&Value>) -> Result<Request> {
    let mut fields = Fields::body(body)?;
    let integration = Text::any().min(1).max(255).pattern(&INTEGRATION_ID);
    let name = Text::any().pattern(&NAME).max(255);
    let request = match fields.raw("type").and_then(Value::as_str) {
        Some("function") => Request::Function(Wanted {
            integration: fields.text("integration_id", integration).unwrap_or_default(),
            name: fields.text("function_name", name).unwrap_or_default(),
            kind: function_type(&mut fields, true).unwrap_or(FunctionKind::Action),
            code: code(&mut fields).unwrap_or_default(),
            version: fields.opt_text("version", Text::any().min(1).max(255)),
            allow_destructive: fields.opt_boolean("allow_destructive").unwrap_or(false),
        }),
        Some("template") => {
            let integration = fields.text("integration_id", integration).unwrap_or_default();
            let template = fields.text("template", name).unwrap_or_default();
            let kind = function_type(&mut fields, false);
            Request::Template {
                integration,
                template,
                kind,
            }
        }
        _ => {
            fields.complain("invalid_union", "Invalid input", "type");
            fields.finish("invalid_body")?;
            return Err(Error::invalid_body("type is function or template"));
        }
    };
    fields.strict();
    fields.finish("invalid_body")?;
    Ok(request)
}

/// What an answer tells about functions that were deployed.
pub(super) fn details_of(deployed: &Value) -> Map<String, Value> {
    let functions: Vec<Value> = deployed
        .as_array()
        .into_iter()
        .flatten()
        .map(|function| json!({ "name": function.get("name"), "version": function.get("version") }))
        .collect();
    let mut details = Map::new();
    details.insert("deployed".to_owned(), json!(true));
    details.insert("deployed_functions".to_owned(), Value::Array(functions));
    details
}

/// Refuses to write over what came from a repository.
fn check_source(present: Option<&Function>) -> Result<()> {
    match present {
        Some(function) if function.source != Source::Standalone => {
            Err(Error::refuse(400, "invalid_request").message(format!(
                "The function \"{}\" was not deployed through this endpoint (its source is {}); deploy it from its \
                 project, or choose another name",
                function.name,
                function.source.as_str()
            )))
        }
        _ => Ok(()),
    }
}

/// Refuses to drop models of a sync, unless that is allowed.
fn check_models(present: Option<&Function>, models: &[String], allowed: bool) -> Result<()> {
    let Some(function) = present.filter(|function| function.kind == FunctionKind::Sync && !allowed) else {
        return Ok(());
    };
    let kept = |model: &&String| !models.contains(model);
    let gone: Vec<&str> = function
        .definition
        .models
        .iter()
        .filter(kept)
        .map(String::as_str)
        .collect();
    if gone.is_empty() {
        return Ok(());
    }
    Err(Error::refuse(400, "invalid_request").message(format!(
        "The new version no longer has the models {}; send allow_destructive: true to drop them",
        gone.join(", ")
    )))
}

impl App {
    /// `POST /functions/deployments`.
    #[tenon_model::boxed]
    pub async fn deploy_function(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:deploy")?;
        let environment = caller.environment()?;
        match parse(body)? {
            Request::Template {
                integration,
                template,
                kind,
            } => self.deploy_template(caller, &integration, &template, kind).await,
            Request::Function(wanted) => {
                require_customer(caller)?;
                let integration = self
                    .find_integration(environment.id, &wanted.integration)
                    .await?
                    .ok_or_else(|| integration_not_found(&wanted.integration))?;
                check_source(self.present(&integration, caller, &wanted).await?.as_deref())?;
                let permit = self.workshop().accept()?;
                let job = Job {
                    kind: JobKind::Deployment,
                    environment: environment.id,
                    integration: wanted.integration.clone(),
                    function: wanted.name.clone(),
                    function_type: wanted.kind,
                };
                let (app, caller) = (self.clone(), caller.clone());
                let work = async move { app.build_and_deploy(&caller, &integration, &wanted).await };
                self.start_job(job, permit, work).await
            }
        }
    }

    async fn present(
        &self,
        integration: &Integration,
        caller: &Caller,
        wanted: &Wanted,
    ) -> Result<Option<std::sync::Arc<Function>>> {
        self.find_function(caller.environment()?.id, integration.id, wanted.kind, &wanted.name)
            .await
    }

    async fn build_and_deploy(&self, caller: &Caller, integration: &Integration, wanted: &Wanted) -> Result<Ended> {
        let request = BuildRequest {
            tenant: caller.environment()?.id.to_string(),
            integration: wanted.integration.clone(),
            name: wanted.name.clone(),
            code: wanted.code.clone(),
        };
        let built = self.build(&request).await?;
        let (flow, mut input) = flow_of(&built, wanted.kind, wanted.version.as_deref())?;
        // It may have been deployed from a repository while this one was built.
        let present = self.present(integration, caller, wanted).await?;
        check_source(present.as_deref())?;
        check_models(present.as_deref(), &flow.definition.models, wanted.allow_destructive)?;
        input.drops_models = wanted.allow_destructive;
        let deployed = self.deploy(caller, input).await?;
        let mut details = details_of(&deployed);
        details.insert("output".to_owned(), json!(built.warnings));
        Ok(Ended::success(details))
    }

    /// `GET /functions/deployments/:id`.
    #[tenon_model::boxed]
    pub async fn read_function_deployment(&self, caller: &Caller, id: &str) -> Result<Value> {
        caller.require("environment:deploy")?;
        self.read_job(caller.environment()?.id, JobKind::Deployment, id).await
    }
}
