//! Settings of integrations and connection values, by table.

use serde_json::{Map, Value, json};
use tenon_catalog::{Catalog, check_fields, check_inputs};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("an object")
}

fn integration(id: &str, given: Value) -> Result<Vec<(String, String)>, String> {
    let catalog = Catalog::embedded().expect("loads");
    let provider = catalog.get(id).expect("there");
    check_fields(&provider.inputs.integration_config, &map(given)).map_err(|complaints| complaints.join(", "))
}

#[test]
fn settings_are_refused_with_the_words_of_the_contract() {
    let whole = |key: &str, value: &str| {
        let mut settings = json!({ "keyPlacement": "header", "keyName": "x-key", "valueTemplate": "Api-Key ${apiKey}", "baseUrl": "http://127.0.0.1:8080" });
        settings[key] = value.into();
        settings
    };
    let cases = [
        (
            "private-api-generic",
            json!({ "keyName": "x-key" }),
            "Base URL is required",
        ),
        (
            "private-api-generic",
            whole("keyPlacement", "body"),
            "Key placement must be one of: header, query",
        ),
        (
            "private-api-generic",
            whole("baseUrl", "ftp://x"),
            "Base URL has an invalid format",
        ),
        (
            "private-api-generic",
            whole("valueTemplate", "nothing"),
            "Value template has an invalid format",
        ),
        (
            "aws-sigv4",
            json!({ "nope": "s3" }),
            "Unknown field nope, AWS Service is required",
        ),
        (
            "aws-sigv4",
            json!({ "service": "S3!" }),
            "AWS Service has an invalid format",
        ),
        (
            "aws-sigv4",
            json!({ "service": "s3", "stsMode": "custom", "stsAuthType": "api_key" }),
            "STS API Key is required",
        ),
    ];
    for (id, given, expected) in cases {
        assert_eq!(
            integration(id, given.clone()).err().as_deref(),
            Some(expected),
            "{given}"
        );
    }
}

#[test]
fn settings_get_their_defaults_and_only_what_is_shown() {
    let settings = integration(
        "private-api-generic",
        json!({ "keyName": "x-key", "baseUrl": "https://api.example.com" }),
    );
    let settings = settings.expect("accepted");
    let value = |name: &str| {
        settings
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(value("keyPlacement"), Some("header"));
    assert_eq!(value("valueTemplate"), Some("${apiKey}"));
    assert_eq!(value("keyLabel"), Some("API Key"));

    let settings = integration("aws-sigv4", json!({ "service": "s3" })).expect("accepted");
    let names: Vec<&str> = settings.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["service", "stsMode"],
        "fields of the custom mode are not shown, so not defaulted"
    );
}

#[test]
fn connection_values_are_checked_but_unknown_ones_stay() {
    let catalog = Catalog::embedded().expect("loads");
    let check = |id: &str, given: Value, required: bool| -> Vec<String> {
        let fields = &catalog.get(id).expect("there").inputs.connection_config;
        check_inputs(fields, &map(given), required)
            .into_iter()
            .map(|complaint| complaint.message)
            .collect()
    };
    assert!(check("shopify", json!({ "subdomain": "acme", "other": "x" }), true).is_empty());
    assert_eq!(
        check("shopify", json!({ "subdomain": "evil.example/x?" }), true),
        ["Shopify Domain has an invalid format"]
    );
    assert_eq!(check("shopify", json!({}), true), ["Shopify Domain is required"]);
    assert!(check("shopify", json!({}), false).is_empty());
    assert!(
        check("salesforce", json!({}), true).is_empty(),
        "optional and automatic fields are not required"
    );
    assert_eq!(
        check("salesforce", json!({ "hostname": "acme.lightning.force.com" }), true),
        ["Hostname has an invalid format"]
    );
    assert_eq!(
        check("discourse", json!({ "defaultHost": "a b", "apiUsername": "x" }), true),
        ["Domain must be a host name"]
    );
}
