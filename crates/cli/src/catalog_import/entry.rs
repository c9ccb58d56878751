//! One entry, key by key.

mod api;
mod exchange;
mod write;

use anyhow::{Result, bail};
use serde_json::{Map, Value};
use tenon_catalog::provider::{AfterConnect, BeforeDelete, Router, Verify};
use tenon_catalog::{AuthMode, keys_without_effect};
use toml::Table;

use super::template;
use api::proxy_of;
use exchange::exchange_of;
use write::{plain, put, set, short_or_long, snake, templates, texts, without};

/// Keys that mean nothing here: pages of the incumbent, and keys that nothing read there either.
const IGNORED: [&str; 11] = [
    "docs_connect",
    "setup_guide_url",
    "alias",
    "auth",
    "decode_url",
    "installation",
    "available_scopes",
    "refresh_token_response_metadata",
    "connection_configuration",
    "auth_type",
    "assertion_option",
];

/// The source, and what of it was used.
struct Source<'a> {
    entry: &'a Map<String, Value>,
    used: Vec<&'a str>,
}

impl<'a> Source<'a> {
    fn take(&mut self, key: &'static str) -> Option<&'a Value> {
        self.used.push(key);
        self.entry.get(key)
    }

    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.take(key).and_then(Value::as_str)
    }

    fn flag(&mut self, key: &'static str) -> bool {
        self.take(key) == Some(&Value::Bool(true))
    }

    fn map(&mut self, key: &'static str) -> Option<&'a Map<String, Value>> {
        self.take(key).and_then(Value::as_object)
    }
}

/// Converts one entry; what has no counterpart is added to `left_out`.
pub fn convert(id: &str, entry: &Map<String, Value>, left_out: &mut Vec<String>) -> Result<Table> {
    let mut source = Source {
        entry,
        used: IGNORED.to_vec(),
    };
    let mut out = Table::new();
    if let Some(alias) = entry.get("alias").and_then(Value::as_str) {
        set(&mut out, "extends", alias);
    }
    let mode = match source.text("auth_mode") {
        Some(name) => match AuthMode::from_wire(name) {
            Some(mode) => Some(mode),
            None => bail!("auth_mode {name} is unknown"),
        },
        None => None,
    };
    set(&mut out, "name", source.text("display_name").unwrap_or(id));
    if let Some(categories) = source.take("categories") {
        out.insert("categories".to_owned(), plain(categories));
    }
    if let Some(mode) = mode {
        set(&mut out, "auth", mode.in_file());
    }
    if let Some(docs) = source.text("docs") {
        set(&mut out, "docs", docs);
    }
    let exchange = matches!(mode, Some(AuthMode::TwoStep | AuthMode::Bill));
    authorize(&mut source, &mut out);
    if exchange {
        out.insert("exchange".to_owned(), toml::Value::Table(exchange_of(&mut source)));
    } else {
        token(&mut source, &mut out, mode);
    }
    oauth1(&mut source, &mut out);
    mcp(&mut source, &mut out);
    signed(&mut source, &mut out, mode, exchange);
    scopes(&mut source, &mut out);
    captures(&mut source, &mut out);
    hooks(id, &mut source, &mut out, left_out);
    for (theirs, ours) in [
        ("connection_config", "config"),
        ("credentials", "cred"),
        ("integration_config", "app"),
    ] {
        if let Some(fields) = source.map(theirs) {
            out.insert(ours.to_owned(), toml::Value::Table(inputs(fields)));
        }
    }
    if let Some(Value::Object(fields)) = entry.get("assertion_option") {
        out.insert("once".to_owned(), toml::Value::Table(inputs(fields)));
    }
    if source.flag("require_client_certificate") {
        out.insert("client_certificate".to_owned(), toml::Value::Boolean(true));
    }
    if let Some(proxy) = source.map("proxy") {
        proxy_of(id, proxy, &mut out, left_out);
    }
    for name in entry.keys().filter(|name| !source.used.contains(&name.as_str())) {
        left_out.push(format!("{id}: {name}"));
    }
    if let Some(mode) = mode {
        for key in keys_without_effect(mode, |key| out.contains_key(key)) {
            out.remove(key);
            left_out.push(format!("{id}: {key}, which has no effect with this mode"));
        }
        if mode == AuthMode::OAuth2Cc && !out.contains_key("token") {
            bail!("it names no token_url");
        }
    }
    Ok(out)
}

fn authorize(source: &mut Source<'_>, out: &mut Table) {
    let mut table = Table::new();
    let url = source
        .text("authorization_url")
        .map(|url| template::alternatives(url, false));
    if let Some(params) = source.map("authorization_params") {
        let params = without(params, &[("response_type", "code")]);
        put(&mut table, "params", texts(&params));
    }
    let mut unencoded = Vec::new();
    for flag in source
        .take("authorization_url_skip_encode")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        unencoded.push(match flag.as_str() {
            Some("base_url") => toml::Value::String("inputs".to_owned()),
            other => toml::Value::String(other.unwrap_or_default().to_owned()),
        });
    }
    if !unencoded.is_empty() {
        table.insert("unencoded".to_owned(), toml::Value::Array(unencoded));
    }
    if let Some(fragment) = source.text("authorization_url_fragment") {
        set(&mut table, "fragment", fragment);
    }
    if let Some(replace) = source.map("authorization_url_replacements") {
        put(&mut table, "replace", templates(replace, false));
    }
    if source.flag("authorization_url_skip_empty") {
        table.insert("drop_empty".to_owned(), toml::Value::Boolean(true));
    }
    if let Some(name) = source.text("authorization_code_param_in_callback") {
        set(&mut table, "code_param", name);
    }
    if let Some(path) = source.text("authorization_code_param_in_webhook") {
        set(&mut table, "code_in_webhook", path);
    }
    short_or_long(out, "authorize", url, table);
    if source.flag("disable_pkce") {
        out.insert("pkce".to_owned(), toml::Value::Boolean(false));
    }
}

