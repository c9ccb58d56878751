//! Finding the authorization server of an MCP server (RFC 9728, RFC 8414).

use http::header::{ACCEPT, WWW_AUTHENTICATE};
use serde_json::{Map, Value, json};
use tenon_egress::{Egress, Redirects, Request};
use url::Url;

use super::{Found, Proof, server_url};
use crate::error::Error;
use crate::oauth2::text;
use crate::subject::USER_AGENT;
use crate::token_call::{CALL_TIMEOUT, refused};

const METADATA_BYTES_MAX: usize = 256 * 1024;
const WHAT: &str = "discovery";

/// Finds the authorization server of an MCP server.
///
/// # Errors
/// When nothing is found, or what is found contradicts itself.
#[tenon_model::boxed]
pub async fn discover(egress: &Egress, server: &Url) -> Result<Found, Error> {
    let challenge = challenge(egress, server).await;
    let resource = resource_metadata(egress, server, challenge.metadata.as_deref()).await?;
    let issuer = resource
        .as_ref()
        .and_then(|metadata| metadata.get("authorization_servers")?.get(0)?.as_str())
        .map_or_else(|| origin(server), str::to_owned);
    let metadata = server_metadata(egress, &issuer).await?;
    let endpoint = |name: &str| -> Result<Option<String>, Error> {
        let Some(url) = metadata.get(name).and_then(Value::as_str) else {
            return Ok(None);
        };
        server_url(egress, url).map(|_| Some(url.to_owned()))
    };
    let needed = |name: &'static str| -> Result<String, Error> {
        endpoint(name)?.ok_or(Error::Missing {
            what: format!("{name} in the metadata of the authorization server"),
        })
    };
    let list = |value: Option<&Value>| -> Vec<String> {
        let items = value.and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let methods = list(metadata.get("code_challenge_methods_supported"));
    if !methods.is_empty() && !methods.iter().any(|method| method == "S256") {
        return Err(Error::Unsupported {
            what: "an authorization server without PKCE (S256)",
        });
    }
    let mut scopes: Vec<String> = challenge.scope.split_whitespace().map(str::to_owned).collect();
    if scopes.is_empty() {
        scopes = list(resource.as_ref().and_then(|metadata| metadata.get("scopes_supported")));
    }
    if scopes.is_empty() {
        scopes = list(metadata.get("scopes_supported"));
    }
    let named = resource.as_ref().and_then(|metadata| text(metadata, "resource"));
    let flag = |name: &str| metadata.get(name) == Some(&Value::Bool(true));
    Ok(Found {
        issuer,
        authorization_endpoint: needed("authorization_endpoint")?,
        token_endpoint: needed("token_endpoint")?,
        registration_endpoint: endpoint("registration_endpoint")?,
        revocation_endpoint: endpoint("revocation_endpoint")?,
        resource: named.map_or_else(|| server.as_str().to_owned(), str::to_owned),
        scopes,
        metadata_documents: flag("client_id_metadata_document_supported"),
        names_issuer: flag("authorization_response_iss_parameter_supported"),
        client_auth: Proof::None,
    })
}

#[derive(Default)]
struct Challenge {
    metadata: Option<String>,
    scope: String,
}

/// What the server says when it is asked without a token. A server that says nothing is asked at the usual places.
async fn challenge(egress: &Egress, server: &Url) -> Challenge {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let request = Request::new(http::Method::POST, server.clone())
        .timeout(CALL_TIMEOUT)
        .redirects(Redirects::Return)
        .json(&body)
        .and_then(|request| request.header(ACCEPT.as_str(), "application/json, text/event-stream"))
        .and_then(|request| request.header("user-agent", USER_AGENT));
    let Ok(request) = request else {
        return Challenge::default();
    };
    let Ok(response) = egress.send(request).await else {
        return Challenge::default();
    };
    let mut found = Challenge::default();
    for value in response.headers.get_all(WWW_AUTHENTICATE) {
        let value = value.to_str().unwrap_or_default();
        found.metadata = found.metadata.or_else(|| parameter(value, "resource_metadata"));
        if let Some(scope) = parameter(value, "scope") {
            found.scope = scope;
        }
    }
    found
}

