//! OAuth 2.1 as MCP servers use it: the authorization server is found by asking the server itself.
//!
//! Protected-resource metadata (RFC 9728) names the authorization server, its metadata (RFC 8414, or OpenID discovery)
//! the endpoints; a client id comes from the developer, from a client id metadata document, or from dynamic
//! registration (RFC 7591). Every request names the server as its `resource` (RFC 8707), and a callback that names
//! another issuer (RFC 9207) is refused. Each address that a server names is judged by the egress policy like any other.

mod discovery;
mod grant;
mod registration;

use serde::{Deserialize, Serialize};
use tenon_egress::Egress;
use url::Url;

pub use discovery::discover;
pub use grant::{authorize_url, check_issuer, exchange, refresh, revoke};
pub use registration::{Client, Proof, Registration, register};

use crate::error::Error;
use crate::subject::Subject;

/// Connection value that holds what discovery found.
pub const FOUND: &str = "mcp_oauth";
/// Connection value that names the server.
pub const SERVER_URL: &str = "mcp_server_url";

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
