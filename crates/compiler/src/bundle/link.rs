//! Decides what every imported name stands for and what every top-level name is called in the bundle.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    analyse::identifier,
    graph::{Edge, Graph},
    module::{Imported, Module, Target},
};
use crate::diagnostic::Diagnostic;

/// Something that has one name in the bundle, however many files call it by other names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Binding {
    /// A top-level symbol of a file.
    Symbol { file: usize, symbol: usize },
    /// A file as an object.
    Namespace(usize),
    /// A named export of a package.
    Member { package: String, name: String },
    /// A package as a whole; `strict` when it is used as a module object with its own `default`.
    Package { package: String, strict: bool },
}

/// The outcome of linking.
pub struct Linked {
    /// For each file, what each of its top-level symbols stands for.
    bindings: Vec<Vec<Option<Binding>>>,
    names: HashMap<Binding, String>,
    /// Files that some other file uses as an object.
    pub namespaces: BTreeSet<usize>,
    /// Packages in the order of their first import.
    pub packages: Vec<String>,
    /// Imports of names that do not exist.
    pub diagnostics: Vec<Diagnostic>,
}

impl Linked {
    /// What `symbol` of `file` is called in the bundle.
    pub fn name(&self, file: usize, symbol: usize) -> Option<&str> {
        let binding = self.bindings.get(file)?.get(symbol)?.as_ref()?;
        self.names.get(binding).map(String::as_str)
    }

    /// The name of a binding.
    pub fn name_of(&self, binding: &Binding) -> Option<&str> {
        self.names.get(binding).map(String::as_str)
    }

    /// The bindings taken from `package`, with their names, sorted.
    pub fn bindings_of(&self, package: &str) -> Vec<(&Binding, &str)> {
        let mut found: Vec<(&Binding, &str)> = self
            .names
            .iter()
            .filter(|(binding, _)| match binding {
                Binding::Member { package: of, .. } | Binding::Package { package: of, .. } => of == package,
                Binding::Symbol { .. } | Binding::Namespace(_) => false,
            })
            .map(|(binding, name)| (binding, name.as_str()))
            .collect();
        found.sort();
        found
    }
}

/// Names that the bundle or its surroundings use.
const RESERVED: [&str; 10] = [
    "module",
    "exports",
    "require",
    "__export",
    "__module",
    "__filename",
    "__dirname",
    "arguments",
    "globalThis",
    "undefined",
];

/// Links the files of a graph.
pub fn link(graph: &Graph) -> Linked {
    let mut linker = Linker {
        graph,
        linked: Linked {
            bindings: Vec::new(),
            names: HashMap::new(),
            namespaces: BTreeSet::new(),
            packages: Vec::new(),
            diagnostics: Vec::new(),
        },
    };
    linker.bind();
    linker.list_packages();
    linker.list_namespaces();
    linker.name_everything();
    linker.linked
}

/// The exports of a file by name, `export *` included.
pub fn export_names(graph: &Graph, file: usize) -> Vec<String> {
    let mut names = Vec::new();
    collect_names(graph, file, &mut names, &mut HashSet::new());
    names
}

fn collect_names(graph: &Graph, file: usize, names: &mut Vec<String>, visited: &mut HashSet<usize>) {
    if !visited.insert(file) {
        return;
    }
    let module = graph.file(file);
    let own = visited.len() == 1;
    for export in &module.exports {
        if (own || export.name != "default") && !names.contains(&export.name) {
            names.push(export.name.clone());
        }
    }
    for star in &module.stars {
        if let Some(Edge::File(target)) = graph.edges.get(file).and_then(|edges| edges.get(*star)) {
            collect_names(graph, *target, names, visited);
        }
    }
}

/// What the export `name` of `file` stands for.
pub fn resolve_export(graph: &Graph, file: usize, name: &str) -> Option<Binding> {
    find_export(graph, file, name, &mut HashSet::new())
}

fn find_export(graph: &Graph, file: usize, name: &str, visited: &mut HashSet<(usize, String)>) -> Option<Binding> {
    if !visited.insert((file, name.to_owned())) {
        return None;
    }
    let module = graph.file(file);
    if let Some(export) = module.exports.iter().find(|export| export.name == name) {
        return match &export.target {
            Target::Local(symbol) => match module.imports.iter().find(|import| import.symbol == *symbol) {
                Some(import) => follow(graph, file, import.request, &import.name, visited),
                None => Some(Binding::Symbol { file, symbol: *symbol }),
            },
            Target::From { request, name } => follow(graph, file, *request, name, visited),
        };
    }
    if name == "default" {
        return None;
    }
    let edges = graph.edges.get(file)?;
    let stars = || module.stars.iter().filter_map(|star| edges.get(*star));
    let in_files = stars().find_map(|edge| match edge {
        Edge::File(target) => find_export(graph, *target, name, visited),
        Edge::Package(_) => None,
    });
    in_files.or_else(|| {
        stars().find_map(|edge| match edge {
            Edge::Package(package) => Some(Binding::Member {
                package: package.clone(),
                name: name.to_owned(),
            }),
            Edge::File(_) => None,
        })
    })
}

