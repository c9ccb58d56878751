//! HubSpot's error bodies.
//!
//! CRM errors: `{"status":"error","message","correlationId","category"}`, with `errors`/`context` where documented.
//! Rate limits: `errorType`, `policyName`, `groupName`, `requestId`. OAuth: `{"status":"BAD_…","message","correlationId"}`
//! plus the `error` / `error_description` of RFC 6749, which the newer endpoints added.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// A refusal in HubSpot's words. The correlation id is filled in by the gate.
#[derive(Debug)]
pub struct ApiError {
    /// HTTP status.
    pub status: StatusCode,
    /// Body without the correlation id.
    pub body: Value,
}

/// Where the gate finds a body that still needs its correlation id.
#[derive(Debug, Clone)]
pub struct Correlated(pub Value);

impl ApiError {
    /// The common shape.
    pub fn new(status: StatusCode, category: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            status,
            body: json!({"status": "error", "message": message, "category": category}),
        }
    }

    /// 400 `VALIDATION_ERROR`.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "VALIDATION_ERROR", message)
    }

    /// 404 `OBJECT_NOT_FOUND`.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "OBJECT_NOT_FOUND", "resource not found")
    }

    /// 409 with the id of the contact that has this address already.
    pub fn contact_exists(id: u64) -> Self {
        Self::new(
            StatusCode::CONFLICT,
            "CONFLICT",
            format!("Contact already exists. Existing ID: {id}"),
        )
    }

    /// 401 without usable credentials.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more \
             details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )
    }

    /// 401 for a token whose time is over.
    pub fn expired(expired_at_ms: i64, now_ms: i64) -> Self {
        let ago = ((now_ms - expired_at_ms) / 1_000).max(0);
        let mut error = Self::new(
            StatusCode::UNAUTHORIZED,
            "EXPIRED_AUTHENTICATION",
            format!("The OAuth token used to make this call expired {ago} second(s) ago."),
        );
        error.put(
            "context",
            json!({"expire time": [crate::timetext::iso_millis(expired_at_ms)]}),
        );
        error
    }

    /// 403 for a token without the scope of a route.
    pub fn missing_scope(scope: &str) -> Self {
        let mut error = Self::new(
            StatusCode::FORBIDDEN,
            "MISSING_SCOPES",
            "This app hasn't been granted all required scopes to make this call. Read more about required scopes \
             here: https://developers.hubspot.com/scopes.",
        );
        error.put(
            "errors",
            json!([{
                "message": "One or more of the following scopes are required.",
                "context": {"requiredGranularScopes": [scope]}
            }]),
        );
        error.put("links", json!({"scopes": "https://developers.hubspot.com/scopes"}));
        error
    }

    /// 429 naming the policy that was hit.
    pub fn rate_limited(policy: &str, group: String) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            body: json!({
                "status": "error",
                "message": format!("You have reached your {} limit.", policy.to_lowercase()),
                "errorType": "RATE_LIMIT",
                "policyName": policy,
                "groupName": group,
            }),
        }
    }

    /// 400 of the OAuth endpoints.
    pub fn oauth(status: &str, error: &str, message: &str) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            body: json!({"status": status, "message": message, "error": error, "error_description": message}),
        }
    }

    /// Adds a member.
    pub fn put(&mut self, name: &str, value: Value) {
        if let Some(members) = self.body.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(&self.body)).into_response();
        response.extensions_mut().insert(Correlated(self.body));
        response
    }
}
