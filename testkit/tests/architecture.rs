//! Compares the real graph of crates with the drawing in ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Who may name whom. `cli`, `bench` and `testkit` join the parts and may name any crate.
const DRAWING: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("catalog", &["model"]),
    ("egress", &["model"]),
    ("credentials", &["egress", "catalog", "model"]),
    ("store", &["model"]),
    ("queue", &["store", "model"]),
    ("runtime", &[]),
    ("compiler", &["runtime"]),
    (
        "app",
        &["credentials", "queue", "store", "catalog", "egress", "runtime", "model"],
    ),
    ("api", &["app", "model"]),
    ("sim", &[]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn own_dependencies(manifest: &str) -> BTreeSet<String> {
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
    let section = dependencies.split("\n[").next().unwrap_or_default();
    section
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tenon-"))
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_crate_graph_is_the_drawing() {
    let drawing: BTreeMap<&str, &[&str]> = DRAWING.iter().copied().collect();
    for entry in std::fs::read_dir(root().join("crates")).expect("the crates folder") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        if name == "cli" {
            continue;
        }
        let allowed = drawing
            .get(name.as_str())
            .unwrap_or_else(|| panic!("crates/{name} is not in the drawing"));
        for dependency in own_dependencies(&manifest) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "crates/{name} names tenon-{dependency}, which the drawing does not allow"
            );
        }
    }
}

#[test]
fn sql_stays_in_the_store_and_sockets_in_egress() {
    let forbidden = [
        ("rusqlite::", &["store"][..]),
        ("tokio_postgres::", &["store"][..]),
        ("hyper_util::client", &["egress", "sim"][..]),
    ];
    for entry in std::fs::read_dir(root().join("crates")).expect("the crates folder") {
        let folder = entry.expect("an entry").path();
        let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
        for file in sources(&folder.join("src")) {
            let text = std::fs::read_to_string(&file).expect("a source file");
            for (needle, homes) in &forbidden {
                assert!(
                    homes.contains(&name.as_str()) || !text.contains(needle),
                    "{} uses {needle}, whose home is {homes:?}",
                    file.display()
                );
            }
        }
    }
}

fn sources(folder: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}