fn token(source: &mut Source<'_>, out: &mut Table, mode: Option<AuthMode>) {
    let mut table = Table::new();
    let url = match source.take("token_url") {
        Some(Value::String(url)) => Some(template::alternatives(url, false)),
        Some(Value::Object(by_mode)) => {
            if let Some(app) = by_mode.get("APP").and_then(Value::as_str) {
                set(out, "installation_token", &template::convert(app, false));
            }
            let user = by_mode.get("OAUTH2").and_then(Value::as_str);
            user.map(|url| template::alternatives(url, false))
        }
        _ => None,
    };
    let url = if mode == Some(AuthMode::App) {
        if let Some(url) = url {
            out.insert("installation_token".to_owned(), url);
        }
        None
    } else {
        url
    };
    let grant = match mode {
        Some(AuthMode::OAuth2Cc) => "client_credentials",
        _ => "authorization_code",
    };
    if let Some(params) = source.map("token_params") {
        put(
            &mut table,
            "params",
            templates(&without(params, &[("grant_type", grant)]), false),
        );
    }
    let header = source.text("authorization_method") == Some("header");
    let auth = match (source.text("token_request_auth_method"), header, mode) {
        (Some("basic"), true, _) | (Some("basic"), false, Some(AuthMode::OAuth2Cc)) => Some("basic"),
        (Some("basic"), false, _) => Some("basic_and_body"),
        (Some("custom"), _, _) => Some("username_password"),
        (Some("private_key_jwt"), _, _) => Some("private_key_jwt"),
        (_, true, _) => Some("basic_form_encoded"),
        _ => None,
    };
    if let Some(auth) = auth {
        set(&mut table, "client_auth", auth);
    }
    if let Some(format) = source.text("body_format").filter(|format| *format != "form") {
        set(&mut table, "body", format);
    }
    // Ignored for these modes at the source.
    source.take("token_headers");
    source.take("token_expires_in_ms");
    let mut reply = Table::new();
    if let Some(path) = source.text("alternate_access_token_response_path") {
        set(&mut reply, "nested", path);
    }
    if let Some(unit) = source.text("expires_in_unit") {
        set(&mut reply, "expires_unit", unit);
    }
    put(&mut table, "reply", reply);
    short_or_long(out, "token", url, table);
    let mut refresh = Table::new();
    if let Some(params) = source.map("refresh_params") {
        let params = without(params, &[("grant_type", "refresh_token")]);
        put(&mut refresh, "params", templates(&params, false));
    }
    if let Some(seconds) = source.take("token_expiration_buffer").and_then(Value::as_i64) {
        refresh.insert("margin_seconds".to_owned(), toml::Value::Integer(seconds));
    }
    let url = source.text("refresh_url").map(|url| template::alternatives(url, false));
    short_or_long(out, "refresh", url, refresh);
}

fn oauth1(source: &mut Source<'_>, out: &mut Table) {
    let mut table = Table::new();
    if let Some(params) = source.map("request_params") {
        put(&mut table, "params", templates(params, false));
    }
    let url = source
        .text("request_url")
        .map(|url| toml::Value::String(url.to_owned()));
    short_or_long(out, "request_token", url, table);
    if let Some(method) = source.text("signature_method").filter(|method| *method != "HMAC-SHA1") {
        set(out, "signature", method);
    }
}

fn mcp(source: &mut Source<'_>, out: &mut Table) {
    let mut table = Table::new();
    let how = source.text("client_registration");
    let url = source
        .text("registration_url")
        .map(|url| toml::Value::String(url.to_owned()));
    if let Some(params) = source.map("registration_params") {
        put(&mut table, "params", templates(params, false));
    }
    match how {
        Some("static") => set(out, "register", "static"),
        Some("cimd") => set(out, "register", "metadata_document"),
        _ => short_or_long(out, "register", url, table),
    }
}

