//! What a browser may know about its session.

use serde_json::{Map, Value, json};
use tenon_model::Timestamp;

use super::LiveSession;
use crate::connections::EndUser;
use crate::validate::{Fields, Text};
use crate::{App, Result};

/// How far the clock of a browser may be off.
const TELEMETRY_DRIFT_MS: i64 = 2 * 3_600 * 1_000;

const EVENTS: &[&str] = &[
    "open",
    "view:list",
    "view:integration",
    "view:unknown_error",
    "view:credentials_error",
    "view:success",
    "click:integration",
    "click:doc",
    "click:doc_section",
    "click:connect",
    "click:close",
    "click:finish",
    "click:outside",
    "popup:blocked_by_browser",
    "popup:closed_early",
];

impl App {
    /// `GET /connect/session`.
    #[tenon_model::boxed]
    pub async fn session_json(&self, session: &LiveSession) -> Result<Value> {
        let end_user = self.session_end_user(session).await?;
        let settings = session.environment.settings.connect_ui.to_wire();
        let mut data = Map::new();
        data.insert("endUser".to_owned(), json!(end_user.as_ref().map(EndUser::to_wire)));
        data.insert("connectUISettings".to_owned(), settings);
        if let Some(allowed) = session.allowed_integrations() {
            data.insert("allowed_integrations".to_owned(), json!(allowed));
        }
        if !session.details.defaults.is_empty() {
            let mut shown = Map::new();
            for (key, defaults) in &session.details.defaults {
                let mut one = Map::new();
                if let Some(config) = &defaults.connection_config {
                    one.insert("connection_config".to_owned(), json!(config));
                }
                if let Some(params) = &defaults.authorization_params {
                    one.insert("authorization_params".to_owned(), json!(params));
                }
                shown.insert(key.clone(), Value::Object(one));
            }
            data.insert("integrations_config_defaults".to_owned(), Value::Object(shown));
        }
        if session.reconnects.is_some() {
            data.insert("isReconnecting".to_owned(), json!(true));
        }
        if let Some(overrides) = &session.details.overrides {
            data.insert("overrides".to_owned(), json!(overrides));
        }
        data.insert("websocketsPath".to_owned(), json!("/"));
        Ok(json!({ "data": data }))
    }
}

/// Reads the body of `POST /connect/telemetry`; returns event and integration.
pub fn check_telemetry(body: Option<&Value>, now: Timestamp) -> Result<(String, Option<String>)> {
    let mut fields = Fields::body(body)?;
    fields.text("token", Text::any());
    let event = fields.text("event", Text::any()).unwrap_or_default();
    if !EVENTS.contains(&event.as_str()) && !fields.has_issues() {
        fields.complain("invalid_value", "Invalid option: expected a known event", "event");
    }
    let sent = fields.raw("timestamp").and_then(tenon_credentials::expiry::moment);
    match sent {
        None => fields.complain(
            "invalid_type",
            "Invalid input: expected date, received Invalid Date",
            "timestamp",
        ),
        Some(sent) if (sent.millis() - now.millis()).abs() > TELEMETRY_DRIFT_MS => {
            fields.complain("custom", "The timestamp is too far from the server's time", "timestamp");
        }
        Some(_) => {}
    }
    let integration = fields
        .opt_inner("dimensions", |inner| {
            let integration = inner.opt_text("integration", Text::any().max(255));
            inner.strict();
            integration
        })
        .flatten();
    fields.strict();
    fields.finish("invalid_body")?;
    Ok((event, integration))
}
