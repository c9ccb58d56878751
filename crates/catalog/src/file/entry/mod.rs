//! The tables of a provider file, strictly typed: a key that is not listed here is a fault.
//!
//! `providers/schema.json` says the same to editors; a test holds the two together.

mod around;

use serde::Deserialize;
use toml::Value;

pub use around::{Capture, Example, Examples, Fetch, Field, Hooks, Match, Signature, Webhook};

use super::shapes::{NameOrOff, Ordered, Texts, TextsOr};

/// The `[vendor]` block.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vendor {
    pub name: String,
    pub docs: Option<String>,
    /// Keys that every entry of the file starts from.
    pub defaults: toml::Table,
}

/// One provider, after `extends`, `without` and `env` were resolved.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Entry {
    pub name: String,
    pub categories: Vec<String>,
    pub auth: String,
    pub docs: Option<String>,
    pub guide: Option<String>,
    pub setup: Option<String>,
    pub scopes_docs: Option<String>,
    pub notes: Texts,
    pub synonyms: Vec<String>,

    pub authorize: Option<TextsOr<Authorize>>,
    pub token: Option<TextsOr<Token>>,
    pub refresh: Option<TextsOr<Refresh>>,
    pub scopes: Scopes,
    pub pkce: Option<bool>,
    pub introspect: Option<String>,
    pub client_certificate: bool,
    pub dialect: Option<String>,
    pub request_token: Option<TextsOr<RequestToken>>,
    pub signature: Option<String>,
    pub register: Option<TextsOr<Register>>,
    pub installation_token: Option<String>,
    pub exchange: Option<TextsOr<Exchange>>,
    pub jwt: Option<Jwt>,
    pub wsse: Option<Wsse>,

    pub api: Option<Texts>,
    pub key_in: Option<String>,
    pub headers: Ordered<Texts>,
    pub query: Ordered<String>,
    pub body: Ordered<Value>,
    pub bearer: Option<bool>,
    pub defined_by: Option<String>,
    pub decompress: bool,
    pub forward_headers_on_redirect: bool,
    pub endpoint_uses: Vec<String>,
    pub retry: Retry,
    pub page: Option<Page>,
    pub probe: Option<TextsOr<Probe>>,
    pub quotas: Vec<Quota>,

    pub config: Ordered<Field>,
    pub cred: Ordered<Field>,
    pub app: Ordered<Field>,
    pub once: Ordered<Field>,

    pub capture: Capture,
    pub hooks: Hooks,
    pub webhook: Option<Webhook>,
    pub revoke: Option<String>,
    pub listing: Ordered<Value>,
    pub example: Option<Examples>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Authorize {
    pub url: Option<Texts>,
    pub params: Ordered<String>,
    pub fragment: Option<String>,
    pub replace: Ordered<String>,
    pub drop_empty: bool,
    pub unencoded: Vec<String>,
    pub code_param: Option<String>,
    pub code_in_webhook: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    pub url: Option<Texts>,
    pub params: Ordered<Value>,
    pub headers: Ordered<String>,
    pub body: Option<String>,
    pub client_auth: Option<String>,
    pub assertion: ClientAssertion,
    pub fields: Fields,
    pub reply: Reply,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ClientAssertion {
    pub iss: Option<String>,
    pub aud: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Fields {
    pub grant_type: Option<NameOrOff>,
    pub client_id: Option<NameOrOff>,
    pub client_secret: Option<NameOrOff>,
    pub code: Option<NameOrOff>,
    pub redirect_uri: Option<NameOrOff>,
    pub code_verifier: Option<NameOrOff>,
    pub refresh_token: Option<NameOrOff>,
    pub state: Option<NameOrOff>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reply {
    pub root: Option<String>,
    pub access_token: Option<String>,
    pub nested: Option<String>,
    pub refresh_token: Option<String>,
    pub expires_in: Option<String>,
    pub expires_at: Option<String>,
    pub expires_unit: Option<String>,
    pub default_lifetime_seconds: Option<u64>,
    pub error_when: Option<Equals>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Equals {
    pub path: String,
    pub equals: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refresh {
    pub url: Option<Texts>,
    pub params: Ordered<Value>,
    pub headers: Option<Ordered<String>>,
    pub body: Option<String>,
    pub client_auth: Option<String>,
    pub using: Option<String>,
    pub when: Option<String>,
    pub margin_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    pub default: Vec<String>,
    pub separator: Option<String>,
    pub user_param: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RequestToken {
    pub url: Option<Texts>,
    pub params: Ordered<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Register {
    pub url: Option<Texts>,
    pub how: Option<String>,
    pub params: Ordered<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Exchange {
    pub url: Option<Texts>,
    pub method: Option<String>,
    pub headers: Ordered<String>,
    pub params: Ordered<Value>,
    pub body: Option<String>,
    pub token: Option<String>,
    pub expires_in: Option<String>,
    pub expires_at: Option<String>,
    pub refresh_token: Option<String>,
    pub lifetime_seconds: Option<u64>,
    pub margin_seconds: Option<u64>,
    pub keep_headers: Vec<String>,
    pub refresh: Option<ExchangeRefresh>,
    pub then: Vec<ExchangeStep>,
    pub assertion: Option<Assertion>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeRefresh {
    pub url: Option<Texts>,
    pub headers: Ordered<String>,
    pub params: Ordered<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeStep {
    pub url: Texts,
    pub method: Option<String>,
    pub headers: Ordered<String>,
    pub params: Ordered<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assertion {
    pub kind: String,
    pub key: Option<String>,
    pub lifetime_seconds: Option<u64>,
    pub header: Ordered<Value>,
    pub claims: Ordered<Value>,
    pub issuer: Option<String>,
    pub audience: Option<String>,
    pub recipient: Option<String>,
    pub name_id: Option<String>,
    pub session_index: Option<String>,
    pub attributes: Ordered<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jwt {
    pub key: String,
    pub algorithm: String,
    pub key_encoding: Option<String>,
    pub split_key: bool,
    pub header: Ordered<Value>,
    pub claims: Ordered<Value>,
    pub lifetime_seconds: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wsse {
    pub lifetime_seconds: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    pub after: Texts,
    pub at: Texts,
    pub remaining: Option<String>,
    pub statuses: Vec<String>,
    pub body: Option<RetryBody>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetryBody {
    pub path: String,
    pub pattern: String,
    pub wait: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Page {
    pub items: Option<String>,
    pub limit: Option<String>,
    pub cursor: Option<String>,
    pub next: Option<String>,
    pub link_header: Option<String>,
    pub link: Option<String>,
    pub offset: Option<String>,
    pub number: Option<String>,
    pub start: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    pub calls: Texts,
    pub headers: Ordered<String>,
    pub body: Ordered<Value>,
    pub base_url: Option<String>,
    pub ok: Vec<String>,
    pub fail_if: Option<String>,
    pub requires: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quota {
    pub name: String,
    pub limit: u64,
    pub per_seconds: Option<u64>,
    pub concurrent: bool,
    pub paths: Vec<String>,
    pub except: Vec<String>,
    pub methods: Vec<String>,
    pub cost: Option<u64>,
    pub shared_by: Option<String>,
}

/// The keys of an entry, asked from the parser itself by showing it one that does not exist.
pub fn keys() -> Vec<String> {
    let unknown = toml::Table::from_iter([(String::new(), Value::Boolean(true))]);
    let text = Entry::deserialize(Value::Table(unknown))
        .err()
        .map(|error| error.to_string())
        .unwrap_or_default();
    let mut keys: Vec<String> = text.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    keys.extend(["extends", "without", "env"].map(str::to_owned));
    keys
}
