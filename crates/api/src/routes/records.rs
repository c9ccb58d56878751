//! Records: what functions stored, for customers.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use axum::{Json, Router};
use bytes::Bytes;
use futures_util::stream;
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tenon_app::records::list::{Listing, read_headers, read_query};
use tenon_app::records::prune;
use tenon_app::validate::no_query;

use crate::{ApiResult, ApiState, Authed, Input};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/records", get(list))
        .route("/records/prune", patch(prune_payloads))
}

fn connection(input: &Input) -> ApiResult<(String, String)> {
    Ok(read_headers(
        input.header("connection-id"),
        input.header("provider-config-key"),
    )?)
}

pub(super) async fn list(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:records:read")?;
    let query = read_query(&input.query, state.app.clock().now())?;
    let (connection_id, unique_key) = connection(&input)?;
    let mut listing = state
        .app
        .list_records(&caller, &connection_id, &unique_key, query)
        .await?;
    // What fails before the first piece is an error answer; later failures end the connection.
    let first = listing.next().await?.unwrap_or_default();
    let body = if listing.is_complete() {
        Body::from(first)
    } else {
        rest(first, listing)
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/json; charset=utf-8"),
    );
    Ok(response)
}

/// The rest of a large answer, read as fast as the caller takes it.
fn rest(first: Vec<u8>, listing: Listing) -> Body {
    Body::from_stream(stream::unfold(
        (Some(first), listing),
        |(first, mut listing)| async move {
            let piece = match first {
                Some(first) => Ok(Some(first)),
                None => listing.next().await,
            };
            match piece {
                Ok(None) => None,
                Ok(Some(piece)) => Some((Ok(Bytes::from(piece)), (None, listing))),
                Err(error) => {
                    tracing::error!(error = ?error, "a listing of records ended early");
                    Some((Err(error), (None, listing)))
                }
            }
        },
    ))
}

async fn prune_payloads(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require("environment:records:write")?;
    no_query(&input.query)?;
    let request = prune::read_body(input.json())?;
    let (connection_id, unique_key) = connection(&input)?;
    let answer = state
        .app
        .prune_records(&caller, &connection_id, &unique_key, request)
        .await?;
    Ok(Json(answer).into_response())
}
