//! The listing against recorded answers of `GET /providers`.
//!
//! The recording lies beside the repository and is not part of it; without it the test says so and does nothing.

#![expect(clippy::print_stderr, reason = "a skipped comparison must be seen")]

use std::path::PathBuf;

use serde_json::Value;
use tenon_catalog::Catalog;

fn recording() -> Option<Value> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let path = root.join("../shared/contract/golden/scripts/providers.golden.json");
    match std::fs::read_to_string(&path) {
        Ok(text) => Some(serde_json::from_str(&text).expect("the recording is JSON")),
        Err(error) => {
            eprintln!(
                "SKIPPED: {} cannot be read ({error}); the listing was not compared",
                path.display()
            );
            None
        }
    }
}

/// Texts for people are compared by type only: the recording holds their class.
fn differences(expected: &Value, got: &Value, at: &str, out: &mut Vec<String>) {
    match (expected, got) {
        (Value::String(class), Value::String(_)) if class == "<string>" => {}
        (Value::Object(expected), Value::Object(got)) => {
            for key in expected
                .keys()
                .chain(got.keys().filter(|key| !expected.contains_key(*key)))
            {
                match (expected.get(key), got.get(key)) {
                    (Some(expected), Some(got)) => differences(expected, got, &format!("{at}.{key}"), out),
                    (expected, got) => out.push(format!("{at}.{key}: expected {expected:?}, got {got:?}")),
                }
            }
        }
        (Value::Array(expected), Value::Array(got)) if expected.len() == got.len() => {
            for (index, (expected, got)) in expected.iter().zip(got).enumerate() {
                differences(expected, got, &format!("{at}[{index}]"), out);
            }
        }
        (expected, got) if expected == got => {}
        (expected, got) => out.push(format!("{at}: expected {expected}, got {got}")),
    }
}

fn wire(catalog: &Catalog, id: &str) -> Value {
    let mut value = catalog.get(id).map(|provider| provider.to_wire()).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.insert("name".to_owned(), id.into());
        object.insert(
            "logo_url".to_owned(),
            format!("${{public_url}}/images/template-logos/{id}.svg").into(),
        );
    }
    value
}

#[test]
fn the_listing_equals_the_recorded_answers() {
    let Some(recording) = recording() else { return };
    let catalog = Catalog::embedded().expect("the embedded files load");
    let mut out = Vec::new();
    let mut compared = 0;
    for step in recording["steps"].as_array().expect("steps") {
        let data = &step["expect"]["body"]["data"];
        let entries: Vec<&Value> = match data {
            Value::Array(list) => list.iter().collect(),
            Value::Object(_) => vec![data],
            _ => continue,
        };
        for expected in entries {
            let id = expected["name"].as_str().expect("every recorded entry has a name");
            differences(expected, &wire(&catalog, id), id, &mut out);
            compared += 1;
        }
    }
    let pick = &recording["steps"]
        .as_array()
        .and_then(|steps| steps.last())
        .expect("a last step")["expect"]["body"];
    differences(
        &pick["$.github.proxy"][0],
        &wire(&catalog, "github")["proxy"],
        "github.proxy",
        &mut out,
    );
    assert!(out.is_empty(), "{} differences:\n{}", out.len(), out.join("\n"));
    assert!(compared >= 17, "only {compared} entries were compared");
}
