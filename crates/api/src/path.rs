//! Members of paths.

use axum::extract::FromRequestParts;
use axum::extract::rejection::PathRejection;
use http::request::Parts;
use tenon_app::Error;

use crate::ApiError;

/// Members of the path, decoded. Unlike axum's own, it refuses with the envelope of the contract.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<S, T> FromRequestParts<S> for Path<T>
where
    axum::extract::Path<T>: FromRequestParts<S, Rejection = PathRejection>,
    S: Send + Sync,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(members)) => Ok(Self(members)),
            Err(rejection) => Err(refuse(&rejection)),
        }
    }
}

/// What cannot be decoded is the caller's mistake; a route that asks for other members than it has is ours.
fn refuse(rejection: &PathRejection) -> ApiError {
    if rejection.status().is_client_error() {
        Error::refuse(400, "invalid_uri_params")
            .message("The path is not valid percent-encoded UTF-8; encode each of its members")
            .into()
    } else {
        Error::Internal(rejection.body_text()).into()
    }
}

#[cfg(test)]
mod tests;
