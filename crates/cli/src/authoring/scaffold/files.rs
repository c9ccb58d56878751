//! The files of a new project, built into the binary.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result};
use serde_json::Value;
use tenon_catalog::Catalog;
use tenon_compiler::Entry;

use super::create::index_line;

/// The types that make editors know `nango` and `tenon`, and the kit for tests; written below `.tenon/sdk`.
const SDK: [(&str, &str); 12] = [
    ("package.json", include_str!("../../../../../sdk/package.json")),
    ("index.js", include_str!("../../../../../sdk/index.js")),
    ("index.d.ts", include_str!("../../../../../sdk/index.d.ts")),
    ("http.d.ts", include_str!("../../../../../sdk/http.d.ts")),
    ("context.d.ts", include_str!("../../../../../sdk/context.d.ts")),
    (
        "experimental.d.ts",
        include_str!("../../../../../sdk/experimental.d.ts"),
    ),
    ("test.js", include_str!("../../../../../sdk/test.js")),
    ("test-fixtures.js", include_str!("../../../../../sdk/test-fixtures.js")),
    ("test-paginate.js", include_str!("../../../../../sdk/test-paginate.js")),
    ("test-request.js", include_str!("../../../../../sdk/test-request.js")),
    ("test.d.ts", include_str!("../../../../../sdk/test.d.ts")),
    ("README.md", include_str!("../../../../../sdk/README.md")),
];

/// What every project has around its functions.
const AROUND: [(&str, &str); 4] = [
    ("package.json", include_str!("files/package.json")),
    ("tsconfig.json", include_str!("files/tsconfig.json")),
    (".gitignore", include_str!("files/gitignore")),
    (".env", include_str!("files/env")),
];

/// One function of each kind, and their list.
const EXAMPLES: [(&str, &str); 4] = [
    ("index.ts", include_str!("files/index.ts")),
    ("github/syncs/issues.ts", include_str!("files/issues.ts")),
    ("github/actions/create-issue.ts", include_str!("files/create-issue.ts")),
    ("github/on-events/greet.ts", include_str!("files/greet.ts")),
];

/// The names under which the types are found.
const PACKAGES: [&str; 2] = ["nango", "tenon"];

/// What was written, by path inside the project.
#[derive(Debug, Default)]
pub struct Written {
    /// New files.
    pub created: Vec<String>,
    /// Files that were there and stay as they are.
    pub kept: Vec<String>,
}

/// Makes a project in `dir`. Files that exist are kept, except the types, which are brought up to date. A folder that has
/// functions gets a list of those; the examples are for folders that have none.
pub fn init(dir: &Path) -> Result<Written> {
    let present = tenon_compiler::function_files(dir);
    if present.is_empty() && !dir.join("index.ts").exists() {
        return place(dir, &[AROUND, EXAMPLES].concat());
    }
    let index: String = present.iter().map(|entry| index_line(stem(entry))).collect();
    place(dir, &[AROUND.as_slice(), &[("index.ts", &index)]].concat())
}

/// The function's path without the suffix.
fn stem(entry: &Entry) -> &str {
    entry.path.strip_suffix(".ts").unwrap_or(&entry.path)
}

/// Places what every project has around its functions: package.json, settings of TypeScript, `.gitignore`, the types.
pub fn around(dir: &Path) -> Result<Written> {
    place(dir, &AROUND)
}

fn place(dir: &Path, files: &[(&str, &str)]) -> Result<Written> {
    let mut written = Written::default();
    for (path, text) in files.iter().copied() {
        let target = dir.join(path);
        if target.exists() {
            written.kept.push(path.to_owned());
        } else {
            write(&target, text)?;
            written.created.push(path.to_owned());
        }
    }
    fs::create_dir_all(dir.join(".nango")).context("the folder .nango cannot be made")?;
    written.created.extend(types(dir)?.created);
    Ok(written)
}

/// Writes the types of the SDK, or brings them up to date.
pub fn types(dir: &Path) -> Result<Written> {
    let pagination = pagination()?;
    let sdk = [SDK.as_slice(), &[("pagination.json", &pagination)]].concat();
    for (name, text) in &sdk {
        write(&dir.join(".tenon/sdk").join(name), text)?;
    }
    link_types(dir, &sdk)?;
    Ok(Written {
        created: vec![".tenon/sdk/".to_owned()],
        kept: Vec::new(),
    })
}

/// How the lists of each provider are paged, for the test kit, by the names of the providers; `null` where it is not known.
fn pagination() -> Result<String> {
    let catalog = Catalog::embedded().context("the catalogue of providers")?;
    let mut known = BTreeMap::new();
    for provider in catalog.iter() {
        let paginate = provider.to_wire().pointer_mut("/proxy/paginate").map(Value::take);
        for name in std::iter::once(&provider.id).chain(&provider.synonyms) {
            known.insert(name.clone(), paginate.clone());
        }
    }
    serde_json::to_string(&known).context("the pagination of the providers")
}

/// Places the types where editors look for packages, so that they work before the first `npm install`, which
/// then puts links to `.tenon/sdk` in their place.
fn link_types(dir: &Path, sdk: &[(&str, &str)]) -> Result<()> {
    for package in PACKAGES {
        let target = dir.join("node_modules").join(package);
        if target.exists() {
            continue;
        }
        for (name, text) in sdk {
            let text = if *name == "package.json" {
                text.replace("\"name\": \"nango\"", &format!("\"name\": \"{package}\""))
            } else {
                (*text).to_owned()
            };
            write(&target.join(name), &text)?;
        }
    }
    Ok(())
}

/// Writes a file and the folders above it.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}
