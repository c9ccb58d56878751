//! Reading a form that was sent, and connecting with it.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_catalog::provider::Field;
use tenon_catalog::{AuthMode, FieldFault, Provider, check_inputs, is_shown};
use url::form_urlencoded::Serializer;

use super::ThemeName;
use super::form::{FormKind, Group, Prepared, credential_fields};
use crate::auth::Form;
use crate::sessions::LiveSession;
use crate::{App, Error, Result};

/// Longest value of a field; keys with certificates stay far below.
const VALUE_BYTES_MAX: usize = 64 << 10;

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// Form name of the field.
    pub id: String,
    /// What is wrong; `None` when the value is too long.
    pub fault: Option<FieldFault>,
}

/// The page that a form was sent from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Opener<'a> {
    /// The id under which it waits for its window.
    pub page: Option<&'a str>,
    /// Its language.
    pub lang: Option<&'a str>,
    /// Its theme, where it is not the environment's.
    pub theme: Option<ThemeName>,
}

/// What came of a form.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Some values are not as the provider's entry says.
    Invalid(Vec<Wrong>),
    /// The window goes here.
    Popup(String),
    /// A connection was made.
    Connected {
        /// Its id.
        connection_id: String,
        /// Whether the installation is still to be made.
        is_pending: bool,
    },
    /// The provider, or the product's own check, did not accept the values.
    Refused {
        /// Stable code.
        code: String,
        /// In the provider's words, when there are any.
        reason: Option<String>,
    },
}

/// What was typed, by group.
#[derive(Default)]
struct Typed {
    config: Map<String, Value>,
    credentials: Map<String, Value>,
    once: Map<String, Value>,
}

impl App {
    /// Checks what was typed and connects, or says where the window goes.
    ///
    /// `token` is the session's own: the window is opened with it, and looks like its `opener`.
    ///
    /// # Errors
    /// Refusals that no other value would change: unknown integration, ended session.
    #[tenon_model::boxed]
    pub async fn submit_connect_form(
        &self,
        session: Arc<LiveSession>,
        token: &str,
        key: &str,
        values: &Map<String, Value>,
        opener: &Opener<'_>,
    ) -> Result<Answer> {
        let prepared = self.prepare_form(&session, key).await?;
        let provider = prepared.provider.get()?;
        let (typed, too_long) = read(&prepared, values);
        let mut wrong = too_long;
        wrong.extend(check(&prepared, provider, &typed));
        if !wrong.is_empty() {
            return Ok(Answer::Invalid(wrong));
        }
        if prepared.form.kind == FormKind::Popup {
            return Ok(Answer::Popup(self.popup_url(token, key, &typed.config, opener)));
        }
        let query = json!({ "params": typed.config });
        let connected = match form_of(provider.auth) {
            _ if prepared.form.kind == FormKind::Outbound => self.connect_outbound(session, key, &query).await,
            Some(form) => {
                let body = body(form, provider, typed);
                self.connect_with_form(form, session, key, &query, Some(&body)).await
            }
            None => Err(Error::refuse(400, "invalid_auth_mode")),
        };
        match connected {
            Ok(ids) => Ok(Answer::Connected {
                connection_id: ids["connectionId"].as_str().unwrap_or_default().to_owned(),
                is_pending: prepared.form.kind == FormKind::Outbound,
            }),
            Err(error) => refused(error),
        }
    }

    fn popup_url(&self, token: &str, key: &str, config: &Map<String, Value>, opener: &Opener<'_>) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("connect_session_token", token);
        for (name, value) in config {
            query.append_pair(&format!("params[{name}]"), value.as_str().unwrap_or_default());
        }
        let theme = opener.theme.map(ThemeName::as_str);
        let known = [("ws_client_id", opener.page), ("lang", opener.lang), ("theme", theme)];
        for (name, value) in known.into_iter().filter_map(|(name, value)| Some((name, value?))) {
            query.append_pair(name, value);
        }
        let key: String = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC).to_string();
        format!("{}/oauth/connect/{key}?{}", self.settings().public_url, query.finish())
    }
}

/// A refusal by the provider is an answer; anything else stays an error.
fn refused(error: Error) -> Result<Answer> {
    let Some(refusal) = error.refusal() else {
        return Err(error);
    };
    let code = refusal.code.clone();
    let reason = match code.as_str() {
        "integration_not_allowed" | "invalid_connection" | "unknown_provider_config" => return Err(error),
        // Its sentence says nothing that the page does not say itself.
        "connection_test_failed" => refusal.reason.clone(),
        _ => refusal.reason.clone().or_else(|| refusal.message.clone()),
    };
    Ok(Answer::Refused { code, reason })
}

