//! Request bodies about integrations.

use serde_json::Value;
use tenon_model::Secret;

use crate::Result;
use crate::validate::{Fields, INTEGRATION_ID, NAME, Text, wrong_type};

const WEBHOOK_SECRET_CHARS_MAX: usize = 255;
/// Free values that are the key of the provider's webhooks.
const WEBHOOK_SECRET_NAMES: [&str; 2] = ["webhookSecret", "webhook_secret"];

/// Client credentials as a request gives them.
#[derive(Debug, Clone)]
pub enum CredentialsInput {
    /// `OAUTH1`, `OAUTH2` or `TBA`; also the MCP modes, whose clients may have no secret.
    Client {
        /// The wire name of the mode.
        mode: String,
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: Secret,
        /// Scopes joined by commas; absent keeps the stored ones, empty clears them.
        scopes: Option<String>,
        /// Key of the provider's webhooks.
        webhook_secret: Option<String>,
    },
    /// `APP`.
    App {
        /// App id.
        app_id: String,
        /// Installation page.
        app_link: String,
        /// PEM key.
        private_key: Secret,
    },
    /// `CUSTOM`: an app with a user client beside it.
    Custom {
        /// Client id.
        client_id: String,
        /// Client secret.
        client_secret: Secret,
        /// App id.
        app_id: String,
        /// Installation page.
        app_link: String,
        /// PEM key.
        private_key: Secret,
    },
}

impl CredentialsInput {
    /// Wire name of the mode that the credentials are for.
    pub fn mode(&self) -> &str {
        match self {
            Self::Client { mode, .. } => mode,
            Self::App { .. } => "APP",
            Self::Custom { .. } => "CUSTOM",
        }
    }

    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let kind = fields
            .raw("type")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let id = Text::any().min(1).max(255);
        let some = Text::any().min(1);
        let input = match kind.as_str() {
            "OAUTH1" | "OAUTH2" | "TBA" => Self::Client {
                mode: kind,
                client_id: fields.text("client_id", id).unwrap_or_default(),
                client_secret: fields.text("client_secret", some).unwrap_or_default().into(),
                scopes: read_scopes(fields),
                webhook_secret: fields.opt_text("webhook_secret", Text::any().max(WEBHOOK_SECRET_CHARS_MAX)),
            },
            "MCP_OAUTH2" | "MCP_OAUTH2_GENERIC" => Self::Client {
                mode: kind,
                client_id: fields.text("client_id", id).unwrap_or_default(),
                client_secret: fields.opt_text("client_secret", some).unwrap_or_default().into(),
                scopes: read_scopes(fields),
                webhook_secret: fields.opt_text("webhook_secret", Text::any().max(WEBHOOK_SECRET_CHARS_MAX)),
            },
            "APP" => Self::App {
                app_id: fields.text("app_id", id).unwrap_or_default(),
                app_link: fields.text("app_link", some).unwrap_or_default(),
                private_key: read_private_key(fields),
            },
            "CUSTOM" => Self::Custom {
                client_id: fields.text("client_id", id).unwrap_or_default(),
                client_secret: fields.text("client_secret", some).unwrap_or_default().into(),
                app_id: fields.text("app_id", id).unwrap_or_default(),
                app_link: fields.text("app_link", some).unwrap_or_default(),
                private_key: read_private_key(fields),
            },
            _ => {
                fields.complain("invalid_union", "Invalid input", "type");
                return None;
            }
        };
        fields.strict();
        Some(input)
    }
}

/// Free values, and the webhook secret: a field of its own, for providers of every mode. Clients of the older contract
/// have put it among the free values.
fn read_free(fields: &mut Fields<'_>) -> (Option<Vec<(String, String)>>, Option<String>) {
    let rule = Text::any().max(WEBHOOK_SECRET_CHARS_MAX);
    let custom = fields.opt_text_map("custom", usize::MAX);
    let mut secret = fields.opt_text("webhook_secret", rule);
    let custom = custom.map(|values| {
        let (secrets, others): (Vec<_>, Vec<_>) = values
            .into_iter()
            .partition(|(name, _)| WEBHOOK_SECRET_NAMES.contains(&name.as_str()));
        if let Some((_, value)) = secrets.into_iter().next() {
            for (code, message) in rule.complaints(&value) {
                fields.complain(code, message, "custom");
            }
            secret.get_or_insert(value);
        }
        others
    });
    // Nothing but the secret was meant; the free values that are there stay.
    (custom.filter(|values| !values.is_empty() || secret.is_none()), secret)
}

fn read_scopes(fields: &mut Fields<'_>) -> Option<String> {
    let value = fields.raw("scopes")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":/_.*-".contains(c);
    match value.as_str() {
        Some(text)
            if text.is_empty()
                || text
                    .split(',')
                    .all(|scope| !scope.is_empty() && scope.chars().all(allowed)) =>
        {
            Some(text.to_owned())
        }
        _ => {
            fields.complain("invalid_union", "Invalid input", "scopes");
            None
        }
    }
}

