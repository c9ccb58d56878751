//! Converting provider entries of the incumbent's YAML format into ours.
//!
//! What has a counterpart is converted, what is the engine's default here is dropped, and what has no counterpart is
//! named, so that nobody believes that it still works.

mod entry;
mod template;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// A converted file.
#[derive(Debug)]
pub struct Converted {
    /// The file's text.
    pub toml: String,
    /// Entries in it.
    pub ids: Vec<String>,
    /// What was left out, with its entry.
    pub left_out: Vec<String>,
}

/// Converts a file of entries keyed by id.
///
/// # Errors
/// When the text is not YAML, or holds no entries.
pub fn convert(yaml: &str, vendor: &str) -> Result<Converted> {
    let file: Value = serde_yaml_ng::from_str(yaml).context("the file is not YAML")?;
    let Value::Object(entries) = file else {
        bail!("the file holds no entries; expected a map from provider id to entry");
    };
    let mut left_out = Vec::new();
    let mut tables = toml::Table::new();
    let mut header = toml::Table::new();
    header.insert("name".to_owned(), toml::Value::String(vendor.to_owned()));
    tables.insert("vendor".to_owned(), toml::Value::Table(header));
    let mut ids = Vec::new();
    for (id, entry) in &entries {
        let Value::Object(entry) = entry else {
            bail!("{id}: expected a map of settings");
        };
        let entry = resolved(&entries, entry).with_context(|| id.clone())?;
        let table = entry::convert(id, &entry, &mut left_out).with_context(|| id.clone())?;
        tables.insert(id.clone(), toml::Value::Table(table));
        ids.push(id.clone());
    }
    let toml = toml::to_string_pretty(&tables).context("the converted file cannot be written")?;
    Ok(Converted { toml, ids, left_out })
}

/// An entry with the keys of its alias below its own; an alias outside the file stays a reference.
fn resolved(entries: &Map<String, Value>, entry: &Map<String, Value>) -> Result<Map<String, Value>> {
    let Some(alias) = entry.get("alias").and_then(Value::as_str) else {
        return Ok(entry.clone());
    };
    let Some(Value::Object(base)) = entries.get(alias) else {
        return Ok(entry.clone());
    };
    if base.get("alias").is_some() {
        bail!("an alias of an alias; write out {alias} first");
    }
    let mut merged = base.clone();
    for (name, value) in entry {
        if name != "alias" {
            merged.insert(name.clone(), value.clone());
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r#"
acme:
  display_name: Acme
  categories: [crm]
  auth_mode: OAUTH2
  authorization_url: https://${connectionConfig.subdomain}.acme.example/authorize
  token_url: https://${connectionConfig.subdomain}.acme.example/token
  authorization_params:
    response_type: code
    prompt: consent
  token_params:
    grant_type: authorization_code
  refresh_params:
    grant_type: refresh_token
  token_request_auth_method: basic
  scope_separator: ','
  disable_pkce: true
  default_scopes: [read, write]
  token_response_metadata: [instance_url]
  docs: https://acme.example/docs
  connection_config:
    subdomain:
      type: string
      title: Subdomain
      description: Yours
      pattern: '^[a-z]+$'
      example: demo
  proxy:
    base_url: https://api.acme.example
    retry:
      after: retry-after
    paginate:
      type: cursor
      cursor_path_in_response: next
      cursor_name_in_request: after
      response_path: items
      limit_name_in_request: limit
acme-key:
  display_name: Acme (API Key)
  categories: [crm]
  auth_mode: API_KEY
  docs: https://acme.example/docs
  strange: true
  credentials:
    apiKey:
      type: string
      title: Key
      secret: true
  proxy:
    base_url: https://api.acme.example || https://eu.acme.example
    headers:
      authorization: Bearer ${apiKey}
      x-basic: ${base64(${apiKey}:x)}
    verification:
      method: GET
      endpoints: [/me]
acme-two:
  display_name: Acme (Two steps)
  categories: [crm]
  auth_mode: TWO_STEP
  docs: https://acme.example/docs
  token_url: https://api.acme.example/login
  body_format: form
  token_params:
    user: ${credentials.user}
  token_response:
    token: data.token
    token_expiration: data.expires
    token_expiration_strategy: expireIn
  credentials:
    user: { type: string, title: User }
  proxy:
    base_url: https://api.acme.example
"#;

    #[test]
    fn a_converted_file_loads_and_means_the_same() {
        let converted = convert(SOURCE, "Acme").unwrap();
        assert_eq!(converted.ids, ["acme", "acme-key", "acme-two"]);
        assert_eq!(converted.left_out, ["acme-key: strange"]);
        let catalog = tenon_catalog::Catalog::with_texts(&[("acme.toml", converted.toml.as_str())])
            .unwrap_or_else(|error| panic!("{error}\n{}", converted.toml));
        let wire = catalog.get("acme").unwrap().to_wire();
        let text = |path: &str| {
            wire.pointer(path)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        assert_eq!(text("/auth_mode"), "OAUTH2");
        assert_eq!(
            text("/authorization_url"),
            "https://${connectionConfig.subdomain}.acme.example/authorize"
        );
        assert_eq!(text("/authorization_params/prompt"), "consent");
        assert_eq!(text("/proxy/paginate/cursor_name_in_request"), "after");
        assert_eq!(wire["default_scopes"], serde_json::json!(["read", "write"]));
        let key = catalog.get("acme-key").unwrap().to_wire();
        assert_eq!(key["proxy"]["headers"]["x-basic"], "${base64(${apiKey}:x)}");
        assert_eq!(key["proxy"]["verification"]["endpoints"], serde_json::json!(["/me"]));
        let two = catalog.get("acme-two").unwrap();
        assert_eq!(two.exchange.as_ref().unwrap().token_path, "data.token");
    }

    #[test]
    fn what_is_no_catalogue_is_refused_with_a_reason() {
        assert!(convert("- a\n- b", "X").unwrap_err().to_string().contains("no entries"));
        assert!(convert("a: [", "X").unwrap_err().to_string().contains("not YAML"));
        let error = convert("a: { auth_mode: TABLEAU, display_name: A }", "X").unwrap_err();
        assert!(format!("{error:#}").contains("TABLEAU"), "{error:#}");
    }
}