fn follow(
    graph: &Graph,
    file: usize,
    request: usize,
    name: &Imported,
    visited: &mut HashSet<(usize, String)>,
) -> Option<Binding> {
    match (graph.edges.get(file)?.get(request)?, name) {
        (Edge::File(target), Imported::Name(name)) => find_export(graph, *target, name, visited),
        (Edge::File(target), Imported::Namespace) => Some(Binding::Namespace(*target)),
        (Edge::Package(package), Imported::Name(name)) if name == "default" => {
            // As Node has it for CommonJS packages: the default export is the package.
            Some(Binding::Package {
                package: package.clone(),
                strict: false,
            })
        }
        (Edge::Package(package), Imported::Name(name)) => Some(Binding::Member {
            package: package.clone(),
            name: name.clone(),
        }),
        (Edge::Package(package), Imported::Namespace) => Some(Binding::Package {
            package: package.clone(),
            strict: true,
        }),
    }
}

struct Linker<'g> {
    graph: &'g Graph,
    linked: Linked,
}

impl Linker<'_> {
    /// Finds what every symbol of every file stands for.
    fn bind(&mut self) {
        for file in 0..self.graph.len() {
            let module = self.graph.file(file);
            let mut bindings: Vec<Option<Binding>> = (0..module.symbols.len())
                .map(|symbol| Some(Binding::Symbol { file, symbol }))
                .collect();
            for import in &module.imports {
                let mut binding = follow(self.graph, file, import.request, &import.name, &mut HashSet::new());
                let symbol = module.symbols.get(import.symbol);
                if let (Some(Binding::Package { strict, .. }), Some(symbol)) = (&mut binding, symbol) {
                    *strict &= symbol.used_whole;
                }
                if binding.is_none() && symbol.is_some_and(|symbol| !symbol.uses.is_empty()) {
                    self.linked.diagnostics.push(missing_export(
                        self.graph,
                        file,
                        import.symbol,
                        import.request,
                        &import.name,
                    ));
                }
                if let Some(slot) = bindings.get_mut(import.symbol) {
                    *slot = binding;
                }
            }
            self.linked.bindings.push(bindings);
        }
    }

    fn list_packages(&mut self) {
        for file in &self.graph.order {
            for edge in self.graph.edges.get(*file).into_iter().flatten() {
                if let Edge::Package(package) = edge
                    && !self.linked.packages.contains(package)
                {
                    self.linked.packages.push(package.clone());
                }
            }
        }
    }

    /// Namespace objects may hold others, so this goes on until nothing new is found.
    fn list_namespaces(&mut self) {
        let mut queue: Vec<usize> = self
            .linked
            .bindings
            .iter()
            .flatten()
            .filter_map(|binding| match binding {
                Some(Binding::Namespace(file)) => Some(*file),
                _ => None,
            })
            .collect();
        while let Some(file) = queue.pop() {
            if !self.linked.namespaces.insert(file) {
                continue;
            }
            for name in export_names(self.graph, file) {
                if let Some(Binding::Namespace(inner)) = resolve_export(self.graph, file, &name) {
                    queue.push(inner);
                }
            }
        }
    }

    /// The name that reads best: the one in the file that defines the thing.
    fn wanted(&self, binding: &Binding, local: &str) -> String {
        match binding {
            Binding::Symbol { file, symbol } => self
                .graph
                .file(*file)
                .symbols
                .get(*symbol)
                .map_or(local, |symbol| &symbol.name)
                .to_owned(),
            Binding::Namespace(file) => namespace_name(self.graph.file(*file)),
            Binding::Member { .. } | Binding::Package { .. } => local.to_owned(),
        }
    }

    fn name_everything(&mut self) {
        let mut namer = Namer::new(self.graph, &self.linked);
        // The entry comes first and keeps its names; then the files as they are evaluated.
        let entry_first = std::iter::once(0).chain(self.graph.order.iter().copied().filter(|file| *file != 0));
        for file in entry_first {
            let module = self.graph.file(file);
            let bindings: Vec<_> = self
                .linked
                .bindings
                .get(file)
                .into_iter()
                .flatten()
                .zip(&module.symbols)
                .collect();
            let is_own = |binding: &Binding| matches!(binding, Binding::Symbol { file: of, .. } if *of == file);
            for own in [true, false] {
                for (binding, symbol) in &bindings {
                    match binding {
                        Some(binding) if is_own(binding) == own => {
                            namer.name(binding, &self.wanted(binding, &symbol.name))
                        }
                        _ => {}
                    }
                }
            }
        }
        for file in &self.linked.namespaces {
            namer.name(&Binding::Namespace(*file), &namespace_name(self.graph.file(*file)));
            // What is exported through an object without being imported by name.
            for export in export_names(self.graph, *file) {
                if let Some(binding) = resolve_export(self.graph, *file, &export) {
                    namer.name(&binding, &export);
                }
            }
        }
        // The entry may pass on what it never names itself.
        for export in export_names(self.graph, 0) {
            if let Some(binding) = resolve_export(self.graph, 0, &export) {
                namer.name(&binding, if export == "default" { "entry_default" } else { &export });
            }
        }
        self.linked.names = namer.names;
    }
}

