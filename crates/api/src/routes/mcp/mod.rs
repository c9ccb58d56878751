//! Tool-calling MCP: `/mcp`, Streamable HTTP.
//!
//! A request names one connection in its headers; its tools are the enabled actions of the connection's integration. The
//! server keeps nothing between requests: no session id is given out and one that is sent is ignored, so any node answers
//! any request. Shapes are those of `rmcp`; the HTTP part is ours, because the public contract fixes answers that its
//! transport gives otherwise (`docs/decisions/0006-mcp-transport.md`).
//!
//! Two generations of the protocol are spoken: revisions with the `initialize` handshake, and 2026-07-28, where every
//! request carries its own version ([`stateless`]).

mod message;
mod methods;
mod params;
mod stateless;
mod transport;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream::{self, StreamExt};
use http::header::{ALLOW, CACHE_CONTROL};
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;
use tenon_app::tools::ToolboxInput;

use self::message::{Incoming, Request};
use self::methods::Session;
use self::transport::Refused;
use crate::{ApiResult, ApiState, Authed, Input};

/// Requests of one batch that are worked on at the same time.
const BATCH_AT_ONCE: usize = 8;
/// Messages of one batch.
const BATCH_MAX: usize = 200;
/// How often a silent stream says that it is alive, so that nothing between client and server gives up.
const ALIVE_EVERY: Duration = Duration::from_secs(15);
/// The scope that opens this route.
const SCOPE: &str = "environment:mcp";

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new().route("/mcp", post(receive).get(no_stream).delete(no_stream))
}

/// There are no sessions, so there is nothing to listen to and nothing to end.
async fn no_stream(State(state): State<ApiState>, input: Input) -> ApiResult {
    Authed::check(&state.app, &input.headers).await?.require(SCOPE)?;
    let body = transport::error_body(-32000, "Method not allowed.");
    Ok((
        StatusCode::METHOD_NOT_ALLOWED,
        [(ALLOW, HeaderValue::from_static("POST"))],
        Json(body),
    )
        .into_response())
}

async fn receive(State(state): State<ApiState>, input: Input) -> ApiResult {
    let caller = Authed::check(&state.app, &input.headers).await?;
    caller.require(SCOPE)?;
    let settings = state.app.settings();
    if let Err(refused) = transport::check_origin(&input.headers, &[&settings.public_url, &settings.connect_url]) {
        return Ok(refused.into_response());
    }
    let wanted = ToolboxInput::parse(&input.headers)?;
    let toolbox = state.app.open_toolbox(&caller, &wanted).await?;
    let requests = match read(&input) {
        Ok(requests) => requests,
        Err(refused) => return Ok(refused.into_response()),
    };
    if requests.is_empty() {
        return Ok(StatusCode::ACCEPTED.into_response());
    }
    let session = Session {
        app: state.app.clone(),
        toolbox,
        stateless: stateless::is_asked(&input.headers),
    };
    Ok(answers(session, requests))
}

/// The requests of a message or batch that passed every check of the transport.
fn read(input: &Input) -> Result<Vec<Request>, Refused> {
    transport::check_types(&input.headers)?;
    let messages = input.json().and_then(message::read).ok_or_else(Refused::unreadable)?;
    if messages.len() > BATCH_MAX {
        let text = format!("Invalid Request: A batch holds at most {BATCH_MAX} messages; send the rest separately");
        return Err(Refused::new(StatusCode::BAD_REQUEST, -32600, text));
    }
    if stateless::is_asked(&input.headers) {
        return stateless::check(&input.headers, messages);
    }
    if let Some(refused) = stateless::unsupported(&input.headers, &messages) {
        return Err(refused);
    }
    transport::check_handshake(&input.headers, &messages)?;
    let requests = messages.into_iter().filter_map(|message| match message {
        Incoming::Request(request) => Some(request),
        Incoming::Notification | Incoming::Reply => None,
    });
    Ok(requests.collect())
}

/// One event per answer, in the order in which they are ready.
fn answers(session: Session, requests: Vec<Request>) -> Response {
    let answers = stream::iter(requests)
        .map(move |request| {
            let session = session.clone();
            async move { session.answer(request).await }
        })
        .buffer_unordered(BATCH_AT_ONCE);
    let events = answers.map(|answer| Ok::<_, Infallible>(event(&answer)));
    let headers = [
        (CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform")),
        // nginx would hold the events back until its buffer is full.
        (
            HeaderName::from_static("x-accel-buffering"),
            HeaderValue::from_static("no"),
        ),
    ];
    let stream = Sse::new(events).keep_alive(KeepAlive::new().interval(ALIVE_EVERY));
    (headers, stream).into_response()
}

/// JSON text has no line breaks of its own, so an answer is one `data` line.
fn event(answer: &Value) -> Event {
    Event::default().event("message").data(answer.to_string())
}
