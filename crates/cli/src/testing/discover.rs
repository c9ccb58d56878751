//! Finds functions and the fixtures that belong to them.
//!
//! An integration is a folder with `syncs`, `actions`, `on-events` or `functions`, wherever it is below the start; its
//! fixtures are in `tests`, or in `mocks` in the older form. No index, package.json or node_modules is needed.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use regex::Regex;
use tenon_compiler::{Entry, Folder};

use super::older::Older;

/// What is never looked into.
const SKIPPED_FOLDERS: [&str; 3] = ["node_modules", "build", "dist"];

/// A fixture and the function that it was recorded of.
#[derive(Debug)]
pub struct Case {
    /// The folder that the function's path starts from, which holds its integration.
    pub root: PathBuf,
    /// The function; none when no file fits the fixture's name.
    pub function: Option<Entry>,
    /// `<integration>/<kind>/<name>`, or what the fixture's name says when there is no function.
    pub label: String,
    /// The recording.
    pub source: Source,
    /// The fixture's path from the folder where the search began; of one that was named, from the folder of its integration.
    pub fixture: String,
    /// A test written by hand that uses the fixture.
    pub test_file: Option<PathBuf>,
}

/// Where a recording is.
#[derive(Debug)]
pub enum Source {
    /// `*.test.json`.
    File(PathBuf),
    /// The older folder of an integration, and the function's name.
    Mocks(PathBuf, String),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of functions.
    pub cases: Vec<Case>,
    /// Functions without any fixture, as `<integration>/<kind>/<name>`.
    pub untested: Vec<String>,
}

/// Looks for everything below `start`, which may also be one fixture or a folder inside of an integration.
pub fn discover(start: &Path) -> Found {
    let mut found = Found::default();
    let base = if start.is_file() {
        start.parent().unwrap_or(start)
    } else {
        start
    };
    for integration in integrations(base) {
        Integration::read(&integration).collect(start, &mut found);
    }
    if start.is_file() {
        found
            .cases
            .retain(|case| matches!(&case.source, Source::File(path) if path == start));
        found.untested.clear();
    }
    found
        .cases
        .sort_by(|a, b| (&a.label, &a.fixture).cmp(&(&b.label, &b.fixture)));
    found.untested.sort();
    found
}

/// Folders of integrations: `base` itself, the one it is in, or those below it.
fn integrations(base: &Path) -> Vec<PathBuf> {
    let above = base.ancestors().take(2).find(|folder| is_integration(folder));
    if let Some(folder) = above {
        return vec![folder.to_owned()];
    }
    let mut list = Vec::new();
    walk(base, &mut list);
    list
}

fn walk(folder: &Path, list: &mut Vec<PathBuf>) {
    for child in children(folder, |path| path.is_dir() && !path.is_symlink()) {
        let name = file_name(&child);
        if name.starts_with('.') || SKIPPED_FOLDERS.contains(&name.as_str()) {
            continue;
        }
        if is_integration(&child) {
            list.push(child);
        } else {
            walk(&child, list);
        }
    }
}

/// Whether there are functions in it. A project may itself be in a folder called `functions`.
fn is_integration(folder: &Path) -> bool {
    Folder::ALL.iter().any(|kind| {
        let inside = folder.join(kind.name());
        !inside.join("index.ts").is_file() && !children(&inside, is_function_file).is_empty()
    })
}

fn is_function_file(path: &Path) -> bool {
    let name = file_name(path);
    path.is_file() && name.ends_with(".ts") && !name.ends_with(".d.ts") && !name.ends_with(".test.ts")
}

fn children(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| wanted(path))
        .collect();
    paths.sort();
    paths
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// One integration.
struct Integration {
    root: PathBuf,
    folder: PathBuf,
    name: String,
    functions: Vec<Entry>,
    tests: Vec<TestFile>,
}

/// A test written by hand or generated: which function it imports, which fixtures it names.
struct TestFile {
    path: PathBuf,
    stem: String,
    function: Option<(Folder, String)>,
    names: BTreeSet<String>,
}

#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static FUNCTION_IMPORT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"['"]\.\./(syncs|actions|on-events|functions)/([A-Za-z0-9_.-]+?)(?:\.js|\.ts)?['"]"#).unwrap()
});
#[expect(clippy::unwrap_used, reason = "constant patterns, compiled by every test")]
static FIXTURE_NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r#"\bname:\s*['"]([^'"]+)['"]"#).unwrap());

impl Integration {
    fn read(folder: &Path) -> Self {
        let name = file_name(folder);
        let mut functions = Vec::new();
        for kind in Folder::ALL {
            for file in children(&folder.join(kind.name()), is_function_file) {
                functions.extend(Entry::from_path(&format!(
                    "{name}/{}/{}",
                    kind.name(),
                    file_name(&file)
                )));
            }
        }
        let tests = children(&folder.join("tests"), |path| file_name(path).ends_with(".test.ts"));
        Self {
            root: folder.parent().unwrap_or(folder).to_owned(),
            folder: folder.to_owned(),
            functions,
            tests: tests.into_iter().filter_map(TestFile::read).collect(),
            name,
        }
    }

