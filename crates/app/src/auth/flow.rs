//! What every flow shares: the session's permission, the connection's id and values, and storing the result.

use std::sync::Arc;

use serde_json::{Map, Value};
use tenon_catalog::AuthMode;
use tenon_credentials::Credentials;
use tenon_store::tables::connections as table;

use super::look::language_tag;
use crate::connect_ui::ThemeName;
use crate::connections::{
    NewConnection, Origin, ProviderRef, Saved, WebhookUrl, check_provider_config_key, fill_from_integration,
};
use crate::integrations::Integration;
use crate::sessions::LiveSession;
use crate::{App, Error, Issue, Result};

/// Values that callers may not set as connection values.
const RESERVED: &str = "webhook_url";

/// The query of a flow.
#[derive(Debug, Clone, Default)]
pub struct FlowQuery {
    /// Connection values: texts only.
    pub params: Map<String, Value>,
    /// Extra parameters of the authorize URL.
    pub authorization_params: Vec<(String, String)>,
    /// A developer app of the connection's own, and a refresh token.
    pub credentials: Map<String, Value>,
    /// The page that opened the popup.
    pub page: Option<String>,
    /// Language of that page.
    pub lang: Option<String>,
    /// Theme of that page, where it is not the environment's.
    pub theme: Option<ThemeName>,
}

impl FlowQuery {
    /// Reads a query. Unknown parameters are ignored; a connection id is refused, because the session decides.
    ///
    /// # Errors
    /// 400 `invalid_query_params`.
    pub fn read(query: &Value) -> Result<Self> {
        let text = |name: &str| query.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        if text("connection_id").is_some() {
            let message = "connection_id cannot be used with a connect session; the session decides";
            let issue = Issue::new("custom", message, &["connection_id"]);
            return Err(Error::invalid("invalid_query_params", vec![issue]));
        }
        let texts = |name: &str| -> Map<String, Value> {
            let map = query.get(name).and_then(Value::as_object);
            map.into_iter()
                .flatten()
                .filter(|(_, v)| v.is_string())
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect()
        };
        let mut params = texts("params");
        params.shift_remove(RESERVED);
        let authorization_params = texts("authorization_params")
            .into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
            .collect();
        let page = text("ws_client_id").map(str::to_owned);
        Ok(Self {
            params,
            authorization_params,
            credentials: texts("credentials"),
            page,
            lang: text("lang").and_then(language_tag),
            theme: text("theme").and_then(ThemeName::parse),
        })
    }
}

/// One flow of one session for one integration.
#[derive(Debug)]
pub struct Flow {
    /// The permission.
    pub session: Arc<LiveSession>,
    /// The integration.
    pub integration: Arc<Integration>,
    /// Its provider.
    pub provider: ProviderRef,
    /// The id of the connection: a new one, or that of the connection that is authorised again.
    pub connection_id: String,
    /// Values of the connection: those of the query under those of the session.
    pub config: Map<String, Value>,
}

/// Which refusals an endpoint uses for unknown integrations and foreign modes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusals {
    /// A code alone.
    Bare,
    /// 400 with message and payload, as the client-credentials endpoint has it.
    Explained,
}

impl App {
    /// Begins a flow that works for one of the given modes.
    ///
    /// # Errors
    /// `unknown_provider_config`, `invalid_auth_mode`, `integration_not_allowed`, `invalid_connection`.
    pub(super) async fn begin_flow(
        &self,
        session: Arc<LiveSession>,
        key: &str,
        query: &FlowQuery,
        accepts: impl FnOnce(&tenon_catalog::Provider) -> bool,
        refusals: Refusals,
    ) -> Result<Flow> {
        check_provider_config_key(key)?;
        let environment = session.environment.id;
        let unknown = || match refusals {
            Refusals::Bare => Error::refuse(404, "unknown_provider_config"),
            Refusals::Explained => Error::refuse(400, "unknown_provider_config")
                .message(format!("There is no provider configuration matching this key: {key}"))
                .payload(serde_json::json!({})),
        };
        let integration = self.find_integration(environment, key).await?.ok_or_else(unknown)?;
        let provider = ProviderRef::find(self, &integration.provider)
            .ok_or_else(|| Error::refuse(404, "unknown_provider_template"))?;
        if !accepts(provider.get()?) {
            let refused = Error::refuse(400, "invalid_auth_mode");
            return Err(match refusals {
                Refusals::Bare => refused,
                Refusals::Explained => refused
                    .message("The integration's provider uses another authentication mode than this endpoint")
                    .payload(serde_json::json!({})),
            });
        }
        session.require_integration(key)?;
        let connection_id = self.flow_connection_id(&session).await?;
        let mut config = query.params.clone();
        if let Some(preset) = session
            .defaults(key)
            .and_then(|defaults| defaults.connection_config.as_ref())
        {
            for (name, value) in preset {
                // An empty preset asks the user for the value.
                if value.as_str() != Some("") || !config.contains_key(name) {
                    config.insert(name.clone(), value.clone());
                }
            }
        }
        fill_from_integration(provider.get()?, &integration, &mut config);
        Ok(Flow {
            session,
            integration,
            provider,
            connection_id,
            config,
        })
    }

    async fn flow_connection_id(&self, session: &LiveSession) -> Result<String> {
        let Some(id) = session.reconnects else {
            return Ok(self.rng().uuid_v4().to_string());
        };
        let mut conn = self.store().read().await?;
        let row = table::find_by_id(&mut conn, session.environment.id, id).await?;
        row.map(|row| row.connection_id)
            .ok_or_else(|| Error::refuse(400, "invalid_connection"))
    }

    /// Stores what a flow obtained.
    #[tenon_model::boxed]
    pub(super) async fn save_flow(&self, flow: &Flow, credentials: Credentials) -> Result<Saved> {
        let details = &flow.session.details;
        let webhook_url = details.webhook_url_override.as_ref().map(|url| {
            if url.is_empty() {
                WebhookUrl::Clear
            } else {
                WebhookUrl::Set(url.clone())
            }
        });
        self.save_connection(NewConnection {
            environment: &flow.session.environment,
            integration: &flow.integration,
            provider: flow.provider.get()?,
            connection_id: flow.connection_id.clone(),
            credentials,
            config: flow.config.clone(),
            metadata: None,
            tags: details.tags.clone(),
            end_user: details.end_user.clone(),
            webhook_url,
            origin: Origin::EndUser,
        })
        .await
    }

    /// Tells the product that a flow failed, once and whatever the reason.
    #[tenon_model::boxed]
    pub(super) async fn report_flow_failure(&self, flow: &Flow, kind: &str, description: &str) {
        let reported = match flow.provider.get() {
            Ok(provider) => {
                self.emit_connect_failure(
                    &flow.session.environment,
                    &flow.integration,
                    provider.auth.wire(),
                    &flow.connection_id,
                    kind,
                    description,
                    flow.session
                        .details
                        .webhook_url_override
                        .as_deref()
                        .filter(|url| !url.is_empty()),
                )
                .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = reported {
            tracing::error!(?error, "a failed connection attempt could not be reported");
        }
    }
}

/// Whether a provider has this mode.
pub(super) fn is(mode: AuthMode) -> impl FnOnce(&tenon_catalog::Provider) -> bool {
    move |provider| provider.auth == mode
}
