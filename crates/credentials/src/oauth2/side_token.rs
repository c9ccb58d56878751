//! Second tokens that lie beside the first, for another host of the same vendor.
//!
//! They are connection values, because that is where functions written for this contract look for them.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tenon_catalog::provider::{BodyFormat, TokenDialect};
use tenon_egress::Egress;
use url::Url;

use super::text;
use crate::credentials::OAuth2;
use crate::error::Error;
use crate::expiry;
use crate::modes::jwt::unverified_claims;
use crate::subject::Subject;
use crate::token_call::TokenCall;

/// Where the file host's token lies.
pub const SHAREPOINT: &str = "sharepointAccessToken";
/// Where the bot framework's token lies.
pub const BOT_FRAMEWORK: &str = "botFrameworkToken";
const MARGIN: Duration = Duration::from_secs(15 * 60);

/// Whether the connection's side token must be renewed.
pub fn is_due(subject: &Subject<'_>) -> bool {
    let dialect = subject.provider.oauth2.as_ref().and_then(|facts| facts.dialect);
    let name = match dialect {
        Some(TokenDialect::SharepointSideToken) => SHAREPOINT,
        Some(TokenDialect::BotFrameworkSideToken) => BOT_FRAMEWORK,
        _ => return false,
    };
    let held = subject.config.get(name);
    let ends = held.and_then(|held| held.get("expires_at")).and_then(expiry::moment);
    ends.is_some_and(|end| end.since(subject.now) <= MARGIN)
}

/// Gets a side token with fresh credentials: connection values to set, none for providers without.
///
/// # Errors
/// When the provider refuses or cannot be reached.
#[tenon_model::boxed]
pub async fn obtain(egress: &Egress, subject: &Subject<'_>, fresh: &OAuth2) -> Result<Map<String, Value>, Error> {
    let mut found = Map::new();
    match subject.provider.oauth2.as_ref().and_then(|facts| facts.dialect) {
        Some(TokenDialect::SharepointSideToken) => {
            let claims = unverified_claims(fresh.access_token.expose()).unwrap_or_default();
            let tenant = text(subject.config, "tenantId").or_else(|| text(&claims, "tid"));
            let Some(tenant) = tenant else { return Ok(found) };
            found.insert("tenantId".to_owned(), json!(tenant));
            let held = subject
                .config
                .get(SHAREPOINT)
                .and_then(|held| held.get("refresh_token"))
                .and_then(Value::as_str);
            let Some(refresh_token) = held.or_else(|| fresh.refresh_token.as_ref().map(tenon_model::Secret::expose))
            else {
                return Ok(found);
            };
            let params = [
                ("grant_type", "refresh_token"),
                ("refresh_token", refresh_token),
                (
                    "scope",
                    &format!("https://{tenant}.sharepoint.com/Sites.Read.All offline_access"),
                ),
            ];
            let token = call(egress, subject, None, &params).await?;
            found.insert(SHAREPOINT.to_owned(), token);
        }
        Some(TokenDialect::BotFrameworkSideToken) => {
            let Some(tenant) = text(subject.config, "botHostTenantId") else {
                return Ok(found);
            };
            let params = [
                ("grant_type", "client_credentials"),
                ("scope", "https://api.botframework.com/.default"),
            ];
            let token = call(egress, subject, Some(tenant), &params).await?;
            found.insert(BOT_FRAMEWORK.to_owned(), token);
        }
        _ => {}
    }
    Ok(found)
}

async fn call(
    egress: &Egress,
    subject: &Subject<'_>,
    tenant: Option<&str>,
    params: &[(&str, &str)],
) -> Result<Value, Error> {
    let what = "side token";
    let facts = super::facts(subject)?;
    let declared = facts.token.url.as_ref().ok_or(Error::Unsupported {
        what: "a provider without token URL",
    })?;
    let mut url: Url = subject.endpoint(what, declared, super::url_values(facts), &subject.scope())?;
    if let Some(tenant) = tenant {
        // The same endpoint of another tenant: the first segment of the path.
        let rest = url
            .path()
            .trim_start_matches('/')
            .split_once('/')
            .map(|(_, rest)| rest.to_owned());
        url.set_path(&format!("/{tenant}/{}", rest.unwrap_or_default()));
    }
    let mut call = TokenCall {
        what,
        url,
        params: params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect(),
        headers: Vec::new(),
        format: BodyFormat::Form,
    };
    call.authenticate(subject, facts.token.client_auth, &facts.token.fields)?;
    let reply = call.send(egress).await?;
    let mut token = reply.body.expose().clone();
    let ends = token
        .get("expires_in")
        .and_then(|lasts| expiry::after(lasts, false, subject.now));
    if let (Value::Object(fields), Some(ends)) = (&mut token, ends) {
        fields.insert("expires_at".to_owned(), json!(ends.iso_millis()));
    }
    Ok(token)
}
