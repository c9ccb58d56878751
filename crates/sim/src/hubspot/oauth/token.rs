//! The token endpoint and what HubSpot tells about tokens.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::grants::{Refusal, Tokens};
use crate::hubspot::Hub;
use crate::hubspot::errors::ApiError;
use crate::lock;

type Answer = Result<Response, ApiError>;

const USER_ID: u64 = 293_199;
const USER: &str = "owner@simulated-account.example";
const HUB_DOMAIN: &str = "simulated-account.example";

struct Form(Vec<(String, String)>);

impl Form {
    /// Version 1 also takes parameters from the query; the newer versions read the body only.
    fn read(uri: &Uri, query: Option<&str>, body: &[u8]) -> Self {
        let mut fields: Vec<(String, String)> = form_urlencoded::parse(body).into_owned().collect();
        if uri.path().starts_with("/oauth/v1/") {
            fields.extend(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned());
        }
        Self(fields)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
            .filter(|text| !text.is_empty())
    }

    fn check_client(&self, hub: &Hub) -> Result<(), ApiError> {
        if self.get("client_id") != Some(hub.config.client_id.as_str()) {
            return Err(ApiError::oauth(
                "BAD_CLIENT_ID",
                "invalid_client",
                "missing or unknown client id",
            ));
        }
        if self.get("client_secret") != Some(hub.config.client_secret.as_str()) {
            return Err(ApiError::oauth(
                "BAD_CLIENT_SECRET",
                "invalid_client",
                "missing or invalid client secret",
            ));
        }
        Ok(())
    }
}

/// `POST /oauth/{version}/token`
pub async fn token(State(hub): State<Arc<Hub>>, uri: Uri, RawQuery(raw): RawQuery, body: Bytes) -> Answer {
    let form = Form::read(&uri, raw.as_deref(), &body);
    form.check_client(&hub)?;
    let now = hub.clock.now_ms();
    match form.get("grant_type") {
        Some("authorization_code") => {
            let exchanged = lock(&hub.grants).exchange(
                form.get("code").unwrap_or_default(),
                form.get("redirect_uri").unwrap_or_default(),
                form.get("code_verifier"),
                now,
            );
            let tokens = exchanged.map_err(refused)?;
            hub.stats.note(|stats| {
                stats.codes_exchanged += 1;
                stats.tokens_issued += 1;
            });
            Ok(shown(&hub, &uri, &tokens))
        }
        Some("refresh_token") => {
            let refreshed = lock(&hub.grants).refresh(form.get("refresh_token").unwrap_or_default(), now);
            hub.stats.note(|stats| match &refreshed {
                Ok(_) => {
                    stats.refreshes += 1;
                    stats.tokens_issued += 1;
                }
                Err(_) => stats.refresh_refusals += 1,
            });
            Ok(shown(&hub, &uri, &refreshed.map_err(refused)?))
        }
        _ => Err(ApiError::oauth(
            "BAD_GRANT_TYPE",
            "unsupported_grant_type",
            "missing or unknown grant type",
        )),
    }
}

fn refused(refusal: Refusal) -> ApiError {
    match refusal {
        Refusal::Code => ApiError::oauth("BAD_AUTH_CODE", "invalid_grant", "missing or unknown auth code"),
        Refusal::RedirectUri => ApiError::oauth("BAD_REDIRECT_URI", "invalid_grant", "missing or invalid redirect uri"),
        Refusal::Verifier => ApiError::oauth("BAD_CODE_VERIFIER", "invalid_grant", "missing or invalid code verifier"),
        Refusal::RefreshToken => {
            ApiError::oauth("BAD_REFRESH_TOKEN", "invalid_grant", "missing or invalid refresh token")
        }
    }
}

