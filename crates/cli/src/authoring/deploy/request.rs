//! What is sent.

use anyhow::{Result, bail};
use http::Method;
use serde_json::{Map, Value, json};
use tenon_compiler::{Compiled, Kind, Project, definition};

use super::Plan;
use crate::authoring::{
    client::{Client, ClientError},
    terminal::{Style, Terminal, count, plain, table},
};
use crate::failure::Failure;

/// Which functions are meant; nothing = all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// One sync.
    pub sync: Option<String>,
    /// One action.
    pub action: Option<String>,
    /// One integration, also together with a name.
    pub integration: Option<String>,
}

/// What the author says about the deploy as a whole.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sent<'a> {
    /// Version to give to every function, instead of their own.
    pub version: Option<&'a str>,
    /// Mark it as one that is being looked into.
    pub debug: bool,
    /// It does not come from a repository.
    pub standalone: bool,
}

/// A deploy, ready to be planned and applied.
pub struct Request {
    body: Map<String, Value>,
    source: &'static str,
    is_bundle: bool,
}

impl Request {
    /// Picks the selected functions of a compiled project.
    pub fn new(project: &Project, selection: &Selection, sent: Sent<'_>) -> Result<Self> {
        let functions = select(project, selection)?;
        if let Some(bundle) = bundle_of(&functions, selection)? {
            return Ok(bundle);
        }
        // The reference client sends the syncs of an integration before its actions.
        let mut flows = Vec::with_capacity(functions.len());
        let mut integrations: Vec<&str> = Vec::new();
        for function in &functions {
            if !integrations.contains(&function.integration()) {
                integrations.push(function.integration());
            }
        }
        for integration in &integrations {
            for kind in [Kind::Sync, Kind::Action] {
                let of_kind = functions
                    .iter()
                    .filter(|f| f.integration() == *integration && f.definition.kind() == kind);
                flows
                    .extend(of_kind.filter_map(|f| definition::flow_config(&f.definition, &f.js, &f.ts, sent.version)));
            }
        }
        let scripts: Vec<_> = functions
            .iter()
            .map(|f| (&f.definition, f.js.as_str(), f.ts.as_str()))
            .collect();
        let events = definition::on_event_scripts(&scripts);
        let mode = selection.mode();
        let mut body = Map::new();
        body.insert("flowConfigs".to_owned(), Value::Array(flows));
        // A list removes what it does not name, in every integration; without one nothing is touched.
        if mode == "all" || (mode == "integration" && !events.is_empty()) {
            body.insert("onEventScriptsByProvider".to_owned(), Value::Array(events));
        }
        body.insert("deployMode".to_owned(), json!(mode));
        body.insert("reconcile".to_owned(), json!(false));
        body.insert("debug".to_owned(), json!(sent.debug));
        body.insert(
            "sdkVersion".to_owned(),
            json!(concat!(env!("CARGO_PKG_VERSION"), "-zero")),
        );
        Ok(Self {
            body,
            source: if sent.standalone { "standalone" } else { "repo" },
            is_bundle: false,
        })
    }

    /// Asks the server what would change.
    pub async fn plan(&self, client: &Client) -> Result<Plan, ClientError> {
        let body = Value::Object(self.body.clone());
        if self.is_bundle {
            let wire = client
                .json(Method::POST, "/functions/deployments/bundle/preview", Some(&body))
                .await?;
            return Ok(Plan::new(plan_of_bundle(&wire)));
        }
        let wire = client
            .json(Method::POST, "/sync/deploy/confirmation", Some(&body))
            .await?;
        Ok(Plan::new(wire))
    }

    /// Makes the change.
    pub async fn apply(&self, client: &Client) -> Result<Value, ClientError> {
        if self.is_bundle {
            let body = Value::Object(self.body.clone());
            let wire = client
                .json(Method::POST, "/functions/deployments/bundle", Some(&body))
                .await?;
            return Ok(deployed_of_bundle(&wire));
        }
        client
            .json(Method::POST, "/sync/deploy", Some(&self.final_body()))
            .await
    }

    /// The same with the keys of the second request, in the order in which the reference client sends them.
    fn final_body(&self) -> Value {
        let mut body = self.body.clone();
        body.insert("reconcile".to_owned(), json!(true));
        let version = body.shift_remove("sdkVersion").unwrap_or(Value::Null);
        body.insert("nangoYamlBody".to_owned(), json!(""));
        body.insert("sdkVersion".to_owned(), version);
        body.insert("source".to_owned(), json!(self.source));
        Value::Object(body)
    }