/// The values of the form's own fields; others are ignored. People paste more than the part that is asked for, so what
/// the page shows around the input is cut off.
fn read(prepared: &Prepared, values: &Map<String, Value>) -> (Typed, Vec<Wrong>) {
    let mut typed = Typed::default();
    let mut wrong = Vec::new();
    for field in &prepared.form.fields {
        let Some(text) = values.get(&field.id).and_then(Value::as_str) else {
            continue;
        };
        let mut text = if field.secret && !field.multiline {
            text
        } else {
            text.trim()
        };
        if let Some(prefix) = &field.prefix {
            text = text.strip_prefix(prefix.as_str()).unwrap_or(text);
        }
        if let Some(suffix) = &field.suffix {
            text = text.trim_end_matches('/');
            text = text.strip_suffix(suffix.as_str()).unwrap_or(text);
        }
        if text.is_empty() {
            continue;
        }
        if text.len() > VALUE_BYTES_MAX {
            wrong.push(Wrong {
                id: field.id.clone(),
                fault: None,
            });
            continue;
        }
        let group = match field.group {
            Group::Config => &mut typed.config,
            Group::Credential => &mut typed.credentials,
            Group::Once => &mut typed.once,
        };
        group.insert(field.name.clone(), Value::String(text.to_owned()));
    }
    (typed, wrong)
}

/// Checks all groups by the catalogue's rules; only fields of the form can be wrong.
fn check(prepared: &Prepared, provider: &Provider, typed: &Typed) -> Vec<Wrong> {
    let mut config = prepared.preset.clone();
    config.extend(typed.config.clone());
    let credentials = credential_fields(provider);
    let groups: [(Group, &[Field], &Map<String, Value>); 3] = [
        (Group::Config, &provider.inputs.connection_config, &config),
        (Group::Credential, &credentials, &typed.credentials),
        (Group::Once, &provider.inputs.assertion_option, &typed.once),
    ];
    let mut wrong = Vec::new();
    for field in &prepared.form.fields {
        let Some((_, rules, given)) = groups.iter().find(|(group, ..)| *group == field.group) else {
            continue;
        };
        let complaint = check_inputs(rules, given, true)
            .into_iter()
            .find(|complaint| complaint.field == field.name);
        wrong.extend(complaint.map(|complaint| Wrong {
            id: field.id.clone(),
            fault: Some(complaint.fault),
        }));
    }
    wrong
}

/// The form endpoint of a mode.
fn form_of(mode: AuthMode) -> Option<Form> {
    Some(match mode {
        AuthMode::ApiKey => Form::ApiKey,
        AuthMode::Basic => Form::Basic,
        AuthMode::None => Form::Unauthenticated,
        AuthMode::Tba => Form::Tba,
        AuthMode::Jwt => Form::Jwt,
        AuthMode::TwoStep => Form::TwoStep,
        AuthMode::Bill => Form::Bill,
        AuthMode::Signature => Form::Signature,
        AuthMode::AwsSigV4 => Form::AwsSigV4,
        AuthMode::OAuth2Cc => Form::ClientCredentials,
        AuthMode::OAuth2
        | AuthMode::OAuth1
        | AuthMode::App
        | AuthMode::Custom
        | AuthMode::McpOAuth2
        | AuthMode::McpOAuth2Generic
        | AuthMode::InstallPlugin => return None,
    })
}

/// The body that the endpoint reads.
fn body(form: Form, provider: &Provider, typed: Typed) -> Value {
    let mut body = Map::new();
    for field in credential_fields(provider) {
        let shown = is_shown(&field, &provider.inputs.credentials, &typed.credentials);
        let given = typed.credentials.get(&field.name).cloned();
        let value = given.or_else(|| field.default.clone().map(Value::String));
        if let Some(value) = value.filter(|_| shown) {
            body.insert(field.name, value);
        }
    }
    match form {
        // Both members must be there, even when the provider uses one of them only.
        Form::Basic => {
            for name in ["username", "password"] {
                body.entry(name).or_insert_with(|| json!(""));
            }
        }
        Form::Signature => {
            body.insert("type".to_owned(), json!("SIGNATURE"));
        }
        Form::AwsSigV4 => {
            if let Some(region) = typed.config.get("region") {
                body.insert("region".to_owned(), region.clone());
            }
        }
        Form::TwoStep => {
            if !typed.once.is_empty() {
                body.insert("assertionOption".to_owned(), Value::Object(typed.once));
            }
        }
        Form::ApiKey | Form::Unauthenticated | Form::Tba | Form::Jwt | Form::Bill | Form::ClientCredentials => {}
    }
    Value::Object(body)
}
