//! OAuth 2.0 as HubSpot documents it: the authorize page, the token endpoint in its versions, token metadata.

pub mod grants;
pub mod page;
pub mod token;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderMap, header};
use axum::routing::{get, post};

pub use grants::Grants;

use super::Hub;
use super::errors::ApiError;
use crate::lock;

/// Needed to read contacts.
pub const READ_SCOPE: &str = "crm.objects.contacts.read";
/// Needed to write contacts.
pub const WRITE_SCOPE: &str = "crm.objects.contacts.write";

/// Routes that need no token and have no quota here.
pub fn router() -> Router<Arc<Hub>> {
    let mut router = Router::new()
        .route("/oauth/authorize", get(page::show).post(page::decide))
        .route("/oauth/{account}/authorize", get(page::show).post(page::decide))
        .route("/oauth/v1/access-tokens/{token}", get(token::access_token_info))
        .route(
            "/oauth/v1/refresh-tokens/{token}",
            get(token::refresh_token_info).delete(token::delete_refresh_token),
        );
    for version in ["v1", "v3", "2026-03"] {
        router = router
            .route(&format!("/oauth/{version}/token"), post(token::token))
            .route(&format!("/oauth/{version}/token/introspect"), post(token::introspect))
            .route(&format!("/oauth/{version}/token/revoke"), post(token::revoke));
    }
    router
}

/// Checks the bearer token of an API request and the scope that the route needs.
pub fn authorize_request(hub: &Hub, headers: &HeaderMap, writes: bool, now: i64) -> Result<(), ApiError> {
    let token = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .ok_or_else(ApiError::unauthenticated)?;
    if hub.config.private_app_token.as_deref() == Some(token) {
        return Ok(());
    }
    let scope = if writes { WRITE_SCOPE } else { READ_SCOPE };
    match lock(&hub.grants).check(token, scope, now) {
        grants::Verdict::Allowed => Ok(()),
        grants::Verdict::Unknown => Err(ApiError::unauthenticated()),
        grants::Verdict::Expired { at } => Err(ApiError::expired(at, now)),
        grants::Verdict::LacksScope => Err(ApiError::missing_scope(scope)),
    }
}
