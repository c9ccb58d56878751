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

#[test]
fn aliases_of_aliases_are_resolved_and_one_bad_entry_keeps_no_other_back() {
    let source = "
base: { display_name: Base, categories: [crm], auth_mode: API_KEY, docs: https://a.example/docs,
  proxy: { base_url: https://a.example, headers: { x-key: '${apiKey}' } } }
middle: { display_name: Middle, alias: base, docs: https://a.example/docs }
top: { display_name: Top, alias: middle, docs: https://a.example/docs, post_connection_script: nobodyKnowsPostConnection }
circle: { display_name: Circle, alias: circle, docs: https://a.example/docs }
strange: { display_name: Strange, auth_mode: APP_STORE, docs: https://a.example/docs }
";
    let converted = convert(source, "acme").unwrap();
    assert_eq!(converted.ids, ["base", "middle", "top"]);
    let table: toml::Table = converted.toml.parse().unwrap();
    assert_eq!(table["top"]["name"].as_str(), Some("Top"));
    assert_eq!(table["top"]["api"].as_str(), Some("https://a.example"));
    let left_out = converted.left_out.join("\n");
    for part in [
        "top: post_connection_script, as nobodyKnowsPostConnection is code that is not here",
        "circle: the whole entry, because its aliases form a circle",
        "strange: the whole entry, because auth_mode APP_STORE is unknown",
    ] {
        assert!(left_out.contains(part), "{part} in {left_out}");
    }
}