    /// How many functions are sent.
    pub fn len(&self) -> usize {
        if self.is_bundle {
            return self.body.get("functions").and_then(Value::as_array).map_or(0, Vec::len);
        }
        let events = self
            .body
            .get("onEventScriptsByProvider")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let scripts: usize = events
            .filter_map(|group| group["scripts"].as_array())
            .map(Vec::len)
            .sum();
        self.body
            .get("flowConfigs")
            .and_then(Value::as_array)
            .map_or(0, Vec::len)
            + scripts
    }
}

/// The deploy of functions made by `createFunction`, which go apart from the others; nothing for a project without any.
fn bundle_of(functions: &[&Compiled], selection: &Selection) -> Result<Option<Request>> {
    let (made, others): (Vec<&&Compiled>, Vec<&&Compiled>) = functions
        .iter()
        .partition(|function| function.definition.kind() == Kind::Function);
    let Some(first) = made.first() else {
        return Ok(None);
    };
    if let Some(other) = others.first() {
        bail!(
            "{} uses createFunction and {} does not; both kinds cannot be deployed together, so put them into two projects, or deploy one integration with --integration",
            first.entry.path,
            other.entry.path
        );
    }
    let scope = match &selection.integration {
        Some(integration) => json!({ "kind": "integration", "integrationId": integration }),
        None => json!({ "kind": "environment" }),
    };
    let members: Vec<Value> = made
        .iter()
        .filter_map(|f| definition::bundle_function(&f.definition, &f.js, &f.ts))
        .collect();
    let mut body = Map::new();
    body.insert("reconciliationScope".to_owned(), scope);
    body.insert("functions".to_owned(), Value::Array(members));
    Ok(Some(Request {
        body,
        source: "repo",
        is_bundle: true,
    }))
}

fn named<'w>(wire: &'w Value, section: &str) -> impl Iterator<Item = Value> + use<'w> {
    let items = wire.get(section).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .map(|item| json!({ "name": item["name"], "providerConfigKey": item["integrationId"] }))
}

fn plan_of_bundle(wire: &Value) -> Value {
    json!({
        "newFunctions": named(wire, "created").collect::<Vec<_>>(),
        "updatedFunctions": named(wire, "updated").collect::<Vec<_>>(),
        "deletedFunctions": named(wire, "deleted").collect::<Vec<_>>(),
    })
}

fn deployed_of_bundle(wire: &Value) -> Value {
    let changed = named(wire, "created").chain(named(wire, "updated"));
    changed
        .map(|mut function| {
            function["type"] = json!("function");
            function
        })
        .collect()
}

impl Selection {
    fn mode(&self) -> &'static str {
        match (&self.sync, &self.action, &self.integration) {
            (None, None, None) => "all",
            (None, None, Some(_)) => "integration",
            _ => "single",
        }
    }
}

fn select<'p>(project: &'p Project, selection: &Selection) -> Result<Vec<&'p Compiled>> {
    let kind = match (&selection.sync, &selection.action) {
        (Some(_), _) => Some(Kind::Sync),
        (None, Some(_)) => Some(Kind::Action),
        (None, None) => None,
    };
    let name = selection.sync.as_ref().or(selection.action.as_ref());
    let found: Vec<&Compiled> = project
        .functions
        .iter()
        .filter(|f| kind.is_none_or(|kind| f.definition.kind() == kind))
        .filter(|f| name.is_none_or(|name| f.name() == name))
        .filter(|f| {
            selection
                .integration
                .as_ref()
                .is_none_or(|integration| f.integration() == integration)
        })
        .collect();
    match (found.as_slice(), name, &selection.integration) {
        ([], Some(name), _) => bail!(Failure::not_found(format!(
            "the project has no {} called {name}",
            kind.map_or("function", Kind::word)
        ))),
        ([], None, Some(integration)) => bail!(Failure::not_found(format!(
            "the project has no functions for the integration {integration}"
        ))),
        ([_, _, ..], Some(name), None) => {
            let integrations: Vec<&str> = found.iter().map(|f| f.integration()).collect();
            bail!(
                "{name} exists in {}; say which with --integration",
                integrations.join(" and ")
            )
        }
        _ => Ok(found),
    }
}

/// What the server says it did.
pub fn render_result(deployed: &Value, request: &Request, terminal: Terminal) -> String {
    let text = |item: &Value, key: &str| item[key].as_str().unwrap_or("").to_owned();
    let rows: Vec<Vec<String>> = deployed
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| {
            vec![
                terminal.paint(Style::Green, "✓"),
                terminal.paint(Style::Cyan, &text(item, "type")),
                plain(&format!("{}/{}", text(item, "providerConfigKey"), text(item, "name"))).into_owned(),
                match text(item, "version") {
                    version if version.is_empty() => String::new(),
                    version => terminal.paint(Style::Dim, &format!("version {version}")),
                },
            ]
        })
        .collect();
    let sentence = format!("Deployed {}.", count(request.len(), "function"));
    format!("{}{}", table(2, &rows), terminal.paint(Style::Green, &sentence))
}
