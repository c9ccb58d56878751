//! Writes the bundle.

use std::fmt::Write as _;

use super::{
    edit::{Part, Replacement, apply},
    graph::Graph,
    link::{Binding, Linked, export_names, resolve_export},
    module::Module,
    source_map::SourceMap,
};

/// Makes an object whose members are read at the moment of use, as those of a module are.
const EXPORT_HELPER: &str = r#"var __export = (members) => {
  var target = Object.defineProperty({}, "__esModule", { value: true });
  for (var name in members) Object.defineProperty(target, name, { get: members[name], enumerable: true });
  return target;
};
"#;

/// A package as a module object: its members, and itself as `default`.
const MODULE_HELPER: &str = r#"var __module = (source) => {
  var target = { default: source };
  for (let name of Object.getOwnPropertyNames(source))
    if (name !== "default") Object.defineProperty(target, name, { get: () => source[name], enumerable: true });
  return target;
};
"#;

/// The text of the bundle, source map included.
pub fn emit(graph: &Graph, linked: &Linked) -> String {
    let mut out = String::from("\"use strict\";\n");
    out.push_str(EXPORT_HELPER);
    if linked.packages.iter().any(|package| is_strict(linked, package)) {
        out.push_str(MODULE_HELPER);
    }
    let _ = writeln!(out, "module.exports = __export({});", members(graph, linked, 0));
    for package in &linked.packages {
        write_package(&mut out, linked, package);
    }
    for file in &linked.namespaces {
        if let Some(name) = linked.name_of(&Binding::Namespace(*file)) {
            let _ = writeln!(out, "var {name} = __export({});", members(graph, linked, *file));
        }
    }
    let mut map = SourceMap::default();
    for file in &graph.order {
        let module = graph.file(*file);
        let _ = writeln!(out, "\n// {}", module.source.path);
        let first_line = out.matches('\n').count() as u32;
        let (text, moved) = module_text(module, *file, linked);
        map.add(
            &module.source,
            &text,
            first_line,
            module.marks.iter().copied().zip(moved),
        );
        out.push_str(&text);
        if !text.ends_with('\n') && !text.is_empty() {
            out.push('\n');
        }
    }
    let _ = writeln!(out, "//# sourceMappingURL={}", map.to_data_url());
    out
}

fn is_strict(linked: &Linked, package: &str) -> bool {
    linked
        .bindings_of(package)
        .iter()
        .any(|(binding, _)| matches!(binding, Binding::Package { strict: true, .. }))
}

/// `{ default: () => sync, name: () => name }`
fn members(graph: &Graph, linked: &Linked, file: usize) -> String {
    let members: Vec<String> = export_names(graph, file)
        .into_iter()
        .filter_map(|export| {
            let binding = resolve_export(graph, file, &export)?;
            let name = linked.name_of(&binding)?;
            Some(format!("{}: () => {name}", key(&export)))
        })
        .collect();
    if members.is_empty() {
        "{}".to_owned()
    } else {
        format!("{{ {} }}", members.join(", "))
    }
}

fn key(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if plain {
        name.to_owned()
    } else {
        serde_json::Value::from(name).to_string()
    }
}

/// One `require` per package, whatever is taken from it.
fn write_package(out: &mut String, linked: &Linked, package: &str) {
    let bindings = linked.bindings_of(package);
    let mut source = format!("require({})", serde_json::Value::from(package));
    let whole = |wanted: bool| {
        bindings
            .iter()
            .find(|(binding, _)| matches!(binding, Binding::Package { strict, .. } if *strict == wanted))
    };
    if let Some((_, name)) = whole(false) {
        let _ = writeln!(out, "var {name} = {source};");
        (*name).clone_into(&mut source);
    }
    if let Some((_, name)) = whole(true) {
        let _ = writeln!(out, "var {name} = __module({source});");
        (*name).clone_into(&mut source);
    }
    let members: Vec<String> = bindings
        .iter()
        .filter_map(|(binding, name)| match binding {
            Binding::Member { name: member, .. } if member == name => Some(key(member)),
            Binding::Member { name: member, .. } => Some(format!("{}: {name}", key(member))),
            Binding::Package { .. } | Binding::Symbol { .. } | Binding::Namespace(_) => None,
        })
        .collect();
    if !members.is_empty() {
        let _ = writeln!(out, "var {{ {} }} = {source};", members.join(", "));
    } else if bindings.is_empty() {
        let _ = writeln!(out, "{source};");
    }
}

/// The file's text under its final names, and the new offsets of its marks.
fn module_text(module: &Module, file: usize, linked: &Linked) -> (String, Vec<usize>) {
    let mut replacements: Vec<Replacement> = module
        .edits
        .iter()
        .map(|edit| {
            let text = edit.parts.iter().map(|part| match part {
                Part::Text(text) => text.as_str(),
                Part::Name(symbol) => linked.name(file, *symbol).unwrap_or(""),
            });
            Replacement {
                start: edit.start,
                end: edit.end,
                text: text.collect(),
            }
        })
        .collect();
    for (index, symbol) in module.symbols.iter().enumerate() {
        let name = linked.name(file, index).unwrap_or("undefined");
        if name == symbol.name {
            continue;
        }
        for place in &symbol.uses {
            let text = if place.shorthand {
                format!("{}: {name}", symbol.name)
            } else {
                name.to_owned()
            };
            replacements.push(Replacement {
                start: place.start,
                end: place.end,
                text,
            });
        }
    }
    apply(&module.js, replacements, &offsets(module))
}

/// The byte offsets of a module's marks in its JavaScript.
fn offsets(module: &Module) -> Vec<usize> {
    let mut lines = module.js.split_inclusive('\n');
    let mut line = lines.next().unwrap_or("");
    let (mut number, mut start) = (0, 0);
    let mut offsets = Vec::with_capacity(module.marks.len());
    for mark in &module.marks {
        while number < mark.line {
            start += line.len();
            line = lines.next().unwrap_or("");
            number += 1;
        }
        offsets.push(start + byte_column(line, mark.column as usize));
    }
    offsets
}

fn byte_column(line: &str, units: usize) -> usize {
    if line.is_ascii() {
        return units.min(line.len());
    }
    let mut left = units;
    for (at, character) in line.char_indices() {
        if left == 0 {
            return at;
        }
        left = left.saturating_sub(character.len_utf16());
    }
    line.len()
}
