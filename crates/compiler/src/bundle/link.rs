//! Decides what every imported name stands for and what every top-level name is called in the bundle.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{
    analyse::identifier,
    graph::{Edge, Graph},
    module::{Form, Imported, Target},
    names::{Namer, namespace_name, stem},
    packages::manifest::Asked,
    shake,
};
use crate::diagnostic::Diagnostic;

/// Something that has one name in the bundle, however many files call it by other names.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Binding {
    /// A top-level symbol of a file.
    Symbol { file: usize, symbol: usize },
    /// A file as an object.
    Namespace(usize),
    /// A named export of something with `module.exports`.
    Member { source: Source, name: String },
    /// Its `module.exports`; `strict` when it is used as a module object with its own `default`.
    Whole { source: Source, strict: bool },
    /// The default export of a CommonJS file as bundlers have it: `exports.default` if the file was a module once.
    Interop(usize),
    /// The function that runs a CommonJS file at its first call and answers its `module.exports`.
    Factory(usize),
}

/// Something with `module.exports`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// A package of the sandbox.
    Package(String),
    /// A CommonJS file.
    File(usize),
}

/// The outcome of linking.
pub struct Linked {
    /// For each file, what each of its top-level symbols stands for.
    bindings: Vec<Vec<Option<Binding>>>,
    /// What each `require` stands for, by file and request.
    required: HashMap<(usize, usize), Binding>,
    names: HashMap<Binding, String>,
    /// The files that are needed, dependencies first.
    pub order: Vec<usize>,
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

    /// What `symbol` of `file` stands for.
    pub fn binding(&self, file: usize, symbol: usize) -> Option<&Binding> {
        self.bindings.get(file)?.get(symbol)?.as_ref()
    }

    /// What a `require` stands for; None when it must fail.
    pub fn required(&self, file: usize, request: usize) -> Option<&Binding> {
        self.required.get(&(file, request))
    }

    /// The files that are needed.
    pub fn used(&self) -> HashSet<usize> {
        self.order.iter().copied().collect()
    }

    /// The bindings taken from `source`, with their names, sorted.
    pub fn bindings_of(&self, source: &Source) -> Vec<(&Binding, &str)> {
        let mut found: Vec<(&Binding, &str)> = self
            .names
            .iter()
            .filter(|(binding, _)| match binding {
                Binding::Member { source: of, .. } | Binding::Whole { source: of, .. } => of == source,
                Binding::Interop(file) => *source == Source::File(*file),
                Binding::Symbol { .. } | Binding::Namespace(_) | Binding::Factory(_) => false,
            })
            .map(|(binding, name)| (binding, name.as_str()))
            .collect();
        found.sort();
        found
    }
}

/// Links the files of a graph.
pub fn link(graph: &Graph) -> Linked {
    let mut linker = Linker {
        graph,
        linked: Linked {
            bindings: Vec::new(),
            required: HashMap::new(),
            names: HashMap::new(),
            order: Vec::new(),
            namespaces: BTreeSet::new(),
            packages: Vec::new(),
            diagnostics: Vec::new(),
        },
    };
    linker.bind();
    linker.bind_required();
    let used = shake::used(graph, &linker.linked);
    linker.linked.order = graph.order.iter().copied().filter(|file| used.contains(file)).collect();
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
        Edge::Package(_) | Edge::Missing => None,
    });
    in_files.or_else(|| {
        stars().find_map(|edge| {
            Some(Binding::Member {
                source: source_of(graph, edge)?,
                name: name.to_owned(),
            })
        })
    })
}

/// What an edge leads to, if that has `module.exports`.
fn source_of(graph: &Graph, edge: &Edge) -> Option<Source> {
    match edge {
        Edge::Package(package) => Some(Source::Package(package.clone())),
        Edge::File(file) if graph.file(*file).form == Form::Wrapped => Some(Source::File(*file)),
        Edge::File(_) | Edge::Missing => None,
    }
}

