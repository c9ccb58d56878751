//! Which files a bundle needs: packages that say that loading them does nothing are taken in by the file.

use std::collections::HashSet;

use super::{
    graph::{Edge, Graph},
    link::{Binding, Linked, Source, export_names, resolve_export},
    packages::manifest::Asked,
};

/// The places of the files that the entry needs.
pub fn used(graph: &Graph, linked: &Linked) -> HashSet<usize> {
    let mut shaker = Shaker {
        graph,
        used: HashSet::new(),
        namespaces: HashSet::new(),
        queue: vec![0],
    };
    for export in export_names(graph, 0) {
        if let Some(binding) = resolve_export(graph, 0, &export) {
            shaker.want(&binding);
        }
    }
    while let Some(file) = shaker.queue.pop() {
        if shaker.used.insert(file) {
            shaker.follow(linked, file);
        }
    }
    shaker.used
}

struct Shaker<'g> {
    graph: &'g Graph,
    used: HashSet<usize>,
    namespaces: HashSet<usize>,
    queue: Vec<usize>,
}

impl Shaker<'_> {
    fn follow(&mut self, linked: &Linked, file: usize) {
        let module = self.graph.file(file);
        let edges = self.graph.edges.get(file).into_iter().flatten();
        for (edge, request) in edges.zip(&module.requests) {
            if let Edge::File(target) = edge
                && (request.asked == Asked::Require || self.graph.file(*target).has_side_effects)
            {
                self.queue.push(*target);
            }
        }
        for (index, symbol) in module.symbols.iter().enumerate() {
            if !symbol.uses.is_empty()
                && let Some(binding) = linked.binding(file, index)
            {
                self.want(binding);
            }
        }
        for request in 0..module.requests.len() {
            if let Some(binding) = linked.required(file, request) {
                self.want(binding);
            }
        }
    }

    fn want(&mut self, binding: &Binding) {
        match binding {
            Binding::Symbol { file, .. }
            | Binding::Interop(file)
            | Binding::Factory(file)
            | Binding::Member {
                source: Source::File(file),
                ..
            }
            | Binding::Whole {
                source: Source::File(file),
                ..
            } => self.queue.push(*file),
            Binding::Namespace(file) => {
                self.queue.push(*file);
                if self.namespaces.insert(*file) {
                    for export in export_names(self.graph, *file) {
                        if let Some(inner) = resolve_export(self.graph, *file, &export) {
                            self.want(&inner);
                        }
                    }
                }
            }
            Binding::Member { .. } | Binding::Whole { .. } => {}
        }
    }
}
