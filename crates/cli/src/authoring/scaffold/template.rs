//! A function template, copied into a project.

use std::path::Path;

use anyhow::{Result, bail};
use tenon_catalog::library::FunctionTemplate;

use super::create::{Listed, check_name, list_function};
use super::files::write;
use crate::failure::Failure;

/// What was written, by path inside the project.
#[derive(Debug, Default)]
pub struct Added {
    /// The function.
    pub function: String,
    /// Its fixtures.
    pub fixtures: Vec<String>,
    /// Whether `index.ts` lists it; a folder without one is a bare folder of integrations.
    pub listed: bool,
}

/// Writes the template and its fixtures below `dir`, and adds it to `index.ts` when there is one. Files that differ are
/// only replaced with `force`, and without it nothing at all is written.
pub fn add(dir: &Path, template: &FunctionTemplate, integration: &str, force: bool) -> Result<Added> {
    check_name("integration", integration)?;
    let stem = format!("{integration}/{}/{}", template.folder, template.name);
    let mut added = Added {
        function: format!("{stem}.ts"),
        ..Added::default()
    };
    let mut files = vec![(added.function.clone(), template.source)];
    for (file, text) in template.fixtures {
        let path = format!("{integration}/tests/{file}");
        added.fixtures.push(path.clone());
        files.push((path, *text));
    }
    let differs = |path: &str, text: &str| std::fs::read_to_string(dir.join(path)).is_ok_and(|present| present != text);
    let in_the_way: Vec<&str> = files
        .iter()
        .filter(|(path, text)| differs(path, text))
        .map(|(path, _)| path.as_str())
        .collect();
    if !in_the_way.is_empty() && !force {
        bail!(Failure::new(
            "file_exists",
            format!(
                "nothing was written: {} would be overwritten; pass --force for that",
                in_the_way.join(", ")
            )
        ));
    }
    for (path, text) in &files {
        write(&dir.join(path), text)?;
    }
    added.listed = list_function(dir, &stem)? != Listed::Nowhere;
    Ok(added)
}

#[cfg(test)]
mod tests;
