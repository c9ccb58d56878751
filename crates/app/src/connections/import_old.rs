//! The deprecated flat import, `POST /connection`. Its bodies are not checked for unknown fields.

use serde_json::{Map, Value, json};
use tenon_catalog::AuthMode;
use tenon_credentials::credentials::{ApiKey, Basic, ClientCredentials, ConfigOverride, OAuth1, OAuth2, Tba};
use tenon_credentials::{Credentials, expiry};
use tenon_model::{Secret, Timestamp};

use super::import::raw_of;
use super::{NewConnection, Origin, Tags};
use crate::caller::Caller;
use crate::{App, Error, Result};

fn missing(code: &str, parameter: &str) -> Error {
    Error::refuse(400, code)
        .message(format!("Missing param '{parameter}'."))
        .payload(json!({}))
}

impl App {
    /// `POST /connection`: 201 with the body as sent, and the connection id.
    #[tenon_model::boxed]
    pub async fn import_connection_old(&self, caller: &Caller, body: Option<&Value>) -> Result<Value> {
        caller.require("environment:connections:create")?;
        let environment = caller.environment()?;
        let empty = Map::new();
        let fields = body.and_then(Value::as_object).unwrap_or(&empty);
        if fields.is_empty() {
            return Err(Error::refuse(400, "missing_body")
                .message("Missing request body.")
                .payload(json!({})));
        }
        let key = text(fields, "provider_config_key")
            .ok_or_else(|| missing("missing_provider_config", "provider_config_key"))?;
        let connection_id = match text(fields, "connection_id") {
            Some(id) => id.to_owned(),
            None => self.rng().uuid_v4().to_string(),
        };
        super::check_connection_id(&connection_id)?;
        let (integration, provider) = self
            .integration_and_provider(environment.id, key)
            .await?
            .ok_or_else(|| {
                Error::refuse(400, "unknown_provider_config")
                    .message(format!("There is no provider configuration matching this key: {key}"))
                    .payload(json!({}))
            })?;
        let provider = provider.get()?;
        let mut config = fields
            .get("connection_config")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default();
        config.shift_remove("webhook_url");
        let now = self.clock().now();
        let credentials = match provider.auth {
            AuthMode::App | AuthMode::Custom => {
                let app_id = text(fields, "app_id").ok_or_else(|| missing("missing_app_id", "app_id"))?;
                let installation = text(fields, "installation_id")
                    .ok_or_else(|| missing("missing_installation_id", "installation_id"))?;
                config.insert("app_id".to_owned(), json!(app_id));
                config.insert("installation_id".to_owned(), json!(installation));
                self.installation_credentials(provider.auth.wire(), provider, &integration, &config)
                    .await?
            }
            mode => read(mode, fields, &mut config, now)?,
        };
        self.verify_credentials(provider, &integration, &config, &credentials)
            .await?;
        self.save_connection(NewConnection {
            environment,
            integration: &integration,
            provider,
            connection_id: connection_id.clone(),
            credentials,
            config,
            metadata: fields.get("metadata").and_then(Value::as_object).cloned(),
            tags: Tags::default(),
            end_user: None,
            webhook_url: None,
            origin: Origin::Import,
        })
        .await?;
        let mut answer = fields.clone();
        answer.insert("connection_id".to_owned(), json!(connection_id));
        Ok(Value::Object(answer))
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    fields.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn secret(fields: &Map<String, Value>, name: &str) -> Option<Secret> {
    text(fields, name).map(Secret::new)
}

fn read(
    mode: AuthMode,
    fields: &Map<String, Value>,
    config: &mut Map<String, Value>,
    now: Timestamp,
) -> Result<Credentials> {
    let required = |name: &str, code: &str| secret(fields, name).ok_or_else(|| missing(code, name));
    Ok(match mode {
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => {
            let mut held = OAuth2 {
                access_token: required("access_token", "missing_access_token")?,
                refresh_token: secret(fields, "refresh_token"),
                expires_at: read_expiry(fields, now)?,
                config_override: read_override(fields),
                raw: Value::Null.into(),
            };
            held.raw = raw_of(&Credentials::OAuth2(held.clone())).into();
            Credentials::OAuth2(held)
        }
        AuthMode::OAuth2Cc => {
            let own = read_override(fields).unwrap_or_default();
            let mut held = ClientCredentials {
                token: required("access_token", "missing_access_token")?,
                expires_at: fields.get("expires_at").and_then(expiry::moment),
                client_id: Secret::new(own.client_id.unwrap_or_default()),
                client_secret: own.client_secret.unwrap_or_default(),
                client_certificate: None,
                client_private_key: None,
                raw: Value::Null.into(),
            };
            held.raw = raw_of(&Credentials::ClientCredentials(held.clone())).into();
            Credentials::ClientCredentials(held)
        }
        AuthMode::OAuth1 => {
            let mut held = OAuth1 {
                oauth_token: required("oauth_token", "missing_oauth_token")?,
                oauth_token_secret: required("oauth_token_secret", "missing_oauth_token_secret")?,
                raw: Value::Null.into(),
            };
            held.raw = raw_of(&Credentials::OAuth1(held.clone())).into();
            Credentials::OAuth1(held)
        }
        AuthMode::Basic => Credentials::Basic(Basic {
            username: required("username", "missing_basic_username")?,
            password: secret(fields, "password").unwrap_or_default(),
        }),
        AuthMode::ApiKey => Credentials::ApiKey(ApiKey {
            api_key: required("api_key", "missing_api_key")?,
        }),
        AuthMode::Tba => {
            if !config.get("accountId").is_some_and(Value::is_string) {
                return Err(missing("missing_account_id", "connection_config.accountId"));
            }
            Credentials::Tba(Tba {
                token_id: required("token_id", "missing_token_id")?,
                token_secret: required("token_secret", "missing_token_secret")?,
                config_override: read_override(fields),
            })
        }
        AuthMode::None => Credentials::None,
        AuthMode::App
        | AuthMode::Custom
        | AuthMode::TwoStep
        | AuthMode::Jwt
        | AuthMode::Bill
        | AuthMode::Signature
        | AuthMode::AwsSigV4
        | AuthMode::InstallPlugin => {
            return Err(Error::refuse(400, "invalid_auth_mode")
                .message("Connections of this provider cannot be imported")
                .payload(json!({})));
        }
    })
}

fn read_expiry(fields: &Map<String, Value>, now: Timestamp) -> Result<Option<Timestamp>> {
    if fields
        .get("no_expiration")
        .is_some_and(|flag| flag == true || flag == "true")
    {
        return Ok(None);
    }
    let stated = fields.get("expires_at").and_then(expiry::moment).or_else(|| {
        fields
            .get("expires_in")
            .and_then(expiry::lifetime)
            .map(|lasts| now.plus(lasts))
    });
    match stated {
        Some(at) => Ok(Some(at)),
        None => Err(Error::refuse(400, "missing_expires_at")
            .message(
                "Importing an OAuth2 token requires the 'expires_at' parameter. If the token doesn't expire pass in \
                 the 'no_expiration' parameter",
            )
            .payload(json!({}))),
    }
}

fn read_override(fields: &Map<String, Value>) -> Option<ConfigOverride> {
    let own = ConfigOverride {
        client_id: text(fields, "oauth_client_id_override").map(str::to_owned),
        client_secret: secret(fields, "oauth_client_secret_override"),
    };
    (own != ConfigOverride::default()).then_some(own)
}
