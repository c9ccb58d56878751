//! The popup flow: a browser goes to the provider and comes back with a code.

use std::sync::Arc;

use serde_json::{Map, Value};
use tenon_catalog::AuthMode;
use tenon_credentials::Subject;
use tenon_credentials::credentials::ConfigOverride;
use tenon_credentials::oauth2::{self, Authorize, Verifier};
use tenon_model::Secret;

use super::PopupMessage;
use super::failure::{PopupFailure, url_failure};
use super::flow::{Flow, FlowQuery};
use super::look::PopupLook;
use super::state::{Remembered, Returned};
use crate::connections::ProviderRef;
use crate::operations::{Kind, Level, OperationHandle, Outcome, Subject as LogSubject};
use crate::sessions::LiveSession;
use crate::{App, Result};

/// Where a popup goes.
#[derive(Debug)]
pub struct PopupStart {
    /// The provider's page.
    pub url: String,
    /// The state, for the cookie that binds the browser.
    pub state: String,
}

/// How a browser leaves: where to, and what is remembered for its return.
#[derive(Debug, Default)]
pub(super) struct Departure {
    /// The provider's page.
    pub url: String,
    /// Connection values found on the way.
    pub config: Map<String, Value>,
    /// A client that was registered for this connection.
    pub client: Option<ConfigOverride>,
    /// Temporary credentials.
    pub temporary: Option<(Secret, Secret)>,
}

impl Departure {
    pub(super) fn to(url: String) -> Self {
        Self { url, ..Self::default() }
    }
}

/// The failure of an integration that has no developer app yet.
pub(super) fn no_client() -> PopupFailure {
    PopupFailure::new(
        "provider_config_err",
        "The integration has no client id or client secret; set them first",
    )
}

/// A popup that has done its work.
#[derive(Debug)]
pub struct PopupSuccess {
    /// The integration's key.
    pub unique_key: String,
    /// The connection's id.
    pub connection_id: String,
    /// Whether somebody else has to approve it first.
    pub is_pending: bool,
    /// How its page looks.
    pub look: Box<PopupLook>,
}

/// The first step of a popup either begins, is refused with an answer for programs, or fails with a page.
pub type Started = Result<std::result::Result<PopupStart, PopupFailure>>;

impl App {
    /// `GET /oauth/connect/:key`.
    ///
    /// # Errors
    /// Refusals that are answered as JSON; everything else is a page.
    #[tenon_model::boxed]
    pub async fn start_popup(&self, session: Arc<LiveSession>, key: &str, query: &Value) -> Started {
        let query = FlowQuery::read(query)?;
        let environment = session.environment.clone();
        let begun = self.begin_popup(session, key, &query).await;
        let flow = match begun {
            Ok(flow) => flow,
            Err(error) => {
                let json = error.refusal().is_some_and(|refusal| {
                    matches!(
                        refusal.code.as_str(),
                        "integration_not_allowed" | "invalid_connection" | "invalid_query_params"
                    )
                });
                if json {
                    return Err(error);
                }
                let failure = match error.refusal().map(|refusal| refusal.code.as_str()) {
                    Some("unknown_provider_config") => {
                        PopupFailure::new("provider_config_err", format!("There is no integration named {key}"))
                    }
                    Some("unknown_provider_template") => PopupFailure::new(
                        "unknown_config_key",
                        "The integration's provider is not in the catalogue",
                    ),
                    Some("invalid_auth_mode") => {
                        PopupFailure::new("auth_mode_err", "This provider does not connect with a popup")
                    }
                    _ => PopupFailure::internal(&error),
                };
                let failure = failure.looking(self.leaving_look(&environment, key, &query).await);
                return self.fail_start(failure, &query, key, None).await;
            }
        };
        let subject = LogSubject::titled(format!("Send a browser to {}", flow.integration.provider))
            .integration(&flow.integration.unique_key, &flow.integration.provider)
            .connection(&flow.connection_id);
        let operation = self
            .operations()
            .start(flow.session.environment.id, Kind::Auth, "authorize", subject);
        match self.send_away(&flow, &query, &operation).await {
            Ok(start) => {
                operation.finish(Outcome::Success);
                Ok(Ok(start))
            }
            Err(failure) => {
                operation.finish(Outcome::failed(failure.error_type, failure.message.clone()));
                self.report_flow_failure(&flow, failure.error_type, &failure.message)
                    .await;
                let failure = failure.looking(self.leaving_look(&environment, key, &query).await);
                self.fail_start(failure, &query, key, Some(&flow.connection_id)).await
            }
        }
    }

    async fn fail_start(
        &self,
        failure: PopupFailure,
        query: &FlowQuery,
        key: &str,
        connection_id: Option<&str>,
    ) -> Started {
        let message = PopupMessage::Failure {
            unique_key: Some(key.to_owned()),
            connection_id: connection_id.map(str::to_owned),
            error_type: failure.error_type.to_owned(),
            error_desc: failure.message.clone(),
        };
        self.tell_page(query.page.as_deref(), &message).await?;
        Ok(Err(failure))
    }

