//! Projects of the older style, described by `nango.yaml`: read once, to be written anew as TypeScript definitions.
//!
//! Nothing is guessed. What has no counterpart is a finding with its file and line, and then no file is made.

mod config;
mod define;
mod model;
mod outline;
mod script;
mod types;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::{diagnostic::Diagnostic, project::Folder, source::SourceFile};
use config::{Config, Function};
use script::Script;

const CONFIG: &str = "nango.yaml";
/// Folders without sources of functions. Tests call functions in a way that the new style does not have.
const SKIPPED: [&str; 5] = ["node_modules", "build", "dist", "tests", "mocks"];

/// The same project in the current style.
#[derive(Debug, Default)]
pub struct Migration {
    /// Files by path inside the project, with their text.
    pub files: Vec<(String, String)>,
    /// Files that have no place in the new project.
    pub obsolete: Vec<String>,
    /// What cannot be translated. With an error among them there are no files.
    pub diagnostics: Vec<Diagnostic>,
}

/// Translates the project in `dir`; writes nothing.
pub fn migrate(dir: &Path) -> Migration {
    let mut migration = Migration::default();
    let Ok(text) = fs::read_to_string(dir.join(CONFIG)) else {
        let message = format!("there is no {CONFIG} in {}", dir.display());
        let hint = "run the command in the folder of a project of the older style, or name it";
        migration
            .diagnostics
            .push(Diagnostic::error("project_not_found", message).hint(hint));
        return migration;
    };
    let source = SourceFile::new(CONFIG, text);
    let config = Config::read(&source, &mut migration.diagnostics);
    migration.add_models(&source, &config);
    migration.add_sources(dir, &source, &config);
    if migration.diagnostics.iter().any(Diagnostic::is_error) {
        migration.files.clear();
        migration.obsolete.clear();
    } else {
        migration.obsolete.push(CONFIG.to_owned());
    }
    migration
}

impl Migration {
    fn add_models(&mut self, source: &SourceFile, config: &Config) {
        if config.models.is_empty() {
            return;
        }
        let text = model::file(source, &config.models, &mut self.diagnostics);
        self.files.push(("models.ts".to_owned(), text));
    }

    fn add_sources(&mut self, dir: &Path, source: &SourceFile, config: &Config) {
        let texts = texts(dir);
        let imported: BTreeSet<String> = texts.iter().flat_map(script::imported_files).collect();
        let files: BTreeSet<String> = texts.iter().map(|text| text.path.clone()).collect();
        let mut index = String::new();
        let mut done = BTreeSet::new();
        for function in &config.functions {
            let path = function.path();
            let Some(text) = function
                .sources()
                .find_map(|at| texts.iter().find(|text| text.path == at))
            else {
                let message = format!(
                    "there is no file {path} for the {} `{}`",
                    function.kind.word(),
                    function.name
                );
                self.diagnostics.push(
                    Diagnostic::error("function_not_found", message)
                        .at(source, function.at.start, function.at.end)
                        .hint("create it, or remove the entry"),
                );
                continue;
            };
            let script = Script {
                source: text,
                path: &path,
                models: &config.models,
                files: &files,
            };
            done.insert(text.path.clone());
            match script.function(function, source, imported.contains(&text.path)) {
                Ok(rewritten) => self.files.push((path.clone(), rewritten)),
                Err(findings) => self.diagnostics.extend(findings),
            }
            if text.path != path {
                self.obsolete.push(text.path.clone());
            }
            index.push_str(&format!("import './{}.js';\n", path.trim_end_matches(".ts")));
        }
        for text in texts.iter().filter(|text| !done.contains(&text.path)) {
            let script = Script {
                source: text,
                path: &text.path,
                models: &config.models,
                files: &files,
            };
            match script.helper() {
                Ok(Some(rewritten)) => self.files.push((text.path.clone(), rewritten)),
                Ok(None) => {}
                Err(findings) => self.diagnostics.extend(findings),
            }
        }
        self.files.push(("index.ts".to_owned(), index));
    }
}

impl Function {
    /// Where its file is in the new project.
    fn path(&self) -> String {
        let folder = self.kind.folder().name();
        format!("{}/{folder}/{}.ts", self.integration, self.name)
    }

    /// Where its file may be in the old one, the likeliest place first.
    fn sources(&self) -> impl Iterator<Item = String> {
        let (integration, name) = (&self.integration, &self.name);
        let nested = self.path();
        let hooks = (self.kind.folder() == Folder::OnEvents)
            .then(|| format!("{integration}/post-connection-scripts/{name}.ts"));
        [Some(nested), hooks, Some(format!("{name}.ts"))].into_iter().flatten()
    }
}

/// Every TypeScript file of the project that functions may be made of.
fn texts(dir: &Path) -> Vec<SourceFile> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(dir.join(&folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = folder.join(&name);
            let kind = entry.file_type().ok();
            if kind.is_some_and(|kind| kind.is_dir()) {
                if !name.starts_with('.') && !SKIPPED.contains(&name.as_str()) {
                    folders.push(path);
                }
                continue;
            }
            let shown = path.to_string_lossy().replace('\\', "/");
            let is_source = name.ends_with(".ts")
                && !name.ends_with(".d.ts")
                && !name.ends_with(".test.ts")
                && !["models.ts", "index.ts", "vite.config.ts", "vitest.setup.ts"].contains(&shown.as_str());
            if is_source && let Ok(text) = fs::read_to_string(dir.join(&path)) {
                found.push(SourceFile::new(shown, text));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}