fn follow(
    graph: &Graph,
    file: usize,
    request: usize,
    name: &Imported,
    visited: &mut HashSet<(usize, String)>,
) -> Option<Binding> {
    let edge = graph.edges.get(file)?.get(request)?;
    if let Some(source) = source_of(graph, edge) {
        return Some(match (name, source) {
            (Imported::Name(name), Source::File(of)) if name == "default" && !graph.file(file).node_default => {
                Binding::Interop(of)
            }
            // As Node has it for CommonJS: the default export is `module.exports`.
            (Imported::Name(name), source) if name == "default" => Binding::Whole { source, strict: false },
            (Imported::Name(name), source) => Binding::Member {
                source,
                name: name.clone(),
            },
            (Imported::Namespace, source) => Binding::Whole { source, strict: true },
        });
    }
    match (edge, name) {
        (Edge::File(target), Imported::Name(name)) => {
            let found = find_export(graph, *target, name, visited);
            // A package's `main` may be CommonJS, whose default import is everything, beside a `module` without one.
            let whole = name == "default" && graph.file(*target).of_package && !graph.file(file).of_package;
            found.or_else(|| whole.then_some(Binding::Namespace(*target)))
        }
        (Edge::File(target), Imported::Namespace) => Some(Binding::Namespace(*target)),
        (Edge::Package(_) | Edge::Missing, _) => None,
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
                if let (Some(Binding::Whole { strict, .. }), Some(symbol)) = (&mut binding, symbol) {
                    *strict &= symbol.used_whole;
                }
                let used = symbol.is_some_and(|symbol| !symbol.uses.is_empty());
                if binding.is_none() && used && !module.of_package {
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

    /// Finds what every `require` stands for.
    fn bind_required(&mut self) {
        for file in 0..self.graph.len() {
            let edges = self.graph.edges.get(file).into_iter().flatten();
            for (place, (edge, request)) in edges.zip(&self.graph.file(file).requests).enumerate() {
                let binding = match (edge, request.asked) {
                    (Edge::Missing, _) | (_, Asked::Import) => continue,
                    (Edge::Package(package), Asked::Require) => Binding::Whole {
                        source: Source::Package(package.clone()),
                        strict: false,
                    },
                    (Edge::File(target), Asked::Require) => match self.graph.file(*target) {
                        module if module.form == Form::Wrapped => Binding::Factory(*target),
                        module if module.is_json() => Binding::Symbol {
                            file: *target,
                            symbol: 0,
                        },
                        _ => Binding::Namespace(*target),
                    },
                };
                self.linked.required.insert((file, place), binding);
            }
        }
    }

    fn list_packages(&mut self) {
        for file in &self.linked.order {
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
        let used = self.linked.used();
        let of_symbols = self
            .linked
            .bindings
            .iter()
            .enumerate()
            .filter(|(file, _)| used.contains(file));
        let of_symbols = of_symbols.flat_map(|(_, bindings)| bindings.iter().flatten());
        let required = self.linked.required.iter().filter(|((file, _), _)| used.contains(file));
        let mut queue: Vec<usize> = of_symbols
            .chain(required.map(|(_, binding)| binding))
            .filter_map(|binding| match binding {
                Binding::Namespace(file) if used.contains(file) => Some(*file),
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
            Binding::Factory(file) => format!("require_{}", stem(self.graph.file(*file))),
            Binding::Member { .. } | Binding::Whole { .. } | Binding::Interop(_) => local.to_owned(),
        }
    }

    fn name_everything(&mut self) {
        let mut namer = Namer::new(self.graph, &self.linked);
        // The entry comes first and keeps its names; then the files as they are evaluated.
        let entry_first = std::iter::once(0).chain(self.linked.order.iter().copied().filter(|file| *file != 0));
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
        for file in &self.linked.order {
            if self.graph.file(*file).form == Form::Wrapped {
                let factory = Binding::Factory(*file);
                namer.name(&factory, &self.wanted(&factory, ""));
            }
            for request in 0..self.graph.file(*file).requests.len() {
                if let Some(binding) = self.linked.required(*file, request) {
                    let local = match binding {
                        Binding::Whole {
                            source: Source::Package(package),
                            ..
                        } => identifier(package),
                        _ => String::new(),
                    };
                    namer.name(binding, &self.wanted(binding, &local));
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