fn shown(hub: &Hub, uri: &Uri, tokens: &Tokens) -> Response {
    let mut body = json!({
        "token_type": "bearer",
        "refresh_token": tokens.refresh,
        "access_token": tokens.access,
        "expires_in": lock(&hub.grants).ttl_seconds(),
    });
    // The newer versions also say whose tokens they are.
    if !uri.path().starts_with("/oauth/v1/")
        && let Some(members) = body.as_object_mut()
    {
        members.insert("hub_id".to_owned(), json!(hub.config.hub_id));
        members.insert("user_id".to_owned(), json!(USER_ID));
        members.insert("scopes".to_owned(), json!(tokens.scopes));
    }
    Json(body).into_response()
}

/// `GET /oauth/v1/access-tokens/{token}`
pub async fn access_token_info(State(hub): State<Arc<Hub>>, Path(token): Path<String>) -> Answer {
    let info = lock(&hub.grants).access_info(&token, hub.clock.now_ms());
    let (scopes, expires_in) =
        info.ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "access token not found"))?;
    Ok(Json(metadata(&hub, &token, "access", &scopes, Some(expires_in))).into_response())
}

/// `GET /oauth/v1/refresh-tokens/{token}`
pub async fn refresh_token_info(State(hub): State<Arc<Hub>>, Path(token): Path<String>) -> Answer {
    let scopes = lock(&hub.grants)
        .refresh_info(&token)
        .ok_or_else(|| ApiError::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "refresh token not found"))?;
    Ok(Json(metadata(&hub, &token, "refresh", &scopes, None)).into_response())
}

fn metadata(hub: &Hub, token: &str, kind: &str, scopes: &[String], expires_in: Option<i64>) -> Value {
    let mut body = json!({
        "token": token,
        "user": USER,
        "hub_domain": HUB_DOMAIN,
        "scopes": scopes,
        "hub_id": hub.config.hub_id,
        "app_id": hub.config.app_id,
        "user_id": USER_ID,
        "token_type": kind,
    });
    if let Some(members) = body.as_object_mut() {
        match expires_in {
            Some(seconds) => members.insert("expires_in".to_owned(), json!(seconds)),
            None => members.insert("client_id".to_owned(), json!(hub.config.client_id)),
        };
    }
    body
}

/// `DELETE /oauth/v1/refresh-tokens/{token}`: the app is removed from the account.
pub async fn delete_refresh_token(State(hub): State<Arc<Hub>>, Path(token): Path<String>) -> StatusCode {
    lock(&hub.grants).revoke_token(&token);
    StatusCode::NO_CONTENT
}

/// `POST /oauth/{version}/token/introspect`: `active: false` for tokens that are not known.
pub async fn introspect(State(hub): State<Arc<Hub>>, uri: Uri, RawQuery(raw): RawQuery, body: Bytes) -> Answer {
    let form = Form::read(&uri, raw.as_deref(), &body);
    form.check_client(&hub)?;
    let token = form.get("token").unwrap_or_default();
    let grants = lock(&hub.grants);
    let access = grants.access_info(token, hub.clock.now_ms());
    let refresh = grants.refresh_info(token);
    drop(grants);
    let mut body = match (access, refresh) {
        (Some((scopes, expires_in)), _) => metadata(&hub, token, "access_token", &scopes, Some(expires_in)),
        (None, Some(scopes)) => metadata(&hub, token, "refresh_token", &scopes, None),
        (None, None) => return Ok(Json(json!({"active": false})).into_response()),
    };
    if let Some(members) = body.as_object_mut() {
        members.insert("active".to_owned(), json!(true));
    }
    Ok(Json(body).into_response())
}

/// `POST /oauth/{version}/token/revoke`
pub async fn revoke(State(hub): State<Arc<Hub>>, uri: Uri, RawQuery(raw): RawQuery, body: Bytes) -> Answer {
    let form = Form::read(&uri, raw.as_deref(), &body);
    form.check_client(&hub)?;
    lock(&hub.grants).revoke_token(form.get("token").unwrap_or_default());
    Ok(StatusCode::OK.into_response())
}
