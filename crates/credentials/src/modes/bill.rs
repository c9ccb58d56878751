//! Session login with user name, password, organisation and developer key.

use std::time::Duration;

use serde_json::{Value, json};
use tenon_egress::{Egress, Request};
use tenon_model::Secret;

use crate::credentials::Bill;
use crate::error::Error;
use crate::subject::{Subject, UrlValues};
use crate::token_call::send;

/// Sessions end after 35 idle minutes at the provider.
const SESSION: Duration = Duration::from_secs(35 * 60);

/// Logs in; also how a session is renewed.
///
/// # Errors
/// When the provider refuses, cannot be reached, or answers without a session.
#[tenon_model::boxed]
pub async fn login(egress: &Egress, subject: &Subject<'_>, held: &Bill) -> Result<Bill, Error> {
    let exchange = subject.provider.exchange.as_ref().ok_or(Error::Unsupported {
        what: "a session login",
    })?;
    let url = subject.endpoint("login", &exchange.first.url, UrlValues::Encoded, &subject.scope())?;
    let body = json!({
        "username": held.username.expose(),
        "password": held.password.expose(),
        "organizationId": held.organization_id.expose(),
        "devKey": held.dev_key.expose(),
    });
    let request = Request::new(http::Method::POST, url)
        .json(&body)
        .map_err(|source| Error::Unreachable { what: "login", source })?;
    let reply = send(egress, "login", request).await?;
    let text = |name: &str| reply.body.expose().get(name).and_then(Value::as_str);
    let session = text("sessionId").ok_or(Error::NoToken {
        what: "login",
        status: reply.status,
    })?;
    Ok(Bill {
        session_id: Some(Secret::new(session)),
        user_id: text("userId").map(str::to_owned),
        expires_at: Some(subject.now.plus(SESSION)),
        raw: reply.body,
        ..held.clone()
    })
}
