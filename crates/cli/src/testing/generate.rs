//! Test files for the public test kit, beside the fixtures that they read.
//!
//! `tenon test` needs none of them. They are for projects that also run their tests with Vitest, and a place for
//! assertions of one's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use tenon_compiler::{Entry, Folder};

use super::{
    discover::{Case, Source, discover},
    recording::{Recording, Unified},
};

const SETUP: [(&str, &str); 2] = [
    ("vitest.setup.ts", include_str!("templates/vitest.setup.ts")),
    ("vite.config.ts", include_str!("templates/vite.config.ts")),
];

/// Which functions tests are written for; nothing = all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// Those of this integration.
    pub integration: Option<&'a str>,
    /// This sync.
    pub sync: Option<&'a str>,
    /// This action.
    pub action: Option<&'a str>,
}

impl Wanted<'_> {
    fn includes(&self, entry: &Entry) -> bool {
        let named = match (self.sync, self.action) {
            (Some(name), _) => entry.folder == Some(Folder::Syncs) && entry.name == name,
            (None, Some(name)) => entry.folder == Some(Folder::Actions) && entry.name == name,
            (None, None) => true,
        };
        named
            && self
                .integration
                .is_none_or(|integration| entry.integration == integration)
    }
}

/// Writes what is missing for the fixtures below `path`; files that exist are left alone. Answers what was written.
pub fn generate(path: &Path, wanted: Wanted<'_>) -> Result<Vec<PathBuf>> {
    let start = path
        .canonicalize()
        .with_context(|| format!("there is nothing at {}", path.display()))?;
    let mut written = Vec::new();
    for case in discover(&start).cases {
        let Some(text) = test_of(&case) else {
            continue;
        };
        let (Source::File(fixture), Some(entry)) = (&case.source, &case.function) else {
            continue;
        };
        if !wanted.includes(entry) {
            continue;
        }
        let folder = fixture.parent().unwrap_or(fixture);
        let test = folder.join(format!("{}-{}.test.ts", entry.integration, entry.name));
        if case.test_file.is_none() {
            write_new(&test, &text, &mut written)?;
        }
        for (name, text) in SETUP {
            write_new(&case.root.join(name), text, &mut written)?;
        }
    }
    Ok(written)
}

/// The test for a fixture; none for kinds of functions that the kit does not run.
fn test_of(case: &Case) -> Option<String> {
    let (Source::File(path), Some(entry)) = (&case.source, &case.function) else {
        return None;
    };
    let template = match entry.folder? {
        Folder::Actions => include_str!("templates/action.test.ts"),
        Folder::Syncs => include_str!("templates/sync.test.ts"),
        Folder::OnEvents | Folder::Functions => return None,
    };
    let models: Vec<String> = match Unified::read(path) {
        Ok(fixture) => {
            let batches = Recording::Unified(fixture).batches("batchSave");
            batches.into_iter().map(|(model, _)| format!("'{model}'")).collect()
        }
        Err(_) => Vec::new(),
    };
    let fixture = path.file_name()?.to_str()?.trim_end_matches(".test.json");
    let text = template
        .replace("__FUNCTION__", &entry.name)
        .replace("__INTEGRATION__", &entry.integration)
        .replace("__FIXTURE__", fixture)
        .replace("__MODELS__", &models.join(", "));
    Some(text)
}

fn write_new(path: &Path, text: &str, written: &mut Vec<PathBuf>) -> Result<()> {
    if !path.exists() {
        fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))?;
        written.push(path.to_owned());
    }
    Ok(())
}
