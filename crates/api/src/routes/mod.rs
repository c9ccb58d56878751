//! The URL tree. Each module mirrors one noun.

pub mod actions;
pub mod auth;
pub mod connect;
pub mod connect_ui;
pub mod connections;
pub mod deploy;
pub mod environments;
pub mod functions;
pub mod integrations;
pub mod logs;
pub mod mcp;
pub mod oauth;
pub mod providers;
pub mod proxy;
pub mod records;
pub mod sync;
pub mod utility;
pub mod webhooks;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use tenon_app::Error;

use crate::{ApiError, ApiState};

/// Every route.
pub fn all() -> Router<ApiState> {
    Router::new()
        .merge(utility::router())
        .merge(oauth::router())
        .merge(connections::router())
        .merge(connect::router())
        .merge(connect_ui::router())
        .merge(auth::router())
        .merge(providers::router())
        .merge(integrations::router())
        .merge(environments::router())
        .merge(proxy::router())
        .merge(records::router())
        .merge(sync::router())
        .merge(actions::router())
        .merge(deploy::router())
        .merge(functions::router())
        .merge(logs::router())
        .merge(mcp::router())
        .merge(webhooks::router())
}

/// The answer for unknown paths and methods.
pub async fn not_found(uri: Uri) -> Response {
    let mut response = ApiError(Error::not_found(format!("There is nothing at {}", uri.path()))).into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