fn read_private_key(fields: &mut Fields<'_>) -> Secret {
    let Some(text) = fields.text("private_key", Text::any()) else {
        return Secret::default();
    };
    let trimmed = text.trim();
    let marked =
        trimmed.starts_with("-----BEGIN RSA PRIVATE KEY-----") && trimmed.ends_with("-----END RSA PRIVATE KEY-----");
    if !marked {
        fields.complain(
            "invalid_format",
            "Invalid string: must be an RSA private key in PEM form",
            "private_key",
        );
    }
    Secret::new(text)
}

/// Body of `POST /integrations` and `POST /integrations/quickstart`.
#[derive(Debug)]
pub struct CreateInput {
    /// Provider id.
    pub provider: String,
    /// Wished key.
    pub unique_key: String,
    /// Own name.
    pub display_name: Option<String>,
    /// Whether incoming webhooks are passed on.
    pub forward_webhooks: Option<bool>,
    /// Client credentials.
    pub credentials: Option<CredentialsInput>,
    /// Values that the provider declares as the developer's.
    pub integration_config: Option<Vec<(String, String)>>,
    /// Free values.
    pub custom: Option<Vec<(String, String)>>,
    /// Key of the provider's webhooks.
    pub webhook_secret: Option<String>,
}

impl CreateInput {
    /// Reads the body of `POST /integrations`.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        Self::read(body, true)
    }

    /// Reads the body of `POST /integrations/quickstart`, which takes no credentials.
    pub fn parse_quickstart(body: Option<&Value>) -> Result<Self> {
        Self::read(body, false)
    }

    fn read(body: Option<&Value>, full: bool) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let mut input = Self {
            provider: fields
                .text("provider", Text::any().pattern(&NAME).max(255))
                .unwrap_or_default(),
            unique_key: fields
                .text("unique_key", Text::any().pattern(&INTEGRATION_ID).max(255))
                .unwrap_or_default(),
            display_name: fields.opt_text("display_name", Text::any().min(1).max(255)),
            credentials: None,
            forward_webhooks: None,
            integration_config: None,
            custom: None,
            webhook_secret: None,
        };
        if full {
            input.credentials = fields.opt_inner("credentials", CredentialsInput::read).flatten();
        }
        input.forward_webhooks = fields.opt_boolean("forward_webhooks");
        if full {
            input.integration_config = fields.opt_text_map("integration_config", 8192);
            (input.custom, input.webhook_secret) = read_free(&mut fields);
        }
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(input)
    }
}

/// Body of `PATCH /integrations/:key`.
#[derive(Debug)]
pub struct UpdateInput {
    /// New key.
    pub unique_key: Option<String>,
    /// New name.
    pub display_name: Option<String>,
    /// New client credentials.
    pub credentials: Option<CredentialsInput>,
    /// Whether incoming webhooks are passed on.
    pub forward_webhooks: Option<bool>,
    /// Values to change; others keep theirs.
    pub integration_config: Option<Vec<(String, String)>>,
    /// Free values, replaced whole.
    pub custom: Option<Vec<(String, String)>>,
    /// Key of the provider's webhooks; an empty one removes what is stored.
    pub webhook_secret: Option<String>,
}

impl UpdateInput {
    /// Reads the body.
    pub fn parse(body: Option<&Value>) -> Result<Self> {
        let mut fields = Fields::body(body)?;
        let mut input = Self {
            unique_key: fields.opt_text("unique_key", Text::any().pattern(&INTEGRATION_ID).max(255)),
            display_name: fields.opt_text("display_name", Text::any().min(1).max(255)),
            credentials: fields.opt_inner("credentials", CredentialsInput::read).flatten(),
            forward_webhooks: fields.opt_boolean("forward_webhooks"),
            integration_config: fields.opt_text_map("integration_config", 8192),
            custom: None,
            webhook_secret: None,
        };
        (input.custom, input.webhook_secret) = read_free(&mut fields);
        fields.strict();
        fields.finish("invalid_body")?;
        Ok(input)
    }
}

/// Reads the path parameter `:uniqueKey`.
pub fn check_key(key: &str) -> Result<()> {
    let complaints = Text::any().pattern(&INTEGRATION_ID).max(255).complaints(key);
    if complaints.is_empty() {
        return Ok(());
    }
    let issues = complaints
        .into_iter()
        .map(|(code, message)| crate::Issue {
            code,
            message,
            path: vec!["uniqueKey".to_owned()],
        })
        .collect();
    Err(crate::Error::invalid("invalid_uri_params", issues))
}

/// Reads `include=webhook|credentials`, which may be repeated.
pub fn read_include(query: &Value) -> Result<super::Include> {
    let mut fields =
        Fields::root(Some(query)).map_err(|issues| crate::Error::invalid("invalid_query_params", issues))?;
    let mut include = super::Include::default();
    let wanted = match fields.raw("include") {
        None => Vec::new(),
        Some(Value::Array(items)) => items.iter().collect(),
        Some(one) => vec![one],
    };
    for item in wanted {
        match item.as_str() {
            Some("webhook") => include.webhook = true,
            Some("credentials") => include.credentials = true,
            Some(_) => {
                fields.complain(
                    "invalid_value",
                    "Invalid option: expected one of \"webhook\"|\"credentials\"",
                    "include",
                );
            }
            None => fields.complain("invalid_type", wrong_type("string", Some(item)), "include"),
        }
    }
    fields.strict();
    fields.finish("invalid_query_params")?;
    Ok(include)
}
