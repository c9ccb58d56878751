//! The shape in which `GET /providers` shows an entry: the keys that clients of the wire have always read.
//!
//! It is reconstructed from the typed model. `name` and `logo_url` are added by the API, which knows its address.

mod auth;
mod proxy;

use serde_json::{Map, Value, json};

use crate::compat::listing;
use crate::provider::{AuthMode, Field, Provider};
use crate::template::{Alternatives, JsonTemplate, Template};

impl Provider {
    /// The entry as the listing shows it.
    #[must_use]
    pub fn to_wire(&self) -> Value {
        let mut shown = self.described();
        if let Value::Object(map) = &mut shown {
            map.extend(self.listing.iter().map(|(key, value)| (key.clone(), value.to_wire())));
        }
        shown
    }

    /// Keys that the listing shows with another value than the one that is used, because clients know it.
    #[must_use]
    pub fn listed_otherwise(&self) -> Vec<(String, Value)> {
        let listed = self.listing.iter();
        listed.map(|(key, value)| (key.clone(), value.to_wire())).collect()
    }

    /// The entry in the shape of the listing, with what the engine uses.
    #[must_use]
    pub fn described(&self) -> Value {
        let mut wire = Wire::default();
        wire.set("display_name", self.display_name.as_str());
        wire.set("categories", json!(self.categories));
        wire.set("auth_mode", self.auth.wire());
        if self.auth == AuthMode::InstallPlugin {
            wire.set("auth_type", "BASIC");
        }
        auth::describe(self, &mut wire);
        wire.list("redirect_uri_metadata", &self.captures.callback);
        wire.list("token_response_metadata", &self.captures.token_reply);
        wire.list("refresh_token_response_metadata", &self.captures.refresh_reply);
        wire.list("webhook_response_metadata", &self.captures.install_webhook);
        wire.list("connection_configuration", &self.captures.after_connect);
        proxy::describe(self, &mut wire);
        self.describe_code(&mut wire);
        self.describe_pages(&mut wire);
        for (group, fields) in self.inputs.groups() {
            let hidden = group == "credentials" && compat().hides_credentials(&self.id);
            if !fields.is_empty() && !hidden {
                let fields = fields.iter().map(|field| (field.name.clone(), field_to_wire(field)));
                wire.set(group, Value::Object(fields.collect()));
            }
        }
        Value::Object(wire.map)
    }

    fn describe_code(&self, wire: &mut Wire) {
        if let Some(hook) = self.hooks.after_connect {
            wire.set(
                "post_connection_script",
                format!("{}PostConnection", camel(hook.as_str())),
            );
        }
        if let Some(hook) = self.hooks.verify {
            wire.set(
                "credentials_verification_script",
                format!("{}CredentialsVerification", camel(hook.as_str())),
            );
        }
        if let Some(hook) = self.hooks.before_delete {
            wire.set(
                "pre_connection_deletion_script",
                format!("{}PreConnectionDeletion", camel(hook.as_str())),
            );
        }
        let Some(webhook) = &self.webhook else { return };
        if let Some(router) = webhook.router {
            wire.set(
                "webhook_routing_script",
                format!("{}WebhookRouting", camel(router.as_str())),
            );
        }
        wire.flag("webhook_user_defined_secret", webhook.developer_secret);
        let query: Vec<String> = webhook.query.iter().map(|name| query_name(name).to_owned()).collect();
        wire.list("webhook_allowed_query_params", &query);
    }

    fn describe_pages(&self, wire: &mut Wire) {
        // The listing names a page for each entry, whatever it is.
        wire.set("docs", self.docs.clone().unwrap_or_default());
        if let Some(guide) = self.guide.as_ref().filter(|_| !compat().hides_guide(&self.id)) {
            wire.set("docs_connect", guide.as_str());
        }
        if let Some(guide) = &self.setup_guide {
            wire.set("setup_guide_url", guide.as_str());
        }
    }
}

/// A query parameter of webhook URLs as developers have registered it at vendors.
fn query_name(name: &str) -> &str {
    match name {
        "connection_id" => "nangoConnectionId",
        other => other,
    }
}

fn field_to_wire(field: &Field) -> Value {
    let mut wire = Wire::default();
    wire.set("type", "string");
    wire.set("title", field.label.as_str());
    wire.set("description", field.help.as_str());
    wire.text("example", field.example.as_deref());
    wire.text("format", field.format.map(|format| format.as_str()));
    wire.text("pattern", field.pattern.as_ref().map(|pattern| pattern.as_str()));
    wire.list("enum", &field.choices);
    if !field.warnings.is_empty() {
        let warnings = field
            .warnings
            .iter()
            .map(|(choice, text)| (choice.clone(), Value::from(text.as_str())));
        wire.set("warnings", Value::Object(warnings.collect()));
    }
    wire.text("prefix", field.prefix.as_deref());
    wire.text("suffix", field.suffix.as_deref());
    wire.text("default_value", field.default.as_deref());
    wire.flag("optional", field.optional);
    wire.flag("hidden", field.hidden);
    wire.flag("secret", field.secret);
    wire.flag("automated", field.filled_by_platform);
    if let Some(order) = field.order {
        wire.set("order", order);
    }
    wire.text("doc_section", field.section.as_deref());
    if let Some(condition) = &field.shown_when {
        wire.set(
            "visible_when",
            json!({ "field": condition.field, "equals": condition.equals }),
        );
    }
    Value::Object(wire.map)
}

/// An object under construction: empty things are not written.
#[derive(Default)]
struct Wire {
    map: Map<String, Value>,
}

impl Wire {
    fn set(&mut self, key: &str, value: impl Into<Value>) {
        self.map.insert(key.to_owned(), value.into());
    }

    fn text(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.set(key, text);
        }
    }

    fn flag(&mut self, key: &str, flag: bool) {
        if flag {
            self.set(key, true);
        }
    }

    fn list(&mut self, key: &str, items: &[String]) {
        if !items.is_empty() {
            self.set(key, json!(items));
        }
    }

    fn url(&mut self, key: &str, url: Option<&Alternatives>) {
        if let Some(url) = url {
            self.set(key, url.to_wire());
        }
    }

    fn object(&mut self, key: &str, members: Map<String, Value>) {
        if !members.is_empty() {
            self.set(key, Value::Object(members));
        }
    }
}

fn templates(pairs: &[(String, Template)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(name, template)| (name.clone(), Value::from(template.to_wire())))
        .collect()
}

fn json_templates(pairs: &[(String, JsonTemplate)]) -> Map<String, Value> {
    pairs
        .iter()
        .map(|(name, template)| (name.clone(), template.to_wire()))
        .collect()
}

/// Fixed members before the entry's own, which may replace them.
fn with_first(first: Option<(&str, &str)>, members: Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    if let Some((name, value)) = first {
        all.insert(name.to_owned(), Value::from(value));
    }
    all.extend(members);
    all
}

/// `github_app` as `githubApp`.
fn camel(name: &str) -> String {
    let mut out = String::new();
    for (index, word) in name.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => out.extend(first.to_uppercase()),
            Some(first) => out.push(first),
            None => {}
        }
        out.push_str(letters.as_str());
    }
    out
}

/// Whether the listing shows a fixed parameter for this entry.
fn shown(shown: bool, name: &'static str, value: &'static str) -> Option<(&'static str, &'static str)> {
    shown.then_some((name, value))
}

fn compat() -> &'static crate::compat::Listing {
    listing()
}
