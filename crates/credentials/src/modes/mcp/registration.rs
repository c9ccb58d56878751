//! Dynamic registration of a client (RFC 7591).

use http::header::ACCEPT;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tenon_egress::{Egress, Request};
use tenon_model::Secret;
use url::Url;

use crate::error::Error;
use crate::subject::USER_AGENT;
use crate::token_call::send;

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