/// A quoted or plain parameter of a challenge.
fn parameter(challenge: &str, name: &str) -> Option<String> {
    let mut rest = challenge;
    loop {
        let (before, after) = rest.split_once(&format!("{name}="))?;
        if before.is_empty() || before.ends_with([' ', ',']) {
            return Some(match after.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
                None => after.split([',', ' ']).next().unwrap_or_default().to_owned(),
            });
        }
        rest = after;
    }
}

/// The server's own metadata; servers without any are their own authorization server.
async fn resource_metadata(
    egress: &Egress,
    server: &Url,
    named: Option<&str>,
) -> Result<Option<Map<String, Value>>, Error> {
    let mut places = Vec::new();
    if let Some(named) = named {
        places.push(server_url(egress, named)?);
    }
    places.extend(well_known(server, "oauth-protected-resource"));
    for place in places {
        let Some(metadata) = document(egress, place).await? else {
            continue;
        };
        let resource = text(&metadata, "resource").unwrap_or_default();
        if !covers(resource, server) {
            return Err(refused(
                WHAT,
                400,
                &json!({
                    "error": "wrong_resource",
                    "error_description": "the server's metadata describes another resource than the given URL",
                }),
                "",
            ));
        }
        return Ok(Some(metadata));
    }
    Ok(None)
}

/// Whether a resource identifier stands for the server: the same origin, and a path that the server's lies below.
fn covers(resource: &str, server: &Url) -> bool {
    let Ok(resource) = Url::parse(resource) else {
        return false;
    };
    let (above, below) = (resource.path().trim_end_matches('/'), server.path());
    resource.origin() == server.origin()
        && below
            .strip_prefix(above)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn server_metadata(egress: &Egress, issuer: &str) -> Result<Map<String, Value>, Error> {
    let url = server_url(egress, issuer)?;
    let mut places = well_known(&url, "oauth-authorization-server");
    places.extend(well_known(&url, "openid-configuration"));
    let mut appended = url.clone();
    appended.set_path(&format!(
        "{}/.well-known/openid-configuration",
        url.path().trim_end_matches('/')
    ));
    places.push(appended);
    for place in places {
        let Some(metadata) = document(egress, place).await? else {
            continue;
        };
        let own = text(&metadata, "issuer").unwrap_or_default();
        if own.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(refused(
                WHAT,
                400,
                &json!({
                    "error": "wrong_issuer",
                    "error_description": "the metadata of the authorization server names another issuer",
                }),
                "",
            ));
        }
        return Ok(metadata);
    }
    // Servers from before metadata was asked for have fixed paths.
    let base = origin(&url);
    let mut metadata = Map::new();
    for (name, path) in [
        ("authorization_endpoint", "authorize"),
        ("token_endpoint", "token"),
        ("registration_endpoint", "register"),
    ] {
        metadata.insert(name.to_owned(), json!(format!("{base}/{path}")));
    }
    Ok(metadata)
}

/// The places where a document about `url` lies: with its path behind, and at the root.
fn well_known(url: &Url, name: &str) -> Vec<Url> {
    let mut places = Vec::new();
    for path in [url.path().trim_end_matches('/'), ""] {
        let mut place = url.clone();
        place.set_path(&format!("/.well-known/{name}{path}"));
        place.set_query(None);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// A metadata document; `None` when there is none at this place.
async fn document(egress: &Egress, place: Url) -> Result<Option<Map<String, Value>>, Error> {
    let unreachable = |source| Error::Unreachable { what: WHAT, source };
    let request = Request::new(http::Method::GET, place)
        .timeout(CALL_TIMEOUT)
        .header(ACCEPT.as_str(), "application/json")
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .and_then(|request| request.header("mcp-protocol-version", "2025-11-25"))
        .map_err(unreachable)?;
    let response = egress.send(request).await.map_err(unreachable)?;
    let status = response.status.as_u16();
    if (500..600).contains(&status) {
        return Err(refused(WHAT, status, &Value::Null, ""));
    }
    if status != 200 {
        return Ok(None);
    }
    let text = response.text(METADATA_BYTES_MAX).await.map_err(unreachable)?;
    Ok(serde_json::from_str(&text).ok())
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

#[cfg(test)]
mod tests;
