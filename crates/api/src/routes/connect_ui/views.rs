//! The HTML that the page fetches: the list, a form, what came of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;
use http::header::CACHE_CONTROL;
use serde_json::{Map, Value};
use tenon_app::connect_ui::{Answer, Opener, ThemeName};
use tenon_app::sessions::LiveSession;
use tenon_app::{App, Error};

use super::framing::fragment_headers;
use super::language::Language;
use super::templates::{Brand, Connected, Form, List, Popup};
use crate::auth::bearer;
use crate::{ApiResult, ApiState, Input, Session};

/// A template as HTML.
pub(super) fn rendered(template: &impl Template) -> ApiResult<Html<String>> {
    let html = template
        .render()
        .map_err(|error| Error::Internal(format!("a page of the Connect UI cannot be rendered: {error}")))?;
    Ok(Html(html))
}

fn fragment(status: StatusCode, template: &impl Template) -> ApiResult {
    Ok((status, fragment_headers(), rendered(template)?).into_response())
}

fn text<'q>(input: &'q Input, name: &str) -> Option<&'q str> {
    input
        .query
        .get(name)
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// `GET /connect-ui/view`: the form of one integration, or what there is to choose from. One choice is no choice.
pub(super) async fn view(State(state): State<ApiState>, input: Input) -> ApiResult {
    let session = Session::check(&state.app, &input.headers).await?;
    let t = Language::choose(text(&input, "lang"), &input.headers);
    if let Some(key) = text(&input, "integration") {
        return form(&state.app, &session, t, key, StatusCode::OK, Trouble::default()).await;
    }
    let choices = state.app.connect_choices(&session).await?;
    if let [only] = choices.as_slice() {
        return form(&state.app, &session, t, &only.key, StatusCode::OK, Trouble::default()).await;
    }
    let brand = brand(&state.app, &session).await?;
    fragment(StatusCode::OK, &List { t, brand, choices })
}

/// `POST /connect-ui/connect?integration=…`: what was typed. Body: `{"values": {…}, "page": "…"}`.
pub(super) async fn connect(State(state): State<ApiState>, input: Input) -> ApiResult {
    let session = Session::check(&state.app, &input.headers).await?;
    let token = bearer(&input.headers)?;
    let t = Language::choose(text(&input, "lang"), &input.headers);
    let key = text(&input, "integration").ok_or_else(|| Error::invalid_body("name an integration"))?;
    let body = input.json();
    let empty = Map::new();
    let values = body
        .and_then(|body| body.get("values"))
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let opener = Opener {
        page: body.and_then(|body| body.get("page")).and_then(Value::as_str),
        lang: Some(t.tag),
        theme: text(&input, "theme").and_then(ThemeName::parse),
    };
    let answer = state
        .app
        .submit_connect_form(Arc::clone(&session), token, key, values, &opener)
        .await?;
    match answer {
        Answer::Popup(url) => fragment(StatusCode::OK, &Popup { url: &url }),
        Answer::Connected {
            connection_id,
            is_pending,
        } => {
            let connected = Connected {
                key,
                connection_id: &connection_id,
                is_pending,
            };
            fragment(StatusCode::OK, &connected)
        }
        Answer::Invalid(wrong) => {
            let trouble = Trouble {
                wrong,
                ..Trouble::default()
            };
            form(&state.app, &session, t, key, StatusCode::UNPROCESSABLE_ENTITY, trouble).await
        }
        Answer::Refused { code, reason } => {
            tracing::debug!(environment.id = %session.environment.id, integration = key, code, "values were refused");
            let trouble = Trouble {
                refused: true,
                reason: reason.unwrap_or_default(),
                ..Trouble::default()
            };
            form(&state.app, &session, t, key, StatusCode::UNPROCESSABLE_ENTITY, trouble).await
        }
    }
}

/// `POST /connect-ui/finish`: a link has done its work.
pub(super) async fn finish(State(state): State<ApiState>, input: Input) -> ApiResult {
    let session = Session::check(&state.app, &input.headers).await?;
    state.app.delete_session(&session).await?;
    Ok((StatusCode::NO_CONTENT, [(CACHE_CONTROL, "no-store")]).into_response())
}

/// Why a form is shown again.
#[derive(Default)]
struct Trouble {
    wrong: Vec<tenon_app::connect_ui::Wrong>,
    refused: bool,
    reason: String,
}

async fn form(
    app: &App,
    session: &LiveSession,
    t: Language,
    key: &str,
    status: StatusCode,
    trouble: Trouble,
) -> ApiResult<Response> {
    let has_list = match session.allowed_integrations() {
        Some(allowed) => allowed.len() > 1,
        None => app.connect_choices(session).await?.len() > 1,
    };
    let page = Form {
        t,
        brand: brand(app, session).await?,
        form: app.connect_form(session, key).await?,
        has_list,
        wrong: trouble.wrong,
        refused: trouble.refused,
        reason: trouble.reason,
    };
    fragment(status, &page)
}

async fn brand(app: &App, session: &LiveSession) -> ApiResult<Brand> {
    let identity = app.session_identity(session).await?;
    Ok(Brand::of(&session.environment, identity.line()))
}