fn signed(source: &mut Source<'_>, out: &mut Table, mode: Option<AuthMode>, exchange: bool) {
    let signature = source.map("signature");
    let Some(token) = source.map("token") else { return };
    let seconds = token.get("expires_in_ms").and_then(Value::as_i64).unwrap_or_default() / 1000;
    if mode == Some(AuthMode::Signature) {
        let table = Table::from_iter([("lifetime_seconds".to_owned(), toml::Value::Integer(seconds))]);
        out.insert("wsse".to_owned(), toml::Value::Table(table));
        return;
    }
    let text = |name: &str| {
        signature
            .and_then(|signature| signature.get(name))
            .and_then(Value::as_str)
    };
    let mut jwt = Table::new();
    if let Some(key) = token.get("signing_key").and_then(Value::as_str) {
        set(&mut jwt, "key", &template::convert(key, exchange));
    }
    let algorithm = match text("protocol") {
        Some("EC") => "ES256",
        Some("HMAC") => "HS256",
        _ => "RS256",
    };
    set(&mut jwt, "algorithm", algorithm);
    if text("hmac_secret_encoding") == Some("utf8") {
        set(&mut jwt, "key_encoding", "utf8");
    }
    for (theirs, ours) in [("header", "header"), ("payload", "claims")] {
        if let Some(Value::Object(map)) = token.get(theirs) {
            put(
                &mut jwt,
                ours,
                templates(&without(map, &[("alg", algorithm)]), exchange),
            );
        }
    }
    jwt.insert("lifetime_seconds".to_owned(), toml::Value::Integer(seconds));
    out.insert("jwt".to_owned(), toml::Value::Table(jwt));
}

fn scopes(source: &mut Source<'_>, out: &mut Table) {
    let mut table = Table::new();
    if let Some(separator) = source.text("scope_separator").filter(|separator| *separator != " ") {
        set(&mut table, "separator", separator);
    }
    if let Some(default) = source.take("default_scopes") {
        table.insert("default".to_owned(), plain(default));
    }
    put(out, "scopes", table);
}

fn captures(source: &mut Source<'_>, out: &mut Table) {
    let mut table = Table::new();
    for (theirs, ours) in [
        ("redirect_uri_metadata", "callback"),
        ("token_response_metadata", "token"),
        ("webhook_response_metadata", "install_webhook"),
    ] {
        if let Some(names) = source.take(theirs) {
            table.insert(ours.to_owned(), plain(names));
        }
    }
    put(out, "capture", table);
}

fn hooks(id: &str, source: &mut Source<'_>, out: &mut Table, left_out: &mut Vec<String>) {
    type IsKnown = fn(&str) -> bool;
    let mut table = Table::new();
    let scripts: [(&'static str, &str, &str, IsKnown); 3] = [
        ("post_connection_script", "after_connect", "PostConnection", |name| {
            AfterConnect::parse(name).is_some()
        }),
        (
            "pre_connection_deletion_script",
            "before_delete",
            "PreConnectionDeletion",
            |name| BeforeDelete::parse(name).is_some(),
        ),
        (
            "credentials_verification_script",
            "verify",
            "CredentialsVerification",
            |name| Verify::parse(name).is_some(),
        ),
    ];
    for (theirs, ours, suffix, is_known) in scripts {
        let Some(script) = source.text(theirs) else { continue };
        // One name is misspelt there.
        let name = snake(script.trim_end_matches(suffix)).replace("servic_account", "service_account");
        if is_known(&name) {
            set(&mut table, ours, &name);
        } else {
            left_out.push(format!("{id}: {theirs}, as {script} is code that is not here"));
        }
    }
    put(out, "hooks", table);
    let mut webhook = Table::new();
    if let Some(name) = source.text("webhook_routing_script").filter(|name| !name.is_empty()) {
        let router = snake(name.trim_end_matches("WebhookRouting"));
        if Router::parse(&router).is_some() {
            set(&mut webhook, "router", &router);
        } else {
            left_out.push(format!(
                "{id}: webhook_routing_script, as {name} is code that is not here"
            ));
        }
    }
    if source.flag("webhook_user_defined_secret") {
        webhook.insert("developer_secret".to_owned(), toml::Value::Boolean(true));
    }
    if let Some(names) = source.take("webhook_allowed_query_params") {
        webhook.insert("query".to_owned(), plain(names));
    }
    put(out, "webhook", webhook);
}

fn inputs(fields: &Map<String, Value>) -> Table {
    let mut out = Table::new();
    for (name, field) in fields {
        let mut table = Table::new();
        for (theirs, ours) in [
            ("title", "label"),
            ("description", "help"),
            ("example", "example"),
            ("pattern", "pattern"),
            ("format", "format"),
            ("enum", "choices"),
            ("warnings", "warnings"),
            ("prefix", "prefix"),
            ("suffix", "suffix"),
            ("order", "order"),
            ("optional", "optional"),
            ("default_value", "default"),
            ("hidden", "hidden"),
            ("secret", "secret"),
            ("automated", "automatic"),
            ("doc_section", "section"),
            ("visible_when", "shown_when"),
        ] {
            if let Some(value) = field
                .get(theirs)
                .filter(|value| !value.is_null() && **value != Value::Bool(false))
            {
                let value = match (ours, value) {
                    ("example" | "default", Value::Number(number)) => toml::Value::String(number.to_string()),
                    _ => plain(value),
                };
                table.insert(ours.to_owned(), value);
            }
        }
        out.insert(name.clone(), toml::Value::Table(table));
    }
    out
}
