//! Credential fields by the names that templates use.

use std::borrow::Cow;

use serde_json::Value;
use tenon_model::Secret;

use super::Credentials;
use crate::material::{Fields, SecretJson, at_path};

impl Credentials {
    /// The field that a template names (`apiKey`, `username`, `access_token`, a template-defined input, a dotted path
    /// into one). Texts, numbers and booleans only.
    pub fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        let secret = |secret: &'_ Secret| Some(Cow::Owned(secret.expose().to_owned()));
        match (self, name) {
            (Self::ApiKey(c), "apiKey") => Some(Cow::Borrowed(c.api_key.expose())),
            (Self::Basic(c), "username") => Some(Cow::Borrowed(c.username.expose())),
            (Self::Basic(c), "password") => Some(Cow::Borrowed(c.password.expose())),
            (Self::OAuth2(c), "access_token") => Some(Cow::Borrowed(c.access_token.expose())),
            (Self::OAuth2(c), "refresh_token") => c.refresh_token.as_ref().and_then(secret),
            (Self::OAuth2(c), path) => raw_field(path, &c.raw),
            (Self::ClientCredentials(c), "token") => Some(Cow::Borrowed(c.token.expose())),
            (Self::ClientCredentials(c), "client_id") => Some(Cow::Borrowed(c.client_id.expose())),
            (Self::ClientCredentials(c), "client_secret") => Some(Cow::Borrowed(c.client_secret.expose())),
            (Self::ClientCredentials(c), path) => raw_field(path, &c.raw),
            (Self::App(c), "access_token") => Some(Cow::Borrowed(c.access_token.expose())),
            (Self::OAuth1(c), "oauth_token") => secret(&c.oauth_token),
            (Self::OAuth1(c), "oauth_token_secret") => secret(&c.oauth_token_secret),
            (Self::Tba(c), "token_id") => secret(&c.token_id),
            (Self::Tba(c), "token_secret") => secret(&c.token_secret),
            (Self::Jwt(c), "token") => c.token.as_ref().and_then(secret),
            (Self::Jwt(c), path) => input_field(path, &c.inputs),
            (Self::TwoStep(c), "token") => c.token.as_ref().and_then(secret),
            (Self::TwoStep(c), "refresh_token") => c.refresh_token.as_ref().and_then(secret),
            (Self::TwoStep(c), path) => input_field(path, &c.inputs).or_else(|| raw_field(path, &c.raw)),
            (Self::Bill(c), "username") => secret(&c.username),
            (Self::Bill(c), "password") => secret(&c.password),
            (Self::Bill(c), "organization_id") => secret(&c.organization_id),
            (Self::Bill(c), "dev_key") => secret(&c.dev_key),
            (Self::Bill(c), "session_id") => c.session_id.as_ref().and_then(secret),
            (Self::Bill(c), "user_id") => c.user_id.as_deref().map(Cow::Borrowed),
            (Self::Signature(c), "username") => secret(&c.username),
            (Self::Signature(c), "password") => secret(&c.password),
            (Self::Signature(c), "token") => c.token.as_ref().and_then(secret),
            (Self::AwsSigV4(c), "region") => Some(Cow::Borrowed(&c.region)),
            (Self::AwsSigV4(c), "service") => Some(Cow::Borrowed(&c.service)),
            (Self::AwsSigV4(c), "access_key_id") => secret(&c.access_key_id),
            (Self::AwsSigV4(c), "secret_access_key") => secret(&c.secret_access_key),
            (Self::AwsSigV4(c), "session_token") => secret(&c.session_token),
            (Self::Custom(_), "access_token") => self.token().map(Cow::Borrowed),
            _ => None,
        }
    }
}

fn raw_field<'a>(path: &str, raw: &'a SecretJson) -> Option<Cow<'a, str>> {
    let path = path.strip_prefix("raw.")?;
    at_path(raw.expose(), path).and_then(scalar)
}

fn input_field<'a>(path: &str, inputs: &'a Fields) -> Option<Cow<'a, str>> {
    if let Some(value) = inputs.expose().get(path) {
        return scalar(value);
    }
    let (head, rest) = path.split_once('.')?;
    at_path(inputs.expose().get(head)?, rest).and_then(scalar)
}

fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => Some(Cow::Borrowed(text)),
        Value::Number(number) => Some(Cow::Owned(number.to_string())),
        Value::Bool(flag) => Some(Cow::Borrowed(if *flag { "true" } else { "false" })),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
