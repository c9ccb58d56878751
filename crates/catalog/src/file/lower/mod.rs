//! From strict tables to [`Provider`] values: templates are parsed, names become variants, defaults are filled in.

mod api;
mod around;
mod auth;
mod exchange;
mod inputs;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Value;

use super::Fault;
use super::entry::{Entry, Example as ExampleTable, Examples, Field as FieldTable};
use super::merge::Resolved;
use super::shapes::{Ordered, Texts};
use super::source::{one_line, with_suggestion};
use crate::provider::{AuthMode, Example, Provider, VariantOf};
use crate::template::{Alternatives, JsonTemplate, Template};

/// Collects faults while an entry is read, so that all are reported at once.
pub(super) struct Reader<'a> {
    resolved: &'a Resolved,
    faults: Vec<Fault>,
}

/// Turns one entry into a provider.
pub fn lower(resolved: &Resolved) -> Result<Provider, Vec<Fault>> {
    let mut reader = Reader {
        resolved,
        faults: Vec::new(),
    };
    let entry = match Entry::deserialize(Value::Table(resolved.table.clone())) {
        Ok(entry) => entry,
        Err(error) => {
            reader.fault(None, with_suggestion(one_line(&error.to_string())));
            return Err(reader.faults);
        }
    };
    let auth = match AuthMode::from_file(&entry.auth) {
        Some(auth) => auth,
        None => {
            let names: Vec<&str> = AuthMode::ALL.iter().map(|mode| mode.in_file()).collect();
            reader.fault(
                Some("auth"),
                format!("`{}` is no mode; write one of {}", entry.auth, names.join(", ")),
            );
            return Err(reader.faults);
        }
    };
    for key in keys_without_effect(auth, |key| resolved.table.contains_key(key)) {
        let message = format!("has no effect with auth = \"{}\"; drop it", auth.in_file());
        reader.fault(Some(key), message);
    }
    if entry.name.is_empty() {
        reader.fault(Some("name"), "say how people call it".to_owned());
    }
    let docs = entry.docs.clone().or_else(|| resolved.vendor_docs.clone());
    let provider = Provider {
        id: resolved.id.clone(),
        synonyms: synonyms(resolved, &entry),
        variant_of: resolved
            .variant_of
            .clone()
            .map(|(provider, environment)| VariantOf { provider, environment }),
        vendor: resolved.vendor.clone(),
        file: resolved.file.clone(),
        display_name: entry.name.clone(),
        categories: entry.categories.clone(),
        auth,
        guide: entry.guide.clone().or_else(|| {
            if asks_end_user(auth, &entry) {
                docs.clone()
            } else {
                None
            }
        }),
        docs,
        setup_guide: entry.setup.clone(),
        scopes_docs: entry.scopes_docs.clone(),
        notes: entry.notes.0.clone(),
        oauth2: reader.oauth2(auth, &entry),
        oauth1: reader.oauth1(auth, &entry),
        mcp: reader.mcp(auth, &entry),
        exchange: reader.exchange(auth, &entry),
        signed_jwt: if auth == AuthMode::Jwt {
            reader.jwt(&entry)
        } else {
            None
        },
        wsse: reader.wsse(auth, &entry),
        installation: reader.installation(auth, &entry),
        api: reader.api(auth, &entry),
        inputs: reader.inputs(auth, &entry),
        captures: reader.captures(&entry),
        hooks: reader.hooks(&entry),
        webhook: reader.webhook(&entry),
        quotas: reader.quotas(&entry),
        revoke: reader.optional_template("revoke", entry.revoke.as_deref()),
        listing: reader.json_pairs("listing", &entry.listing),
        examples: examples(&entry),
    };
    if reader.faults.is_empty() {
        Ok(provider)
    } else {
        Err(reader.faults)
    }
}

