//! Writes the bundle.

use std::fmt::Write as _;

use super::{
    edit::{Part, Replacement, apply},
    graph::{Edge, Graph},
    link::{Binding, Linked, Source, export_names, resolve_export},
    module::{Form, Module},
    packages::manifest::Asked,
    source_map::MapBuilder,
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

/// A CommonJS file as a function that runs it at its first call.
const COMMON_HELPER: &str = r#"var __common = (body) => {
  var module;
  return () => {
    if (!module) {
      module = { exports: {}, children: [], loaded: false };
      body.call(module.exports, module.exports, module);
      module.loaded = true;
    }
    return module.exports;
  };
};
"#;

/// The default export of a file that may have been a module before it became CommonJS.
const INTEROP_HELPER: &str =
    "var __interop = (source) => source && source.__esModule && \"default\" in source ? source.default : source;\n";

/// What a package gets for a file that is not part of the bundle.
const REQUIRE_HELPER: &str = r#"var __require = (name) => {
  var error = new Error(`Cannot find module '${name}': a function has only what was bundled with it`);
  error.code = "MODULE_NOT_FOUND";
  throw error;
};
"#;

/// The text of the bundle, source map included.
pub fn emit(graph: &Graph, linked: &Linked) -> String {
    let mut out = String::from("\"use strict\";\n");
    out.push_str(EXPORT_HELPER);
    write_helpers(&mut out, graph, linked);
    let _ = writeln!(out, "module.exports = __export({});", members(graph, linked, 0));
    for package in &linked.packages {
        let expression = format!("require({})", serde_json::Value::from(package.as_str()));
        write_source(&mut out, linked, &Source::Package(package.clone()), expression, true);
    }
    for file in &linked.namespaces {
        if let Some(name) = linked.name_of(&Binding::Namespace(*file)) {
            let _ = writeln!(out, "var {name} = __export({});", members(graph, linked, *file));
        }
    }
    let mut map = MapBuilder::default();
    for file in &linked.order {
        let module = graph.file(*file);
        let _ = writeln!(out, "\n// {}", module.source.path);
        let factory = match module.form {
            Form::Wrapped => linked.name_of(&Binding::Factory(*file)),
            Form::Joined => None,
        };
        if let Some(name) = factory {
            let _ = writeln!(out, "var {name} = __common(function (exports, module) {{");
        }
        let first_line = out.matches('\n').count() as u32;
        let (text, moved) = module_text(module, *file, linked);
        map.add(
            &module.source,
            &text,
            first_line,
            module.marks.iter().copied().zip(moved),
            !module.of_package,
        );
        out.push_str(&text);
        if !text.ends_with('\n') && !text.is_empty() {
            out.push('\n');
        }
        if let Some(name) = factory {
            out.push_str("});\n");
            let needed = is_run(graph, linked, *file);
            write_source(&mut out, linked, &Source::File(*file), format!("{name}()"), needed);
        }
    }
    let _ = writeln!(out, "//# sourceMappingURL={}", map.into_data_url());
    out
}

fn write_helpers(out: &mut String, graph: &Graph, linked: &Linked) {
    let files = || linked.order.iter().map(|file| graph.file(*file));
    let packages = linked.packages.iter().map(|package| Source::Package(package.clone()));
    let wrapped = linked.order.iter().map(|file| Source::File(*file));
    let bindings: Vec<&Binding> = packages
        .chain(wrapped)
        .flat_map(|source| linked.bindings_of(&source))
        .map(|(binding, _)| binding)
        .collect();
    if bindings
        .iter()
        .any(|binding| matches!(binding, Binding::Whole { strict: true, .. }))
    {
        out.push_str(MODULE_HELPER);
    }
    if files().any(|module| module.form == Form::Wrapped) {
        out.push_str(COMMON_HELPER);
    }
    if files().any(|module| module.of_package) {
        out.push_str(REQUIRE_HELPER);
    }
    if bindings.iter().any(|binding| matches!(binding, Binding::Interop(_))) {
        out.push_str(INTEROP_HELPER);
    }
}

/// Whether a module imports this CommonJS file, so that it runs where it stands and not at the first `require`.
fn is_run(graph: &Graph, linked: &Linked, file: usize) -> bool {
    linked.order.iter().any(|importer| {
        let edges = graph.edges.get(*importer).into_iter().flatten();
        edges
            .zip(&graph.file(*importer).requests)
            .any(|(edge, request)| *edge == Edge::File(file) && request.asked == Asked::Import)
    })
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

/// The variables that hold what is taken from something with `module.exports`, which `expression` answers. It is
/// written once, whatever is taken, and also for its effects alone when it is `needed`.
fn write_source(out: &mut String, linked: &Linked, source: &Source, expression: String, needed: bool) {
    let bindings = linked.bindings_of(source);
    let mut expression = expression;
    let whole = |wanted: bool| {
        bindings
            .iter()
            .find(|(binding, _)| matches!(binding, Binding::Whole { strict, .. } if *strict == wanted))
    };
    if let Some((_, name)) = whole(false) {
        let _ = writeln!(out, "var {name} = {expression};");
        (*name).clone_into(&mut expression);
    }
    if let Some((_, name)) = whole(true) {
        let _ = writeln!(out, "var {name} = __module({expression});");
        // Once made, its members are read from it; a file's function answers the same object each time.
        if matches!(source, Source::Package(_)) {
            (*name).clone_into(&mut expression);
        }
    }
    let interop = bindings
        .iter()
        .find(|(binding, _)| matches!(binding, Binding::Interop(_)));
    if let Some((_, name)) = interop {
        let _ = writeln!(out, "var {name} = __interop({expression});");
    }
    let members: Vec<String> = bindings
        .iter()
        .filter_map(|(binding, name)| match binding {
            Binding::Member { name: member, .. } if member == name => Some(key(member)),
            Binding::Member { name: member, .. } => Some(format!("{}: {name}", key(member))),
            Binding::Whole { .. }
            | Binding::Interop(_)
            | Binding::Factory(_)
            | Binding::Symbol { .. }
            | Binding::Namespace(_) => None,
        })
        .collect();
    if !members.is_empty() {
        let _ = writeln!(out, "var {{ {} }} = {expression};", members.join(", "));
    } else if bindings.is_empty() && needed {
        let _ = writeln!(out, "{expression};");
    }
}

/// The file's text under its final names, and the new offsets of its marks.
fn module_text(module: &Module, file: usize, linked: &Linked) -> (String, Vec<usize>) {
    let mut replacements: Vec<Replacement> = module
        .edits
        .iter()
        .map(|edit| {
            let text = edit.parts.iter().map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Name(symbol) => linked.name(file, *symbol).unwrap_or("").to_owned(),
                Part::Required(request) => required(module, file, *request, linked),
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

/// What stands in the place of `require("x")`.
fn required(module: &Module, file: usize, request: usize, linked: &Linked) -> String {
    let binding = linked.required(file, request);
    match binding.and_then(|binding| Some((binding, linked.name_of(binding)?))) {
        Some((Binding::Factory(_), name)) => format!("{name}()"),
        Some((_, name)) => name.to_owned(),
        None => {
            let specifier = module
                .requests
                .get(request)
                .map_or("", |request| request.specifier.as_str());
            format!("__require({})", serde_json::Value::from(specifier))
        }
    }
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
