//! Form fields.

use super::Reader;
use crate::file::entry::{Entry, Field as FieldTable};
use crate::file::shapes::Ordered;
use crate::provider::{AuthMode, Field, Format, Inputs, ShownWhen};

impl Reader<'_> {
    pub(super) fn inputs(&mut self, auth: AuthMode, entry: &Entry) -> Inputs {
        let mut inputs = Inputs {
            connection_config: self.fields("config", &entry.config),
            credentials: self.fields("cred", &entry.cred),
            integration_config: self.fields("app", &entry.app),
            assertion_option: self.fields("once", &entry.once),
        };
        for name in fixed_inputs(auth).iter().rev() {
            // The fixed inputs of a mode need no table in the file.
            if !inputs.credentials.iter().any(|field| field.name == *name) {
                inputs.credentials.insert(
                    0,
                    Field {
                        name: (*name).to_owned(),
                        ..Field::default()
                    },
                );
            }
        }
        for field in &mut inputs.credentials {
            if field.label.is_empty() && !field.filled_by_platform && !field.hidden {
                field.label = default_label(auth, &field.name).to_owned();
            }
        }
        for (group, fields) in [
            ("config", &mut inputs.connection_config),
            ("cred", &mut inputs.credentials),
            ("app", &mut inputs.integration_config),
            ("once", &mut inputs.assertion_option),
        ] {
            for field in fields.iter_mut() {
                if field.help.is_empty() {
                    field.help = help(field, &self.resolved.vendor);
                }
                if field.label.is_empty() && !field.filled_by_platform && !field.hidden {
                    self.fault(
                        Some(&format!("{group}.{}", field.name)),
                        "say what the form calls it: label".to_owned(),
                    );
                }
            }
        }
        inputs
    }

    fn fields(&mut self, group: &str, tables: &Ordered<FieldTable>) -> Vec<Field> {
        let mut fields: Vec<Field> = Vec::new();
        for (name, table) in &tables.0 {
            let key = format!("{group}.{name}");
            let format = match table.format.as_deref() {
                None => None,
                Some(format) => match Format::parse(format) {
                    Some(format) => Some(format),
                    None => {
                        let message = format!("`{format}` is unknown; write hostname, uri, uuid or email");
                        self.fault(Some(&key), message);
                        None
                    }
                },
            };
            let shown_when = table.shown_when.as_ref().map(|condition| ShownWhen {
                field: condition.field.clone(),
                equals: condition.equals.clone(),
            });
            if let Some(condition) = &shown_when
                && !tables.0.iter().any(|(other, _)| *other == condition.field)
            {
                self.fault(
                    Some(&key),
                    format!("shown_when names `{}`, which is no field here", condition.field),
                );
            }
            fields.push(Field {
                name: name.clone(),
                label: table.label.clone(),
                help: table.help.clone().unwrap_or_default(),
                example: table.example.clone(),
                pattern: table
                    .pattern
                    .as_deref()
                    .map(|pattern| self.pattern(&format!("{key}.pattern"), pattern)),
                format,
                choices: table.choices.clone(),
                warnings: table.warnings.0.clone(),
                prefix: table.prefix.clone(),
                suffix: table.suffix.clone(),
                order: table.order,
                optional: table.optional,
                default: table.default.clone(),
                hidden: table.hidden,
                secret: table.secret,
                filled_by_platform: table.automatic,
                section: table.section.clone(),
                shown_when,
            });
        }
        fields
    }
}

/// Credential fields that every entry of a mode has.
fn fixed_inputs(auth: AuthMode) -> &'static [&'static str] {
    match auth {
        AuthMode::ApiKey => &["apiKey"],
        AuthMode::Basic => &["username", "password"],
        AuthMode::OAuth2
        | AuthMode::OAuth2Cc
        | AuthMode::OAuth1
        | AuthMode::TwoStep
        | AuthMode::Jwt
        | AuthMode::Tba
        | AuthMode::App
        | AuthMode::Custom
        | AuthMode::Bill
        | AuthMode::Signature
        | AuthMode::AwsSigV4
        | AuthMode::McpOAuth2
        | AuthMode::McpOAuth2Generic
        | AuthMode::InstallPlugin
        | AuthMode::None => &[],
    }
}

fn default_label(auth: AuthMode, name: &str) -> &'static str {
    match (auth, name) {
        (AuthMode::ApiKey, "apiKey") => "API Key",
        (_, "username") => "Username",
        (_, "password") => "Password",
        (_, "client_id") => "Client ID",
        (_, "client_secret") => "Client Secret",
        _ => "",
    }
}

/// Plain help for a field whose file entry has none.
fn help(field: &Field, vendor: &str) -> String {
    if field.filled_by_platform {
        return format!("Filled in when the {vendor} account is connected");
    }
    if field.label.is_empty() {
        return format!("Set by {vendor}");
    }
    match field.choices.is_empty() {
        true => format!("{} of your {vendor} account", field.label),
        false => format!("Choose the one that your {vendor} account uses"),
    }
}
