//! OAuth 2.1 as MCP servers use it: the authorization server is found by asking the server itself.
//!
//! Protected-resource metadata (RFC 9728) names the authorization server, its metadata (RFC 8414, or OpenID discovery)
//! the endpoints; a client id comes from the developer, from a client id metadata document, or from dynamic
//! registration (RFC 7591). Every request names the server as its `resource` (RFC 8707), and a callback that names
//! another issuer (RFC 9207) is refused. Each address that a server names is judged by the egress policy like any other.

use http::header::{ACCEPT, WWW_AUTHENTICATE};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tenon_catalog::provider::{BodyFormat, ClientAuth, FieldNames, TokenReply};
use tenon_egress::{Egress, Redirects, Request};
use tenon_model::Secret;
use url::Url;

use crate::credentials::OAuth2;
use crate::error::Error;
use crate::oauth2::{Authorize, Grant, Tokens, read_tokens, text};
use crate::subject::{Subject, USER_AGENT};
use crate::token_call::{CALL_TIMEOUT, TokenCall, refused, send};

/// Connection value that holds what discovery found.
pub const FOUND: &str = "mcp_oauth";
/// Connection value that names the server.
pub const SERVER_URL: &str = "mcp_server_url";
const METADATA_BYTES_MAX: usize = 256 * 1024;
const WHAT: &str = "discovery";

/// What discovery found; kept with the connection, because a refresh must go to the same place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// Identifier of the authorization server.
    pub issuer: String,
    /// Where the browser goes.
    pub authorization_endpoint: String,
    /// Where codes are traded.
    pub token_endpoint: String,
    /// Where clients register.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration_endpoint: Option<String>,
    /// Where tokens are revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation_endpoint: Option<String>,
    /// The resource that tokens are for.
    pub resource: String,
    /// Scopes to ask for.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Whether a metadata document can stand for a client.
    #[serde(default)]
    pub metadata_documents: bool,
    /// Whether the callback must name the issuer.
    #[serde(default)]
    pub names_issuer: bool,
    /// How the registered client proves itself.
    #[serde(default)]
    pub client_auth: Proof,
}

/// How a client proves itself at the token endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// A public client.
    #[default]
    None,
    /// Id and secret in the body.
    Body,
    /// Id and secret in a header.
    Basic,
}

/// A client at an authorization server.
#[derive(Debug, Clone)]
pub struct Client {
    /// Its id.
    pub id: String,
    /// Its secret; public clients have none.
    pub secret: Option<Secret>,
    /// How it proves itself.
    pub proof: Proof,
}

/// What a client says of itself when it registers.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// Name shown to users.
    pub name: &'a str,
    /// Page of the product.
    pub uri: &'a str,
    /// Where browsers come back to.
    pub redirect_uri: &'a str,
    /// Scopes that it will ask for.
    pub scopes: &'a [String],
    /// Further fields of the entry; only grant and response types count.
    pub extra: &'a [(String, Value)],
}

/// Checks the address of an MCP server as a user typed it: `https`, a public name, no user part.
///
/// # Errors
/// [`Error::InvalidUrl`].
pub fn server_url(egress: &Egress, typed: &str) -> Result<Url, Error> {
    let invalid = || Error::InvalidUrl { what: "MCP server" };
    let mut url = Url::parse(typed.trim()).map_err(|_| invalid())?;
    // A policy that allows private addresses is that of a developer's own network, where servers have no certificates.
    let private = egress.policy().allow_private;
    let scheme = url.scheme() == "https" || (private && url.scheme() == "http");
    let literal = matches!(url.host(), Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) | None);
    if !scheme || (literal && !private) || !url.username().is_empty() || url.password().is_some() {
        return Err(invalid());
    }
    url.set_fragment(None);
    Ok(url)
}

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

