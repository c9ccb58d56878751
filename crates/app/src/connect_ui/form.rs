//! The form of an integration: what is left to ask.

use serde_json::{Map, Value};
use tenon_catalog::provider::Field;
use tenon_catalog::{AuthMode, Provider};
use tenon_store::tables::connections;

use super::Choice;
use crate::connections::ProviderRef;
use crate::sessions::LiveSession;
use crate::{App, Error, Result};

/// What happens when the form is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormKind {
    /// A window opens where the user signs in at the provider.
    Popup,
    /// The values are the credentials.
    Credentials,
    /// Nothing is needed.
    Nothing,
    /// The installation is made inside the provider afterwards.
    Outbound,
}

/// Which map of the flow a value goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Values of the connection.
    Config,
    /// Secret values.
    Credential,
    /// Values used once.
    Once,
}

impl Group {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Config => "config.",
            Self::Credential => "cred.",
            Self::Once => "once.",
        }
    }
}

/// One field that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormField {
    /// Name in the form: group and name.
    pub id: String,
    /// Name in the group.
    pub name: String,
    /// Group.
    pub group: Group,
    /// Label of the catalogue; empty takes the page's own word for the name.
    pub label: String,
    /// Help text of the catalogue, when it says more than the label.
    pub help: Option<String>,
    /// An example.
    pub example: Option<String>,
    /// Closed list.
    pub choices: Vec<String>,
    /// Shown before the input.
    pub prefix: Option<String>,
    /// Shown after the input.
    pub suffix: Option<String>,
    /// May be left empty.
    pub optional: bool,
    /// Masked.
    pub secret: bool,
    /// Several lines.
    pub multiline: bool,
    /// What is filled in already.
    pub value: String,
    /// The user copies the value and does not change it.
    pub read_only: bool,
    /// Page about this field.
    pub guide: Option<String>,
    /// Form name of another field, and the value that it must have for this one to be shown.
    pub shown_when: Option<(String, String)>,
}

/// A form.
#[derive(Debug, Clone)]
pub struct ConnectForm {
    /// The integration.
    pub choice: Choice,
    /// What sending does.
    pub kind: FormKind,
    /// What is asked.
    pub fields: Vec<FormField>,
    /// Page that helps to find the values.
    pub guide: Option<String>,
    /// Whether an existing connection is authorised again.
    pub reconnects: bool,
}

/// A form with what is needed to read its answers.
pub(super) struct Prepared {
    pub form: ConnectForm,
    pub provider: ProviderRef,
    /// Connection values that the session presets.
    pub preset: Map<String, Value>,
}

/// Credentials of a mode that the catalogue need not describe.
fn mode_fields(provider: &Provider) -> Vec<&'static str> {
    let described = |name: &str| provider.inputs.credentials.iter().any(|field| field.name == name);
    match provider.auth {
        AuthMode::OAuth2Cc => {
            let certificate = provider.oauth2.as_ref().is_some_and(|facts| facts.client_certificate);
            match (certificate, described("client_private_key")) {
                (true, _) => vec!["client_id", "client_secret", "client_certificate", "client_private_key"],
                (false, true) => vec!["client_id"],
                (false, false) => vec!["client_id", "client_secret"],
            }
        }
        AuthMode::Tba => vec!["token_id", "token_secret"],
        AuthMode::Bill => vec!["username", "password", "organization_id", "dev_key"],
        AuthMode::Signature => vec!["username", "password"],
        AuthMode::AwsSigV4 => vec!["role_arn"],
        // The catalogue describes all fields of the others.
        AuthMode::ApiKey
        | AuthMode::Basic
        | AuthMode::Jwt
        | AuthMode::TwoStep
        | AuthMode::OAuth2
        | AuthMode::OAuth1
        | AuthMode::App
        | AuthMode::Custom
        | AuthMode::McpOAuth2
        | AuthMode::McpOAuth2Generic
        | AuthMode::InstallPlugin
        | AuthMode::None => Vec::new(),
    }
}

/// Every credential field: those of the mode first, then what the catalogue adds.
pub(super) fn credential_fields(provider: &Provider) -> Vec<Field> {
    let described = &provider.inputs.credentials;
    let mut fields: Vec<Field> = Vec::new();
    for name in mode_fields(provider) {
        if !described.iter().any(|field| field.name == name) {
            fields.push(Field {
                name: name.to_owned(),
                ..Field::default()
            });
        }
    }
    fields.extend(described.iter().cloned());
    if provider.auth.uses_browser() {
        fields.clear();
    }
    fields
}

fn kind(provider: &Provider) -> FormKind {
    let outbound = provider.oauth2.as_ref().is_some_and(|facts| facts.outbound.is_some());
    match provider.auth {
        _ if outbound => FormKind::Outbound,
        mode if mode.uses_browser() => FormKind::Popup,
        AuthMode::None => FormKind::Nothing,
        _ => FormKind::Credentials,
    }
}

/// Names whose values are secret even when the catalogue does not say so.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase().replace('_', "");
    [
        "password",
        "secret",
        "apikey",
        "devkey",
        "passphrase",
        "privatekey",
        "accesstoken",
        "refreshtoken",
    ]
    .iter()
    .any(|part| name.contains(part))
}

/// Keys and certificates in PEM span lines.
fn is_multiline(field: &Field) -> bool {
    if let Some(pattern) = &field.pattern {
        return pattern.as_str().contains("BEGIN");
    }
    let name = field.name.to_ascii_lowercase().replace('_', "");
    name.contains("privatekey")
        || name.contains("certificate")
        || field.example.as_deref().is_some_and(|text| text.contains('\n'))
}

