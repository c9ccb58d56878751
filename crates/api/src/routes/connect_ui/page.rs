//! `GET /connect-ui`: the page, in a frame or as a link.

use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use tenon_app::connect_ui::{Identity, OpenedLink, ThemeName};
use tenon_app::parse::query;

use super::framing::{Framing, page_headers};
use super::language::Language;
use super::link;
use super::templates::{Brand, Page, Start};
use super::views::rendered;
use crate::auth::is_session_token;
use crate::{ApiResult, ApiState};

const STYLE: &str = concat!(
    include_str!("../../../../../ui/tokens.css"),
    include_str!("../../../../../ui/connect/connect.css")
);
/// One script, as the page is one file; its parts in the order in which they need each other to be there.
pub(super) const SCRIPT: &str = concat!(
    include_str!("../../../../../ui/connect/window.js"),
    include_str!("../../../../../ui/connect/page.js"),
    include_str!("../../../../../ui/connect/views.js"),
    include_str!("../../../../../ui/connect/list.js"),
    include_str!("../../../../../ui/connect/form.js"),
    include_str!("../../../../../ui/connect/attempt.js"),
    include_str!("../../../../../ui/connect/navigation.js"),
    include_str!("../../../../../ui/connect/connect.js")
);

pub(super) async fn show(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let query = query::parse(uri.query().unwrap_or_default());
    let text = |name: &str| query.get(name).and_then(Value::as_str);
    let token = text("session_token");
    let mut brand = Brand::default();
    let mut identity = Identity::default();
    let start = match token {
        None => Start::Embedded,
        Some(token) if !is_session_token(token) => Start::State("invalid"),
        Some(token) => match state.app.open_link(token).await? {
            OpenedLink::Gone => Start::State("expired"),
            OpenedLink::Fresh(session) => {
                identity = state.app.session_identity(&session).await?;
                brand = Brand::of(&session.environment, identity.line());
                Start::Ask
            }
            OpenedLink::Claimed => match link::held_token(&headers, token) {
                None => Start::State("elsewhere"),
                Some(held) => match state.app.find_live_session(&held).await? {
                    None => Start::State("used"),
                    Some(session) => {
                        let identity = state.app.session_identity(&session).await?;
                        brand = Brand::of(&session.environment, identity.line());
                        Start::Session(held)
                    }
                },
            },
        },
    };
    let framing = if token.is_some() {
        Framing::Never
    } else {
        Framing::Configured
    };
    let settings = state.app.settings();
    let nonce = state.app.rng().hex(16);
    let page = Page {
        t: Language::choose(text("lang"), &headers),
        nonce: &nonce,
        style: STYLE,
        script: SCRIPT,
        start,
        theme: text("theme").and_then(ThemeName::parse),
        sockets: settings.public_url.replacen("http", "ws", 1),
        brand,
        person: match (&identity.person, &identity.organization) {
            (Some(person), _) => person.clone(),
            (None, Some(_)) => String::new(),
            (None, None) => identity.id.unwrap_or_default(),
        },
        organization: identity.organization.unwrap_or_default(),
    };
    let html = rendered(&page)?;
    Ok((StatusCode::OK, page_headers(settings, framing, &nonce), html).into_response())
}
