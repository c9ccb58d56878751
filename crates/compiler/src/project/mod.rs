//! Finds the functions of a project (functions contract, 1.1).
//!
//! A project is a folder with an `index.ts` whose side-effect imports name the functions. A folder without
//! an index but with `<integration>/<kind>/<name>.ts` files is accepted as well: that is how collections of
//! functions are published.

mod index;

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{diagnostic::Diagnostic, source::SourceFile};

/// The folder that holds a function, which is what deploying goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Folder {
    /// `syncs/`
    Syncs,
    /// `actions/`
    Actions,
    /// `on-events/`
    OnEvents,
    /// `functions/`, the home of `createFunction`
    Functions,
}

impl Folder {
    /// Every folder, in the order in which a bare project is read.
    pub const ALL: [Self; 4] = [Self::Syncs, Self::Actions, Self::OnEvents, Self::Functions];

    /// Its name on disk.
    pub fn name(self) -> &'static str {
        match self {
            Self::Syncs => "syncs",
            Self::Actions => "actions",
            Self::OnEvents => "on-events",
            Self::Functions => "functions",
        }
    }

    /// The folder with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|folder| folder.name() == name)
    }
}

/// One function file.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Entry {
    /// Path inside the project: `github/syncs/issues.ts`.
    pub path: String,
    /// First segment of the path; equals the integration's unique key on the server.
    pub integration: String,
    /// File name without extension.
    pub name: String,
    /// The folder the file is in, when it is one of the four that mean something.
    pub folder: Option<Folder>,
}

impl Entry {
    /// Reads integration and name off a path inside the project.
    pub fn from_path(path: &str) -> Option<Self> {
        let mut segments = path.split('/');
        let integration = segments.next()?;
        let rest: Vec<&str> = segments.collect();
        let (file, folders) = rest.split_last()?;
        let name = file.rsplit_once('.').map_or(*file, |(stem, _)| stem);
        if integration.is_empty() || name.is_empty() {
            return None;
        }
        Some(Self {
            path: path.to_owned(),
            integration: integration.to_owned(),
            name: name.to_owned(),
            folder: folders.last().and_then(|folder| Folder::from_name(folder)),
        })
    }

    /// Name of the bundle under `build/`: `github_syncs_issues.cjs`.
    pub fn bundle_name(&self) -> String {
        let stem = self.path.rsplit_once('.').map_or(self.path.as_str(), |(stem, _)| stem);
        format!("{}.cjs", stem.replace(['/', '\\'], "_"))
    }
}

/// How the functions were found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// An `index.ts` lists them.
    Indexed,
    /// No index: every file in a `syncs`, `actions`, `on-events` or `functions` folder.
    Bare,
}

/// The function files of a project, and what was wrong with the list.
#[derive(Debug)]
pub struct ProjectFiles {
    /// The project's folder, absolute and without links.
    pub root: PathBuf,
    /// How the list was made.
    pub layout: Layout,
    /// The functions, in the order of the index (or of their paths).
    pub entries: Vec<Entry>,
    /// Findings about the list itself.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads the list of functions of the project in `dir`.
///
/// Never fails: what is wrong with the folder is a diagnostic, so that a caller reports it like any other.
pub fn load(dir: &Path) -> ProjectFiles {
    let mut project = ProjectFiles {
        root: dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf()),
        layout: Layout::Indexed,
        entries: Vec::new(),
        diagnostics: Vec::new(),
    };
    if !project.root.is_dir() {
        project.diagnostics.push(Diagnostic::error(
            "project_not_found",
            format!("there is no folder {}", dir.display()),
        ));
        return project;
    }
    let index = project.root.join("index.ts");
    match fs::read_to_string(&index) {
        Ok(text) => index::read(&mut project, &SourceFile::new("index.ts", text)),
        Err(_) if project.root.join("nango.yaml").is_file() => project.diagnostics.push(
            Diagnostic::error("project_outdated", "the project is described by nango.yaml, a format that is no longer compiled")
                .in_file("nango.yaml")
                .hint("move each function into its own TypeScript file with createSync or createAction, and list the files in index.ts"),
        ),
        Err(_) => {
            project.layout = Layout::Bare;
            project.entries = function_files(&project.root);
        }
    }
    if project.entries.is_empty() && project.diagnostics.is_empty() {
        project.diagnostics.push(
            Diagnostic::error("project_empty", format!("no functions found in {}", dir.display()))
                .hint("run `tenon init` to make a project, or list the functions in index.ts: import './github/syncs/issues.js';"),
        );
    }
    check_names(&mut project);
    project
}

/// Every `<integration>/<kind>/<name>.ts` below `root`, sorted by path, whatever an index says.
pub fn function_files(root: &Path) -> Vec<Entry> {
    let mut entries = Vec::new();
    for integration in folder_names(root) {
        for folder in Folder::ALL {
            let dir = root.join(&integration).join(folder.name());
            for file in file_names(&dir) {
                let is_function = file.ends_with(".ts") && !file.ends_with(".d.ts") && !file.ends_with(".test.ts");
                if is_function {
                    entries.extend(Entry::from_path(&format!("{integration}/{}/{file}", folder.name())));
                }
            }
        }
    }
    entries
}

fn folder_names(dir: &Path) -> Vec<String> {
    names(dir, |path| path.is_dir())
        .into_iter()
        .filter(|name| !name.starts_with('.') && name != "node_modules")
        .collect()
}

fn file_names(dir: &Path) -> Vec<String> {
    names(dir, |path| path.is_file())
}

fn names(dir: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| wanted(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    names
}

/// Whether the server accepts it as the name of an integration or a function: `^[a-zA-Z0-9_-]+$`, 255 characters at most.
pub(crate) fn is_name(name: &str) -> bool {
    let known = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    (1..=255).contains(&name.len()) && name.bytes().all(known)
}

/// What a name may look like, for hints.
pub(crate) const NAMES_HINT: &str = "use letters, digits, `-` and `_` only, 255 characters at most";

/// Says before a deploy does which names are refused.
fn check_names(project: &mut ProjectFiles) {
    for entry in &project.entries {
        for (what, name) in [("integration", &entry.integration), ("function", &entry.name)] {
            if !is_name(name) {
                project.diagnostics.push(
                    Diagnostic::error("invalid_name", format!("`{name}` cannot be the name of a {what}"))
                        .in_file(&entry.path)
                        .hint(NAMES_HINT),
                );
            }
        }
    }
}
