//! The webhook URL of one connection, which replaces those of its environment.

use serde_json::Value;
use url::Url;

use crate::App;
use crate::validate::Fields;

/// A wish about the webhook URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WebhookUrl {
    /// Use this one.
    Set(String),
    /// Use those of the environment.
    Clear,
}

impl WebhookUrl {
    /// The URL, if one is wished for.
    pub fn as_deref(&self) -> Option<&str> {
        match self {
            Self::Set(url) => Some(url),
            Self::Clear => None,
        }
    }
}

/// What is wrong with a URL, as issue code and message.
pub fn complaint(app: &App, value: &Value) -> Option<(&'static str, &'static str)> {
    let Some(text) = value.as_str() else {
        return Some(("invalid_union", "Invalid input"));
    };
    if text.is_empty() {
        return None;
    }
    let Ok(url) = Url::parse(text) else {
        return Some(("invalid_union", "Invalid input"));
    };
    let host = url
        .host_str()
        .unwrap_or_default()
        .trim_end_matches('.')
        .to_ascii_lowercase();
    if host == "nango.dev" || host.ends_with(".nango.dev") {
        return Some(("custom", "Webhook URLs cannot point to Nango's domain (nango.dev)."));
    }
    app.egress().policy().check_url(&url).is_err().then_some((
        "custom",
        "Webhook URLs must be reachable from this server: its outbound policy refuses this host.",
    ))
}

/// Reads the field `webhook_url_override` of a body.
pub fn read_webhook_url(app: &App, fields: &mut Fields<'_>) -> Option<WebhookUrl> {
    let value = fields.raw("webhook_url_override")?;
    if let Some((code, message)) = complaint(app, value) {
        fields.complain(code, message, "webhook_url_override");
        return None;
    }
    match value.as_str() {
        Some("") | None => Some(WebhookUrl::Clear),
        Some(url) => Some(WebhookUrl::Set(url.to_owned())),
    }
}
