//! Credential fields by the names that templates use.

use serde_json::{Map, Value};
use tenon_model::Secret;

use super::{ConfigOverride, Credentials};
use crate::material::Fields;

impl Credentials {
    /// Every field that a template may name (`apiKey`, `username`, `access_token`, what the user entered for a
    /// template-defined mode). `raw` is reachable by path, dates and the kind are not fields.
    pub fn template_fields(&self) -> Fields {
        let mut fields = Map::new();
        match self {
            Self::ApiKey(c) => set(&mut fields, "apiKey", &c.api_key),
            Self::Basic(c) => {
                set(&mut fields, "username", &c.username);
                set(&mut fields, "password", &c.password);
            }
            Self::OAuth2(c) => {
                set(&mut fields, "access_token", &c.access_token);
                set_some(&mut fields, "refresh_token", c.refresh_token.as_ref());
                set_override(&mut fields, c.config_override.as_ref());
                fields.insert("raw".to_owned(), c.raw.expose().clone());
            }
            Self::ClientCredentials(c) => {
                set(&mut fields, "token", &c.token);
                set(&mut fields, "client_id", &c.client_id);
                set(&mut fields, "client_secret", &c.client_secret);
                fields.insert("raw".to_owned(), c.raw.expose().clone());
            }
            Self::App(c) => set(&mut fields, "access_token", &c.access_token),
            Self::Custom(c) => {
                set_some(&mut fields, "access_token", c.app.as_ref().map(|app| &app.access_token));
                set_some(
                    &mut fields,
                    "user_access_token",
                    c.user.as_ref().map(|user| &user.access_token),
                );
            }
            Self::OAuth1(c) => {
                set(&mut fields, "oauth_token", &c.oauth_token);
                set(&mut fields, "oauth_token_secret", &c.oauth_token_secret);
            }
            Self::Tba(c) => {
                set(&mut fields, "token_id", &c.token_id);
                set(&mut fields, "token_secret", &c.token_secret);
                set_override(&mut fields, c.config_override.as_ref());
            }
            Self::Jwt(c) => {
                fields.clone_from(c.inputs.expose());
                set_some(&mut fields, "token", c.token.as_ref());
            }
            Self::TwoStep(c) => {
                fields.clone_from(c.inputs.expose());
                set_some(&mut fields, "token", c.token.as_ref());
                set_some(&mut fields, "refresh_token", c.refresh_token.as_ref());
                fields.insert("raw".to_owned(), c.raw.expose().clone());
            }
            Self::Bill(c) => {
                set(&mut fields, "username", &c.username);
                set(&mut fields, "password", &c.password);
                set(&mut fields, "organization_id", &c.organization_id);
                set(&mut fields, "dev_key", &c.dev_key);
                set_some(&mut fields, "session_id", c.session_id.as_ref());
                if let Some(user) = &c.user_id {
                    fields.insert("user_id".to_owned(), Value::String(user.clone()));
                }
            }
            Self::Signature(c) => {
                set(&mut fields, "username", &c.username);
                set(&mut fields, "password", &c.password);
                set_some(&mut fields, "token", c.token.as_ref());
            }
            Self::AwsSigV4(c) => {
                set(&mut fields, "access_key_id", &c.access_key_id);
                set(&mut fields, "secret_access_key", &c.secret_access_key);
                set(&mut fields, "session_token", &c.session_token);
                fields.insert("region".to_owned(), Value::String(c.region.clone()));
                fields.insert("service".to_owned(), Value::String(c.service.clone()));
                fields.insert("role_arn".to_owned(), Value::String(c.role_arn.clone()));
            }
            Self::None => {}
        }
        Fields::new(fields)
    }
}

fn set(fields: &mut Map<String, Value>, name: &str, secret: &Secret) {
    fields.insert(name.to_owned(), Value::String(secret.expose().to_owned()));
}

fn set_some(fields: &mut Map<String, Value>, name: &str, secret: Option<&Secret>) {
    if let Some(secret) = secret {
        set(fields, name, secret);
    }
}

fn set_override(fields: &mut Map<String, Value>, config_override: Option<&ConfigOverride>) {
    let Some(own) = config_override else { return };
    if let Some(id) = &own.client_id {
        fields.insert("config_override.client_id".to_owned(), Value::String(id.clone()));
    }
    set_some(fields, "config_override.client_secret", own.client_secret.as_ref());
}