/// Registers a client (RFC 7591); a server may make it a confidential one.
///
/// # Errors
/// When the server refuses or cannot be reached.
#[tenon_model::boxed]
pub async fn register(egress: &Egress, endpoint: &str, registration: &Registration<'_>) -> Result<Client, Error> {
    let what = "registration";
    let url = Url::parse(endpoint).map_err(|_| Error::InvalidUrl { what })?;
    let mut body = json!({
        "client_name": registration.name,
        "client_uri": registration.uri,
        "redirect_uris": [registration.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    });
    if let Value::Object(fields) = &mut body {
        if !registration.scopes.is_empty() {
            fields.insert("scope".to_owned(), json!(registration.scopes.join(" ")));
        }
        for (name, value) in registration.extra {
            if matches!(name.as_str(), "grant_types" | "response_types") {
                fields.insert(name.clone(), value.clone());
            }
        }
    }
    let request = Request::new(http::Method::POST, url)
        .json(&body)
        .and_then(|request| request.header(ACCEPT.as_str(), "application/json"))
        .and_then(|request| request.header("user-agent", USER_AGENT))
        .map_err(|source| Error::Unreachable { what, source })?;
    let reply = send(egress, what, request).await?;
    let body = reply.body.expose();
    let field = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let id = field("client_id").ok_or(Error::NoToken {
        what,
        status: reply.status,
    })?;
    let secret = field("client_secret").map(Secret::new);
    let proof = match (field("token_endpoint_auth_method"), &secret) {
        (Some("client_secret_basic"), Some(_)) => Proof::Basic,
        (Some("none"), _) | (_, None) => Proof::None,
        (_, Some(_)) => Proof::Body,
    };
    Ok(Client {
        id: id.to_owned(),
        secret,
        proof,
    })
}

/// Builds the authorize URL of a server found by discovery.
///
/// # Errors
/// [`Error::InvalidUrl`].
pub fn authorize_url(subject: &Subject<'_>, found: &Found, authorize: &Authorize<'_>) -> Result<Url, Error> {
    let mut url = Url::parse(&found.authorization_endpoint).map_err(|_| Error::InvalidUrl { what: "authorization" })?;
    let scopes = authorize.scopes.unwrap_or(&found.scopes).join(" ");
    let challenge = authorize.verifier.challenge();
    let mut query: Vec<(&str, &str)> = vec![
        ("response_type", "code"),
        ("client_id", &subject.app.client_id),
        ("redirect_uri", authorize.redirect_uri),
        ("state", authorize.state),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("resource", &found.resource),
    ];
    if !scopes.is_empty() {
        query.push(("scope", &scopes));
    }
    // What protects the flow cannot be replaced from outside.
    let fixed: Vec<&str> = query
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| *name != "scope")
        .collect();
    for (name, value) in authorize.params {
        if !fixed.contains(&name.as_str()) && value != "undefined" {
            query.retain(|(known, _)| known != name);
            query.push((name, value));
        }
    }
    url.query_pairs_mut().extend_pairs(query);
    Ok(url)
}

/// Checks who answered in the callback (RFC 9207).
///
/// # Errors
/// [`Error::Refused`] when another server did.
pub fn check_issuer(found: &Found, named: Option<&str>) -> Result<(), Error> {
    let right = match named {
        Some(named) => named.trim_end_matches('/') == found.issuer.trim_end_matches('/'),
        None => !found.names_issuer,
    };
    if right {
        return Ok(());
    }
    let body = json!({
        "error": "wrong_issuer",
        "error_description": "the callback comes from another authorization server than the browser was sent to",
    });
    Err(refused("authorization", 400, &body, ""))
}

/// Trades the code for tokens.
///
/// # Errors
/// When the server refuses, cannot be reached, or answers without a token.
#[tenon_model::boxed]
pub async fn exchange(
    egress: &Egress,
    subject: &Subject<'_>,
    found: &Found,
    grant: &Grant<'_>,
) -> Result<OAuth2, Error> {
    let params = [
        ("grant_type", "authorization_code"),
        ("code", grant.code),
        ("redirect_uri", grant.redirect_uri),
        ("code_verifier", grant.verifier),
    ];
    let tokens = token_call(egress, subject, found, "token", &params).await?;
    Ok(tokens.into_credentials(None))
}

