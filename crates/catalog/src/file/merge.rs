//! Inheritance by field: `extends`, `without`, `env` and the vendor's defaults.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::Fault;
use super::source::{Source, is_id};

/// An entry with everything it inherits.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub id: String,
    pub file: String,
    pub line: Option<usize>,
    pub vendor: String,
    pub vendor_docs: Option<String>,
    /// Production entry and environment name, for a variant.
    pub variant_of: Option<(String, String)>,
    pub table: Table,
}

/// Keys whose short form (a text or a list) stands for a table with `url`.
const WITH_URL: &[&str] = &["authorize", "token", "refresh", "request_token", "exchange"];
/// Keys of an entry that are never inherited.
const OWN: &[&str] = &["synonyms", "example", "env", "extends", "without", "listing"];

struct Node<'a> {
    source: &'a Source,
    table: Table,
    line: Option<usize>,
    /// The declared parent, or the production entry of an environment.
    parent: Option<String>,
    variant_of: Option<(String, String)>,
}

/// Finds the complete table of an entry in the layer below, which may be extended (and replaced).
pub type Below<'b> = &'b dyn Fn(&str) -> Option<Table>;

/// Resolves every entry of the files.
pub fn resolve(sources: &[&Source], below: Below<'_>) -> (Vec<Resolved>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut nodes: BTreeMap<String, Node<'_>> = BTreeMap::new();
    let mut order = Vec::new();
    for source in sources.iter().copied() {
        for (id, table, line) in &source.entries {
            for (id, node) in expand(source, id, table, *line, &mut faults) {
                match nodes.get(&id) {
                    Some(other) => {
                        let message = format!("the id is already used in {}; choose another", other.source.file);
                        faults.push(fault(source, &id, *line, None, message));
                    }
                    None => {
                        order.push(id.clone());
                        nodes.insert(id, node);
                    }
                }
            }
        }
    }
    let mut resolved = Vec::new();
    for id in &order {
        match merged(id, &nodes, below, &mut Vec::new()) {
            Ok(table) => {
                if let Some(node) = nodes.get(id) {
                    resolved.push(Resolved {
                        id: id.clone(),
                        file: node.source.file.clone(),
                        line: node.line,
                        vendor: node.source.vendor.name.clone(),
                        vendor_docs: node.source.vendor.docs.clone(),
                        variant_of: node.variant_of.clone(),
                        table,
                    });
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    (resolved, faults)
}

/// An entry and its environments.
fn expand<'a>(
    source: &'a Source,
    id: &str,
    table: &Table,
    line: Option<usize>,
    faults: &mut Vec<Fault>,
) -> Vec<(String, Node<'a>)> {
    let mut table = long_form(table);
    let parent = match table.remove("extends") {
        None => None,
        Some(Value::String(parent)) => Some(parent),
        Some(_) => {
            faults.push(fault(
                source,
                id,
                line,
                Some("extends"),
                "write the id of one entry".to_owned(),
            ));
            None
        }
    };
    let environments = match table.remove("env") {
        None => Table::new(),
        Some(Value::Table(environments)) => environments,
        Some(_) => {
            faults.push(fault(
                source,
                id,
                line,
                Some("env"),
                "write a table per environment".to_owned(),
            ));
            Table::new()
        }
    };
    let mut expanded = vec![(
        id.to_owned(),
        Node {
            source,
            table,
            line,
            parent,
            variant_of: None,
        },
    )];
    for (name, value) in environments {
        let Value::Table(own) = value else {
            faults.push(fault(
                source,
                id,
                line,
                Some(&format!("env.{name}")),
                "write a table".to_owned(),
            ));
            continue;
        };
        let mut own = long_form(&own);
        let variant = match own.remove("id") {
            Some(Value::String(variant)) if is_id(&variant) => variant,
            None => format!("{id}-{name}"),
            Some(_) => {
                let message = "an id has lower-case letters, digits and dashes only".to_owned();
                faults.push(fault(source, id, line, Some(&format!("env.{name}.id")), message));
                continue;
            }
        };
        let variant_of = Some((id.to_owned(), name.clone()));
        expanded.push((
            variant,
            Node {
                source,
                table: own,
                line,
                parent: Some(id.to_owned()),
                variant_of,
            },
        ));
    }
    expanded
}

fn merged(
    id: &str,
    nodes: &BTreeMap<String, Node<'_>>,
    below: Below<'_>,
    visiting: &mut Vec<String>,
) -> Result<Table, Fault> {
    let Some(node) = nodes.get(id) else {
        // Only parents are asked for by name, and callers check that they exist.
        return Ok(below(id).unwrap_or_default());
    };
    visiting.push(id.to_owned());
    let at = |key: &str, message: String| fault(node.source, id, node.line, Some(key), message);
    let mut table = match &node.parent {
        // An entry that extends its own id refines the one of the layer below.
        Some(parent) if parent == id => match below(parent) {
            Some(table) => table,
            None => return Err(at("extends", "an entry cannot extend itself".to_owned())),
        },
        Some(parent) if visiting.contains(parent) => {
            return Err(at(
                "extends",
                format!("{} extend each other in a circle", visiting.join(", ")),
            ));
        }
        Some(parent) => {
            let mut inherited = match nodes.contains_key(parent) {
                true => merged(parent, nodes, below, visiting)?,
                false => match below(parent) {
                    Some(table) => table,
                    None => return Err(at("extends", format!("there is no entry `{parent}`"))),
                },
            };
            for key in OWN {
                inherited.remove(*key);
            }
            inherited
        }
        None => long_form(&node.source.vendor.defaults),
    };
    visiting.pop();
    let mut own = node.table.clone();
    match own.remove("without") {
        None => {}
        Some(Value::Array(paths)) => {
            for path in paths {
                let removed = path.as_str().is_some_and(|path| remove(&mut table, path));
                if !removed {
                    return Err(at("without", format!("{path} is not inherited; drop it from the list")));
                }
            }
        }
        Some(_) => return Err(at("without", "write a list of inherited keys".to_owned())),
    }
    overlay(&mut table, own);
    Ok(table)
}

/// Merges tables key by key; everything else replaces.
fn overlay(base: &mut Table, over: Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Table(below)), Value::Table(above)) => overlay(below, above),
            (_, value) => drop(base.insert(key, value)),
        }
    }
}

fn remove(table: &mut Table, path: &str) -> bool {
    match path.split_once('.') {
        None => table.remove(path).is_some(),
        Some((first, rest)) => match table.get_mut(first) {
            Some(Value::Table(inner)) => remove(inner, rest),
            _ => table.remove(path).is_some(),
        },
    }
}

/// `token = "https://…"` becomes `token.url`, so that an heir can add to it.
fn long_form(table: &Table) -> Table {
    let mut long = table.clone();
    for key in WITH_URL {
        if let Some(short @ (Value::String(_) | Value::Array(_))) = long.get(*key).cloned() {
            long.insert(
                (*key).to_owned(),
                Value::Table(Table::from_iter([("url".to_owned(), short)])),
            );
        }
    }
    long
}

fn fault(source: &Source, entry: &str, line: Option<usize>, key: Option<&str>, message: String) -> Fault {
    Fault {
        file: source.file.clone(),
        line,
        entry: Some(entry.to_owned()),
        key: key.map(str::to_owned),
        message,
    }
}
