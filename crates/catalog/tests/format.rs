//! The file format: what is accepted, what is refused, and with which words. The JSON Schema says the same.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::Value;
use tenon_catalog::{AuthMode, CATEGORIES, Catalog, entry_keys, overlay_stamp};

fn providers() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../providers")
}

fn schema() -> Value {
    let text = std::fs::read_to_string(providers().join("schema.json")).expect("the schema is there");
    serde_json::from_str(&text).expect("the schema is JSON")
}

fn json_of(text: &str) -> Value {
    let table: toml::Table = text.parse().expect("valid TOML");
    serde_json::to_value(table).expect("TOML as JSON")
}

#[test]
fn every_file_follows_the_schema() {
    let validator = jsonschema::validator_for(&schema()).expect("the schema is sound");
    let mut complaints = Vec::new();
    for entry in std::fs::read_dir(providers()).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let value = json_of(&std::fs::read_to_string(&path).expect("readable"));
            for error in validator.iter_errors(&value) {
                complaints.push(format!("{}: {} at {}", path.display(), error, error.instance_path()));
            }
        }
    }
    assert!(
        complaints.is_empty(),
        "{} complaints:\n{}",
        complaints.len(),
        complaints.join("\n")
    );
}

#[test]
fn the_schema_knows_the_keys_that_the_parser_knows() {
    let schema = schema();
    let properties = schema["definitions"]["entry"]["properties"]
        .as_object()
        .expect("properties");
    let described: BTreeSet<String> = properties.keys().cloned().collect();
    let parsed: BTreeSet<String> = entry_keys().into_iter().collect();
    assert_eq!(described, parsed);

    let listed = |value: &Value| -> BTreeSet<String> {
        value
            .as_array()
            .expect("a list")
            .iter()
            .map(|name| name.as_str().unwrap_or_default().to_owned())
            .collect()
    };
    assert_eq!(
        listed(&properties["auth"]["enum"]),
        AuthMode::ALL.iter().map(|mode| mode.in_file().to_owned()).collect()
    );
    assert_eq!(
        listed(&properties["categories"]["items"]["enum"]),
        CATEGORIES.iter().map(ToString::to_string).collect()
    );
    let variant = schema["definitions"]["variant"]["properties"]
        .as_object()
        .expect("properties");
    let mut variant: BTreeSet<String> = variant.keys().cloned().collect();
    variant.remove("id");
    variant.extend(["extends".to_owned(), "env".to_owned()]);
    assert_eq!(variant, parsed);
}

/// Five lines are enough for an entry.
const FIVE_LINES: &str = r#"
[vendor]
name = "Quux"
docs = "https://quux.example/docs"
[quux-test]
name = "Quux"
categories = ["crm"]
auth = "api_key"
key_in = "header:x-quux-key"
api = "https://${config.region}.quux.example/v1"
probe = "GET /me"
[quux-test.config]
region = { label = "Region", choices = ["eu", "us"] }
[quux-test.env.sandbox]
name = "Quux (Sandbox)"
api = "https://sandbox.quux.example/v1"
"#;

#[test]
fn an_overlay_adds_entries_and_environments() {
    let catalog = Catalog::with_texts(&[("quux.toml", FIVE_LINES)]).expect("loads");
    let quux = catalog.get("quux-test").expect("there");
    let api = quux.api.as_ref().expect("an API");
    assert_eq!(api.headers[0].0, "x-quux-key");
    assert_eq!(quux.docs.as_deref(), Some("https://quux.example/docs"));
    assert_eq!(quux.inputs.credentials[0].label, "API Key");
    let sandbox = catalog.get("quux-test@sandbox").expect("there");
    assert_eq!(sandbox.id, "quux-test-sandbox");
    assert_eq!(
        sandbox.to_wire()["proxy"]["base_url"],
        "https://sandbox.quux.example/v1"
    );
    assert_eq!(sandbox.to_wire()["proxy"]["headers"]["x-quux-key"], "${apiKey}");
    assert!(catalog.get("github").is_some(), "the built-in entries stay");
    let validator = jsonschema::validator_for(&schema()).expect("the schema is sound");
    assert!(validator.is_valid(&json_of(FIVE_LINES)));
}

#[test]
fn an_overlay_directory_is_read_and_replaces() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = r#"
[vendor]
name = "HubSpot"
[hubspot]
extends = "hubspot"
authorize = "http://127.0.0.1:9/oauth/authorize"
token = "http://127.0.0.1:9/oauth/v3/token"
api = "http://127.0.0.1:9"
"#;
    std::fs::write(folder.path().join("sim.toml"), text).expect("written");
    std::fs::write(folder.path().join("README.md"), "ignored").expect("written");
    let catalog = Catalog::with_overlay(folder.path()).expect("loads");
    let hubspot = catalog.get("hubspot").expect("there").to_wire();
    assert_eq!(hubspot["proxy"]["base_url"], "http://127.0.0.1:9");
    assert_eq!(
        hubspot["proxy"]["paginate"]["cursor_name_in_request"], "after",
        "the rest is inherited"
    );
    assert_eq!(catalog.len(), Catalog::embedded().expect("loads").len());
    let before = overlay_stamp(folder.path());
    assert_eq!(before, overlay_stamp(folder.path()));
    std::fs::write(folder.path().join("more.toml"), "[vendor]\nname = \"More\"\n").expect("written");
    assert_ne!(before, overlay_stamp(folder.path()));
    let missing = Catalog::with_overlay(&folder.path().join("nothing")).expect("a missing folder is empty");
    assert_eq!(missing.len(), catalog.len());
}

