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
        let entry = resolved(&entries, entry).with_context(|| id.clone())?;
        let table = entry::convert(id, &entry, &mut left_out).with_context(|| id.clone())?;
        tables.insert(id.clone(), toml::Value::Table(table));
        ids.push(id.clone());
    }
    let toml = toml::to_string_pretty(&tables).context("the converted file cannot be written")?;
    Ok(Converted { toml, ids, left_out })
}

/// An entry with the keys of its alias below its own; an alias outside the file stays a reference.
fn resolved(entries: &Map<String, Value>, entry: &Map<String, Value>) -> Result<Map<String, Value>> {
    let Some(alias) = entry.get("alias").and_then(Value::as_str) else {
        return Ok(entry.clone());
    };
    let Some(Value::Object(base)) = entries.get(alias) else {
        return Ok(entry.clone());
    };
    if base.get("alias").is_some() {
        bail!("an alias of an alias; write out {alias} first");
    }
    let mut merged = base.clone();
    for (name, value) in entry {
        if name != "alias" {
            merged.insert(name.clone(), value.clone());
        }
    }
    Ok(merged)
}

#[cfg(test)]
mod tests;
