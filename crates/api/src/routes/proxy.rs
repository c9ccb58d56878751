//! The proxy: any method on `/proxy/…`, sent on with the credentials of a connection.
//!
//! Path and query go on byte for byte. Of the caller's headers only those that begin with `Nango-Proxy-` do; the others
//! steer the call. A buffered success is answered with status 200 and few headers, which is what existing clients were
//! written against; `Tenon-Full-Response: true` gives the provider's own status and headers instead.

mod answer;
mod request;
mod wishes;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;

use crate::auth::Authed;
use crate::{ApiResult, ApiState};
use wishes::Wishes;

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/proxy", any(send))
        .route("/proxy/", any(send))
        .route("/proxy/{*endpoint}", any(send))
}

async fn send(State(state): State<ApiState>, request: Request) -> ApiResult {
    let (parts, body) = request.into_parts();
    // The public contract reads bodies before it asks who is calling.
    let body = request::read_body(&state, &parts, body).await?;
    let caller = Authed::check(&state.app, &parts.headers).await?;
    caller.require("environment:proxy")?;
    caller.environment()?;
    let wishes = Wishes::read(&parts.headers)?;
    let full = wishes.full_response;
    let method = parts.method.clone();
    let call = request::call(parts, body, wishes)?;
    let outcome = state.app.proxy(&caller, call).await?;
    Ok(answer::respond(&method, outcome, full).await)
}