fn faults(entry: &str) -> String {
    let text = format!("[vendor]\nname = \"V\"\n{entry}");
    match Catalog::with_texts(&[("v.toml", &text)]) {
        Ok(_) => "no fault".to_owned(),
        Err(error) => error
            .faults
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" | "),
    }
}

#[test]
fn faults_name_file_entry_key_and_remedy() {
    let base =
        "name = \"X\"\ncategories = [\"crm\"]\nauth = \"api_key\"\nkey_in = \"bearer\"\napi = \"https://x.example\"\n";
    let with = |more: &str| faults(&format!("[x-test]\n{base}{more}"));
    let cases = [
        (with(""), "no fault"),
        (with("colour = 1"), "v.toml:3 [x-test]: unknown field `colour`"),
        (
            with("page = { cursor = \"c\" }"),
            "v.toml:3 [x-test] page: a cursor needs both",
        ),
        (
            with("page = { cursor = \"c\", next = \"n\", offset = \"o\" }"),
            "page: write exactly one of",
        ),
        (
            with("probe = \"/me\""),
            "probe: `/me` is no call; write a method and a path: GET /me",
        ),
        (with("headers = { X-Y = \"z\" }"), "write header names in lower case"),
        (
            with("query = { a = \"${config.\" }"),
            "query.a: the placeholder that begins at `config.` is not closed",
        ),
        (
            with("pkce = false"),
            "pkce: has no effect with auth = \"api_key\"; drop it",
        ),
        (
            with("hooks = { verify = \"acme\" }"),
            "hooks.verify: `acme` is unknown; write one of apollo",
        ),
        (
            with("extends = \"nothing-here\""),
            "extends: there is no entry `nothing-here`",
        ),
        (with("extends = \"x-test\""), "extends: an entry cannot extend itself"),
        (with("without = [\"retry\"]"), "without: \"retry\" is not inherited"),
        (
            with("retry = { statuses = [\"6xx\"] }"),
            "retry.statuses: `6xx` is no status",
        ),
        (
            with("quotas = [{ name = \"a\", limit = 1 }]"),
            "quotas.a: write per_seconds, or concurrent = true",
        ),
        (
            with("config.a = { label = \"A\", shown_when = { field = \"b\", equals = \"1\" } }"),
            "shown_when names `b`",
        ),
        (
            with("config.a = { pattern = \"x\" }"),
            "config.a: say what the form calls it: label",
        ),
        (
            faults("[X]\nname = \"X\""),
            "an id has lower-case letters, digits and dashes only",
        ),
        (
            faults("[x]\nname = \"X\"\nauth = \"saml\""),
            "auth: `saml` is no mode; write one of oauth2",
        ),
        (
            faults("[x]\nname = \"X\"\nauth = \"oauth2\""),
            "authorize: say where the browser is sent",
        ),
        (
            faults("[x]\nname = \"X\"\nauth = \"token_exchange\""),
            "exchange: name the token endpoint",
        ),
        (faults("[x]\nname = [\n"), "not valid TOML"),
        (
            faults("[a]\nextends = \"b\"\n[b]\nextends = \"a\"\n"),
            "extend each other in a circle",
        ),
        (faults("[x.y]\nz = 1"), "unknown field `y`"),
        (
            Catalog::with_texts(&[("v.toml", "[x]\nname = \"X\"")])
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default(),
            "v.toml: there is no [vendor] block",
        ),
    ];
    for (index, (got, expected)) in cases.iter().enumerate() {
        assert!(got.contains(expected), "case {index}: expected `{expected}` in `{got}`");
    }
}

#[test]
fn a_misspelt_key_is_answered_with_the_right_one() {
    let text = "[vendor]\nname = \"Acme\"\n\n[acme]\nname = \"Acme\"\ncategories = [\"crm\"]\nauth = \"oauth2\"\nauthorise = \"https://a.example\"\n";
    let error = Catalog::with_texts(&[("acme.toml", text)]).expect_err("a misspelt key");
    let told = error.faults.iter().map(ToString::to_string).collect::<String>();
    assert!(
        told.starts_with("acme.toml:4 [acme]: unknown key `authorise`; did you mean `authorize`?"),
        "{told}"
    );
}
