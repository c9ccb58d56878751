//! The Connect UI: the page where a product's customers connect their accounts.
//!
//! `GET /connect-ui` answers one self-contained page (style and script inside, nothing from elsewhere). Inside a frame it
//! waits for the frontend SDK to hand it a session token; opened as a link it carries one in its query ([`link`]). The
//! script then fetches what to show from [`views`]: HTML that the server rendered, so that texts, rules and presets stay
//! in one place and secrets that a session presets never reach the browser.

mod framing;
mod language;
mod link;
mod page;
mod result;
mod states;
mod templates;
mod views;

#[cfg(test)]
mod tests;

pub(super) use result::{failure_page, success_page};

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE};

use crate::ApiState;

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/connect-ui", get(page::show))
        .route("/connect-ui/claim", post(link::claim))
        .route("/connect-ui/view", get(views::view))
        .route("/connect-ui/connect", post(views::connect))
        .route("/connect-ui/finish", post(views::finish))
        .route("/images/template-logos/{file}", get(mark))
}

/// The neutral mark of a provider, at the address that integrations name as their logo.
async fn mark(State(state): State<ApiState>, Path(file): Path<String>) -> Response {
    let provider = file.strip_suffix(".svg").unwrap_or(&file);
    let headers = [
        (CONTENT_TYPE, "image/svg+xml; charset=utf-8"),
        (CACHE_CONTROL, "public, max-age=86400"),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"),
    ];
    (headers, state.app.provider_mark(provider).svg()).into_response()
}
