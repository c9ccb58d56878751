use std::collections::BTreeSet;
use std::path::Path;

use axum::http::{HeaderMap, HeaderValue};
use tenon_catalog::Catalog;
use tenon_model::Secret;

use super::receiver::is_genuine;
use super::{example, prepare, thousands};

#[test]
fn numbers_have_separators() {
    let cases = [
        (0, "0"),
        (999, "999"),
        (1_000, "1,000"),
        (12_000, "12,000"),
        (1_234_567, "1,234,567"),
    ];
    for (number, text) in cases {
        assert_eq!(thousands(number), text);
    }
}

#[test]
fn the_overlay_changes_the_hosts_and_keeps_the_vendors_quotas() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("hubspot.toml"),
        prepare::provider_file("http://127.0.0.1:4010"),
    )
    .unwrap();
    let plain = Catalog::embedded().unwrap();
    let laid_over = Catalog::with_overlay(dir.path()).unwrap();
    let (before, after) = (plain.get("hubspot").unwrap(), laid_over.get("hubspot").unwrap());
    assert_eq!(after.quotas, before.quotas);
    assert!(!after.quotas.is_empty());
    let wire = after.to_wire().to_string();
    assert!(wire.contains("http://127.0.0.1:4010/oauth/authorize"), "{wire}");
    assert_eq!(laid_over.len(), plain.len());
}

#[test]
fn the_embedded_project_is_the_one_in_the_repository() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/hubspot-contacts");
    let mut sources = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && !["node_modules", "build"].contains(&name.as_str()) && !name.starts_with('.') {
                folders.push(path);
            } else if name.ends_with(".ts") {
                sources.insert(path.strip_prefix(&root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let embedded: BTreeSet<String> = example::FILES
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .filter(|name| name.ends_with(".ts"))
        .collect();
    assert_eq!(embedded, sources);
}

#[test]
fn a_webhook_is_believed_only_when_both_signatures_fit() {
    let key = Secret::new("8e5f0dcb-5d1d-4a3e-9a55-1f1d5e0c2b11".to_owned());
    let body = br#"{"from":"nango","type":"auth"}"#;
    // Computed with Python's hashlib and hmac.
    let (old, new) = (
        "bdb4d85b4a81880665244c6c6d382aa1e54fd3950e62d4e5726882b1ac4e1c71",
        "844daa88295708eafeec6d9fa1910a8fb1075483ad1707d07bff16ed4f4d0f89",
    );
    let headers = |old: &str, new: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("x-nango-signature", HeaderValue::from_str(old).unwrap());
        headers.insert("x-nango-hmac-sha256", HeaderValue::from_str(new).unwrap());
        headers
    };
    assert!(is_genuine(&key, &headers(old, new), body));
    assert!(!is_genuine(&key, &headers(old, new), b"{}"));
    assert!(!is_genuine(&key, &headers(new, new), body));
    assert!(!is_genuine(&key, &headers(old, old), body));
    assert!(!is_genuine(&key, &HeaderMap::new(), body));
}
