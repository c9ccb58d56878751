//! Tables about what surrounds a call: form fields, captures, hooks, webhooks and examples.

use serde::Deserialize;
use toml::Value;

use super::super::shapes::Ordered;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Field {
    pub label: String,
    pub help: Option<String>,
    pub example: Option<String>,
    pub pattern: Option<String>,
    pub format: Option<String>,
    pub choices: Vec<String>,
    pub warnings: Ordered<String>,
    pub prefix: Option<String>,
    pub suffix: Option<String>,
    pub order: Option<i64>,
    pub optional: bool,
    pub default: Option<String>,
    pub hidden: bool,
    pub secret: bool,
    pub automatic: bool,
    pub section: Option<String>,
    pub shown_when: Option<ShownWhen>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShownWhen {
    pub field: String,
    pub equals: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Capture {
    pub callback: Vec<String>,
    pub token: Vec<String>,
    pub refresh: Vec<String>,
    pub install_webhook: Vec<String>,
    pub after_connect: Vec<String>,
    pub fetch: Vec<Fetch>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fetch {
    pub save_as: String,
    pub from: Option<String>,
    pub call: Option<String>,
    pub headers: Ordered<String>,
    pub body: Option<Value>,
    pub path: String,
    pub pattern: Option<String>,
    pub pick: Option<String>,
    pub when: Option<String>,
    pub unless_set: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    pub after_connect: Option<String>,
    pub verify: Option<String>,
    pub before_delete: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Webhook {
    pub router: Option<String>,
    pub developer_secret: bool,
    pub query: Vec<String>,
    pub signature: Option<Signature>,
    pub event: Option<String>,
    pub items: Option<String>,
    #[serde(rename = "match")]
    pub matches: Vec<Match>,
    pub delivery_id: Option<String>,
    pub challenge: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signature {
    pub scheme: String,
    pub header: Option<String>,
    pub algorithm: Option<String>,
    pub encoding: Option<String>,
    pub prefix: Option<String>,
    pub signed: Option<String>,
    pub secret: Option<String>,
    pub tolerance_seconds: Option<u64>,
    pub required: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    pub value: String,
    pub config: Option<String>,
    pub metadata: Option<String>,
    pub connection_id: bool,
}

/// One example or several.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Examples {
    One(Box<Example>),
    Many(Vec<Example>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Example {
    pub config: toml::Table,
    pub cred: toml::Table,
    pub app: toml::Table,
    pub request: Option<String>,
    pub sends: Option<String>,
    pub headers: Ordered<String>,
    pub authorize: Option<String>,
    pub token: Option<String>,
}
