//! The way into the API: counting, credentials, quotas, faults, headers; then the route.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::Hub;
use super::errors::{ApiError, Correlated};
use super::limits::Class;
use super::{api, control, oauth};
use crate::faults::Fault;
use crate::lock;
use crate::net::ResetSwitch;
use crate::timetext::http_date;

/// All routes of the account.
pub fn router(hub: Arc<Hub>) -> Router {
    let gated = api::router().layer(from_fn_with_state(Arc::clone(&hub), gate));
    Router::new()
        .merge(gated)
        .merge(oauth::router())
        .merge(control::router())
        .fallback(async || ApiError::not_found())
        .layer(from_fn_with_state(Arc::clone(&hub), correlate))
        .with_state(hub)
}

/// Gives every error body its correlation id, and every answer the header with it and the date of the simulated clock.
async fn correlate(State(hub): State<Arc<Hub>>, request: Request, next: Next) -> Response {
    let sequence = hub.answers.fetch_add(1, Ordering::SeqCst);
    let mut response = next.run(request).await;
    let id = hub.correlation_id(sequence);
    if let Some(Correlated(mut body)) = response.extensions_mut().remove::<Correlated>()
        && let Some(members) = body.as_object_mut()
    {
        members.insert("correlationId".to_owned(), json!(id));
        if members.contains_key("policyName") {
            members.insert("requestId".to_owned(), json!(id.replace('-', "")));
        }
        let (mut parts, _) = response.into_parts();
        parts.headers.remove(header::CONTENT_LENGTH);
        response = Response::from_parts(parts, Body::from(body.to_string()));
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-hubspot-correlation-id", value);
    }
    // Clients that keep time by the provider's clock must see the one that stamps contacts.
    if let Ok(date) = HeaderValue::from_str(&http_date(hub.clock.now_ms())) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

async fn gate(State(hub): State<Arc<Hub>>, path: MatchedPath, request: Request, next: Next) -> Response {
    let _in_flight = hub.stats.enter();
    let sequence = hub.stats.next_sequence();
    let route = format!("{} {}", request.method(), path.as_str());
    let class = if path.as_str().ends_with("/search") {
        Class::Search
    } else {
        Class::Ordinary
    };
    let writes = !matches!(*request.method(), Method::GET | Method::HEAD)
        && !path.as_str().ends_with("/search")
        && !path.as_str().ends_with("/read");
    hub.stats.note(|stats| {
        stats.requests += 1;
        stats.routes.entry(route.clone()).or_default().requests += 1;
    });
    if !hub.config.latency.is_zero() {
        tokio::time::sleep(hub.config.latency).await;
    }
    let now = hub.clock.now_ms();
    let allowed = oauth::authorize_request(&hub, request.headers(), writes, now)
        .and_then(|()| lock(&hub.limits).admit(class, now));
    let mut response = match allowed {
        Ok(()) => answer(&hub, class, sequence, request, next).await,
        Err(error) => error.into_response(),
    };
    let headers = lock(&hub.limits).headers(class, now);
    response.headers_mut().extend(headers);
    let cut_off = response.extensions_mut().remove::<CutOff>().is_some();
    let status = if cut_off { 0 } else { response.status().as_u16() };
    hub.stats.note(|stats| {
        *stats
            .routes
            .entry(route)
            .or_default()
            .by_status
            .entry(status)
            .or_default() += 1;
        match status {
            401 => stats.unauthorized += 1,
            429 => stats.rate_limited += 1,
            _ => {}
        }
    });
    response
}

/// Marks an answer that was cut off on purpose.
#[derive(Debug, Clone)]
struct CutOff;

async fn answer(hub: &Hub, class: Class, sequence: u64, request: Request, next: Next) -> Response {
    let fault = lock(&hub.faults).decide(hub.config.seed, sequence);
    if let Some(fault) = fault {
        hub.stats
            .note(|stats| *stats.faults.entry(fault.name().to_owned()).or_default() += 1);
    }
    let unavailable =
        |status: StatusCode, message: &str| ApiError::new(status, "INTERNAL_ERROR", message).into_response();
    match fault {
        None => next.run(request).await,
        Some(Fault::Slow) => {
            tokio::time::sleep(hub.config.slow).await;
            next.run(request).await
        }
        Some(Fault::InternalError) => unavailable(StatusCode::INTERNAL_SERVER_ERROR, "internal error"),
        Some(Fault::Unavailable) => unavailable(StatusCode::SERVICE_UNAVAILABLE, "service temporarily unavailable"),
        Some(Fault::BadGateway) => {
            let page = "<html><head><title>502 Bad Gateway</title></head><body>502 Bad Gateway</body></html>";
            (StatusCode::BAD_GATEWAY, [(header::CONTENT_TYPE, "text/html")], page).into_response()
        }
        Some(Fault::RateLimited) => {
            let policy = if class == Class::Search {
                "SECONDLY"
            } else {
                "TEN_SECONDLY_ROLLING"
            };
            lock(&hub.limits).refusal(policy).into_response()
        }
        Some(Fault::Reset) => {
            let switch = request.extensions().get::<ResetSwitch>().cloned();
            cut(next.run(request).await, switch).await
        }
        Some(Fault::Truncate) => cut(next.run(request).await, None).await,
    }
}

/// Sends the first half of an answer and then ends the connection: with RST when the switch is given, else with FIN.
async fn cut(response: Response, reset: Option<ResetSwitch>) -> Response {
    let (mut parts, body) = response.into_parts();
    // Bodies of this simulator are in memory already; the limit is never reached.
    let whole = axum::body::to_bytes(body, 64 << 20).await.unwrap_or_default();
    parts
        .headers
        .insert(header::CONTENT_LENGTH, HeaderValue::from(whole.len().max(1)));
    let half = whole.slice(..whole.len() / 2);
    parts.extensions.insert(CutOff);
    Response::from_parts(
        parts,
        Body::from_stream(Half {
            half: Some(half),
            reset,
        }),
    )
}

/// A body that breaks off.
struct Half {
    half: Option<Bytes>,
    reset: Option<ResetSwitch>,
}

impl futures_util::Stream for Half {
    type Item = Result<Bytes, std::io::Error>;

    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        if let Some(half) = self.half.take().filter(|half| !half.is_empty()) {
            return std::task::Poll::Ready(Some(Ok(half)));
        }
        if let Some(reset) = &self.reset {
            reset.throw();
        }
        std::task::Poll::Ready(Some(Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset))))
    }
}
