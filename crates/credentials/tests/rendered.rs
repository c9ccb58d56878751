//! What every entry of the catalogue sends, compared with files that people review: `tests/rendered/`.
//!
//! After a change of `providers/`, run `TENON_UPDATE_RENDERED=1 cargo test -p tenon-credentials --test rendered` and look
//! at the difference: it is the effect of the change.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tenon_catalog::Catalog;
use tenon_credentials::preview::preview;
use tenon_egress::{Egress, Policy};
use tenon_model::SystemClock;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rendered")
}

/// Every entry as text, by the first character of its id.
async fn rendered() -> BTreeMap<String, String> {
    let egress = Egress::new(Policy::default(), Arc::new(SystemClock::default())).unwrap();
    let catalog = Catalog::embedded().unwrap();
    let mut entries: Vec<_> = catalog.iter().collect();
    entries.sort_by_key(|provider| &provider.id);
    let mut files: BTreeMap<String, String> = BTreeMap::new();
    for provider in entries {
        let first = provider
            .id
            .chars()
            .next()
            .filter(char::is_ascii_lowercase)
            .unwrap_or('0');
        let file = files.entry(format!("{first}.txt")).or_default();
        file.push_str(&format!("{} ({})\n", provider.id, provider.auth.wire()));
        for part in preview(&egress, provider).await {
            file.push_str(&format!("  {}\n", part.what));
            for line in part.lines {
                file.push_str(&format!("    {line}\n"));
            }
        }
        file.push('\n');
    }
    files
}

#[tokio::test]
async fn every_entry_sends_what_was_reviewed() {
    let files = rendered().await;
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever runs the test says that the change is meant"
    )]
    let update = std::env::var_os("TENON_UPDATE_RENDERED").is_some();
    if update {
        std::fs::create_dir_all(folder()).unwrap();
    }
    let mut different = Vec::new();
    for (name, text) in &files {
        let path = folder().join(name);
        if update {
            std::fs::write(&path, text).unwrap();
            continue;
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        let pairs = text.lines().zip(reviewed.lines());
        if let Some((line, (now, before))) = pairs.enumerate().find(|(_, (now, before))| now != before) {
            different.push(format!("{name}:{}: was {before:?}, is {now:?}", line + 1));
        } else if text.lines().count() != reviewed.lines().count() {
            different.push(format!("{name}: has {} lines now", text.lines().count()));
        }
    }
    assert!(
        different.is_empty(),
        "if these changes are meant, run this test once with TENON_UPDATE_RENDERED=1 and commit what it writes:\n{}",
        different.join("\n")
    );
}

#[tokio::test]
async fn every_entry_can_be_rendered() {
    let files = rendered().await;
    let mut entry = "";
    let mut failed = Vec::new();
    for line in files.values().flat_map(|text| text.lines()) {
        if !line.starts_with(' ') && !line.is_empty() {
            entry = line;
        }
        if line.contains("[cannot be rendered") {
            failed.push(format!("{entry}: {}", line.trim()));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
