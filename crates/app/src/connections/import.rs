//! Importing connections: the product's back end hands over credentials that it holds.

use serde_json::{Map, Value, json};
use tenon_credentials::credentials::{
    ApiKey, Basic, ClientCredentials, ConfigOverride, Custom, OAuth1, OAuth2, RefreshTokens, Tba,
};
use tenon_credentials::modes::github_app;
use tenon_credentials::refresh::app_key;
use tenon_credentials::{Credentials, Subject, expiry};
use tenon_model::{Secret, Timestamp};

use super::webhook_url::read_webhook_url;
use super::{EndUser, NewConnection, Origin, Style, Tags, client_app, fill_from_integration, read_end_user, read_tags};
use crate::caller::Caller;
use crate::validate::{CONNECTION_ID, Fields, Text, wrong_type};
use crate::{App, Error, Result};

const TOKEN_CHARS_MAX: usize = 16_384;

/// Credentials as an import gives them.
enum Given {
    /// Ready for use.
    Ready(Credentials),
    /// An installation whose token we get ourselves.
    Installation {
        /// Wire name of the mode.
        kind: &'static str,
        app_id: String,
        installation_id: String,
    },
}

impl Given {
    fn kind(&self) -> &'static str {
        match self {
            Self::Ready(credentials) => credentials.kind(),
            Self::Installation { kind, .. } => kind,
        }
    }
}

struct Import {
    provider_config_key: String,
    connection_id: Option<String>,
    credentials: Given,
    config: Map<String, Value>,
    metadata: Map<String, Value>,
    tags: Tags,
    end_user: Option<EndUser>,
    webhook_url: Option<super::WebhookUrl>,
}

impl App {
    /// `POST /connections`: 201 with the whole connection.
    #[tenon_model::boxed]
    pub async fn import_connection(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:connections:create")?;
        let environment = caller.environment()?;
        let import = self.read_import(body)?;
        let (integration, provider) = self
            .integration_and_provider(environment.id, &import.provider_config_key)
            .await?
            .ok_or_else(|| Error::not_found("Integration does not exist"))?;
        let provider = provider.get()?;
        let (mode, given) = (provider.auth.wire(), import.credentials.kind());
        if mode != given {
            return Err(Error::invalid_body(format!(
                "Provider {mode} does not support {given} auth"
            )));
        }
        let mut config = import.config;
        fill_from_integration(provider, &integration, &mut config);
        let credentials = match import.credentials {
            Given::Ready(credentials) => credentials,
            Given::Installation {
                kind,
                app_id,
                installation_id,
            } => {
                config.insert("app_id".to_owned(), json!(app_id));
                config.insert("installation_id".to_owned(), json!(installation_id));
                self.installation_credentials(kind, provider, &integration, &config)
                    .await?
            }
        };
        if matches!(credentials, Credentials::Tba(_)) {
            if !config.get("accountId").is_some_and(Value::is_string) {
                return Err(Error::invalid_body(
                    "Missing accountId in connection_config. This is required to create a TBA connection.",
                ));
            }
            // The client's id is shown beside the account as existing readers expect it; its secret stays where it is.
            if let Some(client_id) = &integration.secrets.client_id {
                config.insert("oauth_client_id".to_owned(), json!(client_id));
            }
        }
        self.verify_credentials(provider, &integration, &config, &credentials)
            .await?;
        let tags = match &import.end_user {
            Some(end_user) => end_user.derived_tags().overlaid_with(&import.tags),
            None => import.tags,
        };
        let saved = self
            .save_connection(NewConnection {
                environment,
                integration: &integration,
                provider,
                connection_id: import.connection_id.unwrap_or_else(|| self.rng().uuid_v4().to_string()),
                credentials,
                config,
                metadata: Some(import.metadata),
                tags,
                end_user: import.end_user,
                webhook_url: import.webhook_url,
                origin: Origin::Import,
            })
            .await?;
        let credentials = saved.connection.credentials_json(RefreshTokens::Shown);
        Ok(saved.connection.to_wire(Style::Written, &[], credentials))
    }