impl App {
    /// The form of an integration in a session.
    ///
    /// # Errors
    /// `unknown_provider_config`, `unknown_provider_template`, `integration_not_allowed`.
    #[tenon_model::boxed]
    pub async fn connect_form(&self, session: &LiveSession, key: &str) -> Result<ConnectForm> {
        Ok(self.prepare_form(session, key).await?.form)
    }

    #[tenon_model::boxed]
    pub(super) async fn prepare_form(&self, session: &LiveSession, key: &str) -> Result<Prepared> {
        session.require_integration(key)?;
        let integration = self
            .find_integration(session.environment.id, key)
            .await?
            .ok_or_else(|| Error::refuse(404, "unknown_provider_config"))?;
        let provider = ProviderRef::find(self, &integration.provider)
            .ok_or_else(|| Error::refuse(404, "unknown_provider_template"))?;
        let entry = provider.get()?;
        let preset = preset(session, key);
        let held = self.held_values(session, entry).await?;
        let guide = session
            .details
            .overrides
            .as_ref()
            .and_then(|all| all.get(key)?.get("docs_connect")?.as_str())
            .or(entry.guide.as_deref())
            .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
            .map(str::to_owned);
        let mut fields = Vec::new();
        let (first, last): (Vec<&Field>, Vec<&Field>) = entry
            .inputs
            .connection_config
            .iter()
            .partition(|field| field.order.is_some());
        let mut first = first;
        first.sort_by_key(|field| field.order);
        let credentials = credential_fields(entry);
        let groups = [
            (Group::Config, first),
            (Group::Credential, credentials.iter().collect()),
            (Group::Config, last),
            (Group::Once, entry.inputs.assertion_option.iter().collect()),
        ];
        for (group, members) in groups {
            for field in members {
                let given = match group {
                    Group::Config => preset.contains_key(&field.name),
                    // The developer gave it once for all connections.
                    Group::Credential => integration.secrets.integration_config.contains_key(&field.name),
                    Group::Once => false,
                };
                // Captured values have no label: nobody types them.
                let asked = !field.hidden && !field.filled_by_platform;
                let typed = group != Group::Config || !field.label.is_empty();
                if asked && typed && !given {
                    let held = held.get(&field.name).filter(|_| group == Group::Config);
                    fields.push(form_field(group, field, held, guide.as_deref()));
                }
            }
        }
        if entry.auth == AuthMode::AwsSigV4 && !preset.contains_key("external_id") {
            fields.insert(0, self.external_id(held.get("external_id")));
        }
        Ok(Prepared {
            form: ConnectForm {
                choice: self.connect_choice(&integration),
                kind: kind(entry),
                fields,
                guide,
                reconnects: session.reconnects.is_some(),
            },
            provider,
            preset,
        })
    }

    /// What the user puts into the trust policy of the role before the role can be assumed.
    fn external_id(&self, held: Option<&Value>) -> FormField {
        FormField {
            id: "config.external_id".to_owned(),
            name: "external_id".to_owned(),
            group: Group::Config,
            label: String::new(),
            help: None,
            example: None,
            choices: Vec::new(),
            prefix: None,
            suffix: None,
            optional: false,
            secret: false,
            multiline: false,
            value: held
                .and_then(Value::as_str)
                .map_or_else(|| self.rng().uuid_v4().to_string(), str::to_owned),
            read_only: true,
            guide: None,
            shown_when: None,
        }
    }

    /// Values of the connection that is authorised again: the user need not type the address of the account a second
    /// time. Secrets are not among them.
    async fn held_values(&self, session: &LiveSession, provider: &Provider) -> Result<Map<String, Value>> {
        let Some(id) = session.reconnects else {
            return Ok(Map::new());
        };
        let mut conn = self.store().read().await?;
        let row = connections::find_by_id(&mut conn, session.environment.id, id).await?;
        drop(conn);
        let Some(row) = row else {
            return Ok(Map::new());
        };
        let mut config = self.open_connection(row).await?.config;
        config.retain(|name, _| {
            let field = provider
                .inputs
                .connection_config
                .iter()
                .find(|field| field.name == *name);
            name == "external_id" || field.is_some_and(|field| !field.secret && !is_secret(&field.name))
        });
        Ok(config)
    }
}

/// Connection values that the session presets; an empty preset asks the user.
fn preset(session: &LiveSession, key: &str) -> Map<String, Value> {
    let given = session
        .defaults(key)
        .and_then(|defaults| defaults.connection_config.as_ref());
    given
        .into_iter()
        .flatten()
        .filter(|(_, value)| value.as_str() != Some(""))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn form_field(group: Group, field: &Field, held: Option<&Value>, guide: Option<&str>) -> FormField {
    let id = |name: &str| format!("{}{name}", group.prefix());
    let secret = field.secret || (group != Group::Config && is_secret(&field.name));
    let value = held
        .and_then(Value::as_str)
        .or(field.default.as_deref())
        .filter(|_| !secret)
        .unwrap_or_default();
    let section = field.section.as_deref().filter(|section| section.starts_with('#'));
    FormField {
        id: id(&field.name),
        name: field.name.clone(),
        group,
        label: field.label.clone(),
        help: Some(field.help.clone()).filter(|help| !help.is_empty()),
        example: field.example.clone(),
        choices: field.choices.clone(),
        prefix: field.prefix.clone(),
        suffix: field.suffix.clone(),
        optional: field.optional || field.default.as_deref() == Some(""),
        secret,
        multiline: is_multiline(field),
        value: value.to_owned(),
        read_only: false,
        guide: guide.and_then(|guide| Some(format!("{guide}{}", section?))),
        shown_when: field
            .shown_when
            .as_ref()
            .map(|condition| (id(&condition.field), condition.equals.clone())),
    }
}
