//! Which function is meant, and for which connection.

use anyhow::{Result, bail};
use http::Method;
use serde_json::Value;
use tenon_compiler::{Compiled, Project};
use url::form_urlencoded;

use crate::authoring::client::{Client, ClientError};

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

/// Finds the function called `name` and fetches the connection. The integration is the one given, else the only
/// one that has such a function, else the one that the connection belongs to.
pub async fn find<'p>(
    project: &'p Project,
    client: &Client,
    name: &str,
    connection_id: &str,
    integration: Option<&str>,
) -> Result<Target<'p>> {
    let named: Vec<&Compiled> = project
        .functions
        .iter()
        .filter(|f| f.name() == name && integration.is_none_or(|wanted| f.integration() == wanted))
        .collect();
    let function = match named.as_slice() {
        [] => {
            let known: Vec<&str> = project.functions.iter().map(Compiled::name).collect();
            bail!("the project has no function called {name}; it has {}", known.join(", "));
        }
        [only] => only,
        several => by_connection(several, client, connection_id).await?,
    };
    find_connection(function, client, connection_id).await
}

/// A function with a connection of its integration.
pub async fn find_connection<'p>(function: &'p Compiled, client: &Client, connection_id: &str) -> Result<Target<'p>> {
    let connection = fetch_connection(client, connection_id, function.integration()).await?;
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
            let integrations: Vec<&str> = candidates.iter().map(|f| f.integration()).collect();
            bail!(
                "several integrations have this function ({}); say which with --integration-id",
                integrations.join(", ")
            )
        }
    }
}

/// A text as part of a URL.
pub fn encode(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}
