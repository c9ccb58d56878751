//! Function templates: listed for a provider, and deployed to an integration as they are.
//!
//! A template is a source that the binary carries. It goes through the same compiler as any other source; what the list
//! shows of it is worked out once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tenon_catalog::library::{self, FunctionTemplate};

use super::deployment::details_of;
use super::jobs::{Ended, Job, JobKind};
use super::{flow_of, integration_not_found};
use crate::caller::Caller;
use crate::functions::builder::BuildRequest;
use crate::functions::{FunctionKind, Source};
use crate::integrations::Integration;
use crate::{App, Error, Result};

/// What lists show of templates, by provider, folder and name.
#[derive(Debug, Default)]
pub(in crate::functions) struct Shown(Mutex<HashMap<(&'static str, &'static str, &'static str), Value>>);

impl Shown {
    fn get(&self, template: &FunctionTemplate) -> Option<Value> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&key(template)).cloned()
    }

    fn put(&self, template: &FunctionTemplate, shown: Value) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key(template), shown);
    }
}

fn key(template: &FunctionTemplate) -> (&'static str, &'static str, &'static str) {
    (template.provider, template.folder, template.name)
}

fn kind_of(template: &FunctionTemplate) -> FunctionKind {
    FunctionKind::parse(template.kind()).unwrap_or(FunctionKind::Action)
}

/// The template that a request names.
fn choose(provider: &str, name: &str, kind: Option<FunctionKind>) -> Result<&'static FunctionTemplate> {
    let named = library::templates(Some(provider)).filter(|template| template.name == name);
    let found: Vec<_> = named
        .filter(|template| kind.is_none_or(|kind| kind_of(template) == kind))
        .collect();
    match found.as_slice() {
        [template] => Ok(*template),
        [] => {
            let known: Vec<&str> = library::templates(Some(provider))
                .map(|template| template.name)
                .collect();
            let hint = if known.is_empty() {
                format!("the provider {provider} has none")
            } else {
                format!("the provider {provider} has {}", known.join(", "))
            };
            Err(Error::refuse(404, "template_not_found")
                .message(format!("There is no template \"{name}\" for this integration; {hint}")))
        }
        _ => Err(Error::refuse(409, "ambiguous_function").message(format!(
            "There is a sync and an action called \"{name}\"; say which one in function_type"
        ))),
    }
}

impl App {
    /// `GET /providers/:provider/templates`.
    pub async fn list_templates(&self, caller: &Caller, provider: &str) -> Result<Vec<Value>> {
        let environment = caller.environment()?;
        let mut list = Vec::new();
        for template in library::templates(Some(provider)) {
            let shown = match self.workshop().templates.get(template) {
                Some(shown) => shown,
                None => {
                    let request = BuildRequest {
                        tenant: environment.id.to_string(),
                        integration: provider.to_owned(),
                        name: template.name.to_owned(),
                        code: template.source.to_owned(),
                    };
                    let built = self.build(&request).await?;
                    let (flow, _) = flow_of(&built, kind_of(template), None)?;
                    let mut shown = Map::new();
                    shown.insert("name".to_owned(), json!(flow.name));
                    flow.definition.describe(flow.kind, &mut shown);
                    let shown = Value::Object(shown);
                    self.workshop().templates.put(template, shown.clone());
                    shown
                }
            };
            list.push(shown);
        }
        Ok(list)
    }

    /// Deploys a template at once: there is nothing in it that the caller could get wrong.
    pub(super) async fn deploy_template(
        &self,
        caller: &Caller,
        integration: &str,
        name: &str,
        kind: Option<FunctionKind>,
    ) -> Result<Value> {
        let environment = caller.environment()?;
        let integration: std::sync::Arc<Integration> = self
            .find_integration(environment.id, integration)
            .await?
            .ok_or_else(|| integration_not_found(integration))?;
        let template = choose(&integration.provider, name, kind)?;
        let kind = kind_of(template);
        let present = self.find_function(environment.id, integration.id, kind, name).await?;
        if present.is_some() {
            return Err(Error::refuse(409, "template_already_deployed").message(format!(
                "The integration \"{}\" has a {} called \"{name}\" already; delete it first, or deploy a changed copy under \
                 another name",
                integration.unique_key,
                kind.as_str()
            )));
        }
        let request = BuildRequest {
            tenant: environment.id.to_string(),
            integration: integration.unique_key.clone(),
            name: name.to_owned(),
            code: template.source.to_owned(),
        };
        let built = self.build(&request).await?;
        let (_, mut input) = flow_of(&built, kind, None)?;
        input.source = Source::Catalog;
        let deployed = self.deploy(caller, input).await?;
        let details = details_of(&deployed);
        let job = Job {
            kind: JobKind::Deployment,
            environment: environment.id,
            integration: integration.unique_key.clone(),
            function: name.to_owned(),
            function_type: kind,
        };
        self.record_job(&job, Ended::success(details)).await
    }
}