/// Gets new tokens for old ones; an absent refresh token keeps the old one.
///
/// # Errors
/// As [`exchange`]; [`Error::Missing`] when the connection was never discovered.
#[tenon_model::boxed]
pub async fn refresh(egress: &Egress, subject: &Subject<'_>, held: &OAuth2) -> Result<OAuth2, Error> {
    let found = found(subject)?;
    let token = held.refresh_token.as_ref().map(Secret::expose).unwrap_or_default();
    let params = [("grant_type", "refresh_token"), ("refresh_token", token)];
    let tokens = token_call(egress, subject, &found, "refresh", &params).await?;
    Ok(tokens.into_credentials(Some(held)))
}

/// Tells the server to forget a connection's tokens (RFC 7009), where it has an endpoint for that.
///
/// # Errors
/// When the server refuses or cannot be reached.
#[tenon_model::boxed]
pub async fn revoke(egress: &Egress, subject: &Subject<'_>, held: &OAuth2) -> Result<(), Error> {
    let found = found(subject)?;
    let Some(endpoint) = &found.revocation_endpoint else {
        return Ok(());
    };
    let token = held.refresh_token.as_ref().unwrap_or(&held.access_token);
    call(
        egress,
        subject,
        &found,
        "revocation",
        endpoint,
        &[("token", token.expose())],
    )
    .await
    .map(drop)
}

/// What discovery found for a connection.
///
/// # Errors
/// [`Error::Missing`].
pub fn found(subject: &Subject<'_>) -> Result<Found, Error> {
    subject
        .config
        .get(FOUND)
        .and_then(|value| serde_json::from_value(value.clone()).ok())
        .ok_or_else(|| Error::Missing {
            what: format!("config.{FOUND}"),
        })
}

async fn token_call(
    egress: &Egress,
    subject: &Subject<'_>,
    found: &Found,
    what: &'static str,
    params: &[(&str, &str)],
) -> Result<Tokens, Error> {
    let mut params = params.to_vec();
    params.push(("resource", &found.resource));
    let reply = call(egress, subject, found, what, &found.token_endpoint, &params).await?;
    read_tokens(&TokenReply::default(), reply.body, reply.status, what, subject.now)
}

async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    found: &Found,
    what: &'static str,
    endpoint: &str,
    params: &[(&str, &str)],
) -> Result<crate::token_call::Reply, Error> {
    let mut call = TokenCall {
        what,
        url: Url::parse(endpoint).map_err(|_| Error::InvalidUrl { what })?,
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect(),
        headers: Vec::new(),
        format: BodyFormat::Form,
    };
    let proof = match found.client_auth {
        Proof::None => ClientAuth::Public,
        Proof::Body => ClientAuth::Body,
        Proof::Basic => ClientAuth::BasicFormEncoded,
    };
    call.authenticate(subject, proof, &FieldNames::default())?;
    call.send(egress).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resource_covers_what_lies_below_it_at_the_same_origin() {
        let server = Url::parse("https://mcp.example.com/v1/mcp").unwrap();
        for resource in [
            "https://mcp.example.com",
            "https://mcp.example.com/",
            "https://mcp.example.com/v1/mcp",
        ] {
            assert!(covers(resource, &server), "{resource}");
        }
        for resource in [
            "https://other.example.com/v1/mcp",
            "https://mcp.example.com/v1/m",
            "http://mcp.example.com",
            "",
        ] {
            assert!(!covers(resource, &server), "{resource}");
        }
    }

    #[test]
    fn challenges_name_metadata_and_scopes() {
        let text =
            r#"Bearer error="invalid_token", resource_metadata="https://a.example/.well-known/x", scope="read write""#;
        assert_eq!(
            parameter(text, "resource_metadata").as_deref(),
            Some("https://a.example/.well-known/x")
        );
        assert_eq!(parameter(text, "scope").as_deref(), Some("read write"));
        assert_eq!(parameter(text, "metadata"), None);
    }
}
