//! What the bodies of the form endpoints hold.

use serde_json::{Map, Value};
use tenon_credentials::credentials::{
    ApiKey, Basic, Bill, ClientCredentials, ConfigOverride, Signature, SignedJwt, Tba, TwoStep,
};
use tenon_credentials::{Credentials, Fields as SecretFields};
use tenon_model::Secret;

use super::Form;
use crate::validate::{AWS_REGION, Fields, Text};
use crate::{Error, Result};

/// Values that a user typed for an assumed role.
#[derive(Debug, Clone)]
pub(super) struct RoleInput {
    /// The role.
    pub arn: String,
    /// Region; absent takes a default.
    pub region: Option<String>,
}

/// What a form gave.
#[derive(Debug, Clone)]
pub(super) enum Given {
    /// Credentials, some of which need a token yet.
    Credentials(Credentials),
    /// Values to exchange for a token, and those among them that are used once and never stored.
    Exchange(TwoStep, Option<Map<String, Value>>),
    /// A role to assume.
    Role(RoleInput),
}

/// Reads the body of a form endpoint.
pub(super) fn read(form: Form, body: Option<&Value>) -> Result<Given> {
    let empty = Value::Object(Map::new());
    // Forms without fields may come without a body.
    let body = if form == Form::Unauthenticated {
        Some(body.unwrap_or(&empty))
    } else {
        body
    };
    let mut fields = Fields::body(body)?;
    let required = Text::any().min(1);
    let credentials = match form {
        Form::ApiKey => Credentials::ApiKey(ApiKey {
            api_key: secret(&mut fields, "apiKey", Text::any().min(1).max(1024)),
        }),
        Form::Basic => Credentials::Basic(Basic {
            username: secret(&mut fields, "username", Text::any().max(1024)),
            password: secret(&mut fields, "password", Text::any().max(1024)),
        }),
        Form::Unauthenticated => Credentials::None,
        Form::Tba => {
            let own = ConfigOverride {
                client_id: fields.opt_text("oauth_client_id_override", Text::any()),
                client_secret: fields
                    .opt_text("oauth_client_secret_override", Text::any())
                    .map(Secret::from),
            };
            Credentials::Tba(Tba {
                token_id: secret(&mut fields, "token_id", required),
                token_secret: secret(&mut fields, "token_secret", required),
                config_override: (own != ConfigOverride::default()).then_some(own),
            })
        }
        Form::Bill => Credentials::Bill(Bill {
            username: secret(&mut fields, "username", required),
            password: secret(&mut fields, "password", required),
            organization_id: secret(&mut fields, "organization_id", required),
            dev_key: secret(&mut fields, "dev_key", required),
            session_id: None,
            user_id: None,
            expires_at: None,
            raw: Value::Null.into(),
        }),
        Form::Signature => {
            let signature = Signature {
                username: secret(&mut fields, "username", required),
                password: secret(&mut fields, "password", required),
                token: None,
                expires_at: None,
            };
            fields.text("type", required);
            Credentials::Signature(signature)
        }
        Form::AwsSigV4 => {
            let arn = fields.text("role_arn", required).unwrap_or_default();
            let region = fields.opt_text("region", Text::any().pattern(&AWS_REGION).max(64));
            fields.strict();
            fields.finish("invalid_body")?;
            return Ok(Given::Role(RoleInput { arn, region }));
        }
        Form::Jwt => {
            return Ok(Given::Credentials(Credentials::Jwt(SignedJwt {
                inputs: loose(body),
                ..SignedJwt::default()
            })));
        }
        Form::TwoStep => {
            let once = body
                .and_then(|body| body.get("assertionOption"))
                .and_then(Value::as_object);
            let held = TwoStep {
                inputs: loose(body),
                ..TwoStep::default()
            };
            return Ok(Given::Exchange(held, once.cloned()));
        }
        Form::ClientCredentials => return client_credentials(body).map(Given::Credentials),
    };
    fields.strict();
    fields.finish("invalid_body")?;
    Ok(Given::Credentials(credentials))
}

fn secret(fields: &mut Fields<'_>, name: &'static str, rule: Text) -> Secret {
    Secret::new(fields.text(name, rule).unwrap_or_default())
}

/// Template-defined inputs: every text, number and boolean of the body; what steers the flow is left out.
fn loose(body: Option<&Value>) -> SecretFields {
    let mut inputs = Map::new();
    for (name, value) in body.and_then(Value::as_object).into_iter().flatten() {
        let steers = matches!(
            name.as_str(),
            "type" | "assertionOption" | "token" | "expires_at" | "raw"
        );
        if !steers && !value.is_null() {
            inputs.insert(name.clone(), value.clone());
        }
    }
    SecretFields::new(inputs)
}

fn client_credentials(body: Option<&Value>) -> Result<Credentials> {
    let text = |name: &str| {
        body.and_then(|body| body.get(name))
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
            .map(Secret::new)
    };
    let missing = |code: &str, name: &str| {
        Error::refuse(400, code)
            .message(format!("Missing param '{name}'."))
            .payload(serde_json::json!({}))
    };
    let client_id = text("client_id").ok_or_else(|| missing("missing_client_id", "client_id"))?;
    let client_private_key = text("client_private_key");
    let client_secret = match (text("client_secret"), &client_private_key) {
        (Some(secret), _) => secret,
        (None, Some(_)) => Secret::default(),
        (None, None) => return Err(missing("missing_client_secret", "client_secret")),
    };
    Ok(Credentials::ClientCredentials(ClientCredentials {
        token: Secret::default(),
        expires_at: None,
        client_id,
        client_secret,
        client_certificate: text("client_certificate"),
        client_private_key,
        raw: Value::Null.into(),
    }))
}