    fn read_import(&self, body: Option<&Value>) -> Result<Import> {
        let mut fields = Fields::body(body)?;
        let provider_config_key = fields.text("provider_config_key", Text::any()).unwrap_or_default();
        let connection_id = fields.opt_text("connection_id", Text::any().pattern(&CONNECTION_ID).max(255));
        let credentials = fields.object("credentials", read_credentials).flatten();
        let config = fields
            .opt_inner("connection_config", |inner| {
                let scopes = inner.raw("oauth_scopes_override");
                let sound = scopes.is_none_or(|scopes| {
                    scopes
                        .as_array()
                        .is_some_and(|items| items.iter().all(Value::is_string))
                });
                if !sound {
                    inner.complain("invalid_type", wrong_type("array", scopes), "oauth_scopes_override");
                }
            })
            .and_then(|()| {
                body.and_then(|body| body.get("connection_config"))
                    .and_then(Value::as_object)
                    .cloned()
            })
            .unwrap_or_default();
        let metadata = fields.opt_object("metadata").cloned().unwrap_or_default();
        let tags = read_tags(&mut fields).unwrap_or_default();
        let end_user = fields.opt_inner("end_user", read_end_user);
        let webhook_url = read_webhook_url(self, &mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(Import {
            provider_config_key,
            connection_id,
            credentials: credentials.unwrap_or(Given::Ready(Credentials::None)),
            config,
            metadata,
            tags,
            end_user,
            webhook_url,
        })
    }

    /// Gets the token of an installation.
    #[tenon_model::boxed]
    pub(crate) async fn installation_credentials(
        &self,
        kind: &str,
        provider: &tenon_catalog::Provider,
        integration: &crate::integrations::Integration,
        config: &Map<String, Value>,
    ) -> Result<Credentials> {
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
        let token = github_app::installation_token(self.egress(), &subject, app_key(&subject)).await;
        let token = token.map_err(|error| {
            Error::refuse(500, "server_error").message(format!("Failed to create the installation token: {error}"))
        })?;
        Ok(match kind {
            "CUSTOM" => {
                let raw = token.raw.clone();
                Credentials::Custom(Custom {
                    app: Some(token),
                    user: None,
                    raw,
                })
            }
            _ => Credentials::App(token),
        })
    }
}

fn read_credentials(fields: &mut Fields<'_>) -> Option<Given> {
    let kind = fields.raw("type").and_then(Value::as_str).unwrap_or_default();
    let any = Text::any();
    let given = match kind {
        "OAUTH2" => {
            let token = any.min(1).max(TOKEN_CHARS_MAX);
            let mut held = OAuth2 {
                access_token: secret(fields.text("access_token", token)),
                refresh_token: fields.opt_text("refresh_token", token).map(Secret::from),
                expires_at: read_date(fields),
                config_override: read_override(fields),
                raw: Value::Null.into(),
            };
            held.raw = raw_of(&Credentials::OAuth2(held.clone())).into();
            Given::Ready(Credentials::OAuth2(held))
        }
        "OAUTH2_CC" => {
            let mut held = ClientCredentials {
                token: secret(fields.text("token", any.min(1).max(4096))),
                client_id: secret(fields.text("client_id", any.max(255))),
                client_secret: secret(fields.text("client_secret", any.max(2048))),
                client_certificate: fields.opt_text("client_certificate", any.max(10_000)).map(Secret::from),
                client_private_key: fields.opt_text("client_private_key", any.max(10_000)).map(Secret::from),
                expires_at: read_date(fields),
                raw: Value::Null.into(),
            };
            held.raw = raw_of(&Credentials::ClientCredentials(held.clone())).into();
            Given::Ready(Credentials::ClientCredentials(held))
        }
        "OAUTH1" => {
            let mut held = OAuth1 {
                oauth_token: secret(fields.text("oauth_token", any.min(1).max(2048))),
                oauth_token_secret: secret(fields.text("oauth_token_secret", any.min(1).max(2048))),
                raw: Value::Null.into(),
            };
            held.raw = raw_of(&Credentials::OAuth1(held.clone())).into();
            Given::Ready(Credentials::OAuth1(held))
        }
        "API_KEY" => Given::Ready(Credentials::ApiKey(ApiKey {
            api_key: secret(fields.text("apiKey", any.min(1).max(1024))),
        })),
        "BASIC" => Given::Ready(Credentials::Basic(Basic {
            username: secret(fields.text("username", any.max(1024))),
            password: secret(fields.text("password", any.max(1024))),
        })),
        "TBA" => Given::Ready(Credentials::Tba(Tba {
            token_id: secret(fields.text("token_id", any)),
            token_secret: secret(fields.text("token_secret", any)),
            config_override: read_override(fields),
        })),
        "NONE" => Given::Ready(Credentials::None),
        "APP" | "CUSTOM" => Given::Installation {
            kind: if kind == "APP" { "APP" } else { "CUSTOM" },
            app_id: fields.text("app_id", any.min(1).max(255)).unwrap_or_default(),
            installation_id: fields.text("installation_id", any.min(1).max(255)).unwrap_or_default(),
        },
        _ => {
            fields.complain("invalid_union", "Invalid input", "type");
            return None;
        }
    };
    fields.strict();
    Some(given)
}

fn read_override(fields: &mut Fields<'_>) -> Option<ConfigOverride> {
    fields.opt_inner("config_override", |inner| {
        let own = ConfigOverride {
            client_id: inner.opt_text("client_id", Text::any().max(255)),
            client_secret: inner.opt_text("client_secret", Text::any().max(2048)).map(Secret::from),
        };
        inner.strict();
        own
    })
}

fn read_date(fields: &mut Fields<'_>) -> Option<Timestamp> {
    let value = fields.raw("expires_at")?;
    let date = expiry::moment(value);
    if date.is_none() {
        fields.complain(
            "invalid_type",
            "Invalid input: expected date, received Invalid Date",
            "expires_at",
        );
    }
    date
}

/// What an import came with stands in for the provider's reply.
pub(super) fn raw_of(credentials: &Credentials) -> Value {
    let mut raw = credentials.to_wire(RefreshTokens::Shown);
    if let Value::Object(fields) = &mut raw {
        fields.shift_remove("raw");
    }
    raw
}

fn secret(text: Option<String>) -> Secret {
    Secret::new(text.unwrap_or_default())
}