/// Keys of an entry that mean nothing with its mode.
pub fn keys_without_effect(auth: AuthMode, has: impl Fn(&str) -> bool) -> Vec<&'static str> {
    use AuthMode as Mode;
    let mcp = matches!(auth, Mode::McpOAuth2 | Mode::McpOAuth2Generic);
    let browser = matches!(auth, Mode::OAuth2 | Mode::Custom) || mcp;
    let oauth2 = browser || auth == Mode::OAuth2Cc;
    let exchange = matches!(auth, Mode::TwoStep | Mode::Bill);
    let rules: [(&[&'static str], bool); 11] = [
        (&["authorize"], browser || matches!(auth, Mode::OAuth1 | Mode::App)),
        (&["token", "scopes"], oauth2 || auth == Mode::OAuth1),
        (&["refresh", "pkce", "client_certificate", "dialect"], oauth2),
        (&["introspect"], oauth2 || exchange),
        (&["request_token", "signature"], auth == Mode::OAuth1),
        (&["register"], mcp),
        (&["installation_token"], matches!(auth, Mode::App | Mode::Custom)),
        (&["exchange"], exchange),
        (&["jwt"], exchange || auth == Mode::Jwt),
        (&["wsse"], auth == Mode::Signature),
        (&["key_in", "defined_by"], auth == Mode::ApiKey),
    ];
    let unread = rules
        .iter()
        .filter(|(_, read)| !read)
        .flat_map(|(keys, _)| keys.iter().copied());
    unread.filter(|key| has(key)).collect()
}

/// Whether an end user sees a form, and so may need a page that helps to fill it in.
fn asks_end_user(auth: AuthMode, entry: &Entry) -> bool {
    let asked = |field: &FieldTable| !field.automatic && !field.hidden;
    match auth {
        AuthMode::ApiKey
        | AuthMode::Basic
        | AuthMode::OAuth2Cc
        | AuthMode::TwoStep
        | AuthMode::Jwt
        | AuthMode::AwsSigV4 => true,
        AuthMode::OAuth2 | AuthMode::McpOAuth2 | AuthMode::McpOAuth2Generic => {
            entry.config.0.iter().any(|(_, field)| asked(field))
        }
        AuthMode::OAuth1
        | AuthMode::Tba
        | AuthMode::App
        | AuthMode::Custom
        | AuthMode::Bill
        | AuthMode::Signature
        | AuthMode::InstallPlugin
        | AuthMode::None => false,
    }
}

fn synonyms(resolved: &Resolved, entry: &Entry) -> Vec<String> {
    let environment = resolved
        .variant_of
        .as_ref()
        .map(|(provider, name)| format!("{provider}@{name}"));
    entry.synonyms.iter().cloned().chain(environment).collect()
}

fn examples(entry: &Entry) -> Vec<Example> {
    let read = |table: &ExampleTable| Example {
        config: json_map(&table.config),
        cred: json_map(&table.cred),
        app: json_map(&table.app),
        request: table.request.clone(),
        sends: table.sends.clone(),
        headers: table.headers.0.clone(),
        authorize: table.authorize.clone(),
        token: table.token.clone(),
    };
    match &entry.example {
        None => Vec::new(),
        Some(Examples::One(one)) => vec![read(one)],
        Some(Examples::Many(many)) => many.iter().map(read).collect(),
    }
}

fn json_map(table: &toml::Table) -> Map<String, Json> {
    table.iter().map(|(key, value)| (key.clone(), json(value))).collect()
}

/// TOML as JSON; moments become text.
pub(super) fn json(value: &Value) -> Json {
    match value {
        Value::String(text) => Json::String(text.clone()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(flag) => Json::Bool(*flag),
        Value::Datetime(moment) => Json::String(moment.to_string()),
        Value::Array(items) => Json::Array(items.iter().map(json).collect()),
        Value::Table(table) => Json::Object(json_map(table)),
    }
}

impl Reader<'_> {
    pub(super) fn fault(&mut self, key: Option<&str>, message: String) {
        self.faults.push(Fault {
            file: self.resolved.file.clone(),
            line: self.resolved.line,
            entry: Some(self.resolved.id.clone()),
            key: key.map(str::to_owned),
            message,
        });
    }

    fn template(&mut self, key: &str, text: &str) -> Template {
        Template::parse(text).unwrap_or_else(|error| {
            self.fault(Some(key), error.to_string());
            Template::literal("")
        })
    }

    fn optional_template(&mut self, key: &str, text: Option<&str>) -> Option<Template> {
        text.map(|text| self.template(key, text))
    }

    fn alternatives(&mut self, key: &str, texts: &Texts) -> Alternatives {
        if texts.0.is_empty() {
            self.fault(Some(key), "the list is empty".to_owned());
        }
        Alternatives::new(texts.0.iter().map(|text| self.template(key, text)).collect())
    }

    fn templates(&mut self, key: &str, pairs: &Ordered<String>) -> Vec<(String, Template)> {
        pairs
            .0
            .iter()
            .map(|(name, text)| (name.clone(), self.template(&format!("{key}.{name}"), text)))
            .collect()
    }

    fn json_pairs(&mut self, key: &str, pairs: &Ordered<Value>) -> Vec<(String, JsonTemplate)> {
        let mut read = Vec::new();
        for (name, value) in &pairs.0 {
            match JsonTemplate::parse(&json(value)) {
                Ok(template) => read.push((name.clone(), template)),
                Err(error) => self.fault(Some(&format!("{key}.{name}")), error.to_string()),
            }
        }
        read
    }

    /// The variant called `name`, or a fault that lists all names.
    fn named<T: Copy>(&mut self, key: &str, name: &str, all: &[(&'static str, T)]) -> Option<T> {
        let found = all
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, variant)| *variant);
        if found.is_none() {
            let names: Vec<&str> = all.iter().map(|(known, _)| *known).collect();
            self.fault(
                Some(key),
                format!("`{name}` is unknown; write one of {}", names.join(", ")),
            );
        }
        found
    }

    fn named_or_default<T: Copy + Default>(&mut self, key: &str, name: Option<&str>, all: &[(&'static str, T)]) -> T {
        name.and_then(|name| self.named(key, name, all)).unwrap_or_default()
    }
}
