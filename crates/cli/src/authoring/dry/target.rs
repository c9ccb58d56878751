//! Which function is meant, and for which connection.

use anyhow::{Result, bail};
use http::Method;
use serde_json::Value;
use tenon_compiler::{Compiled, Project};

use crate::authoring::client::{Client, ClientError, encode};
use crate::authoring::report::kind_word;
use crate::failure::Failure;

/// A function and a connection that belong together.
pub struct Target<'p> {
    /// The function.
    pub function: &'p Compiled,
    /// Id of the connection.
    pub connection_id: String,
    /// The connection as the server shows it, credentials left out where the key may not read them.
    pub connection: Value,
    /// Name of the provider.
    pub provider: String,
    /// How the provider is paged through, from the catalogue.
    pub provider_paginate: Option<Value>,
    /// The server does not know the provider.
    pub provider_missing: bool,
}

/// Which function is meant: its name, and what else was said of it.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Its name.
    pub name: &'w str,
    /// Its integration.
    pub integration: Option<&'w str>,
    /// `sync`, `action`, `on-event` or `function`.
    pub kind: Option<&'w str>,
}

impl Wanted<'_> {
    fn fits(self, function: &Compiled) -> bool {
        let (integration, kind) = (function.integration(), kind_word(function.definition.kind()));
        function.name() == self.name
            && self.integration.is_none_or(|wanted| integration == wanted)
            && self.kind.is_none_or(|wanted| kind == wanted)
    }
}

/// Finds the function that is wanted and fetches the connection. The integration is the one given, else the only
/// one that has such a function, else the one that the connection belongs to.
pub async fn find<'p>(
    project: &'p Project,
    client: &Client,
    wanted: Wanted<'_>,
    connection_id: &str,
) -> Result<Target<'p>> {
    let fitting: Vec<&Compiled> = project.functions.iter().filter(|f| wanted.fits(f)).collect();
    let function = match fitting.as_slice() {
        [] => bail!(Failure::not_found(nothing_fits(project, wanted))),
        [only] => only,
        several => by_connection(several, client, connection_id).await?,
    };
    find_connection(function, client, connection_id).await
}

fn nothing_fits(project: &Project, wanted: Wanted<'_>) -> String {
    let named = project.functions.iter().filter(|f| f.name() == wanted.name);
    let elsewhere: Vec<String> = named.map(titled).collect();
    if !elsewhere.is_empty() {
        return format!(
            "no such function called {} is in the project; there is {}",
            wanted.name,
            elsewhere.join(", ")
        );
    }
    let known: Vec<&str> = project.functions.iter().map(Compiled::name).collect();
    match known.as_slice() {
        [] => "the project has no functions; `tenon create` adds one".to_owned(),
        known => format!(
            "the project has no function called {}; it has {}",
            wanted.name,
            known.join(", ")
        ),
    }
}

/// `the sync contacts of hubspot`.
fn titled(function: &Compiled) -> String {
    let kind = kind_word(function.definition.kind());
    format!("the {kind} {} of {}", function.name(), function.integration())
}

/// A function with a connection of its integration.
pub async fn find_connection<'p>(function: &'p Compiled, client: &Client, connection_id: &str) -> Result<Target<'p>> {
    let integration = function.integration();
    let connection = match fetch_connection(client, connection_id, integration).await {
        Err(ClientError::Refused { code, .. }) if code == "unknown_provider_config" => {
            bail!(Failure::new(
                code,
                format!(
                    "the server has no integration {integration}, which {} needs",
                    titled(function)
                )
            ))
        }
        Err(ClientError::Refused {
            status: 400 | 404,
            code,
            ..
        }) if code == "not_found" || code == "unknown_connection" => {
            bail!(Failure::not_found(format!(
                "{integration} has no connection {connection_id} in this environment, and {} needs one",
                titled(function)
            )))
        }
        answer => answer?,
    };
    let provider = connection["provider"].as_str().unwrap_or_default().to_owned();
    let catalogue = client
        .json(Method::GET, &format!("/providers/{}", encode(&provider)), None)
        .await;
    let (provider_paginate, provider_missing) = match catalogue {
        Ok(answer) => (
            answer
                .pointer("/data/proxy/paginate")
                .filter(|value| value.is_object())
                .cloned(),
            false,
        ),
        Err(_) => (None, true),
    };
    Ok(Target {
        function,
        connection_id: connection_id.to_owned(),
        connection,
        provider,
        provider_paginate,
        provider_missing,
    })
}

/// The connection with this id in an integration.
pub async fn fetch_connection(client: &Client, connection_id: &str, integration: &str) -> Result<Value, ClientError> {
    let path = format!(
        "/connections/{}?provider_config_key={}",
        encode(connection_id),
        encode(integration)
    );
    client.json(Method::GET, &path, None).await
}

async fn by_connection<'p>(candidates: &[&'p Compiled], client: &Client, connection_id: &str) -> Result<&'p Compiled> {
    let path = format!("/connections?connectionId={}", encode(connection_id));
    let answer = client.json(Method::GET, &path, None).await?;
    let keys: Vec<&str> = answer["connections"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|connection| connection["provider_config_key"].as_str())
        .collect();
    let fitting: Vec<&&Compiled> = candidates.iter().filter(|f| keys.contains(&f.integration())).collect();
    match fitting.as_slice() {
        [only] => Ok(only),
        _ => {
            let all: Vec<String> = candidates.iter().map(|f| titled(f)).collect();
            let one_integration = candidates.windows(2).all(|two| match two {
                [a, b] => a.integration() == b.integration(),
                _ => true,
            });
            let flag = if one_integration { "--type" } else { "--integration-id" };
            bail!(
                "several functions have this name ({}); say which with {flag}",
                all.join(", ")
            )
        }
    }
}