    fn collect(&self, start: &Path, found: &mut Found) {
        let base = if start.is_file() { &self.root } else { start };
        let mut tested: BTreeSet<&str> = BTreeSet::new();
        for path in children(&self.folder.join("tests"), |path| {
            file_name(path).ends_with(".test.json")
        }) {
            let stem = file_name(&path).trim_end_matches(".test.json").to_owned();
            let test = self.test_of(&stem);
            let function = self.function_of(&stem, test, &path);
            tested.extend(function.map(|entry| entry.path.as_str()));
            let label = function.map_or_else(|| format!("{}/{stem}", self.name), label_of);
            found.cases.push(Case {
                root: self.root.clone(),
                function: function.cloned(),
                label,
                fixture: shown_path(&path, base),
                source: Source::File(path),
                test_file: test.map(|test| test.path.clone()),
            });
        }
        let mocks = self.folder.join("mocks");
        for entry in &self.functions {
            if tested.contains(entry.path.as_str()) {
                continue;
            }
            let recorded = self
                .mocks_of(entry)
                .find(|(name, _)| Older::find(&mocks, name).is_some());
            match recorded {
                Some((name, test)) => found.cases.push(Case {
                    root: self.root.clone(),
                    function: Some(entry.clone()),
                    label: label_of(entry),
                    fixture: shown_path(&mocks.join(name), base),
                    source: Source::Mocks(mocks.clone(), name.to_owned()),
                    test_file: test.map(|test| test.path.clone()),
                }),
                None => found.untested.push(label_of(entry)),
            }
        }
    }

    /// Names under which older recordings of a function may be, with the test that says so: its own, and what tests that
    /// import it call theirs.
    fn mocks_of<'s>(&'s self, entry: &'s Entry) -> impl Iterator<Item = (&'s str, Option<&'s TestFile>)> {
        let test = self.tests.iter().find(|test| test.names.contains(&entry.name));
        let importing = self.tests.iter().filter(|test| {
            let function = test.function.as_ref();
            function.is_some_and(|(folder, name)| entry.folder == Some(*folder) && entry.name == *name)
        });
        let named = importing.flat_map(|test| test.names.iter().map(move |name| (name.as_str(), Some(test))));
        std::iter::once((entry.name.as_str(), test)).chain(named)
    }

    /// The test that reads the fixture `<stem>.test.json`: the one with the same name, else one that names it.
    fn test_of(&self, stem: &str) -> Option<&TestFile> {
        let own = format!("{}-{stem}", self.name);
        let by_stem = |wanted: &str| self.tests.iter().find(|test| test.stem == wanted);
        by_stem(stem)
            .or_else(|| by_stem(&own).filter(|test| test.names.is_empty() || test.names.contains(stem)))
            .or_else(|| {
                self.tests
                    .iter()
                    .find(|test| test.names.contains(stem) && !test.has_fixture())
            })
            .or_else(|| self.tests.iter().find(|test| test.names.contains(stem)))
    }

    fn function_of(&self, stem: &str, test: Option<&TestFile>, fixture: &Path) -> Option<&Entry> {
        let imported = test.and_then(|test| test.function.as_ref()).and_then(|(folder, name)| {
            self.functions
                .iter()
                .find(|entry| entry.folder == Some(*folder) && entry.name == *name)
        });
        if imported.is_some() {
            return imported;
        }
        let prefix = format!("{}-", self.name);
        let plain = stem.strip_prefix(&prefix).unwrap_or(stem);
        let named = |name: &str| -> Vec<&Entry> { self.functions.iter().filter(|entry| entry.name == name).collect() };
        let mut candidates = named(stem);
        if candidates.is_empty() {
            candidates = named(plain);
        }
        if candidates.is_empty() {
            candidates.extend(self.nearest(plain));
        }
        match candidates.as_slice() {
            [] => None,
            [only] => Some(only),
            several => {
                // The same name in several folders: what was recorded tells them apart.
                let text = fs::read_to_string(fixture).unwrap_or_default();
                let wanted = if text.contains("\"batchSave\"") && !text.contains("\"output\"") {
                    Folder::Syncs
                } else {
                    Folder::Actions
                };
                several
                    .iter()
                    .find(|entry| entry.folder == Some(wanted))
                    .or(several.first())
                    .copied()
            }
        }
    }

    /// The function with the longest name that begins or ends the fixture's: `users-empty` is of `users`.
    fn nearest(&self, stem: &str) -> Option<&Entry> {
        let fits = |name: &str| {
            stem.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(['-', '.', '_']))
                || stem.strip_suffix(name).is_some_and(|rest| rest.ends_with('-'))
        };
        self.functions
            .iter()
            .filter(|entry| fits(&entry.name))
            .max_by_key(|entry| entry.name.len())
    }
}

impl TestFile {
    /// Whether there is a fixture with the test's own name, which then is the one that it reads.
    fn has_fixture(&self) -> bool {
        self.path.with_file_name(format!("{}.test.json", self.stem)).is_file()
    }

    fn read(path: PathBuf) -> Option<Self> {
        let text = fs::read_to_string(&path).ok()?;
        let function = FUNCTION_IMPORT.captures(&text).and_then(|found| {
            let (_, [folder, name]) = found.extract();
            Some((Folder::from_name(folder)?, name.to_owned()))
        });
        let names = FIXTURE_NAME
            .captures_iter(&text)
            .map(|found| found.extract::<1>().1[0].to_owned())
            .collect();
        Some(Self {
            stem: file_name(&path).trim_end_matches(".test.ts").to_owned(),
            path,
            function,
            names,
        })
    }
}

fn label_of(entry: &Entry) -> String {
    let stem = entry
        .path
        .rsplit_once('.')
        .map_or(entry.path.as_str(), |(stem, _)| stem);
    stem.to_owned()
}

fn shown_path(path: &Path, base: &Path) -> String {
    path.strip_prefix(base)
        .unwrap_or(path)
        .to_string_lossy()
        .replace('\\', "/")
}
