//! Links: a token in the query is exchanged for one that only this browser has.

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use ring::digest;
use serde_json::{Value, json};
use tenon_app::Error;

use crate::auth::is_session_token;
use crate::{ApiResult, ApiState, Input};

/// Name of the cookie that holds the exchanged token of a link. Each link has its own, so several can be open.
fn cookie_name(link_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, link_token.as_bytes());
    format!("tenon_connect_{}", hex::encode(&hash.as_ref()[..8]))
}

/// The exchanged token that this browser holds for a link.
pub(super) fn held_token(headers: &HeaderMap, link_token: &str) -> Option<String> {
    let name = cookie_name(link_token);
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(known, value)| *known == name && is_session_token(value))
        .map(|(_, value)| value.to_owned())
}

/// `POST /connect-ui/claim`: the person says that they expected the link.
pub(super) async fn claim(State(state): State<ApiState>, input: Input) -> ApiResult {
    let token = input
        .json()
        .and_then(|body| body.get("token"))
        .and_then(Value::as_str)
        .filter(|token| is_session_token(token))
        .ok_or_else(|| Error::invalid_body("token must be the session token of the link"))?;
    let claimed = state.app.claim_link(token).await?;
    // Only this page needs it, and only when it is opened by the person, not from another site.
    let secure = match state.app.settings().connect_url.starts_with("https://") {
        true => "; Secure",
        false => "",
    };
    let cookie = format!(
        "{}={}; Max-Age={}; HttpOnly; SameSite=Lax{secure}",
        cookie_name(token),
        claimed.token,
        claimed.lives.as_secs()
    );
    let mut response = Json(json!({ "token": claimed.token })).into_response();
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
