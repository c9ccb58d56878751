//! HTTP in front of [`tenon_app`]: each route reads, calls one verb and writes.
//!
//! Order of what happens to a request: paths are normalised ([`normalize`]), the content-type gate and the JSON reader
//! run before authentication (the public contract says so), then the route authenticates ([`auth`]), checks scopes in the
//! verb, and every refusal becomes the envelope of [`error`].

pub mod auth;
pub mod error;
mod input;
mod normalize;
mod path;
mod response;
pub mod routes;

use std::future::Future;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use tenon_app::App;
use tokio::net::TcpListener;

pub use auth::{Authed, Session};
pub use error::{ApiError, ApiResult};
pub use input::Input;
pub use path::Path;

/// What every route can reach.
#[derive(Debug, Clone)]
pub struct ApiState {
    /// The product.
    pub app: App,
}

/// All routes over `app`.
pub fn router(app: App) -> Router {
    let body_bytes_max = app.settings().body_bytes_max;
    let state = ApiState { app };
    routes::all()
        .fallback(routes::not_found)
        .method_not_allowed_fallback(routes::not_found)
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(middleware::from_fn(response::headers))
        .with_state(state)
}

/// Serves `router` on `listener` until `stop` ends, then lets requests in flight finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let service = normalize::Normalize::new(router);
    let service = axum::ServiceExt::<axum::extract::Request>::into_make_service(service);
    axum::serve(listener, service).with_graceful_shutdown(stop).await
}

/// Address of the caller, for logs.
pub type PeerAddress = SocketAddr;