fn namespace_name(module: &Module) -> String {
    let file = module.source.path.rsplit('/').next().unwrap_or("");
    format!("{}_exports", identifier(file.split('.').next().unwrap_or(file)))
}

struct Namer<'g> {
    graph: &'g Graph,
    /// Which files use a binding, and under which name.
    users: HashMap<Binding, Vec<(usize, String)>>,
    /// Every name that occurs anywhere.
    all: HashSet<String>,
    taken: HashSet<String>,
    names: HashMap<Binding, String>,
}

impl<'g> Namer<'g> {
    fn new(graph: &'g Graph, linked: &Linked) -> Self {
        let mut users: HashMap<Binding, Vec<(usize, String)>> = HashMap::new();
        let mut all = HashSet::new();
        let mut taken: HashSet<String> = RESERVED.iter().map(|name| (*name).to_owned()).collect();
        for file in 0..graph.len() {
            let module = graph.file(file);
            all.extend(module.nested.iter().cloned());
            all.extend(module.globals.iter().cloned());
            all.extend(module.symbols.iter().map(|symbol| symbol.name.clone()));
            taken.extend(module.globals.iter().cloned());
            for (index, symbol) in module.symbols.iter().enumerate() {
                if let Some(Some(binding)) = linked.bindings.get(file).and_then(|bindings| bindings.get(index)) {
                    users
                        .entry(binding.clone())
                        .or_default()
                        .push((file, symbol.name.clone()));
                }
            }
        }
        Self {
            graph,
            users,
            all,
            taken,
            names: HashMap::new(),
        }
    }

    fn name(&mut self, binding: &Binding, wanted: &str) {
        if self.names.contains_key(binding) {
            return;
        }
        let name = if self.is_free(binding, wanted) {
            wanted.to_owned()
        } else {
            self.fresh(wanted)
        };
        self.taken.insert(name.clone());
        self.names.insert(binding.clone(), name);
    }

    /// Whether `name` can be used everywhere without meaning something else there.
    fn is_free(&self, binding: &Binding, name: &str) -> bool {
        let shadowed = self
            .users
            .get(binding)
            .into_iter()
            .flatten()
            .any(|(file, local)| local != name && self.graph.file(*file).nested.contains(name));
        !self.taken.contains(name) && !shadowed && is_identifier(name)
    }

    fn fresh(&self, wanted: &str) -> String {
        let stem = identifier(wanted);
        (2..)
            .map(|number: u32| format!("{stem}{number}"))
            .find(|name| !self.all.contains(name) && !self.taken.contains(name))
            .unwrap_or(stem)
    }
}

/// Exports may have any text as name; such a text cannot become a variable.
fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    let start = |c: char| c.is_alphabetic() || c == '_' || c == '$';
    characters.next().is_some_and(start)
        && characters.all(|c| start(c) || c.is_numeric())
        && !matches!(
            name,
            "default" | "class" | "function" | "delete" | "new" | "in" | "if" | "import" | "export" | "return"
        )
}

fn missing_export(graph: &Graph, file: usize, symbol: usize, request: usize, name: &Imported) -> Diagnostic {
    let module = graph.file(file);
    let specifier = module
        .requests
        .get(request)
        .map_or("", |request| request.specifier.as_str());
    let name = match name {
        Imported::Name(name) => name.as_str(),
        Imported::Namespace => "*",
    };
    let place = module.symbols.get(symbol).and_then(|symbol| symbol.uses.first());
    let offset = place.map_or(0, |place| module.source_offset(place.start));
    let length = place.map_or(1, |place| place.end - place.start);
    let message = if name == "default" {
        format!("`{specifier}` has no default export")
    } else {
        format!("`{specifier}` does not export `{name}`")
    };
    Diagnostic::error("missing_export", message)
        .at(&module.source, offset, offset + length)
        .hint("check the spelling, or export it there; types are imported with `import type`")
}