    async fn begin_popup(&self, session: Arc<LiveSession>, key: &str, query: &FlowQuery) -> Result<Flow> {
        let accepts = |provider: &tenon_catalog::Provider| match provider.auth {
            AuthMode::OAuth2 | AuthMode::McpOAuth2 => {
                provider.oauth2.as_ref().is_some_and(|facts| facts.outbound.is_none())
            }
            AuthMode::App
            | AuthMode::Custom
            | AuthMode::OAuth1
            | AuthMode::McpOAuth2Generic
            | AuthMode::InstallPlugin => true,
            _ => false,
        };
        self.begin_flow(session, key, query, accepts, super::flow::Refusals::Bare)
            .await
    }

    async fn send_away(
        &self,
        flow: &Flow,
        query: &FlowQuery,
        operation: &OperationHandle,
    ) -> std::result::Result<PopupStart, PopupFailure> {
        let provider = flow.provider.get()?;
        let verifier = Verifier::new(self.rng());
        let state = self.rng().uuid_v4().to_string();
        let redirect_uri = self.callback_url(&flow.session.environment);
        let (config, config_override) = overrides(flow, query);
        let app = self
            .client_app_in(&flow.session.environment, &flow.integration)
            .with_override(config_override.as_ref());
        let defaults = flow.session.defaults(&flow.integration.unique_key);
        let uuid = self.rng().uuid_v4().to_string();
        let subject = Subject {
            provider,
            app: &app,
            config: &config,
            metadata: None,
            now: self.clock().now(),
            uuid: &uuid,
        };
        let scopes = config.get("oauth_scopes_override").map(oauth2::scopes_of);
        let params = match defaults.and_then(|defaults| defaults.authorization_params.as_ref()) {
            Some(params) => params
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
                .collect(),
            None => query.authorization_params.clone(),
        };
        let authorize = Authorize {
            redirect_uri: &redirect_uri,
            state: &state,
            verifier: &verifier,
            scopes: scopes.as_deref(),
            user_scopes: defaults.and_then(|defaults| defaults.user_scopes.as_deref()),
            params: &params,
        };
        let departure = match provider.auth {
            AuthMode::App | AuthMode::Custom => Departure::to(super::installation::install_url(&subject, &state)?),
            AuthMode::InstallPlugin => Departure::to(super::installation::plugin_url(&subject, &state)?),
            AuthMode::OAuth1 => self.depart_oauth1(&subject, &authorize).await?,
            AuthMode::McpOAuth2Generic => self.depart_to_mcp_server(flow, &subject, &authorize).await?,
            AuthMode::McpOAuth2 => self.depart_to_known_mcp_server(flow, &subject, &authorize).await?,
            _ => {
                if app.client_id.is_empty() || app.client_secret.is_empty() {
                    return Err(no_client());
                }
                let url = oauth2::authorize_url(&subject, &authorize).map_err(url_failure)?;
                Departure::to(url.to_string())
            }
        };
        let mut config = config;
        config.extend(departure.config);
        operation.log(Level::Info, "The browser was sent to the provider", None);
        let details = &flow.session.details;
        let remembered = Remembered {
            unique_key: flow.integration.unique_key.clone(),
            connection_id: flow.connection_id.clone(),
            config,
            verifier: verifier.expose().to_owned(),
            redirect_uri,
            config_override: departure.client.or(config_override),
            temporary: departure.temporary,
            page: query.page.clone(),
            end_user: details.end_user.clone(),
            tags: details.tags.clone(),
            webhook_url_override: details.webhook_url_override.clone(),
            operation: operation.id().to_string(),
            lang: query.lang.clone(),
            theme: query.theme,
        };
        self.remember_state(flow.session.environment.id, flow.integration.id, &state, &remembered)
            .await?;
        Ok(PopupStart {
            url: departure.url,
            state,
        })
    }

    /// Where providers send browsers back to.
    pub(crate) fn callback_url(&self, environment: &crate::environments::Environment) -> String {
        match &environment.settings.callback_url {
            Some(url) if !url.is_empty() => url.clone(),
            _ => format!("{}/oauth/callback", self.settings().public_url),
        }
    }

    /// `GET /oauth/callback`: `has_cookie` tells whether a state's cookie came along.
    pub async fn finish_popup(
        &self,
        query: &Value,
        has_cookie: impl Fn(&str) -> bool,
    ) -> std::result::Result<PopupSuccess, PopupFailure> {
        let finished = match Some(state_of(query)).filter(|state| !state.is_empty()) {
            None => Err(PopupFailure::new(
                "state_err",
                "The provider sent the browser back without a state",
            )),
            Some(state) => match self.take_state(state).await {
                Ok(Some(returned)) => {
                    let look = self.returned_look(&returned).await;
                    let finished = match self.check_browser(&returned, has_cookie(state)) {
                        Ok(()) => self.finish_returned(query, returned, look.clone()).await,
                        Err(failure) => Err(failure),
                    };
                    finished.map_err(|failure| failure.looking(look))
                }
                Ok(None) => Err(PopupFailure::new(
                    "state_err",
                    "This authorisation is unknown or was used already. Close this window and try again.",
                )),
                Err(error) => Err(PopupFailure::internal(&error)),
            },
        };
        if let Err(failure) = &finished {
            let message = PopupMessage::Failure {
                unique_key: failure.unique_key.clone(),
                connection_id: failure.connection_id.clone(),
                error_type: failure.error_type.to_owned(),
                error_desc: failure.message.clone(),
            };
            if let Err(error) = self.tell_page(failure.page.as_deref(), &message).await {
                tracing::error!(?error, "the page that opened a popup could not be told");
            }
        }
        finished
    }

