//! The return of a browser: what it brought becomes credentials, credentials become a connection.

use std::time::Duration;

use serde_json::{Map, Value};
use tenon_catalog::AuthMode;
use tenon_credentials::oauth2::{self, Grant};
use tenon_credentials::{Credentials, Subject};

use super::failure::{PopupFailure, missing_code, token_failure};
use super::popup::state_of;
use super::state::Returned;
use crate::App;
use crate::connections::{NewConnection, Origin, PENDING, ProviderRef, WebhookUrl};
use crate::integrations::Integration;

/// A state older than this is not accepted; the cookie that goes with it lives as long.
const STATE_LIFETIME: Duration = Duration::from_secs(3_600);

impl App {
    /// Trades what the callback brought for credentials, and stores the connection. Answers whether it waits for somebody
    /// else's approval.
    #[tenon_model::boxed]
    pub(super) async fn obtain_and_store(
        &self,
        query: &Value,
        returned: &Returned,
        integration: &Integration,
        provider: &ProviderRef,
    ) -> std::result::Result<bool, PopupFailure> {
        let remembered = &returned.remembered;
        let now = self.clock().now();
        if now.since(returned.left_at) > STATE_LIFETIME {
            return Err(PopupFailure::new(
                "state_err",
                "This authorisation took longer than an hour. Close this window and try again.",
            ));
        }
        let provider = provider.get()?;
        let app = self
            .client_app_in(&returned.environment, integration)
            .with_override(remembered.config_override.as_ref());
        let uuid = self.rng().uuid_v4().to_string();
        let mut config = remembered.config.clone();
        let mut captured = captured_from_callback(provider, query);
        let subject = Subject {
            provider,
            app: &app,
            config: &config,
            metadata: None,
            now,
            uuid: &uuid,
        };
        let credentials = match provider.auth {
            AuthMode::App | AuthMode::Custom => {
                let found = self.obtain_installation(query, returned, &subject).await?;
                captured.extend(found.config);
                found.credentials
            }
            AuthMode::OAuth1 => self.return_oauth1(query, returned, &subject).await?,
            AuthMode::McpOAuth2Generic => self.return_from_mcp_server(query, returned, &subject).await?,
            AuthMode::InstallPlugin => {
                let credentials = super::installation::plugin_credentials(&subject)?;
                self.verify_credentials(provider, integration, &config, &credentials)
                    .await?;
                credentials
            }
            _ => {
                let facts = provider
                    .oauth2
                    .as_ref()
                    .ok_or_else(|| PopupFailure::new("auth_mode_err", "No OAuth facts"))?;
                let grant = Grant {
                    code: code(query, &facts.code_param)?,
                    redirect_uri: &remembered.redirect_uri,
                    verifier: &remembered.verifier,
                    state: state_of(query),
                };
                let mut held = oauth2::exchange_code(self.egress(), &subject, &grant)
                    .await
                    .map_err(token_failure)?;
                held.config_override.clone_from(&remembered.config_override);
                let reply = oauth2::captured(&provider.captures.token_reply, held.raw.expose());
                // What the callback said wins over the token reply.
                for (name, value) in reply {
                    captured.entry(name).or_insert(value);
                }
                Credentials::OAuth2(held)
            }
        };
        for (name, value) in captured {
            let given = config
                .get(&name)
                .and_then(Value::as_str)
                .is_some_and(|text| !text.is_empty());
            if !given {
                config.insert(name, value);
            }
        }
        let webhook_url = remembered.webhook_url_override.as_ref().map(|url| {
            if url.is_empty() {
                WebhookUrl::Clear
            } else {
                WebhookUrl::Set(url.clone())
            }
        });
        let is_pending = config.get(PENDING).is_some();
        self.save_connection(NewConnection {
            environment: &returned.environment,
            integration,
            provider,
            connection_id: remembered.connection_id.clone(),
            credentials,
            config,
            metadata: None,
            tags: remembered.tags.clone(),
            end_user: remembered.end_user.clone(),
            webhook_url,
            origin: Origin::EndUser,
        })
        .await?;
        Ok(is_pending)
    }
}

/// The code in a callback.
pub(super) fn code<'q>(query: &'q Value, name: &str) -> Result<&'q str, PopupFailure> {
    query
        .get(name)
        .and_then(Value::as_str)
        .filter(|code| !code.is_empty())
        .ok_or_else(|| missing_code(query))
}

fn captured_from_callback(provider: &tenon_catalog::Provider, query: &Value) -> Map<String, Value> {
    let names = provider.captures.callback.iter();
    names
        .filter_map(|name| Some((name.clone(), query.get(name).filter(|value| value.is_string())?.clone())))
        .collect()
}
