//! Turns a function and the files it imports into one CommonJS text.
//!
//! The files are joined in one scope, in the order in which they would be evaluated as modules, with clashing
//! top-level names renamed. That keeps the semantics of modules without a loader: bindings are live because
//! they are the same variable, functions are hoisted across circular imports, and a variable that is read too
//! early fails as it would in a module. Packages stay as `require("x")`; the SDK vanishes.

mod analyse;
mod common;
mod edit;
mod emit;
mod graph;
mod link;
mod missing;
mod module;
mod names;
mod packages;
mod resolve;
mod shake;
mod source_map;
mod unresolved;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use crate::{checks::Role, diagnostic::Diagnostic};

pub use missing::missing_imports;
use module::Module;
use packages::{Packages, package_of};
pub use source_map::BundleMap;

/// JavaScript of packages in one bundle. A worker keeps bundles of this size ready; more would make starting a function slow.
const PACKAGE_BYTES_MAX: usize = 4 << 20;

/// A finished bundle.
#[derive(Debug)]
pub struct Bundle {
    /// CommonJS text with an inline source map as its last line.
    pub js: String,
    /// The entry's TypeScript, as written.
    pub ts: String,
    /// Whether the entry calls checkpoint methods on `nango`.
    pub uses_checkpoints: bool,
    /// Errors that keep the bundle from being used, and warnings.
    pub diagnostics: Vec<Diagnostic>,
}

/// Where files come from.
#[derive(Debug, Clone, Copy)]
enum Origin<'p> {
    /// The folder of a project.
    Folder(&'p Path),
    /// One text that is not on disk: nothing beside it can be imported.
    Text {
        /// Path that it is known by.
        path: &'p str,
        /// What it says.
        text: &'p str,
    },
}

/// The files of one project, each read, checked and stripped once however many functions import it.
pub struct Bundler<'p> {
    origin: Origin<'p>,
    /// None: the function comes alone.
    packages: Option<Packages>,
    files: Mutex<HashMap<(String, Role), Arc<Loaded>>>,
}

type Loaded = Result<Module, Vec<Diagnostic>>;

impl<'p> Bundler<'p> {
    /// A bundler for the project in `root`.
    pub fn new(root: &'p Path) -> Self {
        Self::from_origin(Origin::Folder(root))
    }

    /// A bundler for one self-contained function. It never looks at the file system.
    pub fn of_text(path: &'p str, text: &'p str) -> Self {
        Self::from_origin(Origin::Text { path, text })
    }

    fn from_origin(origin: Origin<'p>) -> Self {
        Self {
            packages: match origin {
                Origin::Folder(root) => Some(Packages::of(root)),
                Origin::Text { .. } => None,
            },
            origin,
            files: Mutex::new(HashMap::new()),
        }
    }

    /// Whether the function comes as one text, without a project.
    fn is_alone(&self) -> bool {
        self.packages.is_none()
    }

    /// Bundles the function at `path` (inside the project).
    pub fn bundle(&self, path: &str) -> Result<Bundle, Vec<Diagnostic>> {
        let graph = graph::collect(self, path)?;
        let linked = link::link(&graph);
        let mut diagnostics = graph.diagnostics(&linked.used());
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Err(diagnostics);
        }
        diagnostics.extend(linked.diagnostics.iter().cloned());
        diagnostics.extend(too_large(&graph, &linked));
        if diagnostics.iter().any(Diagnostic::is_error) {
            return Err(diagnostics);
        }
        let entry = graph.entry();
        Ok(Bundle {
            js: emit::emit(&graph, &linked),
            ts: entry.source.text.clone(),
            uses_checkpoints: entry.findings.uses_checkpoints,
            diagnostics,
        })
    }

    /// The file at `path`, loaded at the first request.
    fn load(&self, path: &str, role: Role) -> Arc<Loaded> {
        let key = (path.to_owned(), role);
        if let Some(known) = self.lock().get(&key) {
            return Arc::clone(known);
        }
        let loaded = Arc::new(match (&self.packages, role) {
            (Some(packages), Role::Package) => {
                module::load_package_file(packages.root(), path, packages.traits_of(path))
            }
            _ => module::load(self.origin, path, role),
        });
        self.lock().entry(key).or_insert_with(|| Arc::clone(&loaded)).clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, Role), Arc<Loaded>>> {
        self.files.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// The finding that the packages are more than a function should carry, with those that are the most of it.
fn too_large(graph: &graph::Graph, linked: &link::Linked) -> Option<Diagnostic> {
    let mut sizes: HashMap<&str, usize> = HashMap::new();
    for module in linked.order.iter().map(|file| graph.file(*file)) {
        if let Some(package) = package_of(&module.source.path) {
            *sizes.entry(package).or_default() += module.js.len();
        }
    }
    let total: usize = sizes.values().sum();
    if total <= PACKAGE_BYTES_MAX {
        return None;
    }
    let mut largest: Vec<(&str, usize)> = sizes.into_iter().collect();
    largest.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), *name));
    let largest: Vec<String> = largest
        .iter()
        .take(3)
        .map(|(name, bytes)| format!("{name} {} kB", bytes / 1024))
        .collect();
    let message = format!(
        "the packages of this function are {} kB of JavaScript, and {} kB are allowed",
        total / 1024,
        PACKAGE_BYTES_MAX / 1024
    );
    let hint = format!(
        "the largest are {}; import the part that you use (`package/part`), or a smaller package",
        largest.join(", ")
    );
    Some(
        Diagnostic::error("packages_too_large", message)
            .in_file(&graph.entry().source.path)
            .hint(hint),
    )
}
