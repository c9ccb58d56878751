//! Test files for the public test kit, beside the fixtures that they read.
//!
//! `tenon test` needs none of them. They are for projects that also run their tests with Vitest, and a place for
//! assertions of one's own.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::{Value, json, ser::PrettyFormatter};
use tenon_compiler::{Entry, Folder};

use super::{
    discover::{Found, Source, discover},
    place,
    recording::Recording,
};
use crate::authoring::scaffold::write;
use crate::failure::Failure;

const SETUP: [(&str, &str); 2] = [
    ("vitest.setup.ts", include_str!("templates/vitest.setup.ts")),
    ("vite.config.ts", include_str!("templates/vite.config.ts")),
];

/// The version of Vitest that the generated tests are written for.
const VITEST: &str = "^2.1.9";

/// What was done for the fixtures.
#[derive(Debug, Default)]
pub struct Generated {
    /// Files that were missing.
    pub written: Vec<PathBuf>,
    /// Files named package.json that have got Vitest.
    pub extended: Vec<PathBuf>,
}

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

    /// Refuses names that nothing has.
    fn check(&self, found: &Found) -> Result<()> {
        let of_cases = found.cases.iter().filter_map(|case| case.function.as_ref());
        let untested = found
            .untested
            .iter()
            .filter_map(|label| Entry::from_path(&format!("{label}.ts")));
        let entries: Vec<Entry> = of_cases.cloned().chain(untested).collect();
        if entries.iter().any(|entry| self.includes(entry)) {
            return Ok(());
        }
        let place = self.integration.map_or_else(String::new, |key| format!(" in {key}"));
        let (kind, name) = match (self.sync, self.action, self.integration) {
            (Some(name), ..) => ("sync", name),
            (None, Some(name), _) => ("action", name),
            (None, None, Some(key)) => bail!(Failure::not_found(format!(
                "there is no function of the integration {key}"
            ))),
            (None, None, None) => return Ok(()),
        };
        let other = entries.iter().find(|entry| entry.name == name);
        let hint = other.map_or_else(String::new, |entry| format!("; there is {}", entry.path));
        bail!(Failure::not_found(format!(
            "there is no {kind} called {name}{place}{hint}"
        )))
    }
}

/// Writes what is missing for the fixtures below `path`; files that exist are left alone, except that package.json gets
/// Vitest when it has none.
pub fn generate(path: &Path, wanted: Wanted<'_>) -> Result<Generated> {
    let found = discover(&place(path)?);
    wanted.check(&found)?;
    let mut generated = Generated::default();
    let written = &mut generated.written;
    for case in found.cases {
        let Some(entry) = case.function.as_ref().filter(|entry| wanted.includes(entry)) else {
            continue;
        };
        let Some((folder, text)) = test_of(&case.source, entry) else {
            continue;
        };
        if case.test_file.is_none() {
            let test = folder.join(format!("{}-{}.test.ts", entry.integration, entry.name));
            write_new(&test, &text, written)?;
        }
        for (name, text) in SETUP {
            write_new(&case.root.join(name), text, written)?;
        }
        let package = case.root.join("package.json");
        if add_vitest(&package)? {
            generated.extended.push(package);
        }
    }
    Ok(generated)
}

/// Adds Vitest to the packages of a project that has a package.json without it. Answers whether it did.
fn add_vitest(path: &Path) -> Result<bool> {
    if !path.exists() {
        return Ok(false);
    }
    let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut package: Value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
    let has = |kind: &str| package.get(kind).and_then(|packages| packages.get("vitest")).is_some();
    if has("dependencies") || has("devDependencies") {
        return Ok(false);
    }
    let packages = package
        .as_object_mut()
        .map(|package| package.entry("devDependencies").or_insert_with(|| json!({})));
    let Some(packages) = packages.and_then(Value::as_object_mut) else {
        bail!("{} is no object with devDependencies: correct it first", path.display());
    };
    packages.insert("vitest".to_owned(), json!(VITEST));
    packages.sort_keys();
    fs::write(path, indented_like(&text, &package)?)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(true)
}

/// JSON with the indentation of the text that it replaces.
fn indented_like(text: &str, value: &Value) -> Result<String> {
    let first = text.lines().find(|line| line.starts_with([' ', '\t'])).unwrap_or("  ");
    let indent = &first[..first.len() - first.trim_start().len()];
    let mut out = Vec::new();
    let formatter = PrettyFormatter::with_indent(indent.as_bytes());
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut out, formatter))?;
    out.push(b'\n');
    Ok(String::from_utf8(out)?)
}

/// The folder and the text of the test that reads a recording; none for functions that no test of this kind can run.
fn test_of(source: &Source, entry: &Entry) -> Option<(PathBuf, String)> {
    let template = match entry.folder? {
        Folder::Actions => include_str!("templates/action.test.ts"),
        Folder::Syncs => include_str!("templates/sync.test.ts"),
        Folder::OnEvents | Folder::Functions => return None,
    };
    let (folder, fixture) = match source {
        Source::File(path) => {
            let name = path.file_name()?.to_str()?.trim_end_matches(".test.json");
            (path.parent()?.to_owned(), name)
        }
        Source::Mocks(mocks, name) => (mocks.with_file_name("tests"), name.as_str()),
    };
    let batches = Recording::read(source).map(|recording| recording.batches("batchSave"));
    let models: Vec<String> = batches
        .unwrap_or_default()
        .into_iter()
        .map(|(model, _)| format!("'{model}'"))
        .collect();
    let text = template
        .replace("__FUNCTION__", &entry.name)
        .replace("__INTEGRATION__", &entry.integration)
        .replace("__FIXTURE__", fixture)
        .replace("__MODELS__", &models.join(", "));
    Some((folder, text))
}

fn write_new(path: &Path, text: &str, written: &mut Vec<PathBuf>) -> Result<()> {
    if !path.exists() {
        write(path, text)?;
        written.push(path.to_owned());
    }
    Ok(())
}