    /// Whether the browser that came back is the one that left: a link to a provider's consent page, passed on, would
    /// otherwise give the account of whoever follows it to whoever began. The page that began is told nothing, because
    /// that may be the deceiver.
    fn check_browser(&self, returned: &Returned, is_same: bool) -> std::result::Result<(), PopupFailure> {
        if is_same {
            return Ok(());
        }
        tracing::warn!(
            environment.id = %returned.environment.id,
            connection.id = %returned.remembered.connection_id,
            "a browser came back without the cookie of its authorisation"
        );
        if !self.settings().browser_binding {
            return Ok(());
        }
        Err(PopupFailure::new(
            "state_cookie_err",
            "This authorisation was begun in another browser, so nothing was connected. Begin again from the page that \
             asks you to connect, in this browser and with cookies allowed.",
        ))
    }

    async fn finish_returned(
        &self,
        query: &Value,
        returned: Returned,
        look: Box<PopupLook>,
    ) -> std::result::Result<PopupSuccess, PopupFailure> {
        let remembered = &returned.remembered;
        let integration = self
            .find_integration_by_id(returned.environment.id, returned.integration)
            .await?
            .ok_or_else(|| {
                PopupFailure::new("provider_config_err", "The integration was removed meanwhile").of(remembered)
            })?;
        let provider = ProviderRef::find(self, &integration.provider).ok_or_else(|| {
            PopupFailure::new(
                "unknown_config_key",
                "The integration's provider is not in the catalogue",
            )
            .of(remembered)
        })?;
        let subject = LogSubject::titled(format!("Finish the authorisation at {}", integration.provider))
            .integration(&integration.unique_key, &integration.provider)
            .connection(&remembered.connection_id)
            .meta(serde_json::json!({ "begun": remembered.operation }));
        let operation = self
            .operations()
            .start(returned.environment.id, Kind::Auth, "connect", subject);
        match self.obtain_and_store(query, &returned, &integration, &provider).await {
            Ok(is_pending) => {
                operation.finish(Outcome::Success);
                let message = PopupMessage::Success {
                    unique_key: remembered.unique_key.clone(),
                    connection_id: remembered.connection_id.clone(),
                    is_pending,
                };
                self.tell_page(remembered.page.as_deref(), &message).await?;
                Ok(PopupSuccess {
                    unique_key: remembered.unique_key.clone(),
                    connection_id: remembered.connection_id.clone(),
                    is_pending,
                    look,
                })
            }
            Err(failure) => {
                operation.finish(Outcome::failed(failure.error_type, failure.message.clone()));
                let kind = match failure.error_type {
                    "callback_err" => "invalid_callback",
                    "token_err" => "unable_to_parse_token_response",
                    other => other,
                };
                let url = remembered.webhook_url_override.as_deref().filter(|url| !url.is_empty());
                let mode = provider.get()?.auth.wire();
                if !failure.is_products_own {
                    self.emit_connect_failure(
                        &returned.environment,
                        &integration,
                        mode,
                        &remembered.connection_id,
                        kind,
                        &failure.message,
                        url,
                    )
                    .await?;
                }
                Err(failure.of(remembered))
            }
        }
    }
}

/// The state in a callback, under the names that providers have for it; empty without one.
pub(super) fn state_of(query: &Value) -> &str {
    ["state", "payload", "customField"]
        .iter()
        .filter_map(|name| query.get(*name).and_then(Value::as_str))
        .find(|text| !text.is_empty())
        .unwrap_or_default()
}

/// Connection values without what is a secret of the developer app, and that app.
fn overrides(flow: &Flow, query: &FlowQuery) -> (Map<String, Value>, Option<ConfigOverride>) {
    let mut config = flow.config.clone();
    let mut take = |name: &str| {
        let preset = config.shift_remove(name);
        let given = query.credentials.get(name).cloned();
        [given, preset]
            .into_iter()
            .flatten()
            .find_map(|value| value.as_str().filter(|t| !t.is_empty()).map(str::to_owned))
    };
    let own = ConfigOverride {
        client_id: take("oauth_client_id_override"),
        client_secret: take("oauth_client_secret_override").map(Secret::from),
    };
    let refresh_token = take(oauth2::REFRESH_TOKEN_OVERRIDE);
    if let Some(token) = refresh_token {
        config.insert(oauth2::REFRESH_TOKEN_OVERRIDE.to_owned(), Value::String(token));
    }
    (config, (own != ConfigOverride::default()).then_some(own))
}
