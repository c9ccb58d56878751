//! The files behind a function, in the order in which modules are evaluated.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    Bundler, Loaded, Origin,
    module::{Module, Request},
    packages::{
        Found, Lost,
        builtin::{self, NOTHING},
    },
    resolve::{Unresolved, resolve},
    unresolved,
};
use crate::{
    checks::{self, Role},
    diagnostic::Diagnostic,
};

/// Files of packages that one function may bring in; more is a mistake or a package that is not meant for this.
const PACKAGE_FILES_MAX: usize = 5_000;

/// Where an import of a file leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edge {
    /// Another file, by its place in the graph.
    File(usize),
    /// A package that exists at run time.
    Package(String),
    /// Nowhere; the request says whether that is expected.
    Missing,
}

/// The files of one function.
pub struct Graph {
    files: Vec<Arc<Loaded>>,
    /// For each file, where its requests lead.
    pub edges: Vec<Vec<Edge>>,
    /// Places in `files`, dependencies first; the entry is the last.
    pub order: Vec<usize>,
    /// What is wrong with files of packages: it matters if they are used.
    flaws: Vec<(usize, Diagnostic)>,
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

    /// What there is to say about the files that are used.
    pub fn diagnostics(&self, used: &HashSet<usize>) -> Vec<Diagnostic> {
        let of_files = self
            .files
            .iter()
            .enumerate()
            .filter(|(place, _)| used.contains(place))
            .filter_map(|(_, file)| file.as_ref().as_ref().ok())
            .flat_map(|module| module.findings.diagnostics.clone());
        let flaws = self.flaws.iter().filter(|(place, _)| used.contains(place));
        of_files.chain(flaws.map(|(_, flaw)| flaw.clone())).collect()
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
            flaws: Vec::new(),
        },
        errors: Vec::new(),
    };
    collector.visit(path, Role::Function);
    if collector.graph.len() > PACKAGE_FILES_MAX {
        collector.errors.push(
            Diagnostic::error(
                "packages_too_large",
                format!("the packages of this function have more than {PACKAGE_FILES_MAX} files"),
            )
            .in_file(path)
            .hint("import the part that you use (`package/part`), or a smaller package"),
        );
    }
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
        let mut loaded = self.bundler.load(path, role);
        if let Err(diagnostics) = loaded.as_ref()
            && role == Role::Package
        {
            let flaws = diagnostics.iter().map(|diagnostic| (place, diagnostic.clone()));
            self.graph.flaws.extend(flaws);
            loaded = self.bundler.load(NOTHING.0, role);
        }
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
        if self.graph.files.len() <= PACKAGE_FILES_MAX {
            for request in &module.requests {
                edges.push(self.edge(place, module, request));
            }
        }
        if let Some(slot) = self.graph.edges.get_mut(place) {
            *slot = edges;
        }
        self.graph.order.push(place);
        place
    }

    fn edge(&mut self, place: usize, module: &Module, request: &Request) -> Edge {
        if !module.of_package && checks::is_relative(&request.specifier) {
            return self.edge_to_file(module, request);
        }
        if !module.of_package && checks::not_in_functions(&request.specifier).is_some() {
            // The checks have said so, whether it is installed or not.
            return Edge::Missing;
        }
        match self.look_up(module, request) {
            Ok(Found::File(path)) => Edge::File(self.visit(&path, Role::Package)),
            Ok(Found::Sandbox(package)) => Edge::Package(package),
            Err(_) if request.optional => Edge::Missing,
            Err(lost) => {
                let error = unresolved::in_packages(module, request, &lost, self.bundler.is_alone());
                if module.of_package {
                    self.graph.flaws.push((place, error));
                } else {
                    self.errors.push(error);
                }
                Edge::Missing
            }
        }
    }

    fn look_up(&self, module: &Module, request: &Request) -> Result<Found, Lost> {
        let importer = &module.source.path;
        match &self.bundler.packages {
            Some(packages) if module.of_package => {
                packages.of_package_file(importer, &request.specifier, request.asked)
            }
            Some(packages) => packages.of_project(importer, &request.specifier),
            None => match builtin::of_sandbox(&request.specifier) {
                Some(package) => Ok(Found::Sandbox(package.to_owned())),
                None => Err(Lost::NotInstalled(request.specifier.clone())),
            },
        }
    }

    fn edge_to_file(&mut self, module: &Module, request: &Request) -> Edge {
        let resolved = match self.bundler.origin {
            Origin::Folder(root) => resolve(root, &module.source.path, &request.specifier),
            Origin::Text { .. } => Err(Unresolved::Alone),
        };
        match resolved {
            Ok(path) => Edge::File(self.visit(&path, Role::Helper)),
            Err(reason) => {
                self.errors.push(unresolved::in_project(module, request, &reason));
                Edge::Missing
            }
        }
    }
}
