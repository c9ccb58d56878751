//! The page that a window ends on: what came of it, in the looks of the page that opened it.
//!
//! It tells its opener by message and by channel, as the frontend SDK expects, and closes by itself when all is well.
//! Nothing in it is taken from a request unescaped.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tenon_app::App;
use tenon_app::auth::{PopupFailure, PopupLook, PopupSuccess};
use tenon_app::connect_ui::ThemeName;

use super::framing::{Framing, page_headers};
use super::language::Language;
use super::states::Icon;
use super::templates::{Brand, ResultPage};
use super::views::rendered;
use crate::{ApiError, ApiResult};

const STYLE: &str = concat!(
    include_str!("../../../../../ui/tokens.css"),
    include_str!("../../../../../ui/connect/connect.css")
);
const SCRIPT: &str = include_str!("../../../../../ui/connect/result.js");

/// What a page says. Texts are keys of the language files.
struct Outcome {
    name: &'static str,
    tone: &'static str,
    icon: Icon,
    title: &'static str,
    hints: [&'static str; 2],
}

const CONNECTED: Outcome = Outcome {
    name: "success",
    tone: "good",
    icon: Icon::Tick,
    title: "success_title",
    hints: ["window_done_hint", ""],
};
const PENDING: Outcome = Outcome {
    name: "pending",
    tone: "warn",
    icon: Icon::Clock,
    title: "pending_title",
    hints: ["pending_hint", "window_close_hint"],
};
const DENIED: Outcome = Outcome {
    name: "denied",
    tone: "warn",
    icon: Icon::Cross,
    title: "denied_title",
    hints: ["window_denied_hint", "window_retry_hint"],
};
const APPROVAL: Outcome = Outcome {
    name: "approval",
    tone: "warn",
    icon: Icon::Clock,
    title: "approval_title",
    hints: ["approval_hint", "window_close_hint"],
};
const EXPIRED: Outcome = Outcome {
    name: "expired",
    tone: "warn",
    icon: Icon::Clock,
    title: "expired_title",
    hints: ["window_expired_hint", ""],
};
const ELSEWHERE: Outcome = Outcome {
    name: "elsewhere",
    tone: "warn",
    icon: Icon::Chain,
    title: "window_elsewhere_title",
    hints: ["window_elsewhere_hint", ""],
};
const FAILED: Outcome = Outcome {
    name: "failed",
    tone: "bad",
    icon: Icon::Cross,
    title: "failed_title",
    hints: ["window_failed_hint", ""],
};

/// The page of a window that has done its work.
pub(in crate::routes) fn success_page(app: &App, headers: &HeaderMap, success: &PopupSuccess) -> Response {
    let payload = json!({
        "type": "nango_oauth_callback_success",
        // For pages that no WebSocket reaches.
        "providerConfigKey": success.unique_key,
        "connectionId": success.connection_id,
        "isPending": success.is_pending,
    });
    let outcome = if success.is_pending { PENDING } else { CONNECTED };
    respond(app, headers, StatusCode::OK, &outcome, &success.look, "", &payload)
}

/// The page of a window that failed.
pub(in crate::routes) fn failure_page(app: &App, headers: &HeaderMap, failure: &PopupFailure) -> Response {
    let message = match failure.provider_error.is_empty() {
        true => failure.message.clone(),
        false => Value::Object(failure.provider_error.clone()).to_string(),
    };
    let payload = json!({
        "type": "nango_oauth_callback_error",
        "payload": { "message": message, "errorType": "connection_validation_failed" },
        "errorType": failure.error_type,
    });
    let outcome = match failure.error_type {
        _ if failure.is_denial() => DENIED,
        "approval_pending" => APPROVAL,
        "state_err" | "unknown_connect_session_token" => EXPIRED,
        "state_cookie_err" => ELSEWHERE,
        _ => FAILED,
    };
    let status = match failure.error_type {
        "unknown_connect_session_token" => StatusCode::UNAUTHORIZED,
        _ => StatusCode::BAD_REQUEST,
    };
    let details = format!("{}\n{}", failure.error_type, failure.message);
    respond(app, headers, status, &outcome, &failure.look, &details, &payload)
}

fn respond(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    outcome: &Outcome,
    look: &PopupLook,
    details: &str,
    payload: &Value,
) -> Response {
    page(app, headers, status, outcome, look, details, payload).unwrap_or_else(ApiError::into_response)
}

fn page(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    outcome: &Outcome,
    look: &PopupLook,
    details: &str,
    payload: &Value,
) -> ApiResult {
    let t = Language::choose(look.lang.as_deref(), headers);
    let nonce = app.rng().hex(16);
    let brand = look
        .environment
        .as_ref()
        .map(|environment| Brand::of(environment, None))
        .unwrap_or_default();
    let theme = match look.theme {
        Some(theme) => theme.as_str(),
        None => brand.theme,
    };
    let title = match &look.choice {
        Some(choice) => t.fill(outcome.title, "app", &choice.name),
        // Some titles name nothing; the others need another one.
        None if t.text(outcome.title).contains("{app}") => t.text("window_failed_title").to_owned(),
        None => t.text(outcome.title).to_owned(),
    };
    let name = look.choice.as_ref().map_or("", |choice| choice.name.as_str());
    let hints = outcome.hints.iter().filter(|key| !key.is_empty());
    let page = ResultPage {
        t,
        nonce: &nonce,
        style: STYLE,
        script: SCRIPT,
        theme: if theme == ThemeName::System.as_str() { "" } else { theme },
        brand,
        choice: look.choice.as_ref(),
        name: outcome.name,
        tone: outcome.tone,
        icon: outcome.icon,
        title,
        hints: hints.map(|key| t.fill(key, "app", name)).collect(),
        details,
        payload: payload.to_string(),
    };
    let html = rendered(&page)?;
    Ok((status, page_headers(app.settings(), Framing::Never, &nonce), html).into_response())
}
