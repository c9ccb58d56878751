//! The files behind a function, in the order in which modules are evaluated.

use std::{collections::HashMap, sync::Arc};

use super::{
    Bundler, Loaded, Origin,
    module::Module,
    resolve::{Unresolved, resolve},
};
use crate::{
    checks::{self, Role},
    diagnostic::Diagnostic,
};

/// Where an import of a file leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// Another file, by its place in the graph.
    File(usize),
    /// A package that exists at run time.
    Package(String),
}

/// The files of one function.
pub struct Graph {
    files: Vec<Arc<Loaded>>,
    /// For each file, where its requests lead.
    pub edges: Vec<Vec<Edge>>,
    /// Places in `files`, dependencies first; the entry is the last.
    pub order: Vec<usize>,
}

impl Graph {
    /// The file with this place in the graph.
    #[expect(
        clippy::panic,
        reason = "`collect` fails when a file cannot be loaded, so every file of a graph is one"
    )]
    pub fn file(&self, index: usize) -> &Module {
        match self.files.get(index).map(AsRef::as_ref) {
            Some(Ok(module)) => module,
            Some(Err(_)) | None => panic!("file {index} is not part of the graph"),
        }
    }

    /// The function's own file.
    pub fn entry(&self) -> &Module {
        self.file(0)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// What the checks said about any of the files.
    pub fn diagnostics(&self) -> Vec<Diagnostic> {
        self.files
            .iter()
            .filter_map(|file| file.as_ref().as_ref().ok())
            .flat_map(|m| m.findings.diagnostics.clone())
            .collect()
    }
}

/// Loads the function at `path` and everything it imports.
pub fn collect(bundler: &Bundler<'_>, path: &str) -> Result<Graph, Vec<Diagnostic>> {
    let mut collector = Collector {
        bundler,
        places: HashMap::new(),
        graph: Graph {
            files: Vec::new(),
            edges: Vec::new(),
            order: Vec::new(),
        },
        errors: Vec::new(),
    };
    collector.visit(path, Role::Function);
    if collector.errors.is_empty() {
        Ok(collector.graph)
    } else {
        Err(collector.errors)
    }
}

struct Collector<'b, 'p> {
    bundler: &'b Bundler<'p>,
    places: HashMap<String, usize>,
    graph: Graph,
    errors: Vec<Diagnostic>,
}

impl Collector<'_, '_> {
    fn visit(&mut self, path: &str, role: Role) -> usize {
        if let Some(place) = self.places.get(path) {
            return *place;
        }
        let place = self.graph.files.len();
        self.places.insert(path.to_owned(), place);
        let loaded = self.bundler.load(path, role);
        self.graph.files.push(Arc::clone(&loaded));
        self.graph.edges.push(Vec::new());
        let module = match loaded.as_ref() {
            Ok(module) => module,
            Err(diagnostics) => {
                self.errors.extend(diagnostics.iter().cloned());
                return place;
            }
        };
        let mut edges = Vec::with_capacity(module.requests.len());
        for request in &module.requests {
            edges.push(self.edge(module, &request.specifier, request.at));
        }
        if let Some(slot) = self.graph.edges.get_mut(place) {
            *slot = edges;
        }
        self.graph.order.push(place);
        place
    }

    fn edge(&mut self, module: &Module, specifier: &str, at: usize) -> Edge {
        if !checks::is_relative(specifier) {
            return Edge::Package(specifier.to_owned());
        }
        let resolved = match self.bundler.origin {
            Origin::Folder(root) => resolve(root, &module.source.path, specifier),
            Origin::Text { .. } => Err(Unresolved::Alone),
        };
        match resolved {
            Ok(path) => Edge::File(self.visit(&path, Role::Helper)),
            Err(reason) => {
                self.errors.push(unresolved(module, specifier, at, &reason));
                Edge::Package(specifier.to_owned())
            }
        }
    }
}

fn unresolved(module: &Module, specifier: &str, at: usize, reason: &Unresolved) -> Diagnostic {
    // The mark of the specifier may be missing in the map; the text itself is certain to be there.
    let near = module.source_offset(at);
    let found = module
        .source
        .text
        .match_indices(specifier)
        .map(|(at, _)| at)
        .min_by_key(|at| at.abs_diff(near));
    let start = found.unwrap_or(near);
    let (code, message, hint) = match reason {
        Unresolved::Missing => (
            "import_not_found",
            format!("there is no file for `{specifier}`"),
            "the path is relative to this file; `./x.js` means the file `./x.ts`",
        ),
        Unresolved::Outside => (
            "path_outside_project",
            format!("`{specifier}` leaves the project folder"),
            "everything a function uses must be inside its project; copy the file",
        ),
        Unresolved::Unsupported => (
            "import_not_supported",
            format!("`{specifier}` is not a kind of file that can be bundled"),
            "TypeScript, JavaScript modules and JSON can be imported",
        ),
        Unresolved::Alone => (
            "import_not_found",
            format!("`{specifier}` is another file, and this function comes alone"),
            "put everything it uses into the one file, or deploy a project with `tenon deploy`",
        ),
    };
    Diagnostic::error(code, message)
        .at(&module.source, start, start + specifier.len())
        .hint(hint)
}
