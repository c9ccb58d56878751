//! Form endpoints: an end user's page posts what the user typed.

use std::sync::Arc;

use axum::extract::{OriginalUri, State};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tenon_app::auth::Form;
use tenon_app::parse::query;
use tenon_app::sessions::LiveSession;
use tenon_app::{App, Error};

use crate::{ApiResult, ApiState, Input, Path, Session};

/// Routes of this module.
pub fn router() -> Router<ApiState> {
    Router::new()
        .route("/api-auth/api-key/{key}", form(Form::ApiKey))
        .route("/api-auth/basic/{key}", form(Form::Basic))
        .route("/auth/unauthenticated/{key}", form(Form::Unauthenticated))
        .route("/auth/tba/{key}", form(Form::Tba))
        .route("/auth/jwt/{key}", form(Form::Jwt))
        .route("/auth/two-step/{key}", form(Form::TwoStep))
        .route("/auth/bill/{key}", form(Form::Bill))
        .route("/auth/signature/{key}", form(Form::Signature))
        .route("/auth/aws-sigv4/{key}", form(Form::AwsSigV4))
        .route("/oauth2/auth/{key}", form(Form::ClientCredentials))
        .route("/auth/oauth-outbound/{key}", post(outbound))
}

fn form(form: Form) -> axum::routing::MethodRouter<ApiState> {
    post(
        move |State(state): State<ApiState>, Path(key): Path<String>, input: Input| async move {
            let session = session_in_query(&state.app, &input.query).await?;
            let answer = state
                .app
                .connect_with_form(form, session, &key, &input.query, input.json())
                .await?;
            ApiResult::Ok(Json(answer).into_response())
        },
    )
}

/// An installation that begins at the provider. It has no body, whatever its content type says.
async fn outbound(State(state): State<ApiState>, Path(key): Path<String>, OriginalUri(uri): OriginalUri) -> ApiResult {
    let query = query::parse(uri.query().unwrap_or_default());
    let session = session_in_query(&state.app, &query).await?;
    let answer = state.app.connect_outbound(session, &key, &query).await?;
    Ok(Json(answer).into_response())
}

/// Checks the connect session in a query. The public keys that came before sessions are recognised and refused.
pub(super) async fn session_in_query(app: &App, query: &Value) -> ApiResult<Arc<LiveSession>> {
    let text = |name: &str| query.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    if let Some(token) = text("connect_session_token") {
        return Session::check_token(app, token).await;
    }
    let refuse = |code: &str, message: &str| {
        Error::refuse(401, code)
            .message(format!("Authentication failed. {message}"))
            .payload(json!({}))
    };
    let Some(key) = text("public_key") else {
        return Err(refuse(
            "missing_public_key",
            "The request is missing a valid public key parameter.",
        )
        .into());
    };
    if !is_uuid(key) {
        return Err(refuse("invalid_public_key", "The provided public key is not a UUID v4.").into());
    }
    match app.find_environment_by_public_key(key).await? {
        Some(_) => Err(Error::refuse(401, "deprecated_authentication")
            .message("Public key authentication is deprecated. Please use connect session authentication instead.")
            .into()),
        None => {
            let message = "The provided authorization header does not match any account.";
            Err(refuse("unknown_account", message).into())
        }
    }
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.char_indices().all(|(at, c)| match at {
            8 | 13 | 18 | 23 => c == '-',
            _ => c.is_ascii_hexdigit(),
        })
}
