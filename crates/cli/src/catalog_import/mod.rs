//! Converting provider entries of the incumbent's YAML format into ours.
//!
//! What has a counterpart is converted, what is the engine's default here is dropped, and what has no counterpart is
//! named, so that nobody believes that it still works.

mod entry;
mod template;

use anyhow::{Context, Result, bail};
use serde_json::{Map, Value};

/// A converted file.
#[derive(Debug)]
pub struct Converted {
    /// The file's text.
    pub toml: String,
    /// Entries in it.
    pub ids: Vec<String>,
    /// What was left out, with its entry.
    pub left_out: Vec<String>,
}

/// Converts a file of entries keyed by id.
///
/// # Errors
/// When the text is not YAML, or holds no entries.
pub fn convert(yaml: &str, vendor: &str) -> Result<Converted> {
    let file: Value = serde_yaml_ng::from_str(yaml).context("the file is not YAML")?;
    let Value::Object(entries) = file else {
        bail!("the file holds no entries; expected a map from provider id to entry");
    };
    let mut left_out = Vec::new();
    let mut tables = toml::Table::new();
    let mut header = toml::Table::new();
    header.insert("name".to_owned(), toml::Value::String(vendor.to_owned()));
    tables.insert("vendor".to_owned(), toml::Value::Table(header));
    let mut ids = Vec::new();
    for (id, entry) in &entries {
        let Value::Object(entry) = entry else {
            bail!("{id}: expected a map of settings");
        };
        // One entry that cannot be converted does not keep the others back.
        let converted = resolved(&entries, entry).and_then(|entry| entry::convert(id, &entry, &mut left_out));
        match converted {
            Ok(table) => {
                tables.insert(id.clone(), toml::Value::Table(table));
                ids.push(id.clone());
            }
            Err(error) => left_out.push(format!("{id}: the whole entry, because {error:#}")),
        }
    }
    if ids.is_empty() {
        bail!("no entry could be converted: {}", left_out.join("; "));
    }
    let toml = toml::to_string_pretty(&tables).context("the converted file cannot be written")?;
    Ok(Converted { toml, ids, left_out })
}

/// Longest chain of aliases; a longer one is a circle.
const ALIASES_MAX: usize = 8;

/// An entry with the keys of its alias below its own, and those of that one's alias below them; an alias outside the file
/// stays a reference.
fn resolved(entries: &Map<String, Value>, entry: &Map<String, Value>) -> Result<Map<String, Value>> {
    let mut merged = entry.clone();
    for _ in 0..ALIASES_MAX {
        let base = merged
            .get("alias")
            .and_then(Value::as_str)
            .and_then(|alias| entries.get(alias));
        let Some(Value::Object(base)) = base else {
            return Ok(merged);
        };
        merged.shift_remove("alias");
        let mut lower = base.clone();
        lower.extend(merged);
        merged = lower;
    }
    bail!("its aliases form a circle")
}

#[cfg(test)]
mod tests;
