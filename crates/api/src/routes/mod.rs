//! The URL tree. Each module mirrors one noun.

pub mod environments;
pub mod integrations;
pub mod providers;
pub mod utility;

use axum::Router;
use axum::response::{IntoResponse, Response};
use http::{StatusCode, Uri};
use tenon_app::Error;

use crate::{ApiError, ApiState};

/// Every route.
pub fn all() -> Router<ApiState> {
    Router::new()
        .merge(utility::router())
        .merge(providers::router())
        .merge(integrations::router())
        .merge(environments::router())
}

/// The answer for unknown paths and methods.
pub async fn not_found(uri: Uri) -> Response {
    let mut response =
        ApiError(Error::not_found(format!("There is nothing at {}", uri.path()))).into_response();
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}
