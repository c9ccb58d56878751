//! What people may change about an environment.

use serde::{Deserialize, Deserializer, Serialize};

use crate::connect_ui::ConnectUiSettings;
use crate::functions::limits::FunctionLimits;
use crate::{Error, Result};

/// Settings of an environment, stored as JSON. Every field has a default, so older rows stay readable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EnvironmentSettings {
    /// OAuth callback on the team's own domain; the server's own when absent.
    pub callback_url: Option<String>,
    /// Whether the legacy public key needs an HMAC.
    pub hmac_enabled: bool,
    /// Key of that HMAC.
    pub hmac_key: Option<String>,
    /// First receiver of outgoing webhooks.
    pub webhook_url: Option<String>,
    /// Second receiver of outgoing webhooks.
    pub webhook_url_secondary: Option<String>,
    /// Send a webhook when a connection is made or could not be made.
    pub on_auth_creation: bool,
    /// Send a webhook when a token could not be refreshed.
    pub on_auth_refresh_error: bool,
    /// Send a webhook when a connection whose credentials had failed works again. The contract sends none, so it is off unless
    /// wanted.
    pub on_auth_recovery: bool,
    /// Send a webhook when a connection is removed. The contract sends none, so it is off unless wanted.
    pub on_auth_deletion: bool,
    /// Send a webhook at the end of every successful sync run, even when nothing changed.
    pub on_sync_completion_always: bool,
    /// Send a webhook when a sync run failed.
    pub on_sync_error: bool,
    /// Send a webhook when an asynchronous action has ended.
    pub on_async_action_completion: bool,
    /// Accepted for compatibility; nothing is sent to Slack.
    pub slack_notifications: bool,
    /// Where OpenTelemetry data goes.
    pub otlp_endpoint: Option<String>,
    /// Headers sent there.
    pub otlp_headers: Vec<(String, String)>,
    /// Bounds of its functions' runs.
    pub functions: FunctionLimits,
    /// Look of the Connect UI.
    #[serde(deserialize_with = "null_is_default")]
    pub connect_ui: ConnectUiSettings,
}

impl Default for EnvironmentSettings {
    fn default() -> Self {
        Self {
            callback_url: None,
            hmac_enabled: false,
            hmac_key: None,
            webhook_url: None,
            webhook_url_secondary: None,
            on_auth_creation: true,
            on_auth_refresh_error: true,
            on_auth_recovery: false,
            on_auth_deletion: false,
            on_sync_completion_always: true,
            on_sync_error: true,
            on_async_action_completion: true,
            slack_notifications: false,
            otlp_endpoint: None,
            otlp_headers: Vec::new(),
            functions: FunctionLimits::default(),
            connect_ui: ConnectUiSettings::default(),
        }
    }
}

impl EnvironmentSettings {
    pub(super) fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Internal(format!("environment settings: {error}")))
    }
}

/// Rows written before a field had its type hold `null` there.
fn null_is_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Option::deserialize(from).map(Option::unwrap_or_default)
}
