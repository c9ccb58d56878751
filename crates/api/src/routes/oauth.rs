//! The popup flow, and the WebSocket that tells its opener how it went.

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{OriginalUri, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, COOKIE, HOST, LOCATION, REFERER, SET_COOKIE};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};
use tenon_app::auth::{PopupFailure, PopupSuccess};
use tenon_app::parse::query;
use tenon_app::{App, Error};
use url::{Host, Url};

use super::auth::session_in_query;
use super::connect_ui::{failure_page, success_page};
use crate::{ApiResult, ApiState, Path};

/// How long a page may wait for its popup.
const WAIT_MAX: std::time::Duration = std::time::Duration::from_secs(3_600);
const COOKIE_SECONDS: u32 = 3_600;

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/", get(wait_for_popup))
        .route("/oauth/connect/{key}", get(start))
        .route("/oauth/callback", get(finish))
        .route("/app-auth/connect", get(finish_installation))
        .route("/oauth/client-metadata/{environment}/{key}", get(client_metadata))
}

async fn start(
    State(state): State<ApiState>,
    Path(key): Path<String>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> ApiResult {
    if let Some(public) = other_name_of_this_machine(&state.app, &uri, &headers) {
        return Ok(redirect(&public));
    }
    let query = query_of(&uri);
    match leave(&state.app, &key, &query, &headers).await {
        Err(error) if is_navigation(&headers) => {
            let failure = state.app.refuse_popup(&error.0, &query).await;
            Ok(failure_page(&state.app, &headers, &failure))
        }
        left => left,
    }
}

/// The public address of a page that was opened at another name of this machine (`localhost` for `127.0.0.1`): the cookie
/// that binds the browser is kept per name, and the provider sends the browser to the public one.
fn other_name_of_this_machine(app: &App, uri: &Uri, headers: &HeaderMap) -> Option<String> {
    let public = Url::parse(&app.settings().public_url).ok()?;
    let asked = headers.get(HOST)?.to_str().ok()?;
    let asked = Url::parse(&format!("{}://{asked}", public.scheme())).ok()?;
    let is_loopback = |url: &Url| match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let is_same_port = asked.port_or_known_default() == public.port_or_known_default();
    let differs = asked.host() != public.host() && is_same_port && is_loopback(&asked) && is_loopback(&public);
    let path_and_query = uri.path_and_query()?;
    (differs && is_navigation(headers)).then(|| format!("{}{path_and_query}", app.settings().public_url))
}

async fn leave(app: &App, key: &str, query: &Value, headers: &HeaderMap) -> ApiResult {
    let session = session_in_query(app, query).await?;
    match app.start_popup(session, key, query).await? {
        Ok(start) => {
            let secure = app.settings().public_url.starts_with("https://");
            let same_site = if secure {
                "SameSite=None; Secure"
            } else {
                "SameSite=Lax"
            };
            let cookie = format!(
                "oauth2-{}=1; Max-Age={COOKIE_SECONDS}; Path=/; HttpOnly; {same_site}",
                start.state
            );
            let mut response = redirect(&start.url);
            if let Ok(cookie) = HeaderValue::from_str(&cookie) {
                response.headers_mut().append(SET_COOKIE, cookie);
            }
            Ok(response)
        }
        Err(failure) => Ok(failure_page(app, headers, &failure)),
    }
}

async fn finish(State(state): State<ApiState>, OriginalUri(uri): OriginalUri, headers: HeaderMap) -> Response {
    let query = query_of(&uri);
    if let Some(response) = installed_from_outside(&query, &headers) {
        return response;
    }
    let finished = state
        .app
        .finish_popup(&query, |state| has_cookie(&headers, state))
        .await;
    shown(&state.app, &headers, finished)
}

/// The return address of apps that are installed on the provider's side.
async fn finish_installation(
    State(state): State<ApiState>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> ApiResult {
    let query = query_of(&uri);
    if let Some(response) = installed_from_outside(&query, &headers) {
        return Ok(response);
    }
    let has = |name: &str| {
        query
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|text| !text.is_empty())
    };
    let asks = query.get("setup_action").and_then(Value::as_str) == Some("request");
    // Who asks an owner brings no installation; a person is told so, a program gets the refusal.
    let is_told = asks && has("state") && is_navigation(&headers);
    if !is_told && (!has("state") || !has("installation_id")) {
        return Ok((StatusCode::BAD_REQUEST, "Bad Request").into_response());
    }
    if asks && !is_told {
        return Err(Error::refuse(400, "wrong_auth_mode")
            .message("The installation waits for the approval of an owner")
            .payload(json!({}))
            .into());
    }
    match state
        .app
        .finish_popup(&query, |state| has_cookie(&headers, state))
        .await
    {
        Err(failure) if failure.error_type == "state_err" => Ok((StatusCode::NOT_FOUND, "Not Found").into_response()),
        finished => Ok(shown(&state.app, &headers, finished)),
    }
}

/// An app that somebody installed or changed without coming from us goes back to where the browser was.
fn installed_from_outside(query: &Value, headers: &HeaderMap) -> Option<Response> {
    let text = |name: &str| query.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let from_outside = text("state").is_none()
        && text("installation_id").is_some()
        && matches!(text("setup_action"), Some("install" | "update"));
    let back = headers
        .get(REFERER)
        .and_then(|value| value.to_str().ok())
        .filter(|back| back.starts_with("https://"));
    from_outside.then(|| redirect(back.unwrap_or("https://github.com")))
}

/// The document that stands for an integration as an OAuth client of MCP servers.
async fn client_metadata(State(state): State<ApiState>, Path((environment, key)): Path<(String, String)>) -> ApiResult {
    let document = state.app.client_metadata(&environment, &key).await?;
    let mut response = axum::Json(document).into_response();
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    Ok(response)
}

fn query_of(uri: &Uri) -> Value {
    query::parse(uri.query().unwrap_or_default())
}

fn redirect(to: &str) -> Response {
    let mut response = (StatusCode::FOUND, format!("Found. Redirecting to {to}")).into_response();
    match HeaderValue::from_str(to) {
        Ok(location) => {
            response.headers_mut().insert(LOCATION, location);
            response
        }
        Err(_) => StatusCode::BAD_REQUEST.into_response(),
    }
}

fn has_cookie(headers: &HeaderMap, state: &str) -> bool {
    let name = format!("oauth2-{state}");
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .any(|pair| pair.trim().split_once('=').is_some_and(|(known, _)| known == name))
}

fn shown(app: &App, headers: &HeaderMap, finished: Result<PopupSuccess, PopupFailure>) -> Response {
    match finished {
        Ok(success) => success_page(app, headers, &success),
        Err(failure) => failure_page(app, headers, &failure),
    }
}

/// Whether a person looks at the answer. Programs get refusals as JSON.
fn is_navigation(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-mode").is_some_and(|mode| mode == "navigate")
}

/// `GET /` as a WebSocket: the page learns its id at once, and later the outcome of its popup.
async fn wait_for_popup(
    State(state): State<ApiState>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    OriginalUri(uri): OriginalUri,
) -> Response {
    match upgrade {
        Ok(upgrade) => upgrade.on_upgrade(move |socket| wait(state.app, socket)),
        Err(_) => super::not_found(uri).await,
    }
}

async fn wait(app: App, mut socket: WebSocket) {
    let id = app.rng().uuid_v4().to_string();
    let Some(outcome) = app.popups().register(&id) else {
        // Closing tells the page to fall back to the popup's own messages.
        return;
    };
    let ack = json!({ "message_type": "connection_ack", "ws_client_id": id }).to_string();
    if socket.send(Message::text(ack)).await.is_ok() {
        let stop = app.shutdown_token().clone();
        let deadline = tokio::time::sleep(WAIT_MAX);
        tokio::pin!(outcome, deadline);
        loop {
            tokio::select! {
                message = &mut outcome => {
                    if let Ok(message) = message {
                        // A page that is gone needs no answer.
                        let _ = socket.send(Message::text(message.to_wire().to_string())).await;
                    }
                    // The page closes once it has read the message.
                    let _ = tokio::time::timeout(std::time::Duration::from_secs(5), socket.recv()).await;
                    break;
                }
                received = socket.recv() => match received {
                    Some(Ok(Message::Close(_))) | Some(Err(_)) | None => break,
                    Some(Ok(_)) => {}
                },
                () = &mut deadline => break,
                () = stop.cancelled() => break,
            }
        }
    }
    app.popups().forget(&id);
}
