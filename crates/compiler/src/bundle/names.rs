//! Names in the bundle: the author's wherever they are free.

use std::collections::{HashMap, HashSet};

use super::{
    analyse::identifier,
    graph::Graph,
    link::{Binding, Linked},
    module::Module,
};

/// Names that the bundle or its surroundings use.
const RESERVED: [&str; 13] = [
    "module",
    "exports",
    "require",
    "__export",
    "__module",
    "__common",
    "__require",
    "__interop",
    "__filename",
    "__dirname",
    "arguments",
    "globalThis",
    "undefined",
];

/// What the object of a file is called, if that is free.
pub fn namespace_name(module: &Module) -> String {
    format!("{}_exports", stem(module))
}

/// A name made from that of the file, or of its folder when that says more.
pub fn stem(module: &Module) -> String {
    let mut parts = module
        .source
        .path
        .rsplit(['/', ':'])
        .map(|part| part.split('.').next().unwrap_or(part));
    let file = parts.next().unwrap_or("");
    identifier(match parts.next() {
        Some(folder) if file == "index" && !folder.is_empty() => folder,
        _ => file,
    })
}

/// Gives names, each once.
pub struct Namer<'g> {
    graph: &'g Graph,
    /// Which files use a binding, and under which name.
    users: HashMap<Binding, Vec<(usize, String)>>,
    /// Every name that occurs anywhere.
    all: HashSet<String>,
    taken: HashSet<String>,
    /// What has a name by now.
    pub names: HashMap<Binding, String>,
}

impl<'g> Namer<'g> {
    /// A namer that knows every name in the files of the bundle.
    pub fn new(graph: &'g Graph, linked: &Linked) -> Self {
        let mut users: HashMap<Binding, Vec<(usize, String)>> = HashMap::new();
        let mut all = HashSet::new();
        let mut taken: HashSet<String> = RESERVED.iter().map(|name| (*name).to_owned()).collect();
        for file in linked.order.iter().copied() {
            let module = graph.file(file);
            all.extend(module.nested.iter().cloned());
            all.extend(module.globals.iter().cloned());
            all.extend(module.symbols.iter().map(|symbol| symbol.name.clone()));
            taken.extend(module.globals.iter().cloned());
            for (index, symbol) in module.symbols.iter().enumerate() {
                if let Some(binding) = linked.binding(file, index) {
                    users
                        .entry(binding.clone())
                        .or_default()
                        .push((file, symbol.name.clone()));
                }
            }
            for request in 0..module.requests.len() {
                if let Some(binding) = linked.required(file, request) {
                    users.entry(binding.clone()).or_default().push((file, String::new()));
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

    /// Gives `binding` the wanted name, or one like it.
    pub fn name(&mut self, binding: &Binding, wanted: &str) {
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
