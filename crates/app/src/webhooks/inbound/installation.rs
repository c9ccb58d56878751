//! Installations that a webhook finishes: the connection is there and waits, the provider says that it may work now.
//!
//! Two providers have them. At GitHub, somebody who may not install an app asks an owner to; the connection holds the
//! asker's token and their login. At Sentry, the installation is made on its side; the connection holds the user's id, and
//! the webhook brings the code. The message has been verified before; it names whom it is about, and a connection that
//! waits for somebody else is not touched.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_catalog::Provider;
use tenon_catalog::provider::{MatchIn, Router, Webhook};
use tenon_credentials::credentials::Custom;
use tenon_credentials::oauth2::{self, Grant};
use tenon_credentials::{Credentials, Subject};

use super::Message;
use super::message::{at_path, scalar};
use crate::connections::{Connection, EndUser, NewConnection, Origin, PENDING, client_app};
use crate::environments::Environment;
use crate::integrations::Integration;
use crate::{App, Error, Result};

/// What came of an installation's message.
#[derive(Debug)]
pub(super) enum Installation {
    /// The message is about something else, or nobody waits for it.
    None,
    /// This connection works now.
    Finished(String),
    /// The provider gave no token for this connection.
    Refused(String, String),
}

/// What a message says about an installation.
struct Announced {
    /// Connection value that names the person.
    place: &'static str,
    /// The person.
    who: String,
    /// Values of the connection that the message brings.
    config: Map<String, Value>,
    /// The code, where the message brings one.
    code: Option<String>,
}

fn announced(provider: &Provider, webhook: &Webhook, message: &Message) -> Option<Announced> {
    let body = |path: &str| at_path(&message.body, path).and_then(scalar);
    let header = |name: &str| message.headers.iter().find(|(known, _)| known == name);
    if body("action").as_deref() != Some("created") {
        return None;
    }
    match webhook.router {
        Some(Router::GithubAppOauth) => {
            if message.event(webhook).as_deref() != Some("installation") {
                return None;
            }
            let mut config = Map::new();
            config.insert("installation_id".to_owned(), json!(body("installation.id")?));
            Some(Announced {
                place: "handle",
                who: body("requester.login")?,
                config,
                code: None,
            })
        }
        Some(Router::SentryOauth) => {
            if header("sentry-hook-resource").is_none_or(|(_, value)| value != "installation") {
                return None;
            }
            let outbound = provider.oauth2.as_ref()?.outbound.as_ref()?;
            let captures = provider.captures.install_webhook.iter();
            let config = captures
                .filter_map(|path| {
                    // The message has them below `data`, and some versions at the top as well.
                    let value = body(path).or_else(|| body(&format!("data.{path}")))?;
                    Some((path.clone(), json!(value)))
                })
                .collect();
            Some(Announced {
                place: "actor",
                who: body("actor.id")?,
                config,
                code: Some(body(&outbound.code_path)?),
            })
        }
        _ => None,
    }
}

impl App {
    /// Finishes the connection that waits for the installation that a message announces.
    ///
    /// # Errors
    /// When the provider cannot be reached or the store fails; the message is worked off again then.
    pub(super) async fn finish_installation(
        &self,
        environment: &Arc<Environment>,
        integration: &Integration,
        provider: &Provider,
        webhook: &Webhook,
        message: &Message,
    ) -> Result<Installation> {
        let Some(announced) = announced(provider, webhook, message) else {
            return Ok(Installation::None);
        };
        let mut pending = self
            .connections_with(integration, &MatchIn::Config(PENDING.to_owned()), "true")
            .await?;
        // The one that was asked for last; older ones were given up by their person.
        pending.sort_by_key(|row| std::cmp::Reverse(row.created_at));
        let mut waiting = None;
        for row in pending {
            let end_user = row.end_user.as_ref().map(EndUser::from_row);
            let connection = self.open_connection(row).await?;
            let asker = connection.config.get(announced.place).and_then(scalar);
            // Logins are the same in any case.
            if asker.is_some_and(|asker| asker.eq_ignore_ascii_case(&announced.who)) {
                waiting = Some((connection, end_user));
                break;
            }
        }
        let Some((connection, end_user)) = waiting else {
            return Ok(Installation::None);
        };
        let mut config = connection.config.clone();
        config.shift_remove(PENDING);
        config.extend(announced.config);
        let code = announced.code.as_deref();
        let credentials = self
            .installed_credentials(environment, integration, provider, &connection, &config, code)
            .await;
        let credentials = match credentials {
            Ok(credentials) => credentials,
            Err(error) => {
                let Some(reason) = error.refusal().and_then(|refusal| refusal.message.clone()) else {
                    return Err(error);
                };
                let url = connection.webhook_url_override.as_deref();
                let (mode, id) = (provider.auth.wire(), &connection.connection_id);
                self.emit_connect_failure(environment, integration, mode, id, "token_err", &reason, url)
                    .await?;
                return Ok(Installation::Refused(connection.connection_id, reason));
            }
        };
        self.save_connection(NewConnection {
            environment,
            integration,
            provider,
            connection_id: connection.connection_id.clone(),
            credentials,
            config,
            metadata: None,
            tags: connection.tags.clone(),
            end_user,
            webhook_url: None,
            origin: Origin::EndUser,
        })
        .await?;
        Ok(Installation::Finished(connection.connection_id))
    }

    async fn installed_credentials(
        &self,
        environment: &Environment,
        integration: &Integration,
        provider: &Provider,
        connection: &Connection,
        config: &Map<String, Value>,
        code: Option<&str>,
    ) -> Result<Credentials> {
        let Some(code) = code else {
            let credentials = self
                .installation_credentials(provider.auth.wire(), provider, integration, config)
                .await?;
            return Ok(match (credentials, &connection.credentials) {
                (Credentials::Custom(new), Credentials::Custom(old)) => Credentials::Custom(Custom {
                    user: old.user.clone(),
                    ..new
                }),
                (other, _) => other,
            });
        };
        let app = client_app(integration);
        let uuid = self.rng().uuid_v4().to_string();
        let subject = Subject {
            provider,
            app: &app,
            config,
            metadata: None,
            now: self.clock().now(),
            uuid: &uuid,
        };
        let grant = Grant {
            code,
            redirect_uri: &self.callback_url(environment),
            verifier: "",
            state: "",
        };
        let held = oauth2::exchange_code(self.egress(), &subject, &grant).await;
        held.map(Credentials::OAuth2).map_err(|error| match error.status() {
            Some(_) => Error::refuse(400, "token_err").message(format!("The provider gave no token: {error}")),
            None => Error::Internal(format!("an installation could not be finished: {error}")),
        })
    }
}
